//! pymalloc's memory: what of it is in use, whose it is, and what keeps the rest from going back to the system.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use memsight_model::{Allocator, Arena, ObjectId, Pool, Pymalloc};
use serde::Serialize;

use crate::views::ObjectRef;
use crate::words::type_name;
use crate::{Analysis, limit};

/// Steps of the histogram of arenas: tenths of an arena.
const STEPS: u64 = 10;
/// Objects named for each type that pins.
const EXAMPLES: usize = 3;

/// The account of pymalloc: in the view `rss`, under `pymalloc`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PymallocView {
    /// Who serves `PyObject_Malloc`; all figures are 0 where pymalloc does not.
    pub allocator: Allocator,
    /// Arenas.
    pub arenas: u64,
    /// Bytes of all arenas: what pymalloc has from the system.
    pub arena_bytes: u64,
    /// Bytes of a pool.
    pub pool_bytes: u64,
    /// Blocks in use.
    pub used_blocks: u64,
    /// Bytes of the blocks in use.
    pub used_bytes: u64,
    /// Free blocks in pools that also hold blocks in use.
    pub free_blocks: u64,
    /// Bytes of these free blocks.
    pub free_bytes: u64,
    /// Those of `free_bytes` that were never used.
    pub fresh_bytes: u64,
    /// Pools without a block in use.
    pub free_pools: u64,
    /// Bytes of these pools: they serve any size, but only a wholly free arena goes back to the system.
    pub free_pool_bytes: u64,
    /// Heads of pools, their ends that fit no block, and the ends of arenas that fit no pool.
    pub overhead_bytes: u64,
    /// Blocks that were too large and came from the C heap, where the interpreter counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_blocks: Option<u64>,
    /// Blocks in use that hold a Python object.
    pub object_blocks: u64,
    /// Bytes of these blocks.
    pub object_bytes: u64,
    /// Blocks in use that hold a buffer of a Python object: the items of a list, the table of a dict.
    pub buffer_blocks: u64,
    /// Bytes of these blocks.
    pub buffer_bytes: u64,
    /// Bytes of the other blocks in use: freelists, C code.
    pub other_bytes: u64,
    /// Bytes of arenas that would be free if the blocks in use lay in as few pools, and these in as few arenas, as
    /// possible: what fragmentation costs.
    pub fragmented_bytes: u64,
    /// By size of blocks, ascending.
    pub sizes: Vec<SizeRow>,
    /// Arenas by how full they are, a row for every tenth.
    pub fill: Vec<FillRow>,
    /// Arenas at most a quarter full: what keeps them.
    pub sparse_arenas: SparseView,
    /// Pools at most a quarter full: what keeps them.
    pub sparse_pools: SparseView,
    /// Types with blocks; `types` may show fewer.
    pub type_count: u64,
    /// Blocks by the type that they belong to, most bytes first.
    pub types: Vec<OwnerRow>,
    /// Reasons why something may be missing.
    pub missing: Vec<String>,
}

/// Blocks of one size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SizeRow {
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Pools of this size with a block in use.
    pub pools: u64,
    /// Blocks in use.
    pub used_blocks: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Free blocks.
    pub free_blocks: u64,
    /// Free bytes.
    pub free_bytes: u64,
    /// Those of the free blocks that were never used.
    pub fresh_blocks: u64,
    /// Blocks in use that belong to a Python object that was found.
    pub owned_blocks: u64,
}

/// Arenas that are about as full as each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FillRow {
    /// From this part of an arena in use, in percent,
    pub from_percent: u64,
    /// to less than this one (the last row: to all of it).
    pub to_percent: u64,
    /// Arenas.
    pub arenas: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of their blocks in use.
    pub used_bytes: u64,
}

/// Memory that little keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SparseView {
    /// Arenas, or pools.
    pub count: u64,
    /// Their bytes: what could go back (arenas) or serve other sizes (pools) without the blocks in them.
    pub bytes: u64,
    /// Bytes of their blocks in use.
    pub used_bytes: u64,
    /// Types whose objects and buffers lie there; `pins` may show fewer.
    pub pin_types: u64,
    /// These types, the one that is in most of the arenas (or pools) first.
    pub pins: Vec<PinRow>,
}

/// Objects of a type that keep sparse memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PinRow {
    /// The type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Arenas, or pools, that hold a block of such an object.
    pub holds: u64,
    /// Those of them that hold nothing else that belongs to an object.
    pub alone: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes of these blocks.
    pub bytes: u64,
    /// Some of the objects.
    pub examples: Vec<ObjectRef>,
}

/// Blocks of the objects of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OwnerRow {
    /// The type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Blocks that hold an object.
    pub object_blocks: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Blocks that hold a buffer of one.
    pub buffer_blocks: u64,
    /// Their bytes.
    pub buffer_bytes: u64,
}

