//! Cycles put into words.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_model::Quiet;

/// A ring of that many lists, which nothing else refers to.
fn ring(length: u32) -> Heap {
    let mut heap = Heap::default();
    let lists: Vec<_> = (0..length).map(|_| heap.object("list", 64)).collect();
    for (at, &list) in lists.iter().enumerate() {
        heap.index(list, 0, lists[(at + 1) % lists.len()]);
    }
    heap
}

#[test]
fn a_short_cycle_is_spelled_whole() {
    let snapshot = ring(24).build();
    let view = Analysis::new(&snapshot, &Quiet).garbage(5).expect("a heap with lists of the collector");
    assert_eq!(view.garbage.objects, 24);
    let row = &view.garbage.cycles[0];
    assert_eq!((row.steps.len(), row.example.len(), row.left_out), (24, 24, 0));
    assert!(!row.cycle.contains("more"), "{}", row.cycle);
}

#[test]
fn a_long_cycle_is_cut_in_the_middle() {
    let snapshot = ring(1_024).build();
    let view = Analysis::new(&snapshot, &Quiet).garbage(5).expect("a heap with lists of the collector");
    assert_eq!(view.garbage.objects, 1_024);
    let row = &view.garbage.cycles[0];
    assert_eq!((row.steps.len(), row.example.len(), row.left_out), (24, 24, 1_000));
    assert_eq!(row.cycle.matches("list[*]").count(), 24);
    let parts: Vec<&str> = row.cycle.split(" -> ").collect();
    assert_eq!((parts[16], parts[25]), ("(1,000 more)", "list"));
    // what comes behind the gap is the end of the ring
    assert_ne!(row.example[15].address, row.example[16].address);
    assert_eq!(row.example[23].address, snapshot.objects.addresses.get(memsight_model::ObjectId(1_023)).to_string());
}
