//! Stopping every thread of a process, and letting it go on as if nothing had been.
//!
//! ptrace(2) ties a traced thread to the thread that traces it, and lets go of it when that one ends, however it
//! ends. So a thread of our own does the tracing: its end undoes everything, also a stop that never came. Nothing
//! is sent to the target that it or its parent could notice, SIGSTOP least of all.

use std::marker::PhantomData;
use std::sync::mpsc;
use std::thread::JoinHandle;

use memsight_model::Progress;

use crate::error::TargetError;
use crate::image::Image;
use crate::live::LiveMemory;
use crate::process::Process;
use crate::procfs::Stat;
use crate::threads::{Threads, Trouble};
use crate::turn::{self, Turn};

/// A process whose threads all stand still. They go on when this is dropped, when [`Frozen::resume`] is called,
/// and when memsight ends, even by `kill -9`.
///
/// System calls that were interrupted are taken up again by the kernel, as after a SIGSTOP. The few that it does not
/// take up (`epoll_wait`, `sigtimedwait`, `semop`; see signal(7)) are taken up all the same when they wait without a
/// limit; with one they return EINTR, which Python hides and answers with the rest of the wait.
#[derive(Debug)]
pub struct Frozen<'p> {
    process: &'p Process,
    tracer: Option<Tracer>,
    /// Stays where it was made, so that a pause has one owner.
    here: PhantomData<*const ()>,
}

impl<'p> Frozen<'p> {
    pub(crate) fn new(process: &'p Process) -> Result<Frozen<'p>, TargetError> {
        let tracer = Tracer::start(process.pid())?;
        let frozen = Frozen { process, tracer: Some(tracer), here: PhantomData };
        // between the check and the stop the id may have gone to another process
        process.check_alive()?;
        Ok(frozen)
    }

    /// The memory of the stopped process.
    pub fn memory(&self) -> LiveMemory {
        self.process.memory()
    }

    /// Copies the private writable memory. Cost: about 0.4 s a GiB with two processors.
    pub fn capture(&self, progress: &dyn Progress) -> Result<Image, TargetError> {
        Image::capture(self.process, progress)
    }

    /// Lets the threads go on; how long they stood still, in nanoseconds from the first request to stop to the
    /// last release.
    pub fn resume(mut self) -> u64 {
        self.tracer.take().map_or(0, Tracer::finish)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if let Some(tracer) = self.tracer.take() {
            tracer.finish();
        }
    }
}

/// The thread that traces.
#[derive(Debug)]
struct Tracer {
    release: mpsc::Sender<()>,
    thread: JoinHandle<u64>,
}

impl Tracer {
    /// Returns when all threads of `pid` stand still, or when all that did were let go.
    fn start(pid: u32) -> Result<Tracer, TargetError> {
        let mut turn = Turn::new(pid);
        loop {
            match Tracer::attempt(pid)? {
                Ok(tracer) => return Ok(tracer),
                Err(trouble) if turn.comes(trouble) => {}
                // while its threads are as they are: one that traces us out is named
                Err(trouble) => return Err(trouble.explain(pid)),
            }
        }
    }

    fn attempt(pid: u32) -> Result<Result<Tracer, Trouble>, TargetError> {
        let (release, released) = mpsc::channel();
        let (report, ready) = mpsc::channel();
        let mut threads = Threads::new(pid, Stat::of(pid)?.parent == std::process::id())?;
        let work = move || {
            let stopped = threads.stop_all();
            let failed = stopped.is_err();
            // nobody listening is the same as being released
            let _ = report.send(stopped);
            if !failed {
                let _ = released.recv();
            }
            threads.let_go()
        };
        let thread = std::thread::Builder::new()
            .name(turn::TRACER.to_owned())
            .spawn(work)
            .map_err(|source| TargetError::Io { pid, what: "threads (ours, to trace those)", source })?;
        let tracer = Tracer { release, thread };
        Ok(match ready.recv().unwrap_or(Err(Trouble::Gone)) {
            Ok(()) => Ok(tracer),
            Err(trouble) => {
                tracer.finish();
                Err(trouble)
            }
        })
    }

    fn finish(self) -> u64 {
        drop(self.release);
        self.thread.join().unwrap_or(0)
    }
}
