//! jemalloc 5.3 and later: extents, found through the radix tree from pages to them.
//!
//! ```text
//! root[address >> 30] -> leaf[address >> 12] -> size class 8 | edata 41 | state 3 | is_head, slab
//!                                                 edata: bits, address, bytes, ..., 8 words of the slab's bitmap
//! ```
//! The root is a static variable without a name. It is known by a leaf of whose first extents two say that they begin at the
//! very page at whose place they stand: 36 bits that agree, twice. (Others stand at their last page, too, or are on the move.)
//!
//! Source: `rtree.h`, `edata.h`, `sc.c`, `cache_bin.h`, `base.h` of jemalloc, with 48 bits of address (what configure takes on
//! x86-64 without 5-level paging), 4 KiB pages and a quantum of 16.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use memsight_model::{CAllocator, CArena, ReadMemory};

use super::statics::{self, Scene, Statics};
use super::tally::{Kind, Tally};
use super::{Cached, Found, tcache};

const PAGE: u64 = 4096;
/// Entries of the root and of each leaf.
const ENTRIES: u64 = 1 << 18;
/// Entries of a leaf that are tried.
const FIRST: usize = 16;
const ADDRESS: u64 = (1 << 48) - 1;
/// Alignment of an `edata_t`: the bits below are the leaf's.
const EDATA: u64 = 128;
/// Base blocks are aligned to huge pages (`base_map`).
const HUGE: u64 = 2 << 20;
/// Base blocks larger than that are none.
const BASE_CAP: u64 = 1 << 36;
/// Classes of sizes up to here are of slabs (`SC_NBINS`).
const BINS: u64 = 36;
const CLASSES: u64 = 235;

/// An extent (`edata_t`): pages that are a slab, one large block, or free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    bits: u64,
    /// What the program has of a large block begins up to a page later (`arena_cache_oblivious_randomize`).
    address: u64,
    bytes: u64,
    bitmap: [u64; 8],
}

impl Extent {
    fn read<M: ReadMemory>(scene: &Scene<'_, M>, at: u64) -> Option<Extent> {
        let words: [u64; 16] = scene.array(at)?;
        let (bits, address, bytes) = (words[0], words[1], words[2] & !(PAGE - 1));
        let mut bitmap = [0; 8];
        bitmap.copy_from_slice(&words[8..]);
        let fits = bytes > 0 && address.checked_add(bytes)? <= ADDRESS;
        fits.then_some(Extent { bits, address, bytes, bitmap })
    }

    /// Its pages.
    fn range(&self) -> Range<u64> {
        let start = self.address & !(PAGE - 1);
        start..start.saturating_add(self.bytes)
    }

    fn arena(&self) -> u64 {
        self.bits & 0xfff
    }

    fn is_slab(&self) -> bool {
        self.bits >> 12 & 1 == 1
    }

    /// `extent_state_active`.
    fn is_active(&self) -> bool {
        self.bits >> 17 & 7 == 0
    }

    fn class(&self) -> u64 {
        self.bits >> 20 & 0xff
    }

    fn free_regions(&self) -> u64 {
        self.bits >> 28 & 0x3ff
    }

    /// Size of the regions of a slab and how many there are, when its bitmap says as many free ones as its count.
    fn regions(&self) -> Option<(u64, u64)> {
        let size = size_of(self.class()).filter(|_| self.class() < BINS)?;
        let count = (self.bytes / size).min(512);
        let free = (0..count).filter(|region| self.is_free(*region)).count() as u64;
        (free == self.free_regions()).then_some((size, count))
    }

    /// Whether a region of a slab is free: its bit is set.
    fn is_free(&self, region: u64) -> bool {
        self.bitmap.get((region / 64) as usize).is_some_and(|word| word >> (region % 64) & 1 == 1)
    }
}

