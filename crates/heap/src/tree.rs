//! The dominator tree, laid out so that a subtree is a slice.

use std::ops::Range;

use memsight_model::{ObjectId, ObjectTable};

use crate::dominators::Immediate;
use crate::walk::Place;

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
    /// One for each node; of the first one's object nothing is known.
    rows: Vec<Row>,
    /// Node of each object.
    nodes: Vec<u32>,
    /// Bytes (shallow, external and native) of all nodes.
    total: u64,
    /// Nodes with bytes that are not in memory, ascending, and the sum of these up to and with each.
    untouched: Vec<(u32, u64)>,
}

/// A node. Beside each other, because they are written together, in an order in which no cache holds them: the object, one
/// past the last node of the subtree, the node above (0 for the root itself), and the bytes of all nodes before, the lower
/// half first. An array, because fresh memory is zeros of one.
#[derive(Debug, Clone, Copy)]
struct Row([u32; 5]);

impl Row {
    fn new(object: u32, end: u32, parent: u32, bytes: u64) -> Row {
        Row([object, end, parent, bytes as u32, (bytes >> 32) as u32])
    }

    fn object(self) -> u32 {
        self.0[0]
    }

    fn end(self) -> u32 {
        self.0[1]
    }

    fn parent(self) -> u32 {
        self.0[2]
    }

    fn before(self) -> u64 {
        u64::from(self.0[3]) | u64::from(self.0[4]) << 32
    }

    fn set_before(&mut self, bytes: u64) {
        (self.0[3], self.0[4]) = (bytes as u32, (bytes >> 32) as u32);
    }
}

/// Where the objects go, while they are laid out. What a number of the walk was known by makes room for what it is known by
/// from then on, because all of it at once would be more memory than any other step takes.
struct Layout<'a> {
    table: &'a ObjectTable,
    rows: Vec<Row>,
    /// For each object its node, once it has one.
    nodes: Vec<u32>,
    /// For each number its node; before that, its dominator.
    node: Vec<u32>,
    /// For each number the next free node below it; before that, the size of its subtree.
    next: Vec<u32>,
}

impl Layout<'_> {
    /// Puts an object with a subtree of `size` nodes below the node of number `above`; its node.
    fn put(&mut self, object: u32, above: u32, size: u32) -> u32 {
        let next = &mut self.next[above as usize];
        let node = *next;
        *next += size;
        let own = self.table.shallow.get(ObjectId(object));
        self.rows[node as usize] = Row::new(object, node + size, self.node[above as usize], own);
        self.nodes[object as usize] = node;
        node
    }

    fn put_all(&mut self, order: &[u32]) {
        (self.node[0], self.next[0]) = (0, 1);
        for (number, &object) in order.iter().enumerate().skip(1) {
            let node = self.put(object, self.node[number], self.next[number]);
            (self.node[number], self.next[number]) = (node, node + 1);
        }
    }

    fn put_leaves(&mut self) {
        for object in 0..self.nodes.len() as u32 {
            if let Some(holder) = Place::of(self.nodes[object as usize]).holder() {
                self.put(object, holder, 1);
            }
        }
    }
}

impl DominatorTree {
    /// Lays out the tree over the objects. Cost: three passes over them, and two over those that refer to something.
    pub(crate) fn new(table: &ObjectTable, immediate: Immediate) -> DominatorTree {
        let Immediate { order, idom, places, has_leaves } = immediate;
        let mut sizes = vec![1u32; idom.len()];
        let holders = places.iter().filter(|_| has_leaves).filter_map(|place| place.holder());
        holders.for_each(|holder| sizes[holder as usize] += 1);
        for number in (1..idom.len()).rev() {
            sizes[idom[number] as usize] += sizes[number];
        }
        let count = sizes[0];
        let rows = vec![[0; 5]; count as usize].into_iter().map(Row).collect();
        let nodes = places.into_iter().map(Place::word).collect();
        let mut layout = Layout { table, rows, nodes, node: idom, next: sizes };
        layout.rows[0] = Row::new(0, count, 0, 0);
        layout.put_all(&order);
        drop(order);
        if has_leaves {
            layout.put_leaves();
        }
        let mut tree = DominatorTree { rows: layout.rows, nodes: layout.nodes, ..DominatorTree::default() };
        tree.sum(table);
        tree
    }

    /// Turns own sizes into sums.
    fn sum(&mut self, table: &ObjectTable) {
        for &(object, bytes) in table.external.0.iter().chain(&table.native.0) {
            if let Some(row) = self.nodes.get(object.index()).and_then(|&node| self.rows.get_mut(node as usize)) {
                row.set_before(row.before().saturating_add(bytes));
            }
        }
        for row in &mut self.rows {
            let own = row.before();
            row.set_before(self.total);
            self.total = self.total.saturating_add(own);
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
        self.rows.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// Shallow, external and native bytes of all objects.
    pub fn total_bytes(&self) -> u64 {
        self.total
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
        let row = self.rows.get(node.index()).filter(|_| node != Node::ROOT)?;
        Some(ObjectId(row.object()))
    }

    /// The immediate dominator; the root's is the root.
    pub fn parent(&self, node: Node) -> Node {
        Node(self.rows.get(node.index()).map_or(0, |row| row.parent()))
    }

    /// One past the last node of the subtree of `node`, which is the range `node..end`.
    pub fn end(&self, node: Node) -> Node {
        Node(self.rows.get(node.index()).map_or(0, |row| row.end()))
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
        (1..self.len().max(1) as u32).map(Node)
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
        self.before(end).saturating_sub(self.before(start))
    }

    /// Shallow, external and native bytes of the object itself.
    pub fn own(&self, node: Node) -> u64 {
        self.bytes_between(node, node.after())
    }

    /// Bytes of all nodes before `node`, which may be one past the last.
    fn before(&self, node: Node) -> u64 {
        self.rows.get(node.index()).map_or(self.total, |row| row.before())
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
