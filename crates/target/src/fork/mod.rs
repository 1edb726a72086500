//! Copying a process by having the kernel fork it: the pause is the fork alone, whatever the memory.
//!
//! ```text
//! memsight            guard (a process of ours)                      target
//! Fork::stop    ────> stops its threads, one by one           ────>  stands still
//! (is it a good moment?)
//! Halt::fork    ────> has one of them call clone              ────>  has a child, which never runs; goes on
//!               <──── /proc/CHILD/mem
//! capture reads the child
//! Forked::end   ────> ends it, has the target call wait4      ────>  one thread stands still for 0.1 ms
//! ```
//!
//! The guard traces, and so nothing that happens to memsight leaves the target with a system call half made for us:
//! when memsight is gone, the guard ends the copy, collects it and goes. When the guard is killed, the thread that makes
//! a call finds its way back alone ([`way`]), the kernel ends the copy (`PTRACE_O_EXITKILL`), and memsight has a second
//! guard collect it. When both are killed, its entry in the table of processes stays until the target ends.

mod guard;
mod inject;
mod link;
mod lost;
mod places;
mod room;
mod site;
mod visit;
mod way;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use memsight_model::{Progress, Region, Residence, ResidentMapping};

use crate::error::{Obstacle, TargetError};
use crate::image::Image;
use crate::live::LiveMemory;
use crate::process::Process;
use crate::procfs::Stat;
use crate::residence;
use crate::sys::spawn;
use crate::threads::Threads;
use crate::turn::Turn;
use crate::usage::Usage;

pub(crate) use room::obstacle;
pub use visit::Visit;

use guard::{Copy, Guard};
use link::{Far, Near, Reply, Request};
use lost::Left;
use way::Site;

/// Copies a process by a fork.
#[derive(Debug)]
pub struct Fork<'p> {
    process: &'p Process,
    site: Arc<Site>,
    helper: Option<Helper>,
    pause_ns: u64,
}

/// The guard, seen from here.
#[derive(Debug)]
struct Helper {
    pid: u32,
    line: Option<Near>,
}

