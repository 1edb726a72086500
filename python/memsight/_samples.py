"""What the monitor reads: typed, frozen, with the names of the command's JSON.

Every ``*_bytes`` is a number of bytes, every ``*_ns`` one of nanoseconds. ``None`` means that a figure was not read or is
not to be had; nothing is ever 0 for that reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import _Record


@dataclass(frozen=True, repr=False)
class Timestamp(_Record):
    """When a reading was taken, by both clocks: the wall's may step, the monotonic one orders and measures."""

    monotonic_ns: int
    """Nanoseconds of ``CLOCK_MONOTONIC``."""
    unix_ns: int
    """Nanoseconds since 1970 (``CLOCK_REALTIME``)."""


@dataclass(frozen=True, repr=False)
class Unavailable(_Record):
    """Why a figure is not there, in words for people."""

    code: str
    """Stable code of the error behind it, such as ``MS-E012``; without an error ``copied`` (a look has made a copy that
    shares the pages) or ``not_read_yet`` (its turn has not come).
    """
    reason: str
    """A short reason: ``not permitted``, ``the kernel has no smaps_rollup``."""


@dataclass(frozen=True, repr=False)
class MemoryInfo(_Record):
    """What psutil calls ``memory_info`` on Linux. Source: ``/proc/PID/statm`` (``fs/proc/array.c``, ``proc_pid_statm``)."""

    rss_bytes: int
    """Resident set size."""
    vms_bytes: int
    """Virtual size."""
    shared_bytes: int
    """Resident and shared: of files and shared memory."""
    text_bytes: int
    """Virtual size of the program's code."""
    lib_bytes: int
    """Always 0 since Linux 2.6."""
    data_bytes: int
    """Virtual size of data and stack."""
    dirty_bytes: int
    """Always 0 since Linux 2.6."""


@dataclass(frozen=True, repr=False)
class Rollup(_Record):
    """Sums over the pages of a process. Source: ``/proc/PID/smaps_rollup`` (``fs/proc/task_mmu.c``). The kernel walks
    the page tables for it: the cost grows with RSS.
    """

    rss_bytes: int
    pss_bytes: int
    """Proportional set size: each page divided by the number of processes that map it."""
    pss_anon_bytes: int
    pss_file_bytes: int
    pss_shmem_bytes: int
    shared_clean_bytes: int
    shared_dirty_bytes: int
    private_clean_bytes: int
    private_dirty_bytes: int
    referenced_bytes: int
    anonymous_bytes: int
    lazy_free_bytes: int
    anon_huge_pages_bytes: int
    shmem_huge_pages_bytes: int
    file_huge_pages_bytes: int
    shared_hugetlb_bytes: int
    private_hugetlb_bytes: int
    swap_bytes: int
    swap_pss_bytes: int
    locked_bytes: int

    @property
    def uss_bytes(self) -> int:
        """Unique set size: what would be freed if the process ended now; psutil's ``uss``."""
        return self.private_clean_bytes + self.private_dirty_bytes + self.private_hugetlb_bytes


@dataclass(frozen=True, repr=False)
class StatusFigures(_Record):
    """The memory lines of ``/proc/PID/status`` (``fs/proc/task_mmu.c``, ``task_mem``)."""

    peak_rss_bytes: int
    """Largest RSS so far (``VmHWM``)."""
    peak_vms_bytes: int
    """Largest virtual size so far (``VmPeak``)."""
    rss_anon_bytes: int
    """Resident anonymous memory (``RssAnon``)."""
    rss_file_bytes: int
    """Resident pages of files (``RssFile``)."""
    rss_shmem_bytes: int
    """Resident shared memory (``RssShmem``)."""
    swap_bytes: int
    """Anonymous memory in swap (``VmSwap``)."""
    locked_bytes: int
    """Locked in memory (``VmLck``)."""
    pinned_bytes: int
    """Pinned (``VmPin``)."""
    page_tables_bytes: int
    """Page tables (``VmPTE``)."""
    hugetlb_bytes: int
    """hugetlbfs pages, which RSS does not count (``HugetlbPages``)."""
    threads: int
    """Threads."""


