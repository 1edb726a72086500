"""What stands under ``Process``: who it is, its files in ``/proc``, what failures mean, and the cache of ``oneshot``."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any, Callable, Optional, TypeVar, Union

from ._arguments import whole
from ._errors import AccessDenied, Error, NoSuchProcess, ZombieProcess
from ._platform import native
from ._psutil_types import Negsignal

T = TypeVar("T")

# The largest process id that a C int can hold.
_LARGEST_PID = 2**31 - 1
UNKNOWN: Any = object()
"""The exit code of a process that nobody waited for."""


class Base:
    """One process, told by its id and its start."""

    def __init__(self, pid: Optional[int] = None) -> None:
        pid = os.getpid() if pid is None else whole(pid, "pid", "a process id")
        if pid < 0:
            raise ValueError(f"pid must be a positive integer (got {pid})")
        elif pid > _LARGEST_PID:
            raise NoSuchProcess(pid, msg="process PID out of range")
        self._pid = pid
        self._name: Optional[str] = None
        self._exe: Optional[str] = None
        self._exit_code: Union[int, Negsignal, None] = UNKNOWN
        self._gone = False
        self._reused = False
        self._cache: Optional[dict[str, Any]] = None
        self._lock = threading.RLock()
        try:
            self._handle = native().Handle(pid)
        except NoSuchProcess:
            raise NoSuchProcess(pid, msg="process PID not found") from None
        self._ident = (pid, self._handle.started)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._pid

    def __eq__(self, other: object) -> bool:
        return self._ident == other._ident if isinstance(other, Base) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ident)

    # --- errors and the cache of oneshot

    def _name_it(self, error: Error) -> None:
        """Tells an error of the native half whom it is about."""
        error.pid, error.name = self._pid, self._name

    def _failed(self, error: OSError) -> Exception:
        """What it means that a file of ``/proc`` could not be read."""
        if isinstance(error, PermissionError):
            return AccessDenied(self._pid, self._name)
        if not isinstance(error, (ProcessLookupError, FileNotFoundError)):
            return error
        try:
            if self._stat()[1] == "Z":
                return ZombieProcess(self._pid, self._name)
        except Error:
            pass
        return NoSuchProcess(self._pid, self._name)

    def _once(self, key: str, read: Callable[[], T]) -> T:
        """What ``read`` gives; inside of ``oneshot`` what it gave the first time."""
        cache = self._cache
        if cache is not None and key in cache:
            found: T = cache[key]
            return found
        try:
            value = read()
        except Error as error:
            self._name_it(error)
            raise
        if cache is not None:
            cache[key] = value
        return value

    def _stat(self) -> tuple[str, str, int, int, int, int]:
        """Name as the kernel has it, letter of the state, parent, minor and major faults, threads."""
        stat: tuple[str, str, int, int, int, int] = self._once("stat", self._handle.stat)
        return stat

    def _in_folder(self, read: Callable[[str], T]) -> T:
        """What ``read`` gives of its folder in ``/proc``."""
        try:
            found = read(f"/proc/{self._pid}")
        except OSError as error:
            raise self._failed(error) from error
        self._check_same()
        return found

    def _check_same(self) -> None:
        """Raises unless it is still the process that it was when this object was made."""
        if not self.is_running() and self._reused:
            message = "process no longer exists and its PID has been reused"
            raise NoSuchProcess(self._pid, self._name, message)

    @contextlib.contextmanager
    def oneshot(self) -> Iterator[None]:
        """Inside of ``with process.oneshot():`` everything is read once, and all that is asked comes from that."""
        with self._lock:
            if self._cache is not None:
                yield
                return
            self._cache = {}
            try:
                yield
            finally:
                self._cache = None

    def is_running(self) -> bool:
        """Whether it is still there, and not another one under its id. A zombie is still there."""
        if self._gone:
            return False
        if self._handle.is_running():
            return True
        self._gone = True
        self._reused = bool(native().pid_exists(self._pid))
        return False
