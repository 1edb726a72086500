//! What is asked of a recording and what comes of it, on every system.

use std::path::PathBuf;

use memsight_model::trace::{End, Head};

/// How a program is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes between samples in the mean; 0 for every allocation.
    pub sample_bytes: u64,
    /// With native frames.
    pub native: bool,
}

/// What came of a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The file.
    pub path: PathBuf,
    /// The head of the trace; `None` where nothing was recorded, and the trace is empty.
    pub head: Option<Head>,
    /// Its end.
    pub end: End,
    /// Bytes of the file.
    pub bytes: u64,
    /// Allocations in it, up to where the interpreter began to end.
    pub allocations: u64,
    /// What came of its children, where they were recorded.
    pub children: Children,
}

/// What came of the processes that a recorded one has started, and of theirs.
#[derive(Debug, Clone, Default)]
pub struct Children {
    /// Those of which something was recorded, in the order in which that ended.
    pub recorded: Vec<Recorded>,
    /// How many of them went on when the recording ended.
    pub outlived: u64,
    /// How many were not recorded, since no memory was ready for them or their file could not be written.
    pub left_out: u64,
}
