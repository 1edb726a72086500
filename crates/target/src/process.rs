//! One process: who it is, what it maps, and the doors to its memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use memsight_model::{ProcessStamp, Progress, Region};

use crate::absent;
use crate::core::disk;
use crate::diagnose;
use crate::error::TargetError;
use crate::fork::Fork;
use crate::freeze::Frozen;
use crate::image::{Image, Pool};
use crate::live::{LiveMemory, PinnedMemory};
use crate::maps;
use crate::procfs::{self, Stat};
use crate::sys::{self, PAGE, Span};
use crate::usage::Usage;

/// The largest mapped file that is read; executables are far smaller.
const FILE_CAP: u64 = 512 << 20;

/// A process of the machine.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    started: u64,
    memory: LiveMemory,
    /// Memory of ours that is ready to be written, kept between attempts.
    pool: Mutex<Pool>,
}

/// The ids of all processes that we can see, ascending. Source: `/proc`.
pub fn pids() -> Result<Vec<u32>, TargetError> {
    procfs::numbers("/proc").map_err(|source| TargetError::Io { pid: 0, what: "/proc", source })
}

/// Lets process `pid` read this one even where Yama's ptrace scope is 1, for a helper that looks at the process
/// that started it. Nothing happens where there is no Yama; 0 takes the permission back.
pub fn allow_reader(pid: u32) {
    // a kernel without Yama calls the request invalid, and needs none
    let _ = sys::allow_reader(pid);
}

impl Process {
    /// The process `pid`, or the one that the thread `pid` belongs to. It is recognised by its start time from
    /// now on. Needs no rights. Cost: two small reads of `/proc`.
    pub fn open(pid: u32) -> Result<Process, TargetError> {
        let missing = |error| match error {
            TargetError::TargetExited { pid } => TargetError::NoSuchProcess { pid },
            other => other,
        };
        let status = procfs::text(pid, "status").map_err(missing)?;
        let pid = procfs::number(&status, "Tgid").unwrap_or(pid);
        let stat = Stat::of(pid).map_err(missing)?;
        if stat.is_dead() {
            let others = procfs::threads(pid).unwrap_or_default().into_iter().find(|&tid| tid != pid);
            return Err(
                others.map_or(TargetError::Zombie { pid }, |thread| TargetError::FirstThreadEnded { pid, thread })
            );
        }
        if stat.kernel {
            return Err(TargetError::KernelThread { pid });
        }
        Ok(Process { pid, started: stat.started, memory: LiveMemory::new(pid), pool: Mutex::default() })
    }

