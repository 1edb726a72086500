"""Results: typed, frozen and as the JSON of the command has them.

Every ``*_bytes`` is a number of bytes, every ``*_ns`` one of nanoseconds, every ``share`` a part from 0 to 1. A view
is also a sequence of its rows: ``for row in heap.types(): ...``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Optional, TypeVar, Union, overload

from . import _text

Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, repr=False)
class _Record:
    """Anything with columns."""

    def __repr__(self) -> str:
        return _text.record(self)


@dataclass(frozen=True, repr=False)
class TypeRow(_Record):
    """One type of the histogram."""

    type: str
    """``module.qualname``; built-ins bare (``dict``)."""
    count: int
    """Instances."""
    shallow_bytes: int
    """Sum of their own sizes, as ``sys.getsizeof`` says."""
    external_bytes: int
    """Sum of what they own outside the Python heap, such as the data of numpy arrays."""
    native_bytes: int
    """Sum of the memory of C code that they point to."""
    resident_bytes: int
    """Of these three, the bytes in private memory of the process."""
    retained_bytes: int
    """What would be freed with all of them."""
    retained_resident_bytes: int
    """Those of them that are in private memory."""
    mean_retained_bytes: int
    """``retained_bytes`` divided by ``count``."""
    share: float
    """Part of all bytes in private memory that the type retains."""


@dataclass(frozen=True, repr=False)
class ObjectRef(_Record):
    """An object in a list."""

    address: str
    """``0x7f12…``, as ``hex(id(object))``."""
    type: str
    """Its type."""
    name: str
    """A name a person can read, such as ``app.cache._entries``."""
    shallow_bytes: int
    """Own size."""
    external_bytes: int
    """What it owns outside the Python heap."""
    native_bytes: int
    """Memory of C code that it points to."""
    resident_bytes: int
    """Of these three, the bytes in private memory of the process."""
    retained_bytes: int
    """What it keeps alive."""
    retained_resident_bytes: int
    """Those of them that are in private memory."""


@dataclass(frozen=True, repr=False)
class ContainerRow(ObjectRef):
    """A container and its length."""

    length: int
    """Items (dictionary: entries)."""


@dataclass(frozen=True, repr=False)
class DominatorRow(ObjectRef):
    """A node of the dominator tree."""

    depth: int
    """Depth in the tree as shown, 0 at the top."""
    share: float
    """Part of all bytes that it keeps alive."""
    children: int
    """Objects that it dominates directly."""


@dataclass(frozen=True, repr=False)
class Source(_Record):
    """Where source is."""

    name: str
    """Qualified name: ``Channel.until_closed``, ``add.<locals>.<lambda>``."""
    file: str
    """``co_filename``."""
    line: int
    """The first line of the code, or the line where something stands; 0 when unknown."""


@dataclass(frozen=True, repr=False)
class CodeRow(Source):
    """Functions, methods, coroutines, tasks or generators of one code."""

    type: str
    """Their type: ``function``, ``coroutine`` ..."""
    count: int
    """How many."""
    shallow_bytes: int
    """Sum of their shallow sizes."""
    retained_bytes: int
    """What would be freed with all of them."""
    retained_resident_bytes: int
    """Those of these bytes that are in private memory."""
    share: float
    """Part of all bytes in private memory that they retain."""
    waits_at: Optional[Source]
    """Where at least half of them wait, if they are tasks or coroutines: the innermost one, with its line now."""
    kept_by: Optional[str]
    """Who keeps tasks and coroutines: an object that holds at least half, or the types of the holders."""


@dataclass(frozen=True, repr=False)
class Mostly(_Record):
    """Objects of one type that have most of some bytes in themselves."""

    type: str
    """Their type."""
    count: int
    """How many."""
    bytes: int
    """Their own sizes: shallow, external, native."""
    share: float
    """Of all bytes that the suspect holds."""


@dataclass(frozen=True, repr=False)
class Inside(_Record):
    """Objects of one type where objects of several types gather."""

    type: str
    """Their type."""
    count: int
    """How many."""
    bytes: int
    """What they keep alive."""


@dataclass(frozen=True, repr=False)
class Suspect(_Record):
    """One object, or a group of one type, that retains a suspicious part of the heap."""

    summary: str
    """The suspicion in a sentence."""
    type: str
    """Type of the object or of the group."""
    count: int
    """1 for an object, the group's size otherwise."""
    code: Optional[Source]
    """The code that most of them run, where they are functions, coroutines, tasks and the like."""
    code_count: Optional[int]
    """How many of them run it."""
    waits_at: Optional[Source]
    """Where at least half of them wait, if they are tasks or coroutines."""
    inside: tuple[Inside, ...]
    """Where objects of several types gather: each type with what its objects keep."""
    kept_count: Optional[int]
    """Those of ``count`` that ``accumulation_point`` keeps, where others have other holders."""
    retained_bytes: int
    """What it keeps alive."""
    retained_resident_bytes: int
    """Those of these bytes that are in private memory."""
    share: float
    """Part of all bytes in private memory."""
    path: tuple[str, ...]
    """From a root to the suspect, in words."""
    accumulation_point: Optional[ObjectRef]
    """Where the bytes gather."""
    holds: tuple[TypeRow, ...]
    """What it holds, by type."""
    mostly: Optional[Mostly]
    """The type that most of these bytes are in, however deep: where one has at least half."""
    thread: Optional[str]
    """The thread and frame whose local variable holds it."""
    keywords: tuple[str, ...]
    """Words to search the source for."""
    shares_path_with: tuple[int, ...]
    """Numbers of earlier suspects on the same path."""


