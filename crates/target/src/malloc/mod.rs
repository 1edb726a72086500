//! The allocators seen from outside: what they have handed out, what they keep, where.
//!
//! glibc's arenas are found through its own data and walked chunk by chunk ([`glibc`]). Other allocators may serve `malloc`
//! in its place, or a single library that they are linked into: they are looked for in the static data of every file, by
//! what their roots lead to ([`jemalloc`], [`tcmalloc`], [`mimalloc3`]), or by the heads of their memory ([`mimalloc`]).
//! Everything comes through [`ReadMemory`]; nothing that is read is believed before it fits its neighbours.
//!
//! Source: glibc's `malloc/malloc.c` and `malloc/arena.c`, 2.26 to 2.43; the others' in their modules.

mod cache;
mod glibc;
mod jemalloc;
mod mapped;
mod mimalloc;
mod mimalloc3;
mod pages;
mod pointers;
mod ring;
mod statics;
mod tally;
mod tcache;
mod tcmalloc;
mod walk;

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use memsight_model::{Blocks, CAllocator, CArena, CHeap, ReadMemory, Region, Residence};

use statics::{Anonymous, Scene, Statics};
use tally::Tally;

/// Libraries that take the place of the C library's `malloc`, by a part of their file's name.
const OTHERS: [(&str, CAllocator); 3] = [
    ("libjemalloc", CAllocator::Jemalloc),
    ("libtcmalloc", CAllocator::Tcmalloc),
    ("libmimalloc", CAllocator::Mimalloc),
];
/// Roots that are walked; more of them are none.
const ROOTS_CAP: usize = 64;

/// Words and blocks that are looked at beside two for each word in memory.
const WORDS: u64 = 1 << 24;

/// Freed blocks that a thread or a size keeps.
type Cached = HashSet<u64>;

/// What the walk of an allocator finds.
#[derive(Default)]
struct Found {
    arenas: Vec<CArena>,
    /// Blocks in use and their bytes.
    blocks: Vec<(u64, u64)>,
    missing: Vec<String>,
}

impl Found {
    fn add(&mut self, tally: Tally<'_>) {
        let (arena, blocks) = tally.finish();
        self.arenas.push(arena);
        self.blocks.extend(blocks);
    }

    fn join(&mut self, other: Found) {
        self.arenas.extend(other.arenas);
        self.blocks.extend(other.blocks);
        self.missing.extend(other.missing);
    }

    /// The heaps of all arenas, ascending.
    fn heaps(&self) -> Vec<Range<u64>> {
        let all = self.arenas.iter().flat_map(|arena| &arena.heaps);
        let mut heaps: Vec<Range<u64>> = all.map(|(start, bytes)| start.0..start.0.saturating_add(*bytes)).collect();
        heaps.sort_unstable_by_key(|heap| heap.start);
        heaps
    }
}

/// The allocator behind `malloc` in a process with these mappings (ascending), and what it and all others that are found
/// hold. Cost: some 20 ns a block, and a look at each word of static data.
pub fn c_heap<M: ReadMemory>(memory: &M, regions: &[Region], residence: &Residence) -> CHeap {
    let others = others(memory, regions, residence);
    let behind = allocator(regions);
    let mut heap = match regions.iter().any(|region| is_glibc(file_name(&region.path))) {
        true => glibc::walk(memory, regions, &residence.pages, &others.heaps()),
        false => CHeap::default(),
    };
    if behind != CAllocator::Glibc {
        // glibc's own may rest then, and does not say its version for another's
        heap.version.clear();
        heap.missing.retain(|_| !heap.arenas.is_empty());
        if !others.arenas.iter().any(|arena| arena.allocator == behind) {
            heap.missing.push(unknown(behind));
        }
    }
    let unread = behind != CAllocator::Glibc && !others.arenas.iter().any(|arena| arena.allocator == behind);
    heap.allocator = behind;
    heap.arenas.extend(others.arenas);
    heap.missing.extend(others.missing);
    if !others.blocks.is_empty() {
        let own = heap.blocks.iter().map(|block| (block.start, block.end - block.start));
        heap.blocks = Blocks::new(own.chain(others.blocks).collect());
    }
    heap.blocks.unread = unread;
    heap
}

