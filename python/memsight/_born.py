"""Types by the line that made them: of a process that was being recorded when it was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from ._views import Source, _Record, _Rows


@dataclass(frozen=True, repr=False)
class LineRow(Source):
    """What one line made of one type."""

    type: str
    """The type."""
    count: int
    """Objects whose birth there was recorded; 0 where the line made only what objects own, as by ``append`` to a list."""
    estimated_count: int
    """As many as that stands for; the same where every allocation was recorded."""
    bytes: int
    """Bytes of the blocks that were recorded: of the objects, and of what objects of the type own that was made there."""
    estimated_bytes: int
    """As many as that stands for; the same where every allocation was recorded."""
    retained_bytes: int
    """What would be freed with the objects whose birth there was recorded."""


@dataclass(frozen=True, repr=False)
class Births(_Record):
    """What is known of births in a look."""

    exact: bool
    """Whether every allocation was recorded; a sample otherwise."""
    sample_bytes: int
    """Bytes between samples in the mean; 0 where every allocation was recorded."""
    since_ns: int
    """Since when, in nanoseconds since 1970: what was made before is not known."""
    lost_events: int
    """Allocations and frees that are missing since nobody read them in time."""
    known_objects: int
    """Objects whose birth is known."""
    known_objects_share: float
    """Of all objects."""
    known_bytes: int
    """Bytes of blocks of objects whose allocation is known: of the objects themselves, and of what they own besides."""
    known_bytes_share: float
    """Of the bytes of all objects."""


@dataclass(frozen=True, repr=False)
class LinesView(_Rows[LineRow]):
    """Types by the line that made them, most bytes first."""

    _rows = "lines"
    objects: int
    """Objects of all types."""
    births: Births
    """What is known of their births."""
    line_count: int
    """Pairs of a type and a line; ``lines`` may show fewer."""
    lines: tuple[LineRow, ...]
    """The rows."""
