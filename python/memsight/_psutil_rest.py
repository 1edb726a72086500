"""What psutil offers beside memory: handed on to psutil where it is installed.

    memsight.net_io_counters ──> psutil.net_io_counters
    Process.io_counters      ──> psutil.Process(pid).io_counters, whose errors become memsight's

``docs/reference/psutil.md`` lists the names.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from types import ModuleType
from typing import Any, Callable, Optional

from ._errors import AccessDenied, NoSuchProcess, TimeoutExpired, ZombieProcess

PROCESS = {
    "cpu_affinity": "os.sched_getaffinity(pid), os.sched_setaffinity(pid, cpus)",
    "cpu_percent": "take the difference of cpu_times() between two moments",
    "nice": "os.getpriority(os.PRIO_PROCESS, pid), os.setpriority(os.PRIO_PROCESS, pid, value)",
    "num_fds": "len(os.listdir(f'/proc/{pid}/fd'))",
    "rlimit": "resource.prlimit(pid, resource, limits)",
    "threads": "num_threads(), or memsight.snapshot(pid).threads() for the Python ones",
}
"""What does without psutil what these methods of ``Process`` do."""

FUNCTIONS = {
    "cpu_count": "os.cpu_count(), len(os.sched_getaffinity(0))",
    "disk_usage": "shutil.disk_usage(path)",
    "getloadavg": "os.getloadavg()",
}
"""The same of the module."""

REFUSED = {
    "Popen": "subprocess.Popen, then memsight.Process(child.pid)",
}
"""Names of the module that are not handed on: another class of processes."""


_lock = threading.Lock()
_found: Optional[ModuleType] = None


def installed() -> Optional[ModuleType]:
    """psutil itself, also where ``sys.modules["psutil"]`` is memsight; ``None``: it is not installed."""
    global _found
    with _lock:
        if _found is None:
            present = sys.modules.get("psutil")
            itself = isinstance(present, ModuleType) and present.__name__ == "psutil"
            _found = present if itself else _imported()
        # Somebody may have put our class there.
        return _found if _found is not None and _found.Process.__module__ == "psutil" else None


def _imported() -> Optional[ModuleType]:
    # Who stands in for it comes back: only its own modules keep psutil's names.
    stand_in = sys.modules.pop("psutil", None)
    try:
        return importlib.import_module("psutil")
    except ImportError:
        return None
    finally:
        if stand_in is not None:
            sys.modules["psutil"] = stand_in


def of_module(name: str) -> Any:
    """psutil's ``name``."""
    owner = "module 'memsight'"
    if name in REFUSED:
        raise AttributeError(f"{owner} has no attribute {name!r}; psutil's is not offered here: {REFUSED[name]}")
    psutil = None if name.startswith("_") else installed()
    if psutil is None or not hasattr(psutil, name):
        raise AttributeError(_refusal(name, FUNCTIONS, owner, psutil))
    found = getattr(psutil, name)
    return _translating(found, psutil) if callable(found) and not isinstance(found, type) else found


def offers(name: str) -> bool:
    """Whether ``name`` is a method of psutil's processes."""
    psutil = None if name.startswith("_") else installed()
    return psutil is not None and callable(getattr(psutil.Process, name, None))


def of_process(name: str, twin: Callable[[ModuleType], Any], check: Callable[[], None]) -> Callable[..., Any]:
    """The method ``name`` of a process: that of its ``twin`` in psutil, then ``check`` whether it still is that process."""
    psutil = installed() if offers(name) else None
    if psutil is None:
        raise AttributeError(_refusal(name, PROCESS, "'Process' object", None if name.startswith("_") else installed()))
    real = psutil

    @functools.wraps(getattr(real.Process, name))
    def method(*arguments: Any, **named: Any) -> Any:
        found = getattr(twin(real), name)(*arguments, **named)
        check()
        return found

    return _translating(method, real)


def _translating(function: Callable[..., Any], psutil: ModuleType) -> Callable[..., Any]:
    """``function`` with memsight's errors in place of psutil's."""

    @functools.wraps(function)
    def translated(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except psutil.ZombieProcess as error:
            raise ZombieProcess(error.pid, error.name, error.ppid) from error
        except psutil.NoSuchProcess as error:
            raise NoSuchProcess(error.pid, error.name) from error
        except psutil.AccessDenied as error:
            raise AccessDenied(error.pid, error.name) from error
        except psutil.TimeoutExpired as error:
            raise TimeoutExpired(error.seconds, error.pid, error.name) from error

    return translated


def _refusal(name: str, instead: dict[str, str], owner: str, psutil: Optional[ModuleType]) -> str:
    """Why ``owner`` has no attribute ``name``."""
    text = f"{owner} has no attribute {name!r}"
    if psutil is not None or name.startswith("_"):
        return text
    other = f", or take {instead[name]}" if name in instead else ""
    return f"{text}; if it is psutil's: pip install psutil, to which memsight hands it on{other}"
