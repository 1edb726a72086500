//! What of a process is in memory, page by page, at one moment: the ground on which an account of RSS stands.
//!
//! Source: `/proc/PID/smaps` and `/proc/PID/pagemap`, both read in the same pause.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Address, Blocks, Rollup};

/// Bytes of a page on x86-64.
const PAGE: u64 = 4096;

/// What is resident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Residence {
    /// The mappings, ascending.
    pub mappings: Vec<ResidentMapping>,
    /// Pages of private anonymous memory that are in memory: runs of neighbours, ascending.
    pub pages: PageRuns,
}

/// The pages of one mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResidentMapping {
    /// First byte.
    pub start: Address,
    /// One past the last byte.
    pub end: Address,
    /// Its pages (`/proc/PID/smaps`, exact: the kernel walks the page tables).
    pub pages: Rollup,
    /// Threads whose stack pointer lies inside (`/proc/PID/task/TID/syscall`).
    pub stacks: u32,
}

impl Residence {
    /// Sums over all mappings. Cost: one pass over them.
    pub fn total(&self) -> Rollup {
        let mut total = Rollup::default();
        self.mappings.iter().for_each(|mapping| total.add(&mapping.pages));
        total
    }

    /// The mapping that holds `at`. Cost: a binary search.
    pub fn mapping(&self, at: Address) -> Option<&ResidentMapping> {
        let next = self.mappings.partition_point(|mapping| mapping.start <= at);
        self.mappings.get(next.checked_sub(1)?).filter(|mapping| at < mapping.end)
    }
}

/// Ranges of addresses whose pages are in memory, ascending, never touching each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRuns(Vec<Range<u64>>);

impl PageRuns {
    /// Of ranges that ascend; what does not is left out.
    pub fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> PageRuns {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for range in ranges.into_iter().filter(|range| range.start < range.end) {
            match runs.last_mut() {
                Some(last) if range.start == last.end => last.end = range.end,
                Some(last) if range.start < last.end => {}
                _ => runs.push(range),
            }
        }
        PageRuns(runs)
    }

    /// The ranges.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Range<u64>> {
        self.0.iter()
    }

    /// Number of ranges.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of `range` that are in memory. Cost: a binary search, and the runs inside.
    pub fn within(&self, range: Range<u64>) -> u64 {
        let first = self.0.partition_point(|run| run.end <= range.start);
        let inside = self.0.iter().skip(first).take_while(|run| run.start < range.end);
        inside.map(|run| run.end.min(range.end) - run.start.max(range.start)).sum()
    }

    /// The parts of `range` that are in memory, ascending.
    pub fn parts(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let first = self.0.partition_point(|run| run.end <= range.start);
        let end = range.end;
        let inside = self.0.iter().skip(first).take_while(move |run| run.start < end);
        inside.map(move |run| run.start.max(range.start)..run.end.min(range.end))
    }

    /// The same for ranges that ascend. Cost: the runs passed over.
    pub fn cursor(&self) -> PageCursor<'_> {
        PageCursor { runs: &self.0 }
    }

    /// Bytes of the whole pages inside `range` that are in memory: what can be given back without touching its ends.
    pub fn whole_pages(&self, range: Range<u64>) -> u64 {
        let start = range.start.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        let end = range.end / PAGE * PAGE;
        if start < end { self.within(start..end) } else { 0 }
    }
}

/// Counts bytes in memory from lower addresses to higher ones.
#[derive(Debug, Clone)]
pub struct PageCursor<'a> {
    runs: &'a [Range<u64>],
}

impl PageCursor<'_> {
    /// Bytes of `range` that are in memory; `range` does not begin before the one asked for last.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        let mut bytes = 0;
        while let Some((run, rest)) = self.runs.split_first() {
            if run.start >= range.end {
                break;
            }
            bytes += run.end.min(range.end).saturating_sub(run.start.max(range.start));
            if run.end > range.end {
                break;
            }
            self.runs = rest;
        }
        bytes
    }
}

