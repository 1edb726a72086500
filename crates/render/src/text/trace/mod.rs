//! Views of a trace.

mod lists;
mod pictures;
mod stacks;

pub use lists::{next_after_trace, trace_churn, trace_compare, trace_places, trace_summary, trace_threads};
pub use pictures::{collapsed, trace_flame, trace_plot, trace_source, trace_timeline};
pub use stacks::{trace_leaks, trace_tree};

use memsight_analysis::profile::{AtWord, Figures, Spot, TraceHeader, TraceMode};
use memsight_model::{Bytes, duration};

use super::style::{Style, Tone};
use super::words::{clean, plural, wrap_words};

/// From so many columns on there is room for what was allocated over the whole run.
const WIDE: usize = 100;

/// `app.py, Python 3.12, pid 4242, recorded for 12.3 s`, what is shown, and what may be missing.
fn header(header: &TraceHeader, style: &Style) -> String {
    let (program, python) = (clean(&header.program), clean(&header.python));
    let who = format!("{program}, Python {python}, pid {}", header.pid);
    let mut out = format!("{}, recorded for {}\n", style.paint(Tone::Strong, &who), duration(header.duration_ns));
    let how = match header.mode {
        TraceMode::Exact => "every allocation".to_owned(),
        TraceMode::Sampled => format!("estimated from a sample of one in {}, ± with 95%", Bytes(header.sample_bytes)),
    };
    let mut shown = format!("{how}; {}: {}", moment(header), total(&header.total));
    if let Some(thread) = header.thread {
        shown.push_str(&format!("; thread {thread} alone"));
    }
    if let Some(filter) = &header.filter {
        shown.push_str(&format!("; through \"{}\" alone", clean(filter)));
    }
    push_lines(&shown, Tone::Dim, style, &mut out);
    if header.lost_events > 0 {
        let lost = format!("{} lost while recording: figures are near, not exact", plural(header.lost_events, "event"));
        push_lines(&lost, Tone::Warn, style, &mut out);
    }
    if header.is_cut {
        push_lines("the recording has no end: it goes on, or was cut off", Tone::Warn, style, &mut out);
    }
    out
}

fn push_lines(sentence: &str, tone: Tone, style: &Style, out: &mut String) {
    for line in wrap_words(sentence, style.width) {
        out.push_str(&style.paint(tone, &line));
        out.push('\n');
    }
}

/// What is shown, in words.
fn moment(header: &TraceHeader) -> String {
    let after = header.at_ns.map(|ns| format!("after {}", duration(ns))).unwrap_or_default();
    match header.at {
        AtWord::Peak => format!("at the peak, {after}"),
        AtWord::End => format!("at the end, {after}"),
        AtWord::Time => after,
        AtWord::All => "over the whole run".to_owned(),
    }
}

fn total(figures: &Figures) -> String {
    format!("{} in {}", size(figures.bytes, figures.error_bytes), plural(figures.count, "block"))
}

/// `12.3 MiB`, of a sample `12.3 MiB ±1.1 MiB`.
fn size(bytes: u64, error_bytes: u64) -> String {
    match error_bytes {
        0 => Bytes(bytes).to_string(),
        error => format!("{} ±{}", Bytes(bytes), Bytes(error)),
    }
}

/// `parse (/usr/lib/python3.12/json/decoder.py:353)`.
fn place(function: &str, file: &str, line: u32) -> String {
    match (file, line) {
        ("", _) => clean(function),
        (file, 0) => format!("{} ({})", clean(function), clean(file)),
        (file, line) => format!("{} ({}:{line})", clean(function), clean(file)),
    }
}

fn spot(spot: &Spot) -> String {
    place(&spot.function, &spot.file, spot.line)
}

/// `and 392 more lines: 1.2 MiB (--top 0 shows all)`, when there are more.
fn more(shown: usize, all: u64, rest_bytes: u64, what: &str, style: &Style) -> String {
    match all.saturating_sub(shown as u64) {
        0 => String::new(),
        left => {
            let all = plural(left, what);
            let (number, what) = all.split_once(' ').unwrap_or((&all, ""));
            let text = format!("and {number} more {what}: {} (--top 0 shows all)", Bytes(rest_bytes));
            format!("  {}\n", style.paint(Tone::Dim, &text))
        }
    }
}
