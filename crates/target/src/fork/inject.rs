//! One system call, made by a thread of the target that stands still, after which it stands as before.
//!
//! The thread executes an instruction that is already there (`syscall`, in the C library). It is run from the stop at the
//! beginning of a system call to the one at its end, never by single steps: the SIGTRAP of a single step would change the
//! mask and the handler of a thread that holds it back. In between every signal is held back, so that none is taken off
//! the queue at a moment when the registers are ours.
//!
//! All of it runs in the guard. Were it killed in the middle, the thread would find its way back alone: [`super::way`]
//! is laid before the registers are ours, the mask is changed after them, and put back before them.

use std::time::{Duration, Instant};

use crate::procfs;
use crate::sys::spawn;
use crate::sys::trace::{self, Registers};
use crate::sys::{self, Event};
use crate::threads::{STATUS, State, Threads, nap};

use super::way::{self, Site, Way};

/// The instructions `syscall` and `ret`.
pub(super) const CALL: [u8; 3] = [0x0f, 0x05, 0xc3];
/// `mov $15,%rax` and `syscall`: the way in which every C library returns from a handler of a signal.
pub(super) const SIGRETURN: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
/// The selector of 64-bit code (arch/x86/include/asm/segment.h, `__USER_CS`).
const CODE_64: u64 = 0x33;
/// What waits longer may wait for nothing.
const LONG: Duration = Duration::from_millis(50);
/// The longest that the others stand still for a call that does not end: the kernel has copied the memory long before.
const LONGEST: Duration = Duration::from_secs(1);
/// A call that takes so long waits for another process. The thread finds its way back alone once it is over.
const GIVEN_UP: Duration = Duration::from_secs(4);
/// How long a thread may take from its stop to the instruction.
const PATIENCE: Duration = Duration::from_secs(1);

/// A system call to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A child that shares nothing but the table of files.
    Clone,
    /// Collects this one (an id in the target's PID namespace; never 0 or less, which mean others) if it has ended.
    Wait { child: i64 },
}