/// The C library's allocator, as its own structures in memory tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CHeap {
    /// Whose it is.
    pub allocator: CAllocator,
    /// Version of the library, where it says so: `2.36`.
    pub version: String,
    /// The arenas of all allocators in the process, those of glibc first, of these the main one.
    pub arenas: Vec<CArena>,
    /// Blocks that are mappings of their own (those of 128 KiB and more, in glibc's default), ascending.
    pub mapped: Vec<CMapping>,
    /// Bytes of such mappings as the library counts them (`hblkhd` of `mallinfo2`), where it was found.
    pub mapped_bytes: Option<u64>,
    /// Every block in use, those that are mappings included, for as long as the process's memory is at hand: no snapshot
    /// keeps them.
    #[serde(skip)]
    pub blocks: Blocks,
    /// Other anonymous memory, and who points there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pointed: Vec<CPointed>,
    /// Reasons why parts may be missing.
    pub missing: Vec<String>,
}

/// A mapping of anonymous memory that is no allocator's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CPointed {
    /// First byte.
    pub address: Address,
    /// The files of the libraries whose static data point there, and `stack` for stacks of threads.
    pub by: Vec<String>,
}

/// The allocators that serve `malloc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CAllocator {
    /// Not recognised.
    #[default]
    Unknown,
    /// glibc's.
    Glibc,
    /// musl's: it is named and not walked.
    Musl,
    /// jemalloc 5.3 and later.
    Jemalloc,
    /// gperftools' tcmalloc.
    Tcmalloc,
    /// mimalloc 2 and 3.
    Mimalloc,
}

/// Older snapshots have arenas of glibc alone.
fn glibc() -> CAllocator {
    CAllocator::Glibc
}

impl CAllocator {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            CAllocator::Unknown => "unknown",
            CAllocator::Glibc => "glibc",
            CAllocator::Musl => "musl",
            CAllocator::Jemalloc => "jemalloc",
            CAllocator::Tcmalloc => "tcmalloc",
            CAllocator::Mimalloc => "mimalloc",
        }
    }
}

/// A part of an allocator: an arena of glibc (`struct malloc_state`) or of jemalloc, the heap of tcmalloc, a heap of
/// mimalloc.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CArena {
    /// Whose it is.
    #[serde(default = "glibc")]
    pub allocator: CAllocator,
    /// The file of the library whose own that allocator is; empty for glibc.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub library: String,
    /// Where glibc's `malloc_state` is.
    pub address: Address,
    /// The first of its allocator: with glibc the one that grows by `brk`, the others are for threads.
    pub main: bool,
    /// Threads that use it now.
    pub threads: u64,
    /// Bytes that it has from the system (`system_mem`).
    pub system_bytes: u64,
    /// The pieces of memory it consists of, ascending by address within an arena.
    pub heaps: Vec<(Address, u64)>,
    /// Blocks handed out.
    pub used: CBlocks,
    /// Blocks that were freed and are kept for a thread (tcache) or for their size (fastbins).
    pub cached: CBlocks,
    /// Of these, the ones in fastbins, which `mallinfo2` counts as free and the other ones as in use.
    pub fast_bytes: u64,
    /// Free blocks between blocks in use.
    pub free: CBlocks,
    /// The free end of the arena.
    pub top: CBlocks,
    /// The arena's own structures, and what lies between heaps.
    pub overhead: CBlocks,
    /// What could not be walked.
    pub unread: CBlocks,
    /// Whole resident pages inside free blocks: what `malloc_trim(0)` gives back beside the free end.
    pub trimmable_bytes: u64,
}

/// Some blocks of an arena.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CBlocks {
    /// How many.
    pub count: u64,
    /// Their bytes, heads included.
    pub bytes: u64,
    /// Those in memory.
    pub resident_bytes: u64,
}

/// A block of `malloc` that is a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CMapping {
    /// First byte: the block's head, 16 bytes before what the program got.
    pub address: Address,
    /// Bytes, a multiple of a page.
    pub bytes: u64,
    /// Those in memory.
    pub resident_bytes: u64,
}