/// Bytes of a class: 8, 16 to 64 in steps of 16, then four to each doubling.
fn size_of(class: u64) -> Option<u64> {
    match class {
        0 => Some(8),
        1..=4 => Some(16 * class),
        5..CLASSES => {
            let (group, step) = ((class - 5) / 4, (class - 5) % 4);
            16_u64.checked_shl(group as u32)?.checked_mul(step + 5)
        }
        _ => None,
    }
}

/// The tree whose root the word at `at` is a part of, if it points to a leaf.
pub(super) fn root<M: ReadMemory>(scene: &Scene<'_, M>, statics: &Statics, at: u64, leaf: u64) -> Option<u64> {
    let range = leaf..leaf.checked_add(8 * ENTRIES)?;
    if !leaf.is_multiple_of(64) || !scene.anonymous.holds(&range) {
        return None;
    }
    let (first, entry) = scene.first(range.clone())?;
    // most words lead to something else, which one look tells
    Extent::read(scene, edata(entry)?)?;
    // so few that they need not be afforded
    let entries = statics::words(scene.memory, scene.pages, first..range.end.min(first + PAGE)).take(FIRST);
    let (mut extents, mut roots) = (BTreeSet::new(), Vec::new());
    for (place, entry) in entries {
        extents.extend(edata(entry));
        roots.extend(root_of(scene, statics, at, (place - leaf) / 8, entry));
    }
    // one may agree by chance, unless it is the only one
    let root = *roots.first()?;
    let agree = roots.iter().filter(|other| **other == root).count();
    (agree > 1 || extents.len() == 1).then_some(root)
}

/// The root that an entry of a leaf speaks for, when the extent that it leads to begins at the entry's page.
fn root_of<M: ReadMemory>(scene: &Scene<'_, M>, statics: &Statics, at: u64, index: u64, entry: u64) -> Option<u64> {
    let extent = Extent::read(scene, edata(entry)?)?;
    let start = extent.range().start;
    let root = at.checked_sub(8 * (start >> 30))?;
    let fits = (start >> 12) % ENTRIES == index && statics.range.contains(&root);
    (fits && scene.anonymous.area(start).is_some()).then_some(root)
}

/// The extent that an entry of a leaf leads to.
fn edata(entry: u64) -> Option<u64> {
    Some(entry & ADDRESS & !(EDATA - 1)).filter(|at| *at != 0)
}

/// The arenas of the tree at `root`.
pub(super) fn walk<M: ReadMemory>(scene: &Scene<'_, M>, root: u64, library: &str) -> Found {
    let mut used_places: BTreeSet<u64> = BTreeSet::new();
    let mut extents: Vec<Extent> = Vec::new();
    for (at, leaf) in scene.words(root..root.saturating_add(8 * ENTRIES)) {
        let key = ((at - root) / 8) << 30;
        let range = leaf..leaf.saturating_add(8 * ENTRIES);
        if !scene.anonymous.holds(&range) {
            continue;
        }
        used_places.insert(leaf);
        for (at, entry) in scene.words(range) {
            let page = key + (((at - leaf) / 8) << 12);
            let Some(place) = edata(entry) else { continue };
            // an extent stands at its first and its last page, a slab at each
            let extent = Extent::read(scene, place).filter(|extent| extent.range().start == page);
            if let Some(extent) = extent.filter(|extent| scene.anonymous.area(extent.address).is_some()) {
                used_places.insert(place);
                extents.push(extent);
            }
        }
    }
    let mut end = 0;
    extents.retain(|extent| {
        let apart = extent.range().start >= end;
        end = if apart { extent.range().end } else { end };
        apart
    });
    sum(scene, &extents, &bases(scene, &used_places), library)
}

