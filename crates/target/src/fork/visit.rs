//! A function of the process, called by one of its threads, which then goes on as before.
//!
//! The thread is stopped for some microseconds, is given the way back ([`super::way`]) with the function in front of it, and is
//! let go: it calls the function, returns into `sigreturn`, and the kernel gives it what it had, the call that it was waiting
//! in included. Nobody has to be there for that: when we are killed the thread is either not ours yet or finds its way alone.
//! The other threads run all the time, so that whatever lock the function takes comes free.
//!
//! The moment is one at which any function may be called: the thread waits in the C library in a call that holds no lock of
//! the allocator or the loader, or is in the loop of the interpreter. Where none is for a while, it may also be anywhere in the
//! interpreter's own code, unless that is within a handler of a signal, which may have come in the middle of anything.

use std::ops::Range;
use std::time::{Duration, Instant};

use memsight_model::Address;

use crate::calls::Harm;
use crate::error::{Obstacle, TargetError};
use crate::process::Process;
use crate::sys::trace::{self, Registers};
use crate::threads::{State, Threads};

use super::inject::{Unfit, is_fit, is_there};
use super::site;
use super::way::{self, Site, Way};

/// How long one thread may take to stop.
const STOP: Duration = Duration::from_millis(50);
/// For so long a thread is looked for in whose call a stop changes nothing.
const COURTESY: Duration = Duration::from_millis(100);
/// Between two rounds.
const NAP: Duration = Duration::from_millis(1);
/// Room for the function on the thread's stack.
const ROOM: u64 = 256 << 10;
/// More of a stack is not searched for a handler: Python's own recursion ends before.
const MOST_STACK: usize = 16 << 20;
/// Calls in which the C library holds no lock (linux/unistd_64.h, by their names).
const WAITS: [i64; 20] = [
    libc::SYS_read,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_pause,
    libc::SYS_nanosleep,
    libc::SYS_accept,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_wait4,
    libc::SYS_clock_nanosleep,
    libc::SYS_epoll_wait,
    libc::SYS_waitid,
    libc::SYS_pselect6,
    libc::SYS_ppoll,
    libc::SYS_epoll_pwait,
    libc::SYS_accept4,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_flock,
    libc::SYS_connect,
    libc::SYS_epoll_pwait2,
];

/// A function to be called.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Where it is.
    pub function: u64,
    /// Its first argument: a text, without its zero; at most [`Visit::MOST`] bytes.
    pub text: Vec<u8>,
    /// Its second argument.
    pub number: u64,
    /// Where a thread may be that runs: the loop of the interpreter.
    pub running: Vec<Range<u64>>,
    /// Where one may be that runs for long: the interpreter.
    pub image: Vec<Range<u64>>,
    /// Where one may be that waits in the kernel: the C library.
    pub waiting: Vec<Range<u64>>,
}

impl Visit {
    /// The longest text.
    pub const MOST: usize = Way::TEXT - 1;

    /// Has a thread of the process make the call; which one. It may not have come to its end by then.
    ///
    /// # Errors
    /// [`TargetError::NotEntered`]: no thread was at such a point within `limit`, or it must not be done. Those of tracing.
    pub fn make(&self, process: &Process, limit: Duration) -> Result<u32, TargetError> {
        let pid = process.pid();
        let refused = |cause| TargetError::NotEntered { pid, cause };
        let mut threads = Threads::new(pid, false)?;
        let began = Instant::now();
        // Those whose call would begin anew are stopped when there was no other for a while; of those whose call would be cut
        // short none is.
        let mut most = Harm::Nothing;
        loop {
            // (stacks of new threads, too)
            let site = Site::find(process)?.ok_or_else(|| refused(Obstacle::Instruction))?;
            threads.list().map_err(|trouble| trouble.explain(pid))?;
            for place in 0..threads.known().len() {
                match self
                    .try_one((process, &mut threads), place, &site, most)
                    .map_err(|trouble| trouble.explain(pid))?
                {
                    Tried::Entered(tid) => return Ok(tid),
                    Tried::Refused(cause) => return Err(refused(cause)),
                    Tried::Not => {}
                }
            }
            process.check_alive()?;
            if began.elapsed() > limit {
                return Err(refused(Obstacle::Moment));
            }
            most = if began.elapsed() < COURTESY { Harm::Nothing } else { Harm::Anew };
            std::thread::sleep(NAP);
        }
    }