    /// Its id in our PID namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What tells it from the other processes that have had its id; `None` where the kernel hides its boot. Source:
    /// `/proc/PID/stat`, `/proc/sys/kernel/random/boot_id`.
    pub fn stamp(&self) -> Option<ProcessStamp> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(ProcessStamp { boot_id: boot.trim().to_owned(), started_ticks: self.started })
    }

    /// Fails unless it still runs, under the same id.
    pub fn check_alive(&self) -> Result<(), TargetError> {
        let stat = Stat::of(self.pid)?;
        match stat.started == self.started && !stat.is_dead() {
            true => Ok(()),
            false => Err(TargetError::TargetExited { pid: self.pid }),
        }
    }

    /// Fails with the cause unless its memory may be read. Cost: one byte read.
    pub fn check_access(&self) -> Result<(), TargetError> {
        let regions = self.maps()?;
        let Some(at) = maps::touched(&regions) else { return self.check_alive() };
        let span = Span { at: at.0, len: 1 };
        self.memory.read_spans(&[span], &mut [0]).map(drop).map_err(|error| self.failure("memory", error))
    }

    /// Its mappings in ascending order, paths as the kernel writes them: ` (deleted)` follows the path of a file
    /// that was removed or replaced. Source: `/proc/PID/maps`.
    pub fn maps(&self) -> Result<Vec<Region>, TargetError> {
        Ok(maps::parse(&procfs::read(self.pid, "maps")?))
    }

    /// Its memory, as it is at each read.
    pub fn memory(&self) -> LiveMemory {
        self.memory.clone()
    }

    /// Its memory for looks that go on for long: bound to this very process, whatever happens to its id. Cost: one
    /// open file for as long as it lives.
    pub fn pinned_memory(&self) -> Result<PinnedMemory, TargetError> {
        let memory = LiveMemory::new(self.pid).pinned().map_err(|error| self.failure("memory", error))?;
        // Checked after it was opened: the file may be that of a later process with the same id.
        self.check_alive()?;
        Ok(memory)
    }

    /// The file behind a mapping, as the target has it: through `/proc/PID/map_files` (needs privileges; finds
    /// removed files too), `/proc/PID/exe`, or its path below `/proc/PID/root`. `None` when there is none, it is
    /// not a plain file, or larger than 512 MiB.
    pub fn file(&self, region: &Region) -> Option<Vec<u8>> {
        if region.inode == 0 || !region.path.starts_with('/') {
            return None;
        }
        if let Some(bytes) = whole(absent::by_mapping(self.pid, region)) {
            return Some(bytes);
        }
        let program = PathBuf::from(format!("/proc/{}/exe", self.pid));
        if std::fs::read_link(&program).is_ok_and(|path| path.as_os_str() == region.path.as_str()) {
            return whole(disk::open(&program));
        }
        // the path of a removed file may name another file by now
        if region.path.ends_with(" (deleted)") {
            return None;
        }
        whole(absent::by_path(self.pid, region))
    }

    /// Its program and arguments, empty when it has hidden them. Source: `/proc/PID/cmdline`.
    pub fn command(&self) -> Vec<String> {
        let bytes = procfs::read(self.pid, "cmdline").unwrap_or_default();
        let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        bytes.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// How much memory it uses. Source: `/proc/PID/statm`.
    pub fn usage(&self) -> Result<Usage, TargetError> {
        let [vms_bytes, rss_bytes, _] = self.statm()?;
        Ok(Usage { vms_bytes, rss_bytes })
    }

    /// Bytes that are mapped, resident, and resident but of files or shared.
    fn statm(&self) -> Result<[u64; 3], TargetError> {
        let text = procfs::text(self.pid, "statm")?;
        let mut pages = text.split_ascii_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
        Ok(std::array::from_fn(|_| pages.next().unwrap_or(0).saturating_mul(PAGE)))
    }

    /// Bytes that are resident and neither of files nor shared. Source: `/proc/PID/statm`.
    pub fn private_bytes(&self) -> Result<u64, TargetError> {
        let [_, resident, shared] = self.statm()?;
        Ok(resident.saturating_sub(shared))
    }

    /// Has memory of ours ready for a copy, so that finding it does not fall into the pause. [`Process::freeze`]
    /// does so itself; called before, beside other work, it saves that time. Cost: a third of the target's memory is
    /// touched, 10 GB/s where the kernel has huge pages at hand, down to 0.3 GB/s on a virtual machine whose host
    /// has to find them; nothing when it is ready.
    pub fn prepare(&self) -> Result<(), TargetError> {
        let [_, resident, shared] = self.statm()?;
        let expected = Pool::expected(resident.saturating_sub(shared));
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).fill(expected);
        Ok(())
    }

    /// Stops every thread until the guard is dropped. Blocks for as long as the threads need to stop, at most 2 s.
    pub fn freeze(&self) -> Result<Frozen<'_>, TargetError> {
        self.check_alive()?;
        self.prepare()?;
        Frozen::new(self)
    }

    /// Gets ready to copy it by a fork: the target stands still only while the kernel forks it. Fails with
    /// [`TargetError::NoFork`] where that cannot or should not be done. Cost: 1 ms.
    pub fn fork(&self) -> Result<Fork<'_>, TargetError> {
        self.check_alive()?;
        Fork::new(self)
    }

    /// Copies the memory while the target runs: no pause, but the parts do not fit together where it changes.
    pub fn capture_live(&self, progress: &dyn Progress) -> Result<Image, TargetError> {
        self.check_alive()?;
        Image::capture(self, progress)
    }

    /// The memory that is ready; what a copy leaves of it is given back to the system.
    pub(crate) fn take_pool(&self) -> Pool {
        std::mem::take(&mut *self.pool.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a failure to read this process means.
    pub(crate) fn failure(&self, what: &'static str, source: std::io::Error) -> TargetError {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                TargetError::NotPermitted { pid: self.pid, cause: diagnose::denial(self.pid) }
            }
            _ => procfs::failure(self.pid, what, source),
        }
    }
}

fn whole(file: io::Result<File>) -> Option<Vec<u8>> {
    let file = file.ok()?;
    let len = file.metadata().ok()?.len();
    if len > FILE_CAP {
        return None;
    }
    let mut bytes = Vec::with_capacity(len as usize);
    file.take(FILE_CAP).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
