//! What a process consists of before it works on anything: modules, classes, functions, code.
//!
//! Every Python process holds megabytes of these, and a process that imports much holds hundreds; they are no leak.
//! So leak suspects weigh *data*, which is everything that is not the program:
//!
//! - a module, class, function or descriptor is program if it hangs (in the dominator tree) from nothing or from a part
//!   of the program that refers to it directly; in the hands of data, as a closure in a list of callbacks, it is data;
//! - the dictionary of a module's or class's attributes, and interpreter state such as `sys.modules`, is program; the
//!   *values* in it are not, so that a cache in a module variable or class attribute is data;
//! - constants, names and documentation (str, bytes, numbers, tuples) that a part of the program alone refers to are
//!   program, unless larger than [`LARGE_CONSTANT`].

use std::ops::Range;

use memsight_heap::{DominatorTree, Node};
use memsight_model::{ObjectId, ObjectKind, Root, RootKind};

use crate::Analysis;
use crate::words::{is_namespace, object_kind, type_name};

/// From this many bytes a constant is data: nobody writes it into source.
const LARGE_CONSTANT: u64 = 64 << 10;

const DESCRIPTORS: [&str; 10] = [
    "property",
    "classmethod",
    "staticmethod",
    "getset_descriptor",
    "member_descriptor",
    "method_descriptor",
    "wrapper_descriptor",
    "classmethod_descriptor",
    "method-wrapper",
    "functools.cached_property",
];

/// Which nodes are program, and the weight of the rest.
pub(crate) struct Data {
    program: Program,
    /// Subtrees that do not count, ascending and disjoint.
    covered: Vec<Range<Node>>,
    /// Bytes of data in the subtrees before each of these.
    before: Vec<u64>,
}

impl Data {
    /// Cost: one pass over the objects.
    pub(crate) fn new(analysis: &Analysis<'_>) -> Data {
        let nodes = Marks::new(analysis).run();
        Data { program: Program::new(nodes, analysis.graph.tree()), covered: Vec::new(), before: Vec::new() }
    }

    /// Leaves out the subtrees of some nodes, and counts all others.
    pub(crate) fn leave_out(&mut self, tree: &DominatorTree, tops: impl Iterator<Item = Node>) {
        let mut covered: Vec<Range<Node>> = tops.map(|top| tree.range(top)).collect();
        covered.sort_unstable_by_key(|range| range.start);
        let mut end = Node::ROOT;
        covered.retain(|range| {
            let outermost = range.start >= end;
            end = end.max(range.end);
            outermost
        });
        let mut total = 0u64;
        self.before.clear();
        for range in &covered {
            self.before.push(total);
            total = total.saturating_add(self.between(tree, range.start, range.end));
        }
        self.covered = covered;
    }

    pub(crate) fn is_program(&self, node: Node) -> bool {
        self.program.nodes.contains(node)
    }

    /// Bytes of data in memory that `node` retains.
    pub(crate) fn retained(&self, analysis: &Analysis<'_>, node: Node) -> u64 {
        let tree = analysis.graph.tree();
        let end = tree.end(node);
        let left_out = self.left_out(tree, end).saturating_sub(self.left_out(tree, node));
        self.between(tree, node, end).saturating_sub(left_out)
    }

    /// Bytes of data from `start` on and before `end`, whether they count or not.
    fn between(&self, tree: &DominatorTree, start: Node, end: Node) -> u64 {
        tree.resident_between(start, end).saturating_sub(self.program.between(start, end))
    }

    /// Bytes of data that do not count, of the nodes before `node`.
    fn left_out(&self, tree: &DominatorTree, node: Node) -> u64 {
        let begun = self.covered.partition_point(|range| range.start < node);
        let Some((range, before)) =
            begun.checked_sub(1).and_then(|last| self.covered.get(last).zip(self.before.get(last)))
        else {
            return 0;
        };
        before.saturating_add(self.between(tree, range.start, range.end.min(node)))
    }
}

