//! Births: which lines made the objects that are alive, as a recorder in the process has seen it.

use crate::{Address, NameId, ObjectId};

/// What a recorder in the process had told when its heap was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct RecorderNote {
    /// Bytes between samples in the mean; 0 where every allocation was recorded.
    pub sample_bytes: u64,
    /// Since when, in nanoseconds since 1970: of what was made before nothing is known.
    pub since_ns: u64,
    /// Events that were lost up to the look.
    pub lost_events: u64,
    /// Why there are no births, in words, where something was in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A block of an object whose allocation was recorded, and who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// The object.
    pub object: ObjectId,
    /// Number of the newest frame then, a row of [`crate::Snapshot::birth_frames`] counted from 1; 0 where no Python code ran.
    pub frame: u32,
    /// The bytes that were asked for, and in the highest bit whether it is a buffer.
    word: u64,
}

const BUFFER: u64 = 1 << 63;

impl Birth {
    /// Of the block that the object itself is in, or of one that it owns besides: items of a list, a table, characters.
    pub fn new(object: ObjectId, frame: u32, bytes: u64, is_buffer: bool) -> Birth {
        Birth { object, frame, word: bytes.min(BUFFER - 1) | if is_buffer { BUFFER } else { 0 } }
    }

    /// The bytes that were asked for.
    pub fn bytes(self) -> u64 {
        self.word & !BUFFER
    }

    /// Whether it is not the object itself, but what it owns.
    pub fn is_buffer(self) -> bool {
        self.word & BUFFER != 0
    }
}

/// A frame on those that called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BirthFrame {
    /// Number of its caller, which is smaller than its own; 0 for none.
    pub caller: u32,
    /// Qualified name of its function (up to 3.10 its name).
    pub function: NameId,
    /// Source file.
    pub file: NameId,
    /// Line, 0 when unknown.
    pub line: u32,
}

/// A block that was live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveBlock {
    /// Where it begins.
    pub address: Address,
    /// The bytes that were asked for.
    pub bytes: u64,
    /// Number of the newest frame that allocated it; 0 for none.
    pub frame: u32,
}

/// Blocks that were live at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LiveBlocks(Vec<LiveBlock>);

impl LiveBlocks {
    /// In any order. Cost: they are sorted.
    pub fn new(mut blocks: Vec<LiveBlock>) -> LiveBlocks {
        blocks.sort_unstable();
        LiveBlocks(blocks)
    }

    /// The block that holds an address. Cost: a search.
    pub fn holding(&self, at: Address) -> Option<LiveBlock> {
        let next = self.0.partition_point(|block| block.address <= at);
        let block = *self.0.get(next.checked_sub(1)?)?;
        (at.0 - block.address.0 < block.bytes.max(1)).then_some(block)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_bytes_alone() {
        let block = |address, bytes| LiveBlock { address: Address(address), bytes, frame: 1 };
        let blocks = LiveBlocks::new(vec![block(96, 16), block(32, 0), block(64, 32)]);
        let start = |at| blocks.holding(Address(at)).map(|block| block.address.0);
        assert_eq!(
            [0, 32, 33, 64, 95, 96, 111, 112].map(start),
            [None, Some(32), None, Some(64), Some(64), Some(96), Some(96), None]
        );
    }

    #[test]
    fn a_birth_keeps_bytes_and_part() {
        let birth = Birth::new(ObjectId(3), 7, 100, true);
        assert_eq!((birth.bytes(), birth.is_buffer()), (100, true));
        assert!(!Birth::new(ObjectId(3), 7, u64::MAX, false).is_buffer());
    }
}
