//! The operating system's figures of memory: of a process, a container, the machine. Bytes throughout.

use serde::{Deserialize, Serialize};

/// What psutil calls `memory_info` on Linux. Source: `/proc/PID/statm` (`fs/proc/array.c`, `proc_pid_statm`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemoryInfo {
    /// Resident set size.
    pub rss_bytes: u64,
    /// Virtual size.
    pub vms_bytes: u64,
    /// Resident and shared: of files and shared memory.
    pub shared_bytes: u64,
    /// Virtual size of the program's code.
    pub text_bytes: u64,
    /// Always 0 since Linux 2.6.
    pub lib_bytes: u64,
    /// Virtual size of data and stack.
    pub data_bytes: u64,
    /// Always 0 since Linux 2.6.
    pub dirty_bytes: u64,
}

/// Sums over the pages of a process. Source: `/proc/PID/smaps_rollup` (`fs/proc/task_mmu.c`). The kernel walks the page
/// tables for it: the cost grows with RSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the kernel's: Documentation/filesystems/proc.rst")]
pub struct Rollup {
    pub rss_bytes: u64,
    /// Proportional set size: each page divided by the number of processes that map it.
    pub pss_bytes: u64,
    pub pss_anon_bytes: u64,
    pub pss_file_bytes: u64,
    pub pss_shmem_bytes: u64,
    pub shared_clean_bytes: u64,
    pub shared_dirty_bytes: u64,
    pub private_clean_bytes: u64,
    pub private_dirty_bytes: u64,
    pub referenced_bytes: u64,
    pub anonymous_bytes: u64,
    pub lazy_free_bytes: u64,
    pub anon_huge_pages_bytes: u64,
    pub shmem_huge_pages_bytes: u64,
    pub file_huge_pages_bytes: u64,
    pub shared_hugetlb_bytes: u64,
    pub private_hugetlb_bytes: u64,
    pub swap_bytes: u64,
    pub swap_pss_bytes: u64,
    pub locked_bytes: u64,
}

impl Rollup {
    /// Unique set size: what would be freed if the process ended now. As psutil counts it: clean, dirty and huge
    /// private pages.
    pub fn uss_bytes(&self) -> u64 {
        self.private_clean_bytes.saturating_add(self.private_dirty_bytes).saturating_add(self.private_hugetlb_bytes)
    }

    /// Whether it is of a moment at which the process was about as large as `rss_bytes`: a tenth or 1 MiB more or less.
    pub fn is_of(&self, rss_bytes: u64) -> bool {
        self.rss_bytes.abs_diff(rss_bytes) <= (rss_bytes.max(self.rss_bytes) / 10).max(1 << 20)
    }

    /// Adds the figures of another mapping.
    pub fn add(&mut self, other: &Rollup) {
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(&mut self.rss_bytes, other.rss_bytes);
        add(&mut self.pss_bytes, other.pss_bytes);
        add(&mut self.pss_anon_bytes, other.pss_anon_bytes);
        add(&mut self.pss_file_bytes, other.pss_file_bytes);
        add(&mut self.pss_shmem_bytes, other.pss_shmem_bytes);
        add(&mut self.shared_clean_bytes, other.shared_clean_bytes);
        add(&mut self.shared_dirty_bytes, other.shared_dirty_bytes);
        add(&mut self.private_clean_bytes, other.private_clean_bytes);
        add(&mut self.private_dirty_bytes, other.private_dirty_bytes);
        add(&mut self.referenced_bytes, other.referenced_bytes);
        add(&mut self.anonymous_bytes, other.anonymous_bytes);
        add(&mut self.lazy_free_bytes, other.lazy_free_bytes);
        add(&mut self.anon_huge_pages_bytes, other.anon_huge_pages_bytes);
        add(&mut self.shmem_huge_pages_bytes, other.shmem_huge_pages_bytes);
        add(&mut self.file_huge_pages_bytes, other.file_huge_pages_bytes);
        add(&mut self.shared_hugetlb_bytes, other.shared_hugetlb_bytes);
        add(&mut self.private_hugetlb_bytes, other.private_hugetlb_bytes);
        add(&mut self.swap_bytes, other.swap_bytes);
        add(&mut self.swap_pss_bytes, other.swap_pss_bytes);
        add(&mut self.locked_bytes, other.locked_bytes);
    }
}