/// Adds the extents up.
fn sum<M: ReadMemory>(scene: &Scene<'_, M>, extents: &[Extent], bases: &[Range<u64>], library: &str) -> Found {
    let cached = tcache::find(scene, bases);
    let mut arenas: BTreeMap<u64, Tally<'_>> = BTreeMap::new();
    let mut unlike = 0;
    for extent in extents {
        let tally = arenas.entry(extent.arena()).or_insert_with(|| {
            let arena = CArena {
                allocator: CAllocator::Jemalloc,
                library: library.to_owned(),
                main: extent.arena() == 0,
                ..CArena::default()
            };
            Tally::new(scene.pages, arena)
        });
        tally.heap(&extent.range());
        unlike += u64::from(!(scene.afford(if extent.is_slab() { 512 } else { 1 }) && add(tally, extent, &cached)));
    }
    if let Some(first) = arenas.values_mut().next() {
        for base in bases {
            first.heap(base);
            first.piece(Kind::Overhead, base.start, base.end - base.start);
        }
    }
    let mut found = Found::default();
    arenas.into_values().for_each(|tally| found.add(tally));
    if unlike > 0 {
        found.missing.push(format!("{unlike} of {} extents of jemalloc are not what they say", extents.len()));
    }
    found
}

/// Adds an extent; whether it is what it says.
fn add(tally: &mut Tally<'_>, extent: &Extent, cached: &Cached) -> bool {
    let range = extent.range();
    if !extent.is_active() {
        tally.piece(Kind::Free, range.start, extent.bytes);
        return true;
    }
    if !extent.is_slab() {
        let head = extent.address - range.start;
        // without classes of large sizes (5.3.1) a block is as long as its extent, less the page it is shifted in
        let rest = extent.bytes - PAGE.min(extent.bytes / 2);
        let bytes = size_of(extent.class()).filter(|size| *size <= extent.bytes - head).unwrap_or(rest);
        let bytes = bytes.min(extent.bytes - head);
        let kind = if cached.contains(&extent.address) { Kind::Cached } else { Kind::Used };
        tally.piece(kind, extent.address, bytes);
        // the page that large blocks are shifted in
        tally.rest(Kind::Overhead, range.start, head);
        tally.rest(Kind::Overhead, extent.address + bytes, extent.bytes - head - bytes);
        return true;
    }
    let Some((size, count)) = extent.regions() else {
        tally.piece(Kind::Unread, range.start, extent.bytes);
        return false;
    };
    for region in 0..count {
        let at = range.start + size * region;
        let kind = match extent.is_free(region) {
            true => Kind::Free,
            false if cached.contains(&at) => Kind::Cached,
            false => Kind::Used,
        };
        tally.piece(kind, at, size);
    }
    tally.rest(Kind::Overhead, range.start + size * count, extent.bytes - size * count);
    true
}

/// The blocks in which jemalloc keeps what it knows (`base_block_t`: bytes, next, and an `edata_t` that says where the
/// free end is), by the places that are known to be in them.
fn bases<M: ReadMemory>(scene: &Scene<'_, M>, places: &BTreeSet<u64>) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    for &place in places {
        if found.last().is_some_and(|base| base.contains(&place)) {
            continue;
        }
        let Some(area) = scene.anonymous.area(place) else { continue };
        let mut start = place & !(HUGE - 1);
        // a block as long as a leaf is the longest that is usual
        for _ in 0..4 {
            if start < area.start {
                break;
            }
            if let Some(base) = base(scene, start).filter(|base| base.contains(&place)) {
                found.push(base.start..base.end.min(area.end));
                break;
            }
            start -= HUGE.min(start);
        }
    }
    found
}

fn base<M: ReadMemory>(scene: &Scene<'_, M>, start: u64) -> Option<Range<u64>> {
    let words: [u64; 5] = scene.array(start)?;
    let (bytes, end) = (words[0], start.checked_add(words[0])?);
    let (free, free_bytes) = (words[3], words[4]);
    let fits = bytes.is_multiple_of(PAGE) && (HUGE..BASE_CAP).contains(&bytes);
    (fits && (start..=end).contains(&free) && free.checked_add(free_bytes)? <= end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_sizes() {
        let sizes: Vec<u64> = (0..15).filter_map(size_of).collect();
        assert_eq!(sizes, [8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]);
        assert_eq!((size_of(35), size_of(36), size_of(70)), (Some(14336), Some(16384), Some(6 << 20)));
        assert_eq!((size_of(235), size_of(255)), (None, None));
    }
}
