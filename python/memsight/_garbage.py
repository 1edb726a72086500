"""Results about garbage and cycles: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._findings import Finding
from ._views import _Header, _Record, _Rows, _Tables


@dataclass(frozen=True, repr=False)
class CycleStep(_Record):
    """A step of a cycle."""

    address: str
    """The object, ``0x7f12…``."""
    type: str
    """Its type."""
    reference: str
    """The reference to the next object: ``.parent``, ``[3]``, ``local exc``."""


@dataclass(frozen=True, repr=False)
class CycleRow(_Record):
    """Cycles of one shape: the same types, linked by references of the same names."""

    cycle: str
    """The references that close it: ``Node.parent -> list[*] -> Node``."""
    steps: tuple[str, ...]
    """The same, a step each."""
    count: int
    """Cycles of this shape."""
    objects: int
    """Objects on them."""
    bytes: int
    """Bytes that go with them."""
    advice: str
    """What to do."""
    rule: str
    """Name of the rule behind the advice, in the reference of findings."""
    example: tuple[CycleStep, ...]
    """One of them."""
    left_out: int
    """References of a long cycle that are left out of ``steps`` and ``example``, behind the first 16."""


@dataclass(frozen=True, repr=False)
class GarbageType(_Record):
    """Garbage of one type."""

    type: str
    """``module.qualname``; built-ins bare."""
    count: int
    """Those that ``gc.collect()`` would count."""
    freed_with: int
    """Those that would be freed and not counted."""
    bytes: int
    """Shallow and external bytes of both."""


@dataclass(frozen=True, repr=False)
class FinaliserRow(_Record):
    """What runs for the garbage of one type when it is collected."""

    type: str
    """Type of the object; of the weak reference for a callback."""
    what: str
    """``python``: a ``__del__`` of Python code. ``c``: one of a C type. ``generator``: a suspended generator is closed.
    ``callback``: of a weak reference from outside."""
    count: int
    """Objects for which it would run."""
    finalised: int
    """Objects for which it has run before."""


@dataclass(frozen=True, repr=False)
class HiddenRow(_Record):
    """Objects of a C type whose struct is not known and which own C memory."""

    type: str
    """``module.qualname``."""
    count: int
    """Those that hang from objects of whom nobody known has a reference."""


@dataclass(frozen=True, repr=False)
class Collector(_Record):
    """The state of an interpreter's collector."""

    interpreter: int
    """Interpreter id, 0 for the main one."""
    enabled: bool
    """``gc.isenabled()``."""
    saves_all: bool
    """``gc.DEBUG_SAVEALL`` is set."""
    frozen: Optional[int]
    """``gc.get_freeze_count()``; ``None`` when they could not be counted."""
    frozen_immortal: Optional[int]
    """Of them, immortal ones: the interpreter puts these there itself (3.12)."""
    garbage: Optional[int]
    """``len(gc.garbage)``; ``None`` when it could not be read."""


@dataclass(frozen=True, repr=False)
class Garbage(_Record):
    """What a full collection would find."""

    objects: int
    """What ``gc.collect()`` would return."""
    bytes: int
    """Shallow, external and native bytes of everything that would be freed."""
    resident_bytes: int
    """Those of them that are in memory: RSS falls by no more."""
    certain: bool
    """``objects`` is certain: no code of the program runs in the collection, and nothing is ``hidden``."""
    unreachable: int
    """Tracked objects that nothing outside of the garbage leads to."""
    closed: int
    """Those of them that are freed when suspended generators are closed, before the collector counts."""
    freed_with: int
    """Objects freed with them that the collector does not count."""
    callbacks: int
    """Weak references from outside whose callbacks the collector calls."""
    callbacks_freed: int
    """Those of them that are freed by their callbacks, and so are counted."""
    type_count: int
    """Distinct types; ``types`` may show fewer."""
    types: tuple[GarbageType, ...]
    """What would be freed by type, most bytes first."""
    knots: int
    """Strongly connected components."""
    shape_count: int
    """Distinct shapes of them; ``cycles`` may show fewer."""
    cycles: tuple[CycleRow, ...]
    """The shapes of cycles, most bytes first."""
    finalisers: tuple[FinaliserRow, ...]
    """What runs when it is collected."""
    uncollectable: int
    """Objects in ``gc.garbage``."""
    uncollectable_bytes: int
    """Bytes that these retain."""
    deficits: int
    """References beyond the counts of their objects: what is inferred, not known."""
    hidden: tuple[HiddenRow, ...]
    """Objects of C types that may be garbage as well: nobody known holds what leads to them, and what their own C memory
    refers to is not known."""
    stuck: int
    """Objects that nothing leads to and that no collection frees: in cycles through types that do not tell the collector
    what they hold, such as arrays of objects of numpy, and what hangs from these."""
    stuck_bytes: int
    """Shallow, external and native bytes of these."""


@dataclass(frozen=True, repr=False)
class GarbageView(_Tables, _Header):
    """What a full collection would free now, and the cycles that hold it."""

    _tables = ("garbage.types", "garbage.cycles", "garbage.finalisers")
    garbage: Garbage
    """The garbage."""
    collectors: tuple[Collector, ...]
    """The collector of each interpreter."""


@dataclass(frozen=True, repr=False)
class CyclesView(_Rows[CycleRow]):
    """Live cycles worth breaking, most bytes first."""

    _rows = "cycles"
    least: int
    """Cycles of one shape from which it is listed."""
    shape_count: int
    """Distinct shapes; ``cycles`` may show fewer."""
    cycles: tuple[CycleRow, ...]
    """The shapes."""
    findings: tuple[Finding, ...]
    """The same as findings."""
