//! Pages of mimalloc: blocks of one size, and the lists of those that are free.

use std::collections::HashSet;
use std::ops::Range;

use memsight_model::{Address, ReadMemory};

use super::statics::Scene;
use super::tally::{Kind, Tally};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// All of it, with what stands in front of its blocks.
    pub range: Range<u64>,
    /// Where the blocks begin.
    pub first: u64,
    pub block_bytes: u64,
    /// Blocks that were ever there for use.
    pub capacity: u64,
    /// Blocks in use, those on the list of other threads included.
    pub used: u64,
    /// Heads of the lists of free blocks: its own, one put off, and that of other threads.
    pub lists: [u64; 3],
    /// Which of the lists is that of other threads.
    pub thread_list: usize,
    /// What the links are mixed with, in builds that guard them.
    pub keys: Option<(u64, u64)>,
    /// What stands for the end of a list there.
    pub null: u64,
}

impl Page {
    fn fits(&self) -> bool {
        let blocks = self.block_bytes.checked_mul(self.capacity);
        let end = blocks.and_then(|bytes| self.first.checked_add(bytes));
        let inside = self.first >= self.range.start && end.is_some_and(|end| end <= self.range.end);
        self.block_bytes >= 8 && self.block_bytes.is_multiple_of(8) && inside && self.used <= self.capacity
    }

    /// The free blocks, if they are as many as the page says.
    fn free<M: ReadMemory>(&self, scene: &Scene<'_, M>) -> Option<HashSet<u64>> {
        let mut free = HashSet::new();
        let mut of_others = 0;
        for (number, head) in self.lists.iter().enumerate() {
            let before = free.len();
            self.follow(scene, *head, &mut free)?;
            of_others += if number == self.thread_list { (free.len() - before) as u64 } else { 0 };
        }
        let own = free.len() as u64 - of_others;
        // up to 2.0 blocks put off count as used, too
        let counted = self.used + own;
        (counted == self.capacity).then_some(free)
    }

    fn follow<M: ReadMemory>(&self, scene: &Scene<'_, M>, mut at: u64, free: &mut HashSet<u64>) -> Option<()> {
        while at != 0 {
            let within = at.checked_sub(self.first)?;
            let is_block = within.is_multiple_of(self.block_bytes) && within / self.block_bytes < self.capacity;
            if !is_block || !free.insert(at) {
                return None;
            }
            let link = scene.memory.word(Address(at)).ok()?;
            at = match self.keys {
                None => link,
                // mi_ptr_decode
                Some((rotation, mask)) => {
                    let plain = link.wrapping_sub(rotation).rotate_right((rotation & 63) as u32) ^ mask;
                    if plain == self.null { 0 } else { plain }
                }
            };
        }
        Some(())
    }
}

/// Adds a page; whether it is what it says. One that is not counts as not to be told apart.
pub(super) fn add<M: ReadMemory>(scene: &Scene<'_, M>, tally: &mut Tally<'_>, page: &Page) -> bool {
    let Range { start, end } = page.range;
    let fits = page.fits() && scene.afford(page.capacity);
    let Some(free) = fits.then(|| page.free(scene)).flatten() else {
        tally.piece(Kind::Unread, start, end - start);
        return false;
    };
    tally.rest(Kind::Overhead, start, page.first - start);
    let blocks = (page.first..).step_by(page.block_bytes as usize).take(page.capacity as usize);
    for block in blocks {
        let kind = if free.contains(&block) { Kind::Free } else { Kind::Used };
        tally.piece(kind, block, page.block_bytes);
    }
    let stop = page.first + page.block_bytes * page.capacity;
    tally.rest(Kind::Free, stop, end - stop);
    true
}
