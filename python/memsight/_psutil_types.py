"""The results of psutil's API: the same names and the same fields in the same order. Every size is in bytes."""

from __future__ import annotations

import enum
import signal
from typing import NamedTuple

Negsignal = enum.IntEnum("Negsignal", {member.name: -member.value for member in signal.Signals})  # type: ignore[misc]
"""Exit codes of processes that a signal ended: ``wait() == -signal.SIGTERM``."""


class pmem(NamedTuple):
    """``Process.memory_info()``, from ``/proc/PID/statm``."""

    rss: int
    """Resident: in RAM now."""
    vms: int
    """Mapped, whether in RAM or not."""
    shared: int
    """The part of ``rss`` that is of files or of shared memory."""
    text: int
    """Mapped code of the program."""
    lib: int
    """0 since Linux 2.6."""
    data: int
    """Mapped data and stack."""
    dirty: int
    """0 since Linux 2.6."""


class pfullmem(NamedTuple):
    """``Process.memory_full_info()``: :class:`pmem` and three sums over all pages."""

    rss: int
    vms: int
    shared: int
    text: int
    lib: int
    data: int
    dirty: int
    uss: int
    """Of this process alone: what would be free if it ended now."""
    pss: int
    """Each page divided by the number of processes that map it."""
    swap: int
    """In swap."""


class pfootprint(NamedTuple):
    """``Process.memory_footprint()``, from ``/proc/PID/smaps_rollup``."""

    uss: int
    """Of this process alone: what would be free if it ended now."""
    pss: int
    """Each page divided by the number of processes that map it."""
    swap: int
    """In swap."""


class pmem_extras(NamedTuple):
    """``Process.memory_extras()``, from ``/proc/PID/status``."""

    peak_rss: int
    """The largest ``rss`` so far."""
    peak_vms: int
    """The largest ``vms`` so far."""
    rss_anon: int
    """The part of ``rss`` that is of no file: heaps and stacks."""
    rss_file: int
    """The part of ``rss`` that is of mapped files."""
    rss_shmem: int
    """The part of ``rss`` that is shared memory."""
    swap: int
    """Anonymous memory in swap."""
    hugetlb: int
    """Pages of hugetlbfs, which ``rss`` does not count."""


class ppagefaults(NamedTuple):
    """``Process.page_faults()``: since the process started."""

    minor: int
    """Answered from memory."""
    major: int
    """Waited for a disk."""


class pmmap_grouped(NamedTuple):
    """One file or kind of memory of ``Process.memory_maps()``."""

    path: str
    rss: int
    size: int
    pss: int
    shared_clean: int
    shared_dirty: int
    private_clean: int
    private_dirty: int
    referenced: int
    anonymous: int
    swap: int


class pmmap_ext(NamedTuple):
    """One mapping of ``Process.memory_maps(grouped=False)``."""

    addr: str
    perms: str
    path: str
    rss: int
    size: int
    pss: int
    shared_clean: int
    shared_dirty: int
    private_clean: int
    private_dirty: int
    referenced: int
    anonymous: int
    swap: int


class pcputimes(NamedTuple):
    """``Process.cpu_times()``, in seconds."""

    user: float
    system: float
    children_user: float
    children_system: float
    iowait: float


class puids(NamedTuple):
    """``Process.uids()``."""

    real: int
    effective: int
    saved: int


class pgids(NamedTuple):
    """``Process.gids()``."""

    real: int
    effective: int
    saved: int


class svmem(NamedTuple):
    """``virtual_memory()``, from ``/proc/meminfo``."""

    total: int
    """RAM that the kernel has to give."""
    available: int
    """What programs can still get without swapping."""
    percent: float
    """``(total - available) / total``, in percent."""
    used: int
    """``total - available``."""
    free: int
    """Not used at all."""
    active: int
    inactive: int
    buffers: int
    cached: int
    shared: int
    slab: int


class sswap(NamedTuple):
    """``swap_memory()``, from ``/proc/meminfo`` and ``/proc/vmstat``."""

    total: int
    used: int
    free: int
    percent: float
    sin: int
    """Swapped in since boot."""
    sout: int
    """Swapped out since boot."""


class pheap(NamedTuple):
    """``heap_info()``: glibc's allocator in this process."""

    heap_used: int
    """Given out by ``malloc`` from its arenas."""
    mmap_used: int
    """Given out in mappings of their own."""
