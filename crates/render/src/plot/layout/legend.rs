//! What the lines are called, below the plot.

use super::super::data::Data;
use super::super::scene::{Anchor, Color, Shape};
use super::{COLORS, DIM, EDGE, INK, OTHERS, ROW, Sheet, TEXT};
use crate::text::shorten;

/// Columns of the longest name.
const LONGEST: usize = 32;
const SWATCH: f32 = 22.0;

/// A name beside a piece of its line.
struct Entry {
    color: Color,
    width: f32,
    name: String,
}

impl Sheet {
    /// Takes its rows from the bottom of the sheet. A single line needs no legend but its name.
    pub(super) fn legend(&mut self, data: &Data) {
        let mut entries: Vec<Entry> = Vec::new();
        entries.extend(data.total.as_ref().map(|sum| Entry { color: INK, width: 2.0, name: sum.name.clone() }));
        let numbered = data.named.len() > 1;
        for (i, curve) in data.named.iter().enumerate() {
            let name = shorten(&curve.name, LONGEST);
            let name = if numbered { format!("{}  {name}", i + 1) } else { name };
            entries.push(Entry { color: COLORS[i], width: 1.6, name });
        }
        entries.extend(data.others_named().map(|name| Entry { color: OTHERS, width: 1.0, name }));
        entries.retain(|entry| !entry.name.is_empty());
        let mut rows: Vec<Vec<(f32, Entry)>> = Vec::new();
        let mut x = f32::INFINITY;
        for entry in entries {
            let width = SWATCH + 6.0 + self.font.width(&entry.name, TEXT) * 1.15 + 16.0;
            if x + width > self.scene.width - EDGE || rows.is_empty() {
                rows.push(Vec::new());
                x = EDGE;
            }
            if let Some(row) = rows.last_mut() {
                row.push((x, entry));
            }
            x += width;
        }
        for row in rows.into_iter().rev() {
            let y = self.bottom - 4.0;
            for (x, Entry { color, width, name }) in row {
                let points = vec![(x, y - 4.0), (x + SWATCH, y - 4.0)];
                self.push(Shape::Line { points, color, width: width + 0.6, dash: None });
                self.text((x + SWATCH + 6.0, y), TEXT, Anchor::Start, DIM, name);
            }
            self.bottom -= ROW;
        }
    }
}
