//! mimalloc 3: pages, found through the map from addresses to them.
//!
//! ```text
//! map[address >> 29] -> part[address >> 16] -> page: thread, free, used 2, capacity 2, reserved 2, ..., put off, of others,
//!                                               size of blocks, where they begin, ...
//! ```
//! The map is a static variable without a name. It is known by a part whose first page says that its blocks begin where it
//! stands.
//!
//! Source: `mimalloc/types.h`, `internal.h`, `page-map.c` of 3.1 to 3.4.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use memsight_model::{Address, CAllocator, CArena, ReadMemory};

use super::Found;
use super::pages::{Page, add};
use super::statics::{Scene, Statics};
use super::tally::{Kind, Tally};

/// `MI_ARENA_SLICE_SIZE`.
const SLICE: u64 = 64 << 10;
/// Entries of a part of the map.
const PART: u64 = 1 << 13;
/// Entries of the map, for 47 bits of address.
const MAP: u64 = 1 << 18;
/// Parts of which one must lead to a page.
const PARTS_TRIED: usize = 64;
/// `MI_MEM_ARENA`, before 3.4 and since.
const IN_ARENA: [u64; 2] = [6, 7];
/// Slices of an arena at most (`MI_ARENA_MAX_SIZE`).
const ARENA_CAP: u64 = 1 << 20;

/// A page and what is known of where it lies.
struct Placed {
    page: Page,
    heap: u64,
    /// The arena that it is a part of.
    arena: Option<u64>,
}

/// Whether the word `map` of static data leads to pages.
pub(super) fn is_map<M: ReadMemory>(scene: &Scene<'_, M>, map: u64) -> bool {
    let range = map..map.saturating_add(8 * MAP);
    if !map.is_multiple_of(4096) || !scene.anonymous.holds(&range) {
        return false;
    }
    // the first entry is there from the beginning and leads to a part without pages (_mi_page_map_init)
    let is_part = |(_, part): &(u64, u64)| {
        part.is_multiple_of(4096) && scene.anonymous.holds(&(*part..part.saturating_add(8 * PART)))
    };
    let first = scene.memory.word(Address(map)).is_ok_and(|part| is_part(&(map, part)));
    first
        && scene.words(range).take(PARTS_TRIED).take_while(is_part).any(|(at, part)| {
            let entry = scene.first(part..part + 8 * PART);
            entry.is_some_and(|(place, meta)| read(scene, meta, address((at - map) / 8, (place - part) / 8)).is_some())
        })
}

fn address(number: u64, entry: u64) -> u64 {
    (number * PART + entry) * SLICE
}

/// The page whose description is at `meta`, if its blocks begin in the slice at `slice`.
fn read<M: ReadMemory>(scene: &Scene<'_, M>, meta: u64, slice: u64) -> Option<Placed> {
    let words: [u64; 16] = scene.array(meta)?;
    let [_, free, counts, local_free, thread_free, block_bytes, place] = *words.first_chunk::<7>()?;
    let half = |number: u64| counts >> (16 * number) & 0xffff;
    let (used, capacity, reserved) = (half(0), half(1), half(2));
    // an address, since 3.4 the distance in words
    let says_address = scene.anonymous.area(place).is_some();
    let first = if says_address { place } else { meta.checked_add(8 * (place & 0xffff_ffff))? };
    // how much is committed came between, so that memid is two words behind prev or three
    let (heap, memid) = if says_address { (words[8], 12) } else { (words[8], 11) };
    let bytes = block_bytes.checked_mul(reserved)?;
    let fits = first & !(SLICE - 1) == slice && block_bytes >= 8 && used <= capacity && capacity <= reserved;
    let end = first.checked_add(bytes)?;
    if !fits || reserved == 0 || !scene.anonymous.holds(&(first..end)) {
        return None;
    }
    let kind = words.get(memid + 2)? & 0xffff_ffff;
    let arena = words.get(memid).copied().filter(|_| IN_ARENA.contains(&kind));
    let page = Page {
        range: slice..end,
        first,
        block_bytes,
        capacity,
        used,
        lists: [free, local_free, thread_free & !1],
        thread_list: 2,
        keys: None,
        null: meta,
    };
    Some(Placed { page, heap, arena })
}

