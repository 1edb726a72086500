//! The blocks that are live, by address.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Events after which the free of a block whose address was given out again is no longer expected: threads are never that far
/// apart, so it was lost.
const PATIENCE: u64 = 1 << 22;

/// A block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub bytes: u64,
    pub row: u32,
    /// Which allocation of its thread it was; counted on from 0 after 2^32, which few blocks outlive.
    pub ordinal: u32,
}

/// Spreads numbers whose low bits are alike, as those of addresses: the multiplier is 2^64 by the golden ratio.
#[derive(Debug, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        // (the map takes the lowest bits for the place, the highest for a tag)
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The blocks that are live.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    live: HashMap<u64, Block, BuildHasherDefault<Mix>>,
    /// Blocks whose free is still to come though their address was given out again: another thread told of that first. The
    /// oldest of an address first.
    older: HashMap<u64, VecDeque<(u64, Block)>, BuildHasherDefault<Mix>>,
    /// When each of `older` came there, by number of event, and its address; some of them are gone from there.
    order: VecDeque<(u64, u64)>,
    events: u64,
}

impl Blocks {
    /// A block was allocated. Gives one whose free was waited for in vain.
    pub fn allocated(&mut self, address: u64, block: Block) -> Option<Block> {
        self.events += 1;
        if let Some(older) = self.live.insert(address, block) {
            self.older.entry(address).or_default().push_back((self.events, older));
            self.order.push_back((self.events, address));
        }
        let (since, address) = *self.order.front()?;
        if self.events - since < PATIENCE {
            return None;
        }
        self.order.pop_front();
        let waits = self.older.get(&address).and_then(VecDeque::front).is_some_and(|(oldest, _)| *oldest == since);
        if waits { self.take_older(address) } else { None }
    }

    /// A block was given back; `None`: it was not known.
    pub fn freed(&mut self, address: u64) -> Option<Block> {
        self.events += 1;
        if !self.older.is_empty()
            && let Some(block) = self.take_older(address)
        {
            return Some(block);
        }
        self.live.remove(&address)
    }

    /// Blocks whose free never came: their address was given out again.
    pub fn lost(&mut self) -> impl Iterator<Item = Block> {
        self.order.clear();
        std::mem::take(&mut self.older).into_values().flatten().map(|(_, block)| block)
    }

    fn take_older(&mut self, address: u64) -> Option<Block> {
        let blocks = self.older.get_mut(&address)?;
        let block = blocks.pop_front().map(|(_, block)| block);
        if blocks.is_empty() {
            self.older.remove(&address);
            if self.older.is_empty() {
                self.order.clear();
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: u64) -> Block {
        Block { bytes, row: 0, ordinal: 0 }
    }

    #[test]
    fn the_oldest_block_of_an_address_goes_first() {
        let mut blocks = Blocks::default();
        for bytes in [1, 2, 3] {
            assert_eq!(blocks.allocated(64, block(bytes)), None);
        }
        assert_eq!(blocks.freed(64), Some(block(1)));
        assert_eq!(blocks.freed(64), Some(block(2)));
        assert_eq!(blocks.freed(64), Some(block(3)));
        assert_eq!(blocks.freed(64), None);
        assert_eq!(blocks.lost().count(), 0);
    }

    #[test]
    fn a_free_that_was_lost_is_not_waited_for_for_ever() {
        let mut blocks = Blocks::default();
        blocks.allocated(64, block(1));
        blocks.allocated(64, block(2));
        for n in 0..PATIENCE - 2 {
            assert_eq!(blocks.freed(n * 16 + 1), None);
        }
        assert_eq!(blocks.allocated(80, block(3)), None);
        assert_eq!(blocks.allocated(96, block(4)), Some(block(1)));
        assert_eq!(blocks.freed(64), Some(block(2)));
    }
}