/// Notes in `heap` who points to the largest mappings that are none of it. Cost: a look at each word of static data and of
/// stacks.
pub fn note_pointers<M: ReadMemory>(memory: &M, regions: &[Region], residence: &Residence, heap: &mut CHeap) {
    heap.pointed = pointers::find(memory, regions, residence, heap);
}

fn unknown(behind: CAllocator) -> String {
    match behind {
        CAllocator::Unknown => "the allocator behind malloc was not recognised".to_owned(),
        CAllocator::Musl => "musl's malloc is not looked into: what nobody else claims is called its own".to_owned(),
        known => format!("{}'s structures were not found, so that its memory is not told apart", known.name()),
    }
}

/// All but glibc's.
fn others<M: ReadMemory>(memory: &M, regions: &[Region], residence: &Residence) -> Found {
    let brk = glibc::brk(regions);
    let resident: u64 = residence.pages.iter().map(|run| run.end - run.start).sum();
    let budget = WORDS.saturating_add(resident / 4);
    let left = Cell::new(budget);
    let scene = Scene {
        memory,
        pages: &residence.pages,
        anonymous: Anonymous::new(regions),
        brk,
        searched: Default::default(),
        left,
    };
    let statics = statics::all(regions);
    let mut walked = Vec::new();
    for statics in &statics {
        for (root, allocator) in roots(&scene, statics) {
            walked.push(match allocator {
                CAllocator::Jemalloc => jemalloc::walk(&scene, root, &statics.path),
                CAllocator::Tcmalloc => tcmalloc::walk(&scene, root, statics),
                _ => mimalloc3::walk(&scene, root, statics),
            });
        }
    }
    // what looks like a root beside the true one leads to a part of the same memory
    walked.sort_by_key(|found| std::cmp::Reverse(found.blocks.len()));
    scene.left.set(budget);
    let mut all = mimalloc::walk(&scene, &statics);
    for found in walked {
        if !overlap(&all.heaps(), &found.heaps()) {
            all.join(found);
        }
    }
    all
}

/// Whether two lists of ranges, each ascending, have bytes in common.
fn overlap(left: &[Range<u64>], right: &[Range<u64>]) -> bool {
    right.iter().any(|range| {
        let next = left.partition_point(|other| other.end <= range.start);
        left.get(next).is_some_and(|other| other.start < range.end)
    })
}

/// The roots of allocators among the static data of a file, each once.
fn roots<M: ReadMemory>(scene: &Scene<'_, M>, statics: &Statics) -> BTreeMap<u64, CAllocator> {
    let mut roots = BTreeMap::new();
    for (at, word) in scene.words(statics.range.clone()) {
        if word % 8 != 0 || scene.anonymous.area(word).is_none() {
            continue;
        }
        if let Some(root) = jemalloc::root(scene, statics, at, word) {
            roots.insert(root, CAllocator::Jemalloc);
        } else if let Some(root) = tcmalloc::root(scene, statics, at, word) {
            roots.insert(root, CAllocator::Tcmalloc);
        } else if mimalloc3::is_map(scene, word) {
            roots.insert(word, CAllocator::Mimalloc);
        }
        if roots.len() >= ROOTS_CAP {
            break;
        }
    }
    roots
}