/// The heaps of the map at `map`.
pub(super) fn walk<M: ReadMemory>(scene: &Scene<'_, M>, map: u64, statics: &Statics) -> Found {
    let mut own: Vec<Range<u64>> = Vec::new();
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    let mut pages: Vec<Placed> = Vec::new();
    for (at, part) in scene.words(map..map + 8 * MAP) {
        let range = part..part.saturating_add(8 * PART);
        if !scene.anonymous.holds(&range) {
            continue;
        }
        own.push(range.clone());
        for (place, meta) in scene.words(range) {
            if !seen.contains(&meta)
                && let Some(found) = read(scene, meta, address((at - map) / 8, (place - part) / 8))
            {
                seen.insert(meta);
                pages.push(found);
            }
        }
    }
    own.push(map..map + 8 * (MAP + PART));
    let mut end = 0;
    pages.retain(|placed| {
        let apart = placed.page.range.start >= end;
        end = if apart { placed.page.range.end } else { end };
        apart
    });
    sum(scene, &pages, own, statics)
}

fn sum<M: ReadMemory>(scene: &Scene<'_, M>, pages: &[Placed], own: Vec<Range<u64>>, statics: &Statics) -> Found {
    let arena = || CArena { allocator: CAllocator::Mimalloc, library: statics.path.clone(), ..CArena::default() };
    let mut heaps: BTreeMap<u64, Tally<'_>> = BTreeMap::new();
    let mut unlike = 0;
    for placed in pages {
        let tally = heaps.entry(placed.heap).or_insert_with(|| Tally::new(scene.pages, arena()));
        tally.heap(&placed.page.range);
        unlike += u64::from(!add(scene, tally, &placed.page));
    }
    let mut rest = Tally::new(scene.pages, CArena { main: true, ..arena() });
    for range in own {
        if let Some(area) = scene.anonymous.area(range.start) {
            let range = range.start..range.end.min(area.end);
            rest.heap(&range);
            rest.piece(Kind::Overhead, range.start, range.end - range.start);
        }
    }
    let arenas: BTreeSet<u64> = pages.iter().filter_map(|placed| placed.arena).collect();
    for at in arenas {
        between(scene, at, pages, &mut rest);
    }
    let mut found = Found::default();
    found.add(rest);
    heaps.into_values().for_each(|tally| found.add(tally));
    if unlike > 0 {
        found.missing.push(format!("{unlike} pages of mimalloc do not have the free blocks that they count"));
    }
    found
}

/// What of the arena at `at` (`mi_arena_t`, at the start of its memory) is in no page: its own head, and free slices.
fn between<M: ReadMemory>(scene: &Scene<'_, M>, at: u64, pages: &[Placed], rest: &mut Tally<'_>) {
    // memid 24, subproc, since 3.2 its index, then slices and those of its head
    let words = scene.array::<7>(at).unwrap_or_default();
    let sizes = [(words[5], words[6]), (words[4], words[5])];
    let fit = sizes.into_iter().find(|(slices, head)| *head > 0 && head < slices && *slices <= ARENA_CAP);
    let (Some((slices, head)), Some(area)) = (fit, scene.anonymous.area(at)) else { return };
    let end = at.saturating_add(slices * SLICE).min(area.end);
    let mut start = at;
    let mut add = |range: Range<u64>| {
        let stop = at.saturating_add(head * SLICE).clamp(range.start, range.end);
        rest.heap(&range);
        rest.rest(Kind::Overhead, range.start, stop - range.start);
        rest.rest(Kind::Free, stop, range.end - stop);
    };
    let first = pages.partition_point(|placed| placed.page.range.end <= at);
    for placed in pages.iter().skip(first).take_while(|placed| placed.page.range.start < end) {
        if start < placed.page.range.start {
            add(start..placed.page.range.start);
        }
        start = placed.page.range.end.max(start);
    }
    if start < end {
        add(start..end);
    }
}
