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

use memsight_heap::Node;
use memsight_model::{ObjectId, ObjectKind, RootKind};

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
    program: NodeSet,
    /// Bytes of data in all nodes before; one more entry than nodes.
    before: Vec<u64>,
}

impl Data {
    /// Cost: one pass over the objects.
    pub(crate) fn new(analysis: &Analysis<'_>) -> Data {
        let program = Marks::new(analysis).run();
        let mut data = Data { program, before: Vec::new() };
        data.weigh(analysis, |_| true);
        data
    }

    /// Sums anew, without the nodes that `counts` refuses.
    pub(crate) fn weigh(&mut self, analysis: &Analysis<'_>, counts: impl Fn(Node) -> bool) {
        let tree = analysis.graph.tree();
        self.before.clear();
        self.before.reserve_exact(tree.len() + 2);
        self.before.extend([0, 0]);
        let mut total = 0u64;
        for node in tree.nodes() {
            if !self.is_program(node) && counts(node) {
                total = total.saturating_add(tree.own(node));
            }
            self.before.push(total);
        }
    }

    pub(crate) fn is_program(&self, node: Node) -> bool {
        self.program.contains(node)
    }

    /// Bytes of data that `node` retains.
    pub(crate) fn retained(&self, analysis: &Analysis<'_>, node: Node) -> u64 {
        let at = |node: Node| self.before.get(node.0 as usize).copied().unwrap_or(0);
        at(analysis.graph.tree().end(node)).saturating_sub(at(node))
    }
}

/// Nodes, a bit each.
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
        for root in snapshot.roots.iter().filter(|root| matches!(root.kind, RootKind::Interpreter | RootKind::Interned))
        {
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
