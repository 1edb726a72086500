//! Stopping every thread of a process, and letting it go on as if nothing had been.
//!
//! ptrace(2) ties a traced thread to the thread that traces it, and lets go of it when that one ends, however it
//! ends. So a thread of our own does the tracing: its end undoes everything, also a stop that never came. Nothing
//! is sent to the target that it or its parent could notice, SIGSTOP least of all.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memsight_model::Progress;

use crate::diagnose;
use crate::error::TargetError;
use crate::image::Image;
use crate::live::LiveMemory;
use crate::process::Process;
use crate::procfs::{self, Stat};
use crate::sys::{self, Event};

/// The longest that we wait for the threads to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// For this long the wait is busy: most threads stop within microseconds.
const EAGER: Duration = Duration::from_micros(300);
/// Then looks are this far apart.
const NAP: Duration = Duration::from_micros(200);

/// A process whose threads all stand still. They go on when this is dropped, when [`Frozen::resume`] is called,
/// and when memsight ends, even by `kill -9`.
///
/// System calls that were interrupted are taken up again by the kernel, as after a SIGSTOP; the few that are not
/// (`epoll_wait`, `sigtimedwait`, `semop`; see signal(7)) return EINTR, which Python hides.
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
        let (release, released) = mpsc::channel();
        let (report, ready) = mpsc::channel();
        let work = move || {
            let mut threads = Threads::new(pid);
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
            .name("memsight-tracer".to_owned())
            .spawn(work)
            .map_err(|source| TargetError::Io { pid, what: "threads (ours, to trace those)", source })?;
        let tracer = Tracer { release, thread };
        match ready.recv() {
            Ok(Ok(())) => Ok(tracer),
            Ok(Err(error)) => {
                tracer.finish();
                Err(error)
            }
            Err(_) => Err(TargetError::TargetExited { pid }),
        }
    }

    fn finish(self) -> u64 {
        drop(self.release);
        self.thread.join().unwrap_or(0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// Stands still; the signal that it was about to receive, or 0.
    Stopped(i32),
    Gone,
}

/// The threads that the calling thread traces.
struct Threads {
    pid: u32,
    known: BTreeMap<u32, State>,
    /// When the first was asked to stop.
    began: Option<Instant>,
}

impl Threads {
    fn new(pid: u32) -> Threads {
        Threads { pid, known: BTreeMap::new(), began: None }
    }

    /// Stops every thread, those included that the running ones create meanwhile.
    fn stop_all(&mut self) -> Result<(), TargetError> {
        loop {
            let mut fresh = procfs::threads(self.pid)?;
            fresh.retain(|tid| !self.known.contains_key(tid));
            if fresh.is_empty() {
                break;
            }
            // tracing alone stops nothing, so the pause begins after it
            for &tid in &fresh {
                self.seize(tid)?;
            }
            self.began.get_or_insert_with(Instant::now);
            for tid in fresh {
                if self.known.get(&tid) == Some(&State::Running) && sys::interrupt(tid).is_err() {
                    self.known.insert(tid, State::Gone);
                }
            }
            self.wait()?;
        }
        match self.known.values().all(|state| *state == State::Gone) {
            true => Err(TargetError::TargetExited { pid: self.pid }),
            false => Ok(()),
        }
    }

    fn seize(&mut self, tid: u32) -> Result<(), TargetError> {
        let state = match sys::seize(tid) {
            Ok(()) => State::Running,
            Err(_) if Stat::of_thread(self.pid, tid).is_none_or(|stat| stat.is_dead()) => State::Gone,
            Err(source) => return Err(self.refusal(tid, source)),
        };
        self.known.insert(tid, state);
        Ok(())
    }

    fn refusal(&self, tid: u32, source: std::io::Error) -> TargetError {
        let pid = self.pid;
        let tracer = procfs::tracer(&procfs::text_quietly(pid, &format!("task/{tid}/status")));
        match (source.raw_os_error(), tracer) {
            (Some(libc::EPERM), Some(by)) => TargetError::Traced { pid, by },
            (Some(libc::EPERM), None) => TargetError::NotPermitted { pid, cause: diagnose::denial(pid) },
            _ => procfs::failure(pid, "its threads", source),
        }
    }

    /// Waits until none of the known threads runs.
    fn wait(&mut self) -> Result<(), TargetError> {
        let began = Instant::now();
        let parent = Stat::of(self.pid)?.parent == std::process::id();
        loop {
            let mut running = None;
            for (&tid, state) in self.known.iter_mut().filter(|(_, state)| **state == State::Running) {
                // a child of ours is collected by whoever started it
                match sys::wait(tid, !(parent && tid == self.pid)) {
                    Ok(Some(Event::Stopped)) => *state = State::Stopped(0),
                    Ok(Some(Event::Signal(signal))) => *state = State::Stopped(signal),
                    Ok(Some(Event::Gone)) | Err(_) => *state = State::Gone,
                    Ok(None) => running = Some(tid),
                }
            }
            let Some(tid) = running else { return Ok(()) };
            match began.elapsed() {
                waited if waited > PATIENCE => return self.unstoppable(tid, waited),
                waited if waited < EAGER => std::thread::yield_now(),
                _ => std::thread::sleep(NAP),
            }
        }
    }

    /// The verdict on a thread that does not stop; a dead one is no error.
    fn unstoppable(&mut self, tid: u32, waited: Duration) -> Result<(), TargetError> {
        match Stat::of_thread(self.pid, tid) {
            Some(stat) if !stat.is_dead() => {
                let vfork = waits_in_vfork(self.pid, tid);
                Err(TargetError::StoppedTooLong { pid: self.pid, tid, state: stat.state, vfork, waited })
            }
            _ => {
                self.known.insert(tid, State::Gone);
                self.wait()
            }
        }
    }

    /// Lets every thread go on with the signal that it was about to receive; the time since the first was
    /// stopped, in nanoseconds. Threads that are still running are let go when the calling thread ends.
    fn let_go(self) -> u64 {
        for (&tid, state) in &self.known {
            if let State::Stopped(signal) = *state {
                // one that was killed meanwhile cannot be let go, and need not be
                let _ = sys::detach(tid, signal);
            }
        }
        self.began.map_or(0, |began| u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Whether a thread waits for the child of a vfork to start a program or end.
fn waits_in_vfork(pid: u32, tid: u32) -> bool {
    const CLONE_VFORK: u64 = 0x4000;
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let number = words.next().and_then(|word| word.parse::<i64>().ok());
    let flags = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    match number {
        Some(libc::SYS_vfork) => true,
        Some(libc::SYS_clone) => flags.is_some_and(|flags| flags & CLONE_VFORK != 0),
        // its flags are in memory, but nothing else in it waits uninterruptibly
        Some(libc::SYS_clone3) => true,
        _ => false,
    }
}
