"""What can go wrong, as exceptions that fit Python's own."""

from __future__ import annotations

import errno
from typing import ClassVar


class Error(Exception):
    """Something memsight could not do.

    Attributes:
        code: stable code such as ``MS-E012``, the same as the command prints and the documentation lists.
        hint: what you can do about it: a sentence or a command.
        message: what went wrong, in a sentence.
    """

    code: str
    hint: str
    message: str
    _errno: ClassVar[int] = 0

    def __init__(self, code: str, hint: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.message = message
        if isinstance(self, OSError):  # Python counts it among the operating system's
            for name, value in (("errno", self._errno), ("strerror", message)):
                setattr(self, name, value)

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]\n  hint: {self.hint}" if self.hint else f"{self.message} [{self.code}]"

    def __reduce__(self) -> tuple[type[Error], tuple[str, str, str]]:
        return type(self), (self.code, self.hint, self.message)


class NoSuchProcess(Error, ProcessLookupError):
    """There is no process with that id, or nothing of it is left to read."""

    _errno = errno.ESRCH


class TargetExited(Error, ProcessLookupError):
    """The process ended while it was being read."""

    _errno = errno.ESRCH


class AccessDenied(Error, PermissionError):
    """The operating system does not let you read that process; the hint has the one command that helps."""

    _errno = errno.EPERM


class UnsupportedInterpreter(Error, RuntimeError):
    """The process runs no Python, or one that memsight cannot read."""


class CorruptFile(Error, ValueError):
    """A snapshot that is damaged, of another version, or no snapshot at all."""


class SnapshotNotFound(Error, FileNotFoundError):
    """There is nothing at that path."""

    _errno = errno.ENOENT


class OutputExists(Error, FileExistsError):
    """The output is there already; ``force=True`` replaces a snapshot."""

    _errno = errno.EEXIST


class NotFound(Error, LookupError):
    """The snapshot has no such object, type or table."""


_CLASSES: dict[str, type[Error]] = {
    "MS-E010": NoSuchProcess,
    "MS-E015": NoSuchProcess,
    "MS-E016": UnsupportedInterpreter,
    "MS-E011": TargetExited,
    "MS-E012": AccessDenied,
    "MS-E013": AccessDenied,
    **{f"MS-E0{number}": UnsupportedInterpreter for number in range(30, 37)},
    "MS-E050": OutputExists,
    "MS-E051": OutputExists,
    "MS-E052": SnapshotNotFound,
    "MS-E053": CorruptFile,
    "MS-E054": CorruptFile,
    "MS-E055": CorruptFile,
    "MS-E058": NotFound,
    "MS-E070": NotFound,
    "MS-E071": NotFound,
}


def error(code: str, hint: str, message: str) -> Error:
    """The exception for a code of the native half."""
    return _CLASSES.get(code, Error)(code, hint, message)
