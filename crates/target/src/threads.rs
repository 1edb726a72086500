//! The threads of a process, traced by the calling thread: stopped all together, and let go as if nothing had been.
//!
//! Nothing here allocates after [`Threads::new`]: see [`crate::short`].

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use crate::calls::{self, Harm};
use crate::diagnose;
use crate::error::TargetError;
use crate::procfs;
use crate::short::Short;
use crate::sys::{self, Event, trace};

/// The longest that we wait for the threads to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// For this long the wait is busy: most threads stop within microseconds.
const EAGER: Duration = Duration::from_micros(300);
/// Then looks are this far apart.
const NAP: Duration = Duration::from_micros(200);
/// How long the other threads stand still for signals that only the first is to take.
const COURTESY: Duration = Duration::from_millis(5);
/// Bytes that are kept of a status file: twice what stands behind its list of groups, at the least.
pub(crate) const STATUS: usize = 16 << 10;
/// So often those are left that wait in calls which a stop would change. One that wakes and sleeps again all the time is stopped
/// then.
const LENIENCE: u32 = 4;
/// The most threads that one process may have here.
const MOST: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Seen, and nothing done to it.
    Found,
    /// Left to wait in the kernel, since a stop would do `harm` to its call; how often it had run until then.
    Left {
        runs: u64,
        harm: Harm,
    },
    /// Traced, and running as before.
    Seized,
    /// Asked to stop.
    Running,
    /// Stands still; the signal that it was about to receive, or 0.
    Stopped(i32),
    /// Stands still, as it did before we came (SIGSTOP and the like).
    Halted,
    Gone,
}

/// A thread that the calling thread traces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thread {
    pub tid: u32,
    pub state: State,
}

/// The threads of a process.
pub(crate) struct Threads {
    pid: u32,
    tasks: File,
    /// In the order of their ids.
    known: Vec<Thread>,
    entries: Vec<u8>,
    /// The process is our child: whoever started it collects its end.
    ours: bool,
    /// When the first was asked to stop.
    began: Option<Instant>,
}

/// Why the threads did not stop. [`Trouble::explain`] makes an error of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None of them is left.
    Gone,
    /// The kernel does not let us trace this one.
    Refused { tid: u32, errno: i32 },
    /// This one does not stop.
    Unstoppable { tid: u32, state: char, vfork: bool, waited: Duration },
}

impl Trouble {
    /// The error that people see. Looks around for the cause.
    pub fn explain(self, pid: u32) -> TargetError {
        match self {
            Trouble::Gone => TargetError::TargetExited { pid },
            Trouble::Unstoppable { tid, state, vfork, waited } => {
                TargetError::StoppedTooLong { pid, tid, state, vfork, waited }
            }
            Trouble::Refused { tid, errno } => {
                let tracer = procfs::tracer(&procfs::text_quietly(pid, &format!("task/{tid}/status")));
                match (errno, tracer) {
                    (libc::EPERM, Some(by)) => TargetError::Traced { pid, by },
                    (libc::EPERM, None) => TargetError::NotPermitted { pid, cause: diagnose::denial(pid) },
                    _ => procfs::failure(pid, "its threads", io::Error::from_raw_os_error(errno)),
                }
            }
        }
    }
}

impl Threads {
    /// The threads of `pid`; `ours` when that is a child of the process that will call [`Threads::stop_all`].
    pub fn new(pid: u32, ours: bool) -> Result<Threads, TargetError> {
        let failed = |source| procfs::failure(pid, "its threads", source);
        let tasks = File::open(format!("/proc/{pid}/task")).map_err(failed)?;
        Ok(Threads { pid, tasks, known: Vec::with_capacity(MOST), entries: vec![0; 32 << 10], ours, began: None })
    }

    /// The descriptor of the one file that is needed from now on.
    pub fn descriptor(&self) -> RawFd {
        self.tasks.as_raw_fd()
    }

    /// Stops every thread, those included that the running ones create meanwhile.
    pub fn stop_all(&mut self) -> Result<(), Trouble> {
        while self.list()? {
            self.stop_found()?;
        }
        self.verdict()
    }

