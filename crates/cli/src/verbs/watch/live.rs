//! The line that says what goes on, on a terminal that the command does not use.

use memsight_model::{Bytes, Sample};
use memsight_render::plot::{ascii_sparkline, sparkline};

use super::figures::Figures;
use crate::console::Console;

/// Time between two drawings, nanoseconds.
const BEAT_NS: u64 = 250_000_000;
/// Columns of the little curve.
const CURVE: usize = 24;

/// One line on stderr that overwrites itself; wiped when dropped.
pub(super) struct Live<'a> {
    console: Option<&'a Console>,
    ascii_only: bool,
    started_ns: Option<u64>,
    drawn_ns: u64,
}

impl<'a> Live<'a> {
    /// Draws on `console`, if any.
    pub(super) fn new(console: Option<&'a Console>, ascii_only: bool) -> Live<'a> {
        Live { console, ascii_only, started_ns: None, drawn_ns: 0 }
    }

    /// Draws, when it is time to.
    pub(super) fn show(&mut self, sample: &Sample, figures: &mut Figures) {
        let Some(console) = self.console else { return };
        let now = sample.at.monotonic_ns;
        let started = *self.started_ns.get_or_insert(now);
        if now.saturating_sub(self.drawn_ns) < BEAT_NS {
            return;
        }
        self.drawn_ns = now;
        let (rss, peak, series) = figures.so_far();
        let values: Vec<f64> = series.peaks().iter().map(|point| point.bytes).collect();
        let draw = if self.ascii_only { ascii_sparkline } else { sparkline };
        let processes = match sample.processes.len() {
            1 => String::new(),
            count => format!("  {count} processes"),
        };
        let line = format!(
            "{:>7.1} s  rss {:>10}  peak {:>10}{processes}  ",
            now.saturating_sub(started) as f64 / 1e9,
            Bytes(rss).to_string(),
            Bytes(peak).to_string(),
        );
        console.draw_remark("\r\x1b[2K", |style| {
            let room = style.width.saturating_sub(line.len() + 1);
            format!("{line}{}", draw(&values, room.min(CURVE)))
        });
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        if let Some(console) = self.console.filter(|_| self.drawn_ns > 0) {
            console.draw_remark("\r\x1b[2K", |_| String::new());
        }
    }
}
