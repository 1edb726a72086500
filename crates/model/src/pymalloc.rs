//! pymalloc's arenas and pools as they stood: which blocks are in use, which are free, and whose they are.
//!
//! Source: `Objects/obmalloc.c`, `Include/internal/pycore_obmalloc.h` (3.8 to 3.15).

use serde::{Deserialize, Serialize};

use crate::{Address, ObjectId, TypeId};

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
    /// Blocks of Python objects by the type that they belong to and their size, sorted by both.
    pub owned: Vec<Owned>,
    /// Blocks of Python objects in sparse pools ([`Pymalloc::is_sparse`]), ascending: what keeps those pools.
    pub pins: Vec<Pin>,
    /// Memory in which threads keep the frames of Python functions (3.11 and later), and its bytes.
    pub frame_stacks: Vec<(Address, u64)>,
    /// Reasons why arenas, pools or owners may be missing; empty for a whole account.
    pub missing: Vec<String>,
}

/// Who serves `PyObject_Malloc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocator {
    /// pymalloc.
    #[default]
    Pymalloc,
    /// pymalloc below the debug hooks (`-X dev`, `PYTHONMALLOC=debug`): each block has 4 words around it.
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
    /// Id of the interpreter that it belongs to; 0 where all interpreters share one allocator.
    pub interpreter: i64,
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
    /// Free blocks that were never handed out.
    pub fresh: u16,
}

/// Blocks that belong to the objects of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owned {
    /// The type, a row of [`crate::Snapshot::types`].
    pub type_: TypeId,
    /// Bytes of a block.
    pub block_bytes: u16,
    /// Blocks that hold an object of the type.
    pub objects: u64,
    /// Blocks that hold a buffer of an object of the type: the items of a list, the table of a dict.
    pub buffers: u64,
}

/// A block in a sparse pool, and the object that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// First byte of the block.
    pub block: Address,
    /// The object inside, or the owner of the buffer inside.
    pub object: ObjectId,
}

impl Pymalloc {
    /// A pool, or an arena, is sparse when at most one byte in this many is in use.
    pub const SPARSE: u64 = 4;
    /// Bytes at the start of a pool that hold no block.
    pub const POOL_HEAD: u64 = 48;

    /// The pool that holds `at`, its head included. Cost: a binary search.
    pub fn pool_of(&self, at: Address) -> Option<&Pool> {
        let next = self.pools.partition_point(|pool| pool.address <= at);
        self.pools.get(next.checked_sub(1)?).filter(|pool| at.0 - pool.address.0 < self.pool_bytes)
    }

    /// The pools in use of an arena, ascending. Cost: two binary searches.
    pub fn pools_of(&self, arena: &Arena) -> &[Pool] {
        let end = arena.address.0.saturating_add(arena.bytes);
        let first = self.pools.partition_point(|pool| pool.address < arena.address);
        let last = self.pools.partition_point(|pool| pool.address.0 < end);
        self.pools.get(first..last).unwrap_or_default()
    }

    /// The pools, ascending, that [`Pymalloc::pins`] speaks of: those with few blocks in use, and all of an arena with
    /// few bytes in use.
    pub fn sparse_pools(&self) -> impl Iterator<Item = &Pool> {
        self.arenas.iter().flat_map(|arena| {
            let sparse = self.is_sparse(arena);
            self.pools_of(arena).iter().filter(move |pool| sparse || pool.is_sparse())
        })
    }

    /// Bytes of the blocks in use of an arena.
    pub fn used_bytes_of(&self, arena: &Arena) -> u64 {
        self.pools_of(arena).iter().map(Pool::used_bytes).sum()
    }

    /// Whether little of an arena is in use.
    pub fn is_sparse(&self, arena: &Arena) -> bool {
        self.used_bytes_of(arena).saturating_mul(Self::SPARSE) <= arena.bytes
    }
}

impl Pool {
    /// Bytes of the blocks in use.
    pub fn used_bytes(&self) -> u64 {
        u64::from(self.used) * u64::from(self.block_bytes)
    }

    /// Whether few of its blocks are in use.
    pub fn is_sparse(&self) -> bool {
        u64::from(self.used) * Pymalloc::SPARSE <= u64::from(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(address: u64, used: u16) -> Pool {
        Pool { address: Address(address), block_bytes: 32, used, capacity: 126, fresh: 0 }
    }

    #[test]
    fn addresses_lead_to_pools_and_arenas_to_their_pools() {
        let arena = |address, pools| Arena { address: Address(address), bytes: 0x4_0000, pools, ..Arena::default() };
        let pymalloc = Pymalloc {
            pool_bytes: 0x1000,
            arenas: vec![arena(0x10_0000, 64), arena(0x20_0000, 64)],
            pools: vec![pool(0x10_0000, 126), pool(0x10_2000, 10), pool(0x20_1000, 100)],
            ..Pymalloc::default()
        };
        assert_eq!(pymalloc.pool_of(Address(0x10_2fff)).map(|pool| pool.used), Some(10));
        assert_eq!(pymalloc.pool_of(Address(0x10_1000)), None);
        assert_eq!(pymalloc.pool_of(Address(0)), None);
        assert_eq!(pymalloc.pools_of(&pymalloc.arenas[0]).len(), 2);
        assert_eq!(pymalloc.pools_of(&pymalloc.arenas[1]).len(), 1);
        assert_eq!(pymalloc.sparse_pools().count(), 3, "arenas with so little in use are sparse whole");
    }
}