    /// The same, but for those that wait in calls which a stop would change: they stand still anyway, until what they wait for
    /// comes. [`Threads::slept`] tells whether it did not. Where all wait like that, one is stopped whose call is at least not
    /// [cut short](Harm::Cut); none, where there is no such one.
    pub fn stop_most(&mut self) -> Result<(), Trouble> {
        let mut rounds = 0;
        while self.list()? | self.take_woken() {
            rounds += 1;
            for place in (0..self.known.len()).filter(|_| rounds <= LENIENCE) {
                self.leave(place);
            }
            self.stop_found()?;
        }
        let stands = |thread: &Thread| matches!(thread.state, State::Stopped(_) | State::Halted);
        let mild = |thread: &Thread| matches!(thread.state, State::Left { harm: Harm::Anew, .. });
        if !self.known.iter().any(stands)
            && let Some(place) = self.known.iter().position(mild)
        {
            self.put(place, State::Found);
            self.stop_found()?;
        }
        self.verdict()
    }

    fn verdict(&self) -> Result<(), Trouble> {
        match self.known.iter().all(|thread| thread.state == State::Gone) {
            true => Err(Trouble::Gone),
            false => Ok(()),
        }
    }

    /// Stops those to which nothing was done yet.
    fn stop_found(&mut self) -> Result<(), Trouble> {
        // tracing alone stops nothing, so the pause begins after it
        for place in 0..self.known.len() {
            self.seize(place)?;
        }
        self.began.get_or_insert_with(Instant::now);
        // the first thread last, and below let go first: it is the one that gets the signals of the process
        for place in (0..self.known.len()).rev() {
            self.interrupt(place);
        }
        self.wait()
    }

    /// Leaves one in a call that a stop would change.
    fn leave(&mut self, place: usize) {
        let Some(&Thread { tid, state: State::Found }) = self.known.get(place) else { return };
        // in this order: what it does from now on counts
        let Some(runs) = self.runs(tid) else { return };
        let harm = self.harm(tid);
        if harm > Harm::Nothing {
            self.put(place, State::Left { runs, harm });
        }
    }

    /// What a stop would do to the call that a thread waits in. Cost: a small file.
    pub fn harm(&self, tid: u32) -> Harm {
        let mut text = [0; 256];
        calls::harm(self.file(tid, "syscall", &mut text))
    }

    /// Whether it stands in the freezer of its control group, out of which no stop takes it (kernel/cgroup/freezer.c,
    /// kernel/freezer.c).
    pub fn is_frozen(&self, tid: u32) -> bool {
        let mut text = [0; 64];
        matches!(self.file(tid, "wchan", &mut text), b"do_freezer_trap" | b"__refrigerator")
    }

    /// How often a thread was given a processor (fs/proc/base.c, `proc_pid_schedstat`, third number); `None` where the kernel
    /// does not count.
    fn runs(&self, tid: u32) -> Option<u64> {
        let mut text = [0; 96];
        let text = std::str::from_utf8(self.file(tid, "schedstat", &mut text)).ok()?;
        text.split_ascii_whitespace().nth(2)?.parse().ok().filter(|&runs| runs > 0)
    }

    /// Whether each one that was left has slept ever since.
    pub fn slept(&self) -> bool {
        !self.known.iter().any(|thread| self.has_woken(thread))
    }

    /// Whether one was left, and has run since.
    fn has_woken(&self, thread: &Thread) -> bool {
        matches!(thread.state, State::Left { runs, .. } if self.runs(thread.tid) != Some(runs))
    }

    /// Takes those that were left and have run since as not seen yet; whether there were any.
    fn take_woken(&mut self) -> bool {
        let mut woken = false;
        for place in 0..self.known.len() {
            if self.known.get(place).is_some_and(|thread| self.has_woken(thread)) {
                self.put(place, State::Found);
                woken = true;
            }
        }
        woken
    }

    /// Stops the thread at `place` of [`Threads::known`] within `limit`, or leaves it traced and asked to stop.
    pub fn stop_one(&mut self, place: usize, limit: Duration) -> Result<State, Trouble> {
        self.seize(place)?;
        self.began = Some(Instant::now());
        self.interrupt(place);
        let asked = Instant::now();
        loop {
            self.look(place);
            match self.known.get(place).map_or(State::Gone, |thread| thread.state) {
                State::Running if asked.elapsed() < limit => nap(asked.elapsed()),
                state => return Ok(state),
            }
        }
    }

    /// Takes down the threads that there are; whether one of them is new.
    pub fn list(&mut self) -> Result<bool, Trouble> {
        let gone = |_| Trouble::Gone;
        self.tasks.rewind().map_err(gone)?;
        let mut fresh = false;
        loop {
            let len = sys::entries(&self.tasks, &mut self.entries).map_err(gone)?;
            if len == 0 {
                return Ok(fresh);
            }
            let Threads { pid, entries, known, .. } = self;
            for tid in numbers(entries.get(..len).unwrap_or_default()) {
                let Err(place) = known.binary_search_by_key(&rank(*pid, tid), |thread| rank(*pid, thread.tid)) else {
                    continue;
                };
                if known.len() == known.capacity() {
                    return Err(Trouble::Refused { tid, errno: libc::E2BIG });
                }
                known.insert(place, Thread { tid, state: State::Found });
                fresh = true;
            }
        }
    }

