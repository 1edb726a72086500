//! The guard: a small process of ours that traces the target while a copy is made, and sees to it that the copy is
//! gone and the target as before, whatever happens to memsight meanwhile.
//!
//! It was forked off a process that may have many threads, so nothing here allocates, locks or panics.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::error::Obstacle;
use crate::short::Short;
use crate::sys::{self, Event, spawn, trace};
use crate::threads::{State, Thread, Threads, nap};

use super::inject::{self, Call, Unfit};
use super::link::{Far, Reply, Request};

/// The longest that the target stands still while nobody says what to do; then it goes on.
const LONGEST: Duration = Duration::from_secs(5);
/// For ever, nearly.
const IDLE: Duration = Duration::from_secs(1 << 30);
/// How long one thread may take to stop before another is tried to collect the copy.
const BRIEF: Duration = Duration::from_millis(20);
/// How long it is tried to collect the copy.
const PERSEVERANCE: Duration = Duration::from_secs(3);
/// Where the copy's stack would be if it ever ran: nowhere, so that it would end at once.
const NO_STACK: u64 = 8;

/// The copy.
#[derive(Debug, Clone, Copy)]
struct Copy {
    /// In our PID namespace.
    pid: u32,
    /// In the target's.
    inner: i64,
}

/// The guard's state.
pub(super) struct Guard {
    line: Far,
    threads: Threads,
    /// The address of an instruction `syscall` in the target.
    gadget: u64,
    copy: Option<Copy>,
}

impl Guard {
    pub fn new(line: Far, threads: Threads, gadget: u64) -> Guard {
        Guard { line, threads, gadget, copy: None }
    }

    /// Does what it is asked for until it is told to end, or nobody is left to tell.
    pub fn run(&mut self) {
        let mut limit = IDLE;
        loop {
            match self.line.next(limit) {
                Some(Request::Stop) => {
                    if let Err(trouble) = self.threads.stop_all() {
                        let pause_ns = self.threads.let_go();
                        return self.line.answer(Reply::Trouble { trouble, pause_ns }, None);
                    }
                    limit = LONGEST;
                    self.line.answer(Reply::Stopped, None);
                }
                Some(Request::Fork) => {
                    limit = IDLE;
                    self.fork();
                }
                Some(Request::LetGo) => {
                    limit = IDLE;
                    self.line.answer(Reply::Free { pause_ns: self.threads.let_go() }, None);
                }
                Some(Request::End) | None => break,
            }
        }
        let pause_ns = self.threads.let_go();
        let (collected, second_ns) = self.end();
        self.line.answer(Reply::Ended { collected, pause_ns: pause_ns.saturating_add(second_ns) }, None);
    }

    fn fork(&mut self) {
        let made = self.make_copy();
        let pause_ns = self.threads.let_go();
        match made {
            Err(cause) => self.line.answer(Reply::Unfit { cause, pause_ns }, None),
            Ok(copy) => {
                self.copy = Some(copy);
                settle(copy.pid);
                let memory = File::open(Short::new(format_args!("/proc/{}/mem", copy.pid)).as_str()).ok();
                self.line.answer(Reply::Forked { child: copy.pid, pause_ns }, memory.as_ref());
            }
        }
    }

    /// Has one of the threads, which all stand still, make the copy.
    fn make_copy(&mut self) -> Result<Copy, Obstacle> {
        if self.threads.known().iter().any(|thread| thread.state == State::Halted) {
            return Err(Obstacle::Halted);
        }
        let mut cause = Obstacle::Moment;
        for place in 0..self.threads.known().len() {
            let Some(&Thread { tid, state: State::Stopped(0) }) = self.threads.known().get(place) else { continue };
            if let Err(unfit) = inject::is_fit(&self.threads, tid) {
                cause = obstacle(unfit, cause);
                continue;
            }
            if !inject::is_syscall(tid, self.gadget) {
                return Err(Obstacle::Moment);
            }
            let flags = libc::CLONE_FILES as u64; // and no signal at its end
            let clone = Call { number: libc::SYS_clone, arguments: [flags, NO_STACK, 0, 0] };
            let made = inject::call(&self.threads, tid, self.gadget, &clone);
            self.threads.set(tid, made.state);
            match (made.value, made.child) {
                (Some(inner), Some(pid)) if inner > 0 => return Ok(Copy { pid, inner }),
                // killed in the middle of it
                (_, Some(pid)) => spawn::kill(pid),
                (Some(error), None) if restarts(error) => {}
                (Some(error), None) => {
                    return Err(Obstacle::Refused { errno: i32::try_from(-error).unwrap_or(libc::EIO) });
                }
                (None, None) => {}
            }
        }
        Err(cause)
    }

