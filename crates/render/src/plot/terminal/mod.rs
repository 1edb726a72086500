//! The plot in characters: braille, eight dots a cell, or ASCII.

mod grid;

use memsight_model::Bytes;

use self::grid::{Glyphs, Grid};
use super::data::{Curve, Data, thin};
use super::ticks;
use super::{Plot, TIME, ascii_sparkline, sparkline};
use crate::text::{Style, Tone, clean, columns, shorten};

/// More lines than these are a tangle in characters.
const NAMED: usize = 4;
/// From so many columns on, the axis of time has a name.
const ROOMY: usize = 60;
/// Sizes beyond which no terminal goes.
const LARGEST: usize = 1000;

/// `plot` in at most `width` columns and `height` lines; from 20 x 5, below that a [`sparkline`]. Lines are told apart
/// by the number behind their end, and by colour if `style` has colours. Cost: linear in the points.
pub fn terminal(plot: &Plot, width: usize, height: usize, style: &Style, ascii_only: bool) -> String {
    let (width, height) = (width.min(LARGEST), height.min(LARGEST));
    let Some(mut data) = Data::of(plot) else { return format!("{}\n", shorten("no samples", width.max(1))) };
    if width < 20 || height < 5 {
        let values: Vec<f64> = data.main().map(|curve| curve.points.iter().map(|p| p.1).collect()).unwrap_or_default();
        let line = if ascii_only { ascii_sparkline(&values, width) } else { sparkline(&values, width) };
        return line + "\n";
    }
    data.others += data.named.len().saturating_sub(NAMED);
    data.named.truncate(NAMED);
    let glyphs = if ascii_only { Glyphs::ASCII } else { Glyphs::UNICODE };
    Screen { plot, data, width, style, glyphs }.draw(height)
}

/// What is drawn, and where.
struct Screen<'a> {
    plot: &'a Plot,
    data: Data<'a>,
    width: usize,
    style: &'a Style,
    glyphs: Glyphs,
}

/// Where the readings go.
struct Window {
    /// Columns of the labels of bytes.
    margin: usize,
    rows: usize,
    columns: usize,
    span: (f64, f64),
    ceiling: f64,
    ticks: Vec<ticks::Tick>,
}

