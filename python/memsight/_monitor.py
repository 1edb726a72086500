"""Everything about a process or a tree in one reading, once or again and again."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Protocol, Union

from . import _build
from ._arguments import process_id
from ._platform import native
from ._samples import Sample, WatchSummary

if TYPE_CHECKING:
    from typing_extensions import Self


class HasPid(Protocol):
    """A process as memsight, psutil, subprocess or multiprocessing have it."""

    @property
    def pid(self) -> Optional[int]: ...


Target = Union[int, HasPid]


def _pid(target: Optional[Target]) -> int:
    if target is None:
        return os.getpid()
    if getattr(target, "pid", target) is None:
        raise ValueError("the process has not been started")
    return process_id(target)


def sample(process: Optional[Target] = None, tree: bool = False) -> Sample:
    """Every figure of a process in one reading: memory, peaks, USS and PSS, faults, CPU time, the collector's counters,
    its container, the machine.

    Args:
        process: a process id or anything with a ``pid``; nothing: this process.
        tree: its descendants, too.

    Raises:
        NoSuchProcess: there is none with that id.

    A figure that cannot be read of a process is ``None``; for USS and PSS ``rollup_missing`` says why. Cost: about a
    millisecond, mostly for USS and PSS, for which the kernel walks the pages; a few more for a Python process.

    >>> now = memsight.sample(4242)
    >>> now.processes[0].memory.rss_bytes, now.processes[0].rollup.pss_bytes
    (14229504, 11204608)
    >>> now.processes[0].gc.interpreters[0].generations[2].collections
    7
    """
    return _build.view(Sample, native().sample(_pid(process), tree))


class Monitor:
    """Samples at an interval: an iterator and an async iterator, which end when the processes have ended.

    Args:
        process: a process id or anything with a ``pid``; nothing: this process.
        interval: seconds between samples, at least 0.001.
        tree: its descendants, too, those born later included.
        rollup: seconds between readings of USS and PSS, which are dear; 0: at every sample; ``None``: never. In
            between each process shows the last reading (``rollup_ns`` says of when).
        gc: read the counters of the garbage collectors, too.
        machine: read the machine's memory, too.

    Raises:
        NoSuchProcess: there is none with that id.
        Error: ``MS-E095``, the interval is too short.

    The first sample comes at once, the others at multiples of the interval after it: what you do with one does not
    make later ones late. Ticks that pass while you are busy are skipped and counted (``missed_ticks``). A wait keeps
    no lock: other threads run, Ctrl-C ends it at once, an asyncio task can be cancelled. Memory stays flat however long
    it runs.

    >>> with memsight.Monitor(4242, interval=0.1) as monitor:
    ...     for sample in monitor:
    ...         if sample.total.rss_bytes > 2**30:
    ...             break
    >>> monitor.summary().peak.bytes
    1073774592

    >>> async for sample in memsight.Monitor(4242):
    ...     print(sample.total.rss_bytes)
    """

    def __init__(
        self,
        process: Optional[Target] = None,
        interval: float = 1.0,
        tree: bool = True,
        *,
        rollup: Optional[float] = 1.0,
        gc: bool = False,
        machine: bool = False,
    ) -> None:
        self.pid = _pid(process)
        """The process that was named."""
        self.interval = interval
        """Seconds between samples."""
        self._native = native().Monitor(self.pid, tree, interval, rollup, gc, machine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Sample:
        text = self._native.next()
        if text is None:
            raise StopIteration
        return _build.view(Sample, text)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sample:
        import asyncio  # not needed by those who iterate without

        # The wait is asyncio's, so that cancelling the task ends it; the reading is a thread's, so that the loop turns.
        await asyncio.sleep(self._native.until_due())
        text = await asyncio.get_running_loop().run_in_executor(None, self._native.next)
        if text is None:
            raise StopAsyncIteration
        return _build.view(Sample, text)

    def stop(self) -> None:
        """Ends the iteration, from any thread; a wait that is under way ends at once."""
        self._native.stop()

    @property
    def missed_ticks(self) -> int:
        """Ticks that were skipped, because the one before was not done with."""
        missed: int = self._native.missed()
        return missed

    def summary(self) -> WatchSummary:
        """What it came to so far: peaks, trends, a verdict. Also after the end."""
        return _build.view(WatchSummary, self._native.summary())

    def __repr__(self) -> str:
        return f"memsight.Monitor(pid={self.pid}, interval={self.interval})"