@dataclass(frozen=True, repr=False)
class PathRow(_Record):
    """One path from a root."""

    count: int
    """Objects that end this path."""
    path: tuple[str, ...]
    """The steps in words, the root first."""
    objects: tuple[ObjectRef, ...]
    """The objects passed, the root's first."""


@dataclass(frozen=True, repr=False)
class ReferenceRow(_Record):
    """A reference from or to an object."""

    label: str
    """What it is called: ``_entries``, ``[3]``, ``'user:17'``, ``local request``."""
    kind: str
    """``attribute``, ``index``, ``value``, ``local`` ...; a root's kind."""
    object: Optional[ObjectRef]
    """The other end; ``None`` when a root holds the object."""


@dataclass(frozen=True, repr=False)
class LocalRow(ObjectRef):
    """A local variable of a frame and what it holds."""

    variable: str
    """Its name."""


@dataclass(frozen=True, repr=False)
class FrameRow(_Record):
    """A frame of a thread."""

    function: str
    """Function."""
    file: str
    """Source file."""
    line: int
    """Line, 0 when unknown."""
    repeats: int
    """How often it stands there in a row: 1, unless this is recursion, of which each function is told once."""
    cycle: int
    """Frames that repeat together, this one among them: 1 for a function that calls itself."""
    retained_bytes: int
    """What its locals keep alive together; with recursion those of all its calls."""
    locals: tuple[LocalRow, ...]
    """Its locals, largest first; with recursion the largest by each name."""


@dataclass(frozen=True, repr=False)
class ThreadRow(_Record):
    """A thread."""

    ident: int
    """``threading.get_ident()``."""
    name: Optional[str]
    """What ``threading`` calls it; ``None`` for a thread that C code made."""
    native_id: Optional[int]
    """The operating system's thread id."""
    interpreter: int
    """Interpreter; 0 is the main one."""
    holds_gil: bool
    """Whether it held the GIL."""
    retained_bytes: int
    """What its frames keep alive."""
    frames: tuple[FrameRow, ...]
    """Innermost frame first."""


@dataclass(frozen=True, repr=False)
class _Header(_Record):
    """What every view says about the look it comes from."""

    schema_version: int
    """Version of these keys."""
    pid: int
    """Process id."""
    python: str
    """Version of the target's Python."""
    created: str
    """When the target was looked at, RFC 3339."""
    mode: str
    """``fork``, ``freeze`` or ``live``; ``core`` of a core file."""
    partial: tuple[str, ...]
    """Reasons why something may be missing; empty for a whole look."""


class _Rows(_Header, Generic[Row_co]):
    """A view that is a sequence of its rows."""

    _rows: ClassVar[str]

    def __iter__(self) -> Iterator[Row_co]:
        rows: tuple[Row_co, ...] = getattr(self, self._rows)
        return iter(rows)

    def __len__(self) -> int:
        return len(getattr(self, self._rows))

    @overload
    def __getitem__(self, index: int) -> Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row_co, ...]: ...
    def __getitem__(self, index: Union[int, slice]) -> Any:
        return getattr(self, self._rows)[index]

    def __repr__(self) -> str:
        return _text.table(type(self).__name__, self)

    def _repr_html_(self) -> str:
        return _text.html(self)


class _Tables:
    """A result with several sorts of rows, which it shows as tables."""

    _tables: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        return _text.tables(self)

    def _repr_html_(self) -> str:
        return _text.html_tables(self)


@dataclass(frozen=True, repr=False)
class TypesView(_Rows[TypeRow]):
    """The histogram: types, largest retained size first."""

    _rows = "types"
    objects: int
    """Objects of all types."""
    shallow_bytes: int
    """Sum of shallow sizes of all types."""
    external_bytes: int
    """Sum of external sizes of all types."""
    native_bytes: int
    """Sum of native sizes of all types."""
    resident_bytes: int
    """Of these three, the bytes in private memory."""
    type_count: int
    """Distinct types; ``types`` may show fewer."""
    types: tuple[TypeRow, ...]
    """The types."""
    code: tuple[CodeRow, ...]
    """Functions, methods, coroutines, tasks and generators by their code, where there are ten or more of one."""