impl Screen<'_> {
    fn draw(&self, height: usize) -> String {
        let title = height >= 8;
        let legend = height >= 10 && self.data.named.len() > 1;
        let markers = height >= 10 && !self.plot.markers.is_empty();
        let rows = height - 2 - [title, legend, markers].into_iter().filter(|row| *row).count();
        let window = self.window(rows);
        let mut out = String::new();
        if title {
            out += &self.title();
        }
        if markers {
            out += &self.markers(&window);
        }
        out += &self.readings(&window);
        out += &self.axis(&window);
        if legend {
            out += &self.legend();
        }
        // No spaces at the ends of lines.
        out.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    fn window(&self, rows: usize) -> Window {
        let (start, end) = self.data.span;
        let highest = self.data.highest();
        let limit = self.plot.limit.filter(|limit| limit.is_finite() && *limit <= highest * 3.0).unwrap_or(0.0);
        let ceiling = highest.max(limit).max(1024.0) * 1.02;
        let ticks = ticks::bytes(ceiling, (rows / 3).clamp(1, 8));
        let margin = ticks.iter().map(|tick| columns(&tick.1)).max().unwrap_or(0) + 1;
        // The axis, and the number behind the end of a line.
        let columns = self.width.saturating_sub(margin + 3).max(1);
        Window { margin, rows, columns, span: (start, if end > start { end } else { start + 1.0 }), ceiling, ticks }
    }

    /// What was watched, and its peak at the right side.
    fn title(&self) -> String {
        let peak = self.data.main().map(|curve| {
            let (at, bytes) = curve.peak;
            format!("peak {} at {}", Bytes(bytes.max(0.0) as u64), ticks::moment(at, self.data.span))
        });
        let peak = peak.filter(|peak| columns(peak) + 12 < self.width).unwrap_or_default();
        let title = shorten(&clean(&self.plot.title), self.width - columns(&peak) - usize::from(!peak.is_empty()));
        let gap = " ".repeat(self.width - columns(&title) - columns(&peak));
        format!("{}{gap}{}\n", self.style.paint(Tone::Strong, &title), self.style.paint(Tone::Dim, &peak))
    }

    /// Names of moments above them, as many as fit one line.
    fn markers(&self, window: &Window) -> String {
        let mut order: Vec<_> = self.plot.markers.iter().filter(|(at, _)| at.is_finite()).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut line = " ".repeat(window.margin + 1);
        for (at, name) in order {
            let column = window.margin + 1 + window.column(*at, window.columns);
            let used = columns(line.trim_end());
            // A name needs some room; a pointer alone says that something was there.
            let room = self.width.saturating_sub(column + 1);
            if column < used + usize::from(used > 0) || !window.holds(*at) {
                continue;
            }
            line.truncate(line.trim_end().len());
            line += &" ".repeat(column - used);
            line.push(self.glyphs.pointer);
            let name = shorten(&clean(name), room.min(24));
            if columns(&name) > 2 {
                line += &name;
            }
        }
        self.style.paint(Tone::Dim, line.trim_end()) + "\n"
    }

    fn readings(&self, window: &Window) -> String {
        let mut grid = Grid::new(window.columns + 2, window.rows, self.glyphs);
        if let Some(limit) = self.plot.limit.filter(|limit| limit.is_finite() && *limit <= window.ceiling) {
            let label = format!("limit {} ", Bytes(limit.max(0.0) as u64));
            grid.dashes(window.row(limit, window.rows), window.columns, &label);
        }
        let sum = self.data.total.iter().map(|curve| (0, curve));
        let named = self.data.named.iter().enumerate().map(|(i, curve)| (i + 1, curve)).rev();
        for (number, curve) in named.chain(sum) {
            self.curve(&mut grid, number, curve, window);
        }
        let measure = clean(&self.plot.measure);
        let mut out = String::new();
        for row in 0..window.rows {
            let tick = window.ticks.iter().find(|(value, _)| window.row(*value, window.rows) == row);
            // The name of the axis stands above its labels.
            let name = if row == 0 && columns(&measure) < window.margin { measure.as_str() } else { "" };
            let label = tick.map_or(name, |tick| tick.1.as_str());
            let edge = if tick.is_some() { self.glyphs.tick } else { self.glyphs.side };
            let label = format!("{label:>width$}{edge}", width = window.margin);
            out += &self.style.paint(Tone::Dim, &label);
            out += &grid.row(row, self.style);
            out.push('\n');
        }
        out
    }

    fn curve(&self, grid: &mut Grid, number: usize, curve: &Curve, window: &Window) {
        let (wide, high) = grid.dots(window.columns);
        let points = thin(&curve.points, window.span, wide);
        let dots: Vec<_> = points.iter().map(|p| (window.column(p.0, wide), window.row(p.1, high))).collect();
        grid.line(&dots, number);
        if let (Some(last), true) = (curve.points.last(), self.data.named.len() > 1) {
            let place = (window.column(last.0, window.columns) + 1, window.row(last.1, window.rows));
            grid.name(place, number);
        }
    }

    /// The axis of time and its labels, without those that would touch; its name at the right, where a line has room for it.
    fn axis(&self, window: &Window) -> String {
        let name = if self.width >= ROOMY { TIME } else { "" };
        let end = self.width - if name.is_empty() { 0 } else { columns(name) + 2 };
        let mut edge = vec![self.glyphs.floor; window.columns];
        let mut labels = String::new();
        for (at, label) in ticks::times(window.span, (window.columns / 12).max(1)) {
            let column = window.column(at, window.columns);
            let start = (window.margin + 1 + column).saturating_sub(columns(&label) / 2);
            let used = columns(&labels);
            if start < used + usize::from(used > 0) || start + columns(&label) > end {
                continue;
            }
            edge[column] = self.glyphs.notch;
            labels += &" ".repeat(start - used);
            labels += &label;
        }
        if !name.is_empty() {
            let gap = self.width - columns(&labels) - columns(name);
            labels += &format!("{}{name}", " ".repeat(gap));
        }
        let edge: String = edge.into_iter().collect();
        let line = format!("{}{}{edge}", " ".repeat(window.margin), self.glyphs.corner);
        format!("{}\n{}\n", self.style.paint(Tone::Dim, &line), self.style.paint(Tone::Dim, &labels))
    }

    /// The names in one line, those that have room, and how many lines have none.
    fn legend(&self) -> String {
        let named = self.data.named.iter().enumerate().map(|(i, curve)| (i + 1, curve));
        let entries: Vec<_> = self.data.total.iter().map(|sum| (0, sum)).chain(named).collect();
        let (mut out, mut used, mut left) = (String::new(), 0, entries.len());
        for (number, curve) in entries {
            let text = format!("{} {}", grid::mark(number), shorten(&curve.name, (self.width / 4).max(8)));
            // Room for the words about the others is kept.
            if used + columns(&text) + 2 + 14 > self.width {
                break;
            }
            used += columns(&text) + 2;
            left -= 1;
            out += &(grid::paint(self.style, number, &text) + "  ");
        }
        let others = match self.data.others + left {
            0 => String::new(),
            n => format!("and {n} more"),
        };
        format!("{out}{}\n", self.style.paint(Tone::Dim, &others))
    }
}

impl Window {
    fn holds(&self, at: f64) -> bool {
        at >= self.span.0 && at <= self.span.1
    }

    /// Which of `all` columns a time is in.
    fn column(&self, at: f64, all: usize) -> usize {
        let share = ((at - self.span.0) / (self.span.1 - self.span.0)).clamp(0.0, 1.0);
        (share * all.saturating_sub(1) as f64).round() as usize
    }

    /// Which of `all` rows, from the top, a number of bytes is in.
    fn row(&self, bytes: f64, all: usize) -> usize {
        let share = (bytes / self.ceiling).clamp(0.0, 1.0);
        all.saturating_sub(1) - (share * all.saturating_sub(1) as f64).round() as usize
    }
}