/// The memory lines of `/proc/PID/status` (`fs/proc/task_mmu.c`, `task_mem`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusFigures {
    /// Largest RSS so far (`VmHWM`).
    pub peak_rss_bytes: u64,
    /// Largest virtual size so far (`VmPeak`).
    pub peak_vms_bytes: u64,
    /// Resident anonymous memory (`RssAnon`).
    pub rss_anon_bytes: u64,
    /// Resident pages of files (`RssFile`).
    pub rss_file_bytes: u64,
    /// Resident shared memory (`RssShmem`).
    pub rss_shmem_bytes: u64,
    /// Anonymous memory in swap (`VmSwap`).
    pub swap_bytes: u64,
    /// Locked in memory (`VmLck`).
    pub locked_bytes: u64,
    /// Pinned (`VmPin`).
    pub pinned_bytes: u64,
    /// Page tables (`VmPTE`).
    pub page_tables_bytes: u64,
    /// hugetlbfs pages, which RSS does not count (`HugetlbPages`).
    pub hugetlb_bytes: u64,
    /// Threads.
    pub threads: u32,
}

/// Why a figure is not there, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// Stable code of the error behind it, such as `MS-E012`; or, where there was no error, one of the words below.
    pub code: String,
    /// A short reason: `not permitted`, `the kernel has no smaps_rollup`.
    pub reason: String,
}

impl Unavailable {
    /// A copy that a look has made shares the pages: the figure would be of both.
    pub const COPIED: &'static str = "copied";
    /// Its turn has not come.
    pub const NOT_YET: &'static str = "not_read_yet";
}

/// When a reading was taken, by both clocks: the wall's may step, the monotonic one orders and measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Timestamp {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub monotonic_ns: u64,
    /// Nanoseconds since 1970 (`CLOCK_REALTIME`).
    pub unix_ns: u64,
}

/// One process at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessSample {
    /// Process id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// When it started, in seconds since 1970, as psutil's `create_time`. With the pid, its identity.
    pub created: f64,
    /// Short name (`comm`).
    pub name: String,
    /// Version of its Python; `None`: no Python, or not known.
    pub python: Option<String>,
    /// State letter of `/proc/PID/stat`.
    pub state: char,
    /// `memory_info`.
    pub memory: MemoryInfo,
    /// Peaks and kinds; read less often than `memory`, so that it may be of an earlier moment.
    pub status: Option<StatusFigures>,
    /// USS, PSS and so on; read less often still, for it is dear.
    pub rollup: Option<Rollup>,
    /// When `rollup` was read (`CLOCK_MONOTONIC`).
    pub rollup_ns: Option<u64>,
    /// Why there is no `rollup`.
    pub rollup_missing: Option<Unavailable>,
    /// Minor page faults so far.
    pub minor_faults: u64,
    /// Major page faults so far: those that waited for a disk.
    pub major_faults: u64,
    /// CPU time so far, user and system, in nanoseconds.
    pub cpu_ns: u64,
    /// Threads.
    pub threads: u32,
    /// The kernel's inclination to kill it, 0 to 1000 and more (`/proc/PID/oom_score`).
    pub oom_score: Option<i32>,
    /// The collector's counters, when asked for and readable.
    pub gc: Option<crate::GcReading>,
}

/// Sums over the processes of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Processes.
    pub processes: u32,
    /// Sum of RSS: counts shared pages once for each process.
    pub rss_bytes: u64,
    /// Sum of virtual sizes.
    pub vms_bytes: u64,
    /// Sum of PSS: counts shared pages once. `None` unless known of every process.
    pub pss_bytes: Option<u64>,
    /// Sum of USS. `None` unless known of every process.
    pub uss_bytes: Option<u64>,
    /// Sum of swap; `None` unless known of every process.
    pub swap_bytes: Option<u64>,
    /// Processes of which USS and PSS are known; those that have ended count as known.
    #[serde(default)]
    pub rollups: u32,
    /// Why USS and PSS are not known of the others; `None`: they are, or were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup_missing: Option<Unavailable>,
}