@dataclass(frozen=True, repr=False)
class SuspectsView(_Rows[Suspect]):
    """Leak suspects, largest first; none is an answer, too."""

    _rows = "suspects"
    threshold: float
    """Part of all bytes from which something is a suspect."""
    total_bytes: int
    """All bytes: shallow, external and native."""
    resident_bytes: int
    """Those of them in private memory, of which ``threshold`` and ``share`` speak."""
    suspects: tuple[Suspect, ...]
    """The suspects."""
    instances: tuple[TypeRow, ...]
    """Classes with the most bytes, with the mean retained size of an instance."""
    containers: tuple[ContainerRow, ...]
    """Longest containers."""


@dataclass(frozen=True, repr=False)
class DominatorsView(_Rows[DominatorRow]):
    """Who keeps the most alive, with the largest children below each."""

    _rows = "dominators"
    total_bytes: int
    """All bytes: shallow and external."""
    dominators: tuple[DominatorRow, ...]
    """Rows in the order of the tree."""


@dataclass(frozen=True, repr=False)
class PathsView(_Rows[PathRow]):
    """Shortest paths from roots, the most common first; equal shapes are merged."""

    _rows = "paths"
    query: str
    """What was asked for."""
    matches: int
    """Objects that match."""
    paths: tuple[PathRow, ...]
    """The paths."""


@dataclass(frozen=True, repr=False)
class ThreadsView(_Rows[ThreadRow]):
    """Stacks, with what the locals of each frame keep alive."""

    _rows = "threads"
    threads: tuple[ThreadRow, ...]
    """The threads."""

    def __repr__(self) -> str:
        return _text.table_with(type(self).__name__, self, "frames")

    def _repr_html_(self) -> str:
        return _text.html_with(self, "frames")


@dataclass(frozen=True, repr=False)
class ObjectView(_Tables, ObjectRef, _Header):
    """One object, with the references from and to it."""

    _tables = ("referents", "referrers")
    external_kind: Optional[str]
    """``file /path`` or ``shared memory`` where its external bytes are no memory of its own; else ``None``."""
    refcount: Optional[int]
    """Its reference count; ``None`` when immortal."""
    immortal: bool
    """Immortal (PEP 683)."""
    generation: Optional[int]
    """Generation of the collector, 3 for the permanent one; ``None`` when untracked."""
    exact: bool
    """Whether every reference from it is exact."""
    code: Optional[Source]
    """The code that it is, runs or calls: of a function, method, coroutine, generator, frame, task."""
    stands_at: Optional[int]
    """The line where a generator or coroutine stands that has not ended."""
    value: Optional[str]
    """Text of a short string, number or bytes, where the look kept values."""
    referents: tuple[ReferenceRow, ...]
    """References from it."""
    referent_count: int
    """How many there are."""
    referrers: tuple[ReferenceRow, ...]
    """References to it, roots first."""
    referrer_count: int
    """How many there are."""


@dataclass(frozen=True, repr=False)
class RssGroup(_Record):
    """Lines of a sort, summed."""

    name: str
    """What they are."""
    bytes: int
    """Resident bytes."""
    share: float
    """Part of RSS, 0 to 1."""


@dataclass(frozen=True, repr=False)
class CoreFile(_Record):
    """The process that a core file is of, and how much of its memory the file holds."""

    command: str
    """Its program and arguments, the first 80 bytes of them."""
    signal: int
    """The signal that ended it; 0 when it ran on, as after gcore."""
    os_threads: int
    """Its threads of the operating system."""
    dumped_bytes: int
    """Bytes of its memory that the core holds."""
    mapped_bytes: int
    """Bytes that it had mapped: files, and addresses that were never touched, included."""


@dataclass(frozen=True, repr=False)
class Overview(_Tables, _Header):
    """Everything at one glance."""

    _tables = ("memory", "types", "suspects")
    rss_bytes: int
    """Resident set size."""
    vms_bytes: int
    """Virtual size."""
    pause_ns: int
    """How long the target stood still."""
    mode_reason: Optional[str]
    """Why it was not read in the way that costs least, where that was wanted."""
    total_ns: int
    """The whole look."""
    attempts: int
    """Moments tried until one was good."""
    gil_held: bool
    """A thread held the GIL in the pause."""
    objects: int
    """Python objects."""
    references: int
    """References between them."""
    tracked: int
    """Objects tracked by the garbage collector."""
    interpreters: int
    """Interpreters."""
    threads: int
    """Python threads."""
    shallow_bytes: int
    """Sum of shallow sizes."""
    external_bytes: int
    """Sum of external sizes."""
    native_bytes: int
    """Sum of native sizes."""
    resident_bytes: int
    """Of these three, the bytes in private memory."""
    type_count: int
    """Distinct types."""
    types: tuple[TypeRow, ...]
    """Top types by retained size."""
    suspects: tuple[Suspect, ...]
    """Suspects, empty when there is none."""
    core: Optional[CoreFile]
    """What a core file says of its process; ``None`` where a process was looked at."""
    memory: tuple[RssGroup, ...]
    """RSS by what it is made of; empty where it was not looked at. ``rss`` has every line."""