    fn try_one(
        &self,
        (process, threads): (&Process, &mut Threads),
        place: usize,
        site: &Site,
        most: Harm,
    ) -> Result<Tried, crate::threads::Trouble> {
        let Some(thread) = threads.known().get(place).copied() else { return Ok(Tried::Not) };
        if thread.state != State::Found || threads.harm(thread.tid) > most {
            return Ok(Tried::Not);
        }
        let state = threads.stop_one(place, STOP)?;
        let tried = match (state, is_fit(threads, thread.tid)) {
            (State::Stopped(0), Ok(())) if self.enter(process, thread.tid, site, most) => Tried::Entered(thread.tid),
            (State::Stopped(0), Err(Unfit::Seccomp { mode })) => Tried::Refused(Obstacle::Seccomp { mode }),
            (State::Stopped(0), Err(Unfit::ShadowStack)) => Tried::Refused(Obstacle::ShadowStack),
            _ => Tried::Not,
        };
        threads.release(place);
        Ok(tried)
    }

    /// Has a thread that stands still make the call once it goes on; false when it is not at such a point.
    fn enter(&self, process: &Process, tid: u32, site: &Site, most: Harm) -> bool {
        let (Ok(registers), Ok(mask)) = (trace::registers(tid), trace::mask(tid)) else { return false };
        let is_moment = self.is_moment(&registers)
            || (most > Harm::Nothing && self.is_in_image(&registers) && !is_in_handler(process, &registers, site));
        if !is_moment || !is_there(tid, site) {
            return false;
        }
        let Some(mut way) = Way::back(tid, &registers, mask, site) else { return false };
        if !site.has_room(way.lowest(), ROOM, registers.fs_base) {
            return false;
        }
        let entered = way.visit(site, &registers, (self.function, self.number), &self.text);
        // In this order: from the second on the thread finds its way back whatever becomes of us. Without the third a handler of a
        // signal may run within the function, as it may within any other.
        let is_entered = way.lay(tid).is_ok() && trace::set_registers(tid, &entered).is_ok();
        if is_entered {
            let _ = trace::set_mask(tid, u64::MAX);
        }
        is_entered
    }

    fn is_in_image(&self, registers: &Registers) -> bool {
        let is_running = registers.orig_rax.cast_signed() < 0;
        is_running && self.image.iter().any(|range| range.contains(&registers.rip))
    }

    fn is_moment(&self, registers: &Registers) -> bool {
        let within = |ranges: &[Range<u64>]| ranges.iter().any(|range| range.contains(&registers.rip));
        let call = registers.orig_rax.cast_signed();
        match call {
            0.. => WAITS.contains(&call) && within(&self.waiting) && !way::goes_on(registers),
            _ => within(&self.running),
        }
    }
}

/// Whether a handler of a signal is on the stack: the address that it returns to is. What lies there by chance counts as well;
/// what cannot be read, too.
fn is_in_handler(process: &Process, registers: &Registers, site: &Site) -> bool {
    let Some(end) = site.end_of_stack(registers.rsp) else { return true };
    let len = usize::try_from(end.saturating_sub(registers.rsp)).unwrap_or(usize::MAX).min(MOST_STACK);
    let mut bytes = vec![0; len];
    let read = process.memory().read_some(Address(registers.rsp), &mut bytes);
    let Ok(returns) = site::returns(process) else { return true };
    let is_return = |word: &[u8; 8]| returns.contains(&u64::from_le_bytes(*word));
    read < len || returns.is_empty() || bytes.as_chunks::<8>().0.iter().any(is_return)
}

/// What came of one thread.
enum Tried {
    Entered(u32),
    Refused(Obstacle),
    Not,
}
