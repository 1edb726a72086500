//! After a program was recorded: what is in its trace, and what to do with it.

use memsight_model::{Bytes, count, duration};
use serde::Serialize;

use super::next::{quoted, section};
use super::style::{Style, Tone};
use super::words::clean;

/// A trace that was just written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// Where it is, as text.
    pub trace: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Allocations in it.
    pub allocations: u64,
    /// Bytes between samples in the mean; 0 where all are there.
    pub sample_bytes: u64,
    /// How long it took, nanoseconds.
    pub duration_ns: u64,
    /// Events that were lost.
    pub lost_events: u64,
}

/// What was recorded, in two or three lines for stderr.
pub fn run(view: &RunView, style: &Style) -> String {
    let RunView { bytes, allocations, sample_bytes, duration_ns, lost_events, .. } = *view;
    let plural = if allocations == 1 { "" } else { "s" };
    let what = match sample_bytes {
        0 => format!("{} allocation{plural}", count(allocations)),
        mean => format!("a sample of {} allocation{plural}, one in {} in the mean", count(allocations), Bytes(mean)),
    };
    let mut text = format!("recorded {what}, in {}: {}, {}\n", duration(duration_ns), clean(&view.trace), Bytes(bytes));
    if lost_events > 0 {
        let lost = format!("{} events were lost: nobody read them in time", count(lost_events));
        text += &format!("{}: figures of the trace are too small or too large\n", style.paint(Tone::Bad, &lost));
    }
    let trace = quoted(&view.trace);
    text + &section(vec![(format!("memsight trace {trace}"), "what made its peak, line by line")], style)
}
