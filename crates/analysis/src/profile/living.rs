//! The blocks that are live after some events, each with its stack: what is joined to the objects of a heap.

use memsight_model::trace::Event;
use memsight_model::{Address, LiveBlock, LiveBlocks};

use super::blocks::{Block, Blocks};

/// Reads events in one pass. Memory: an entry for each block that is live.
#[derive(Debug, Default)]
pub struct Living {
    blocks: Blocks,
}

impl Living {
    /// The next event.
    #[inline]
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Allocated { address, bytes, stack, .. } => {
                // (that of a free which never came is not live, and nobody's here)
                let _ = self.blocks.allocated(address, Block { bytes, row: stack, ordinal: 0 });
            }
            Event::Freed(address) => _ = self.blocks.freed(address),
            Event::Thread(_) | Event::Time(_) | Event::Ending | Event::Resident(_) => {}
        }
    }

    /// What is live, with the numbers of frames as `frame` gives them.
    pub fn into_blocks(self, frame: impl Fn(u32) -> u32) -> LiveBlocks {
        let block = |(address, block): (u64, Block)| LiveBlock {
            address: Address(address),
            bytes: block.bytes,
            frame: frame(block.row),
        };
        LiveBlocks::new(self.blocks.live().map(block).collect())
    }
}