    /// Ends the copy and has the target collect it; whether there is no trace of it, and how long a thread of the
    /// target stood still for that, in nanoseconds.
    fn end(&mut self) -> (bool, u64) {
        let Some(copy) = self.copy.take() else { return (true, 0) };
        spawn::kill(copy.pid);
        let began = Instant::now();
        while !matches!(sys::wait(copy.pid, true), Ok(Some(Event::Gone)) | Err(_)) {
            nap(began.elapsed());
        }
        let mut pause_ns = 0_u64;
        let began = Instant::now();
        while began.elapsed() < PERSEVERANCE {
            let (collected, ns) = self.collect(copy);
            pause_ns = pause_ns.saturating_add(ns);
            if collected {
                return (true, pause_ns);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        (false, pause_ns)
    }

    /// Stops one thread after the other until one has collected the copy.
    fn collect(&mut self, copy: Copy) -> (bool, u64) {
        let mut pause_ns = 0_u64;
        // no threads: whoever collects what the target leaves behind collects the copy, too
        if self.threads.list().is_err() {
            return (true, pause_ns);
        }
        let mut gone = true;
        // the first thread last: while it stands still, others would get the signals of the process
        for place in (0..self.threads.known().len()).rev() {
            let Some(&Thread { tid, .. }) = self.threads.known().get(place) else { break };
            let stopped = self.threads.stop_one(place, BRIEF);
            gone &= stopped == Ok(State::Gone);
            let mut collected = false;
            if stopped == Ok(State::Stopped(0))
                && inject::is_fit(&self.threads, tid).is_ok()
                && inject::is_syscall(tid, self.gadget)
            {
                let options = (libc::__WALL | libc::WNOHANG) as u64;
                let wait = Call { number: libc::SYS_wait4, arguments: [copy.inner.cast_unsigned(), 0, options, 0] };
                let made = inject::call(&self.threads, tid, self.gadget, &wait);
                self.threads.set(tid, made.state);
                collected = made.value == Some(copy.inner) || made.value == Some(-i64::from(libc::ECHILD));
            }
            self.threads.release(place);
            pause_ns = pause_ns.saturating_add(self.threads.paused());
            if collected {
                return (true, pause_ns);
            }
        }
        self.threads.let_go();
        (gone, pause_ns)
    }
}

/// The reason that is worth telling: a passing one says least.
fn obstacle(unfit: Unfit, before: Obstacle) -> Obstacle {
    match unfit {
        Unfit::Seccomp { mode } => Obstacle::Seccomp { mode },
        Unfit::Foreign => Obstacle::Architecture,
        Unfit::Passing => before,
    }
}

/// Results by which the kernel means that the call is to be made again (`ERESTARTSYS` to `ERESTART_RESTARTBLOCK`).
fn restarts(value: i64) -> bool {
    (-516..=-512).contains(&value)
}

/// Sees to it that the copy ends when we do, and that it is the first to go where memory runs out.
fn settle(pid: u32) {
    let began = Instant::now();
    while matches!(sys::wait(pid, true), Ok(None)) && began.elapsed() < PERSEVERANCE {
        nap(began.elapsed());
    }
    let _ = trace::set_options(pid, libc::PTRACE_O_EXITKILL);
    let score = Short::new(format_args!("/proc/{pid}/oom_score_adj"));
    let _ = OpenOptions::new().write(true).open(score.as_str()).and_then(|mut file| file.write_all(b"1000"));
}
