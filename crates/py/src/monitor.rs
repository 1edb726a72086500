//! Samples of a process or a tree, once or at an interval, for `python/memsight/_monitor.py`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memsight_engine::Error;
use memsight_engine::analysis::trend::Summary;
use memsight_engine::monitor::{self, Cadence, Options, Pacer, Stopper, Subject, Tick};
use memsight_model::{ProcessSample, Sample};
use pyo3::prelude::*;

use crate::enter::released;

/// Everything of a process, or of it and its descendants, read now: a `Sample` as JSON.
#[pyfunction]
pub(crate) fn sample(py: Python<'_>, pid: u32, tree: bool) -> PyResult<String> {
    let options = Options {
        stat: Cadence::Always,
        status: Cadence::Always,
        rollup: Cadence::Always,
        gc: Cadence::Always,
        python: true,
        container: true,
        machine: true,
        budget: 1.0,
    };
    released(py, Some(pid), || {
        let sample = monitor::Monitor::new(subject(pid, tree), options)?.sample()?;
        Ok::<_, Error>(memsight_render::json_line(&sample))
    })
}

/// Samples at an interval.
#[pyclass(frozen, module = "memsight._native")]
pub(crate) struct Monitor {
    pid: u32,
    pacer: Mutex<Pacer>,
    stopper: Stopper,
    work: Mutex<Work>,
}

struct Work {
    monitor: monitor::Monitor,
    summary: Summary,
    /// Some process had memory, which kernel threads never have.
    had_memory: bool,
}

#[pymethods]
impl Monitor {
    /// `rollup`: seconds between readings of USS and PSS of each process, 0 for every sample, `None` for never.
    #[new]
    fn new(
        py: Python<'_>,
        pid: u32,
        tree: bool,
        interval: f64,
        rollup: Option<f64>,
        gc: bool,
        machine: bool,
    ) -> PyResult<Monitor> {
        let every = |seconds: Option<f64>| match seconds {
            None => Cadence::Never,
            Some(seconds) if seconds <= 0.0 => Cadence::Always,
            Some(seconds) => Cadence::Every(duration(seconds)),
        };
        let options = Options {
            rollup: every(rollup),
            gc: if gc { Cadence::Always } else { Cadence::Never },
            container: true,
            machine,
            ..Options::default()
        };
        released(py, Some(pid), || {
            let pacer = Pacer::new(duration(interval))?;
            let stopper = pacer.stopper();
            let monitor = monitor::Monitor::new(subject(pid, tree), options)?;
            let work = Mutex::new(Work { monitor, summary: Summary::default(), had_memory: false });
            Ok::<_, Error>(Monitor { pid, pacer: Mutex::new(pacer), stopper, work })
        })
    }

    /// Waits for the next tick and reads: a `Sample` as JSON; `None` when the processes have ended or the monitor was
    /// stopped. Without the GIL; Ctrl-C ends the wait.
    fn next(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let interrupt = Mutex::new(None);
        let sample = released(py, Some(self.pid), || {
            let tick = hold(&self.pacer).wait_unless(&|| {
                let error = Python::attach(|py| py.check_signals()).err();
                let stop = error.is_some();
                *hold(&interrupt) = error;
                stop
            });
            match tick {
                Tick::Stopped => Ok::<_, Error>(None),
                Tick::Due { missed } => hold(&self.work).sample(missed),
            }
        })?;
        match interrupt.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(interrupt) => Err(interrupt),
            None => Ok(sample.map(|sample| memsight_render::json_line(&sample))),
        }
    }

    /// Seconds until `next` would not wait.
    fn until_due(&self, py: Python<'_>) -> f64 {
        py.detach(|| hold(&self.pacer).until_due().as_secs_f64())
    }

    /// Ticks that were skipped so far.
    fn missed(&self, py: Python<'_>) -> u64 {
        py.detach(|| hold(&self.pacer).missed())
    }

    /// Ends a wait that is under way, and every later one.
    fn stop(&self, py: Python<'_>) {
        // A wait asks for the GIL now and then, with its lock held.
        py.detach(|| self.stopper.stop());
    }

    /// What it came to so far: a `WatchSummary` as JSON.
    fn summary(&self, py: Python<'_>) -> String {
        py.detach(|| memsight_render::json_line(&hold(&self.work).summary.finish()))
    }
}

impl Work {
    fn sample(&mut self, missed: u64) -> Result<Option<Sample>, Error> {
        self.summary.add_missed(missed);
        let sample = self.monitor.sample()?;
        // What gave its memory back ends; a zombie's parent may be the caller, who collects it after the last sample.
        let has_memory = sample.processes.iter().any(|process| process.memory.vms_bytes > 0);
        let ended = |process: &ProcessSample| matches!(process.state, 'Z' | 'X');
        if !has_memory && (self.had_memory || sample.processes.iter().all(ended)) {
            return Ok(None);
        }
        self.had_memory |= has_memory;
        self.summary.add(&sample);
        Ok(Some(sample))
    }
}

fn subject(pid: u32, tree: bool) -> Subject {
    if tree { Subject::Tree(pid) } else { Subject::Process(pid) }
}

/// What no duration can be is none, which the pacer refuses.
fn duration(seconds: f64) -> Duration {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO }
}

/// The lock, also after a panic of its last holder: readings may be old, never wrong.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
