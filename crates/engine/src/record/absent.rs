//! Recording where there is no recorder: refused in one sentence.

use std::ffi::OsString;

use memsight_format::trace;
use memsight_model::trace::{End, Head};

use crate::Error;

/// How a program is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes between samples in the mean; 0 for every allocation.
    pub sample_bytes: u64,
}

/// There is none.
#[derive(Debug)]
pub enum Prepared {}

/// There is none.
#[derive(Debug)]
pub enum Recording {}

/// What came of a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The head of the trace.
    pub head: Option<Head>,
    /// Its end.
    pub end: End,
    /// Bytes of the file.
    pub bytes: u64,
    /// Allocations in it.
    pub allocations: u64,
}

impl Prepared {
    /// Refuses.
    ///
    /// # Errors
    /// [`Error::NoRecorder`].
    pub fn new(_options: Options) -> Result<Prepared, Error> {
        Err(Error::NoRecorder)
    }

    /// Never called.
    pub fn variables(&self, _preload: Option<OsString>) -> [(&'static str, OsString); 2] {
        match *self {}
    }

    /// Never called.
    pub fn path(&self) -> OsString {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn begin(
        self,
        _trace: trace::Writer,
        _program: String,
        _first: impl FnOnce() + Send + 'static,
    ) -> Result<Recording, Error> {
        match self {}
    }
}

impl Recording {
    /// Never called.
    pub fn has_stopped(&self) -> bool {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn end(self, _exit_code: Option<i32>, _signal: Option<i32>) -> Result<Recorded, Error> {
        match self {}
    }
}

/// No program is asked here.
///
/// # Errors
/// [`Error::NoRecorder`].
pub fn answered(_code: i32) -> Result<(), Error> {
    Err(Error::NoRecorder)
}

/// There is none.
pub const LIBRARY: &[u8] = &[];

/// What a trace would call a command.
pub fn name_of(_command: &[OsString]) -> String {
    String::new()
}
