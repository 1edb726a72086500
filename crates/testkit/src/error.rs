//! What can go wrong around a test.

use std::path::PathBuf;
use std::time::Duration;

/// A test's surroundings failed (not memsight).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The target said nothing within the deadline.
    #[error("no answer to {request:?} within {deadline:?}; stderr of the target: {stderr}")]
    Deadline {
        /// What it was asked.
        request: String,
        /// How long we waited.
        deadline: Duration,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// The target ended.
    #[error("the target ended at {request:?}; stderr of the target: {stderr}")]
    Ended {
        /// What it was asked.
        request: String,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// The target answered something else.
    #[error("unexpected answer {answer:?} to {request:?}")]
    Answer {
        /// What it was asked.
        request: String,
        /// What it said.
        answer: String,
    },
    /// A file has not the form that it should have.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// Which file.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}
