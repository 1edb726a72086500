"""Results about code and the tasks of asyncio: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import Source, _Record, _Rows


@dataclass(frozen=True, repr=False)
class TaskGroup(_Record):
    """Tasks that run the same coroutine and wait at the same line."""

    count: int
    """How many."""
    state: str
    """``pending``, ``finished``, ``failed`` or ``cancelled``."""
    coroutine: Optional[Source]
    """The coroutine that they run; ``None`` where it is no coroutine of Python."""
    runs: Optional[str]
    """The type of what they run; ``None`` for tasks that were made without a coroutine."""
    waits_at: Optional[Source]
    """Where they wait: the innermost coroutine that is awaited, with its line now."""
    waits_for: Optional[str]
    """What that one waits for: ``Future``, ``Task worker (app.py:17)``."""
    awaits: tuple[Source, ...]
    """Of the example, the coroutines that are awaited, the task's own first."""
    retained_bytes: int
    """What the tasks keep alive."""
    retained_resident_bytes: int
    """Those of these bytes that are in private memory."""
    share: float
    """Part of all bytes in private memory that they retain."""
    names: tuple[str, ...]
    """Names of some, where the look kept values."""
    kept_by: Optional[str]
    """Who keeps them: an object that holds at least half, or the types of the holders."""
    example: str
    """Address of one of them, the one that retains the most."""


@dataclass(frozen=True, repr=False)
class TasksView(_Rows[TaskGroup]):
    """The tasks of asyncio by what they run and where they wait, the most retained first."""

    _rows = "groups"
    tasks: int
    """Tasks."""
    pending: int
    """Of them, those that are not done."""
    finished: int
    """Those that have a result."""
    failed: int
    """Those that have an exception."""
    cancelled: int
    """Those that were cancelled."""
    retained_bytes: int
    """What all of them keep alive, each byte once."""
    group_count: int
    """Groups; ``groups`` may show fewer."""
    groups: tuple[TaskGroup, ...]
    """The groups."""
