//! The guard: a small process of ours that traces the target while a copy is made, and sees to it that the copy is
//! gone and the target as before, whatever happens to memsight meanwhile.
//!
//! It was forked off a process that may have many threads, so nothing here allocates, locks or panics.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::calls::Harm;
use crate::error::Obstacle;
use crate::short::Short;
use crate::sys::{self, Event, spawn, trace};
use crate::threads::{State, Thread, Threads, Trouble, nap};

use super::inject::{self, Call, Unfit};
use super::link::{Far, Reply, Request};
use super::way::Site;

/// The longest that the target stands still while nobody says what to do; then it goes on.
const LONGEST: Duration = Duration::from_secs(5);
/// For ever, nearly.
const IDLE: Duration = Duration::from_secs(1 << 30);
/// How long one thread may take to stop before another is tried to collect the copy.
const BRIEF: Duration = Duration::from_millis(20);
/// How long the end of the copy is waited for, which takes 30 ms a GiB.
const LONG_END: Duration = Duration::from_secs(30);
/// For so long none is stopped for that whose call would be cut short.
const LENIENT: Duration = Duration::from_secs(1);
/// How long it is waited between tries when the process is stopped, traced or frozen.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long that is tried with a process that has become another program, or has a filter of system calls around it now.
const HASTE: Duration = Duration::from_millis(100);
/// How long it is tried to collect the copy.
const PERSEVERANCE: Duration = Duration::from_secs(3);
/// The same while somebody else traces the target: another look, which may take its time.
const RESPECT: Duration = Duration::from_secs(12);

/// The copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copy {
    /// In our PID namespace.
    pub pid: u32,
    /// In the target's.
    pub inner: i64,
}

/// The guard's state.
pub(super) struct Guard<'s> {
    line: Far,
    threads: Threads,
    site: &'s Site,
    copy: Option<Copy>,
}

