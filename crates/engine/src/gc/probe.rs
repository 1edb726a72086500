//! Reading the counters again and again.

use memsight_cpython::{GcRing, GcRingsSeen, Python, Version};
use memsight_model::GcReading;
use memsight_target::{PinnedMemory, Process, TargetError, figures};

use crate::Error;
use crate::look::find;

/// The collector of one process, found once and then read as often as you like. Holds one file open.
#[derive(Debug)]
pub struct GcProbe {
    process: Process,
    python: Python,
    memory: PinnedMemory,
}

impl GcProbe {
    /// Finds the interpreter of a process. Cost: that of reading its maps, and a few hundred small reads: 2 to
    /// 7 ms.
    pub fn open(pid: u32) -> Result<GcProbe, Error> {
        let process = Process::open(pid)?;
        let memory = process.pinned_memory()?;
        let python = find(&process).map_err(|error| ended(&process, error))?;
        Ok(GcProbe { process, python, memory })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Version of its Python.
    pub fn version(&self) -> Version {
        self.python.version()
    }

    /// The interpreter.
    pub(crate) fn python(&self) -> &Python {
        &self.python
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// The counters now, without `permanent` and `garbage`. Cost (`examples/gc_cost.rs`, one
    /// interpreter): 4 system calls, 5 us on 3.8 and 3.11, 6 us on 3.13; 7 calls, 8 to 10 us on 3.15. Nothing is read of another process that got the same id.
    pub fn read(&self) -> Result<GcReading, Error> {
        let read = || Ok(GcReading { at_ns: figures::now().monotonic_ns, ..self.python.gc(&self.memory)? });
        read().map_err(|error| ended(&self.process, error))
    }

    /// The same with `permanent` and `garbage`. Cost: that twice and a read of a page for every 20 to 60
    /// frozen objects: 11 to 18 us where nothing is frozen.
    pub fn read_whole(&self) -> Result<GcReading, Error> {
        let mut reading = self.read()?;
        let filled = self.python.gc_holdings(&self.memory, &mut reading).map_err(Error::from);
        filled.map_err(|error| ended(&self.process, error))?;
        Ok(reading)
    }

    /// The ring buffers of 3.15; empty when nothing happened since they were `seen`; `None` for older versions.
    pub(crate) fn rings(&self, seen: &mut GcRingsSeen) -> Result<Option<Vec<GcRing>>, Error> {
        let rings = self.python.gc_rings(&self.memory, seen).map_err(Error::from);
        rings.map_err(|error| ended(&self.process, error))
    }
}

/// An error of the decoder has a better explanation when the process is gone. One that started another program (`exec`)
/// stays unreadable: its memory went with the old one, and a new probe finds the new interpreter.
fn ended(process: &Process, error: Error) -> Error {
    match error {
        Error::Python(error) if error.is_transient() => error.into(),
        Error::Python(_) if is_gone(process) => TargetError::TargetExited { pid: process.pid() }.into(),
        error => error,
    }
}

/// A process that ends loses its memory some time before the kernel says that it has ended.
fn is_gone(process: &Process) -> bool {
    process.check_alive().is_err() || process.maps().map_or(true, |regions| regions.is_empty())
}