fn allocator(regions: &[Region]) -> CAllocator {
    let names = || regions.iter().filter(|region| region.path.starts_with('/')).map(|region| file_name(&region.path));
    let preloaded = OTHERS.into_iter().find(|(part, _)| names().any(|name| name.starts_with(part)));
    match preloaded {
        Some((_, allocator)) => allocator,
        None if names().any(is_glibc) => CAllocator::Glibc,
        None if names().any(|name| name.contains("musl")) => CAllocator::Musl,
        None => CAllocator::Unknown,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `libc.so.6`, or `libc-2.31.so` as files were called before 2.34.
fn is_glibc(name: &str) -> bool {
    name == "libc.so.6" || name.starts_with("libc.so.6 ") || (name.starts_with("libc-2.") && name.contains(".so"))
}

/// Whether a mapping may hold blocks of `malloc`: private, of no file, written.
fn is_anonymous(region: &Region) -> bool {
    let named = region.path.starts_with('/') || (region.path.starts_with('[') && !region.path.starts_with("[anon"));
    region.read && region.write && !region.shared && region.inode == 0 && !named
}

#[cfg(test)]
mod tests {
    use memsight_model::Address;

    use super::*;

    #[test]
    fn allocators_are_told_by_their_library() {
        let of = |paths: &[&str]| {
            let region = |path: &&str| Region { path: (*path).to_owned(), ..Region::default() };
            allocator(&paths.iter().map(region).collect::<Vec<_>>())
        };
        assert_eq!(of(&["[heap]", "/usr/lib/x86_64-linux-gnu/libc.so.6"]), CAllocator::Glibc);
        assert_eq!(of(&["/lib/libc-2.31.so"]), CAllocator::Glibc);
        assert_eq!(of(&["/lib/libc.so.6 (deleted)", "/usr/lib/libjemalloc.so.2"]), CAllocator::Jemalloc);
        assert_eq!(of(&["/usr/lib/libtcmalloc_minimal.so.4"]), CAllocator::Tcmalloc);
        assert_eq!(of(&["/lib/ld-musl-x86_64.so.1"]), CAllocator::Musl);
        assert_eq!(of(&["/tmp/libc.so.66", "[stack]"]), CAllocator::Unknown);
    }

    /// Memory of zeros.
    struct Zeros;

    impl ReadMemory for Zeros {
        fn read(&self, _: Address, out: &mut [u8]) -> Result<(), memsight_model::Fault> {
            out.fill(0);
            Ok(())
        }
    }

    #[test]
    fn what_is_not_looked_into_is_named() {
        let region = |start: u64, path: &str| Region {
            start: Address(start),
            end: Address(start + 0x10_0000),
            read: true,
            write: true,
            inode: u64::from(path.starts_with('/')),
            path: path.to_owned(),
            ..Region::default()
        };
        let maps = [region(0x10_0000, "/lib/ld-musl-x86_64.so.1"), region(0x20_0000, ""), region(0x40_0000, "")];
        let pages = memsight_model::PageRuns::new(std::iter::once(0x10_0000..0x48_0000));
        let heap = c_heap(&Zeros, &maps, &Residence { pages, ..Residence::default() });
        assert_eq!((heap.allocator, heap.arenas.len(), heap.blocks.unread), (CAllocator::Musl, 0, true));
        assert!(heap.missing.iter().any(|reason| reason.contains("musl")), "{:?}", heap.missing);
        assert!(!heap.is_read());
    }

    const AREA: std::ops::Range<u64> = 0x7f00_0200_0000..0x7f00_0280_0000;

    /// Zeros, pointers to anywhere in the area, small numbers and noise, by a seed.
    struct Noise(u64);

    impl ReadMemory for Noise {
        fn read(&self, at: Address, out: &mut [u8]) -> Result<(), memsight_model::Fault> {
            for (at, byte) in (at.0..).zip(out) {
                *byte = self.word(Address(at & !7))?.to_le_bytes()[(at % 8) as usize];
            }
            Ok(())
        }

        fn word(&self, at: Address) -> Result<u64, memsight_model::Fault> {
            let mut x = (at.0 ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x ^= x >> 32;
            let within = AREA.start + (x >> 8) % (AREA.end - AREA.start);
            Ok(match x % 8 {
                0..=2 => 0,
                3 => within & !4095,
                4 => within & !127,
                5 => x >> 48,
                6 => x >> 60,
                _ => x,
            })
        }
    }

    #[test]
    fn damaged_memory_is_walked_to_an_end() {
        let region = |start: u64, end: u64, path: &str| Region {
            start: Address(start),
            end: Address(end),
            read: true,
            write: true,
            inode: u64::from(path.starts_with('/')),
            path: path.to_owned(),
            ..Region::default()
        };
        let statics = 0x5000_0000..0x5010_0000;
        let maps = [region(statics.start, statics.end, "/lib/libjemalloc.so.2"), region(AREA.start, AREA.end, "")];
        for seed in 0..8 {
            let pages = memsight_model::PageRuns::new([statics.clone(), AREA]);
            let heap = c_heap(&Noise(seed), &maps, &Residence { pages, ..Residence::default() });
            assert_eq!(heap.allocator, CAllocator::Jemalloc);
            assert!(heap.blocks.iter().all(|block| block.start < block.end));
        }
    }

    #[test]
    fn ranges_with_bytes_in_common_overlap() {
        let left = [0x1000..0x2000, 0x5000..0x6000];
        assert!(overlap(&left, std::slice::from_ref(&(0x1fff..0x3000))));
        assert!(!overlap(&left, &[0x2000..0x5000, 0x6000..0x7000]));
    }
}
