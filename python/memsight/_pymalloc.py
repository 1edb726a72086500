"""Results about CPython's allocator of small objects: typed, frozen and as the JSON of the command has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import ObjectRef, _Record


@dataclass(frozen=True, repr=False)
class PymallocSize(_Record):
    """Blocks of one size."""

    block_bytes: int
    """Bytes of a block."""
    pools: int
    """Pools of this size with a block in use."""
    used_blocks: int
    """Blocks in use."""
    used_bytes: int
    """Bytes in use."""
    free_blocks: int
    """Free blocks."""
    free_bytes: int
    """Free bytes."""
    fresh_blocks: int
    """Those of the free blocks that were never used."""
    owned_blocks: int
    """Blocks in use that belong to a Python object that was found."""


@dataclass(frozen=True, repr=False)
class PymallocFill(_Record):
    """Arenas that are about as full as each other."""

    from_percent: int
    """From this part of an arena in use, in percent,"""
    to_percent: int
    """to less than this one (the last row: to all of it)."""
    arenas: int
    """Arenas."""
    bytes: int
    """Their bytes."""
    used_bytes: int
    """Bytes of their blocks in use."""


@dataclass(frozen=True, repr=False)
class PymallocPin(_Record):
    """Objects of a type that keep sparse memory."""

    type: str
    """The type."""
    holds: int
    """Arenas, or pools, that hold a block of such an object."""
    alone: int
    """Those of them that hold nothing else that belongs to an object."""
    blocks: int
    """Blocks."""
    bytes: int
    """Bytes of these blocks."""
    examples: tuple[ObjectRef, ...]
    """Some of the objects."""


@dataclass(frozen=True, repr=False)
class PymallocSparse(_Record):
    """Memory that little keeps."""

    count: int
    """Arenas, or pools."""
    bytes: int
    """Their bytes: what could go back (arenas) or serve other sizes (pools) without the blocks in them."""
    used_bytes: int
    """Bytes of their blocks in use."""
    pin_types: int
    """Types whose objects and buffers lie there; ``pins`` may show fewer."""
    pins: tuple[PymallocPin, ...]
    """These types, the one that is in most of the arenas (or pools) first."""


@dataclass(frozen=True, repr=False)
class PymallocOwner(_Record):
    """Blocks of the objects of a type."""

    type: str
    """The type."""
    object_blocks: int
    """Blocks that hold an object."""
    object_bytes: int
    """Their bytes."""
    buffer_blocks: int
    """Blocks that hold a buffer of one."""
    buffer_bytes: int
    """Their bytes."""


@dataclass(frozen=True, repr=False)
class PymallocAccount(_Record):
    """pymalloc's memory: what of it is in use, whose it is, and what keeps the rest."""

    allocator: str
    """Who serves ``PyObject_Malloc``: ``pymalloc``, ``pymalloc_debug``, ``malloc`` or ``mimalloc``; all figures are 0 where
    pymalloc does not."""
    arenas: int
    """Arenas."""
    arena_bytes: int
    """Bytes of all arenas: what pymalloc has from the system."""
    pool_bytes: int
    """Bytes of a pool."""
    used_blocks: int
    """Blocks in use."""
    used_bytes: int
    """Bytes of the blocks in use."""
    free_blocks: int
    """Free blocks in pools that also hold blocks in use."""
    free_bytes: int
    """Bytes of these free blocks."""
    fresh_bytes: int
    """Those of ``free_bytes`` that were never used."""
    free_pools: int
    """Pools without a block in use."""
    free_pool_bytes: int
    """Bytes of these pools: they serve any size, but only a wholly free arena goes back to the system."""
    overhead_bytes: int
    """Heads of pools, their ends that fit no block, and the ends of arenas that fit no pool."""
    raw_blocks: Optional[int]
    """Blocks that were too large and came from the C heap; ``None`` where the interpreter does not count them."""
    object_blocks: int
    """Blocks in use that hold a Python object."""
    object_bytes: int
    """Bytes of these blocks."""
    buffer_blocks: int
    """Blocks in use that hold a buffer of a Python object: the items of a list, the table of a dict."""
    buffer_bytes: int
    """Bytes of these blocks."""
    other_bytes: int
    """Bytes of the other blocks in use: freelists, C code."""
    fragmented_bytes: int
    """What fragmentation costs: bytes of arenas that would be free if the blocks in use lay as close as possible."""
    sizes: tuple[PymallocSize, ...]
    """By size of blocks, ascending."""
    fill: tuple[PymallocFill, ...]
    """Arenas by how full they are, a row for every tenth."""
    sparse_arenas: PymallocSparse
    """Arenas at most a quarter full: what keeps them."""
    sparse_pools: PymallocSparse
    """Pools at most a quarter full: what keeps them."""
    type_count: int
    """Types with blocks; ``types`` may show fewer."""
    types: tuple[PymallocOwner, ...]
    """Blocks by the type that they belong to, most bytes first."""
    missing: tuple[str, ...]
    """Reasons why something may be missing."""
