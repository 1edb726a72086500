//! Time of each stage on a heap of 300,000 nodes (1.8 million objects, 4.5 million references).
//! `cargo bench -p memsight-heap`
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench reads the clock and prints")]

use std::hint::black_box;
use std::time::Instant;

use memsight_heap::Graph;
use memsight_model::{Label, LabelKind, ObjectFlags, ObjectId, Quiet, Root, RootKind, Snapshot, TypeId};

/// Each node: the instance, its dictionary, a list of neighbours, a str, a tuple and a number; a list holds all
/// nodes, and all refer to their class.
fn heap(nodes: u32) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); 2 + 6 * nodes as usize];
    let node = |i: u32| 2 + 6 * i;
    let mut random = 12345u32;
    for i in 0..nodes {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let far = node(random % nodes);
        let near = node((i + 1 + random % 7) % nodes);
        let at = node(i) as usize;
        rows[0].push(node(i));
        rows[at] = vec![1, at as u32 + 1];
        rows[at + 1] = vec![at as u32 + 2, at as u32 + 3, at as u32 + 4, at as u32 + 5];
        rows[at + 2] = vec![near, far, at as u32, 1];
        rows[at + 4] = vec![at as u32 + 3, at as u32 + 5, 1, 1];
    }
    snapshot.references.offsets.push(0);
    for row in rows {
        snapshot.references.targets.extend(row.iter().map(|&target| ObjectId(target)));
        snapshot.references.labels.extend((0..).take(row.len()).map(|i| Label::new(LabelKind::Index, i)));
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        snapshot.objects.types.push(TypeId(0));
        snapshot.objects.shallow.push(64);
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
    }
    let name = snapshot.names.intern("nodes");
    let root = |object| Root { object: ObjectId(object), kind: RootKind::Module, name, frame: None, thread: None };
    snapshot.roots = vec![root(0), root(1)];
    snapshot
}

fn main() {
    let snapshot = heap(300_000);
    println!("{} objects, {} references", snapshot.objects.len(), snapshot.references.len());
    for _ in 0..5 {
        let start = Instant::now();
        let graph = Graph::new(&snapshot, &Quiet);
        let dominators = start.elapsed();
        black_box(graph.paths(&snapshot));
        println!("dominators and retained sizes {dominators:.0?}, paths {:.0?}", start.elapsed() - dominators);
        assert_eq!(graph.tree().total_bytes(), 64 * snapshot.objects.len() as u64);
    }
}
