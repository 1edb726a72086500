//! Whose blocks the pools hold: counted while the objects are written.

use std::ops::Range;

use memsight_model::{Address, Allocator, COwned, Fault, ObjectId, Owned, Pin, Pool, Pymalloc, ReadMemory, TypeId};

use crate::object::buffers::Buffer;
use crate::object::buffers::Size;
use crate::object::owned::each_buffer;
use crate::object::references::Decoder;
use crate::object::types::{AddressMap, TypeInfo};
use crate::rows::loose::{Loose, Part};

/// pymalloc serves what is smaller (`SMALL_REQUEST_THRESHOLD` in `Include/internal/pycore_obmalloc.h`), less what the
/// debug hooks add.
pub(crate) const SMALL: u64 = 512 - 32;

/// From addresses to pools.
#[derive(Debug)]
pub(crate) struct PoolIndex<'p> {
    pymalloc: &'p Pymalloc,
    /// Blocks of other allocators.
    others: &'p memsight_model::Blocks,
    /// Numbers of pools (`address / pool_bytes`) to rows of `pymalloc.pools`; the highest bit says that it is sparse.
    rows: AddressMap<u32>,
    /// Whose blocks of small objects are need not be known.
    sums: bool,
}

const SPARSE: u32 = 1 << 31;

impl<'p> PoolIndex<'p> {
    /// Cost: linear in the pools.
    pub fn new(pymalloc: &'p Pymalloc, others: &'p memsight_model::Blocks, sums: bool) -> PoolIndex<'p> {
        let number = |at: Address| at.0 / pymalloc.pool_bytes.max(1);
        let mut rows: AddressMap<u32> =
            pymalloc.pools.iter().enumerate().map(|(row, pool)| (number(pool.address) << 3, row as u32)).collect();
        for pool in pymalloc.sparse_pools() {
            rows.entry(number(pool.address) << 3).and_modify(|row| *row |= SPARSE);
        }
        PoolIndex { pymalloc, others, rows, sums }
    }

    /// Whether an object and its buffers are in pools for certain, and nobody wants to know more. numpy asks the C library
    /// for small arrays, too.
    pub fn is_enough(&self, info: &TypeInfo, size: Size) -> bool {
        let pooled = matches!(self.pymalloc.allocator, Allocator::Pymalloc | Allocator::PymallocDebug)
            && !matches!(info.buffer, Buffer::NdArray | Buffer::Mmap);
        self.sums && pooled && size.shallow.saturating_add(size.external) <= SMALL
    }

    /// The pool in use whose blocks hold `at`.
    pub fn pool_of(&self, at: Address) -> Option<&'p Pool> {
        self.find(at).map(|(pool, _)| pool)
    }

    /// The same, and whether it is sparse.
    fn find(&self, at: Address) -> Option<(&'p Pool, bool)> {
        let row = *self.rows.get(&((at.0 / self.pymalloc.pool_bytes.max(1)) << 3))?;
        Some((self.pymalloc.pools.get((row & !SPARSE) as usize)?, row & SPARSE != 0))
    }

    /// The block of a pool in use that holds `at`: first byte and bytes. Whether it is in use is not known.
    pub fn block(&self, at: Address) -> Option<(Address, u64)> {
        let pool = self.pool(at)?;
        Some((pool.block(at), pool.block_bytes.into()))
    }

    /// The blocks of the pool that holds `at`.
    fn pool(&self, at: Address) -> Option<PoolBlocks> {
        let (pool, sparse) = self.find(at)?;
        let start = pool.address.0.checked_add(Pymalloc::POOL_HEAD)?;
        let bytes = u64::from(pool.block_bytes) * u64::from(pool.capacity);
        let blocks = start..start.checked_add(bytes)?;
        (blocks.contains(&at.0)).then_some(PoolBlocks { blocks, block_bytes: pool.block_bytes, sparse })
    }
}

/// Where the blocks of a pool are.
#[derive(Debug, Clone, Default)]
struct PoolBlocks {
    blocks: Range<u64>,
    block_bytes: u16,
    sparse: bool,
}

impl PoolBlocks {
    /// The first byte of the block that holds `at`.
    fn block(&self, at: Address) -> Address {
        let within = at.0.saturating_sub(self.blocks.start);
        Address(at.0 - within % u64::from(self.block_bytes).max(1))
    }
}

/// Blocks counted by one worker.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    counts: Counts,
    /// The pools of the last object and of the last buffer: most often the next one's, as they come in order of address.
    last: [PoolBlocks; 2],
    pins: Vec<Pin>,
    /// What is not in pools.
    loose: Loose,
}

