//! What is asked of a recording and what comes of it, on every system.

use memsight_model::trace::{End, Head};

/// How a program is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes between samples in the mean; 0 for every allocation.
    pub sample_bytes: u64,
}

/// What came of a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The head of the trace; `None` where nothing was recorded, and the trace is empty.
    pub head: Option<Head>,
    /// Its end.
    pub end: End,
    /// Bytes of the file.
    pub bytes: u64,
    /// Allocations in it, up to where the interpreter began to end.
    pub allocations: u64,
}