impl Call {
    pub fn number(self) -> i64 {
        match self {
            Call::Clone => libc::SYS_clone,
            Call::Wait { .. } => libc::SYS_wait4,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    /// What the call returned; `None` when it was not made, and the thread is as it was.
    pub value: Option<i64>,
    /// The process that it made, in our PID namespace.
    pub child: Option<u32>,
    /// What the thread has come to.
    pub state: State,
}

/// Whether `tid`, which stands still, may be used: 64-bit code, without a filter of system calls, and not within a
/// restartable sequence, which would not be restarted if the thread were elsewhere meanwhile.
pub(super) fn is_fit(threads: &Threads, tid: u32) -> Result<(), Unfit> {
    let mut status = [0; STATUS];
    match threads.status(tid, &mut status) {
        [] => return Err(Unfit::Passing),
        // a kernel without filters has no such line
        status => match seccomp(status) {
            None | Some(0) if has_shadow_stack(status) => return Err(Unfit::ShadowStack),
            None | Some(0) => {}
            Some(mode) => return Err(Unfit::Seccomp { mode }),
        },
    }
    let registers = trace::registers(tid).map_err(|_| Unfit::Passing)?;
    if registers.cs != CODE_64 {
        return Err(Unfit::Foreign);
    }
    // a sequence that makes system calls is against its rules
    let calls = registers.orig_rax.cast_signed() >= 0;
    if calls || !in_sequence(tid, registers.rip) { Ok(()) } else { Err(Unfit::Passing) }
}

/// Why a thread may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A filter could kill the process.
    Seccomp { mode: u32 },
    /// A second stack of return addresses, which the way back would not match.
    ShadowStack,
    /// Not 64-bit code.
    Foreign,
    /// At this moment.
    Passing,
}

/// The line `Seccomp:` of a status file; 0: no filter.
pub(super) fn seccomp(status: &[u8]) -> Option<u32> {
    char::from(*procfs::line(status, b"\nSeccomp:\t")?.first()?).to_digit(10)
}

/// Whether `shstk` is among the features (Linux 6.6 and later).
pub(super) fn has_shadow_stack(status: &[u8]) -> bool {
    procfs::line(status, b"\nx86_Thread_features:\t")
        .is_some_and(|line| line.split(|&byte| byte == b' ').any(|word| word == b"shstk"))
}

/// Whether `rip` lies in the sequence that the thread says it is in: `struct rseq` has at 8 the address of a `struct
/// rseq_cs`, which has at 8 and 16 the start and the length (linux/rseq.h). Unsure is yes.
fn in_sequence(tid: u32, rip: u64) -> bool {
    let sequence = || {
        let area = trace::rseq(tid).ok()?;
        if area == 0 {
            return Some(0..0);
        }
        let described = trace::word(tid, area.checked_add(8)?).ok()?;
        if described == 0 {
            return Some(0..0);
        }
        let start = trace::word(tid, described.checked_add(8)?).ok()?;
        let len = trace::word(tid, described.checked_add(16)?).ok()?;
        Some(start..start.saturating_add(len))
    };
    sequence().is_none_or(|sequence| sequence.contains(&rip))
}

/// Whether the instructions that a call needs are where they were found.
pub(super) fn is_there(tid: u32, site: &Site) -> bool {
    let starts = |at, bytes: &[u8]| trace::word(tid, at).is_ok_and(|word| word.to_le_bytes().starts_with(bytes));
    let (eight, last) = SIGRETURN.split_at(8);
    let sigreturn = starts(site.sigreturn, eight) && starts(site.sigreturn.saturating_add(8), last);
    starts(site.call, &CALL) && sigreturn
}

/// Whether the thread's own call would be cut short if the guard were killed: see [`super::way`].
pub(super) fn is_delicate(tid: u32) -> bool {
    trace::registers(tid).is_ok_and(|registers| way::goes_on(&registers))
}

/// Makes `tid`, which stands still and is fit, do `call`. Should the call take longer than [`LONGEST`], the other threads go
/// on meanwhile.
pub(super) fn call(threads: &mut Threads, tid: u32, site: &Site, call: Call) -> Made {
    let not_made = |state| Made { value: None, child: None, state };
    let (Ok(registers), Ok(mask)) = (trace::registers(tid), trace::mask(tid)) else { return not_made(State::Gone) };
    let way = Way::back(tid, &registers, mask, site).filter(|way| way.lay(tid).is_ok());
    let Some(way) = way else { return not_made(State::Stopped(0)) };
    let halted = threads.known().iter().any(|thread| thread.tid == tid && thread.state == State::Halted);
    let mut before = Before { threads, tid, registers, mask, halted };
    let prepared = trace::set_options(tid, trace::OPTIONS)
        .and_then(|()| trace::set_registers(tid, &way.registers(call, site, &registers)))
        .and_then(|()| trace::set_mask(tid, u64::MAX))
        .and_then(|()| trace::run_to_call(tid));
    if prepared.is_err() {
        return not_made(before.restore(State::Stopped(0)));
    }
    match before.reach_call(call.number().cast_unsigned()) {
        Ok(()) => before.finish(),
        Err(state) => not_made(before.restore(state)),
    }
}

/// Has the copy `pid`, which was made just now and stands still, give up its part in the target's table of files. As long as it
/// shares that, `exec` loses the target's POSIX locks, and what the target has open outlives it. On a kernel without the call
/// (before 5.9) it keeps it until it ends. The copy has a new table with nothing in it, and closes nothing that it shares:
/// see `close_range(2)`, `CLOSE_RANGE_UNSHARE`.
pub(super) fn leave_files(pid: u32, site: &Site) {
    const UNSHARE: u64 = 2;
    let Ok(registers) = trace::registers(pid) else { return };
    let registers = Registers {
        rip: site.call,
        rax: libc::SYS_close_range.cast_unsigned(),
        orig_rax: u64::MAX,
        rdi: 0,
        rsi: u32::MAX.into(),
        rdx: UNSHARE,
        ..registers
    };
    if trace::set_registers(pid, &registers).is_err() {
        return;
    }
    // to its beginning, and to its end; the copy takes no signal but the one that ends it
    for _ in 0..2 {
        if trace::run_to_call(pid).is_err() {
            return;
        }
        let began = Instant::now();
        while matches!(sys::wait(pid, true), Ok(None)) && began.elapsed() < PATIENCE {
            nap(began.elapsed());
        }
    }
}

/// What a thread was before it was ours.
struct Before<'t> {
    threads: &'t mut Threads,
    tid: u32,
    registers: Registers,
    mask: u64,
    /// It stood still for a SIGSTOP.
    halted: bool,
}