impl<'p> Fork<'p> {
    /// Gets ready; fails with [`TargetError::NoFork`] where it is known before that it could not be done, or should
    /// not: where the memory for it is lacking, for one. Cost: 1 ms.
    pub(crate) fn new(process: &'p Process) -> Result<Fork<'p>, TargetError> {
        room::check(process)?;
        let pid = process.pid();
        let Some(site) = Site::find(process)? else {
            // One that ends has no memory left: that is the reason then.
            process.check_alive()?;
            let ending = process.maps()?.is_empty();
            return Err(match ending {
                true => TargetError::TargetExited { pid },
                false => TargetError::NoFork { pid, cause: Obstacle::Instruction },
            });
        };
        let mut fork = Fork { process, site: Arc::new(site), helper: None, pause_ns: 0 };
        fork.helper()?;
        Ok(fork)
    }

    /// Stops every thread until the guard is dropped, or 5 s are over. Another look at the process is waited for, for
    /// at most 10 s.
    pub fn stop(&mut self) -> Result<Halt<'_, 'p>, TargetError> {
        self.stop_by(Request::Stop)
    }

    /// The same, but for threads that wait in calls which a stop would change: a `write` that has done a part of its work, a
    /// `recv` that is to wait for everything, a wait with a limit of time. They sleep on. [`Halt::fork`] fails with
    /// [`Obstacle::Moment`] when one of them has woken meanwhile, or when no other thread is left that could make the copy.
    pub fn stop_most(&mut self) -> Result<Halt<'_, 'p>, TargetError> {
        self.stop_by(Request::StopMost)
    }

    fn stop_by(&mut self, request: Request) -> Result<Halt<'_, 'p>, TargetError> {
        let mut turn = Turn::new(self.process.pid());
        loop {
            match self.ask(request)? {
                (Reply::Stopped, _) => return Ok(Halt { fork: self, done: false }),
                (Reply::Trouble { trouble, .. }, _) => {
                    // the guard ends, and lets go of threads that were on their way into the stop
                    self.helper = None;
                    if !turn.comes(trouble) {
                        return Err(trouble.explain(self.process.pid()));
                    }
                }
                _ => return Err(self.failed(io::ErrorKind::InvalidData.into())),
            }
        }
    }

    /// How long the process stood still up to now, in nanoseconds.
    pub fn pause_ns(&self) -> u64 {
        self.pause_ns
    }

    fn ask(&mut self, request: Request) -> Result<(Reply, Option<File>), TargetError> {
        let asked = self.helper()?.ask(request);
        let (reply, file) = asked.map_err(|error| match request {
            Request::Fork => self.lost(error),
            Request::Stop | Request::StopMost | Request::LetGo | Request::End => self.failed(error),
        })?;
        let (Reply::Forked { pause_ns, .. }
        | Reply::Free { pause_ns }
        | Reply::Unfit { pause_ns, .. }
        | Reply::Trouble { pause_ns, .. }
        | Reply::Ended { pause_ns, .. }) = reply
        else {
            return Ok((reply, file));
        };
        self.pause_ns = self.pause_ns.saturating_add(pause_ns);
        Ok((reply, file))
    }

    /// The guard; a new one when the last has ended.
    fn helper(&mut self) -> Result<&Helper, TargetError> {
        let helper = match self.helper.take() {
            Some(helper) => helper,
            None => Helper::start(self.process.pid(), &self.site, None)?,
        };
        Ok(self.helper.insert(helper))
    }

    /// The guard is gone.
    fn failed(&mut self, error: io::Error) -> TargetError {
        self.helper = None;
        helper_failed(self.process.pid(), &error)
    }

    /// The guard is gone, and may have left a copy behind.
    fn lost(&mut self, error: io::Error) -> TargetError {
        let pid = self.process.pid();
        let copies = self.helper.take().map(|helper| lost::copies(pid, helper.pid));
        for left in copies.unwrap_or_default() {
            lost::collect(pid, left, &self.site);
        }
        helper_failed(pid, &error)
    }
}

impl Helper {
    fn start(pid: u32, site: &Site, copy: Option<Copy>) -> Result<Helper, TargetError> {
        let failed = |error: io::Error| helper_failed(pid, &error);
        let threads = Threads::new(pid, false)?;
        let (near, far) = spawn::line().map_err(failed)?;
        let mut keep = [far.as_raw_fd(), threads.descriptor()];
        let mut guard = Guard::new(Far::new(far, std::process::id()), threads, site, copy);
        let guard_pid = spawn::fork(&mut keep, || guard.run()).map_err(failed)?;
        Ok(Helper { pid: guard_pid, line: Some(Near(near)) })
    }

    fn ask(&self, request: Request) -> io::Result<(Reply, Option<File>)> {
        self.line.as_ref().ok_or(io::ErrorKind::NotConnected)?.ask(request)
    }
}

impl Helper {
    /// Has it end the copy, and itself.
    fn end(self) -> Option<Ended> {
        match self.ask(Request::End) {
            Ok((Reply::Ended { collected, pause_ns }, _)) => Some(Ended { pause_ns, collected }),
            _ => None,
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // a line that is closed tells the guard to let go, to end the copy and to end
        self.line = None;
        spawn::collect(self.pid);
    }
}

/// A stopped process. It goes on when this is dropped, and when memsight ends.
#[derive(Debug)]
pub struct Halt<'f, 'p> {
    fork: &'f mut Fork<'p>,
    done: bool,
}

impl<'p> Halt<'_, 'p> {
    /// The memory of the stopped process.
    pub fn memory(&self) -> LiveMemory {
        self.fork.process.memory()
    }