    /// Begins anew: what was known is another process's to trace.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Those that were taken down.
    pub fn known(&self) -> &[Thread] {
        &self.known
    }

    /// Notes what a thread that the caller has made go on has come to.
    pub fn set(&mut self, tid: u32, state: State) {
        if let Ok(place) = self.known.binary_search_by_key(&rank(self.pid, tid), |thread| rank(self.pid, thread.tid)) {
            self.put(place, state);
        }
    }

    fn put(&mut self, place: usize, state: State) {
        if let Some(thread) = self.known.get_mut(place) {
            thread.state = state;
        }
    }

    fn seize(&mut self, place: usize) -> Result<(), Trouble> {
        let Some(&Thread { tid, state: State::Found }) = self.known.get(place) else { return Ok(()) };
        let state = match sys::seize(tid) {
            Ok(()) => State::Seized,
            Err(_) if self.is_dead(tid) => State::Gone,
            Err(source) => return Err(Trouble::Refused { tid, errno: source.raw_os_error().unwrap_or(libc::EIO) }),
        };
        self.put(place, state);
        Ok(())
    }

    fn interrupt(&mut self, place: usize) {
        let Some(&Thread { tid, state: State::Seized }) = self.known.get(place) else { return };
        self.put(place, if sys::interrupt(tid).is_ok() { State::Running } else { State::Gone });
    }

    /// Looks what a running thread has done.
    fn look(&mut self, place: usize) {
        let Some(&Thread { tid, state: State::Running }) = self.known.get(place) else { return };
        let state = match sys::wait(tid, !(self.ours && tid == self.pid)) {
            Ok(Some(Event::Stopped)) => {
                // at once, so that it holds even when nobody is left to let it go
                trace::take_up_again(tid);
                State::Stopped(0)
            }
            Ok(Some(Event::Halted)) => State::Halted,
            Ok(Some(Event::Signal(signal))) => State::Stopped(signal),
            // none of these can be before a call was made to be traced
            Ok(Some(Event::Call | Event::Cloned)) | Ok(None) => State::Running,
            Ok(Some(Event::Gone)) | Err(_) => State::Gone,
        };
        self.put(place, state);
    }

    /// Waits until none of the known threads runs.
    fn wait(&mut self) -> Result<(), Trouble> {
        let mut began = Instant::now();
        loop {
            let mut running = None;
            for place in 0..self.known.len() {
                self.look(place);
                let still = self.known.get(place).filter(|thread| thread.state == State::Running);
                running = still.map_or(running, |thread| Some(thread.tid));
            }
            let Some(tid) = running else { return Ok(()) };
            let waited = began.elapsed();
            if waited > PATIENCE {
                self.unstoppable(tid, waited)?;
                began = Instant::now();
            }
            nap(waited);
        }
    }

    /// The verdict on a thread that does not stop; a dead one is no error.
    fn unstoppable(&mut self, tid: u32, waited: Duration) -> Result<(), Trouble> {
        if self.is_dead(tid) {
            self.set(tid, State::Gone);
            return Ok(());
        }
        let state = self.state(tid).unwrap_or('?');
        let mut text = [0; 256];
        let vfork = calls::waits_in_vfork(self.file(tid, "syscall", &mut text));
        Err(Trouble::Unstoppable { tid, state, vfork, waited })
    }

    /// Whether it has ended, collected or not. Cost: a small file.
    pub fn is_dead(&self, tid: u32) -> bool {
        self.state(tid).is_none_or(|state| matches!(state, 'Z' | 'X' | 'x'))
    }

    /// The state of a thread as in `ps`; `None` when it is gone.
    fn state(&self, tid: u32) -> Option<char> {
        let mut text = [0; 256];
        procfs::state(self.file(tid, "stat", &mut text))
    }