@dataclass(frozen=True, repr=False)
class GcGeneration(_Record):
    """One generation: the numbers of ``gc.get_stats()``, ``gc.get_count()`` and ``gc.get_threshold()``."""

    collections: int
    """Collections of it since the start."""
    collected: int
    """Objects freed by them."""
    uncollectable: int
    """Objects found to be garbage that could not be freed."""
    count: int
    """What counts towards the next collection: allocations less deallocations (generation 0), collections of the next
    younger generation (the others).
    """
    threshold: int
    """The count at which it is collected."""
    candidates: Optional[int]
    """Objects looked at by its collections; ``None`` where the version keeps no such sum (up to 3.14)."""
    duration_ns: Optional[int]
    """How long its collections took in all; ``None`` likewise."""


@dataclass(frozen=True, repr=False)
class GcInterpreter(_Record):
    """The collector of one interpreter at one moment."""

    id: int
    """Interpreter id, 0 for the main one. Up to 3.8 all interpreters share one collector, shown as the main one's."""
    enabled: bool
    """``gc.isenabled()``."""
    collecting: bool
    """A collection runs now."""
    generations: tuple[GcGeneration, ...]
    """Youngest first, always three."""
    long_lived_total: Optional[int]
    """Objects that survived the last full collection (``long_lived_total``); ``None`` where the version keeps none."""
    long_lived_pending: Optional[int]
    """Objects that wait for a full collection (``long_lived_pending``)."""
    permanent: Optional[int]
    """Objects in the permanent generation (``gc.get_freeze_count()``); ``None`` when it was not counted."""
    permanent_immortal: Optional[int]
    """Of ``permanent``: immortal objects, which the interpreter puts there by itself (3.12); ``None`` as ``permanent``."""
    garbage: Optional[int]
    """Length of ``gc.garbage``; ``None`` when it could not be read."""


@dataclass(frozen=True, repr=False)
class GcReading(_Record):
    """The collectors of a process at one moment."""

    at_ns: int
    """When, in nanoseconds of ``CLOCK_MONOTONIC``."""
    interpreters: tuple[GcInterpreter, ...]
    """Its interpreters, the main one first."""


@dataclass(frozen=True, repr=False)
class ProcessSample(_Record):
    """One process at one moment."""

    pid: int
    """Process id."""
    parent: int
    """Its parent's."""
    created: float
    """When it started, in seconds since 1970, as psutil's ``create_time``. With the pid, its identity."""
    name: str
    """Short name (``comm``)."""
    python: Optional[str]
    """Version of its Python; ``None``: no Python, or not known."""
    state: str
    """State letter of ``/proc/PID/stat``."""
    memory: MemoryInfo
    """``memory_info``."""
    status: Optional[StatusFigures]
    """Peaks and kinds; read less often than ``memory``, so that it may be of an earlier moment."""
    rollup: Optional[Rollup]
    """USS, PSS and so on; read less often still, for it is dear."""
    rollup_ns: Optional[int]
    """When ``rollup`` was read (``CLOCK_MONOTONIC``)."""
    rollup_missing: Optional[Unavailable]
    """Why there is no ``rollup``."""
    minor_faults: int
    """Minor page faults so far."""
    major_faults: int
    """Major page faults so far: those that waited for a disk."""
    cpu_ns: int
    """CPU time so far, user and system, in nanoseconds."""
    threads: int
    """Threads."""
    oom_score: Optional[int]
    """The kernel's inclination to kill it, 0 to 1000 and more (``/proc/PID/oom_score``)."""
    gc: Optional[GcReading]
    """The collector's counters, when asked for and readable."""


@dataclass(frozen=True, repr=False)
class Totals(_Record):
    """Sums over the processes of a sample."""

    processes: int
    """Processes."""
    rss_bytes: int
    """Sum of RSS: counts shared pages once for each process."""
    vms_bytes: int
    """Sum of virtual sizes."""
    pss_bytes: Optional[int]
    """Sum of PSS: counts shared pages once. ``None`` unless known of every process."""
    uss_bytes: Optional[int]
    """Sum of USS. ``None`` unless known of every process."""
    swap_bytes: Optional[int]
    """Sum of swap; ``None`` unless known of every process."""
    rollups: int
    """Processes of which USS and PSS are known; those that have ended count as known."""
    rollup_missing: Optional[Unavailable]
    """Why USS and PSS are not known of the others; ``None``: they are, or were not asked for."""


