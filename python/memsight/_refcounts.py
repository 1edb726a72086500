"""Results about reference counts: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._findings import Finding
from ._views import ObjectRef, _Header, _Record, _Tables


@dataclass(frozen=True, repr=False)
class CountedObject(ObjectRef):
    """An object with its count and what was found."""

    refcount: int
    """Its reference count (``ob_refcnt``)."""
    found: int
    """References found."""
    places: tuple[str, ...]
    """Places of C memory whose words equal its address."""


@dataclass(frozen=True, repr=False)
class SurplusRow(_Record):
    """A type with references that nothing found explains."""

    type: str
    """``module.qualname``; built-ins bare."""
    objects: int
    """Objects with a surplus."""
    references: int
    """References more than found."""
    unexplained: int
    """Of them those that no word of C memory explains."""
    bytes: int
    """Own sizes of the objects, which are never freed."""
    examples: tuple[CountedObject, ...]
    """Some of the objects, largest surplus first."""


@dataclass(frozen=True, repr=False)
class DeficitRow(_Record):
    """A type with fewer references counted than there are."""

    type: str
    """``module.qualname``; built-ins bare."""
    objects: int
    """Objects with a deficit."""
    references: int
    """References fewer than found."""
    examples: tuple[CountedObject, ...]
    """Some of the objects."""


@dataclass(frozen=True, repr=False)
class HeldRow(_Record):
    """Surplus references that words of one place of C memory may be."""

    place: str
    """``variables of _ssl.so``, ``C stack of thread 2``."""
    kind: str
    """``interpreter``, ``variable``, ``class``, ``temporary`` or ``stack``."""
    objects: int
    """Objects."""
    references: int
    """References."""
    types: tuple[str, ...]
    """The most frequent types of the objects."""


@dataclass(frozen=True, repr=False)
class RefcountsView(_Tables, _Header):
    """Reference counts against the references found."""

    _tables = ("surplus", "deficits", "held")
    recorded: bool
    """The look says what the interpreter and C code hold; without that, nothing can be said."""
    gil_held: bool
    """A thread was in the middle of Python code."""
    looks: int
    """Looks that agree on what is said."""
    confirmed: bool
    """What is missing is missing for sure: two looks found it of the same objects while no thread was at work."""
    doubt: Optional[str]
    """Why it is not."""
    objects: int
    """Python objects."""
    left_out: int
    """Objects that are never freed, whose counts say nothing."""
    exact: int
    """Objects whose count is what was found."""
    surplus_references: int
    """References that nothing explains."""
    deficit_references: int
    """References fewer than found."""
    verdict: str
    """What it comes to, in a sentence."""
    surplus: tuple[SurplusRow, ...]
    """Types with unexplained references, most references first."""
    deficits: tuple[DeficitRow, ...]
    """Types with missing references."""
    held: tuple[HeldRow, ...]
    """Surplus that C memory explains, most references first."""
    findings: tuple[Finding, ...]
    """What to look at."""