/// How long tasks waited for memory, in percent and in all. Source: PSI, `kernel/sched/psi.c`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pressure {
    /// Share of the last 10 s in which some task waited, percent.
    pub some_avg10: f64,
    /// Of the last 60 s.
    pub some_avg60: f64,
    /// Of the last 300 s.
    pub some_avg300: f64,
    /// In all, nanoseconds.
    pub some_total_ns: u64,
    /// Share of the last 10 s in which all tasks waited, percent.
    pub full_avg10: f64,
    /// Of the last 60 s.
    pub full_avg60: f64,
    /// Of the last 300 s.
    pub full_avg300: f64,
    /// In all, nanoseconds.
    pub full_total_ns: u64,
}

/// The memory controller of a container (control group, v1 or v2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContainerSample {
    /// 1 or 2.
    pub version: u8,
    /// Path below the mount of the controller.
    pub path: String,
    /// Charged now: anonymous memory, page cache, kernel memory.
    pub usage_bytes: u64,
    /// The tightest hard limit from here up to the root; `None`: none.
    pub limit_bytes: Option<u64>,
    /// Path of the group that has that limit.
    pub limit_path: Option<String>,
    /// The least distance from a working set to its limit, from here up to the root: a group above may be filled by
    /// others. `None`: no limit.
    pub spare_bytes: Option<u64>,
    /// Largest usage so far.
    pub peak_bytes: Option<u64>,
    /// The throttling limit (`memory.high`; v2 only).
    pub high_bytes: Option<u64>,
    /// Usage without inactive page cache: what cannot be reclaimed easily, as the kubelet counts it.
    pub working_set_bytes: u64,
    /// Anonymous memory.
    pub anon_bytes: Option<u64>,
    /// Page cache.
    pub file_bytes: Option<u64>,
    /// Swap in use.
    pub swap_bytes: Option<u64>,
    /// Limit of swap.
    pub swap_limit_bytes: Option<u64>,
    /// Times the limit was reached and nothing could be freed (`oom`).
    pub oom: Option<u64>,
    /// Processes killed for it (`oom_kill`).
    pub oom_kill: Option<u64>,
    /// Times usage was about to go over the limit (`max`; v1: `failcnt`).
    pub max_events: Option<u64>,
    /// Waiting for memory in this group (v2).
    pub pressure: Option<Pressure>,
}

impl ContainerSample {
    /// Bytes that can still be had before a limit is met.
    pub fn headroom_bytes(&self) -> Option<u64> {
        self.spare_bytes.or_else(|| Some(self.limit_bytes?.saturating_sub(self.working_set_bytes)))
    }
}

/// psutil's `virtual_memory` on Linux, same definitions. Source: `/proc/meminfo`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are psutil's")]
pub struct VirtualMemory {
    pub total_bytes: u64,
    pub available_bytes: u64,
    pub percent: f64,
    pub used_bytes: u64,
    pub free_bytes: u64,
    pub active_bytes: u64,
    pub inactive_bytes: u64,
    pub buffers_bytes: u64,
    pub cached_bytes: u64,
    pub shared_bytes: u64,
    pub slab_bytes: u64,
}

/// psutil's `swap_memory`, same definitions. Source: `/proc/meminfo`, `/proc/vmstat`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are psutil's")]
pub struct SwapMemory {
    pub total_bytes: u64,
    pub used_bytes: u64,
    pub free_bytes: u64,
    pub percent: f64,
    /// Swapped in since boot.
    pub sin_bytes: u64,
    /// Swapped out since boot.
    pub sout_bytes: u64,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MachineSample {
    /// Memory.
    pub memory: VirtualMemory,
    /// Swap.
    pub swap: SwapMemory,
    /// Waiting for memory; `None` where the kernel has no PSI.
    pub pressure: Option<Pressure>,
}

/// Everything that one reading gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The processes, parents before children, then by pid.
    pub processes: Vec<ProcessSample>,
    /// Their sums.
    pub total: Totals,
    /// The container of the first process, when asked for and there is one.
    pub container: Option<ContainerSample>,
    /// The machine, when asked for.
    pub machine: Option<MachineSample>,
    /// Two samples of one monitor with the same revision differ by `at` alone; 0: nobody counts.
    #[serde(skip)]
    pub revision: u64,
}
