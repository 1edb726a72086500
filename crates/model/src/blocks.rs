//! Blocks of memory that an allocator has handed out, as a list that can be searched.

use std::ops::Range;

use crate::{Address, ObjectId, Sizes};

/// Blocks in use, ascending, none overlapping another. Cost: 12 bytes a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    starts: Vec<u64>,
    bytes: Sizes,
    /// The allocator behind `malloc` is none that is looked into: its blocks are not here.
    pub unread: bool,
}

impl Blocks {
    /// Of blocks in any order: first byte that the program got, and bytes that the block takes up to the next one. What
    /// overlaps the block before it is left out, as are empty ones.
    pub fn new(mut all: Vec<(u64, u64)>) -> Blocks {
        all.sort_unstable();
        let mut blocks =
            Blocks { starts: Vec::with_capacity(all.len()), bytes: Sizes::with_capacity(all.len()), unread: false };
        let mut end = 0;
        for (start, bytes) in all {
            match start.checked_add(bytes) {
                Some(next) if start >= end && bytes > 0 && blocks.len() < u32::MAX as usize => {
                    blocks.starts.push(start);
                    blocks.bytes.push(bytes);
                    end = next;
                }
                _ => {}
            }
        }
        blocks
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The number of the block that holds `at`. Cost: a binary search.
    pub fn find(&self, at: Address) -> Option<usize> {
        let number = self.starts.partition_point(|start| *start <= at.0).checked_sub(1)?;
        self.get(number).filter(|block| at.0 < block.end).map(|_| number)
    }

    /// The block that holds `at`: first byte, and bytes. Cost: a binary search.
    pub fn holding(&self, at: Address) -> Option<(Address, u64)> {
        let block = self.get(self.find(at)?)?;
        Some((Address(block.start), block.end - block.start))
    }

    /// The addresses of a block, by number.
    pub fn get(&self, number: usize) -> Option<Range<u64>> {
        let start = *self.starts.get(number)?;
        Some(start..start.saturating_add(self.bytes.get(ObjectId(number as u32))))
    }

    /// All blocks.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        (0..self.len()).filter_map(|number| self.get(number))
    }

    /// From the first byte of the first to the last of the last.
    pub fn span(&self) -> Range<u64> {
        let end = self.len().checked_sub(1).and_then(|last| self.get(last)).map_or(0, |block| block.end);
        self.starts.first().copied().unwrap_or(0)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_blocks() {
        let blocks = Blocks::new(vec![(0x2000, 0x100), (0x1000, 0x20), (0x1020, 0x30), (0x2080, 0x10), (0x3000, 0)]);
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [0x1000..0x1020, 0x1020..0x1050, 0x2000..0x2100]);
        assert_eq!(blocks.find(Address(0x1020)), Some(1));
        assert_eq!(blocks.find(Address(0x104f)), Some(1));
        assert_eq!(blocks.find(Address(0x1050)), None);
        assert_eq!(blocks.find(Address(0)), None);
        assert_eq!(blocks.span(), 0x1000..0x2100);
        assert_eq!(Blocks::new(vec![(u64::MAX, 2), (7, 5 << 32)]).find(Address(4 << 32)), Some(0));
    }
}
