//! glibc: where its data are, which version it is, and the sum of its arenas.

use std::collections::HashSet;
use std::ops::Range;

use memsight_model::{Address, Blocks, CAllocator, CArena, CHeap, PageRuns, ReadMemory, Region};

use super::cache::{Caches, Style};
use super::ring::{self, HEAP_MAX, State};
use super::walk::Walk;
use super::{file_name, is_anonymous, is_glibc, mapped};

/// What the library says of itself, in its constants.
const BANNER: &[u8] = b"stable release version 2.";
/// The largest part of the library's constants and data that is looked at.
const FILE_CAP: u64 = 8 << 20;
/// Bytes of a block in front of what the program gets.
const HEAD: u64 = 16;
/// Heaps of one arena; more are a loop.
const HEAPS_CAP: usize = 1 << 16;

/// The arenas of the process.
/// `taken` are the heaps of other allocators, ascending.
pub(super) fn walk<M: ReadMemory>(memory: &M, regions: &[Region], pages: &PageRuns, taken: &[Range<u64>]) -> CHeap {
    let minor = version(memory, regions);
    let mut heap = CHeap {
        allocator: CAllocator::Glibc,
        version: minor.map(|minor| format!("2.{minor}")).unwrap_or_default(),
        ..CHeap::default()
    };
    let data = data(regions);
    let states = ring::arenas(memory, &data);
    if states.is_empty() {
        heap.missing.push("the arenas of malloc were not found in glibc's data".to_owned());
        return heap;
    }
    let Some(minor) = minor else {
        heap.missing.push("glibc does not say its version, so that its arenas cannot be read".to_owned());
        return heap;
    };
    let parameters = Parameters::find(memory, &data, regions);
    let style = Style::of(minor);
    let mut walks: Vec<(State, Walk<'_, M>)> = Vec::new();
    for (number, state) in states.iter().enumerate() {
        let arena = CArena {
            allocator: CAllocator::Glibc,
            address: state.address,
            main: number == 0,
            threads: state.threads(memory),
            system_bytes: state.system_bytes(memory),
            ..CArena::default()
        };
        let mut walk = Walk::new(memory, pages, arena, style.chunk_bytes());
        match number {
            0 => main_heap(&mut walk, state, memory, regions, parameters.as_ref()),
            _ => thread_heaps(&mut walk, state, memory),
        }
        walks.push((*state, walk));
    }
    let own = heaps(&walks);
    let cached = take_cached(memory, style, &own, &mut walks);
    let mut heaps: Vec<Range<u64>> = own.into_iter().chain(taken.iter().cloned()).collect();
    heaps.sort_unstable_by_key(|heap| heap.start);
    heap.mapped = mapped::blocks(memory, regions, &heaps, pages);
    heap.blocks = in_use(&mut walks, &cached, &heap);
    heap.mapped_bytes = parameters.map(|parameters| parameters.mapped_bytes);
    heap.missing = missing(&walks, &heap);
    heap.arenas = walks.into_iter().map(|(_, walk)| walk.arena).collect();
    heap
}

/// The heaps of all arenas, ascending.
fn heaps<M>(walks: &[(State, Walk<'_, M>)]) -> Vec<Range<u64>> {
    let all = walks.iter().flat_map(|(_, walk)| &walk.arena.heaps);
    let mut heaps: Vec<Range<u64>> = all.map(|(start, bytes)| start.0..start.0.saturating_add(*bytes)).collect();
    heaps.sort_unstable_by_key(|heap| heap.start);
    heaps
}

/// The blocks that programs have: those that look used without those that were freed and are kept.
fn in_use<M>(walks: &mut [(State, Walk<'_, M>)], cached: &HashSet<u64>, heap: &CHeap) -> Blocks {
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (_, walk) in walks {
        all.append(&mut walk.used);
    }
    all.retain(|(start, _)| !cached.contains(start));
    all.extend(heap.mapped.iter().map(|mapping| (mapping.address.0 + HEAD, mapping.bytes.saturating_sub(HEAD))));
    Blocks::new(all)
}

/// Moves what threads and fastbins keep from the blocks in use to the cached ones; where these begin.
fn take_cached<M: ReadMemory>(
    memory: &M,
    style: Style,
    heaps: &[Range<u64>],
    walks: &mut [(State, Walk<'_, M>)],
) -> HashSet<u64> {
    let mut caches = Caches { memory, style, heaps, seen: HashSet::new() };
    let mut found: Vec<(u64, u64, bool)> = Vec::new();
    for (state, walk) in walks.iter_mut() {
        let fast = state.fastbins().map(|bins| caches.fast(bins)).unwrap_or_default();
        found.extend(fast.into_iter().map(|(at, bytes)| (at, bytes, true)));
        for candidate in std::mem::take(&mut walk.candidates) {
            found.extend(caches.of_thread(candidate).into_iter().map(|(at, bytes)| (at, bytes, false)));
        }
    }
    for (at, bytes, fast) in found {
        // a thread may keep what it freed for another arena
        let holds = |walk: &Walk<'_, M>| walk.arena.heaps.iter().any(|(start, len)| at.wrapping_sub(start.0) < *len);
        if let Some((_, walk)) = walks.iter_mut().find(|(_, walk)| holds(walk)) {
            walk.cached(at, bytes, fast);
        }
    }
    caches.seen
}

fn missing<M>(walks: &[(State, Walk<'_, M>)], heap: &CHeap) -> Vec<String> {
    let mut missing = Vec::new();
    let broken = walks.iter().filter(|(_, walk)| walk.broken).count();
    if broken > 0 {
        missing.push(format!("{broken} of {} arenas of malloc could not be walked to their end", walks.len()));
    }
    let found: u64 = heap.mapped.iter().map(|mapping| mapping.bytes).sum();
    // 2.43 adds 16 bytes too much whenever a mapping grows
    let drift = 4096.max(found / 64);
    if let Some(said) = heap.mapped_bytes.filter(|said| said.abs_diff(found) > drift) {
        missing.push(format!("glibc counts {said} bytes of blocks that are mappings, {found} were found"));
    }
    missing
}

/// The heap that `brk` grows, from its first chunk to its free end.
fn main_heap<M: ReadMemory>(
    walk: &mut Walk<'_, M>,
    state: &State,
    memory: &M,
    regions: &[Region],
    parameters: Option<&Parameters>,
) {
    let Some(range) = brk(regions) else { return };
    let start = parameters.map_or(range.start, |parameters| parameters.first).next_multiple_of(16);
    let Some(top) = state.top(memory).filter(|top| (start..range.end).contains(top)) else {
        walk.broken = walk.arena.system_bytes > 0;
        return;
    };
    let size = memory.word(Address(top + 8)).map_or(0, |head| head & !7);
    let end = top.saturating_add(size).min(range.end);
    walk.arena.heaps.push((Address(start), end - start));
    walk.chunks(start..end, top);
}

/// The heaps of a thread's arena, from the last, which holds its free end, back to the first, which holds the arena.
fn thread_heaps<M: ReadMemory>(walk: &mut Walk<'_, M>, state: &State, memory: &M) {
    let first = state.address.0 & !(HEAP_MAX - 1);
    let head = state.address.0 - first;
    let Some(top) = state.top(memory) else {
        walk.broken = true;
        return;
    };
    let mut heap = top & !(HEAP_MAX - 1);
    for _ in 0..HEAPS_CAP {
        // ar_ptr 0, prev 8, size 16
        let word = |offset| memory.word(Address(heap.wrapping_add(offset)));
        let (Ok(owner), Ok(previous), Ok(size)) = (word(0), word(8), word(16)) else { break };
        if owner != state.address.0 || size > HEAP_MAX {
            break;
        }
        let chunks = if heap == first { state.end() } else { heap + head }.next_multiple_of(16);
        walk.arena.heaps.push((Address(heap), size));
        walk.overhead(heap..chunks);
        walk.chunks(chunks..heap + size, top);
        if heap == first {
            walk.arena.heaps.sort_unstable();
            return;
        }
        heap = previous;
    }
    walk.broken = true;
}

/// The memory that grows by `brk`, whose mappings lie side by side.
pub(super) fn brk(regions: &[Region]) -> Option<Range<u64>> {
    let mut pieces = regions.iter().filter(|region| region.path == "[heap]").map(|region| region.start.0..region.end.0);
    let first = pieces.next()?;
    Some(pieces.fold(first, |all, piece| if piece.start == all.end { all.start..piece.end } else { all }))
}

/// The library's writable memory: its file's, and the anonymous memory that continues it.
fn data(regions: &[Region]) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    for region in regions.iter().filter(|region| region.write && !region.shared) {
        match found.last_mut() {
            _ if is_library(region) => found.push(region.start.0..region.end.0),
            Some(last) if last.end == region.start.0 && is_anonymous(region) => last.end = region.end.0,
            _ => {}
        }
    }
    found.retain(|range| range.end - range.start <= FILE_CAP);
    found
}

fn is_library(region: &Region) -> bool {
    region.path.starts_with('/') && is_glibc(file_name(&region.path))
}

/// The minor version of the library: in its file's name before 2.34, else in its constants.
fn version(memory: &impl ReadMemory, regions: &[Region]) -> Option<u32> {
    let libraries = || regions.iter().filter(|region| is_library(region));
    let named = libraries().find_map(|region| file_name(&region.path).strip_prefix("libc-2.")).and_then(leading_number);
    let constants = |region: &&Region| region.read && !region.write && !region.execute && region.len() <= FILE_CAP;
    named.or_else(|| libraries().filter(constants).find_map(|region| banner(memory, region)))
}

/// The number behind the banner in a region.
fn banner(memory: &impl ReadMemory, region: &Region) -> Option<u32> {
    const PIECE: u64 = 1 << 12;
    let mut bytes = vec![0; region.len() as usize];
    for (piece, at) in bytes.chunks_mut(PIECE as usize).zip((region.start.0..).step_by(PIECE as usize)) {
        // a page that nobody has read stays zeros
        let _ = memory.read(Address(at), piece);
    }
    let at = bytes.windows(BANNER.len()).position(|window| window == BANNER)?;
    let rest = bytes.get(at + BANNER.len()..)?;
    leading_number(&String::from_utf8_lossy(rest.get(..8.min(rest.len()))?))
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// A part of `mp_` (`struct malloc_par`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parameters {
    /// `sbrk_base`: the first chunk of the main heap.
    first: u64,
    /// `mmapped_mem`.
    mapped_bytes: u64,
}

impl Parameters {
    /// By its field that holds the start of the heap: two sums of mappings stand in front, the later the larger, and the
    /// limits of the caches of threads behind.
    fn find(memory: &impl ReadMemory, data: &[Range<u64>], regions: &[Region]) -> Option<Parameters> {
        let start = brk(regions)?.start;
        let word = |at: u64| memory.word(Address(at)).ok();
        let is_first = |at: &u64| word(*at).is_some_and(|first| first.abs_diff(start) < 4096);
        let parameters = |at: u64| {
            let (mapped_bytes, most) = (word(at - 16)?, word(at - 8)?);
            let sums = mapped_bytes <= most && mapped_bytes % 16 == 0;
            // tcache_bins, tcache_max_bytes, tcache_count
            let (lists, largest, count) = (word(at + 8)?, word(at + 16)?, word(at + 24)?);
            let limits = lists <= 128 && (16..=1 << 23).contains(&largest) && count <= 1 << 16;
            (sums && limits).then_some(Parameters { first: word(at)?, mapped_bytes })
        };
        let places = data.iter().flat_map(|range| (range.start + 16..range.end).step_by(8));
        places.filter(is_first).find_map(parameters)
    }
}
