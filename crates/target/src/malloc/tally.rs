//! The sum of an arena under construction: what lies where, and what of it is in memory.

use std::ops::Range;

use memsight_model::{Address, CArena, CBlocks, PageRuns};

/// What a piece of an arena is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Used,
    /// Freed, and kept for a thread or a size.
    Cached,
    Free,
    Overhead,
    /// Not to be told apart.
    Unread,
}

/// An arena that grows piece by piece; pieces in the order of their addresses are cheapest.
pub(super) struct Tally<'a> {
    pages: &'a PageRuns,
    pub arena: CArena,
    /// Blocks in use: first byte of what the program has, and bytes.
    pub blocks: Vec<(u64, u64)>,
    /// The last pieces, neighbours of a kind, whose pages are not counted yet.
    run: (Kind, Range<u64>),
}

impl<'a> Tally<'a> {
    pub fn new(pages: &'a PageRuns, arena: CArena) -> Tally<'a> {
        Tally { pages, arena, blocks: Vec::new(), run: (Kind::Used, 0..0) }
    }

    /// Adds a block or another piece; of a block in use `bytes` from `at` on are the program's.
    pub fn piece(&mut self, kind: Kind, at: u64, bytes: u64) {
        let end = at.saturating_add(bytes);
        self.sum(kind).join(CBlocks { count: 1, bytes: end - at, resident_bytes: 0 });
        if kind == Kind::Used {
            self.blocks.push((at, end - at));
        }
        if self.run.0 != kind || self.run.1.end != at {
            self.flush();
            self.run = (kind, at..at);
        }
        self.run.1.end = end;
    }

    /// Adds a piece that may have no bytes.
    pub fn rest(&mut self, kind: Kind, at: u64, bytes: u64) {
        if bytes > 0 {
            self.piece(kind, at, bytes);
        }
    }

    /// Adds memory that the arena has from the system.
    pub fn heap(&mut self, range: &Range<u64>) {
        let bytes = range.end.saturating_sub(range.start);
        self.arena.system_bytes = self.arena.system_bytes.saturating_add(bytes);
        match self.arena.heaps.last_mut() {
            Some((start, len)) if start.0.wrapping_add(*len) == range.start => *len = len.saturating_add(bytes),
            _ => self.arena.heaps.push((Address(range.start), bytes)),
        }
    }

    /// The arena and its blocks in use, ascending.
    pub fn finish(mut self) -> (CArena, Vec<(u64, u64)>) {
        self.flush();
        self.arena.heaps.sort_unstable();
        self.blocks.sort_unstable();
        (self.arena, self.blocks)
    }

    fn flush(&mut self) {
        let (kind, range) = (self.run.0, self.run.1.clone());
        let resident_bytes = self.pages.within(range.clone());
        self.sum(kind).join(CBlocks { resident_bytes, ..CBlocks::default() });
        if kind == Kind::Free {
            self.arena.trimmable_bytes += self.pages.whole_pages(range);
        }
        self.run.1 = 0..0;
    }

    fn sum(&mut self, kind: Kind) -> &mut CBlocks {
        match kind {
            Kind::Used => &mut self.arena.used,
            Kind::Cached => &mut self.arena.cached,
            Kind::Free => &mut self.arena.free,
            Kind::Overhead => &mut self.arena.overhead,
            Kind::Unread => &mut self.arena.unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_kind_are_counted_with_their_pages() {
        let pages = PageRuns::new([0x1000..0x3000, 0x5000..0x6000]);
        let mut tally = Tally::new(&pages, CArena::default());
        tally.heap(&(0x1000..0x3000));
        tally.heap(&(0x3000..0x6000));
        tally.piece(Kind::Used, 0x1000, 0x800);
        tally.piece(Kind::Used, 0x1800, 0x400);
        tally.piece(Kind::Free, 0x1c00, 0x4000);
        tally.piece(Kind::Cached, 0x5c00, 0x400);
        let (arena, blocks) = tally.finish();
        assert_eq!(blocks, [(0x1000, 0x800), (0x1800, 0x400)]);
        assert_eq!(arena.used, CBlocks { count: 2, bytes: 0xc00, resident_bytes: 0xc00 });
        assert_eq!(arena.free, CBlocks { count: 1, bytes: 0x4000, resident_bytes: 0x2000 });
        assert_eq!(arena.cached.resident_bytes, 0x400);
        assert_eq!(arena.trimmable_bytes, 0x1000);
        assert_eq!((arena.system_bytes, arena.heaps), (0x5000, vec![(Address(0x1000), 0x5000)]));
    }
}
