//! Recording where there is no recorder: refused in one sentence.

mod results;

use std::ffi::OsString;

use memsight_format::trace;

use crate::Error;

pub use results::{Options, Recorded};

/// There is none.
#[derive(Debug)]
pub enum Prepared {}

/// There is none.
#[derive(Debug)]
pub enum Recording {}

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

/// There is none.
#[derive(Debug)]
pub enum Attached {}

impl Attached {
    /// Never called.
    pub fn has_ended(&self) -> bool {
        match *self {}
    }

    /// Never called.
    pub fn has_stopped(&self) -> bool {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn end(self) -> Result<Recorded, Error> {
        match self {}
    }
}

/// Refuses.
///
/// # Errors
/// [`Error::NoRecorder`].
pub fn attach(_pid: u32, _options: Options, _trace: trace::Writer) -> Result<Attached, Error> {
    Err(Error::NoRecorder)
}

/// Refuses.
///
/// # Errors
/// [`Error::NoRecorder`].
pub fn detach(_pid: u32) -> Result<bool, Error> {
    Err(Error::NoRecorder)
}
