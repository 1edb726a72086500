"""Waiting for processes, and signals to them, that never meet another process with the same id.

A pidfd stands for one process. It is opened first and the identity checked after, so that the process that is waited
for or signalled is the one that was checked. Kernels and sandboxes without pidfd fall back to the id.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from typing import Callable, Optional, Union

from ._errors import TimeoutExpired
from ._psutil_types import Negsignal

_FIRST_PAUSE = 0.0001
_LONGEST_PAUSE = 0.04
# poll() takes milliseconds in a C int
_LONGEST_POLL = 1 << 20


def _pidfd(pid: int) -> Optional[int]:
    """A descriptor of process ``pid``, ``None`` where there are none to be had.

    Raises:
        ProcessLookupError: there is no such process.
    """
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        descriptor: int = opener(pid)
    except ProcessLookupError:
        raise
    except OSError:  # an old kernel, a seccomp filter, too many open files
        return None
    return descriptor


def send(pid: int, number: int, same: Callable[[], bool]) -> None:
    """Sends signal ``number`` to process ``pid`` if ``same()`` says, after it was pinned, that it is the right one.

    Raises:
        ProcessLookupError: it is gone.
        PermissionError: it is not ours.
    """
    descriptor = _pidfd(pid)
    try:
        if not same():
            raise ProcessLookupError(errno.ESRCH, "the process is gone")
        sender = getattr(signal, "pidfd_send_signal", None)
        if descriptor is None or sender is None:
            os.kill(pid, number)
        else:
            sender(descriptor, number)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def wait(pid: int, timeout: Optional[float], same: Callable[[], bool]) -> Union[int, Negsignal, None]:
    """Waits until process ``pid`` is gone; its exit code if it is a child of ours, else ``None``.

    Raises:
        TimeoutExpired: it still runs after ``timeout`` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        descriptor = _pidfd(pid)
    except ProcessLookupError:
        descriptor = None
    if descriptor is not None:
        try:
            if same():
                _poll(descriptor, timeout, deadline)
        finally:
            os.close(descriptor)
    return _collect(pid, timeout, deadline, same)


def _poll(descriptor: int, timeout: Optional[float], deadline: Optional[float]) -> None:
    """Sleeps until the process of ``descriptor`` has ended."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while True:
        left = None if deadline is None else max(deadline - time.monotonic(), 0)
        if poller.poll(None if left is None else min(int(left * 1000) + bool(left), _LONGEST_POLL)):
            return
        if left == 0:
            raise TimeoutExpired(timeout or 0)


def _collect(
    pid: int, timeout: Optional[float], deadline: Optional[float], same: Callable[[], bool]
) -> Union[int, Negsignal, None]:
    """The exit code of a child. Of others nobody tells us, so we look until their parent has collected them."""
    pause = _FIRST_PAUSE
    while True:
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            if not same():
                return None
        else:
            if found:
                return _exit_code(status)
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutExpired(timeout or 0)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _exit_code(status: int) -> Union[int, Negsignal]:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    try:
        return Negsignal(code)
    except ValueError:  # a signal without a name
        return code
