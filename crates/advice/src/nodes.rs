//! The tree in a flat table, in the order of the source: who is whose parent, without recursion.

use crate::syntax::{
    AnyNodeRef, Expr, HasNodeIndex, ModModule, NodeIndex, Ranged, SourceOrderVisitor, Stmt, TextRange, TraversalSignal,
};

/// A place in the table. Those inside of a node follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The module.
    pub const ROOT: NodeId = NodeId(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node and where it stands.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// The node of the tree.
    pub node: AnyNodeRef<'a>,
    /// What it is a part of; of the module the module.
    pub parent: NodeId,
    /// The first node behind it that is not inside of it.
    pub end: NodeId,
}

/// All nodes of a module.
pub struct Nodes<'a> {
    table: Vec<Node<'a>>,
    /// The tree was deeper than trees are walked; what is below is missing.
    pub is_cut: bool,
}

/// As deep as trees are walked; CPython's parser gives up at 6,000 and less.
const MAX_DEPTH: usize = 20_000;

struct Filler<'a> {
    table: Vec<Node<'a>>,
    open: Vec<NodeId>,
    is_cut: bool,
}

impl<'a> SourceOrderVisitor<'a> for Filler<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        let id = NodeId(u32::try_from(self.table.len()).unwrap_or(u32::MAX - 2));
        node.node_index().set(NodeIndex::from(id.0));
        let parent = self.open.last().copied().unwrap_or(NodeId::ROOT);
        self.table.push(Node { node, parent, end: id });
        self.open.push(id);
        if self.open.len() < MAX_DEPTH {
            return TraversalSignal::Traverse;
        }
        self.is_cut = true;
        TraversalSignal::Skip
    }

    fn leave_node(&mut self, _: AnyNodeRef<'a>) {
        if let Some(id) = self.open.pop() {
            self.table[id.index()].end = NodeId(u32::try_from(self.table.len()).unwrap_or(u32::MAX));
        }
    }
}

impl<'a> Nodes<'a> {
    /// Walks a tree. Recurses as deep as the tree nests: on a thread with [`crate::syntax::STACK`].
    pub fn new(module: &'a ModModule) -> Nodes<'a> {
        let mut filler = Filler { table: Vec::new(), open: Vec::new(), is_cut: false };
        filler.enter_node(module.into());
        filler.visit_body(&module.body);
        filler.leave_node(module.into());
        Nodes { table: filler.table, is_cut: filler.is_cut }
    }

    pub(crate) fn get(&self, id: NodeId) -> Node<'a> {
        self.table[id.index()]
    }

    pub(crate) fn node(&self, id: NodeId) -> AnyNodeRef<'a> {
        self.table[id.index()].node
    }

    pub(crate) fn parent(&self, id: NodeId) -> NodeId {
        self.table[id.index()].parent
    }

    pub(crate) fn range(&self, id: NodeId) -> TextRange {
        self.node(id).range()
    }

    /// The node itself and everything inside of it, in the order of the source.
    pub(crate) fn within(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<'a> {
        (id.0..self.get(id).end.0).map(NodeId)
    }

    /// Everything.
    pub(crate) fn all(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        (0..self.table.len() as u32).map(NodeId)
    }

    /// The parent, its parent, and so on up to the module.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut at = id;
        std::iter::from_fn(move || {
            (at != NodeId::ROOT).then(|| {
                at = self.parent(at);
                at
            })
        })
    }

    /// Whether `inner` is `outer` or inside of it.
    pub(crate) fn contains(&self, outer: NodeId, inner: NodeId) -> bool {
        outer <= inner && inner < self.get(outer).end
    }

    /// The statement that a node is, or is a part of.
    pub(crate) fn statement(&self, id: NodeId) -> NodeId {
        if self.node(id).is_statement() {
            return id;
        }
        self.ancestors(id).find(|at| self.node(*at).is_statement()).unwrap_or(NodeId::ROOT)
    }

    pub(crate) fn of_expr(&self, expr: &Expr) -> NodeId {
        self.of(expr.into())
    }

    pub(crate) fn of_stmt(&self, stmt: &Stmt) -> NodeId {
        self.of(stmt.into())
    }

    /// Where a node of this tree stands.
    pub(crate) fn of(&self, node: AnyNodeRef<'_>) -> NodeId {
        let index = node.node_index().load().as_u32().unwrap_or(0);
        debug_assert!((index as usize) < self.table.len());
        NodeId(index)
    }
}