/// Nodes, a bit each.
#[derive(Clone)]
struct NodeSet(Vec<u64>);

impl NodeSet {
    fn contains(&self, node: Node) -> bool {
        self.0.get(node.0 as usize / 64).is_some_and(|word| word >> (node.0 % 64) & 1 == 1)
    }

    fn add(&mut self, node: Node) {
        if let Some(word) = self.0.get_mut(node.0 as usize / 64) {
            *word |= 1 << (node.0 % 64);
        }
    }
}

/// The nodes that are program, with sums of their own sizes. They are few: so it is kept how many there are before each
/// word of bits, and sums for these alone.
struct Program {
    nodes: NodeSet,
    /// How many there are before each word of `nodes`.
    ranks: Vec<u32>,
    /// Bytes of all that come before each; one more entry than nodes.
    before: Vec<u64>,
}

impl Program {
    fn new(nodes: NodeSet, tree: &DominatorTree) -> Program {
        let (mut ranks, mut before, mut total) = (Vec::with_capacity(nodes.0.len()), Vec::new(), 0u64);
        for (index, &word) in nodes.0.iter().enumerate() {
            ranks.push(before.len() as u32);
            let mut left = word;
            while left != 0 {
                before.push(total);
                let node = Node(index as u32 * 64 + left.trailing_zeros());
                total = total.saturating_add(tree.resident_between(node, node.after()));
                left &= left - 1;
            }
        }
        before.push(total);
        Program { nodes, ranks, before }
    }

    /// Bytes of those from `start` on and before `end`.
    fn between(&self, start: Node, end: Node) -> u64 {
        self.up_to(end).saturating_sub(self.up_to(start))
    }

    fn up_to(&self, node: Node) -> u64 {
        let (word, below) = (node.0 as usize / 64, (1 << (node.0 % 64)) - 1);
        let rank = match (self.ranks.get(word), self.nodes.0.get(word)) {
            (Some(rank), Some(bits)) => (rank + (bits & below).count_ones()) as usize,
            _ => self.before.len().saturating_sub(1),
        };
        self.before.get(rank).copied().unwrap_or(0)
    }
}

struct Marks<'a> {
    analysis: &'a Analysis<'a>,
    program: NodeSet,
}

