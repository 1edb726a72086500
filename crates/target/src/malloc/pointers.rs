//! Who points to anonymous memory that is no allocator's: the static data of libraries, the stacks of threads.

use std::collections::BTreeMap;
use std::ops::Range;

use memsight_model::{Address, CHeap, CPointed, ReadMemory, Region, Residence};

use super::is_anonymous;
use super::statics::{self, words};

/// Mappings with less in memory are not worth a name.
const LEAST: u64 = 256 << 10;
/// Mappings that are looked at, those with the most in memory first.
const CAP: usize = 64;
/// Names that one of them gets.
const NAMES: usize = 4;

/// The largest mappings outside of the arenas of `heap`. Cost: a look at each word of static data and of stacks.
pub(super) fn find(memory: &impl ReadMemory, regions: &[Region], residence: &Residence, heap: &CHeap) -> Vec<CPointed> {
    let mut found = largest(regions, residence, heap);
    let places: BTreeMap<u64, (u64, usize)> =
        found.iter().enumerate().map(|(row, (range, _))| (range.start, (range.end, row))).collect();
    let mut look = |range: Range<u64>, name: &str| {
        for (_, word) in words(memory, &residence.pages, range) {
            let Some((_, (end, row))) = places.range(..=word).next_back() else { continue };
            if let Some((_, by)) = found.get_mut(*row).filter(|(_, by)| word < *end && by.len() < NAMES)
                && !by.iter().any(|known| known == name)
            {
                by.push(name.to_owned());
            }
        }
    };
    if places.is_empty() {
        return Vec::new();
    }
    for statics in statics::all(regions) {
        look(statics.range, &statics.path);
    }
    for mapping in residence.mappings.iter().filter(|mapping| mapping.stacks > 0) {
        look(mapping.start.0..mapping.end.0, "stack");
    }
    found.into_iter().map(|(range, by)| CPointed { address: Address(range.start), by }).collect()
}

/// Mappings that no arena has a part of, ascending.
fn largest(regions: &[Region], residence: &Residence, heap: &CHeap) -> Vec<(Range<u64>, Vec<String>)> {
    let mut heaps: Vec<Range<u64>> = heap
        .arenas
        .iter()
        .flat_map(|arena| &arena.heaps)
        .map(|(start, bytes)| (start.0, *bytes))
        .chain(heap.mapped.iter().map(|mapping| (mapping.address.0, mapping.bytes)))
        .map(|(start, bytes)| start..start.saturating_add(bytes))
        .collect();
    heaps.sort_unstable_by_key(|range| range.start);
    let claimed = |range: &Range<u64>| {
        let first = heaps.partition_point(|heap| heap.end <= range.start);
        let inside = heaps.iter().skip(first).take_while(|heap| heap.start < range.end);
        let parts = inside.map(|heap| heap.start.max(range.start)..heap.end.min(range.end));
        parts.map(|part| residence.pages.within(part)).sum::<u64>()
    };
    let mut found: Vec<(u64, Range<u64>)> = Vec::new();
    for region in regions.iter().filter(|region| is_anonymous(region)) {
        let range = region.start.0..region.end.0;
        let resident = residence.pages.within(range.clone());
        if resident >= LEAST {
            found.push((resident.saturating_sub(claimed(&range)), range));
        }
    }
    found.retain(|(resident, _)| *resident >= LEAST);
    found.sort_unstable_by_key(|(resident, range)| (std::cmp::Reverse(*resident), range.start));
    found.truncate(CAP);
    let mut found: Vec<_> = found.into_iter().map(|(_, range)| (range, Vec::new())).collect();
    found.sort_unstable_by_key(|(range, _)| range.start);
    found
}