    /// The beginning of a file of a thread; empty when it cannot be read.
    pub fn file<'a>(&self, tid: u32, name: &str, buffer: &'a mut [u8]) -> &'a [u8] {
        let path = Short::new(format_args!("{tid}/{name}"));
        let read = sys::open_below(&self.tasks, path.as_c()).and_then(|mut file| file.read(buffer));
        buffer.get(..read.unwrap_or(0)).unwrap_or_default()
    }

    /// The end of the status file of a thread, with all lines but those that may be behind a long list of groups.
    pub fn status<'a>(&self, tid: u32, buffer: &'a mut [u8; STATUS]) -> &'a [u8] {
        let path = Short::new(format_args!("{tid}/status"));
        let Ok(mut file) = sys::open_below(&self.tasks, path.as_c()) else { return &[] };
        let mut len = 0;
        while let Ok(read @ 1..) = file.read(buffer.get_mut(len..).unwrap_or_default()) {
            len += read;
            if len == STATUS {
                buffer.copy_within(STATUS / 2.., 0);
                len = STATUS / 2;
            }
        }
        buffer.get(..len).unwrap_or_default()
    }

    /// Lets every thread that stands still go on, with the signal that it was about to receive; the time since the
    /// first was asked to stop, in nanoseconds. The others are let go when the calling thread ends.
    pub fn let_go(&mut self) -> u64 {
        for place in 0..self.known.len() {
            self.release(place);
            if place == 0 && self.known.len() > 1 {
                self.let_signals_pass();
            }
        }
        self.known.retain(|thread| matches!(thread.state, State::Running | State::Seized));
        self.paused()
    }

    /// Waits until the first thread, which alone goes on, has taken the signals that came for the process meanwhile: the
    /// others would take them as soon as they run, and have their own calls interrupted. Cost: a small file.
    fn let_signals_pass(&self) {
        let Some(&Thread { tid, .. }) = self.known.first() else { return };
        let began = Instant::now();
        let mut status = [0; STATUS];
        while began.elapsed() < COURTESY {
            let status = self.status(tid, &mut status);
            let bits = |name: &[u8]| procfs::line(status, name).and_then(hexadecimal);
            let (Some(pending), Some(blocked)) = (bits(b"\nShdPnd:\t"), bits(b"\nSigBlk:\t")) else { return };
            if pending & !blocked == 0 {
                return;
            }
            nap(began.elapsed());
        }
    }

    /// Lets every thread but one go on: that one waits for something that they may have to do.
    pub fn let_others_go(&mut self, tid: u32) {
        for place in 0..self.known.len() {
            if self.known.get(place).is_some_and(|thread| thread.tid != tid) {
                self.release(place);
            }
        }
    }

    /// Lets one go on if it stands still.
    pub fn release(&mut self, place: usize) {
        let Some(&Thread { tid, state }) = self.known.get(place) else { return };
        let signal = match state {
            State::Stopped(signal) => signal,
            State::Halted => 0,
            _ => return,
        };
        // one that was killed meanwhile cannot be let go, and need not be
        let _ = sys::detach(tid, signal);
        self.put(place, State::Found);
    }

    /// The time since the first was asked to stop, in nanoseconds; 0 when asked again.
    pub fn paused(&mut self) -> u64 {
        self.began.take().map_or(0, |began| u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Waits a little, the less the shorter the wait was up to now.
pub(crate) fn nap(waited: Duration) {
    if waited < EAGER { std::thread::yield_now() } else { std::thread::sleep(NAP) }
}

/// The entries of `getdents64` (`ino64_t`, `off64_t`, length of the entry, type, name) whose names are numbers.
fn numbers(mut entries: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        while let Some(&[low, high]) = entries.get(16..18) {
            let (entry, rest) = entries.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
            entries = rest;
            let name = entry.get(19..)?.split(|&byte| byte == 0).next()?;
            if let Some(number) = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()) {
                return Some(number);
            }
        }
        None
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The order of the threads of a process: the first one first, though others have smaller ids once ids begin anew.
fn rank(process: u32, tid: u32) -> (bool, u32) {
    (tid != process, tid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_threads_are_listed_once() {
        let mut threads = Threads::new(std::process::id(), false).expect("our own");
        assert_eq!(threads.list(), Ok(true));
        let of_here = |thread: &&Thread| thread.tid == std::process::id();
        assert_eq!(threads.known().iter().filter(of_here).count(), 1);
        assert!(threads.state(std::process::id()).is_some());
        assert!(threads.is_dead(1 << 22));
    }

    #[test]
    fn torn_entries_end_the_list() {
        let mut entry = vec![0; 24];
        entry[16] = 24;
        entry[19..21].copy_from_slice(b"42");
        let two = [entry.clone(), entry.clone()].concat();
        assert_eq!(numbers(&two).collect::<Vec<_>>(), [42, 42]);
        assert_eq!(numbers(&two[..40]).collect::<Vec<_>>(), [42]);
        assert_eq!(numbers(&[0; 30]).count(), 0);
    }
}