@dataclass(frozen=True, repr=False)
class Pressure(_Record):
    """How long tasks waited for memory, in percent and in all. Source: PSI, ``kernel/sched/psi.c``."""

    some_avg10: float
    """Share of the last 10 s in which some task waited, percent."""
    some_avg60: float
    """Of the last 60 s."""
    some_avg300: float
    """Of the last 300 s."""
    some_total_ns: int
    """In all, nanoseconds."""
    full_avg10: float
    """Share of the last 10 s in which all tasks waited, percent."""
    full_avg60: float
    """Of the last 60 s."""
    full_avg300: float
    """Of the last 300 s."""
    full_total_ns: int
    """In all, nanoseconds."""


@dataclass(frozen=True, repr=False)
class ContainerSample(_Record):
    """The memory controller of a container (control group, v1 or v2)."""

    version: int
    """1 or 2."""
    path: str
    """Path below the mount of the controller."""
    usage_bytes: int
    """Charged now: anonymous memory, page cache, kernel memory."""
    limit_bytes: Optional[int]
    """The tightest hard limit from here up to the root; ``None``: none."""
    limit_path: Optional[str]
    """Path of the group that has that limit."""
    spare_bytes: Optional[int]
    """The least distance from a working set to its limit, from here up to the root: a group above may be filled by
    others. ``None``: no limit.
    """
    peak_bytes: Optional[int]
    """Largest usage so far."""
    high_bytes: Optional[int]
    """The throttling limit (``memory.high``; v2 only)."""
    working_set_bytes: int
    """Usage without inactive page cache: what cannot be reclaimed easily, as the kubelet counts it."""
    anon_bytes: Optional[int]
    """Anonymous memory."""
    file_bytes: Optional[int]
    """Page cache."""
    swap_bytes: Optional[int]
    """Swap in use."""
    swap_limit_bytes: Optional[int]
    """Limit of swap."""
    oom: Optional[int]
    """Times the limit was reached and nothing could be freed (``oom``)."""
    oom_kill: Optional[int]
    """Processes killed for it (``oom_kill``)."""
    max_events: Optional[int]
    """Times usage was about to go over the limit (``max``; v1: ``failcnt``)."""
    pressure: Optional[Pressure]
    """Waiting for memory in this group (v2)."""


@dataclass(frozen=True, repr=False)
class VirtualMemory(_Record):
    """psutil's ``virtual_memory`` on Linux, same definitions. Source: ``/proc/meminfo``."""

    total_bytes: int
    available_bytes: int
    percent: float
    used_bytes: int
    free_bytes: int
    active_bytes: int
    inactive_bytes: int
    buffers_bytes: int
    cached_bytes: int
    shared_bytes: int
    slab_bytes: int


@dataclass(frozen=True, repr=False)
class SwapMemory(_Record):
    """psutil's ``swap_memory``, same definitions. Source: ``/proc/meminfo``, ``/proc/vmstat``."""

    total_bytes: int
    used_bytes: int
    free_bytes: int
    percent: float
    sin_bytes: int
    """Swapped in since boot."""
    sout_bytes: int
    """Swapped out since boot."""


@dataclass(frozen=True, repr=False)
class MachineSample(_Record):
    """The machine at one moment."""

    memory: VirtualMemory
    """Memory."""
    swap: SwapMemory
    """Swap."""
    pressure: Optional[Pressure]
    """Waiting for memory; ``None`` where the kernel has no PSI."""


@dataclass(frozen=True, repr=False)
class Sample(_Record):
    """Everything that one reading gives."""

    at: Timestamp
    """When."""
    processes: tuple[ProcessSample, ...]
    """The processes, parents before children, then by pid."""
    total: Totals
    """Their sums."""
    container: Optional[ContainerSample]
    """The container of the first process, when asked for and there is one."""
    machine: Optional[MachineSample]
    """The machine, when asked for."""


@dataclass(frozen=True, repr=False)
class Slope(_Record):
    """How fast a figure grows, with the interval that holds the true slope in 95 of 100 cases."""

    bytes_per_hour: float
    """Best estimate."""
    low_bytes_per_hour: float
    """Lower end of the interval."""
    high_bytes_per_hour: float
    """Upper end of the interval."""


