//! Budgets: figures of a trace, a recording or a snapshot against limits, and who is responsible where one is broken.
//!
//! ```text
//! Rule, Subject ──> measure ──> Estimate, parts ─┐
//! Rule, Subject (baseline) ──────────────────────┴──> judge ──> CheckView
//! ```
//! A figure of a sample is an interval. A limit is broken only if the whole interval is above it, and kept only if the whole
//! interval is not; in between it is not known.

mod estimate;
mod judge;
mod measure;
mod view;

use crate::profile::{PlacePattern, Profile};
use crate::trend::WatchSummary;
use crate::views::TypesView;

pub use estimate::Estimate;
pub use judge::judge;
pub use view::{CHECK_SCHEMA_VERSION, CheckRow, CheckView, Culprit, KindWord, Unit, VerdictWord, Who};

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Of a trace: bytes that were live at its peak.
    Peak,
    /// Of a trace: bytes that were allocated over the whole run.
    Allocated,
    /// Of a trace: how often.
    Allocations,
    /// Of a trace: bytes that were live at the end.
    Leaks,
    /// Of a recording: the largest sum of resident sets that was sampled.
    RssPeak,
    /// Of a recording: from its first sample to its last.
    RssGrowth,
    /// Of a recording: the slope of the whole of it.
    RssPerHour,
    /// Of a snapshot: objects, of all types or of those that are named.
    Objects,
    /// Of a snapshot: their bytes, with what they own outside of the Python heap.
    Bytes,
}

impl Figure {
    /// Its unit.
    pub fn unit(self) -> Unit {
        match self {
            Figure::Allocations | Figure::Objects => Unit::Count,
            Figure::RssPerHour => Unit::BytesPerHour,
            _ => Unit::Bytes,
        }
    }
}

/// What part of a subject a limit is on.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Of {
    /// All of it.
    #[default]
    Whole,
    /// Places of a trace.
    Places(PlacePattern),
    /// Types of a snapshot whose names fit: `*` stands for any text, `?` for one character.
    Types(String),
}

/// How large a figure may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// So large.
    AtMost(u64),
    /// So much larger than in the baseline: by the larger of a number and a share of what it was.
    Growth {
        /// In the unit of the figure.
        most: u64,
        /// 0.1 for 10%.
        share: f64,
    },
}

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What the budget calls it: `trace.peak`.
    pub name: String,
    /// Its line in the budget.
    pub line: u32,
    /// What is limited.
    pub figure: Figure,
    /// Of what.
    pub of: Of,
    /// How.
    pub bound: Bound,
}

/// What a budget is held against.
#[derive(Debug)]
pub enum Subject {
    /// A trace.
    Trace(Box<Profile>),
    /// A recording of the monitor.
    Recording(Box<WatchSummary>),
    /// The types of a snapshot, all of them.
    Snapshot(Box<TypesView>),
}

impl Subject {
    /// What it is.
    pub fn kind(&self) -> KindWord {
        match self {
            Subject::Trace(_) => KindWord::Trace,
            Subject::Recording(_) => KindWord::Recording,
            Subject::Snapshot(_) => KindWord::Snapshot,
        }
    }
}
