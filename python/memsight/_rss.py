"""Results about RSS: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._pymalloc import PymallocAccount
from ._views import _Header, _Record, _Tables


@dataclass(frozen=True, repr=False)
class RssPart(_Record):
    """A part of a line: a type, a file."""

    name: str
    """Its name."""
    bytes: int
    """Resident bytes."""
    count: int
    """How many objects, blocks or mappings."""


@dataclass(frozen=True, repr=False)
class RssLine(_Record):
    """A line of the account."""

    name: str
    """What it is, in words."""
    kind: str
    """Stable name of that kind: ``python_objects``, ``c_heap_free``, ``libraries_shared`` ..."""
    bytes: int
    """Resident bytes."""
    share: float
    """Part of RSS, 0 to 1."""
    pss_bytes: int
    """The same with each page divided by the number of processes that map it."""
    count: int
    """How many: objects, blocks, mappings."""
    parts: tuple[RssPart, ...]
    """What makes it up, largest first."""
    detail: str
    """Numbers that explain it."""
    advice: str
    """What to do about it; empty where there is nothing."""


@dataclass(frozen=True, repr=False)
class CArena(_Record):
    """An arena of glibc or of jemalloc, the heap of tcmalloc, a heap of mimalloc."""

    name: str
    """``main``, or the number of the arena; the allocator's name in front for others than glibc's."""
    allocator: str
    """Whose it is: ``glibc``, ``jemalloc``."""
    library: str
    """The file that the allocator is a part of; empty for glibc."""
    threads: int
    """Threads that allocate from it now."""
    system_bytes: int
    """Bytes that it has from the system."""
    used_bytes: int
    """Bytes of blocks in use."""
    free_bytes: int
    """Bytes of free blocks, cached ones included."""
    free_resident_bytes: int
    """Of these, what is in memory."""
    top_bytes: int
    """Free bytes at its end."""
    trimmable_bytes: int
    """Whole resident pages between blocks in use: what ``malloc_trim(0)`` gives back."""


@dataclass(frozen=True, repr=False)
class RssView(_Tables, _Header):
    """Every byte of RSS."""

    _tables = ("lines", "beside")
    rss_bytes: int
    """Resident set size (``/proc/PID/statm``), of the same pause as all the rest."""
    lines_bytes: int
    """Sum of the lines."""
    difference_bytes: int
    """``rss_bytes`` less ``lines_bytes``."""
    pss_bytes: int
    """Proportional set size."""
    swap_bytes: int
    """Memory of the process in swap, beside RSS."""
    huge_bytes: int
    """Part of RSS in huge pages."""
    lines: tuple[RssLine, ...]
    """The account, by kind."""
    beside: tuple[RssLine, ...]
    """What is not a part of RSS, or counted in another line already."""
    c_arenas: tuple[CArena, ...]
    """Arenas of the allocators."""
    c_allocator: str
    """The C library's allocator: ``glibc 2.36``."""
    pymalloc: Optional[PymallocAccount]
    """CPython's allocator of small objects; ``None`` where it was not looked at."""
    missing: tuple[str, ...]
    """Reasons why parts may be told less exactly."""
