"""The allocations of this very process, each with its stack, for a while."""

from __future__ import annotations

import atexit
import os
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Union

from ._platform import native
from ._views import _Record

if TYPE_CHECKING:
    from typing_extensions import Self

SAMPLE = 512 << 10


@dataclass(frozen=True, repr=False)
class Recorded(_Record):
    """What came of a recording."""

    path: str
    """The trace."""
    allocations: int
    """Allocations in it; of a sample those that are in it."""
    file_bytes: int
    """Bytes of the file."""
    lost_events: int
    """Events that were lost, since they came faster than they could be written."""


class Tracker:
    """Records the allocations of this process, of all its threads, from ``start()`` to ``stop()`` or within a ``with``::

        with memsight.Tracker("load.trace", exact=True):
            load()

    ``memsight trace load.trace`` then says what made the peak, line by line. There is one at a time in a process. Children
    are not recorded. A thread of memsight's own writes the file, which Python does not know; since 3.12 ``os.fork`` may warn
    that the process has more than one. Linux on x86-64 with glibc; CPython 3.8 to 3.15 with the GIL.

    Args:
        path: the trace to write. One that is there is an error, unless ``force``.
        exact: every allocation, instead of a sample.
        sample: bytes between samples in the mean: 1024 or more.
        force: replace a file that is there.

    Raises:
        OutputExists: the file is there.
        Error: this process is recorded already, or its Python cannot be.
    """

    def __init__(
        self, path: Union[str, os.PathLike[str]], *, exact: bool = False, sample: int = SAMPLE, force: bool = False
    ) -> None:
        if not exact and sample < 1024:
            raise ValueError("sample must be 1024 bytes or more; exact=True records every allocation")
        self.path = os.fspath(path)
        program = os.path.basename(sys.argv[0] if sys.argv else "") or "python"
        self._native = native().Tracker(self.path, program, 0 if exact else sample, force)
        self._pid: Optional[int] = None

    def start(self) -> None:
        """Begins."""
        self._native.start()
        self._pid = os.getpid()
        atexit.register(self.stop)

    def stop(self) -> Optional[Recorded]:
        """Ends and says what was recorded; ``None`` when nothing was under way."""
        pid, self._pid = self._pid, None
        if pid is None:
            return None
        atexit.unregister(self.stop)
        if pid != os.getpid():
            self._native.forget()
            return None
        done = self._native.stop()
        return None if done is None else Recorded(self.path, *done)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()
