//! What the agent counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the agent, written by its threads. All since its start, unless said otherwise.
#[derive(Debug, Default)]
pub struct OwnFigures {
    /// Answers with figures.
    pub scrapes: AtomicU64,
    /// Requests that were refused: too many, too large, unknown.
    pub refused: AtomicU64,
    /// Samples taken.
    pub samples: AtomicU64,
    /// Ticks at which no sample was taken, since the one before still ran.
    pub missed_ticks: AtomicU64,
    /// How long all samples took, nanoseconds.
    pub collection_ns: AtomicU64,
    /// How long the last one took, nanoseconds.
    pub last_collection_ns: AtomicU64,
    /// Bytes of the history now.
    pub history_bytes: AtomicU64,
    /// 1 while the history pauses.
    pub history_paused: AtomicU64,
    /// Intervals that the history lacks.
    pub history_lost: AtomicU64,
    /// Pushes that a receiver took.
    pub pushes: AtomicU64,
    /// Pushes that were given up.
    pub failed_pushes: AtomicU64,
}

impl OwnFigures {
    /// Counts one more.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
