//! Whose blocks the pools hold: counted while the objects are written.

use memsight_model::{Address, COwned, Fault, ObjectId, Owned, Pin, Pymalloc, ReadMemory, TypeId};

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

    /// The block that holds `at`: its first byte, its size, and whether its pool is sparse.
    fn block(&self, at: Address) -> Option<(Address, u16, bool)> {
        let row = *self.rows.get(&((at.0 / self.pymalloc.pool_bytes.max(1)) << 3))?;
        let pool = self.pymalloc.pools.get((row & !SPARSE) as usize)?;
        let within = at.0.checked_sub(pool.address.0 + Pymalloc::POOL_HEAD)?;
        let number = within / u64::from(pool.block_bytes);
        let start = pool.address.0 + Pymalloc::POOL_HEAD + number * u64::from(pool.block_bytes);
        let inside = number < u64::from(pool.capacity);
        inside.then_some((Address(start), pool.block_bytes, row & SPARSE != 0))
    }
}

/// Blocks counted by one worker.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    /// Objects and buffers, by type and size (`type << 16 | bytes`).
    counts: AddressMap<[u64; 2]>,
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
        if !self.take(pools, at, Holds::Object, id, type_) {
            let start = at.at(-(info.preheader(decoder.layout.minor) as i64));
            self.loose.take(decoder.memory, start, (id, type_), false);
        }
        if info.buffer == Buffer::Mmap {
            // data 16, size 24
            self.loose.mapping(id, decoder.memory.pointer(at.at(16))?, decoder.memory.word(at.at(24))?);
        }
        buffers::each(decoder, at, info, &mut |buffer| {
            if !buffer.is_null() && !self.take(pools, buffer, Holds::Buffer, id, type_) {
                self.loose.take(decoder.memory, buffer, (id, type_), true);
            }
        })
    }

    fn take(&mut self, pools: &PoolIndex, at: Address, holds: Holds, object: ObjectId, type_: TypeId) -> bool {
        let Some((block, bytes, sparse)) = pools.block(at) else { return false };
        // Shifted, for the hash of addresses leaves out the lowest bits.
        let key = (u64::from(type_.0) << 16 | u64::from(bytes)) << 3;
        if let Some(count) = self.counts.entry(key).or_default().get_mut(holds as usize) {
            *count += 1;
        }
        if sparse {
            self.pins.push(Pin { block, object });
        }
        true
    }

    /// Adds another worker's.
    pub fn join(&mut self, other: Blocks) {
        for (key, counts) in other.counts {
            let sum = self.counts.entry(key).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.pins.extend(other.pins);
        self.loose.join(other.loose);
    }

    /// Puts the counts into the account; what is left is in the C heap.
    pub fn finish(mut self, pymalloc: &mut Pymalloc) -> COwned {
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
