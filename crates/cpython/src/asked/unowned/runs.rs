//! Where blocks are, whichever allocator gave them out.

use memsight_model::{Address, Blocks, Pool, Pymalloc, ReadMemory};

/// Bytes in front of a block and behind it that debug hooks take: a size, the letter of a domain and marks; marks
/// (`Objects/obmalloc.c`, `PYMEM_DEBUG_EXTRA_BYTES`).
const HOOKS: (u32, u32) = (16, 8);
/// What pymalloc passes on to the C heap passes the hooks of raw memory as well.
const HOOKS_TWICE: (u32, u32) = (32, 16);

/// All blocks that may hold objects.
#[derive(Debug, Default)]
pub(crate) struct Runs<'a> {
    /// Of Python's own allocators.
    pub pools: Vec<Run>,
    /// Of the C heap, each of which is a run of its own.
    pub heap: Option<&'a Blocks>,
    /// Debug hooks stand around every block that Python has.
    pub hooked: bool,
}

impl Runs<'_> {
    /// Runs in shares of this many.
    pub const SHARE: usize = 64;
    /// Blocks of the C heap in shares of this many.
    const HEAP_SHARE: usize = 4096;

    /// How many shares there are for workers to take.
    pub fn shares(&self) -> usize {
        let blocks = self.heap.map_or(0, Blocks::len);
        self.pools.len().div_ceil(Self::SHARE) + blocks.div_ceil(Self::HEAP_SHARE)
    }

    /// Tells the runs of a share.
    pub fn share(&self, number: usize, mut tell: impl FnMut(&Run)) {
        let of_pools = self.pools.len().div_ceil(Self::SHARE);
        if let Some(share) = self.pools.chunks(Self::SHARE).nth(number) {
            share.iter().for_each(tell);
        } else if let (Some(blocks), Some(share)) = (self.heap, number.checked_sub(of_pools)) {
            let first = share * Self::HEAP_SHARE;
            let all = (first..first.saturating_add(Self::HEAP_SHARE)).map_while(|block| blocks.get(block));
            all.filter_map(|block| Run::single(block, self.hooked)).for_each(|run| tell(&run));
        }
    }
}

/// Blocks of one size side by side: a pool of pymalloc, a page of mimalloc, a block of the C heap.
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
    /// Blocks come in few sizes: most are larger than what was asked for.
    pub coarse: bool,
}

impl Run {
    /// A block of the C heap in use; `None` for what no counter holds.
    fn single(block: std::ops::Range<u64>, hooked: bool) -> Option<Run> {
        let bytes = u32::try_from(block.end.checked_sub(block.start)?).ok()?;
        let hooks = if hooked { HOOKS_TWICE } else { (0, 0) };
        Some(Run {
            start: Address(block.start),
            bytes,
            count: 1,
            used: 1,
            free: [Address::NULL; 3],
            hooks,
            coarse: true,
        })
    }

    /// The pools of pymalloc.
    pub fn of_pools<M: ReadMemory>(memory: &M, pymalloc: &Pymalloc, hooked: bool) -> Vec<Run> {
        let hooks = if hooked { HOOKS } else { (0, 0) };
        pymalloc.pools.iter().filter_map(|pool| Run::of_pool(memory, pool, hooks)).collect()
    }

    /// A pool of pymalloc; `None` for one that makes no sense.
    pub fn of_pool<M: ReadMemory>(memory: &M, pool: &Pool, hooks: (u32, u32)) -> Option<Run> {
        /// `freeblock` in a `struct pool_header` (`Include/internal/pycore_obmalloc.h`).
        const FREE: i64 = 8;
        if pool.block_bytes == 0 {
            return None;
        }
        let free = memory.pointer(pool.address.at(FREE)).unwrap_or_default();
        Some(Run {
            start: pool.address.checked_add(Pymalloc::POOL_HEAD)?,
            bytes: pool.block_bytes.into(),
            count: pool.capacity.saturating_sub(pool.fresh).into(),
            used: pool.used.into(),
            free: [free, Address::NULL, Address::NULL],
            hooks,
            coarse: false,
        })
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
    fn every_run_is_in_one_share() {
        let heap = Blocks::new((0..10_000).map(|block| (0x10_0000 + 32 * block, 32)).collect());
        let pool = Run::single(0x1000..0x1020, false).expect("small");
        let runs = Runs { pools: vec![pool; 130], heap: Some(&heap), hooked: true };
        let mut told = Vec::new();
        (0..runs.shares()).for_each(|share| runs.share(share, |run| told.push(*run)));
        assert_eq!(told.len(), 130 + 10_000);
        assert_eq!(told[130].blocks().next(), None);
        assert_eq!(told.last().map(|run| run.start), Some(Address(0x10_0000 + 32 * 9_999)));
    }

    #[test]
    fn free_blocks_are_told_by_their_lists() {
        // Four blocks of 32 bytes: the third leads to the first, which ends the list.
        let mut words = vec![0; 16];
        words[8] = 0x1000;
        let single = Run::single(0x1000..0x1020, false).expect("small");
        let run = Run { free: [Address(0x1040), Address::NULL, Address::NULL], used: 2, count: 4, ..single };
        assert_eq!(run.free_blocks(&Words(words.clone())), [Address(0x1000), Address(0x1040)]);
        assert_eq!(run.blocks().last(), Some((Address(0x1060), Address(0x1080))));
        // A list that leads in a circle or out of the run ends.
        words[0] = 0x1040;
        assert_eq!(run.free_blocks(&Words(words.clone())).len(), 4);
        words[0] = 0x9000;
        assert_eq!(run.free_blocks(&Words(words)).len(), 2);
    }
}
