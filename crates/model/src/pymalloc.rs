//! pymalloc's arenas and pools as they stood: which blocks are in use, which are free.
//!
//! Source: `Objects/obmalloc.c`, `Include/internal/pycore_obmalloc.h` (3.8 to 3.15).

use crate::Address;

/// The state of CPython's allocator of small objects (up to 512 bytes), all interpreters together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pymalloc {
    /// Which allocator serves `PyObject_Malloc`.
    pub allocator: Allocator,
    /// Bytes of a pool: 4 KiB up to 3.9, 16 KiB later.
    pub pool_bytes: u64,
    /// The arenas, ascending.
    pub arenas: Vec<Arena>,
    /// The pools that hold blocks in use, ascending; those of an arena lie inside it.
    pub pools: Vec<Pool>,
    /// Blocks that pymalloc handed on to the C heap because they were large, where the interpreter counts them.
    pub raw_blocks: Option<u64>,
}

/// Who serves `PyObject_Malloc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocator {
    /// pymalloc.
    #[default]
    Pymalloc,
    /// pymalloc below the debug hooks (`-X dev`, `PYTHONMALLOC=debug`): each block has 8 words around it.
    PymallocDebug,
    /// The C heap (`PYTHONMALLOC=malloc`).
    Malloc,
    /// mimalloc (free-threaded builds, `PYTHONMALLOC=mimalloc`).
    Mimalloc,
}

/// Memory that pymalloc got from the system in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arena {
    /// First byte.
    pub address: Address,
    /// Bytes.
    pub bytes: u64,
    /// Pools that fit, free ones included.
    pub pools: u32,
    /// Pools that hold no block: given back to the arena, or never used.
    pub free_pools: u32,
}

/// A piece of an arena that holds blocks of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pool {
    /// First byte: the pool's head, 48 bytes.
    pub address: Address,
    /// Bytes of a block, a multiple of 16.
    pub block_bytes: u16,
    /// Blocks in use.
    pub used: u16,
    /// Blocks that fit.
    pub capacity: u16,
}

impl Pymalloc {
    /// The pool that holds `at`, its head included. Cost: a binary search.
    pub fn pool_of(&self, at: Address) -> Option<&Pool> {
        let next = self.pools.partition_point(|pool| pool.address <= at);
        self.pools.get(next.checked_sub(1)?).filter(|pool| at.0 - pool.address.0 < self.pool_bytes)
    }
}
