//! The account of RSS with allocators other than glibc's, on memory made by hand.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_analysis::rss::{RssKind, RssView};
use memsight_model::{
    Address, CAllocator, CArena, CBlocks, CHeap, COwned, COwnedType, CPointed, Mode, PageRuns, Quiet, Region,
    Residence, ResidentMapping, Rollup, Snapshot,
};

const MIB: u64 = 1 << 20;
const FIRST: u64 = 0x7f11_0000_0000;
const SECOND: u64 = FIRST + 16 * MIB;

/// Two anonymous mappings of 1 MiB, all of it in memory, and 10 lists of 10,000 bytes somewhere in a C heap.
fn snapshot(heap: CHeap) -> Snapshot {
    let mut objects = Heap::default();
    let list = objects.object("list", 56);
    let mut snapshot = objects.build();
    let pages =
        Rollup { rss_bytes: MIB, pss_bytes: MIB, anonymous_bytes: MIB, private_dirty_bytes: MIB, ..Rollup::default() };
    let places = [FIRST, SECOND].map(|start| (Address(start), Address(start + MIB)));
    let region = |(start, end)| Region { start, end, read: true, write: true, ..Region::default() };
    let mapping = |(start, end)| ResidentMapping { start, end, pages, stacks: 0 };
    snapshot.maps = places.map(region).to_vec();
    snapshot.residence = Some(Residence {
        mappings: places.map(mapping).to_vec(),
        pages: PageRuns::new([FIRST..FIRST + MIB, SECOND..SECOND + MIB]),
    });
    let type_ = snapshot.objects.types[list.index()];
    let types = vec![COwnedType { type_, objects: 10, object_bytes: 100_000, ..COwnedType::default() }];
    snapshot.c_owned = Some(COwned { types, large: Vec::new() });
    snapshot.c_heap = Some(heap);
    snapshot.manifest.rss_bytes = 2 * MIB;
    snapshot
}

fn bytes(view: &RssView, kind: RssKind) -> u64 {
    view.lines.iter().filter(|line| line.kind == kind).map(|line| line.bytes).sum()
}

#[test]
fn known_objects_are_taken_out_of_an_allocator_that_is_not_looked_into() {
    let snapshot = snapshot(CHeap { allocator: CAllocator::Musl, ..CHeap::default() });
    let view = Analysis::new(&snapshot, &Quiet).rss(5);
    assert_eq!(bytes(&view, RssKind::CHeapObjects), 100_000);
    assert_eq!(bytes(&view, RssKind::CHeapWhole), 2 * MIB - 100_000);
    assert_eq!((bytes(&view, RssKind::Unknown), view.difference_bytes), (0, 0));
    let whole = view.lines.iter().find(|line| line.kind == RssKind::CHeapWhole).expect("musl's line");
    assert_eq!(whole.parts[0].name, "musl, used and free");
}

#[test]
fn a_core_is_not_told_to_be_looked_at_anew() {
    let mut snapshot = snapshot(CHeap::default());
    (snapshot.residence, snapshot.manifest.mode) = (None, Mode::Core);
    let view = Analysis::new(&snapshot, &Quiet).rss(5);
    assert!(view.missing.iter().any(|reason| reason.contains("no core file")), "{:?}", view.missing);
    assert!(!view.missing.iter().any(|reason| reason.contains("a new one does")), "{:?}", view.missing);
    assert!(view.lines.iter().any(|line| line.name.contains("dumped")), "{:?}", view.lines);
    snapshot.manifest.mode = Mode::Freeze;
    let view = Analysis::new(&snapshot, &Quiet).rss(5);
    assert!(view.missing.iter().any(|reason| reason.contains("a new one does")), "{:?}", view.missing);
}

#[test]
fn the_rest_of_memory_says_who_points_there() {
    let arena = CArena {
        allocator: CAllocator::Jemalloc,
        library: "/usr/lib/libjemalloc.so.2".to_owned(),
        heaps: vec![(Address(FIRST), MIB)],
        used: CBlocks { count: 100, bytes: 400_000, resident_bytes: 400_000 },
        free: CBlocks { count: 5, bytes: MIB - 400_000, resident_bytes: MIB - 400_000 },
        ..CArena::default()
    };
    let by = vec!["/usr/lib/libfoo.so".to_owned(), "stack".to_owned()];
    let snapshot = snapshot(CHeap {
        allocator: CAllocator::Jemalloc,
        arenas: vec![arena],
        pointed: vec![CPointed { address: Address(SECOND), by }],
        ..CHeap::default()
    });
    let view = Analysis::new(&snapshot, &Quiet).rss(5);
    let figures = [RssKind::CHeapObjects, RssKind::CHeapOther, RssKind::CHeapFree, RssKind::Unknown];
    assert_eq!(figures.map(|kind| bytes(&view, kind)), [100_000, 300_000, MIB - 400_000, MIB]);
    let unknown = view.lines.iter().find(|line| line.kind == RssKind::Unknown).expect("a line for the rest");
    assert_eq!(unknown.parts[0].name, format!("{} <- libfoo.so, stack", Address(SECOND)));
    assert!(unknown.advice.contains("point there"), "{}", unknown.advice);
    assert_eq!(view.c_allocator, "jemalloc");
    assert_eq!((view.c_arenas[0].name.as_str(), view.c_arenas[0].allocator.as_str()), ("jemalloc 0", "jemalloc"));
}
