"""Looking at a process, and what was seen."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Optional, Protocol, TypeVar, Union

from . import _arguments, _build, _compare, _garbage, _graph, _refcounts, _rss, _tasks, _views, _waste
from ._platform import native

if TYPE_CHECKING:
    from . import _native

PathLike = Union[str, "os.PathLike[str]"]
Query = Union[int, str]
View = TypeVar("View")


class Arrow(Protocol):
    """A table by the Arrow PyCapsule interface.

    Anything that speaks Arrow takes it without a copy: ``polars.DataFrame(objects)``, ``pyarrow.table(objects)``,
    ``pandas.DataFrame.from_arrow(objects)`` (before pandas 3 ``pyarrow.table(objects).to_pandas()``), and DuckDB
    by the variable's name: ``duckdb.sql("from objects")``.
    """

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: Optional[object] = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...


class Snapshot:
    """The Python heap of a process at one moment, decoded.

    Made by :func:`snapshot` and :func:`load`. It lives in native memory: nothing of it is copied into Python
    objects until a view asks for it. The first view that needs retained sizes computes them for all.
    """

    __slots__ = ("_heap",)

    def __init__(self, heap: _native.Heap) -> None:
        self._heap = heap

    @property
    def pid(self) -> int:
        """Process id."""
        return self._heap.about()[0]

    def __len__(self) -> int:
        """Number of objects."""
        return self._heap.about()[3]

    def __repr__(self) -> str:
        pid, python, created, objects = self._heap.about()
        return f"<memsight.Snapshot of pid {pid}, Python {python}, {created}: {objects:,} objects>"

    def overview(self, top: int = 10) -> _views.Overview:
        """Everything at one glance: process, cost of the look, largest types, suspects."""
        return self._view(_views.Overview, "overview", top)

    def types(self, top: Optional[int] = None) -> _views.TypesView:
        """The histogram by type, largest retained size first; all types unless ``top`` is given."""
        return self._view(_views.TypesView, "types", top)

    def suspects(self, top: int = 10) -> _views.SuspectsView:
        """Leak suspects: objects, or groups of one type, that retain at least a tenth of the heap."""
        return self._view(_views.SuspectsView, "suspects", top)

    def dominators(self, top: int = 20) -> _views.DominatorsView:
        """The top of the dominator tree: who keeps the most alive."""
        return self._view(_views.DominatorsView, "dominators", top)

    def threads(self, top: int = 10) -> _views.ThreadsView:
        """Stacks of all threads; ``top`` locals of each frame."""
        return self._view(_views.ThreadsView, "threads", top)

    def object(self, address: Query, top: int = 20) -> _views.ObjectView:
        """One object, by its address (``id(x)``, or text such as ``"0x7f12a0"``).

        Raises:
            NotFound: no object is there.
        """
        return self._view(_views.ObjectView, "object", top, address)

    def paths(self, query: Query, top: int = 10) -> _views.PathsView:
        """Shortest paths from roots to an object (by address) or to all objects of a type (by name).

        Raises:
            NotFound: nothing matches.
        """
        return self._view(_views.PathsView, "path", top, query)

    def graph(self, query: Query, depth: int = 2, top: int = 32) -> _graph.GraphView:
        """The objects around one (by address), or around the instance of a type (by name) that retains the most.

        Args:
            query: an address or a type.
            depth: references from the object, in each direction.
            top: objects at most, beside those of the path from a root; 0: all.

        Raises:
            NotFound: nothing matches.
        """
        steps = _arguments.rows(depth, "depth", "a number of references")
        objects = _arguments.rows(top, meaning="a number of objects")
        json, dot = self._heap.graph(_arguments.query(query), steps, objects)
        return dataclasses.replace(_build.view(_graph.GraphView, json), _dot=dot)

    def tasks(self, top: int = 20) -> _tasks.TasksView:
        """Tasks of asyncio by what they run and where they wait, and who keeps those that are done."""
        return self._view(_tasks.TasksView, "tasks", top)

    def garbage(self, top: int = 20) -> _garbage.GarbageView:
        """What ``gc.collect()`` would free now: by type, with the cycles that hold it and the finalisers that run."""
        return self._view(_garbage.GarbageView, "garbage", top)

    def cycles(self, top: int = 20) -> _garbage.CyclesView:
        """Live cycles that the program makes again and again, with what to do about each shape."""
        return self._view(_garbage.CyclesView, "cycles", top)

    def refcounts(self, top: int = 20, *, earlier: Iterable[Snapshot] = ()) -> _refcounts.RefcountsView:
        """Reference counts against the references found: what C code holds, or has leaked.

        Args:
            top: types of each kind; 0: all.
            earlier: looks at the same process before this one. What is missing is sure (``confirmed``) once two looks find
                it of the same objects while no thread was at work; with one look it never is.

        Raises:
            Error: one of ``earlier`` is of another process.
        """
        looks = _heaps(earlier)
        return _build.view(_refcounts.RefcountsView, self._heap.refcounts_after(looks, _arguments.rows(top)))

    def rss(self, top: int = 20) -> _rss.RssView:
        """Every byte of RSS: objects, allocators, files, stacks, and what to do about each."""
        return self._view(_rss.RssView, "rss", top)

    def waste(self, top: int = 20) -> _waste.WasteView:
        """Bytes that the program could do without: duplicates, spare room, instance dictionaries, boxed numbers.

        Raises:
            Error: the snapshot was taken without looking at contents (by an older version).
        """
        return self._view(_waste.WasteView, "waste", top)

    def compare(self, *others: Snapshot, runs: bool = False, top: Optional[int] = 20) -> _compare.CompareView:
        """What has grown between this look and others of the same process: see :func:`compare`."""
        return compare(self, *others, runs=runs, top=top)

    def save(self, path: PathLike, force: bool = False) -> None:
        """Writes the snapshot as a folder of Parquet tables, whole or not at all.

        Raises:
            OutputExists: something is there; ``force`` replaces it if it is a snapshot.
        """
        self._heap.save(os.fspath(path), force)

    def to_arrow(self, table: str) -> Arrow:
        """One table, ready for Polars, pandas, pyarrow and DuckDB.

        Tables: ``objects``, ``references``, ``types``, ``names``, ``texts``, ``roots``, ``threads``, ``frames``,
        ``maps``; their columns are those of the files.

        Raises:
            NotFound: there is no such table.
        """
        return self._heap.table(table)

    def _view(self, cls: type[View], name: str, top: Optional[int], query: Query = "") -> View:
        return _build.view(cls, self._heap.view(name, _arguments.query(query), _arguments.rows(top)))


def _heaps(snapshots: Iterable[Snapshot]) -> list[_native.Heap]:
    found = list(snapshots)
    for other in found:
        if not isinstance(other, Snapshot):
            raise TypeError(f"a comparison is of snapshots, not of {other!r} ({type(other).__name__})")
    return [snapshot._heap for snapshot in found]


def snapshot(
    pid: Optional[int] = None, *, mode: str = "auto", values: bool = False, max_pause: Optional[float] = None
) -> Snapshot:
    """Looks at the Python heap of a process; without ``pid`` at this one.

    Args:
        pid: process id of any running CPython 3.8 to 3.15.
        mode: ``"fork"`` stops the process while the kernel makes a copy-on-write copy of it, some milliseconds;
            ``"freeze"`` while its memory is copied; ``"live"`` does not, and the result is best effort. ``"auto"``
            is ``"fork"`` where that can be done and ``"freeze"`` otherwise: ``overview().mode_reason`` says why.
        values: keep the contents of strings, bytes and numbers, which may be secrets.
        max_pause: the longest that the process may stand still while its memory is copied, in seconds; ``None``: 1 s
            where ``"auto"`` has come to that, as long as it takes with ``"freeze"``.

    Raises:
        NoSuchProcess: there is no such process.
        AccessDenied: the system forbids it; the hint has the command that helps.
        UnsupportedInterpreter: it runs no Python, or one that memsight cannot read.
        TargetExited: it ended meanwhile.
    """
    if mode not in ("auto", "fork", "freeze", "live"):
        raise ValueError(f'mode is "auto", "fork", "freeze" or "live", not {mode!r}')
    if pid is None or (pid == os.getpid() and not isinstance(pid, bool)):
        from . import _own

        return Snapshot(_own.look(mode, values, max_pause))
    pid = _arguments.whole(pid, "pid", "a process id")
    if not 0 < pid < 2**32:
        from ._errors import NoSuchProcess

        raise NoSuchProcess(pid, msg=f"there is no process {pid}")
    return Snapshot(native().look(pid, mode, values, max_pause))


def load(
    path: PathLike,
    *,
    exe: Optional[PathLike] = None,
    sysroot: Optional[PathLike] = None,
    values: bool = False,
    max_memory: Optional[int] = None,
) -> Snapshot:
    """Reads a snapshot that :meth:`Snapshot.save` or ``memsight snapshot`` wrote, or the core file of a process.

    Args:
        path: folder of a snapshot, or a core file; ``overview().core`` says how much of the process a core holds.
        exe: the program that a core is of, when it is not where it was.
        sysroot: the root of the file system that the process of a core saw, such as that of its container.
        values: keep the contents of strings, bytes and numbers that are in a core, which may be secrets.
        max_memory: bytes of memory that reading a snapshot may take; ``None``: 512 times the size of its files, but from
            1 GiB to 16 GiB. Files can be made to fill the memory of whoever opens them.

    Raises:
        SnapshotNotFound: nothing is there.
        CorruptFile: it is damaged, of another version, or neither a snapshot nor a core; or it would take more than
            ``max_memory``.
        UnsupportedInterpreter: a core without a Python that memsight can read.
    """
    if max_memory is not None and _arguments.whole(max_memory, "max_memory", "a number of bytes") < 0:
        raise ValueError(f"max_memory is a number of bytes, not {max_memory}")
    files = [None if file is None else os.fspath(file) for file in (exe, sysroot)]
    return Snapshot(native().load(os.fspath(path), *files, values, max_memory))


def compare(*snapshots: Snapshot, runs: bool = False, top: Optional[int] = 20) -> _compare.CompareView:
    """What has grown from the earliest of some looks to the latest, who holds it, and whether it will end.

    Looks in between tell whether the growth goes on. The order does not matter.

    Args:
        snapshots: two looks at one process, or more.
        runs: allow looks at two runs of one program; they are compared by type and place.
        top: rows of each list; ``None``: all.

    Raises:
        Error: the looks cannot be compared; the message says why.
    """
    found = native().compare(_heaps(snapshots), runs, _arguments.rows(top))
    return _build.view(_compare.CompareView, found)