impl Analysis<'_> {
    /// The account of pymalloc, with `top` types (0: all); `None` where it was not looked at. Cost: a pass over the pools
    /// and over the blocks of sparse ones.
    pub fn pymalloc(&self, top: usize) -> Option<PymallocView> {
        let pymalloc = self.snapshot.pymalloc.as_ref()?;
        let sizes = sizes(pymalloc);
        let owners = self.owner_rows(pymalloc);
        let sum = |of: fn(&SizeRow) -> u64| sizes.iter().map(of).sum::<u64>();
        let owned = |of: fn(&OwnerRow) -> u64| owners.iter().map(of).fold(0u64, u64::saturating_add);
        let (used_bytes, free_bytes) = (sum(|row| row.used_bytes), sum(|row| row.free_bytes));
        let (object_bytes, buffer_bytes) = (owned(|row| row.object_bytes), owned(|row| row.buffer_bytes));
        let arena_bytes: u64 = pymalloc.arenas.iter().fold(0, |sum, arena| arena.bytes.saturating_add(sum));
        let free_pools = pymalloc.arenas.iter().map(|arena| u64::from(arena.free_pools)).sum::<u64>();
        let free_pool_bytes = free_pools.saturating_mul(pymalloc.pool_bytes);
        Some(PymallocView {
            allocator: pymalloc.allocator,
            arenas: pymalloc.arenas.len() as u64,
            arena_bytes,
            pool_bytes: pymalloc.pool_bytes,
            used_blocks: sum(|row| row.used_blocks),
            used_bytes,
            free_blocks: sum(|row| row.free_blocks),
            free_bytes,
            fresh_bytes: sum(|row| row.fresh_blocks * row.block_bytes),
            free_pools,
            free_pool_bytes,
            overhead_bytes: [used_bytes, free_bytes, free_pool_bytes]
                .iter()
                .fold(arena_bytes, |rest, part| rest.saturating_sub(*part)),
            raw_blocks: pymalloc.raw_blocks,
            object_blocks: owned(|row| row.object_blocks),
            object_bytes,
            buffer_blocks: owned(|row| row.buffer_blocks),
            buffer_bytes,
            other_bytes: used_bytes.saturating_sub(object_bytes).saturating_sub(buffer_bytes),
            fragmented_bytes: fragmented_bytes(pymalloc),
            fill: fill(pymalloc),
            sparse_arenas: self.sparse_arenas(pymalloc, limit(top)),
            sparse_pools: self.sparse_pools(pymalloc, limit(top)),
            type_count: owners.len() as u64,
            types: owners.into_iter().take(limit(top)).collect(),
            sizes,
            missing: pymalloc.missing.clone(),
        })
    }

    fn owner_rows(&self, pymalloc: &Pymalloc) -> Vec<OwnerRow> {
        // Two types of one name are one row, as in every list of types.
        let mut rows: BTreeMap<&str, OwnerRow> = BTreeMap::new();
        for owned in &pymalloc.owned {
            let name = self.snapshot.types.get(owned.type_.0 as usize).map_or("?", |record| record.name.as_str());
            let row = rows.entry(name).or_default();
            let bytes = u64::from(owned.block_bytes);
            row.object_blocks = row.object_blocks.saturating_add(owned.objects);
            row.object_bytes = row.object_bytes.saturating_add(owned.objects.saturating_mul(bytes));
            row.buffer_blocks = row.buffer_blocks.saturating_add(owned.buffers);
            row.buffer_bytes = row.buffer_bytes.saturating_add(owned.buffers.saturating_mul(bytes));
        }
        let named = |(name, row): (&str, OwnerRow)| OwnerRow { type_name: name.to_owned(), ..row };
        let mut rows: Vec<OwnerRow> = rows.into_iter().map(named).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.object_bytes.saturating_add(row.buffer_bytes)));
        rows
    }

    fn sparse_arenas(&self, pymalloc: &Pymalloc, top: usize) -> SparseView {
        let sparse: Vec<&Arena> = pymalloc.arenas.iter().filter(|arena| pymalloc.is_sparse(arena)).collect();
        let holder = |pool: &Pool| {
            let next = sparse.partition_point(|arena| arena.address <= pool.address);
            let arena = sparse.get(next.checked_sub(1)?)?;
            (pool.address.0 - arena.address.0 < arena.bytes).then_some(arena.address.0)
        };
        let used = sparse.iter().flat_map(|arena| pymalloc.pools_of(arena)).map(Pool::used_bytes).sum();
        let bytes = sparse.iter().fold(0u64, |sum, arena| sum.saturating_add(arena.bytes));
        self.sparse(pymalloc, (sparse.len() as u64, bytes, used), &holder, top)
    }

    fn sparse_pools(&self, pymalloc: &Pymalloc, top: usize) -> SparseView {
        let sparse: Vec<&Pool> = pymalloc.pools.iter().filter(|pool| pool.is_sparse()).collect();
        let bytes = (sparse.len() as u64).saturating_mul(pymalloc.pool_bytes);
        let used = sparse.iter().map(|pool| pool.used_bytes()).sum();
        let holder = |pool: &Pool| pool.is_sparse().then_some(pool.address.0);
        self.sparse(pymalloc, (sparse.len() as u64, bytes, used), &holder, top)
    }

    /// What keeps the arenas or pools that `holder` gives for a pool.
    fn sparse(
        &self,
        pymalloc: &Pymalloc,
        (count, bytes, used_bytes): (u64, u64, u64),
        holder: &dyn Fn(&Pool) -> Option<u64>,
        top: usize,
    ) -> SparseView {
        let mut pinned: BTreeMap<&str, Pinned> = BTreeMap::new();
        let mut types_of: HashMap<u64, BTreeSet<&str>> = HashMap::new();
        for pin in &pymalloc.pins {
            let Some(pool) = pymalloc.pool_of(pin.block) else { continue };
            let Some(at) = holder(pool) else { continue };
            let name = type_name(self.snapshot, pin.object);
            let row = pinned.entry(name).or_default();
            row.blocks += 1;
            row.bytes += u64::from(pool.block_bytes);
            if row.examples.len() < EXAMPLES && !row.examples.contains(&pin.object) {
                row.examples.push(pin.object);
            }
            types_of.entry(at).or_default().insert(name);
        }
        for types in types_of.values() {
            for name in types {
                let row = pinned.entry(name).or_default();
                row.holds += 1;
                row.alone += u64::from(types.len() == 1);
            }
        }
        let pin_types = pinned.len() as u64;
        let mut rows: Vec<(&str, Pinned)> = pinned.into_iter().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.alone, row.holds, row.bytes)));
        rows.truncate(top);
        let pins = rows.into_iter().map(|(name, row)| PinRow {
            type_name: name.to_owned(),
            holds: row.holds,
            alone: row.alone,
            blocks: row.blocks,
            bytes: row.bytes,
            examples: row.examples.iter().map(|object| self.object_ref(*object)).collect(),
        });
        SparseView { count, bytes, used_bytes, pin_types, pins: pins.collect() }
    }
}

