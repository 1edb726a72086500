//! Walking an arena from its first chunk to its free end.
//!
//! ```text
//! chunk:  | size of the one before, if free | size, PREV_INUSE 1, IS_MMAPPED 2, NON_MAIN 4 | what the program has ...
//! ```
//! Whether a chunk is free stands in the chunk behind it.

use std::ops::Range;

use memsight_model::{Address, CArena, CBlocks, PageCursor, PageRuns, ReadMemory};

const PREV_INUSE: u64 = 1;
const FLAGS: u64 = 7;
/// Bytes of a chunk in front of the program's part.
const HEAD: u64 = 16;
/// The smallest chunk; smaller ones mark the end of a heap.
const LEAST: u64 = 32;
/// Of a free chunk, this much holds its links and stays when it is trimmed (`sizeof (struct malloc_chunk)`).
const LINKS: u64 = 48;

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Used,
    Free,
    Overhead,
}

/// The sum of an arena under construction.
pub(super) struct Walk<'a, M> {
    memory: &'a M,
    pages: &'a PageRuns,
    pub arena: CArena,
    /// Size of the chunks that may be the cache of a thread, and those found.
    wanted: u64,
    pub candidates: Vec<Address>,
    /// Blocks that look used: first byte of the program's part, and bytes up to the next.
    pub used: Vec<(u64, u64)>,
    pub broken: bool,
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    pub fn new(memory: &'a M, pages: &'a PageRuns, arena: CArena, wanted: u64) -> Walk<'a, M> {
        Walk { memory, pages, arena, wanted, candidates: Vec::new(), used: Vec::new(), broken: false }
    }

    /// The bytes of the arena itself and of the heads of its heaps.
    pub fn overhead(&mut self, range: Range<u64>) {
        let bytes = range.end.saturating_sub(range.start);
        self.arena.overhead.add(bytes, self.pages.within(range));
    }

    /// The chunks from `range.start` on. They end at `top`, when that lies in the range, or at the marks that a heap
    /// ends with.
    pub fn chunks(&mut self, range: Range<u64>, top: u64) {
        let end = if range.contains(&top) { top } else { range.end };
        let mut spans = Spans { cursor: self.pages.cursor(), kind: Kind::Used, range: range.start..range.start };
        let mut at = range.start;
        let mut head = self.head(at);
        while at < end {
            let Some((size, next)) = head.and_then(|head| self.step(at, head & !FLAGS, end)) else {
                spans.flush(&mut self.arena);
                self.unread(at..end, range.end > end);
                return;
            };
            let kind = match next {
                _ if size < LEAST => Kind::Overhead,
                Some(next) if next & PREV_INUSE == 0 => Kind::Free,
                _ => Kind::Used,
            };
            self.count(at, size, kind);
            spans.push(at..at + size, kind, &mut self.arena);
            at += size;
            head = next;
        }
        spans.flush(&mut self.arena);
        if end == top && range.end > top {
            let size = self.head(top).map_or(0, |head| head & !FLAGS).min(range.end - top);
            self.arena.top.add(size, self.pages.within(top..top + size));
            self.overhead(top + size..range.end);
        }
    }

    fn head(&self, at: u64) -> Option<u64> {
        self.memory.word(Address(at.checked_add(8)?)).ok()
    }

    /// The size of the chunk at `at`, if it can be one, and the head of the next.
    fn step(&self, at: u64, size: u64, end: u64) -> Option<(u64, Option<u64>)> {
        // the marks at the end of a heap: a chunk of 16 bytes, and one of none
        if size < LEAST {
            let rest = end - at;
            return (size == 16 && (16..=4096).contains(&rest) || size == 0 && rest <= 4096).then_some((rest, None));
        }
        let next = at.checked_add(size).filter(|next| *next <= end && size.is_multiple_of(16))?;
        Some((size, self.head(next)))
    }

    fn count(&mut self, at: u64, size: u64, kind: Kind) {
        let arena = &mut self.arena;
        let blocks = match kind {
            Kind::Used => &mut arena.used,
            Kind::Free => &mut arena.free,
            Kind::Overhead => &mut arena.overhead,
        };
        blocks.add(size, 0);
        if kind == Kind::Used {
            self.used.push((at + HEAD, size));
        }
        if kind == Kind::Used && size == self.wanted {
            self.candidates.push(Address(at));
        }
        if kind == Kind::Free && size > 4096 {
            arena.trimmable_bytes += self.pages.whole_pages(at + LINKS..at + size);
        }
    }

    /// What cannot be walked from `range.start` on; the free end behind it is known all the same.
    fn unread(&mut self, range: Range<u64>, has_top: bool) {
        self.broken = true;
        let end = range.end;
        self.arena.unread.add(range.end - range.start, self.pages.within(range));
        if has_top {
            let size = self.head(end).map_or(0, |head| head & !FLAGS).min(super::ring::HEAP_MAX);
            self.arena.top.add(size, self.pages.within(end..end.saturating_add(size)));
        }
    }

    /// Chunks that look used but were freed: moved from one sum to the other.
    pub fn cached(&mut self, at: u64, size: u64, fast: bool) {
        let resident = self.pages.within(at..at.saturating_add(size));
        let used = &mut self.arena.used;
        used.count = used.count.saturating_sub(1);
        used.bytes = used.bytes.saturating_sub(size);
        used.resident_bytes = used.resident_bytes.saturating_sub(resident);
        self.arena.cached.add(size, resident);
        self.arena.fast_bytes += if fast { size } else { 0 };
    }
}

/// Neighbours of a kind, so that pages are counted once for all of them.
struct Spans<'a> {
    cursor: PageCursor<'a>,
    kind: Kind,
    range: Range<u64>,
}

impl Spans<'_> {
    fn push(&mut self, range: Range<u64>, kind: Kind, arena: &mut CArena) {
        if kind != self.kind {
            self.flush(arena);
            self.kind = kind;
        }
        self.range.end = range.end;
    }

    fn flush(&mut self, arena: &mut CArena) {
        let resident_bytes = self.cursor.within(self.range.clone());
        let blocks = match self.kind {
            Kind::Used => &mut arena.used,
            Kind::Free => &mut arena.free,
            Kind::Overhead => &mut arena.overhead,
        };
        blocks.join(CBlocks { resident_bytes, ..CBlocks::default() });
        self.range.start = self.range.end;
    }
}