impl Before<'_> {
    /// Waits until the thread stands at the beginning of the call; otherwise what it has come to instead.
    fn reach_call(&self, number: u64) -> Result<(), State> {
        let began = Instant::now();
        let mut asked = false;
        // One that stands still for a SIGSTOP stops twice: when we come, and because it was asked to. The second stop may be
        // yet to come.
        let mut again = self.halted;
        loop {
            match sys::wait(self.tid, true) {
                Ok(Some(Event::Call)) => {
                    let there = trace::registers(self.tid).is_ok_and(|now| now.orig_rax == number);
                    return if there { Ok(()) } else { Err(State::Stopped(0)) };
                }
                Ok(Some(Event::Signal(signal))) => return Err(State::Stopped(signal)),
                Ok(Some(Event::Halted)) if !again => return Err(State::Halted),
                Ok(Some(Event::Halted)) => {
                    again = false;
                    let _ = trace::run_to_call(self.tid);
                }
                Ok(Some(Event::Stopped)) if asked => return Err(State::Stopped(0)),
                Ok(Some(Event::Stopped | Event::Cloned)) => {
                    let _ = trace::run_to_call(self.tid);
                }
                Ok(Some(Event::Gone)) | Err(_) => return Err(State::Gone),
                // a frozen control group keeps it from running at all
                Ok(None) if !asked && began.elapsed() > PATIENCE => {
                    asked = true;
                    if sys::interrupt(self.tid).is_err() {
                        return Err(State::Gone);
                    }
                }
                Ok(None) if self.is_dead(began) => return Err(State::Gone),
                Ok(None) => nap(began.elapsed()),
            }
        }
    }

    /// Lets the call happen, puts everything back at its end, and stops the thread where the kernel looks whether an
    /// interrupted system call is to be taken up again.
    fn finish(&mut self) -> Made {
        let mut made = Made { value: None, child: None, state: State::Gone };
        let _ = trace::run_to_call(self.tid);
        loop {
            match self.next() {
                Event::Cloned => {
                    made.child = trace::child(self.tid).ok();
                    let _ = trace::run_to_call(self.tid);
                }
                Event::Call => break,
                Event::Signal(signal) => {
                    made.state = self.restore(State::Stopped(signal));
                    return made;
                }
                Event::Stopped | Event::Halted => {
                    let _ = trace::run_to_call(self.tid);
                }
                Event::Gone => return made,
            }
        }
        made.value = trace::registers(self.tid).ok().map(|registers| registers.rax.cast_signed());
        if self.restore(State::Stopped(0)) == State::Gone {
            return made;
        }
        made.state = self.stand();
        made
    }

    /// From the end of the call to a stop like the one at the beginning.
    fn stand(&mut self) -> State {
        let _ = sys::interrupt(self.tid);
        let _ = trace::run(self.tid);
        match self.next() {
            Event::Signal(signal) => State::Stopped(signal),
            Event::Halted => State::Halted,
            Event::Gone => State::Gone,
            Event::Stopped | Event::Call | Event::Cloned => State::Stopped(0),
        }
    }

    /// What the thread does next. It has nothing to wait for but the kernel; and that, in a process that handles the faults
    /// of its own memory (userfaultfd(2), `UFFD_EVENT_FORK`), for a thread that stands still with the others.
    fn next(&mut self) -> Event {
        let began = Instant::now();
        let mut alone = true;
        loop {
            match sys::wait(self.tid, true) {
                Ok(Some(event)) => return event,
                Ok(None) if self.is_dead(began) => return Event::Gone,
                Ok(None) => {
                    if alone && began.elapsed() > LONGEST {
                        self.threads.let_others_go(self.tid);
                        alone = false;
                    }
                    if began.elapsed() > GIVEN_UP {
                        // A thread within a call cannot be let go of but by the end of who traces it.
                        spawn::leave();
                    }
                    nap(began.elapsed());
                }
                Err(_) => return Event::Gone,
            }
        }
    }

    /// Whether the thread has been killed, looked up when it was waited for a while: the end of a process's first thread
    /// is not reported as long as that of another one is not collected.
    fn is_dead(&self, since: Instant) -> bool {
        since.elapsed() > LONG && self.threads.is_dead(self.tid)
    }

    /// Puts everything back in a thread that has come to `state`, which is returned unless it is gone.
    fn restore(&self, state: State) -> State {
        let back = trace::set_mask(self.tid, self.mask);
        let back = back.and_then(|()| trace::set_registers(self.tid, &self.registers));
        if back.is_ok() && state != State::Gone { state } else { State::Gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_found_in_a_status() {
        assert_eq!(seccomp(b"Name:\tSeccomp:\t2\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n"), Some(0));
        assert_eq!(seccomp(b"x\nSeccomp:\t2\n"), Some(2));
        assert_eq!(seccomp(b"x\nSeccomp:\t"), None);
        assert_eq!(seccomp(b""), None);
    }

    #[test]
    fn a_shadow_stack_is_found_in_a_status() {
        assert!(has_shadow_stack(b"x\nx86_Thread_features:\tshstk wrss \nx86_Thread_features_locked:\t\n"));
        assert!(!has_shadow_stack(b"x\nx86_Thread_features:\t\nx86_Thread_features_locked:\tshstk wrss \n"));
        assert!(!has_shadow_stack(b""));
    }
}
