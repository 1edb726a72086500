//! mimalloc 2: segments of 32 MiB, each with a table of its slices in front.
//!
//! ```text
//! segment: ... slices 8, slices of its head 8, kind 8, entries 8, thread 8 | slices, one for 64 KiB
//! slice:   slices 4, offset 4, flags, capacity 2, reserved 2, ... , free, ... , size of blocks, ...
//! ```
//! Where the table begins and how long its entries are differs between versions. It is where the counts of slices lead from
//! the head of the segment to the end of the table, entry by entry.
//!
//! Source: `mimalloc-types.h` and `segment.c` of 2.0.9, `mimalloc/types.h` of 2.1.7 and 2.2.4.

use std::collections::BTreeMap;
use std::ops::Range;

use memsight_model::{CAllocator, CArena, ReadMemory};

use super::Found;
use super::pages::{Page, add};
use super::statics::{Scene, Statics, library};
use super::tally::{Kind, Tally};

/// `MI_SEGMENT_SIZE`, the alignment of segments.
const SEGMENT: u64 = 32 << 20;
/// `MI_SEGMENT_SLICE_SIZE`.
const SLICE: u64 = 64 << 10;
const SLICES: u64 = SEGMENT / SLICE;
/// A huge block's segment is at most so many slices.
const SLICES_CAP: u64 = 1 << 31;
/// Where the table may begin.
const HEADS: Range<u64> = 0x80..0x200;

/// Where the fields of a slice are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// From slice to slice.
    stride: u64,
    /// Keys that the links of free blocks are mixed with.
    keys: Option<u64>,
    local_free: u64,
    thread_free: u64,
    heap: u64,
    /// From 2.1 on a slice says where its blocks begin.
    says_start: bool,
}

/// 2.0, then 2.1 to 2.2; without and with keys.
const LAYOUTS: [Layout; 4] = [
    Layout { stride: 80, keys: None, local_free: 32, thread_free: 40, heap: 48, says_start: false },
    Layout { stride: 96, keys: None, local_free: 24, thread_free: 56, heap: 64, says_start: true },
    Layout { stride: 96, keys: Some(40), local_free: 32, thread_free: 56, heap: 64, says_start: false },
    Layout { stride: 112, keys: Some(56), local_free: 24, thread_free: 72, heap: 80, says_start: true },
];

/// A segment whose table was found.
struct Segment {
    start: u64,
    table: u64,
    entries: u64,
    /// All of it.
    slices: u64,
    layout: Layout,
}

/// A slice that others follow as its part: a page in use, the head of the segment, or free.
struct Slice {
    number: u64,
    count: u64,
    at: u64,
    words: [u64; 14],
}

impl Slice {
    fn word(&self, offset: u64) -> u64 {
        self.words.get((offset / 8) as usize).copied().unwrap_or(0)
    }

    /// Bytes of its blocks; 0 when it is free.
    fn block_bytes(&self, layout: &Layout) -> u64 {
        if layout.says_start { self.word(40) } else { self.word(24) >> 32 }
    }
}

/// The heaps of all segments, each of one thread.
pub(super) fn walk<M: ReadMemory>(scene: &Scene<'_, M>, statics: &[Statics]) -> Found {
    let mut heaps: BTreeMap<u64, Tally<'_>> = BTreeMap::new();
    let mut unlike = 0;
    let mut end = 0;
    for area in scene.anonymous.areas() {
        // a segment goes on beyond its area where parts of it are not to be written yet
        let mut at = area.start.max(end).next_multiple_of(SEGMENT);
        while at < area.end {
            let segment = Segment::read(scene, at);
            if let Some(segment) = &segment {
                unlike += segment.walk(scene, statics, &mut heaps);
            }
            at += segment.map_or(SEGMENT, |segment| (segment.slices * SLICE).next_multiple_of(SEGMENT));
            end = at;
        }
    }
    let mut found = Found::default();
    heaps.into_values().for_each(|tally| found.add(tally));
    if unlike > 0 {
        found.missing.push(format!("{unlike} pages of mimalloc do not have the free blocks that they count"));
    }
    found
}

