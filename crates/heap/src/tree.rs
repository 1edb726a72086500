//! The dominator tree, laid out so that a subtree is a slice.

use std::ops::Range;

use memsight_model::{ObjectId, ObjectTable};

/// A place in a [`DominatorTree`]: 0 is the virtual root, then the objects in preorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

impl Node {
    /// The virtual root, which stands for everything outside the heap.
    pub const ROOT: Node = Node(0);

    /// The node behind it in preorder.
    pub fn after(self) -> Node {
        Node(self.0.saturating_add(1))
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Who keeps whom alive: every object hangs below its immediate dominator, the nearest object through which all ways
/// from the roots lead. Nodes are numbered in preorder, so that a subtree is a range of nodes.
#[derive(Debug, Default)]
pub struct DominatorTree {
    /// Object of each node; entry 0 means nothing.
    objects: Vec<u32>,
    /// Node of each object.
    nodes: Vec<u32>,
    /// One past the last node of each node's subtree.
    ends: Vec<u32>,
    /// The node above; 0 for the root itself.
    parents: Vec<u32>,
    /// Bytes (shallow, external and native) of all nodes before, one more entry than there are nodes.
    before: Vec<u64>,
    /// Nodes with bytes that are not in memory, ascending, and the sum of these up to and with each.
    untouched: Vec<(u32, u64)>,
}

impl DominatorTree {
    /// Lays out the tree of `idom` (by number of the walk) over the objects in `order`.
    pub(crate) fn new(table: &ObjectTable, order: Vec<u32>, idom: Vec<u32>) -> DominatorTree {
        let count = idom.len();
        let mut sizes = vec![1u32; count];
        for number in (1..count).rev() {
            sizes[idom[number] as usize] += sizes[number];
        }
        // `ends` first holds the next free place below each number, which in the end is the end of its subtree.
        let mut ends = vec![1u32; count];
        for number in 1..count {
            let next = &mut ends[idom[number] as usize];
            let place = *next;
            *next += sizes[number];
            ends[number] = place + 1;
        }
        let place = |number: usize| ends[number] - sizes[number];
        let mut tree = DominatorTree {
            objects: vec![0; count],
            nodes: vec![0; count.saturating_sub(1)],
            ends: vec![count as u32; count],
            parents: vec![0; count],
            before: Vec::new(),
            untouched: Vec::new(),
        };
        let DominatorTree { objects, nodes, ends: last, parents, .. } = &mut tree;
        // two cores wait for memory less than one
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..count {
                    let node = place(number) as usize;
                    last[node] = ends[number];
                    parents[node] = place(idom[number] as usize);
                }
            });
            for (number, &object) in order.iter().enumerate().skip(1) {
                let node = place(number);
                objects[node as usize] = object;
                nodes[object as usize] = node;
            }
        });
        drop((sizes, ends, idom, order));
        tree.sum(table);
        tree
    }

    fn sum(&mut self, table: &ObjectTable) {
        self.before = Vec::with_capacity(self.objects.len() + 1);
        self.before.extend([0, 0]);
        self.before.extend(self.objects.iter().skip(1).map(|&object| table.shallow.get(ObjectId(object))));
        for &(object, bytes) in table.external.0.iter().chain(&table.native.0) {
            if let Some(&node) = self.nodes.get(object.index()) {
                let own = &mut self.before[node as usize + 1];
                *own = own.saturating_add(bytes);
            }
        }
        let mut total = 0u64;
        for bytes in &mut self.before {
            total = total.saturating_add(*bytes);
            *bytes = total;
        }
        self.note_untouched(table);
    }

    fn note_untouched(&mut self, table: &ObjectTable) {
        let node = |object: ObjectId| self.nodes.get(object.index()).copied();
        let mut untouched: Vec<(u32, u64)> =
            table.untouched.0.iter().filter_map(|&(object, bytes)| Some((node(object)?, bytes))).collect();
        untouched.sort_unstable();
        let mut sum = 0u64;
        for (_, bytes) in &mut untouched {
            sum = sum.saturating_add(*bytes);
            *bytes = sum;
        }
        self.untouched = untouched;
    }

    /// Number of nodes, the virtual root included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// Shallow, external and native bytes of all objects.
    pub fn total_bytes(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Those of them that are in memory.
    pub fn total_resident_bytes(&self) -> u64 {
        let untouched = self.untouched.last().map_or(0, |last| last.1);
        self.total_bytes().saturating_sub(untouched)
    }

    /// The node of `object`; the root for an object that is not there.
    pub fn node(&self, object: ObjectId) -> Node {
        Node(self.nodes.get(object.index()).copied().unwrap_or(0))
    }

    /// The object of `node`; `None` for the virtual root.
    pub fn object(&self, node: Node) -> Option<ObjectId> {
        (node != Node::ROOT).then(|| self.objects.get(node.index()).copied().map(ObjectId)).flatten()
    }

    /// The immediate dominator; the root's is the root.
    pub fn parent(&self, node: Node) -> Node {
        Node(self.parents.get(node.index()).copied().unwrap_or(0))
    }

    /// One past the last node of the subtree of `node`, which is the range `node..end`.
    pub fn end(&self, node: Node) -> Node {
        Node(self.ends.get(node.index()).copied().unwrap_or(0))
    }

    /// The subtree of `node`.
    pub fn range(&self, node: Node) -> Range<Node> {
        node..self.end(node)
    }

    /// The nodes of the subtree, `node` first.
    pub fn subtree(&self, node: Node) -> impl ExactSizeIterator<Item = Node> + use<> {
        (node.0..self.end(node).0).map(Node)
    }

    /// All objects in the order of the tree.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node> + use<> {
        (1..self.objects.len().max(1) as u32).map(Node)
    }

    /// The nodes directly below. Cost: one step each.
    pub fn children(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let end = self.end(node);
        let first = Some(Node(node.0 + 1)).filter(|first| *first < end);
        std::iter::successors(first, move |&child| Some(self.end(child)).filter(|next| *next < end))
    }

    /// Whether all ways to `below` lead through `above` (a node dominates itself).
    pub fn dominates(&self, above: Node, below: Node) -> bool {
        above <= below && below < self.end(above)
    }

    /// Bytes that would be freed with `node`: shallow, external and native sizes of its subtree.
    pub fn retained(&self, node: Node) -> u64 {
        self.bytes_between(node, self.end(node))
    }

    /// Those of them that are in memory: what would leave RSS. Cost: a binary search among the objects with memory that
    /// was never touched.
    pub fn resident(&self, node: Node) -> u64 {
        self.resident_between(node, self.end(node))
    }

    /// The nodes with bytes that are not in memory, ascending, and how many.
    pub fn untouched(&self) -> impl Iterator<Item = (Node, u64)> + '_ {
        let before = std::iter::once(0).chain(self.untouched.iter().map(|(_, sum)| *sum));
        self.untouched.iter().zip(before).map(|((node, sum), before)| (Node(*node), sum.saturating_sub(before)))
    }

    /// Bytes in memory of the nodes from `start` on and before `end`.
    pub fn resident_between(&self, start: Node, end: Node) -> u64 {
        let bytes = self.bytes_between(start, end);
        let all = self.untouched.first().zip(self.untouched.last());
        if !all.is_some_and(|(first, last)| first.0 < end.0 && start.0 <= last.0) {
            return bytes;
        }
        let before = |node: Node| {
            let place = self.untouched.partition_point(|(known, _)| *known < node.0);
            place.checked_sub(1).map_or(0, |last| self.untouched[last].1)
        };
        bytes.saturating_sub(before(end).saturating_sub(before(start)))
    }

    /// Shallow, external and native sizes of the nodes from `start` on and before `end`.
    pub fn bytes_between(&self, start: Node, end: Node) -> u64 {
        let at = |node: Node| self.before.get(node.index()).copied().unwrap_or(0);
        at(end).saturating_sub(at(start))
    }

    /// Shallow, external and native bytes of the object itself.
    pub fn own(&self, node: Node) -> u64 {
        let at = |index: usize| self.before.get(index).copied().unwrap_or(0);
        at(node.index() + 1).saturating_sub(at(node.index()))
    }

    /// Bytes that `nodes` retain together, each byte once.
    pub fn retained_by_all(&self, nodes: Vec<Node>) -> u64 {
        self.by_all(nodes, |node| self.retained(node))
    }

    /// Those of them that are in memory.
    pub fn resident_by_all(&self, nodes: Vec<Node>) -> u64 {
        self.by_all(nodes, |node| self.resident(node))
    }

    fn by_all(&self, mut nodes: Vec<Node>, bytes: impl Fn(Node) -> u64) -> u64 {
        nodes.sort_unstable();
        let mut covered = Node::ROOT;
        nodes.into_iter().fold(0, |sum, node| {
            if node < covered {
                return sum;
            }
            covered = self.end(node);
            sum + bytes(node)
        })
    }
}
