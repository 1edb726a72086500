//! Figures by the `sysinfo` crate: resident and virtual size, parents, names, times, and the machine's memory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use memsight_model::{
    ContainerSample, MachineSample, MemoryInfo, Pressure, Rollup, StatusFigures, SwapMemory, Timestamp, VirtualMemory,
};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::{Never, absent};
use crate::error::TargetError;
use crate::figures::{HeapInfo, Ids, MapFigures, MapGroup, Name, ProcessStat};

/// `sysinfo` gives CPU time in milliseconds.
pub(crate) fn ticks_a_second() -> u64 {
    1000
}

/// One process, recognised by its id and start time.
#[derive(Debug)]
pub struct Handle {
    pid: u32,
    started: u64,
    system: Mutex<System>,
}

impl Handle {
    /// The process `pid`.
    pub fn open(pid: u32) -> Result<Handle, TargetError> {
        let mut system = System::new();
        match refreshed(&mut system, pid) {
            Some(process) => Ok(Handle { pid, started: process.start_time(), system: Mutex::new(system) }),
            None => Err(TargetError::NoSuchProcess { pid }),
        }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started, in seconds since 1970.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The same, as psutil's `create_time`; as fine as a second.
    pub fn created(&self) -> f64 {
        self.started as f64
    }

    /// Whether it still runs, under the same id.
    pub fn is_running(&self) -> bool {
        self.with(|_| ()).is_ok()
    }

    /// State, parent, name and CPU time; faults and threads are not known and 0, all CPU time is the user's.
    pub fn stat(&self) -> Result<ProcessStat, TargetError> {
        self.with(|process| ProcessStat {
            state: letter(process.status()),
            parent: process.parent().map_or(0, Pid::as_u32),
            name: Name::new(process.name().to_string_lossy().as_bytes()),
            minor_faults: 0,
            major_faults: 0,
            user_ticks: process.accumulated_cpu_time(),
            system_ticks: 0,
            threads: 0,
            started: process.start_time(),
            kernel: false,
            thread: false,
            silent: false,
        })
    }

    /// Resident and virtual size; the rest is not known and 0.
    pub fn memory(&self) -> Result<MemoryInfo, TargetError> {
        self.with(|process| MemoryInfo {
            rss_bytes: process.memory(),
            vms_bytes: process.virtual_memory(),
            ..MemoryInfo::default()
        })
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn rollup(&self) -> Result<Rollup, TargetError> {
        absent("USS and PSS")
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn status(&self) -> Result<StatusFigures, TargetError> {
        absent("the peak of RSS")
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn ids(&self) -> Result<Ids, TargetError> {
        absent("the users of a process")
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn maps(&self) -> Result<Vec<MapFigures>, TargetError> {
        absent("the mappings of a process")
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn oom_score(&self) -> Result<i32, TargetError> {
        absent("the OOM score")
    }

    /// Its name.
    pub fn name(&self) -> Result<OsString, TargetError> {
        self.with(|process| process.name().to_owned())
    }

    /// Its program and arguments.
    pub fn command(&self) -> Result<Vec<OsString>, TargetError> {
        self.with(|process| process.cmd().to_vec())
    }

    /// [`TargetError::NotOnThisPlatform`].
    pub fn variable(&self, _name: &str) -> Result<Option<OsString>, TargetError> {
        absent("the environment of a process")
    }

    /// The file of its program; empty when it is not known.
    pub fn exe(&self) -> Result<PathBuf, TargetError> {
        self.with(|process| process.exe().map(Path::to_owned).unwrap_or_default())
    }

    fn with<T>(&self, look: impl Fn(&Process) -> T) -> Result<T, TargetError> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        match refreshed(&mut system, self.pid) {
            Some(process) if process.start_time() == self.started => Ok(look(process)),
            _ => Err(TargetError::TargetExited { pid: self.pid }),
        }
    }
}

/// A process as it is now; `None` when there is none.
fn refreshed(system: &mut System, pid: u32) -> Option<&Process> {
    let wanted = ProcessRefreshKind::nothing()
        .with_memory()
        .with_cpu()
        .with_cmd(UpdateKind::OnlyIfNotSet)
        .with_exe(UpdateKind::OnlyIfNotSet);
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    system.process(pid)
}

/// The letter that Linux has for a state.
fn letter(status: ProcessStatus) -> char {
    match status {
        ProcessStatus::Run => 'R',
        ProcessStatus::Sleep => 'S',
        ProcessStatus::Idle => 'I',
        ProcessStatus::Stop => 'T',
        ProcessStatus::Tracing => 't',
        ProcessStatus::Zombie => 'Z',
        ProcessStatus::Dead => 'X',
        ProcessStatus::UninterruptibleDiskSleep => 'D',
        _ => '?',
    }
}

fn listing() -> System {
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    system
}

/// The ids of all processes, ascending.
pub fn pids() -> Result<Vec<u32>, TargetError> {
    Ok(parents()?.into_iter().map(|(pid, _)| pid).collect())
}

/// Every process with its parent, ascending.
pub fn parents() -> Result<Vec<(u32, u32)>, TargetError> {
    let system = listing();
    let pair = |(pid, process): (&Pid, &Process)| (pid.as_u32(), process.parent().map_or(0, Pid::as_u32));
    let mut found: Vec<(u32, u32)> = system.processes().iter().map(pair).collect();
    found.sort_unstable();
    Ok(found)
}

/// Whether there is a process with this id.
pub fn pid_exists(pid: u32) -> bool {
    refreshed(&mut System::new(), pid).is_some()
}

/// State, parent, times of a process that no handle is kept of; `None`: it is gone.
pub fn stat_of(pid: u32) -> Option<ProcessStat> {
    Handle::open(pid).ok()?.stat().ok()
}

/// No process here is: only Linux is looked at by a fork.
pub fn is_of_a_look(_pid: u32, _stat: &ProcessStat) -> bool {
    false
}

/// None is: see [`is_of_a_look`].
pub fn is_guard(_stat: &ProcessStat) -> bool {
    false
}

/// [`TargetError::NotOnThisPlatform`].
pub fn last_pid() -> Result<u32, TargetError> {
    absent("the newest process id")
}

/// Memory and swap.
pub fn machine() -> Result<MachineSample, TargetError> {
    Ok(MachineSample { memory: virtual_memory()?, swap: swap_memory()?, pressure: None })
}

/// Total, available, free; what this system does not tell is 0.
pub fn virtual_memory() -> Result<VirtualMemory, TargetError> {
    let mut system = System::new();
    system.refresh_memory();
    let (total_bytes, available_bytes) = (system.total_memory(), system.available_memory());
    let used_bytes = total_bytes.saturating_sub(available_bytes);
    Ok(VirtualMemory {
        total_bytes,
        available_bytes,
        percent: percent(used_bytes, total_bytes),
        used_bytes,
        free_bytes: system.free_memory(),
        ..VirtualMemory::default()
    })
}

/// Total, used, free; swapped in and out is not known and 0.
pub fn swap_memory() -> Result<SwapMemory, TargetError> {
    let mut system = System::new();
    system.refresh_memory();
    let (total_bytes, used_bytes) = (system.total_swap(), system.used_swap());
    Ok(SwapMemory {
        total_bytes,
        used_bytes,
        free_bytes: system.free_swap(),
        percent: percent(used_bytes, total_bytes),
        ..SwapMemory::default()
    })
}

fn percent(used: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { (used as f64 / total as f64 * 1000.0).round() / 10.0 }
}

/// When the machine started, in seconds since 1970.
pub fn boot_time() -> f64 {
    System::boot_time() as f64
}

/// None: this system has no PSI.
pub fn pressure() -> Result<Option<Pressure>, TargetError> {
    Ok(None)
}

/// None are kept.
pub fn kept_files() -> usize {
    0
}

/// Nothing to do: no files are kept.
pub fn raise_file_limit() {}

/// [`TargetError::NotOnThisPlatform`].
pub fn heap_info() -> Result<HeapInfo, TargetError> {
    absent("the state of malloc")
}

/// [`TargetError::NotOnThisPlatform`].
pub fn heap_trim() -> Result<bool, TargetError> {
    absent("the state of malloc")
}

/// None: there are no mappings.
pub fn group_by_path(_maps: &[MapFigures]) -> Vec<MapGroup> {
    Vec::new()
}

/// Now: nanoseconds since the program's first call, and since 1970.
pub fn now() -> Timestamp {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // 0 means "never" to some
    Timestamp { monotonic_ns: nanoseconds(FIRST.elapsed()).max(1), unix_ns: nanoseconds(since_1970) }
}

/// 0: not known here.
pub fn thread_cpu_ns() -> u64 {
    0
}

/// Nothing to ask for here.
pub fn wake_promptly() {}

/// Not known.
pub fn largest_child_bytes() -> u64 {
    0
}

/// A control group: never made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container(Never);

#[allow(missing_docs, reason = "the names are those of Linux, and the last two can not be called")]
impl Container {
    /// None: this system has no control groups.
    pub fn of(_pid: u32) -> Result<Option<Container>, TargetError> {
        Ok(None)
    }

    /// None: this system has no control groups.
    pub fn of_below(_root: &Path, _pid: u32) -> Result<Option<Container>, TargetError> {
        Ok(None)
    }

    pub fn path(&self) -> &str {
        match self.0 {}
    }

    pub fn sample(&self) -> Result<ContainerSample, TargetError> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::Explain;

    use super::*;

    #[test]
    fn sizes_parents_and_the_machine_are_there() {
        let own = Handle::open(std::process::id()).expect("it runs");
        let memory = own.memory().expect("it runs");
        assert!(memory.rss_bytes > 0 && memory.vms_bytes >= memory.rss_bytes);
        assert!(own.is_running() && own.stat().expect("it runs").parent > 0);
        assert!(parents().expect("a list").iter().any(|(pid, _)| *pid == own.pid()));
        assert!(virtual_memory().expect("a machine").total_bytes > memory.rss_bytes);
        assert!(now() > Timestamp::default());
    }

    #[test]
    fn the_rest_is_a_typed_error() {
        let own = Handle::open(std::process::id()).expect("it runs");
        let absent = [own.rollup().map(drop), own.status().map(drop), own.maps().map(drop), own.oom_score().map(drop)];
        for error in absent.into_iter().chain([heap_info().map(drop), last_pid().map(drop)]) {
            assert_eq!(error.expect_err("not here").code(), "MS-E029");
        }
        assert!(matches!(Handle::open(u32::MAX - 1), Err(TargetError::NoSuchProcess { .. })));
    }
}
