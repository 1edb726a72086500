//! The one way from Python into Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use memsight_model::{Explain, Progress};
use pyo3::prelude::*;

/// How long Ctrl-C may wait until somebody looks.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// Progress that nobody watches, of work that Ctrl-C stops.
struct Cancel(AtomicBool);

impl Progress for Cancel {
    fn phase(&self, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `work` without the GIL, on a thread of its own, while this one keeps an eye on Ctrl-C.
///
/// An error becomes the exception that `memsight._errors` has for its code; a panic becomes one too, so that a bug
/// of ours never takes the interpreter down.
pub(crate) fn enter<T, E>(py: Python<'_>, work: impl FnOnce(&dyn Progress) -> Result<T, E> + Send) -> PyResult<T>
where
    T: Send,
    E: Explain + Send,
{
    let cancel = Cancel(AtomicBool::new(false));
    let (outcome, interrupt) = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = sync_channel::<()>(1);
            let cancel = &cancel;
            let worker = scope.spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| work(cancel)));
                drop(done);
                outcome
            });
            let mut interrupt = None;
            while interrupt.is_none() && finished.recv_timeout(SIGNAL_CHECK) == Err(RecvTimeoutError::Timeout) {
                interrupt = Python::attach(|py| py.check_signals()).err();
            }
            cancel.0.store(interrupt.is_some(), Ordering::Relaxed);
            (worker.join().unwrap_or_else(Err), interrupt)
        })
    });
    match (interrupt, outcome) {
        (Some(interrupt), _) => Err(interrupt),
        (None, Ok(Ok(value))) => Ok(value),
        (None, Ok(Err(error))) => Err(exception(py, error.code(), &error.hint(), &error.to_string())),
        (None, Err(panic)) => Err(panicked(py, &*panic)),
    }
}

/// Does `work` that takes some microseconds and waits for nobody: on this thread, with the GIL. Errors and panics
/// become exceptions as in [`enter`]; `pid` is the process that an error is about.
pub(crate) fn brief<T, E: Explain>(
    py: Python<'_>,
    pid: Option<u32>,
    work: impl FnOnce() -> Result<T, E>,
) -> PyResult<T> {
    finish(py, pid, catch_unwind(AssertUnwindSafe(work)))
}

/// The same without the GIL, for one call that the kernel may take its time for. Ctrl-C waits for it.
pub(crate) fn released<T, E>(
    py: Python<'_>,
    pid: Option<u32>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T>
where
    T: Send,
    E: Explain + Send,
{
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    finish(py, pid, outcome)
}

fn finish<T, E: Explain>(py: Python<'_>, pid: Option<u32>, outcome: std::thread::Result<Result<T, E>>) -> PyResult<T> {
    match outcome {
        Ok(outcome) => outcome.map_err(|error| about(py, error.code(), &error.hint(), &error.to_string(), pid)),
        Err(panic) => Err(panicked(py, &*panic)),
    }
}

fn panicked(py: Python<'_>, panic: &(dyn std::any::Any + Send)) -> PyErr {
    exception(py, "MS-E113", "this is a bug of memsight; please report it", &said(panic))
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("memsight failed inside: {}", text.unwrap_or("no message"))
}

/// The Python exception for an error code.
pub(crate) fn exception(py: Python<'_>, code: &str, hint: &str, message: &str) -> PyErr {
    about(py, code, hint, message, None)
}

/// The same, about a process.
fn about(py: Python<'_>, code: &str, hint: &str, message: &str, pid: Option<u32>) -> PyErr {
    let make = || py.import("memsight._errors")?.getattr("error")?.call1((code, hint, message, pid));
    make().map_or_else(|error| error, PyErr::from_value)
}
