"""psutil's ``Process``, its memory side and what one needs to know which process it is.

Same names, results and errors: ``import memsight as psutil``. It differs where psutil errs: a process is told by its id
*and* its start, so that no method ever reports another one that was given the same id since.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional, Union, overload

from . import _psutil_rest, _psutil_wait
from ._errors import AccessDenied, Error, NoSuchProcess, TimeoutExpired, ZombieProcess
from ._platform import native
from ._psutil_base import UNKNOWN, Base
from ._psutil_types import (
    Negsignal,
    pcputimes,
    pfootprint,
    pfullmem,
    pgids,
    pmem,
    pmem_extras,
    pmmap_ext,
    pmmap_grouped,
    ppagefaults,
    puids,
)

STATUS_RUNNING = "running"
STATUS_SLEEPING = "sleeping"
STATUS_DISK_SLEEP = "disk-sleep"
STATUS_STOPPED = "stopped"
STATUS_TRACING_STOP = "tracing-stop"
STATUS_ZOMBIE = "zombie"
STATUS_DEAD = "dead"
STATUS_WAKING = "waking"
STATUS_IDLE = "idle"
STATUS_PARKED = "parked"

_STATUSES = {
    "R": STATUS_RUNNING,
    "S": STATUS_SLEEPING,
    "D": STATUS_DISK_SLEEP,
    "T": STATUS_STOPPED,
    "t": STATUS_TRACING_STOP,
    "Z": STATUS_ZOMBIE,
    "X": STATUS_DEAD,
    "x": STATUS_DEAD,
    "K": "wake-kill",
    "W": STATUS_WAKING,
    "I": STATUS_IDLE,
    "P": STATUS_PARKED,
}
# The kernel cuts names (comm) to this length.
_NAME_CUT = 15

# Calling this skips the Python function that is a named tuple's own constructor.
_tuple: Callable[..., Any] = tuple.__new__


class Process(Base):
    """A process of the machine, by default this one.

    >>> import memsight
    >>> process = memsight.Process(4242)
    >>> process.memory_info().rss
    14229504
    >>> process.memory_full_info().uss
    12562432
    >>> with process.oneshot():     # one reading of the system for all of these
    ...     process.name(), process.status(), process.memory_percent()
    ('python', 'sleeping', 0.05629340309438086)

    Raises:
        NoSuchProcess: there is none with that id.
        AccessDenied: from the methods that need more rights than a look at the list of processes.
        ZombieProcess: from the methods that need the memory of a process that has ended.
    """

    info: dict[str, Any]
    """What ``process_iter(attrs)`` was asked for."""
    returncode: Union[int, Negsignal, None]
    """The exit code, once ``wait_procs`` saw the end."""
    _twin: Any = None

    def __repr__(self) -> str:
        fields: dict[str, Any] = {"pid": self._pid}
        if self._name:
            fields["name"] = self._name
        try:
            with self.oneshot():
                fields["name"] = self.name()
                fields["status"] = self.status()
        except NoSuchProcess:
            fields["status"] = "terminated + PID reused" if self._reused else "terminated"
        except AccessDenied:
            pass
        if self._exit_code not in (UNKNOWN, None):
            fields["exitcode"] = self._exit_code
        started = self.create_time()
        recent = time.time() - started < 24 * 60 * 60
        fields["started"] = time.strftime("%H:%M:%S" if recent else "%Y-%m-%d %H:%M:%S", time.localtime(started))
        return f"memsight.{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def as_dict(self, attrs: Optional[Iterable[str]] = None, ad_value: Any = None) -> dict[str, Any]:
        """What the methods named ``attrs`` say, all of them by default; ``ad_value`` where one is not allowed to.

        >>> memsight.Process().as_dict(["pid", "name"])
        {'pid': 4242, 'name': 'python'}
        """
        if attrs is not None:
            if not isinstance(attrs, (list, tuple, set, frozenset)):
                raise TypeError(f"invalid attrs type {type(attrs)}")
            invalid = {name for name in set(attrs) - ATTRIBUTES if not _psutil_rest.offers(name)}
            if invalid:
                raise ValueError(f"invalid attr name{'s'[: len(invalid) - 1]} {', '.join(map(repr, sorted(invalid)))}")
        found = {}
        with self.oneshot():
            for name in attrs or ATTRIBUTES:
                try:
                    found[name] = self._pid if name == "pid" else getattr(self, name)()
                except (AccessDenied, ZombieProcess):
                    found[name] = ad_value
        return found

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return _psutil_rest.of_process(name, self._as_psutil, self._check_same)

    def _as_psutil(self, psutil: ModuleType) -> Any:
        """The same process as psutil has it, kept: ``cpu_percent`` tells what was since it was last asked."""
        if self._twin is None:
            self._twin = psutil.Process(self._pid)
        return self._twin

    # --- memory

    def memory_info(self) -> pmem:
        """Resident, mapped and shared bytes, from ``/proc/PID/statm``: cheap, and allowed for every process.

        >>> memsight.Process().memory_info()
        pmem(rss=14229504, vms=17084416, shared=6856704, text=4096, lib=0, data=8421376, dirty=0)
        """
        if self._cache is None:  # most calls: spared the detour
            try:
                info: pmem = _tuple(pmem, self._handle.memory())
            except Error as error:
                self._name_it(error)
                raise
            return info
        return self._once("memory_info", lambda: pmem._make(self._handle.memory()))

    def memory_full_info(self) -> pfullmem:
        """:meth:`memory_info` and USS, PSS and swap. The kernel looks at every page for it: the cost grows with RSS.

        Needs the rights of :meth:`memory_footprint`, which does not read what you may not need.
        """
        return pfullmem(*self.memory_info(), *self.memory_footprint())

    def memory_footprint(self) -> pfootprint:
        """USS, PSS and swap, from ``/proc/PID/smaps_rollup`` (psutil 8).

        >>> memsight.Process().memory_footprint()
        pfootprint(uss=12562432, pss=12732416, swap=0)
        """
        return self._once("footprint", lambda: pfootprint._make(self._handle.footprint()))

    def memory_extras(self) -> pmem_extras:
        """Peaks and kinds of memory, from ``/proc/PID/status`` (psutil 8): cheap, and allowed for every process."""
        return self._once("extras", lambda: pmem_extras._make(self._handle.extras()))

    def memory_percent(self, memtype: str = "rss") -> float:
        """A field of :meth:`memory_full_info` in percent of the machine's memory.

        >>> memsight.Process().memory_percent("uss")
        0.04970056364391453
        """
        if memtype not in pfullmem._fields:
            raise ValueError(f"invalid memtype {memtype!r}; valid types are {pfullmem._fields!r}")
        info = self.memory_info() if memtype in pmem._fields else self.memory_full_info()
        value: int = getattr(info, memtype)
        return value / float(_total()) * 100

    @overload
    def memory_maps(self, grouped: Literal[True] = True) -> list[pmmap_grouped]: ...

    @overload
    def memory_maps(self, grouped: Literal[False]) -> list[pmmap_ext]: ...

    @overload
    def memory_maps(self, grouped: bool) -> Union[list[pmmap_grouped], list[pmmap_ext]]: ...

    def memory_maps(self, grouped: bool = True) -> Any:
        """What is mapped, from ``/proc/PID/smaps``: sums by path, or each mapping with its address and rights.

        >>> memsight.Process().memory_maps()[0].path
        '/usr/bin/python3.11'
        >>> memsight.Process().memory_maps(grouped=False)[0].perms
        'r--p'
        """
        kind: Any = pmmap_grouped if grouped else pmmap_ext
        rows = self._once(kind.__name__, lambda: [kind._make(row) for row in self._handle.maps(grouped)])
        if not rows and self.status() == STATUS_ZOMBIE:
            raise ZombieProcess(self._pid, self._name)
        return rows

    def page_faults(self) -> ppagefaults:
        """Page faults so far (psutil 8).

        >>> memsight.Process().page_faults()
        ppagefaults(minor=2405, major=0)
        """
        return ppagefaults._make(self._stat()[3:5])

    # --- who it is

    def name(self) -> str:
        """Its name. The kernel cuts names after 15 characters; the rest comes from the command line where that fits."""
        name = self._stat()[0]
        if len(name) >= _NAME_CUT:
            whole: str = self._once("name", self._handle.name)
            name = whole
        self._name = name
        return name

    def cmdline(self) -> list[str]:
        """The program and its arguments; empty for threads of the kernel."""
        return self._once("command", self._handle.command)

    def exe(self) -> str:
        """The program's file; empty where there is none. Looked up once."""
        if self._exe is None:
            try:
                path = self._once("exe", self._handle.exe)
            except AccessDenied:
                guess = self._guessed_exe()
                if not guess:
                    raise
                return guess
            self._exe = path or self._guessed_exe()
        return self._exe

    def _guessed_exe(self) -> str:
        """The file that the command line names, if it names one."""
        try:
            command = self.cmdline()
        except AccessDenied:
            return ""
        path = command[0] if command else ""
        return path if os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK) else ""

    def cwd(self) -> str:
        """Its working directory."""
        # the kernel may add a null byte and more behind a directory that is gone
        return self._in_folder(lambda folder: os.readlink(f"{folder}/cwd")).split("\0")[0]

    def status(self) -> str:
        """What it does: one of the ``STATUS_`` constants."""
        return _STATUSES.get(self._stat()[1], "?")

    def ppid(self) -> int:
        """Its parent's id."""
        return self._stat()[2]

    def create_time(self) -> float:
        """When it started, in seconds since 1970."""
        created: float = self._handle.created
        return created

    def num_threads(self) -> int:
        """How many threads it has."""
        return self._stat()[5]

    def cpu_times(self) -> pcputimes:
        """Seconds of CPU so far: of its own code, of the kernel for it, the same of its ended children, and waiting."""

        def read(folder: str) -> list[str]:
            with open(f"{folder}/stat", errors="replace") as file:
                return file.read().rpartition(")")[2].split()

        fields = self._in_folder(read)
        ticks = [*fields[11:15], *fields[39:40]]  # proc(5) counts from 1 and has two more in front
        return pcputimes._make(int(count) / os.sysconf("SC_CLK_TCK") for count in ticks)

    def uids(self) -> puids:
        """The users whose rights it has."""
        return puids._make(self._once("ids", self._handle.ids)[0])

    def gids(self) -> pgids:
        """The groups whose rights it has."""
        return pgids._make(self._once("ids", self._handle.ids)[1])

    def username(self) -> str:
        """The name of its real user, or the number where that has no name."""
        import pwd

        uid = self.uids().real
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    # --- its relatives

    def parent(self) -> Optional[Process]:
        """Its parent; ``None`` for the first process and where the parent is outside of our PID namespace."""
        self._check_same()
        ppid = self.ppid()
        if ppid == 0:
            return None
        try:
            parent = Process(ppid)
        except NoSuchProcess:
            return None
        # a parent that is younger was given the id of one that is gone
        return parent if parent._ident[1] <= self._ident[1] else None

    def parents(self) -> list[Process]:
        """Its parent, that one's parent and so on."""
        found = []
        parent = self.parent()
        while parent is not None:
            found.append(parent)
            parent = parent.parent()
        return found

    def children(self, recursive: bool = False) -> list[Process]:
        """Its children; with ``recursive`` theirs, too, and so on.

        >>> sum(child.memory_info().rss for child in memsight.Process(4242).children(recursive=True))
        83427328
        """
        if not self.is_running():
            self._check_same()
            raise NoSuchProcess(self._pid, self._name)
        by_parent: dict[int, list[int]] = {}
        for pid, ppid in native().parents():
            by_parent.setdefault(ppid, []).append(pid)
        found = []
        seen = set()
        waiting = [self._pid]
        while waiting:
            pid = waiting.pop()
            if pid in seen:  # ids that were given anew while the list was read can make a circle
                continue
            seen.add(pid)
            for child_pid in by_parent.get(pid, ()):
                with contextlib.suppress(NoSuchProcess):
                    child = Process(child_pid)
                    if self._ident[1] <= child._ident[1]:
                        found.append(child)
                        waiting.append(child_pid)
            if not recursive:
                break
        return found

    # --- signals and the end

    def send_signal(self, sig: int) -> None:
        """Sends it a signal; never to another process that has its id by now."""
        if self._pid == 0:
            raise ValueError("PID 0 stands for the caller's whole process group in kill(2)")
        self._check_same()
        try:
            _psutil_wait.send(self._pid, sig, self._handle.is_running)
        except ProcessLookupError as error:
            self._gone = True
            raise NoSuchProcess(self._pid, self._name) from error
        except PermissionError as error:
            raise AccessDenied(self._pid, self._name) from error

    def suspend(self) -> None:
        """Stops it, with ``SIGSTOP``."""
        self.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on, with ``SIGCONT``."""
        self.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Asks it to end, with ``SIGTERM``."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it, with ``SIGKILL``."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: Optional[float] = None) -> Union[int, Negsignal, None]:
        """Waits for its end; the exit code if it is a child of ours, else ``None``.

        >>> memsight.Process(4242).wait(timeout=5)

        Raises:
            TimeoutExpired: it still runs after ``timeout`` seconds.
        """
        if self._pid == 0:
            raise ValueError("can't wait for PID 0")  # waitpid(2) takes it for any child
        if timeout is not None:
            if not isinstance(timeout, (int, float)):
                raise TypeError(f"timeout must be an int or float (got {type(timeout)})")
            if timeout < 0:
                raise ValueError(f"timeout must be positive or zero (got {timeout})")
        if self._exit_code is UNKNOWN:
            try:
                self._exit_code = _psutil_wait.wait(self._pid, timeout, self._handle.is_running)
            except TimeoutExpired as expired:
                raise TimeoutExpired(expired.seconds, self._pid, self._name) from None
        return self._exit_code


def _total() -> int:
    """The machine's memory. Looked up once."""
    global _total_bytes
    if not _total_bytes:
        _total_bytes = native().virtual_memory()[0]
    return _total_bytes


_total_bytes = 0

_NO_ATTRIBUTES = {
    "as_dict",
    "children",
    "info",
    "is_running",
    "kill",
    "oneshot",
    "parent",
    "parents",
    "resume",
    "returncode",
    "send_signal",
    "suspend",
    "terminate",
    "wait",
}
ATTRIBUTES = {name for name in dir(Process) if not name.startswith("_")} - _NO_ATTRIBUTES
"""What ``Process.as_dict`` knows."""
