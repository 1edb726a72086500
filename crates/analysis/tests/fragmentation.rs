//! The account of pymalloc, on arenas made by hand.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_model::{Address, Arena, Owned, Pin, Pool, Pymalloc, Quiet, Snapshot, TypeId};

const POOL: u64 = 16 << 10;
const ARENA: u64 = 1 << 20;
const FIRST: u64 = 0x7f11_0000_0000;

fn arena(number: u64, free_pools: u32) -> Arena {
    Arena { address: Address(FIRST + number * ARENA), bytes: ARENA, pools: 64, free_pools, interpreter: 0 }
}

fn pool(arena: u64, number: u64, block_bytes: u16, used: u16, fresh: u16) -> Pool {
    let capacity = ((POOL - Pymalloc::POOL_HEAD) / u64::from(block_bytes)) as u16;
    let address = Address(FIRST + arena * ARENA + number * POOL);
    Pool { address, block_bytes, used: used.min(capacity), capacity, fresh }
}

/// A full arena of 512-byte blocks, one with two nearly empty pools, one that holds nothing.
fn heap() -> Snapshot {
    let mut heap = Heap::default();
    let (cache, list) = (heap.object("app.Cache", 48), heap.object("list", 56));
    let mut snapshot = heap.build();
    let mut pools: Vec<Pool> = (0..64).map(|number| pool(0, number, 512, u16::MAX, 0)).collect();
    pools.push(pool(1, 0, 64, 1, 200));
    pools.push(pool(1, 5, 64, 2, 0));
    let type_of = |object: memsight_model::ObjectId| snapshot.objects.types[object.index()];
    let owned = |type_: TypeId, block_bytes, objects, buffers| Owned { type_, block_bytes, objects, buffers };
    let block = |pool: &Pool, number: u64| Address(pool.address.0 + Pymalloc::POOL_HEAD + 64 * number);
    let pins = vec![
        Pin { block: block(&pools[64], 0), object: cache },
        Pin { block: block(&pools[65], 0), object: cache },
        Pin { block: block(&pools[65], 1), object: list },
    ];
    let owned =
        vec![owned(type_of(cache), 64, 2, 0), owned(type_of(list), 64, 0, 1), owned(type_of(list), 512, 0, 1000)];
    snapshot.pymalloc = Some(Pymalloc {
        pool_bytes: POOL,
        arenas: vec![arena(0, 0), arena(1, 62), arena(2, 64)],
        pools,
        raw_blocks: Some(9),
        owned,
        pins,
        ..Pymalloc::default()
    });
    snapshot
}

#[test]
fn the_parts_add_up_to_the_arenas() {
    let snapshot = heap();
    let view = Analysis::new(&snapshot, &Quiet).pymalloc(0).unwrap();
    assert_eq!((view.arenas, view.arena_bytes), (3, 3 * ARENA));
    assert_eq!(view.used_blocks, 64 * 31 + 3);
    assert_eq!(view.used_bytes, 64 * 31 * 512 + 3 * 64);
    assert_eq!(view.used_bytes + view.free_bytes + view.free_pool_bytes + view.overhead_bytes, view.arena_bytes);
    assert_eq!(view.free_pool_bytes, 126 * POOL);
    assert_eq!(view.fresh_bytes, 200 * 64);
    assert_eq!(view.object_bytes + view.buffer_bytes + view.other_bytes, view.used_bytes);
    assert_eq!((view.object_blocks, view.buffer_blocks, view.raw_blocks), (2, 1001, Some(9)));
    assert_eq!(view.types[0].type_name, "list", "most bytes first");
    let sizes: Vec<_> = view.sizes.iter().map(|row| (row.block_bytes, row.pools, row.owned_blocks)).collect();
    assert_eq!(sizes, [(64, 2, 3), (512, 64, 1000)]);
}

#[test]
fn what_keeps_sparse_memory_is_named() {
    let snapshot = heap();
    let view = Analysis::new(&snapshot, &Quiet).pymalloc(0).unwrap();
    // 64 full pools and one pool of three blocks: two arenas.
    assert_eq!(view.fragmented_bytes, ARENA);
    let fill: Vec<_> =
        view.fill.iter().filter(|row| row.arenas > 0).map(|row| (row.from_percent, row.arenas)).collect();
    assert_eq!(fill, [(0, 2), (90, 1)]);
    assert_eq!((view.sparse_arenas.count, view.sparse_arenas.used_bytes), (2, 3 * 64));
    assert_eq!((view.sparse_pools.count, view.sparse_pools.bytes), (2, 2 * POOL));
    let rows = |pins: &[memsight_analysis::fragmentation::PinRow]| -> Vec<(String, u64, u64, u64)> {
        pins.iter().map(|row| (row.type_name.clone(), row.holds, row.alone, row.blocks)).collect()
    };
    let both = |cache, list| vec![("app.Cache".to_owned(), cache), ("list".to_owned(), list)];
    let flat = |rows: Vec<(String, u64, u64, u64)>| -> Vec<(String, (u64, u64, u64))> {
        rows.into_iter().map(|(name, holds, alone, blocks)| (name, (holds, alone, blocks))).collect()
    };
    assert_eq!(flat(rows(&view.sparse_arenas.pins)), both((1, 0, 2), (1, 0, 1)));
    assert_eq!(flat(rows(&view.sparse_pools.pins)), both((2, 1, 2), (1, 0, 1)));
    assert_eq!(view.sparse_pools.pins[0].examples.len(), 1, "an object is an example once");
}

#[test]
fn figures_that_cannot_be_do_no_harm() {
    let mut snapshot = heap();
    if let Some(pymalloc) = &mut snapshot.pymalloc {
        pymalloc.owned.push(Owned {
            type_: TypeId(u32::MAX),
            block_bytes: u16::MAX,
            objects: u64::MAX,
            buffers: u64::MAX,
        });
        pymalloc.arenas.push(Arena { bytes: u64::MAX, pools: u32::MAX, ..arena(9, u32::MAX) });
        pymalloc.pool_bytes = u64::MAX;
    }
    assert!(Analysis::new(&snapshot, &Quiet).pymalloc(3).is_some());
    snapshot.pymalloc = Some(Pymalloc { arenas: vec![Arena::default()], ..Pymalloc::default() });
    assert!(Analysis::new(&snapshot, &Quiet).pymalloc(3).is_some());
    snapshot.pymalloc = None;
    assert!(Analysis::new(&snapshot, &Quiet).pymalloc(3).is_none());
}
