//! The graph against the definitions, by brute force on small random heaps.

use std::collections::{BTreeSet, VecDeque};

use memsight_heap::{Graph, Node, Origin, cycle_through, cyclic_components};
use memsight_model::{
    ExternalSizes, Label, LabelKind, ObjectFlags, ObjectId, Quiet, Root, RootKind, Snapshot, TypeId, TypeRecord,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Heap {
    /// Owner, target, weak.
    edges: Vec<(usize, usize, bool)>,
    sizes: Vec<u64>,
    external: BTreeSet<usize>,
    immortal: BTreeSet<usize>,
    /// Added to the number of references found.
    extra: Vec<u32>,
    roots: Vec<(usize, usize)>,
}

const KINDS: [RootKind; 6] = [
    RootKind::Module,
    RootKind::FrameLocal,
    RootKind::Thread,
    RootKind::Static,
    RootKind::Interned,
    RootKind::Interpreter,
];

fn heaps() -> impl Strategy<Value = Heap> {
    (1..24usize).prop_flat_map(|n| {
        let weak = prop::bool::weighted(0.1);
        let surplus = prop_oneof![9 => Just(0u32), 1 => Just(1u32)];
        (
            prop::collection::vec((0..n, 0..n, weak), 0..n * 3),
            prop::collection::vec(0..1000u64, n),
            prop::collection::btree_set(0..n, 0..3),
            prop::collection::btree_set(0..n, 0..2),
            prop::collection::vec(surplus, n),
            prop::collection::vec((0..n, 0..KINDS.len()), 0..4),
        )
            .prop_map(|(edges, sizes, external, immortal, extra, roots)| Heap {
                edges,
                sizes,
                external,
                immortal,
                extra,
                roots,
            })
    })
}

impl Heap {
    fn len(&self) -> usize {
        self.sizes.len()
    }

    fn strong(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.edges.iter().filter(|edge| !edge.2).map(|edge| (edge.0, edge.1))
    }

    fn own(&self, object: usize) -> u64 {
        self.sizes[object] + if self.external.contains(&object) { 5000 } else { 0 }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { types: vec![TypeRecord::default()], ..Default::default() };
        snapshot.references.offsets.push(0);
        for object in 0..self.len() {
            for (at, (_, target, weak)) in self.edges.iter().filter(|edge| edge.0 == object).enumerate() {
                let kind = if *weak { LabelKind::Weak } else { LabelKind::Index };
                snapshot.references.targets.push(ObjectId(*target as u32));
                snapshot.references.labels.push(Label::new(kind, at as u32));
            }
            snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
            let found = self.strong().filter(|edge| edge.1 == object).count() as u32;
            let immortal = self.immortal.contains(&object);
            snapshot.objects.types.push(TypeId(0));
            snapshot.objects.shallow.push(self.sizes[object]);
            snapshot.objects.refcounts.push(if immortal { u32::MAX } else { found + self.extra[object] });
            snapshot.objects.flags.push(ObjectFlags(if immortal { ObjectFlags::IMMORTAL } else { 0 }));
        }
        let external = self.external.iter().map(|&object| (ObjectId(object as u32), 5000));
        snapshot.objects.external = ExternalSizes(external.collect());
        let name = snapshot.names.intern("root");
        for &(object, kind) in &self.roots {
            let object = ObjectId(object as u32);
            snapshot.roots.push(Root { object, kind: KINDS[kind], name, frame: None, thread: None });
        }
        snapshot
    }

    /// What is reached from `starts` when `without` does not exist.
    fn reached(&self, starts: &BTreeSet<usize>, without: Option<usize>) -> BTreeSet<usize> {
        let mut reached: BTreeSet<usize> = starts.iter().copied().filter(|&start| Some(start) != without).collect();
        let mut queue: VecDeque<usize> = reached.iter().copied().collect();
        while let Some(owner) = queue.pop_front() {
            for (_, target) in self.strong().filter(|edge| edge.0 == owner) {
                if Some(target) != without && reached.insert(target) {
                    queue.push_back(target);
                }
            }
        }
        reached
    }

    /// The roots by their definition, and whether what completes them is right.
    fn complete(&self, graph: &Graph) -> BTreeSet<usize> {
        let weak = |root: &&(usize, usize)| KINDS[root.1] == RootKind::Interned && !self.immortal.contains(&root.0);
        let mut roots: BTreeSet<usize> = self.roots.iter().filter(|root| !weak(root)).map(|root| root.0).collect();
        let reached = self.reached(&roots, None);
        roots.extend(self.roots.iter().map(|root| root.0).filter(|object| !reached.contains(object)));
        let reached = self.reached(&roots, None);
        let found = |object| self.strong().filter(|edge| edge.1 == object && !reached.contains(&edge.0)).count();
        let all = |object| self.strong().filter(|edge| edge.1 == object).count();
        let external: BTreeSet<usize> = (0..self.len())
            .filter(|object| !reached.contains(object))
            .filter(|&object| {
                assert_eq!(found(object), all(object));
                self.immortal.contains(&object) || self.extra[object] > 0
            })
            .collect();
        assert_eq!(ids(graph.roots().external()), external);
        roots.extend(external);
        let unreachable = ids(graph.roots().unreachable());
        for &object in &unreachable {
            let others = roots.iter().chain(&unreachable).copied().filter(|&other| other != object).collect();
            assert!(!self.reached(&others, None).contains(&object), "an unreachable root that nothing needs");
        }
        roots.extend(unreachable);
        assert_eq!(self.reached(&roots, None).len(), self.len(), "roots reach everything");
        roots
    }

    fn distances(&self, roots: &BTreeSet<usize>) -> Vec<usize> {
        let mut distance = vec![usize::MAX; self.len()];
        let mut queue: VecDeque<usize> = roots.iter().copied().collect();
        roots.iter().for_each(|&root| distance[root] = 0);
        while let Some(owner) = queue.pop_front() {
            for (_, target) in self.strong().filter(|edge| edge.0 == owner) {
                if distance[target] == usize::MAX {
                    distance[target] = distance[owner] + 1;
                    queue.push_back(target);
                }
            }
        }
        distance
    }
}

fn ids(objects: &[ObjectId]) -> BTreeSet<usize> {
    objects.iter().map(|object| object.index()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn components_are_those_who_reach_each_other(heap in heaps()) {
        let snapshot = heap.snapshot();
        let below = |object: usize| {
            let children = heap.strong().filter(|edge| edge.0 == object).map(|edge| edge.1).collect();
            heap.reached(&children, None)
        };
        let below: Vec<BTreeSet<usize>> = (0..heap.len()).map(below).collect();
        let mut expected: BTreeSet<Vec<ObjectId>> = BTreeSet::new();
        for object in (0..heap.len()).filter(|object| below[*object].contains(object)) {
            let knot = (0..heap.len()).filter(|other| below[object].contains(other) && below[*other].contains(&object));
            expected.insert(knot.map(|other| ObjectId(other as u32)).collect());
        }
        let all: Vec<ObjectId> = snapshot.objects.ids().collect();
        let found = cyclic_components(&snapshot, &all, |_, _| true);
        for component in found.iter() {
            let cycle = cycle_through(&snapshot, component, component[0]);
            prop_assert_eq!(cycle.last().map(|step| step.1), Some(component[0]));
            let mut from = component[0];
            for (label, to) in cycle {
                prop_assert!(snapshot.references.of(from).any(|edge| edge == (to, label)));
                from = to;
            }
        }
        prop_assert!(found.iter().is_sorted_by_key(|component| component[0]));
        prop_assert_eq!(found.iter().map(<[ObjectId]>::to_vec).collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn dominators_are_those_whose_removal_cuts_off(heap in heaps()) {
        let snapshot = heap.snapshot();
        let graph = Graph::new(&snapshot, &Quiet);
        let roots = heap.complete(&graph);
        let tree = graph.tree();
        let all = heap.reached(&roots, None);
        for above in 0..heap.len() {
            let node = tree.node(ObjectId(above as u32));
            let left = heap.reached(&roots, Some(above));
            let freed: BTreeSet<usize> = all.difference(&left).copied().collect();
            let subtree: BTreeSet<usize> =
                tree.subtree(node).filter_map(|node| tree.object(node)).map(|object| object.index()).collect();
            prop_assert_eq!(&subtree, &freed);
            prop_assert_eq!(tree.retained(node), freed.iter().map(|&object| heap.own(object)).sum::<u64>());
            prop_assert_eq!(tree.own(node), heap.own(above));
            prop_assert!(tree.children(node).all(|child| tree.parent(child) == node));
        }
        let sum: u64 = tree.children(Node::ROOT).map(|child| tree.retained(child)).sum();
        prop_assert_eq!(sum, tree.total_bytes());
    }

    #[test]
    fn sets_of_nodes_retain_each_byte_once(heap in heaps(), picks in prop::collection::vec(0..24usize, 0..6)) {
        let graph = Graph::new(&heap.snapshot(), &Quiet);
        let tree = graph.tree();
        let nodes: Vec<Node> =
            picks.iter().filter(|&&pick| pick < heap.len()).map(|&pick| tree.node(ObjectId(pick as u32))).collect();
        let covered: BTreeSet<Node> = nodes.iter().flat_map(|&node| tree.subtree(node)).collect();
        let expected: u64 = covered.into_iter().map(|node| tree.own(node)).sum();
        prop_assert_eq!(tree.retained_by_all(nodes), expected);
    }

    #[test]
    fn paths_are_real_and_shortest(heap in heaps()) {
        // Kinds that all join the search at once, so that plain distance is the truth.
        let mut heap = heap;
        heap.roots.iter_mut().for_each(|root| root.1 = 0);
        heap.extra = vec![0; heap.len()];
        heap.immortal.clear();
        let snapshot = heap.snapshot();
        let graph = Graph::new(&snapshot, &Quiet);
        let given: BTreeSet<usize> = heap.roots.iter().map(|root| root.0).collect();
        let distances = heap.distances(&given);
        for (object, &distance) in distances.iter().enumerate() {
            let path = graph.paths(&snapshot).to(&snapshot, graph.roots(), ObjectId(object as u32)).unwrap();
            prop_assert_eq!(path.last().index(), object);
            let mut here = path.first;
            for step in &path.steps {
                prop_assert_eq!(step.owner, here);
                prop_assert!(step.label.is_strong());
                prop_assert!(snapshot.references.of(here).any(|edge| edge == (step.target, step.label)));
                here = step.target;
            }
            match path.origin {
                Origin::Given(row) => {
                    prop_assert_eq!(snapshot.roots[row as usize].object, path.first);
                    prop_assert_eq!(path.steps.len(), distance);
                }
                _ => prop_assert_eq!(distance, usize::MAX),
            }
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
        snapshot.objects.refcounts.truncate(at);
        let graph = Graph::new(&snapshot, &Quiet);
        graph.paths(&snapshot);
        let sum: u64 = graph.tree().children(Node::ROOT).map(|child| graph.tree().retained(child)).sum();
        prop_assert_eq!(sum, graph.tree().total_bytes());
    }
}

/// A chain of `n` nodes each of which shares a value with a list at its end: climbing step by step to the nearest
/// common ancestor takes n * n / 2 steps here, a minute; with skip pointers it takes milliseconds.
#[test]
fn deep_chains_with_shared_values_are_near_linear() {
    let n = 300_000u32;
    let mut snapshot = Snapshot { types: vec![TypeRecord::default()], ..Default::default() };
    snapshot.references.offsets.push(0);
    // Ids: chain 0..n, list n, values n + 1...
    for object in 0..=2 * n {
        let row: Vec<u32> = match object {
            object if object < n => vec![object + 1, n + 1 + object],
            object if object == n => (n + 1..=2 * n).collect(),
            _ => vec![],
        };
        for (at, target) in (0..).zip(row) {
            snapshot.references.targets.push(ObjectId(target));
            snapshot.references.labels.push(Label::new(LabelKind::Index, at));
        }
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        snapshot.objects.types.push(TypeId(0));
        snapshot.objects.shallow.push(1);
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
    }
    let name = snapshot.names.intern("head");
    let root = Root { object: ObjectId(0), kind: RootKind::Module, name, frame: None, thread: None };
    snapshot.roots.push(root);
    let graph = Graph::new(&snapshot, &Quiet);
    let tree = graph.tree();
    for object in [1, n / 2, n - 1] {
        let value = tree.node(ObjectId(n + 1 + object));
        assert_eq!(tree.parent(value), tree.node(ObjectId(object)), "the chain node dominates its value");
    }
    let path = graph.paths(&snapshot).to(&snapshot, graph.roots(), ObjectId(n)).unwrap();
    assert_eq!(path.steps.len(), n as usize);
}

#[test]
fn an_instance_stands_for_its_unreachable_cycle() {
    let mut snapshot = Snapshot { types: vec![TypeRecord::default(), TypeRecord::default()], ..Default::default() };
    snapshot.types[1].heap = true;
    // A dictionary (0) and its instance (1) in a cycle, a leaf (2) below.
    for (object, row) in [vec![1, 2], vec![0], vec![]].into_iter().enumerate() {
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        for target in row {
            snapshot.references.targets.push(ObjectId(target));
            snapshot.references.labels.push(Label::new(LabelKind::Index, 0));
        }
        snapshot.objects.types.push(TypeId((object == 1).into()));
        snapshot.objects.shallow.push(1);
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
    }
    snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
    let graph = Graph::new(&snapshot, &Quiet);
    assert_eq!(graph.roots().unreachable(), [ObjectId(1)]);
    assert_eq!(graph.tree().retained(graph.tree().node(ObjectId(1))), 3);
}

#[test]
fn the_table_of_interned_strings_keeps_nothing_alive() {
    let mut snapshot = Snapshot { types: vec![TypeRecord::default(), TypeRecord::default()], ..Default::default() };
    snapshot.types[1].kind = memsight_model::ObjectKind::Dict;
    // A table (0) of two strings (1, 2), of which an owner (3) uses one.
    for (object, row) in [vec![1, 2], vec![], vec![], vec![1]].into_iter().enumerate() {
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        for target in row {
            snapshot.references.targets.push(ObjectId(target));
            snapshot.references.labels.push(Label::new(LabelKind::Index, 0));
        }
        snapshot.objects.types.push(TypeId((object == 0).into()));
        snapshot.objects.shallow.push(1);
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
    }
    snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
    let name = snapshot.names.intern("root");
    for (object, kind) in [(0, RootKind::Interned), (3, RootKind::Module)] {
        snapshot.roots.push(Root { object: ObjectId(object), kind, name, frame: None, thread: None });
    }
    let graph = Graph::new(&snapshot, &Quiet);
    let tree = graph.tree();
    assert_eq!(tree.parent(tree.node(ObjectId(1))), tree.node(ObjectId(3)));
    assert_eq!(tree.parent(tree.node(ObjectId(2))), Node::ROOT);
    assert!(graph.roots().external().is_empty(), "the unused string belongs to the table");
    let path = graph.paths(&snapshot).to(&snapshot, graph.roots(), ObjectId(2)).unwrap();
    assert_eq!((path.origin, path.steps.len()), (Origin::Given(0), 1));
}

/// Every node stands in one list and refers to another at random: large enough for long compressed paths.
#[test]
fn nodes_of_a_list_are_dominated_by_it_whatever_they_refer_to() {
    let n = 30_000u32;
    let mut snapshot = Snapshot { types: vec![TypeRecord::default()], ..Default::default() };
    let mut random = 1u64;
    for object in 0..=2 * n {
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Ids: nodes 0..n, their lists of children n..2n, the list of all nodes 2n.
        let row: Vec<u32> = match object {
            object if object < n => vec![n + object],
            object if object < 2 * n => vec![(random >> 33) as u32 % n],
            _ => (0..n).collect(),
        };
        for (at, target) in (0..).zip(row) {
            snapshot.references.targets.push(ObjectId(target));
            snapshot.references.labels.push(Label::new(LabelKind::Index, at));
        }
        snapshot.objects.types.push(TypeId(0));
        snapshot.objects.shallow.push(1);
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
    }
    snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
    let name = snapshot.names.intern("nodes");
    let root = Root { object: ObjectId(2 * n), kind: RootKind::Module, name, frame: None, thread: None };
    snapshot.roots.push(root);
    let graph = Graph::new(&snapshot, &Quiet);
    let tree = graph.tree();
    let list = tree.node(ObjectId(2 * n));
    assert!((0..n).all(|node| tree.parent(tree.node(ObjectId(node))) == list));
    assert!((0..n).all(|node| tree.parent(tree.node(ObjectId(n + node))) == tree.node(ObjectId(node))));
}
