//! A bit for every 8 bytes of memory that may hold objects: which addresses are objects, and their numbers.
//!
//! Memory is cut in chunks of 1 MiB; only chunks that a region touches have bits. The number of an object is the
//! number of marked bits before its own (rank), so ids follow addresses and no hash table of objects is needed:
//! 1/64 of the image for a plane of bits and 1/16 of that for the ranks.

use std::sync::atomic::{AtomicU64, Ordering};

use memsight_model::{Address, Region};

const CHUNK_SHIFT: u32 = 20;
/// Bytes of a chunk.
pub(crate) const CHUNK: u64 = 1 << CHUNK_SHIFT;
const WORDS_PER_CHUNK: usize = 1 << (CHUNK_SHIFT - 3 - 6);
/// Chunks looked at in a memory that cannot tell what it holds.
const BLIND_CHUNKS: usize = 1 << 11;
/// Words between two stored ranks.
const RANK_WORDS: usize = 8;

/// The map from addresses to bits.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Chunk numbers (`address >> 20`), ascending.
    chunks: Vec<u64>,
    /// Open-addressed table over `chunks`: index + 1, 0 for empty.
    table: Vec<u32>,
    shift: u32,
}

/// The position of an address in every plane of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub usize);

impl Slots {
    /// Slots for the writable, private memory of a process: where CPython's objects can be. `populated` are the chunks
    /// that hold bytes; without it no more than the first [`BLIND_CHUNKS`] are looked at.
    pub fn new(regions: &[Region], populated: Option<&[u64]>) -> Slots {
        let mut chunks: Vec<u64> = Vec::new();
        for region in regions.iter().filter(|region| region.write && region.read && !region.shared) {
            let (first, last) = (region.start.0 >> CHUNK_SHIFT, region.end.0.saturating_sub(1) >> CHUNK_SHIFT);
            match populated {
                Some(all) => {
                    let start = all.partition_point(|chunk| *chunk < first);
                    chunks.extend(all[start..].iter().take_while(|chunk| **chunk <= last));
                }
                None => chunks.extend((first..=last).take(BLIND_CHUNKS.saturating_sub(chunks.len()))),
            }
        }
        chunks.sort_unstable();
        chunks.dedup();
        let bits = (2 * chunks.len().max(1)).next_power_of_two().trailing_zeros().max(4);
        let mut slots = Slots { table: vec![0; 1 << bits], shift: 64 - bits, chunks };
        for index in 0..slots.chunks.len() {
            let mut at = slots.hash(slots.chunks[index]);
            while slots.table[at] != 0 {
                at = (at + 1) & (slots.table.len() - 1);
            }
            slots.table[at] = index as u32 + 1;
        }
        slots
    }

