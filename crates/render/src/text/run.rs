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
    /// What came of its children, where they were to be recorded.
    pub children: Option<ChildrenView>,
}

/// What came of the children of a recorded program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChildrenView {
    /// Those with a trace of their own.
    pub recorded: u64,
    /// Of these, those that went on when the recording ended.
    pub outlived: u64,
    /// Those that were not recorded.
    pub left_out: u64,
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
    text += &children(view.children.unwrap_or_default(), style);
    let trace = quoted(&view.trace);
    text + &section(vec![(format!("memsight trace {trace}"), "what made its peak, line by line")], style)
}

/// How many children there were, if there were some.
fn children(view: ChildrenView, style: &Style) -> String {
    let ChildrenView { recorded, outlived, left_out } = view;
    let mut text = String::new();
    if recorded > 0 {
        let files = if recorded == 1 { "a file of its own" } else { "a file each" };
        text += &format!("with {}, {files} beside it\n", children_of(recorded));
    }
    if outlived > 0 {
        text += &format!("{} still ran: recorded up to here\n", children_of(outlived));
    }
    if left_out > 0 {
        let lost = format!("{} not recorded: no memory or file was ready in time", children_of(left_out));
        text += &format!("{}\n", style.paint(Tone::Bad, &lost));
    }
    text
}

fn children_of(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "child" } else { "children" })
}
