//! Where the record of a page is: a hash table of blocks of 256 pages, made once, read without a lock.

use crate::sys::PAGE;

/// Pages of a block, which is 1 MiB of the target's memory.
pub(crate) const BLOCK_PAGES: usize = 256;
pub(crate) const BLOCK_BITS: u32 = 20;

/// What is known of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Not looked at when the copy was made.
    Unknown,
    /// All zeros.
    Zero,
    /// It could not be read.
    Unreadable,
    /// Its record is at `offset` of chunk `chunk`.
    Packed { chunk: u32, offset: u32 },
}

const OFFSET_BITS: u32 = 24;
const RECORDS: u64 = 3;

impl Entry {
    fn raw(self) -> u64 {
        match self {
            Entry::Unknown => 0,
            Entry::Zero => 1,
            Entry::Unreadable => 2,
            Entry::Packed { chunk, offset } => RECORDS + (u64::from(chunk) << OFFSET_BITS | u64::from(offset)),
        }
    }

    #[inline]
    fn from_raw(raw: u64) -> Entry {
        match raw {
            0 => Entry::Unknown,
            1 => Entry::Zero,
            2 => Entry::Unreadable,
            _ => {
                let place = raw - RECORDS;
                Entry::Packed {
                    chunk: (place >> OFFSET_BITS) as u32,
                    offset: (place & ((1 << OFFSET_BITS) - 1)) as u32,
                }
            }
        }
    }
}

/// The pages of 1 MiB.
#[derive(Debug)]
pub(crate) struct Block {
    number: u64,
    entries: [u64; BLOCK_PAGES],
}

impl Block {
    /// The block of the address, nothing known yet.
    pub fn of(at: u64) -> Block {
        Block { number: at >> BLOCK_BITS, entries: [0; BLOCK_PAGES] }
    }

    /// Notes what the page of `at`, which lies in this block, is.
    pub fn set(&mut self, at: u64, entry: Entry) {
        self.entries[page_of(at)] = entry.raw();
    }
}

/// The number of the block that an address lies in.
#[inline]
pub(crate) fn block_number(at: u64) -> u64 {
    at >> BLOCK_BITS
}

#[inline]
fn page_of(at: u64) -> usize {
    (at / PAGE) as usize % BLOCK_PAGES
}

/// All blocks.
#[derive(Debug, Default)]
pub(crate) struct PageTable {
    blocks: Vec<Block>,
    /// Open addressing: the number of a block and its place, at most half full.
    slots: Vec<(u64, u32)>,
    shift: u32,
}

const NOBODY: u64 = u64::MAX;

impl PageTable {
    /// A table of `blocks`, each with a number of its own.
    pub fn new(blocks: Vec<Block>) -> PageTable {
        let bits = (2 * blocks.len()).max(2).next_power_of_two().trailing_zeros();
        let mut table = PageTable { blocks, slots: vec![(NOBODY, 0); 1 << bits], shift: 64 - bits };
        for place in 0..table.blocks.len() {
            let number = table.blocks[place].number;
            let mut at = table.home(number);
            while table.slots[at].0 != NOBODY {
                at = (at + 1) % table.slots.len();
            }
            table.slots[at] = (number, place as u32);
        }
        table
    }

    /// Numbers of the blocks that hold bytes other than zero, ascending.
    pub fn populated(&self) -> Vec<u64> {
        let holds =
            |block: &&Block| block.entries.iter().any(|entry| matches!(Entry::from_raw(*entry), Entry::Packed { .. }));
        let mut numbers: Vec<u64> = self.blocks.iter().filter(holds).map(|block| block.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// What is known of the page of `at`. Cost: usually two cache lines.
    #[inline]
    pub fn find(&self, at: u64) -> Entry {
        self.block(at).map_or(Entry::Unknown, |block| Entry::from_raw(block.entries[page_of(at)]))
    }

    /// Whether nothing is known of any page of the block of `at`.
    pub fn is_unknown(&self, at: u64) -> bool {
        self.block(at).is_none()
    }

    #[inline]
    fn block(&self, at: u64) -> Option<&Block> {
        let number = block_number(at);
        let mut slot = self.home(number);
        while let Some(&(owner, place)) = self.slots.get(slot) {
            if owner == number {
                return self.blocks.get(place as usize);
            }
            if owner == NOBODY {
                break;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// Bytes that the table takes.
    pub fn bytes(&self) -> u64 {
        (size_of_val(self.blocks.as_slice()) + size_of_val(self.slots.as_slice())) as u64
    }

    #[inline]
    fn home(&self, number: u64) -> usize {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_comes_back_and_others_are_unknown() {
        let chunk = u32::MAX;
        let kinds = [Entry::Zero, Entry::Unreadable, Entry::Packed { chunk, offset: (1 << 21) - 1 }, Entry::Unknown];
        let address = |i: u64| (0x7f00_0000_0000 + i * 0x4_0030_0000) & !(PAGE - 1);
        let blocks = (0..100).map(|i| {
            let mut block = Block::of(address(i));
            block.set(address(i), kinds[i as usize % 4]);
            block
        });
        let table = PageTable::new(blocks.collect());
        for i in 0..100 {
            assert_eq!(table.find(address(i)), kinds[i as usize % 4]);
            assert_eq!(table.find(address(i) + PAGE), Entry::Unknown);
        }
        assert_eq!(table.find(0), Entry::Unknown);
        assert_eq!(table.find(u64::MAX), Entry::Unknown);
        assert_eq!(PageTable::default().find(4096), Entry::Unknown);
    }
}
