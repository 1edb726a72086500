//! Where blocks are, whichever allocator gave them out.

use memsight_model::{Address, Pymalloc, ReadMemory};

/// Blocks of one size side by side: a pool of pymalloc, a page of mimalloc, a single block of the C heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first block.
    pub start: Address,
    /// Bytes of a block.
    pub bytes: u32,
    /// Blocks that were ever given out.
    pub count: u32,
    /// Of them those in use.
    pub used: u32,
    /// Where the lists of free blocks are headed: each block begins with the address of the next.
    pub free: [Address; 3],
    /// Bytes at the beginning and at the end of a block that debug hooks take for themselves.
    pub hooks: (u32, u32),
}

impl Run {
    /// A block in use that stands alone.
    #[allow(dead_code, reason = "the C heap's blocks are told by whoever has walked it")]
    pub fn single(start: Address, bytes: u32) -> Run {
        Run { start, bytes, count: 1, used: 1, free: [Address::NULL; 3], hooks: (0, 0) }
    }

    /// The pools of pymalloc.
    pub fn of_pools<M: ReadMemory>(memory: &M, pymalloc: &Pymalloc, hooked: bool) -> Vec<Run> {
        /// `freeblock` in a `struct pool_header` (`Include/internal/pycore_obmalloc.h`).
        const FREE: i64 = 8;
        /// In front a size, the letter of a domain and marks; behind marks (`Objects/obmalloc.c`, `PYMEM_DEBUG_EXTRA_BYTES`).
        const HOOKS: (u32, u32) = (16, 8);
        let run = |pool: &memsight_model::Pool| {
            let start = pool.address.checked_add(Pymalloc::POOL_HEAD)?;
            let count = u32::from(pool.capacity.saturating_sub(pool.fresh));
            let free = memory.pointer(pool.address.at(FREE)).unwrap_or_default();
            Some(Run {
                start,
                bytes: pool.block_bytes.into(),
                count,
                used: pool.used.into(),
                free: [free, Address::NULL, Address::NULL],
                hooks: if hooked { HOOKS } else { (0, 0) },
            })
        };
        pymalloc.pools.iter().filter(|pool| pool.block_bytes > 0).filter_map(run).collect()
    }

    /// Start and end of what the program has of each block that was ever given out.
    pub fn blocks(&self) -> impl Iterator<Item = (Address, Address)> + use<> {
        let Run { start, bytes, count, hooks: (front, behind), .. } = *self;
        let all = (0..u64::from(count)).map_while(move |index| start.checked_add(index * u64::from(bytes)));
        all.filter_map(move |at| {
            let end = at.checked_add(bytes.checked_sub(behind)?.into())?;
            let start = at.checked_add(front.into())?;
            (start < end).then_some((start, end))
        })
    }

    /// The last word of the last block.
    pub fn last_word(&self) -> Address {
        let bytes = u64::from(self.bytes) * u64::from(self.count);
        Address(self.start.0.saturating_add(bytes.saturating_sub(8)))
    }

    /// The free ones among [`Run::blocks`], ascending.
    pub fn free_blocks<M: ReadMemory>(&self, memory: &M) -> Vec<Address> {
        let mut free = Vec::new();
        for head in self.free {
            let mut at = head;
            for _ in 0..self.count {
                let within =
                    at.0.checked_sub(self.start.0).filter(|within| *within <= self.last_word().0 - self.start.0);
                let Some(within) = within.filter(|within| within % u64::from(self.bytes) == 0) else { break };
                let start = self.start.0 + within;
                free.push(Address(start.saturating_add(self.hooks.0.into())));
                let Ok(next) = memory.pointer(at) else { break };
                at = next;
            }
        }
        free.sort_unstable();
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memsight_model::Fault;

    /// Words from 0x1000 on.
    struct Words(Vec<u64>);

    impl ReadMemory for Words {
        fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
            let bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
            let start = at.0.checked_sub(0x1000).ok_or(Fault { at, len: out.len() })? as usize;
            let found = bytes.get(start..start + out.len()).ok_or(Fault { at, len: out.len() })?;
            out.copy_from_slice(found);
            Ok(())
        }
        fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
            (0..count).try_for_each(|index| self.word(at.at(8 * index as i64)).map(|word| out.push(word)))
        }
    }

    #[test]
    fn free_blocks_are_told_by_their_lists() {
        // Four blocks of 32 bytes: the third leads to the first, which ends the list.
        let mut words = vec![0; 16];
        words[8] = 0x1000;
        let run =
            Run { free: [Address(0x1040), Address::NULL, Address::NULL], used: 2, ..Run::single(Address(0x1000), 32) };
        let run = Run { count: 4, ..run };
        assert_eq!(run.free_blocks(&Words(words.clone())), [Address(0x1000), Address(0x1040)]);
        assert_eq!(run.blocks().last(), Some((Address(0x1060), Address(0x1080))));
        // A list that leads in a circle or out of the run ends.
        words[0] = 0x1040;
        assert_eq!(run.free_blocks(&Words(words.clone())).len(), 4);
        words[0] = 0x9000;
        assert_eq!(run.free_blocks(&Words(words)).len(), 2);
    }
}