impl Segment {
    fn read<M: ReadMemory>(scene: &Scene<'_, M>, start: u64) -> Option<Segment> {
        if scene.pages.within(start..start + 1) == 0 {
            return None;
        }
        for table in HEADS.step_by(8) {
            let [slices, head, kind, entries, _]: [u64; 5] = scene.array(start + table - 40)?;
            let whole = entries == slices.min(SLICES) && (1..SLICES_CAP).contains(&slices) && (1..=4).contains(&head);
            if !whole || kind > 1 || start.checked_add(slices * SLICE).is_none() {
                continue;
            }
            for layout in LAYOUTS {
                let segment = Segment { start, table: start + table, entries, slices, layout };
                if segment.slices(scene).is_some_and(|found| found.first().is_some_and(|first| first.count == head)) {
                    return Some(segment);
                }
            }
        }
        None
    }

    /// The slices that begin something, if their counts lead to the end of the table.
    fn slices<M: ReadMemory>(&self, scene: &Scene<'_, M>) -> Option<Vec<Slice>> {
        let mut found = Vec::new();
        let mut number = 0;
        while number < self.entries {
            let at = self.table + self.layout.stride * number;
            let words: [u64; 14] = scene.array(at)?;
            let (count, offset) = (words[0] & 0xffff_ffff, words[0] >> 32);
            if count == 0 || offset != 0 {
                return None;
            }
            let slice = Slice { number, count, at, words };
            // of a page that says where its blocks begin they are in its first slice
            let first = self.start + number * SLICE;
            if self.layout.says_start
                && slice.number > 0
                && slice.block_bytes(&self.layout) > 1
                && slice.word(48) - first.min(slice.word(48)) >= SLICE
            {
                return None;
            }
            found.push(slice);
            number += count;
        }
        // the only page of a huge block's segment is longer than the table
        (number == self.entries || number == self.slices).then_some(found)
    }

    /// Adds its pages; how many are not what they say.
    fn walk<'a, M: ReadMemory>(
        &self,
        scene: &Scene<'a, M>,
        statics: &[Statics],
        heaps: &mut BTreeMap<u64, Tally<'a>>,
    ) -> u64 {
        let slices = self.slices(scene).unwrap_or_default();
        let owner =
            slices.iter().skip(1).map(|slice| slice.word(self.layout.heap)).find(|heap| *heap != 0).unwrap_or(0);
        let tally = heaps.entry(owner).or_insert_with(|| {
            let library = library(statics, owner);
            let main = library.is_some();
            let library = library.unwrap_or_default().to_owned();
            Tally::new(scene.pages, CArena { allocator: CAllocator::Mimalloc, library, main, ..CArena::default() })
        });
        let end = self.start + self.slices * SLICE;
        tally.heap(&(self.start..end));
        let mut unlike = 0;
        for slice in &slices {
            let start = self.start + slice.number * SLICE;
            let stop = (start + slice.count * SLICE).min(end);
            match slice.block_bytes(&self.layout) {
                _ if slice.number == 0 => tally.piece(Kind::Overhead, start, stop - start),
                0 => tally.piece(Kind::Free, start, stop - start),
                _ => unlike += u64::from(!add(scene, tally, &self.page(slice, start, stop))),
            }
        }
        unlike
    }

    fn page(&self, slice: &Slice, start: u64, stop: u64) -> Page {
        /// `MI_HUGE_BLOCK_SIZE`: the block is as long as its page.
        const HUGE: u64 = 2 << 30;
        let layout = &self.layout;
        let bytes = match slice.block_bytes(layout) {
            HUGE if !layout.says_start => stop - start,
            bytes => bytes,
        };
        // small blocks do not begin where pages do (_mi_segment_page_start_from_slice); the largest fill their page
        let first = match (layout.says_start, bytes) {
            (true, _) => slice.word(48),
            (false, 8..=1024) => start + 3 * 128,
            (false, _) => start,
        };
        Page {
            range: start..stop,
            first,
            block_bytes: bytes,
            capacity: slice.word(8) >> 16 & 0xffff,
            used: slice.word(if layout.says_start { 32 } else { 24 })
                & if layout.says_start { 0xffff } else { 0xffff_ffff },
            lists: [slice.word(16), slice.word(layout.local_free), slice.word(layout.thread_free) & !3],
            thread_list: 2,
            keys: layout.keys.map(|at| (slice.word(at), slice.word(at + 8))),
            null: slice.at,
        }
    }
}