/// A type among the pins.
#[derive(Default)]
struct Pinned {
    holds: u64,
    alone: u64,
    blocks: u64,
    bytes: u64,
    examples: Vec<ObjectId>,
}

fn sizes(pymalloc: &Pymalloc) -> Vec<SizeRow> {
    let mut rows: BTreeMap<u16, SizeRow> = BTreeMap::new();
    for pool in &pymalloc.pools {
        let row = rows.entry(pool.block_bytes).or_default();
        let free = u64::from(pool.capacity.saturating_sub(pool.used));
        row.block_bytes = pool.block_bytes.into();
        row.pools += 1;
        row.used_blocks += u64::from(pool.used);
        row.used_bytes += pool.used_bytes();
        row.free_blocks += free;
        row.free_bytes += free * row.block_bytes;
        row.fresh_blocks += u64::from(pool.fresh);
    }
    for owned in &pymalloc.owned {
        if let Some(row) = rows.get_mut(&owned.block_bytes) {
            row.owned_blocks = row.owned_blocks.saturating_add(owned.objects).saturating_add(owned.buffers);
        }
    }
    rows.into_values().collect()
}

fn fill(pymalloc: &Pymalloc) -> Vec<FillRow> {
    let percent = 100 / STEPS;
    let mut rows: Vec<FillRow> = (0..STEPS)
        .map(|step| FillRow { from_percent: step * percent, to_percent: (step + 1) * percent, ..FillRow::default() })
        .collect();
    for arena in &pymalloc.arenas {
        let used = pymalloc.used_bytes_of(arena);
        let step = used.saturating_mul(STEPS).checked_div(arena.bytes).unwrap_or(0).min(STEPS - 1);
        if let Some(row) = rows.get_mut(step as usize) {
            row.arenas += 1;
            row.bytes = row.bytes.saturating_add(arena.bytes);
            row.used_bytes += used;
        }
    }
    rows
}

/// Bytes of arenas beyond those that packed blocks would need. Each interpreter has arenas of its own.
fn fragmented_bytes(pymalloc: &Pymalloc) -> u64 {
    // By interpreter: arenas, their bytes, their pools; by size the blocks in use and how many fit a pool.
    let mut owners: BTreeMap<i64, (u64, u64, u64)> = BTreeMap::new();
    let mut blocks: BTreeMap<(i64, u16), (u64, u64)> = BTreeMap::new();
    for arena in &pymalloc.arenas {
        let own = owners.entry(arena.interpreter).or_default();
        own.0 += 1;
        own.1 = own.1.saturating_add(arena.bytes);
        own.2 += u64::from(arena.pools);
        for pool in pymalloc.pools_of(arena) {
            let row = blocks.entry((arena.interpreter, pool.block_bytes)).or_default();
            row.0 += u64::from(pool.used);
            row.1 = pool.capacity.into();
        }
    }
    let mut bytes = 0u64;
    for (interpreter, (arenas, held, pools)) in owners {
        let of_it = blocks.range((interpreter, 0)..=(interpreter, u16::MAX));
        let needed: u64 = of_it.map(|(_, (used, fit))| used.div_ceil((*fit).max(1))).sum();
        let packed = needed.div_ceil((pools / arenas).max(1)).min(arenas);
        bytes = bytes.saturating_add((held / arenas).saturating_mul(arenas - packed));
    }
    bytes
}
