//! Moments with a name: thin lines, and labels that never lie on each other.

use super::super::font::Font;
use super::super::scene::{Anchor, Shape};
use super::axes::Frame;
use super::{DIM, ROW, Sheet};
use crate::text::{clean, shorten};

const SIZE: f32 = 11.0;
/// Columns of the longest label.
const LONGEST: usize = 28;

/// The markers with their places.
pub(super) struct Labels {
    /// Lines, no two in one pixel.
    lines: Vec<f32>,
    labels: Vec<Label>,
    /// Rows of labels.
    pub rows: usize,
    /// Markers without a label: no row had room, or they lie outside of the readings.
    pub unnamed: usize,
}

struct Label {
    x: f32,
    row: usize,
    anchor: Anchor,
    text: String,
}

impl Labels {
    /// Gives each marker, by time, the first of `most` rows that has room.
    pub(super) fn place(markers: &[(f64, String)], frame: &Frame, font: &Font, most: usize) -> Labels {
        let mut order: Vec<&(f64, String)> = markers.iter().filter(|(at, _)| at.is_finite()).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut out = Labels { lines: Vec::new(), labels: Vec::new(), rows: 0, unnamed: 0 };
        let mut taken = vec![f32::NEG_INFINITY; most];
        // What happened between two readings at an end belongs to it.
        let slack = (frame.span.1 - frame.span.0) * 0.02;
        for (at, name) in order {
            if *at < frame.span.0 - slack || *at > frame.span.1 + slack {
                out.unnamed += 1;
                continue;
            }
            let x = frame.x(*at);
            if out.lines.last().is_none_or(|last| x - last >= 1.0) {
                out.lines.push(x);
            }
            let text = shorten(&clean(name), LONGEST);
            let width = font.width(&text, SIZE) * 1.15;
            let flip = x + width + 4.0 > frame.right + 20.0;
            let (from, to) = if flip { (x - width - 4.0, x) } else { (x, x + width + 4.0) };
            match taken.iter().position(|end| *end + 6.0 <= from).filter(|_| from >= 0.0) {
                Some(row) => {
                    taken[row] = to;
                    out.rows = out.rows.max(row + 1);
                    let (anchor, x) = if flip { (Anchor::End, x - 3.0) } else { (Anchor::Start, x + 3.0) };
                    out.labels.push(Label { x, row, anchor, text });
                }
                None => out.unnamed += 1,
            }
        }
        out
    }

    /// Lines over the whole height, each up to its label.
    pub(super) fn draw(&self, sheet: &mut Sheet, frame: &Frame) {
        let y = |row: usize| frame.top - 6.0 - (self.rows - 1 - row) as f32 * ROW;
        for &x in &self.lines {
            let points = vec![(x, frame.top), (x, frame.bottom)];
            sheet.push(Shape::Line { points, color: DIM.faint(150), width: 1.0, dash: Some(2.0) });
        }
        for label in &self.labels {
            let x = if label.anchor == Anchor::End { label.x + 3.0 } else { label.x - 3.0 };
            let points = vec![(x, y(label.row) - 10.0), (x, frame.top)];
            sheet.push(Shape::Line { points, color: DIM.faint(150), width: 1.0, dash: Some(2.0) });
        }
        for label in &self.labels {
            let Label { x, anchor, text, .. } = label;
            let (y, text) = (y(label.row), text.clone());
            sheet.push(Shape::Text { x: *x, y, size: SIZE, anchor: *anchor, color: DIM, rim: true, text });
        }
    }
}
