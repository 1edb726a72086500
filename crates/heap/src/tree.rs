//! The dominator tree, laid out so that a subtree is a slice.

use memsight_model::{ObjectId, ObjectTable};

/// A place in a [`DominatorTree`]: 0 is the virtual root, then the objects in preorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

impl Node {
    /// The virtual root, which stands for everything outside the heap.
    pub const ROOT: Node = Node(0);

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
    /// Bytes (shallow and external) of all nodes before, one more entry than there are nodes.
    before: Vec<u64>,
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
        };
        for number in 1..count {
            let node = place(number) as usize;
            tree.objects[node] = order[number];
            tree.nodes[order[number] as usize] = node as u32;
            tree.ends[node] = ends[number];
            tree.parents[node] = place(idom[number] as usize);
        }
        drop((sizes, ends, idom, order));
        tree.sum(table);
        tree
    }

    fn sum(&mut self, table: &ObjectTable) {
        self.before = Vec::with_capacity(self.objects.len() + 1);
        self.before.extend([0, 0]);
        self.before.extend(self.objects.iter().skip(1).map(|&object| table.shallow.get(ObjectId(object))));
        for &(object, bytes) in &table.external.0 {
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
    }

    /// Number of nodes, the virtual root included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// Shallow and external bytes of all objects.
    pub fn total_bytes(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
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

    /// Bytes that would be freed with `node`: shallow and external sizes of its subtree.
    pub fn retained(&self, node: Node) -> u64 {
        self.bytes_between(node, self.end(node))
    }

    /// Shallow and external sizes of the nodes from `start` on and before `end`.
    pub fn bytes_between(&self, start: Node, end: Node) -> u64 {
        let at = |node: Node| self.before.get(node.index()).copied().unwrap_or(0);
        at(end).saturating_sub(at(start))
    }

    /// Shallow and external bytes of the object itself.
    pub fn own(&self, node: Node) -> u64 {
        let at = |index: usize| self.before.get(index).copied().unwrap_or(0);
        at(node.index() + 1).saturating_sub(at(node.index()))
    }

    /// Bytes that `nodes` retain together, each byte once.
    pub fn retained_by_all(&self, mut nodes: Vec<Node>) -> u64 {
        nodes.sort_unstable();
        let mut covered = Node::ROOT;
        nodes.into_iter().fold(0, |sum, node| {
            if node < covered {
                return sum;
            }
            covered = self.end(node);
            sum + self.retained(node)
        })
    }
}
