"""psutil's functions about all processes and about the machine's memory."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Callable, Optional

from ._arguments import whole
from ._errors import NoSuchProcess, TimeoutExpired
from ._platform import native
from ._process import Process
from ._psutil_types import pheap, sswap, svmem

# No process of a list is waited for longer at a stretch, so that the end of others is seen.
_ROUND_SECONDS = 1.0


def pids() -> list[int]:
    """The ids of all processes, ascending.

    >>> memsight.pids()[:3]
    [1, 2, 3]
    """
    found: list[int] = native().pids()
    return found


def pid_exists(pid: int) -> bool:
    """Whether there is a process with that id. Ids of threads do not count.

    >>> memsight.pid_exists(1)
    True
    """
    if not 0 <= whole(pid, "pid", "a process id") <= 2**31 - 1:
        return False
    exists: bool = native().pid_exists(pid)
    return exists


class _ProcessIter:
    """``process_iter``, and what it keeps from one call to the next."""

    def __init__(self) -> None:
        self._known: dict[int, Process] = {}

    def __call__(self, attrs: Optional[Iterable[str]] = None, ad_value: Any = None) -> Iterator[Process]:
        """Every process of the machine, by ascending id; one that ends meanwhile is left out.

        The objects are kept for the next call. With ``attrs`` (``[]``: all) each has a dictionary ``info`` as
        ``Process.as_dict(attrs, ad_value)`` makes it. ``process_iter.cache_clear()`` forgets the objects.

        >>> for process in memsight.process_iter(["name", "memory_info"]):
        ...     print(process.pid, process.info["name"], process.info["memory_info"].rss)
        """
        listed = pids()
        known = {pid: self._known[pid] for pid in listed if pid in self._known}
        try:
            for pid in listed:
                try:
                    process = known.pop(pid, None)
                    if process is None or not process.is_running():
                        process = Process(pid)
                    if attrs is not None:
                        process.info = process.as_dict(attrs, ad_value)
                except NoSuchProcess:
                    continue
                known[pid] = process
                yield process
        finally:
            self._known = known

    def cache_clear(self) -> None:
        """Forgets the processes of earlier calls."""
        self._known.clear()


process_iter = _ProcessIter()


def wait_procs(
    procs: Iterable[Process], timeout: Optional[float] = None, callback: Optional[Callable[[Process], object]] = None
) -> tuple[list[Process], list[Process]]:
    """Waits until all of ``procs`` have ended or the time is over: those that have, and those that still run.

    The ended ones get an attribute ``returncode``, and ``callback`` is called with each.

    >>> gone, alive = memsight.wait_procs(memsight.Process().children(), timeout=3)
    """
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout must be a positive integer, got {timeout}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback {callback!r} is not a callable")
    gone: list[Process] = []
    alive = list(dict.fromkeys(procs))
    deadline = None if timeout is None else time.monotonic() + timeout
    while alive:
        for process in tuple(alive):
            left = _ROUND_SECONDS / len(alive)
            if deadline is not None:
                left = max(min(left, deadline - time.monotonic()), 0)
            try:
                process.returncode = process.wait(left)
            except TimeoutExpired:
                continue
            alive.remove(process)
            gone.append(process)
            if callback is not None:
                callback(process)
        if deadline is not None and time.monotonic() >= deadline:
            break
    return gone, alive


def virtual_memory() -> svmem:
    """The machine's memory.

    >>> memsight.virtual_memory().percent
    2.4
    """
    return svmem._make(native().virtual_memory())


def swap_memory() -> sswap:
    """The machine's swap.

    >>> memsight.swap_memory().used
    0
    """
    return sswap._make(native().swap_memory())


def boot_time() -> float:
    """When the machine started, in seconds since 1970."""
    started: float = native().boot_time()
    return started


def heap_info() -> pheap:
    """What glibc's allocator has given out in this process. Most Python objects live in Python's own arenas instead.

    >>> memsight.heap_info()
    pheap(heap_used=1675312, mmap_used=610304)

    Raises:
        Error: on systems with another C library than glibc.
    """
    return pheap._make(native().heap_info())


def heap_trim() -> None:
    """Asks glibc's allocator to give what it does not use back to the system."""
    native().heap_trim()