/// Objects and buffers by type and size (`type << 16 | bytes`).
#[derive(Debug, Default)]
struct Counts {
    /// Shifted, for the hash of addresses leaves out the lowest bits.
    all: AddressMap<[u64; 2]>,
    /// The last ones, not among `all` yet: neighbours are often alike.
    recent: [(u64, [u64; 2]); RECENT],
}

const RECENT: usize = 32;

impl Counts {
    fn add(&mut self, key: u64, holds: Holds) {
        // Sizes are multiples of 16.
        let recent = &mut self.recent[(key >> 4 ^ key >> 16) as usize % RECENT];
        if recent.0 != key {
            let (before, counts) = std::mem::replace(recent, (key, [0, 0]));
            sum(&mut self.all, before, counts);
        }
        recent.1[holds as usize] += 1;
    }

    fn join(&mut self, other: Counts) {
        other.into_all().for_each(|(key, counts)| sum(&mut self.all, key, counts));
    }

    fn into_all(mut self) -> impl Iterator<Item = (u64, [u64; 2])> {
        self.recent.into_iter().for_each(|(key, counts)| sum(&mut self.all, key, counts));
        self.all.into_iter().map(|(key, counts)| (key >> 3, counts))
    }
}

fn sum(all: &mut AddressMap<[u64; 2]>, key: u64, counts: [u64; 2]) {
    if counts != [0, 0] {
        let sum = all.entry(key << 3).or_default();
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
}

/// What a block holds.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Object = 0,
    Buffer = 1,
}

impl Blocks {
    /// Counts the block of an object and those of its buffers; `whole` tells how many bytes one in no pool has.
    pub fn note<M: ReadMemory>(
        &mut self,
        pools: &PoolIndex,
        decoder: &Decoder<M>,
        (id, type_): (ObjectId, TypeId),
        at: Address,
        (info, whole): (&TypeInfo, impl FnOnce() -> u64),
    ) -> Result<(), Fault> {
        // Python's own mimalloc is not looked into, and has no heads in front of its blocks that could tell them; numpy asks
        // the C library all the same.
        let others = pools.pymalloc.allocator == Allocator::Mimalloc;
        if others && !matches!(info.buffer, Buffer::NdArray | Buffer::Mmap) {
            return Ok(());
        }
        if !others && !self.take(pools, at, Holds::Object, id, type_) {
            let start = at.at(-(info.preheader(decoder.layout) as i64));
            self.loose.take(decoder.memory, pools.others, start, (id, type_), Part::Object(whole()));
        }
        if info.buffer == Buffer::Mmap {
            // data 16, size 24
            let fields = decoder.layout.fields(at);
            self.loose.mapping(id, decoder.memory.pointer(fields.at(16))?, decoder.memory.word(fields.at(24))?);
        }
        each_buffer(decoder, at, info, &mut |buffer| {
            if !buffer.is_null() && !self.take(pools, buffer, Holds::Buffer, id, type_) {
                self.loose.take(decoder.memory, pools.others, buffer, (id, type_), Part::Buffer);
            }
        })
    }

    fn take(&mut self, pools: &PoolIndex, at: Address, holds: Holds, object: ObjectId, type_: TypeId) -> bool {
        let last = &mut self.last[holds as usize];
        if !last.blocks.contains(&at.0) {
            match pools.pool(at) {
                Some(pool) => *last = pool,
                None => return false,
            }
        }
        if last.sparse {
            self.pins.push(Pin { block: last.block(at), object });
        }
        self.counts.add(u64::from(type_.0) << 16 | u64::from(last.block_bytes), holds);
        true
    }

    /// Adds another worker's.
    pub fn join(&mut self, other: Blocks) {
        self.counts.join(other.counts);
        self.pins.extend(other.pins);
        self.loose.join(other.loose);
    }

    /// Puts the counts into the account; what is left is in the C heap.
    pub fn finish(mut self, pymalloc: &mut Pymalloc) -> COwned {
        self.pins.sort_unstable_by_key(|pin| (pin.block, pin.object));
        self.pins.dedup_by_key(|pin| pin.block);
        let mut owned: Vec<Owned> = self
            .counts
            .into_all()
            .map(|(key, [objects, buffers])| Owned {
                type_: TypeId((key >> 16) as u32),
                block_bytes: key as u16,
                objects,
                buffers,
            })
            .collect();
        owned.sort_unstable_by_key(|row| (row.type_, row.block_bytes));
        (pymalloc.owned, pymalloc.pins) = (owned, self.pins);
        self.loose.finish()
    }
}
