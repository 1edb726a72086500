"""memsight: explains the memory of live Python processes.

    >>> import memsight
    >>> heap = memsight.snapshot(4242)      # any process of yours; no argument: this one
    >>> heap.suspects()                     # who may leak, and who keeps it alive
    >>> heap.types(top=10)                  # what there is most of
    >>> heap.paths("app.models.Session")    # why it is still there
    >>> heap.save("app.heap")               # Parquet tables, for memsight.load and for DuckDB

    >>> process = memsight.Process(4242)    # the memory side of psutil, under its names
    >>> process.memory_info().rss
    14229504

The process is read from outside and changed in nothing; it stands still only while the kernel makes a copy of it.
Every failure is a :class:`memsight.Error` with a stable code and a hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._compare import CodeGrowth, CompareView, ContainerGrowth, GrowthSuspect, MemoryGrowth, PathGrowth, TypeGrowth
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
from ._findings import Finding
from ._garbage import (
    Collector,
    CycleRow,
    CycleStep,
    CyclesView,
    FinaliserRow,
    Garbage,
    GarbageType,
    GarbageView,
    HiddenRow,
)
from ._gc import GcBucket, GcPauses, GcWatch, GcWatchGeneration, gc_watch
from ._graph import GraphEdge, GraphNode, GraphRoot, GraphView
from ._monitor import Monitor, sample
from ._process import (
    STATUS_DEAD,
    STATUS_DISK_SLEEP,
    STATUS_IDLE,
    STATUS_PARKED,
    STATUS_RUNNING,
    STATUS_SLEEPING,
    STATUS_STOPPED,
    STATUS_TRACING_STOP,
    STATUS_WAKING,
    STATUS_ZOMBIE,
    Process,
)
from ._pymalloc import (
    PymallocAccount,
    PymallocFill,
    PymallocOwner,
    PymallocPin,
    PymallocSize,
    PymallocSparse,
)
from ._rss import CArena, RssLine, RssPart, RssView
from ._samples import (
    ContainerSample,
    ContainerSummary,
    GcGeneration,
    GcInterpreter,
    GcReading,
    MachineSample,
    MemoryInfo,
    Peak,
    Pressure,
    ProcessSample,
    ProcessSummary,
    Rollup,
    Sample,
    Slope,
    StatusFigures,
    SwapMemory,
    Timestamp,
    TimeToLimit,
    Totals,
    Trend,
    Unavailable,
    VirtualMemory,
    WatchSummary,
)
from ._snapshot import Arrow, Snapshot, compare, load, snapshot
from ._system import (
    boot_time,
    heap_info,
    heap_trim,
    pid_exists,
    pids,
    process_iter,
    swap_memory,
    virtual_memory,
    wait_procs,
)
from ._tasks import TaskGroup, TasksView
from ._tracker import Recorded, Tracker
from ._views import (
    CodeRow,
    ContainerRow,
    CoreFile,
    DominatorRow,
    DominatorsView,
    FrameRow,
    Inside,
    LocalRow,
    Mostly,
    ObjectRef,
    ObjectView,
    Overview,
    PathRow,
    PathsView,
    ReferenceRow,
    RssGroup,
    Source,
    Suspect,
    SuspectsView,
    ThreadRow,
    ThreadsView,
    TypeRow,
    TypesView,
)
from ._waste import EqualValue, WasteKind, WastePlace, WasteView

__all__ = [
    "STATUS_DEAD",
    "STATUS_DISK_SLEEP",
    "STATUS_IDLE",
    "STATUS_PARKED",
    "STATUS_RUNNING",
    "STATUS_SLEEPING",
    "STATUS_STOPPED",
    "STATUS_TRACING_STOP",
    "STATUS_WAKING",
    "STATUS_ZOMBIE",
    "AccessDenied",
    "Arrow",
    "CArena",
    "CodeGrowth",
    "CodeRow",
    "Collector",
    "CompareView",
    "ContainerGrowth",
    "ContainerRow",
    "ContainerSample",
    "ContainerSummary",
    "CoreFile",
    "CorruptFile",
    "CycleRow",
    "CycleStep",
    "CyclesView",
    "DominatorRow",
    "DominatorsView",
    "EqualValue",
    "Error",
    "FinaliserRow",
    "Finding",
    "FrameRow",
    "Garbage",
    "GarbageType",
    "GarbageView",
    "GcBucket",
    "GcGeneration",
    "GcInterpreter",
    "GcPauses",
    "GcReading",
    "GcWatch",
    "GcWatchGeneration",
    "GraphEdge",
    "GraphNode",
    "GraphRoot",
    "GraphView",
    "GrowthSuspect",
    "HiddenRow",
    "Inside",
    "LocalRow",
    "MachineSample",
    "MemoryGrowth",
    "MemoryInfo",
    "Monitor",
    "Mostly",
    "NoSuchProcess",
    "NotFound",
    "ObjectRef",
    "ObjectView",
    "OutputExists",
    "Overview",
    "PathGrowth",
    "PathRow",
    "PathsView",
    "Peak",
    "Pressure",
    "Process",
    "ProcessSample",
    "ProcessSummary",
    "PymallocAccount",
    "PymallocFill",
    "PymallocOwner",
    "PymallocPin",
    "PymallocSize",
    "PymallocSparse",
    "Recorded",
    "ReferenceRow",
    "Rollup",
    "RssGroup",
    "RssLine",
    "RssPart",
    "RssView",
    "Sample",
    "Slope",
    "Snapshot",
    "SnapshotNotFound",
    "Source",
    "StatusFigures",
    "Suspect",
    "SuspectsView",
    "SwapMemory",
    "TargetExited",
    "TaskGroup",
    "TasksView",
    "ThreadRow",
    "ThreadsView",
    "TimeToLimit",
    "TimeoutExpired",
    "Timestamp",
    "Totals",
    "Tracker",
    "Trend",
    "TypeGrowth",
    "TypeRow",
    "TypesView",
    "Unavailable",
    "UnsupportedInterpreter",
    "VirtualMemory",
    "WasteKind",
    "WastePlace",
    "WasteView",
    "WatchSummary",
    "ZombieProcess",
    "boot_time",
    "compare",
    "gc_watch",
    "heap_info",
    "heap_trim",
    "load",
    "pid_exists",
    "pids",
    "process_iter",
    "sample",
    "snapshot",
    "swap_memory",
    "virtual_memory",
    "wait_procs",
]

__version__: str
"""Version of memsight, ``1.2.3``; known where the native half is."""

if not TYPE_CHECKING:  # checkers would take every name for one of ours

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from ._platform import version

            return version()
        from ._psutil_rest import of_module

        return of_module(name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "__doc__", "__all__"])
