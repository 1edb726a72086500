"""What can go wrong, as exceptions that fit Python's own and psutil's."""

from __future__ import annotations

import errno
from typing import Any, ClassVar, Optional


class Error(Exception):
    """Something memsight could not do.

    Attributes:
        code: stable code such as ``MS-E012``, the same as the command prints and the documentation lists.
        hint: what you can do about it: a sentence or a command.
        message: what went wrong, in a sentence.
        msg: the same, under psutil's name.
        pid: the process it is about, or ``None``.
        name: its name as far as it was known, or ``None``.
    """

    code: str
    hint: str
    message: str
    pid: Optional[int] = None
    name: Optional[str] = None
    _errno: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        cls.__module__ = "memsight"  # where people import it from; tracebacks and pickles say so

    def __init__(self, code: str = "", hint: str = "", message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.message = message
        if isinstance(self, OSError):  # Python counts it among the operating system's
            for field, value in (("errno", self._errno), ("strerror", message)):
                setattr(self, field, value)

    @property
    def msg(self) -> str:
        """What went wrong, in a sentence."""
        return self.message

    def _about(self, *names: str) -> str:
        """``pid=7, name='cat'``: of ``names`` those that are known."""
        values = ((name, getattr(self, name, None)) for name in names)
        return ", ".join(f"{name}={value!r}" for name, value in values if value or (name == "pid" and value == 0))

    def __str__(self) -> str:
        code = f"[{self.code}]" if self.code else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return " ".join(filter(None, [self.message, code])) + hint

    def __repr__(self) -> str:
        return f"memsight.{type(self).__name__}({self._about('pid', 'ppid', 'name', 'seconds', 'code', 'msg')})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.hint, self.message)


class _ProcessError(Error):
    """An error about one process, made as psutil makes it: with its id, its name and a sentence.

    What memsight raises itself has a code and a hint, too, and shows them.
    """

    _code: ClassVar[str]
    _message: ClassVar[str] = ""
    _hint: ClassVar[str] = ""

    def __init__(
        self, pid: Any = None, name: Optional[str] = None, msg: Optional[str] = None, *, code: str = "", hint: str = ""
    ) -> None:
        super().__init__(code or self._code, hint or self._hint, msg or self._message)
        self.pid = pid
        self.name = name
        self._explained = bool(code)

    def __str__(self) -> str:
        if self._explained:
            return super().__str__()
        about = self._about("pid", "ppid", "name")
        return " ".join(filter(None, [self.message, about and f"({about})"]))

    def __repr__(self) -> str:
        return f"memsight.{type(self).__name__}({self._about('pid', 'ppid', 'name', 'seconds', 'msg')})"

    def _arguments(self) -> tuple[Any, ...]:
        return self.pid, self.name, self.message

    def __reduce__(self) -> tuple[Any, ...]:
        explained = {"code": self.code, "hint": self.hint, "message": self.message, "_explained": self._explained}
        return type(self), self._arguments(), explained


class NoSuchProcess(_ProcessError, ProcessLookupError):
    """There is no process with that id, or nothing of it is left to read."""

    _errno = errno.ESRCH
    _code = "MS-E010"
    _message = "process no longer exists"
    _hint = "`memsight ps` lists the Python processes"

    def __init__(
        self, pid: Any, name: Optional[str] = None, msg: Optional[str] = None, *, code: str = "", hint: str = ""
    ) -> None:
        super().__init__(pid, name, msg, code=code, hint=hint)


class TargetExited(NoSuchProcess):
    """The process ended while it was being read."""

    _code = "MS-E011"


class ZombieProcess(NoSuchProcess):
    """The process has ended, and only its entry in the table of processes is left.

    Attributes:
        ppid: the parent that has yet to collect it, or ``None``.
    """

    _code = "MS-E015"
    _message = "PID still exists but it's a zombie"
    _hint = "its parent has yet to collect it"

    def __init__(
        self,
        pid: Any,
        name: Optional[str] = None,
        ppid: Optional[int] = None,
        msg: Optional[str] = None,
        *,
        code: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(pid, name, msg, code=code, hint=hint)
        self.ppid = ppid

    def _arguments(self) -> tuple[Any, ...]:
        return self.pid, self.name, self.ppid, self.message


class AccessDenied(_ProcessError, PermissionError):
    """The operating system does not let you read that process; the hint has the one command that helps."""

    _errno = errno.EPERM
    _code = "MS-E012"
    _hint = "`memsight doctor PID` says what is in the way"


class TimeoutExpired(_ProcessError, TimeoutError):
    """The process still ran when the time was over.

    Attributes:
        seconds: how long it was waited for.
    """

    _errno = errno.ETIMEDOUT
    _code = "MS-E115"

    def __init__(self, seconds: float, pid: Optional[int] = None, name: Optional[str] = None) -> None:
        super().__init__(pid, name, f"timeout after {seconds} seconds")
        self.seconds = seconds

    def _arguments(self) -> tuple[Any, ...]:
        return self.seconds, self.pid, self.name


class UnsupportedInterpreter(Error, RuntimeError):
    """The process runs no Python, or one that memsight cannot read."""


class CorruptFile(Error, ValueError):
    """A snapshot that is damaged, of another version, too large to be honest, or no snapshot at all."""


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
    "MS-E015": ZombieProcess,
    "MS-E016": UnsupportedInterpreter,
    "MS-E011": TargetExited,
    "MS-E012": AccessDenied,
    "MS-E013": AccessDenied,
    "MS-E027": CorruptFile,
    "MS-E098": CorruptFile,
    **{f"MS-E0{number}": UnsupportedInterpreter for number in range(30, 37)},
    "MS-E050": OutputExists,
    "MS-E051": OutputExists,
    "MS-E052": SnapshotNotFound,
    "MS-E053": CorruptFile,
    "MS-E054": CorruptFile,
    "MS-E055": CorruptFile,
    "MS-E058": NotFound,
    "MS-E062": CorruptFile,
    "MS-E070": NotFound,
    "MS-E071": NotFound,
}


def error(code: str, hint: str, message: str, pid: Optional[int] = None) -> Error:
    """The exception for a code of the native half; ``pid`` where it knows the process."""
    kind = _CLASSES.get(code, Error)
    if issubclass(kind, (NoSuchProcess, AccessDenied)):
        return kind(pid, msg=message, code=code, hint=hint)
    made = kind(code, hint, message)
    made.pid = pid
    return made
