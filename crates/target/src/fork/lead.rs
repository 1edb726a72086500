//! Leading a thread back that makes a call for us out of a wait with a limit of time (`nanosleep`, `poll`, a timed `futex`).
//!
//! The kernel keeps the rest of such a wait with the thread (`struct restart_block`), and goes on with it when the thread comes
//! out of a stop with `-ERESTART_RESTARTBLOCK` in its hands. A frame of a signal cannot bring that about: `sigreturn` forgets the
//! rest (arch/x86/kernel/signal_64.c). So the thread is traced until it has come to its `sigreturn`, which is not made: it is
//! given its registers instead. Any other call that keeps a rest of its own in the same place, or forgets it, is seen on
//! the way; then the rest is lost, and the thread goes the way alone, to an EINTR. It does as well where we are killed, or
//! where it waits for too long.

use std::time::{Duration, Instant};

use crate::sys::trace::{self, MOST_STATE, Registers};
use crate::sys::{self, Event};
use crate::threads::{State, Threads, nap};

/// So long a thread is led: what waits longer waits for a lock of another one, and goes on alone.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a thread may take from one stop to the next without a call.
const PATIENCE: Duration = Duration::from_secs(1);
/// A dead thread is looked for when it was waited for a while: the end of a process's first one is not reported.
const LONG: Duration = Duration::from_millis(50);

/// What a thread was, and how it is known to be back.
pub(super) struct Before {
    registers: Registers,
    /// What its floating-point and vector registers hold: a call of the kernel changes none of them.
    state: Vec<u64>,
    mask: u64,
    /// Where its stack pointer is when it has come to `sigreturn`.
    back: u64,
}

impl Before {
    /// That of `tid`, which stands still; `back`: where its stack pointer will be at its `sigreturn`.
    pub fn of(tid: u32, registers: Registers, mask: u64, back: u64) -> Option<Before> {
        let mut state = vec![0; MOST_STATE];
        let len = trace::extended_state(tid, &mut state).ok()?;
        state.truncate(len);
        Some(Before { registers, state, mask, back })
    }
}

/// What has become of it.
enum Led {
    /// It stands at its `sigreturn`.
    Back,
    /// What the kernel kept of its wait is lost, or it waits for too long: it goes on alone.
    Alone,
    /// It stands with a signal, or is gone.
    Ended(State),
}

/// Has `tid`, whose registers are those of a function, make its call, and gives it back what it had; the state in which
/// it can be let go.
pub(super) fn lead(threads: &Threads, tid: u32, before: &Before) -> State {
    let lead = Lead { threads, tid, before, began: Instant::now() };
    if trace::set_options(tid, trace::OPTIONS).and_then(|()| trace::run_to_call(tid)).is_err() {
        return State::Gone;
    }
    match lead.to_sigreturn() {
        Led::Back => lead.restore(),
        Led::Alone => State::Stopped(0),
        Led::Ended(state) => state,
    }
}

struct Lead<'t> {
    threads: &'t Threads,
    tid: u32,
    before: &'t Before,
    began: Instant,
}

impl Lead<'_> {
    fn to_sigreturn(&self) -> Led {
        let mut at_beginning = false;
        let mut asked = false;
        loop {
            match self.next(if asked { PATIENCE } else { LONGEST.saturating_sub(self.began.elapsed()) }) {
                Some(Event::Call) => {
                    at_beginning = !at_beginning;
                    if at_beginning && let Some(led) = self.look() {
                        return led;
                    }
                    if asked {
                        // (it stands within a call, which takes its end when it is let go)
                        return Led::Alone;
                    }
                }
                Some(Event::Signal(signal)) => return Led::Ended(State::Stopped(signal)),
                Some(Event::Stopped) if asked => return Led::Alone,
                Some(Event::Stopped | Event::Halted | Event::Cloned) => {}
                Some(Event::Gone) => return Led::Ended(State::Gone),
                None if asked || sys::interrupt(self.tid).is_err() => return Led::Ended(State::Running),
                None => {
                    asked = true;
                    continue;
                }
            }
            if trace::run_to_call(self.tid).is_err() {
                return Led::Ended(State::Gone);
            }
        }
    }

    /// Whether the call at whose beginning the thread stands is its last, or one after which the kernel has forgotten its wait.
    fn look(&self) -> Option<Led> {
        let Ok(now) = trace::registers(self.tid) else { return Some(Led::Ended(State::Gone)) };
        match now.orig_rax.cast_signed() {
            libc::SYS_rt_sigreturn if now.rsp == self.before.back => Some(Led::Back),
            libc::SYS_rt_sigreturn
            | libc::SYS_restart_syscall
            | libc::SYS_nanosleep
            | libc::SYS_clock_nanosleep
            | libc::SYS_poll => Some(Led::Alone),
            // (with a limit of time)
            libc::SYS_futex if now.r10 != 0 && is_wait(now.rsi) => Some(Led::Alone),
            _ => None,
        }
    }

    /// From the beginning of a call, which is not made, to a stop out of which the kernel goes on with the thread's own wait.
    fn restore(&self) -> State {
        /// The number of no system call.
        const NO_CALL: u64 = u64::MAX;
        let Ok(now) = trace::registers(self.tid) else { return State::Gone };
        let skipped = trace::set_registers(self.tid, &Registers { orig_rax: NO_CALL, ..now });
        if skipped.and_then(|()| trace::run_to_call(self.tid)).is_err() {
            return State::Gone;
        }
        loop {
            match self.next(PATIENCE) {
                Some(Event::Call) => break,
                Some(Event::Stopped | Event::Halted | Event::Cloned) => _ = trace::run_to_call(self.tid),
                Some(Event::Signal(signal)) => {
                    self.give_back();
                    return State::Stopped(signal);
                }
                Some(Event::Gone) | None => return State::Gone,
            }
        }
        self.give_back();
        let _ = sys::interrupt(self.tid).and_then(|()| trace::run(self.tid));
        match self.next(PATIENCE) {
            Some(Event::Signal(signal)) => State::Stopped(signal),
            Some(Event::Halted) => State::Halted,
            Some(Event::Stopped | Event::Call | Event::Cloned) => State::Stopped(0),
            Some(Event::Gone) => State::Gone,
            None => State::Running,
        }
    }

    fn give_back(&self) {
        // (one that is gone needs nothing)
        let _ = trace::set_extended_state(self.tid, &self.before.state);
        let _ = trace::set_mask(self.tid, self.before.mask);
        let _ = trace::set_registers(self.tid, &self.before.registers);
    }

    /// What it does next; `None` when that takes longer than `limit`.
    fn next(&self, limit: Duration) -> Option<Event> {
        let asked = Instant::now();
        loop {
            match sys::wait(self.tid, true) {
                Ok(Some(event)) => return Some(event),
                Err(_) => return Some(Event::Gone),
                Ok(None) if asked.elapsed() > LONG && self.threads.is_dead(self.tid) => return Some(Event::Gone),
                Ok(None) if asked.elapsed() > limit => return None,
                Ok(None) => nap(asked.elapsed()),
            }
        }
    }
}

/// Whether an operation of `futex` waits for a while (linux/futex.h): for other operations the fourth argument is a number.
fn is_wait(operation: u64) -> bool {
    let operation = (operation as i32) & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
    [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET, libc::FUTEX_LOCK_PI, libc::FUTEX_WAIT_REQUEUE_PI].contains(&operation)
}