    fn hash(&self, chunk: u64) -> usize {
        (chunk.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// The slot of an address; `None` outside of the regions or when not a multiple of 8.
    #[inline]
    pub fn slot(&self, address: Address) -> Option<Slot> {
        if address.0 & 7 != 0 {
            return None;
        }
        let chunk = address.0 >> CHUNK_SHIFT;
        let mut at = self.hash(chunk);
        loop {
            let index = self.table[at].checked_sub(1)? as usize;
            if self.chunks[index] == chunk {
                let inside = (address.0 & ((1 << CHUNK_SHIFT) - 1)) >> 3;
                return Some(Slot((index << (CHUNK_SHIFT - 3)) + inside as usize));
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    /// The address of a slot.
    pub fn address(&self, slot: Slot) -> Address {
        let chunk = self.chunks[slot.0 >> (CHUNK_SHIFT - 3)];
        let inside = (slot.0 & ((1 << (CHUNK_SHIFT - 3)) - 1)) as u64;
        Address((chunk << CHUNK_SHIFT) + (inside << 3))
    }

    /// The slots from one address to another. Either may lie where there are none: what a linker calls writable begins with
    /// what the loader has made read-only.
    pub fn between(&self, start: Address, end: Address) -> std::ops::Range<usize> {
        let place = |address: Address| {
            let chunk = address.0 >> CHUNK_SHIFT;
            let index = self.chunks.partition_point(|known| *known < chunk);
            let inside =
                if self.chunks.get(index) == Some(&chunk) { (address.0 & ((1 << CHUNK_SHIFT) - 1)) >> 3 } else { 0 };
            (index << (CHUNK_SHIFT - 3)) + inside as usize
        };
        let (first, last) = (place(start), place(end));
        first..last.max(first)
    }

    /// Bytes from one address to another that have slots.
    pub fn bytes_between(&self, start: Address, end: Address) -> u64 {
        8 * self.between(start, end).len() as u64
    }

    /// Number of chunks of 1 MiB.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Words of memory that have slots.
    pub fn words(&self) -> u64 {
        (self.chunks.len() as u64) << (CHUNK_SHIFT - 3)
    }

    /// The chunk of a slot.
    pub fn chunk_of(slot: Slot) -> usize {
        slot.0 >> (CHUNK_SHIFT - 3)
    }

    /// The slots of a range of chunks.
    pub fn slots_of(chunks: std::ops::Range<usize>) -> std::ops::Range<usize> {
        chunks.start << (CHUNK_SHIFT - 3)..chunks.end << (CHUNK_SHIFT - 3)
    }

    /// An empty plane of bits.
    pub fn plane(&self) -> Bits {
        Bits { words: vec![0; self.chunks.len() * WORDS_PER_CHUNK] }
    }
}

/// A plane of bits over [`Slots`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Sets a bit; whether it was clear before.
    #[inline]
    pub fn set(&mut self, slot: Slot) -> bool {
        let (word, bit) = (&mut self.words[slot.0 >> 6], 1 << (slot.0 & 63));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// Clears a bit.
    #[inline]
    pub fn clear(&mut self, slot: Slot) {
        self.words[slot.0 >> 6] &= !(1 << (slot.0 & 63));
    }

    /// Whether a bit is set.
    #[inline]
    pub fn get(&self, slot: Slot) -> bool {
        self.words[slot.0 >> 6] >> (slot.0 & 63) & 1 == 1
    }

    /// Set bits in a range of slots whose ends are multiples of 64, ascending.
    pub fn ones(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Slot> + '_ {
        Bits::ones_of([self], range)
    }

    /// Bits set in any of some planes.
    pub fn ones_of<const N: usize>(
        planes: [&Bits; N],
        range: std::ops::Range<usize>,
    ) -> impl Iterator<Item = Slot> + use<'_, N> {
        (range.start >> 6..range.end >> 6).flat_map(move |index| {
            let mut word = planes.iter().fold(0, |sum, plane| sum | plane.words[index]);
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(Slot((index << 6) + bit))
            })
        })
    }

    /// Number of set bits in a range of slots whose ends are multiples of 64.
    pub fn count(&self, range: std::ops::Range<usize>) -> usize {
        self.words[range.start >> 6..range.end >> 6].iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds the bits of another plane.
    pub fn merge(&mut self, other: Bits) {
        if self.words.is_empty() {
            *self = other;
            return;
        }
        // Pages of a plane that nobody wrote to take no memory: they stay so.
        for (word, more) in self.words.iter_mut().zip(&other.words).filter(|(_, more)| **more != 0) {
            *word |= more;
        }
    }

    /// Fixes the numbers of the set bits.
    pub fn ranked(self) -> Ranks {
        let mut before = Vec::with_capacity(self.words.len() / RANK_WORDS + 1);
        let mut count = 0u32;
        for block in self.words.chunks(RANK_WORDS) {
            before.push(count);
            count += block.iter().map(|word| word.count_ones()).sum::<u32>();
        }
        Ranks { bits: self, before, count }
    }
}

/// A plane that several threads mark at once.
#[derive(Debug)]
pub(crate) struct SharedBits {
    words: Vec<AtomicU64>,
}

impl SharedBits {
    /// Starts with the bits of some planes.
    pub fn union<const N: usize>(planes: [&Bits; N]) -> SharedBits {
        let words = 0..planes.first().map_or(0, |plane| plane.words.len());
        let union = |index: usize| planes.iter().fold(0, |sum, plane| sum | plane.words[index]);
        SharedBits { words: words.map(|index| AtomicU64::new(union(index))).collect() }
    }

    /// Sets a bit; whether it was clear before: exactly one thread is told so.
    #[inline]
    pub fn set(&self, slot: Slot) -> bool {
        let bit = 1 << (slot.0 & 63);
        self.words[slot.0 >> 6].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Whether a bit is set.
    #[inline]
    pub fn get(&self, slot: Slot) -> bool {
        self.words[slot.0 >> 6].load(Ordering::Relaxed) >> (slot.0 & 63) & 1 == 1
    }

    /// Bits set from one slot to another, both included.
    pub fn count(&self, first: Slot, last: Slot) -> u32 {
        let (from, to) = (first.0 >> 6, last.0 >> 6);
        let words = self.words.get(from..=to).unwrap_or_default();
        let masked = |(index, word): (usize, &AtomicU64)| {
            let mut word = word.load(Ordering::Relaxed);
            word &= if index == 0 { u64::MAX << (first.0 & 63) } else { u64::MAX };
            word & if from + index == to { u64::MAX >> (63 - (last.0 & 63)) } else { u64::MAX }
        };
        words.iter().enumerate().map(|each| masked(each).count_ones()).sum()
    }

    /// The plane, when all threads are done.
    pub fn into_bits(self) -> Bits {
        Bits { words: self.words.into_iter().map(AtomicU64::into_inner).collect() }
    }
}

/// A plane of bits that will not change, with the rank of each.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// The bits.
    pub bits: Bits,
    before: Vec<u32>,
    /// Number of set bits.
    pub count: u32,
}

impl Ranks {
    /// The number of set bits before `slot`, when its own is set.
    #[inline]
    pub fn rank(&self, slot: Slot) -> Option<u32> {
        let index = slot.0 >> 6;
        let word = self.bits.words[index];
        if word >> (slot.0 & 63) & 1 == 0 {
            return None;
        }
        let block = index / RANK_WORDS;
        let whole: u32 = self.bits.words[block * RANK_WORDS..index].iter().map(|word| word.count_ones()).sum();
        let below = word & ((1u64 << (slot.0 & 63)) - 1);
        Some(self.before[block] + whole + below.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_addresses() {
        let region = |start, end| Region {
            start: Address(start),
            end: Address(end),
            read: true,
            write: true,
            ..Region::default()
        };
        let slots = Slots::new(&[region(0x40_0000, 0x40_2000), region(0x7fff_0010_0000, 0x7fff_0030_0000)], None);
        let addresses = [0x40_0010u64, 0x40_1ff8, 0x7fff_0010_0000, 0x7fff_002f_fff8].map(Address);
        let mut bits = slots.plane();
        for address in addresses.iter().rev() {
            assert!(bits.set(slots.slot(*address).expect("inside")));
        }
        assert!(!bits.set(slots.slot(addresses[0]).expect("inside")));
        let ranks = bits.ranked();
        for (rank, address) in addresses.iter().enumerate() {
            let slot = slots.slot(*address).expect("inside");
            assert_eq!(ranks.rank(slot), Some(rank as u32));
            assert_eq!(slots.address(slot), *address);
        }
        assert_eq!(slots.slot(Address(0x40_0011)), None);
        assert_eq!(slots.slot(Address(0x50_0000)), None);
        let all: Vec<_> = ranks.bits.ones(Slots::slots_of(0..slots.chunk_count())).map(|s| slots.address(s)).collect();
        assert_eq!(all, addresses);
    }
}
