//! Whose blocks the pools hold: counted while the objects are written.

use std::ops::Range;

use memsight_model::{Address, Allocator, COwned, Fault, ObjectId, Owned, Pin, Pymalloc, ReadMemory, TypeId};

use super::buffers;
use super::loose::Loose;
use crate::buffers::Buffer;
use crate::decode::Decoder;
use crate::types::{AddressMap, TypeInfo};

/// From addresses to pools.
#[derive(Debug)]
pub(crate) struct PoolIndex<'p> {
    pymalloc: &'p Pymalloc,
    /// Numbers of pools (`address / pool_bytes`) to rows of `pymalloc.pools`; the highest bit says that it is sparse.
    rows: AddressMap<u32>,
}

const SPARSE: u32 = 1 << 31;

impl<'p> PoolIndex<'p> {
    /// Cost: linear in the pools.
    pub fn new(pymalloc: &'p Pymalloc) -> PoolIndex<'p> {
        let number = |at: Address| at.0 / pymalloc.pool_bytes.max(1);
        let mut rows: AddressMap<u32> =
            pymalloc.pools.iter().enumerate().map(|(row, pool)| (number(pool.address) << 3, row as u32)).collect();
        for pool in pymalloc.sparse_pools() {
            rows.entry(number(pool.address) << 3).and_modify(|row| *row |= SPARSE);
        }
        PoolIndex { pymalloc, rows }
    }

    /// The blocks of the pool that holds `at`.
    fn pool(&self, at: Address) -> Option<PoolBlocks> {
        let row = *self.rows.get(&((at.0 / self.pymalloc.pool_bytes.max(1)) << 3))?;
        let pool = self.pymalloc.pools.get((row & !SPARSE) as usize)?;
        let start = pool.address.0.checked_add(Pymalloc::POOL_HEAD)?;
        let bytes = u64::from(pool.block_bytes) * u64::from(pool.capacity);
        let blocks = start..start.checked_add(bytes)?;
        (blocks.contains(&at.0)).then_some(PoolBlocks {
            blocks,
            block_bytes: pool.block_bytes,
            sparse: row & SPARSE != 0,
        })
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
    /// Objects and buffers, by type and size (`type << 16 | bytes`).
    counts: AddressMap<[u64; 2]>,
    /// Of the last type and size, not among `counts` yet: neighbours are often alike.
    run: (u64, [u64; 2]),
    /// The pool of the last object: the next one's, as they come in order of address.
    last: PoolBlocks,
    pins: Vec<Pin>,
    /// What is not in pools.
    loose: Loose,
}

/// What a block holds.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Object = 0,
    Buffer = 1,
}

impl Blocks {
    /// Counts the block of an object and those of its buffers.
    pub fn note<M: ReadMemory>(
        &mut self,
        pools: &PoolIndex,
        decoder: &Decoder<M>,
        (id, type_): (ObjectId, TypeId),
        at: Address,
        info: &TypeInfo,
    ) -> Result<(), Fault> {
        // mimalloc has no heads in front of its blocks that could tell them; numpy asks the C library all the same.
        let others = pools.pymalloc.allocator == Allocator::Mimalloc;
        if others && !matches!(info.buffer, Buffer::NdArray | Buffer::Mmap) {
            return Ok(());
        }
        if !others && !self.take(pools, at, Holds::Object, id, type_) {
            let start = at.at(-(info.preheader(decoder.layout) as i64));
            self.loose.take(decoder.memory, start, (id, type_), false);
        }
        if info.buffer == Buffer::Mmap {
            // data 16, size 24
            let fields = decoder.layout.fields(at);
            self.loose.mapping(id, decoder.memory.pointer(fields.at(16))?, decoder.memory.word(fields.at(24))?);
        }
        buffers::each(decoder, at, info, &mut |buffer| {
            if !buffer.is_null() && !self.take(pools, buffer, Holds::Buffer, id, type_) {
                self.loose.take(decoder.memory, buffer, (id, type_), true);
            }
        })
    }

    fn take(&mut self, pools: &PoolIndex, at: Address, holds: Holds, object: ObjectId, type_: TypeId) -> bool {
        let met = match holds {
            Holds::Object if self.last.blocks.contains(&at.0) => None,
            Holds::Object | Holds::Buffer => match pools.pool(at) {
                Some(pool) => Some(pool),
                None => return false,
            },
        };
        let pool = met.as_ref().unwrap_or(&self.last);
        if pool.sparse {
            self.pins.push(Pin { block: pool.block(at), object });
        }
        self.count(u64::from(type_.0) << 16 | u64::from(pool.block_bytes), holds);
        if let (Some(pool), Holds::Object) = (met, holds) {
            self.last = pool;
        }
        true
    }

    fn count(&mut self, key: u64, holds: Holds) {
        if self.run.0 != key {
            self.end_run();
            self.run.0 = key;
        }
        self.run.1[holds as usize] += 1;
    }

    fn end_run(&mut self) {
        let (key, counts) = std::mem::take(&mut self.run);
        if counts != [0, 0] {
            // Shifted, for the hash of addresses leaves out the lowest bits.
            let sum = self.counts.entry(key << 3).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Adds another worker's.
    pub fn join(&mut self, mut other: Blocks) {
        other.end_run();
        for (key, counts) in other.counts {
            let sum = self.counts.entry(key).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.pins.extend(other.pins);
        self.loose.join(other.loose);
    }

    /// Puts the counts into the account; what is left is in the C heap.
    pub fn finish(mut self, pymalloc: &mut Pymalloc) -> COwned {
        self.end_run();
        self.pins.sort_unstable_by_key(|pin| (pin.block, pin.object));
        self.pins.dedup_by_key(|pin| pin.block);
        let mut owned: Vec<Owned> = self
            .counts
            .into_iter()
            .map(|(key, [objects, buffers])| Owned {
                type_: TypeId((key >> 19) as u32),
                block_bytes: (key >> 3) as u16,
                objects,
                buffers,
            })
            .collect();
        owned.sort_unstable_by_key(|row| (row.type_, row.block_bytes));
        (pymalloc.owned, pymalloc.pins) = (owned, self.pins);
        self.loose.finish()
    }
}
