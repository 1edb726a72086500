//! Blocks of `malloc` that are mappings of their own.
//!
//! Such a block begins with a page: a word that is 0, then its size with `IS_MMAPPED` and no other flag. The sizes fill
//! whole pages; from 2.43 on they leave out the 16 bytes of the head. Neighbouring mappings are one for the kernel, and
//! advice on huge pages cuts one in two, so that blocks are looked for across the lines of `/proc/PID/maps`.

use std::ops::Range;

use memsight_model::{Address, CMapping, PageRuns, ReadMemory, Region};

const PAGE: u64 = 4096;
const IS_MMAPPED: u64 = 2;
const HEAD: u64 = 16;

/// The blocks inside anonymous `regions` (ascending) outside of `heaps` (ascending). Cost: a word a resident page that
/// belongs to none.
pub(super) fn blocks(
    memory: &impl ReadMemory,
    regions: &[Region],
    heaps: &[Range<u64>],
    pages: &PageRuns,
) -> Vec<CMapping> {
    let mut found = Vec::new();
    for area in areas(regions) {
        let mut at = area.start;
        while at < area.end {
            if let Some(heap) = heap_of(heaps, at) {
                at = heap.end.next_multiple_of(PAGE);
                continue;
            }
            // the first page of a block holds its head, which was written
            let Some(part) = pages.parts(at..area.end).next() else { break };
            at = at.max(part.start);
            match length(memory, at).filter(|length| area.end - at >= *length) {
                Some(bytes) => {
                    let resident_bytes = pages.within(at..at + bytes);
                    found.push(CMapping { address: Address(at), bytes, resident_bytes });
                    at += bytes;
                }
                None => at += PAGE,
            }
        }
    }
    found
}

/// The heap that holds `at`.
fn heap_of(heaps: &[Range<u64>], at: u64) -> Option<&Range<u64>> {
    let next = heaps.partition_point(|heap| heap.start <= at);
    heaps.get(next.checked_sub(1)?).filter(|heap| at < heap.end)
}

/// Bytes of the block whose head is at `at`, if there is one.
fn length(memory: &impl ReadMemory, at: u64) -> Option<u64> {
    let head = memory.word(Address(at + 8)).ok()?;
    let size = head & !7;
    let whole = [size, size.checked_add(HEAD)?].into_iter().find(|bytes| bytes % PAGE == 0)?;
    (head & 7 == IS_MMAPPED && size > 0 && memory.word(Address(at)) == Ok(0)).then_some(whole)
}

/// Anonymous memory without holes.
fn areas(regions: &[Region]) -> Vec<Range<u64>> {
    let mut areas: Vec<Range<u64>> = Vec::new();
    for region in regions.iter().filter(|region| super::is_anonymous(region)) {
        match areas.last_mut() {
            Some(last) if last.end == region.start.0 => last.end = region.end.0,
            _ => areas.push(region.start.0..region.end.0),
        }
    }
    areas
}