@dataclass(frozen=True, repr=False)
class Trend(_Record):
    """The trend of a series."""

    verdict: str
    """``too_short``, ``stable``, ``unclear``, ``warming_up``, ``leaking`` or ``shrinking``."""
    bytes_per_hour: Optional[float]
    """Growth, if it leaks."""
    reason: str
    """Why, in a sentence for people."""
    confidence: str
    """How sure; it grows with the time that was watched."""
    slope: Optional[Slope]
    """The slope after the warm-up; of the last half when the growth began there. An estimate: only where the verdict says
    that memory grows or falls is it a rate to rely on.
    """
    seconds: float
    """Seconds from the first sample to the last."""
    points: int
    """Samples that were looked at."""
    level_bytes: float
    """The median of the last half."""


@dataclass(frozen=True, repr=False)
class TimeToLimit(_Record):
    """When a limit is reached if the growth goes on, in seconds from the end of the series."""

    seconds: float
    """Best estimate."""
    earliest_seconds: float
    """By the upper end of the slope's interval."""
    latest_seconds: float
    """By its lower end."""


@dataclass(frozen=True, repr=False)
class Peak(_Record):
    """The largest value of a figure, exact: of all samples, not of those that are kept."""

    bytes: int
    """The value."""
    at: Timestamp
    """The first moment it was seen."""
    after_ns: int
    """The same, since the first sample."""


@dataclass(frozen=True, repr=False)
class ProcessSummary(_Record):
    """One process in a ``WatchSummary``. Faults, CPU time and collections are counted from its first sample, or from its
    birth when it was born in the watch.
    """

    pid: int
    created: float
    name: str
    python: Optional[str]
    peak: Peak
    """Largest RSS that was sampled."""
    first_rss_bytes: int
    """RSS at first and at last."""
    last_rss_bytes: int
    first_ns: int
    """First and last seen, since the first sample."""
    last_ns: int
    samples: int
    minor_faults: int
    major_faults: int
    cpu_ns: int
    gc_collections: Optional[int]
    """Collections; ``None`` when the collector was never read."""
    ended: bool
    """It was no longer there at the last sample."""
    trend: Optional[Trend]
    """Trend of its RSS; ``None`` for processes that ended."""


@dataclass(frozen=True, repr=False)
class ContainerSummary(_Record):
    """The container in a ``WatchSummary``."""

    last: ContainerSample
    """As it was last."""
    peak: Peak
    """Largest usage that was sampled."""
    oom_kills: int
    """Processes killed for lack of memory in the watch."""
    max_events: int
    """Times usage was about to go over the limit in the watch."""
    trend: Trend
    """Trend of the working set."""
    time_to_limit: Optional[TimeToLimit]
    """When the limit is reached, if it leaks."""


@dataclass(frozen=True, repr=False)
class WatchSummary(_Record):
    """What a watch came to."""

    schema_version: int
    """Version of this layout."""
    started: Timestamp
    """First sample."""
    ended: Timestamp
    """Last sample."""
    duration_ns: int
    """Between them, by the monotonic clock."""
    samples: int
    """Samples."""
    missed_ticks: int
    """Ticks that were skipped because the one before took too long."""
    peak: Peak
    """Largest sum of RSS."""
    peak_pss: Optional[Peak]
    """Largest sum of PSS, of the moments at which it was known of all; ``None`` unless such moments cover those of the
    largest RSS.
    """
    pss_samples: int
    """Samples in which PSS was known of all processes, from readings at about the RSS of that moment."""
    pss_missing: Optional[Unavailable]
    """Why ``peak_pss`` is not there; ``None``: it is, or was not asked for."""
    first_rss_bytes: int
    """Sum of RSS at first and at last."""
    last_rss_bytes: int
    """See ``first_rss_bytes``."""
    trend: Trend
    """Trend of the sum of RSS, while there was any process."""
    minor_faults: int
    """Page faults of all processes, those without and those with a wait for a disk."""
    major_faults: int
    """See ``minor_faults``."""
    cpu_ns: int
    """CPU time of all processes."""
    gc_collections: Optional[int]
    """Collections of all processes; ``None`` when no collector was read."""
    process_count: int
    """Processes seen."""
    processes: tuple[ProcessSummary, ...]
    """Those there at the end, and the largest that had ended (at most 100), by peak."""
    container: Optional[ContainerSummary]
    """The container, if it was read."""
