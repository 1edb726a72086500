//! From an address to the number of its page among those that hold bytes: a hash table of blocks of 1 MiB.

use super::PAGE;

/// The bits of an address within a block.
const BLOCK_BITS: u32 = 20;
const BLOCK_PAGES: u64 = (1 << BLOCK_BITS) / PAGE;

/// The block of an address.
pub(super) fn block_of(at: u64) -> u64 {
    at >> BLOCK_BITS
}

/// Blocks by address. Made once; a question is usually one cache line.
#[derive(Debug)]
pub(super) struct Directory {
    blocks: Vec<u64>,
    /// Open addressing, at most half full: a block and its place in `blocks`.
    slots: Vec<(u64, u32)>,
    shift: u32,
}

const NOBODY: u64 = u64::MAX;

impl Directory {
    /// Of blocks that are ascending and each there once.
    pub fn new(blocks: Vec<u64>) -> Directory {
        let bits = (2 * blocks.len()).max(2).next_power_of_two().trailing_zeros();
        let mut directory = Directory { slots: vec![(NOBODY, 0); 1 << bits], shift: 64 - bits, blocks };
        for (place, &block) in (0..).zip(&directory.blocks) {
            let mut at = home(block, directory.shift);
            while directory.slots[at].0 != NOBODY {
                at = (at + 1) & (directory.slots.len() - 1);
            }
            directory.slots[at] = (block, place);
        }
        directory
    }

    /// All blocks, ascending.
    pub fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// Number of pages, those of the parts of blocks that hold nothing included.
    pub fn pages(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK_PAGES
    }

    /// The number of the page of an address.
    #[inline]
    pub fn page(&self, at: u64) -> Option<u32> {
        let block = block_of(at);
        let mut slot = home(block, self.shift);
        loop {
            let (owner, place) = *self.slots.get(slot)?;
            if owner == block {
                return Some(place * BLOCK_PAGES as u32 + (at / PAGE % BLOCK_PAGES) as u32);
            }
            if owner == NOBODY {
                return None;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

#[inline]
fn home(block: u64, shift: u32) -> usize {
    (block.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
}
