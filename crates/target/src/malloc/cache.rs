//! Chunks that were freed and still look used: the caches of threads (`tcache_perthread_struct`) and the fastbins.
//!
//! A thread's cache is a chunk of a size of its own in the thread's arena: counters, then the heads of its lists. From
//! 2.32 on the links of these lists are stored mixed with their own address (`PROTECT_PTR`).

use std::collections::HashSet;
use std::ops::Range;

use memsight_model::{Address, ReadMemory};

const FASTBINS: u64 = 10;
/// Bytes from a chunk to the block that it is for the program.
const HEAD: u64 = 16;

/// What the versions of glibc do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Lists of a thread's cache; 0: there is none.
    pub lists: u64,
    /// Bytes of the counters in front of them.
    pub counters: u64,
    /// Links are mixed with their address.
    pub mixed: bool,
}

impl Style {
    /// Of glibc 2.`minor`.
    pub fn of(minor: u32) -> Style {
        let (lists, counters) = match minor {
            ..26 => (0, 0),
            26..30 => (64, 64),
            30..42 => (64, 128),
            42.. => (76, 152),
        };
        Style { lists, counters, mixed: minor >= 32 }
    }

    /// Bytes of the chunk that holds a thread's cache.
    pub fn chunk_bytes(&self) -> u64 {
        if self.lists == 0 { 0 } else { (self.counters + 8 * self.lists + 8).next_multiple_of(16) }
    }
}

/// Lists of freed chunks.
pub(super) struct Caches<'a, M> {
    pub memory: &'a M,
    pub style: Style,
    /// Where chunks can be: the heaps of all arenas, ascending.
    pub heaps: &'a [Range<u64>],
    /// Chunks met, each of which is on one list at most.
    pub seen: HashSet<u64>,
}

impl<M: ReadMemory> Caches<'_, M> {
    /// The chunks and sizes that the thread's cache in the chunk at `at` holds; none when that is something else.
    pub fn of_thread(&mut self, at: Address) -> Vec<(u64, u64)> {
        let heads = at.0 + HEAD + self.style.counters;
        let mut lists = Vec::new();
        for list in 0..self.style.lists {
            let Ok(head) = self.memory.word(Address(heads + 8 * list)) else { return Vec::new() };
            // lists of the first 64 hold one size each, the later ones of large chunks several
            let size = (list < 64).then_some(16 * (list + 2));
            if head != 0 && self.chunk(head, size).is_none() {
                return Vec::new();
            }
            lists.push((head, size));
        }
        lists.into_iter().flat_map(|(head, size)| self.follow(head, size, 0)).collect()
    }

    /// The chunks and sizes in the fastbins whose heads are at `at`.
    pub fn fast(&mut self, at: u64) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for bin in 0..FASTBINS {
            let head = self.memory.word(Address(at + 8 * bin)).unwrap_or(0);
            if let Some(first) = head.checked_add(HEAD).filter(|_| head != 0) {
                found.extend(self.follow(first, Some(16 * (bin + 2)), HEAD));
            }
        }
        found
    }

    /// The chunks of a list from the block `at` on, each of which is met once; it ends where it stops making sense. A link
    /// leads so many bytes below the next block: those of fastbins lead to chunks.
    fn follow(&mut self, mut at: u64, size: Option<u64>, below: u64) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        while let Some(bytes) = self.chunk(at, size).filter(|_| self.seen.insert(at)) {
            found.push((at - HEAD, bytes));
            let link = self.memory.word(Address(at)).unwrap_or(0);
            let next = if self.style.mixed { link ^ (at >> 12) } else { link };
            let Some(next) = next.checked_add(below).filter(|_| next != 0) else { break };
            at = next;
        }
        found
    }

    /// The size of the chunk of the block at `at`, when it can be one, and of `size`.
    fn chunk(&self, at: u64, size: Option<u64>) -> Option<u64> {
        let next = self.heaps.partition_point(|heap| heap.start <= at);
        let heap = self.heaps.get(next.checked_sub(1)?)?;
        let bytes = self.memory.word(Address(at.checked_sub(8)?)).ok()? & !7;
        let fits = at.is_multiple_of(16) && at < heap.end && bytes >= 32 && bytes <= heap.end - at + HEAD;
        (fits && size.is_none_or(|size| size == bytes)).then_some(bytes)
    }
}