    /// Has the kernel copy the process, and lets it go on. Cost: some 15 ms a GiB that it has in memory, for its page
    /// tables; afterwards each first write of it to one of its pages copies that page, for as long as the copy lives.
    pub fn fork(mut self) -> Result<Forked<'p>, TargetError> {
        let process = self.fork.process;
        let (usage, regions) = (process.usage()?, process.maps()?);
        self.done = true;
        match self.fork.ask(Request::Fork)? {
            (Reply::Forked { child, .. }, Some(file)) => {
                let (helper, site) = (self.fork.helper.take(), Arc::clone(&self.fork.site));
                let (memory, left) = (LiveMemory::of_file(child, file), Left::behind(child));
                Ok(Forked { process, left, memory, usage, regions, helper, site })
            }
            (Reply::Forked { .. }, None) => Err(self.fork.lost(io::ErrorKind::PermissionDenied.into())),
            (Reply::Unfit { cause, .. }, _) => Err(TargetError::NoFork { pid: process.pid(), cause }),
            _ => Err(self.fork.lost(io::ErrorKind::InvalidData.into())),
        }
    }
}

impl Drop for Halt<'_, '_> {
    fn drop(&mut self) {
        if !self.done {
            // a guard that is gone has let go
            let _ = self.fork.ask(Request::LetGo);
        }
    }
}

/// A copy of a process: a child of it that never runs. It is ended when this is dropped, and when memsight ends.
#[derive(Debug)]
pub struct Forked<'p> {
    process: &'p Process,
    left: Left,
    memory: LiveMemory,
    usage: Usage,
    regions: Vec<Region>,
    helper: Option<Helper>,
    site: Arc<Site>,
}

impl Drop for Forked<'_> {
    fn drop(&mut self) {
        if self.helper.is_some() {
            self.finish();
        }
    }
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How long a thread of the process stood still to collect it, in nanoseconds.
    pub pause_ns: u64,
    /// Whether it did. Otherwise the copy's entry stays in the table of processes until a guard, which goes on trying, can have
    /// the process collect it: when it is not frozen or traced any more. Where a seccomp filter has come it stays until the
    /// process ends.
    pub collected: bool,
}

impl Forked<'_> {
    /// How much memory the process used when it was copied.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Its mappings at that time.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// What of the process was resident when it was copied. The copy tells its anonymous pages; the rest is taken from
    /// `before` ([`Process::resident_mappings`], asked for a moment earlier), and what has come since counts as private.
    /// `stacks` are the stack pointers in the pause ([`Process::stack_pointers`]). Cost: as [`Process::residence`],
    /// while the process runs.
    pub fn residence(&self, before: &[ResidentMapping], stacks: &[u64]) -> Result<Residence, TargetError> {
        let found = residence::of_copy((self.id(), self.process.pid()), &self.regions, before, stacks);
        found.map_err(|error| self.check().err().unwrap_or(error))
    }

    /// Copies the private writable memory at leisure. Cost: as [`crate::Frozen::capture`].
    pub fn capture(&self, progress: &dyn Progress) -> Result<Image, TargetError> {
        Image::capture_fork(self.process, self, progress)
    }

    /// Ends the copy. Cost: some 30 ms a GiB, in which the process runs.
    pub fn end(mut self) -> Ended {
        self.finish()
    }

    fn finish(&mut self) -> Ended {
        let pid = self.process.pid();
        let ended = self.helper.take().and_then(Helper::end);
        let ended = ended.unwrap_or_else(|| lost::collect(pid, self.left, &self.site));
        if ended.collected {
            return ended;
        }
        match Site::find(self.process) {
            // it has started another program meanwhile (exec), with its instructions elsewhere
            Ok(Some(site)) if site.call != self.site.call => lost::collect(pid, self.left, &site),
            _ => ended,
        }
    }

    /// Its process id, in our PID namespace.
    pub fn id(&self) -> u32 {
        self.left.pid
    }

    /// Its memory.
    pub(crate) fn memory(&self) -> LiveMemory {
        self.memory.clone()
    }

    /// Fails unless the copy is still there to be read.
    pub(crate) fn check(&self) -> Result<(), TargetError> {
        match Stat::of(self.id()) {
            Ok(stat) if !stat.is_dead() => Ok(()),
            _ => Err(TargetError::CopyLost { pid: self.process.pid() }),
        }
    }
}

fn helper_failed(pid: u32, error: &io::Error) -> TargetError {
    TargetError::NoFork { pid, cause: Obstacle::Helper { errno: error.raw_os_error().unwrap_or(libc::EPIPE) } }
}
