"""What the garbage collector of this very process costs, through ``gc.callbacks``."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

from . import _build, _text
from ._platform import native
from ._views import _Record

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, repr=False)
class GcBucket(_Record):
    """Pauses of about the same length."""

    to_ns: Optional[int]
    """They were not longer than this, and longer than half of it; ``None`` for the last, open bucket."""
    count: int
    """How many."""


@dataclass(frozen=True, repr=False)
class GcPauses(_Record):
    """How long collections took, as the command's JSON has it. Percentiles are at most twice too long, for the sizes of
    the buckets double, and never above the longest.
    """

    source: str
    """How they came to be known: ``callbacks``."""
    note: Optional[str]
    """Why there is no better source."""
    count: int
    """Pauses with a known duration."""
    missed: int
    """Collections whose duration nobody saw."""
    missed_below_ns: Optional[int]
    """The longest that one of those may have been, where that is known."""
    total_ns: int
    """All pauses together."""
    p50_ns: int
    """Half of them were not longer."""
    p99_ns: int
    """99 of 100 were not longer."""
    max_ns: int
    """The longest."""
    error_ns: int
    """How wrong a duration may be; 0: exact."""
    buckets: tuple[GcBucket, ...]
    """From the first that has any pauses to the last."""


@dataclass(frozen=True, repr=False)
class GcWatchGeneration(_Record):
    """The collections of one generation, younger ones included in each."""

    collections: int
    """How many."""
    collected: int
    """Objects freed."""
    uncollectable: int
    """Garbage that could not be freed."""
    pauses: GcPauses
    """How long they took."""


class GcWatch:
    """Counts and times the collections of the interpreter it is made in. See :func:`gc_watch`."""

    def __init__(self) -> None:
        self._native = native().GcWatch()
        self._before_ns = 0
        self._since_ns: Optional[int] = None

    def start(self) -> Self:
        """Watches from now on. Nothing happens if it does already."""
        if self._since_ns is None:
            self._since_ns = time.monotonic_ns()
            gc.callbacks.append(self._native)
        return self

    def stop(self) -> None:
        """Watches no longer; what was counted stays, and is added to after another ``start``."""
        if self._since_ns is None:
            return
        with contextlib.suppress(ValueError):  # somebody cleared the list
            gc.callbacks.remove(self._native)
        self._native.drop_open()
        self._before_ns += time.monotonic_ns() - self._since_ns
        self._since_ns = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it watches now."""
        return self._since_ns is not None

    @property
    def duration_ns(self) -> int:
        """For how long it has watched."""
        return self._before_ns + (time.monotonic_ns() - self._since_ns if self._since_ns is not None else 0)

    @property
    def generations(self) -> tuple[GcWatchGeneration, ...]:
        """The three generations, youngest first."""
        return self._read()[0]

    @property
    def pauses(self) -> GcPauses:
        """The pauses of all generations."""
        return self._read()[1]

    @property
    def collections(self) -> int:
        """Collections of all generations."""
        return self.pauses.count

    @property
    def collected(self) -> int:
        """Objects that they freed."""
        return sum(generation.collected for generation in self.generations)

    @property
    def uncollectable(self) -> int:
        """Garbage that they could not free."""
        return sum(generation.uncollectable for generation in self.generations)

    @property
    def total_ns(self) -> int:
        """How long the program stood still for them."""
        return self.pauses.total_ns

    @property
    def p50_ns(self) -> int:
        """Half of the pauses were not longer."""
        return self.pauses.p50_ns

    @property
    def p99_ns(self) -> int:
        """99 of 100 were not longer."""
        return self.pauses.p99_ns

    @property
    def max_ns(self) -> int:
        """The longest pause."""
        return self.pauses.max_ns

    def _read(self) -> tuple[tuple[GcWatchGeneration, ...], GcPauses]:
        rows, total = self._native.read()
        made = []
        for collected, uncollectable, text in rows:
            pauses = _build.view(GcPauses, text)
            made.append(GcWatchGeneration(pauses.count, collected, uncollectable, pauses))
        return tuple(made), _build.view(GcPauses, total)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the keys of ``memsight gc --format json``."""
        rows, total = self._native.read()
        generations = []
        for collected, uncollectable, text in rows:
            pauses = json.loads(text)
            counts = {"collections": pauses["count"], "collected": collected, "uncollectable": uncollectable}
            generations.append({**counts, "pauses": pauses})
        pauses = json.loads(total)
        seconds = self.duration_ns / 1e9
        return {
            "schema_version": 1,
            "pid": os.getpid(),
            "duration_ns": self.duration_ns,
            "generations": generations,
            "collections_per_second": pauses["count"] / seconds if seconds else 0.0,
            "pauses": pauses,
        }

    def __repr__(self) -> str:
        pauses = self.pauses
        total, longest = _text.cell("total_ns", pauses.total_ns), _text.cell("max_ns", pauses.max_ns)
        state = "running" if self.running else "stopped"
        return f"<memsight.GcWatch {state}: {pauses.count:,} collections, {total} in all, the longest {longest}>"


def gc_watch() -> GcWatch:
    """A watch of this process's garbage collector, exact on every version of CPython.

    Use it in a ``with`` block, or with ``start()`` and ``stop()``. Any number of watches may run at once. Each adds a
    native function to ``gc.callbacks``, which reads the clock and counts: about a microsecond for each collection,
    no memory after the start. The time of other callbacks between its two calls counts as pause.

    It sees the interpreter that it was started in, and every thread of it. After ``os.fork`` the child's copy goes on
    counting by itself.

    >>> with memsight.gc_watch() as watch:
    ...     run()
    >>> watch.collections, watch.p99_ns, watch.max_ns
    (1204, 131072, 8814023)
    >>> [generation.collected for generation in watch.generations]
    [88120, 2210, 0]
    """
    return GcWatch()
