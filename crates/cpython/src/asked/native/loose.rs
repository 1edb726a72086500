//! Anonymous memory of no allocator known: mapped by C code itself, or handed out by an allocator inside a library.
//!
//! Nothing there says where a block ends. A pointer takes as many bytes as the struct that holds it says beside it (data
//! and length stand next to each other in the buffers of arrow, polars and torch), else a few words.

use std::collections::BTreeMap;
use std::ops::Range;

use memsight_model::{CHeap, Pymalloc, Region};

/// Bytes taken by a pointer of which nobody says how far it leads.
const FEW: u64 = 128;
/// Words on each side of a pointer in which its length is looked for.
const BESIDE: usize = 4;

/// Such memory, and what of it is taken.
#[derive(Debug, Default)]
pub(super) struct Loose {
    /// Ascending.
    areas: Vec<Range<u64>>,
    /// Taken parts: start to end.
    taken: BTreeMap<u64, u64>,
}

impl Loose {
    /// The anonymous mappings without what belongs to pymalloc, the C heap and stacks. `stacks` are addresses inside
    /// stacks.
    pub fn new(regions: &[Region], heap: &CHeap, pymalloc: &Pymalloc, stacks: &[u64]) -> Loose {
        let mut known: Vec<Range<u64>> = Vec::new();
        known.extend(pymalloc.arenas.iter().map(|arena| arena.address.0..arena.address.0.saturating_add(arena.bytes)));
        let heaps = heap.arenas.iter().flat_map(|arena| &arena.heaps);
        known.extend(heaps.map(|(start, bytes)| start.0..start.0.saturating_add(*bytes)));
        known.extend(heap.blocks.iter().filter(|block| block.end - block.start >= 4096));
        known.sort_unstable_by_key(|range| range.start);
        let is_stack = |region: &&Region| !stacks.iter().any(|at| (region.start.0..region.end.0).contains(at));
        let areas = regions.iter().filter(|region| is_anonymous(region)).filter(is_stack);
        let areas = areas.flat_map(|region| without(region.start.0..region.end.0, &known)).collect();
        Loose { areas, taken: BTreeMap::new() }
    }

    /// Notes that a table knows whose a range is.
    pub fn know(&mut self, range: Range<u64>) {
        if range.start < range.end && !self.areas.is_empty() {
            self.taken.insert(range.start, range.end);
        }
    }

    /// Takes what the word `words[place]` points to; `None` when that is elsewhere or taken.
    pub fn take(&mut self, words: &[u64], place: usize) -> Option<Range<u64>> {
        let at = *words.get(place)?;
        let next = self.areas.partition_point(|area| area.start <= at);
        let area = self.areas.get(next.checked_sub(1)?).filter(|area| at < area.end)?;
        if self.taken.range(..=at).next_back().is_some_and(|(_, end)| at < *end) {
            return None;
        }
        let beside = place.saturating_sub(BESIDE)..(place + 1 + BESIDE).min(words.len());
        let room = area.end - at;
        let lengths = beside.filter(|other| *other != place).filter_map(|other| words.get(other));
        let said = lengths.filter(|bytes| (FEW..=room).contains(bytes)).max().copied();
        let end = at + said.unwrap_or(FEW).min(room);
        let end = self.taken.range(at..end).next().map_or(end, |(start, _)| *start);
        self.taken.insert(at, end);
        Some(at..end)
    }
}

/// Private memory of no file and no name of the kernel's.
fn is_anonymous(region: &Region) -> bool {
    let named = region.path.starts_with('/') || (region.path.starts_with('[') && !region.path.starts_with("[anon"));
    region.read && region.write && !region.shared && region.inode == 0 && !named
}

/// The parts of `whole` that are in none of `known`, which ascend.
fn without(whole: Range<u64>, known: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut at = whole.start;
    for range in known.iter().filter(|range| range.end > whole.start && range.start < whole.end) {
        if range.start > at {
            left.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < whole.end {
        left.push(at..whole.end);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_cut_out() {
        assert_eq!(without(10..100, &[0..20, 30..40, 35..50, 90..200]), [20..30, 50..90]);
        assert_eq!(without(10..20, std::slice::from_ref(&(0..30))), []);
        assert_eq!(without(10..20, &[]).first(), Some(&(10..20)));
    }

    #[test]
    fn a_length_beside_a_pointer_is_believed_and_nothing_is_taken_twice() {
        let mut loose = Loose::default();
        loose.areas.push(0x10000..0x20000);
        assert_eq!(loose.take(&[7, 0x10000, 0x1000, 0x2000], 1), Some(0x10000..0x12000));
        assert_eq!(loose.take(&[0x11000], 0), None);
        assert_eq!(loose.take(&[0x14000, 0], 0), Some(0x14000..0x14080));
        assert_eq!(loose.take(&[0x13000, 0xd000], 0), Some(0x13000..0x14000), "up to what is taken");
        assert_eq!(loose.take(&[0x30000], 0), None);
    }
}
