//! The history of the agent: figures of processes over days, in one SQLite file.
//!
//! Described in `docs/formats/history.md`. Samples are kept as they are for an hour, then as minimum, mean and maximum
//! of 10 s for a day and of a minute for the rest. The file is in WAL mode: each interval is one transaction, so that
//! a killed writer loses at most the last one, and readers never hold the writer up.

mod keep;
mod lock;
mod read;
mod schema;
mod write;

use std::time::Duration;

pub use read::{HistoryAnswer, HistoryPoint, HistoryQuery, HistorySeries, query};
pub use write::History;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples as they were taken.
    pub samples: Duration,
    /// Means of 10 s.
    pub tens: Duration,
    /// Means of a minute, and everything else.
    pub all: Duration,
    /// Bytes of the file after which the oldest goes first, whatever its age.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let hours = |n: u64| Duration::from_secs(3_600 * n);
        Retention { samples: hours(1), tens: hours(24), all: hours(7 * 24), max_bytes: 512 << 20 }
    }
}

/// Which process a row of the history belongs to, and what was known of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HistorySubject {
    /// Process id.
    pub pid: u32,
    /// When it started, milliseconds since 1970. With the pid, its identity.
    pub created_ms: i64,
    /// Short name (`comm`).
    pub name: String,
    /// Service, if it is known.
    pub service: String,
    /// Container, if it is in one.
    pub container: String,
    /// Version of its Python, if it is known.
    pub python: String,
}

/// The figures of one process at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryRow {
    /// Whose.
    pub subject: HistorySubject,
    /// Resident set size.
    pub rss_bytes: u64,
    /// Proportional set size, where it was read.
    pub pss_bytes: Option<u64>,
    /// Unique set size, where it was read.
    pub uss_bytes: Option<u64>,
    /// Swap, where it was read.
    pub swap_bytes: Option<u64>,
    /// Garbage collections so far, where they were read.
    pub collections: Option<u64>,
}