impl Guard<'_> {
    /// With the copy that another guard has left behind, if any.
    pub fn new(line: Far, threads: Threads, site: &Site, copy: Option<Copy>) -> Guard<'_> {
        // (to wait for 0 or less would be to wait for others)
        Guard { line, threads, site, copy: copy.filter(|copy| copy.inner > 0) }
    }

    /// Does what it is asked for until it is told to end, or nobody is left to tell.
    pub fn run(&mut self) {
        let mut limit = IDLE;
        loop {
            match self.line.next(limit) {
                Some(request @ (Request::Stop | Request::StopMost)) => {
                    let stopped = match request {
                        Request::StopMost => self.threads.stop_most(),
                        _ => self.threads.stop_all(),
                    };
                    if let Err(trouble) = stopped {
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
        let copy = self.copy;
        let (collected, second_ns) = self.end();
        self.line.answer(Reply::Ended { collected, pause_ns: pause_ns.saturating_add(second_ns) }, None);
        if let Some(copy) = copy.filter(|_| !collected) {
            // whoever started us waits for our end
            let _ = spawn::fork(&mut [self.threads.descriptor()], || self.keep_at_it(copy));
        }
    }

    /// Tries to have the copy collected for as long as that may come to be: the process is traced by somebody, or frozen.
    fn keep_at_it(&mut self, copy: Copy) {
        self.threads.forget();
        loop {
            std::thread::sleep(PATIENCE);
            if matches!(self.collect(copy, true).0, Found::Nothing | Found::Stranger) {
                return;
            }
        }
    }

    fn fork(&mut self) {
        let made = self.make_copy();
        let slept = self.threads.slept();
        let pause_ns = self.threads.let_go();
        match made {
            Err(cause) => self.line.answer(Reply::Unfit { cause, pause_ns }, None),
            Ok(copy) => {
                self.copy = Some(copy);
                settle(copy.pid, self.site);
                if !slept {
                    // a part of the copy may be older than the rest
                    let (_, second_ns) = self.end();
                    let pause_ns = pause_ns.saturating_add(second_ns);
                    return self.line.answer(Reply::Unfit { cause: Obstacle::Moment, pause_ns }, None);
                }
                let memory = File::open(Short::new(format_args!("/proc/{}/mem", copy.pid)).as_str()).ok();
                self.line.answer(Reply::Forked { child: copy.pid, pause_ns }, memory.as_ref());
            }
        }
    }

    /// Has one of the threads, which all stand still, make the copy: one whose own call would be cut short if we were
    /// killed only if there is no other.
    fn make_copy(&mut self) -> Result<Copy, Obstacle> {
        if self.threads.known().iter().any(|thread| thread.state == State::Halted) {
            return Err(Obstacle::Halted);
        }
        let mut cause = Obstacle::Moment;
        for delicate in [false, true] {
            for place in 0..self.threads.known().len() {
                let Some(&Thread { tid, state: State::Stopped(0) }) = self.threads.known().get(place) else { continue };
                if inject::is_delicate(tid) != delicate {
                    continue;
                }
                match inject::is_fit(&self.threads, tid) {
                    Err(unfit) => cause = obstacle(unfit, cause),
                    Ok(()) if !inject::is_there(tid, self.site) => return Err(Obstacle::Moment),
                    Ok(()) => {
                        if let Some(made) = self.copy_by(tid)? {
                            return Ok(made);
                        }
                    }
                }
            }
        }
        Err(cause)
    }

    /// Has thread `tid` make the copy; `None` when it could not be had to try.
    fn copy_by(&mut self, tid: u32) -> Result<Option<Copy>, Obstacle> {
        let made = inject::call(&mut self.threads, tid, self.site, Call::Clone);
        self.threads.set(tid, made.state);
        match (made.value, made.child) {
            (Some(inner), Some(pid)) if inner > 0 => return Ok(Some(Copy { pid, inner })),
            // killed in the middle of it
            (_, Some(pid)) => spawn::kill(pid),
            (Some(error), None) if !restarts(error) => {
                return Err(Obstacle::Refused { errno: i32::try_from(-error).unwrap_or(libc::EIO) });
            }
            (_, None) => {}
        }
        Ok(None)
    }

    /// Ends the copy and has the target collect it; whether there is no trace of it, and how long a thread of the
    /// target stood still for that, in nanoseconds.
    fn end(&mut self) -> (bool, u64) {
        let Some(copy) = self.copy.take() else { return (true, 0) };
        spawn::kill(copy.pid);
        let began = Instant::now();
        while !matches!(sys::wait(copy.pid, true), Ok(Some(Event::Gone)) | Err(_)) {
            // a frozen control group keeps it from ending
            if began.elapsed() > LONG_END {
                return (false, 0);
            }
            nap(began.elapsed());
        }
        let mut pause_ns = 0_u64;
        let began = Instant::now();
        loop {
            let (found, ns) = self.collect(copy, began.elapsed() < LENIENT);
            pause_ns = pause_ns.saturating_add(ns);
            let limit = match found {
                Found::Nothing => return (true, pause_ns),
                Found::Stranger => HASTE,
                Found::Copy => PERSEVERANCE,
                Found::Tracer => RESPECT,
            };
            if began.elapsed() > limit {
                return (false, pause_ns);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops one thread after the other until one has collected the copy; with `lenient`, none whose call would be cut short.
    fn collect(&mut self, copy: Copy, lenient: bool) -> (Found, u64) {
        let mut pause_ns = 0_u64;
        // no threads: whoever collects what the target leaves behind collects the copy, too
        if self.threads.list().is_err() {
            return (Found::Nothing, pause_ns);
        }
        let mut found = Found::Nothing;
        // the first thread last: while it stands still, others would get the signals of the process
        for place in (0..self.threads.known().len()).rev() {
            let Some(&Thread { tid, .. }) = self.threads.known().get(place) else { break };
            if self.threads.is_frozen(tid) || (lenient && self.threads.harm(tid) == Harm::Cut) {
                found = found.max(Found::Copy);
                continue;
            }
            let there = self.collect_by(place, tid, copy);
            self.threads.release(place);
            pause_ns = pause_ns.saturating_add(self.threads.paused());
            match there {
                None => return (Found::Nothing, pause_ns),
                Some(there) => found = found.max(there),
            }
        }
        self.threads.let_go();
        (found, pause_ns)
    }

    /// Has one thread collect the copy; `None` when it did, otherwise what there is, for all that it knows.
    fn collect_by(&mut self, place: usize, tid: u32, copy: Copy) -> Option<Found> {
        match self.threads.stop_one(place, BRIEF) {
            Ok(State::Gone) => return Some(Found::Nothing),
            // one that stands still anyway (SIGSTOP) can make a call, too, and stands still again when it is let go
            Ok(State::Stopped(0) | State::Halted) => {}
            Err(Trouble::Refused { errno: libc::EPERM, .. }) => return Some(Found::Tracer),
            _ => return Some(Found::Copy),
        }
        match inject::is_fit(&self.threads, tid) {
            Ok(()) if inject::is_there(tid, self.site) => {}
            Ok(()) | Err(Unfit::Seccomp { .. }) => return Some(Found::Stranger),
            Err(_) => return Some(Found::Copy),
        }
        let made = inject::call(&mut self.threads, tid, self.site, Call::Wait { child: copy.inner });
        self.threads.set(tid, made.state);
        let collected = made.value == Some(copy.inner) || made.value == Some(-i64::from(libc::ECHILD));
        if collected { None } else { Some(Found::Copy) }
    }
}

/// What there was when the copy was to be collected; of several threads the last of these counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// No trace of it, any more.
    Nothing,
    /// The copy, and a target that is not what it was: another program, or with a filter of system calls.
    Stranger,
    /// The copy.
    Copy,
    /// The copy, and somebody who traces the target.
    Tracer,
}

/// The reason that is worth telling: a passing one says least.
fn obstacle(unfit: Unfit, before: Obstacle) -> Obstacle {
    match unfit {
        Unfit::Seccomp { mode } => Obstacle::Seccomp { mode },
        Unfit::ShadowStack => Obstacle::ShadowStack,
        Unfit::Foreign => Obstacle::Architecture,
        Unfit::Passing => before,
    }
}

/// Results by which the kernel means that the call is to be made again (`ERESTARTSYS` to `ERESTART_RESTARTBLOCK`).
fn restarts(value: i64) -> bool {
    (-516..=-512).contains(&value)
}

/// Sees to it that the copy ends when we do, that it is the first to go where memory runs out, and that it holds no file.
fn settle(pid: u32, site: &Site) {
    let began = Instant::now();
    while matches!(sys::wait(pid, true), Ok(None)) && began.elapsed() < PERSEVERANCE {
        nap(began.elapsed());
    }
    let _ = trace::set_options(pid, libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD);
    inject::leave_files(pid, site);
    let score = Short::new(format_args!("/proc/{pid}/oom_score_adj"));
    let _ = OpenOptions::new().write(true).open(score.as_str()).and_then(|mut file| file.write_all(b"1000"));
}
