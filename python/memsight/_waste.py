"""Results about waste: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._findings import Finding
from ._views import ObjectRef, _Record, _Rows


@dataclass(frozen=True, repr=False)
class WastePlace(_Record):
    """Objects of one type with waste, whose paths differ in indices and keys only."""

    type: str
    """Their type."""
    count: int
    """Objects that would go or get smaller."""
    saved_bytes: int
    """Bytes to be saved."""
    used: Optional[int]
    """Containers: items that they hold. Instances: attributes of each. Kept by small views: bytes that those show."""
    allocated: Optional[int]
    """Containers: items that there is room for. Kept by small views: all bytes."""
    views: Optional[int]
    """Kept by small views: how many those are."""
    path: tuple[str, ...]
    """From the root, in words. Instances: the path of most of them."""
    example: ObjectRef
    """The one with the most to save."""
    text: Optional[str]
    """Its text, where the look kept values. Instances: the names of the attributes."""


@dataclass(frozen=True, repr=False)
class EqualValue(_Record):
    """A value that is held more than once."""

    type: str
    """Its type."""
    copies: int
    """Objects with it, the one that stays included."""
    saved_bytes: int
    """Bytes of the copies that could go."""
    value: Optional[str]
    """Its text, where the look kept values."""
    path: tuple[str, ...]
    """The path of most of the copies, in words."""
    example: ObjectRef
    """The one that stays."""


@dataclass(frozen=True, repr=False)
class WasteKind(_Record):
    """Waste of one kind."""

    rule: str
    """Its name in the reference of findings, such as ``duplicate-strings``."""
    saved_bytes: int
    """Bytes to be saved, none of them in another kind."""
    objects: int
    """Objects that would go or get smaller."""
    places: tuple[WastePlace, ...]
    """Who holds them, most bytes first."""
    place_count: int
    """How many there are."""
    values: tuple[EqualValue, ...]
    """Duplicates: the values held most often, most bytes first."""
    value_count: int
    """How many there are."""


@dataclass(frozen=True, repr=False)
class WasteView(_Rows[WasteKind]):
    """Bytes that the same program could do without, by kind."""

    _rows = "kinds"
    total_bytes: int
    """All bytes: shallow, external and native."""
    resident_bytes: int
    """Those of them in private memory."""
    saved_bytes: int
    """Bytes to be saved, each once."""
    share: float
    """Part of `resident_bytes`, 0 to 1."""
    kinds: tuple[WasteKind, ...]
    """The kinds that were found, most bytes first."""
    findings: tuple[Finding, ...]
    """The largest places of all kinds, most bytes first."""
