//! The views as text for people: one function a view, from the result to lines.
//!
//! Every heading says in a few words what its numbers mean; what a colour says stands there in words too.

mod advise;
mod compare;
mod cycles;
mod dominators;
mod findings;
mod garbage;
mod gc;
mod graph;
mod listing;
mod next;
mod object;
mod overview;
mod paragraph;
mod paths;
mod pymalloc;
mod refcounts;
mod rss;
mod run;
mod style;
mod suspects;
mod table;
mod tasks;
mod threads;
mod trace;
mod types;
mod waste;
mod watch;
mod words;

pub use advise::{advise, advise_concise, rule_page, rules};
pub use compare::compare;
pub use cycles::cycles;
pub use dominators::dominators;
pub use findings::findings;
pub use garbage::garbage;
pub use gc::gc;
pub use graph::graph;
pub use listing::{doctor, error, processes};
pub use next::{
    next_after_compare, next_after_gc, next_after_log, next_after_top, next_after_watch, next_steps, quoted,
};
pub use object::object;
pub use overview::overview;
pub use paths::path;
pub use pymalloc::pymalloc;
pub use refcounts::refcounts;
pub use rss::rss;
pub use run::{RunView, run};
pub(crate) use style::code;
pub use style::{Style, Tone};
pub use suspects::{culprit, suspects};
pub use tasks::tasks;
pub use threads::threads;
pub use trace::{
    collapsed, next_after_trace, trace_churn, trace_compare, trace_flame, trace_leaks, trace_places, trace_plot,
    trace_source, trace_summary, trace_threads, trace_timeline, trace_tree,
};
pub use types::{histogram, types};
pub use waste::waste;
pub use watch::{CommandPeak, Cost, KeptHeap, WatchView, watch, watch_heaps};
pub use words::{clean, door};

use memsight_analysis::views::Header;
use words::wrap_words;
pub(crate) use words::{columns, shorten};

/// Columns of a version of Python and of a time; what is longer is in a snapshot that was tampered with.
const VERSION: usize = 24;

/// `Python 3.12.1, pid 4242, at 2026-11-22T06:30:00Z`, and what may be missing.
fn header(header: &Header, style: &Style) -> String {
    let python = format!("Python {}, pid {}", shorten(&clean(&header.python), VERSION), header.pid);
    let created = shorten(&clean(&header.created), VERSION);
    let mut out = format!("{}, looked at {created}\n", style.paint(Tone::Strong, &python));
    if !header.partial.is_empty() {
        let reasons = format!("partial: {}", header.partial.iter().map(|r| clean(r)).collect::<Vec<_>>().join("; "));
        for line in wrap_words(&reasons, style.width) {
            out.push_str(&style.paint(Tone::Warn, &line));
            out.push('\n');
        }
    }
    out
}

/// A blank line, a title and what it means.
fn heading(title: &str, meaning: &str, style: &Style) -> String {
    let title = &shorten(title, style.width);
    let mut out = format!("\n{}", style.paint(Tone::Strong, title));
    if words::columns(title) + 2 + words::columns(meaning) <= style.width {
        out.push_str("  ");
    } else {
        out.push('\n');
    }
    if meaning.is_empty() {
        return out.trim_end().to_owned() + "\n";
    }
    for (at, line) in wrap_words(meaning, style.width).iter().enumerate() {
        out.push_str(if at > 0 { "\n" } else { "" });
        out.push_str(&style.paint(Tone::Dim, line));
    }
    out.push('\n');
    out
}

/// `and 392 more (--top 0 shows all)`, when there are more.
fn more(shown: usize, all: u64, what: &str, style: &Style) -> String {
    match all.saturating_sub(shown as u64) {
        0 => String::new(),
        left => {
            let all = words::plural(left, what);
            let (number, what) = all.split_once(' ').unwrap_or((&all, ""));
            format!("  {}\n", style.paint(Tone::Dim, &format!("and {number} more {what} (--top 0 shows all)")))
        }
    }
}
