//! `memsight.Tracker`: the allocations of this very process, for a while.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use memsight_engine::Error;
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Options, Prepared, Recording};
use pyo3::prelude::*;

use crate::enter::released;
use crate::recorder;

/// A recording of this process.
#[pyclass(frozen, module = "memsight._native")]
pub(crate) struct Tracker {
    path: PathBuf,
    program: String,
    force: bool,
    sample_bytes: u64,
    under_way: Mutex<Option<Recording>>,
}

#[pymethods]
impl Tracker {
    #[new]
    fn new(path: PathBuf, program: String, sample_bytes: u64, force: bool) -> Tracker {
        Tracker { path, program, force, sample_bytes, under_way: Mutex::default() }
    }

    /// Creates the file and begins.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        crate::enter::brief(py, None, || self.begin())
    }

    /// Ends; allocations, bytes of the file, events that were lost. `None` when nothing was under way.
    fn stop(&self, py: Python<'_>) -> PyResult<Option<(u64, u64, u64)>> {
        let Some(recording) = self.taken() else { return Ok(None) };
        let recorded = released(py, None, || -> Result<_, Error> {
            recorder::load()?.stop();
            recording.end(None, None)
        })?;
        Ok(Some((recorded.allocations, recorded.bytes, recorded.end.lost_events)))
    }

    /// Forgets a recording that a fork has left in the parent: its thread is not here.
    fn forget(&self) {
        std::mem::forget(self.taken());
    }
}

impl Tracker {
    fn begin(&self) -> Result<(), Error> {
        let recorder = recorder::load()?;
        let prepared = Prepared::new(Options { sample_bytes: self.sample_bytes })?;
        let ring = prepared.path();
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.is_some() {
            return Err(Error::RecordedAlready);
        }
        let trace = Writer::create(&self.path, self.force)?;
        let recording = prepared.begin(trace, self.program.clone(), || recorder.leave_out())?;
        match recorder.start(ring) {
            Ok(()) => {
                *under_way = Some(recording);
                Ok(())
            }
            Err(error) => {
                // nothing was recorded, and so nothing written
                let _ = recording.end(None, None);
                #[allow(clippy::disallowed_methods, reason = "the file that was just created")]
                let _ = std::fs::remove_file(&self.path);
                Err(error)
            }
        }
    }

    fn taken(&self) -> Option<Recording> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