impl<'a> Marks<'a> {
    fn new(analysis: &'a Analysis<'a>) -> Marks<'a> {
        Marks { analysis, program: NodeSet(vec![0; analysis.graph.tree().len().div_ceil(64)]) }
    }

    /// From the top down, so that a node's dominator is settled before it.
    fn run(mut self) -> NodeSet {
        let Analysis { snapshot, graph, .. } = self.analysis;
        // The table of interned strings is the interpreter's; a string that it alone holds may be anybody's.
        let own = |root: &&Root| match root.kind {
            RootKind::Interned => object_kind(snapshot, root.object) == ObjectKind::Dict,
            kind => kind == RootKind::Interpreter,
        };
        for root in snapshot.roots.iter().filter(own) {
            self.mark(graph.tree().node(root.object));
        }
        for object in snapshot.objects.ids() {
            if matches!(object_kind(snapshot, object), ObjectKind::Module | ObjectKind::Type) {
                self.namespaces(object);
            }
        }
        let tree = graph.tree();
        for node in tree.nodes() {
            let Some(object) = tree.object(node) else { continue };
            if tree.parent(node) == Node::ROOT && self.is_code(object) {
                self.mark(node);
            }
            if self.program.contains(node) {
                self.spread(node, object);
            }
        }
        self.program
    }

    fn mark(&mut self, node: Node) {
        if node != Node::ROOT {
            self.program.add(node);
        }
    }

    /// The dictionaries of the attributes of a module or class.
    fn namespaces(&mut self, owner: ObjectId) {
        let Analysis { snapshot, graph, .. } = self.analysis;
        for (target, label) in snapshot.references.of(owner) {
            if is_namespace(snapshot, label, target) {
                self.mark(graph.tree().node(target));
            }
        }
    }

    /// Marks what a part of the program refers to and what no other holds.
    fn spread(&mut self, node: Node, object: ObjectId) {
        let Analysis { snapshot, graph, .. } = self.analysis;
        let tree = graph.tree();
        // A tuple in a module variable may hold anything; one in code, a class or a function is a constant.
        let variables = object_kind(snapshot, object) == ObjectKind::Dict;
        for (target, _) in snapshot.references.of(object) {
            let below = tree.node(target);
            if tree.parent(below) != node || self.program.contains(below) {
                continue;
            }
            let constant =
                self.is_constant(below, target) && !(variables && object_kind(snapshot, target) == ObjectKind::Tuple);
            if constant || self.is_code(target) {
                self.mark(below);
            }
        }
    }

    fn is_code(&self, object: ObjectId) -> bool {
        use ObjectKind::*;
        matches!(object_kind(self.analysis.snapshot, object), Module | Type | Function | Builtin | Code)
            || DESCRIPTORS.contains(&type_name(self.analysis.snapshot, object))
    }

    fn is_constant(&self, node: Node, object: ObjectId) -> bool {
        use ObjectKind::*;
        matches!(object_kind(self.analysis.snapshot, object), None | Bool | Int | Float | Complex | Str | Bytes | Tuple)
            && self.analysis.graph.tree().own(node) < LARGE_CONSTANT
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::{Address, Label, LabelKind, ObjectFlags, Quiet, Snapshot, TypeId, TypeRecord};

    use super::*;

    const OBJECTS: u32 = 1_000;

    /// Lists of three: each holds the next three that are free.
    fn tree_of_lists() -> Snapshot {
        let list = TypeRecord { name: "list".to_owned(), kind: ObjectKind::List, ..TypeRecord::default() };
        let mut snapshot = Snapshot { types: vec![list], ..Snapshot::default() };
        for number in 0..OBJECTS {
            snapshot.objects.addresses.push(Address(0x1000 + 64 * u64::from(number)));
            snapshot.objects.types.push(TypeId(0));
            snapshot.objects.shallow.push(u64::from(16 + number * number % 97));
            snapshot.objects.refcounts.push(1);
            snapshot.objects.flags.push(ObjectFlags::default());
            let held = (3 * number + 1..3 * number + 4).filter(|held| *held < OBJECTS);
            snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
            for (index, target) in (0..).zip(held) {
                snapshot.references.targets.push(ObjectId(target));
                snapshot.references.labels.push(Label::new(LabelKind::Index, index));
            }
        }
        snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        snapshot
    }

    #[test]
    fn weights_are_those_of_a_naive_addition() {
        let snapshot = tree_of_lists();
        let analysis = Analysis::new(&snapshot, &Quiet);
        let tree = analysis.graph.tree();
        assert!(tree.nodes().any(|node| tree.children(node).count() == 3));
        for (every, tops) in [(1, vec![]), (3, vec![5]), (64, vec![40, 41, 7, 300]), (5_000, vec![2, 1]), (65, vec![1])]
        {
            let mut nodes = NodeSet(vec![0; tree.len().div_ceil(64)]);
            tree.nodes().filter(|node| node.0 % every == 0).for_each(|node| nodes.add(node));
            let tops: Vec<Node> = tops.into_iter().map(Node).collect();
            let counts = |node: &Node| !nodes.contains(*node) && !tops.iter().any(|top| tree.dominates(*top, *node));
            let program = Program::new(nodes.clone(), tree);
            let mut data = Data { program, covered: Vec::new(), before: Vec::new() };
            data.leave_out(tree, tops.iter().copied());
            for node in tree.nodes() {
                let naive: u64 = tree.subtree(node).filter(counts).map(|node| tree.own(node)).sum();
                assert_eq!(data.retained(&analysis, node), naive, "every {every}, without {tops:?}: {node:?}");
            }
        }
    }
}
