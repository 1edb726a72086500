//! The frame of the plot: axes, ticks, and where a reading falls.

use super::super::TIME;
use super::super::data::Data;
use super::super::scene::{Anchor, Shape};
use super::super::ticks::{self, Tick};
use super::{DIM, GRID, ROW, Sheet, TEXT};

/// Room for the number of a line behind its end.
const RIGHT: f32 = 26.0;
/// Pixels between ticks, at least.
const APART: (f32, f32) = (90.0, 40.0);

/// The rectangle of the readings.
pub(super) struct Frame {
    pub left: f32,
    pub right: f32,
    pub top: f32,
    pub bottom: f32,
    /// Seconds from left to right.
    pub span: (f64, f64),
    /// Bytes at the top.
    ceiling: f64,
    ticks: Vec<Tick>,
    /// Pixels that the name of the upright axis takes above it.
    pub name_height: f32,
}

impl Frame {
    /// What is left of the sheet, less the room for labels of bytes.
    pub(super) fn new(sheet: &Sheet, data: &Data, limit: Option<f64>) -> Frame {
        let (start, end) = data.span;
        let mut frame = Frame {
            left: 0.0,
            right: sheet.scene.width - RIGHT,
            top: sheet.top,
            bottom: sheet.bottom,
            span: (start, if end > start { end } else { start + 1.0 }),
            ceiling: 0.0,
            ticks: Vec::new(),
            name_height: 0.0,
        };
        frame.fit(sheet, data.highest(), limit);
        frame
    }

    /// Lowers the top below the subtitle and `rows` of labels.
    pub(super) fn lower(&mut self, sheet: &Sheet, rows: usize, highest: f64, limit: Option<f64>) {
        // Labels of markers and the name of the axis stand side by side.
        self.top = sheet.top + (rows as f32 * ROW).max(self.name_height) + 4.0;
        let left = self.left;
        self.fit(sheet, highest, limit);
        // The labels of markers have their places.
        self.left = left;
    }

    fn fit(&mut self, sheet: &Sheet, highest: f64, limit: Option<f64>) {
        let height = (self.bottom - self.top).max(1.0);
        // The peak has its label above it, the limit above it, too.
        let room = f64::from(1.0 - (24.0 / height).min(0.5));
        self.ceiling = highest.max(limit.unwrap_or(0.0)).max(1024.0) / room;
        self.ticks = ticks::bytes(self.ceiling, (height / APART.1).max(1.0) as usize);
        let widest = self.ticks.iter().map(|tick| sheet.font.width(&tick.1, TEXT)).fold(0.0, f32::max);
        // Letters of other fonts are wider.
        self.left = (widest * 1.15 + 18.0).min(sheet.scene.width / 2.0);
    }

    /// Pixels between the sides.
    pub(super) fn width(&self) -> f32 {
        (self.right - self.left).max(1.0)
    }

    /// Where a time is.
    pub(super) fn x(&self, seconds: f64) -> f32 {
        let share = (seconds - self.span.0) / (self.span.1 - self.span.0);
        self.left + share.clamp(0.0, 1.0) as f32 * self.width()
    }

    /// Where a number of bytes is.
    pub(super) fn y(&self, bytes: f64) -> f32 {
        let share = (bytes / self.ceiling).clamp(0.0, 1.0) as f32;
        self.bottom - share * (self.bottom - self.top).max(1.0)
    }

    /// What the axes are called: bytes above theirs, time below the middle of its own.
    pub(super) fn names(&self, sheet: &mut Sheet, measure: &str) {
        sheet.text((self.left - 8.0, self.top - 8.0), TEXT, Anchor::End, DIM, measure.to_owned());
        let middle = (self.left + self.right) / 2.0;
        sheet.text((middle, self.bottom + 17.0 + ROW), TEXT, Anchor::Middle, DIM, TIME.to_owned());
    }

    /// Grid, axes and labels.
    pub(super) fn draw(&self, sheet: &mut Sheet) {
        for (value, label) in &self.ticks {
            let y = self.y(*value);
            let color = if *value == 0.0 { DIM } else { GRID };
            let points = vec![(self.left, y), (self.right, y)];
            sheet.push(Shape::Line { points, color, width: 1.0, dash: None });
            sheet.text((self.left - 8.0, y + 4.0), TEXT, Anchor::End, DIM, label.clone());
        }
        for (at, label) in ticks::times(self.span, (self.width() / APART.0).max(1.0) as usize) {
            let x = self.x(at);
            let points = vec![(x, self.bottom), (x, self.bottom + 4.0)];
            sheet.push(Shape::Line { points, color: DIM, width: 1.0, dash: None });
            sheet.text((x, self.bottom + 17.0), TEXT, Anchor::Middle, DIM, label);
        }
    }
}
