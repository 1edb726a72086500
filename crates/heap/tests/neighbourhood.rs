//! The objects around one, against the definition, by brute force on small random heaps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use memsight_heap::{Neighbour, Reach, left_out, neighbourhood};
use memsight_model::{Label, LabelKind, ObjectId, Snapshot, TypeId, TypeRecord};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Heap {
    /// Owner and target.
    edges: Vec<(u32, u32)>,
    weights: Vec<u64>,
}

fn heaps() -> impl Strategy<Value = Heap> {
    (1..20u32).prop_flat_map(|n| {
        let edges = prop::collection::vec((0..n, 0..n), 0..n as usize * 3);
        (edges, prop::collection::vec(0..6u64, n as usize)).prop_map(|(edges, weights)| Heap { edges, weights })
    })
}

impl Heap {
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { types: vec![TypeRecord::default()], ..Default::default() };
        snapshot.references.offsets.push(0);
        for object in 0..self.weights.len() as u32 {
            for (_, target) in self.edges.iter().filter(|edge| edge.0 == object) {
                snapshot.references.targets.push(ObjectId(*target));
                snapshot.references.labels.push(Label::new(LabelKind::Weak, 0));
            }
            snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
            snapshot.objects.types.push(TypeId(0));
        }
        snapshot
    }

    fn next_to(&self, object: u32, direction: i32) -> BTreeSet<u32> {
        let edges =
            self.edges.iter().map(|&(owner, target)| if direction > 0 { (owner, target) } else { (target, owner) });
        edges.filter(|edge| edge.0 == object).map(|edge| edge.1).collect()
    }

    fn largest(&self, objects: BTreeSet<u32>, most: usize) -> Vec<u32> {
        let mut objects: Vec<u32> = objects.into_iter().collect();
        objects.sort_by_key(|&object| (Reverse(self.weights[object as usize]), object));
        objects.truncate(most);
        objects
    }

    /// The rule as the documentation has it.
    fn around(&self, centre: u32, path: &[u32], reach: Reach) -> BTreeMap<u32, Option<i32>> {
        let mut shown: BTreeMap<u32, Option<i32>> = path.iter().map(|&object| (object, None)).collect();
        shown.insert(centre, Some(0));
        let mut added = 0;
        for (direction, most) in [(-1, reach.objects / 2), (1, reach.objects)] {
            let mut level = BTreeSet::from([centre]);
            for step in 1..=reach.depth as i32 {
                let near = level.iter().flat_map(|&object| self.largest(self.next_to(object, direction), reach.fan));
                let near: BTreeSet<u32> = near.filter(|object| !matches!(shown.get(object), Some(Some(_)))).collect();
                level.clear();
                for object in self.largest(near, usize::MAX) {
                    if !path.contains(&object) {
                        if added == most {
                            continue;
                        }
                        added += 1;
                    }
                    shown.insert(object, Some(direction * step));
                    level.insert(object);
                }
            }
        }
        shown
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn neighbourhoods_follow_the_definition(
        heap in heaps(), centre in 0..20u32, path in prop::collection::btree_set(0..20u32, 0..3),
        depth in 0..4u32, objects in 0..12usize, fan in 1..5usize, unlimited in any::<bool>(),
    ) {
        let n = heap.weights.len() as u32;
        let centre = centre % n;
        let path: Vec<u32> = path.into_iter().filter(|object| *object < n).collect();
        let reach = if unlimited { Reach { depth, objects: usize::MAX, fan: usize::MAX } } else { Reach { depth, objects, fan } };
        let snapshot = heap.snapshot();
        let ids: Vec<ObjectId> = path.iter().copied().map(ObjectId).collect();
        let found = neighbourhood(&snapshot, ObjectId(centre), &ids, reach, |object| heap.weights[object.index()]);
        let as_map: BTreeMap<u32, Option<i32>> = found.iter().map(|one| (one.object.0, one.distance)).collect();
        prop_assert_eq!(as_map.len(), found.len(), "each object once");
        prop_assert_eq!(&as_map, &heap.around(centre, &path, reach));

        let shown: Vec<ObjectId> = found.iter().map(|one| one.object).collect();
        for (object, out) in shown.iter().zip(left_out(&snapshot, &shown)) {
            let hidden = |direction| heap.next_to(object.0, direction).iter().filter(|other| !as_map.contains_key(other)).count();
            prop_assert_eq!((out.referrers, out.referents), (hidden(-1) as u64, hidden(1) as u64));
        }
    }

    #[test]
    fn broken_tables_harm_nothing(heap in heaps(), at in 0..40usize, value in any::<u32>()) {
        let mut snapshot = heap.snapshot();
        if let Some(offset) = snapshot.references.offsets.get_mut(at) {
            *offset = value;
        }
        if let Some(target) = snapshot.references.targets.get_mut(at) {
            *target = ObjectId(value);
        }
        let reach = Reach { depth: 3, objects: 10, fan: 3 };
        let found = neighbourhood(&snapshot, ObjectId(0), &[], reach, |_| 1);
        prop_assert!(found.iter().all(|one: &Neighbour| one.object.index() < heap.weights.len()));
        left_out(&snapshot, &[ObjectId(0), ObjectId(value)]);
    }
}
