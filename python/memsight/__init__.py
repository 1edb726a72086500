"""memsight: explains the memory of live Python processes.

    >>> import memsight
    >>> heap = memsight.snapshot(4242)      # any process of yours; no argument: this one
    >>> heap.suspects()                     # who may leak, and who keeps it alive
    >>> heap.types(top=10)                  # what there is most of
    >>> heap.paths("app.models.Session")    # why it is still there
    >>> heap.save("app.heap")               # Parquet tables, for memsight.load and for DuckDB

The process is read from outside and changed in nothing; it stands still only while its memory is copied.
Every failure is a :class:`memsight.Error` with a stable code and a hint.
"""

from __future__ import annotations

from ._errors import (
    AccessDenied,
    CorruptFile,
    Error,
    NoSuchProcess,
    NotFound,
    OutputExists,
    SnapshotNotFound,
    TargetExited,
    TimeoutExpired,
    UnsupportedInterpreter,
    ZombieProcess,
)
from ._snapshot import Arrow, Snapshot, load, snapshot
from ._views import (
    ContainerRow,
    DominatorRow,
    DominatorsView,
    FrameRow,
    LocalRow,
    ObjectRef,
    ObjectView,
    Overview,
    PathRow,
    PathsView,
    ReferenceRow,
    Suspect,
    SuspectsView,
    ThreadRow,
    ThreadsView,
    TypeRow,
    TypesView,
)

__all__ = [
    "AccessDenied",
    "Arrow",
    "ContainerRow",
    "CorruptFile",
    "DominatorRow",
    "DominatorsView",
    "Error",
    "FrameRow",
    "LocalRow",
    "NoSuchProcess",
    "NotFound",
    "ObjectRef",
    "ObjectView",
    "OutputExists",
    "Overview",
    "PathRow",
    "PathsView",
    "ReferenceRow",
    "Snapshot",
    "SnapshotNotFound",
    "Suspect",
    "SuspectsView",
    "TargetExited",
    "ThreadRow",
    "ThreadsView",
    "TimeoutExpired",
    "TypeRow",
    "TypesView",
    "UnsupportedInterpreter",
    "ZombieProcess",
    "load",
    "snapshot",
]
