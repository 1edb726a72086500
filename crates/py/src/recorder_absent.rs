//! There is no recorder for this system.

use std::ffi::OsString;

use memsight_engine::Error;

/// There is none.
pub(crate) enum Recorder {}

/// Refuses.
pub(crate) fn load() -> Result<&'static Recorder, Error> {
    Err(Error::NoRecorder)
}

impl Recorder {
    /// Never called.
    pub(crate) fn start(&self, _path: OsString) -> Result<(), Error> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn stop(&self) {
        match *self {}
    }

    /// Never called.
    pub(crate) fn leave_out(&self) {
        match *self {}
    }
}