impl CHeap {
    /// The arena and the heap of it that hold `at`. Cost: linear in the heaps of all arenas.
    pub fn arena_of(&self, at: Address) -> Option<&CArena> {
        self.arenas.iter().find(|arena| arena.heaps.iter().any(|(start, bytes)| at.0.wrapping_sub(start.0) < *bytes))
    }

    /// Whether the arenas of the allocator behind `malloc` were read.
    pub fn is_read(&self) -> bool {
        self.arenas.iter().any(|arena| arena.allocator == self.allocator)
    }

    /// The mapping that holds `at`. Cost: a binary search.
    pub fn mapping_of(&self, at: Address) -> Option<&CMapping> {
        let next = self.mapped.partition_point(|mapping| mapping.address <= at);
        self.mapped.get(next.checked_sub(1)?).filter(|mapping| at.0 - mapping.address.0 < mapping.bytes)
    }
}

impl CBlocks {
    /// Adds one.
    pub fn add(&mut self, bytes: u64, resident_bytes: u64) {
        self.join(CBlocks { count: 1, bytes, resident_bytes });
    }

    /// Adds others.
    pub fn join(&mut self, other: CBlocks) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.resident_bytes = self.resident_bytes.saturating_add(other.resident_bytes);
    }
}

/// What of the C heap belongs to Python objects: blocks that pymalloc did not serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct COwned {
    /// By type, ascending, those below [`COwned::LARGE`].
    pub types: Vec<COwnedType>,
    /// The large ones and the mappings of `mmap` objects, by address, each once.
    pub large: Vec<OwnedBlock>,
}

impl COwned {
    /// Bytes from which on blocks are listed one by one: of those only a part may be in memory.
    pub const LARGE: u64 = 64 << 10;
}

/// Blocks of the C heap that belong to the objects of a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct COwnedType {
    /// The type.
    pub type_: crate::TypeId,
    /// Blocks that hold an object.
    pub objects: u64,
    /// Bytes of these, heads included.
    pub object_bytes: u64,
    /// Blocks that hold a buffer of an object: the items of a list, the data of an array.
    pub buffers: u64,
    /// Bytes of these, heads included.
    pub buffer_bytes: u64,
}

/// A large block and the object that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedBlock {
    /// The object inside, or the owner of the buffer inside.
    pub object: crate::ObjectId,
    /// First byte.
    pub address: Address,
    /// Bytes.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_where_pages_are() {
        let runs = PageRuns::new([0x1000..0x2000, 0x2000..0x3000, 0x2000..0x2500, 0x5000..0x8000, 9..9]);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs.within(0..u64::MAX), 0x5000);
        assert_eq!(runs.within(0x2800..0x5010), 0x810);
        assert_eq!(runs.within(0x3000..0x5000), 0);
        assert_eq!(runs.whole_pages(0x1010..0x2ff0), 0);
        assert_eq!(runs.whole_pages(0x4ff0..0x7010), 0x2000);
        assert_eq!(runs.whole_pages(u64::MAX - 5..u64::MAX), 0);
        let mut cursor = runs.cursor();
        assert_eq!(
            [0x0..0x1800, 0x1800..0x2000, 0x2000..0x6000, 0x6000..0x9000].map(|r| cursor.within(r)),
            [0x800, 0x800, 0x2000, 0x2000]
        );
        assert_eq!(runs.parts(0x2800..0x5010).collect::<Vec<_>>(), [0x2800..0x3000, 0x5000..0x5010]);
    }

    #[test]
    fn what_holds_an_address_is_found() {
        let mapping = |address, bytes| CMapping { address: Address(address), bytes, resident_bytes: 0 };
        let arena = CArena { heaps: vec![(Address(0x9000), 0x1000)], ..CArena::default() };
        let heap = CHeap { mapped: vec![mapping(0x1000, 0x2000)], arenas: vec![arena], ..CHeap::default() };
        assert!(heap.mapping_of(Address(0x2fff)).is_some() && heap.mapping_of(Address(0x3000)).is_none());
        assert!(heap.arena_of(Address(0x9fff)).is_some() && heap.arena_of(Address(0x8fff)).is_none());
    }
}
