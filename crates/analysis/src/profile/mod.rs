//! What a program allocated, by the places in its code: the views of a trace.
//!
//! ```text
//! events ──> Replay (one pass; rows by thread and stack) ──┐
//! codes, frames ──> Places (function, file, line) ─────────┴──> Profile ──> views: lines, tree, leaks, ...
//! ```
//! Memory: a row for each pair of a thread and a stack that allocated, an entry for each block that is live, and 12 bytes a
//! frame; whatever the number of events.

mod amount;
mod blocks;
mod compare;
mod flame;
mod forest;
mod lists;
mod places;
mod replay;
mod rows;
mod source;
mod timeline;
mod tree;
mod types;

pub use lists::By;
pub use places::Places;
pub use replay::{At, Replay};
pub use types::*;

use memsight_model::trace::{End, Head};

use crate::AnalysisError;
use amount::{Amount, Scale};
use rows::Row;

/// Which blocks a view is about, and how many rows it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only those that this thread allocated.
    pub thread: Option<u32>,
    /// Only those with a frame whose function or file contains this text; they count for the newest such frame.
    pub filter: Option<String>,
    /// Rows of a list; 0: all.
    pub top: usize,
    /// Lists are in the order of what a place and all that it called allocated.
    pub inclusive: bool,
}

/// A trace that was read, ready for questions.
#[derive(Debug)]
pub struct Profile {
    head: Head,
    end: Option<End>,
    is_cut: bool,
    at: At,
    /// When the state at [`At`] was, in nanoseconds.
    at_ns: u64,
    scale: Scale,
    rows: Vec<Row>,
    /// What was live of each row at the moment that was asked for; empty for other moments.
    moment: Vec<Amount>,
    places: Places,
    totals: replay::Totals,
    timeline: Vec<TimelinePoint>,
    timeline_step_ns: u64,
}

/// Rows that a view is about, each with the frame that it counts for.
struct Chosen<'p> {
    row: &'p Row,
    /// What the view shows of it.
    shown: Amount,
    frame: u32,
}

impl Profile {
    /// What was recorded, of `replay`, with `places` for its stacks. `end` is absent, or `is_cut` true, where the trace ends early.
    pub fn new(
        head: Head,
        replay: Replay,
        places: Places,
        end: Option<End>,
        is_cut: bool,
    ) -> Result<Profile, AnalysisError> {
        replay.finish(head, places, end, is_cut)
    }

    /// The rows that `selection` chooses. Cost: linear in rows, and in frames where there is a filter.
    fn chosen<'p>(&'p self, selection: &Selection) -> Result<Vec<Chosen<'p>>, AnalysisError> {
        if let Some(thread) = selection.thread.filter(|thread| !self.rows.iter().any(|row| row.thread == *thread)) {
            return Err(AnalysisError::NoSuchThread { thread, threads: self.thread_ids() });
        }
        let newest = selection.filter.as_ref().map(|text| self.places.newest_matching(text));
        let rows = self.rows.iter().enumerate();
        let rows = rows.filter(|(_, row)| selection.thread.is_none_or(|thread| row.thread == thread));
        let chosen = rows.filter_map(|(at, row)| {
            let frame = self.places.known(row.stack);
            let frame = match &newest {
                Some(newest) => newest.get(frame as usize).copied().filter(|frame| *frame != 0)?,
                None => frame,
            };
            Some(Chosen { row, shown: self.shown(at, row), frame })
        });
        Ok(chosen.collect())
    }

    /// What a view shows of a row.
    fn shown(&self, at: usize, row: &Row) -> Amount {
        match self.at {
            At::Peak => row.peak,
            At::End => row.live,
            At::All => row.allocated,
            At::Time(_) => self.moment.get(at).copied().unwrap_or_default(),
        }
    }

    fn thread_ids(&self) -> Vec<u32> {
        let mut threads: Vec<u32> = self.rows.iter().map(|row| row.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        threads
    }

    fn duration_ns(&self) -> u64 {
        self.end.map_or(self.totals.last_ns, |end| end.duration_ns.max(self.totals.last_ns))
    }

    fn header(&self, selection: &Selection, all: Amount) -> TraceHeader {
        TraceHeader {
            schema_version: TRACE_SCHEMA_VERSION,
            mode: if self.head.sample_bytes == 0 { TraceMode::Exact } else { TraceMode::Sampled },
            sample_bytes: self.head.sample_bytes,
            python: format!("3.{}", self.head.python_minor),
            program: self.head.program.clone(),
            pid: self.head.pid,
            started_ns: self.head.started.unix_ns,
            duration_ns: self.duration_ns(),
            lost_events: self.end.map_or(0, |end| end.lost_events),
            is_cut: self.is_cut || self.end.is_none(),
            at: self.at.word(),
            at_ns: (self.at != At::All).then_some(self.at_ns),
            thread: selection.thread,
            filter: selection.filter.clone(),
            total: self.scale.figures(all),
        }
    }
}
