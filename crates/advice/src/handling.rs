//! How a container is handled where its name stands: added to, cut, read, or handed on to what cannot be seen.

use crate::nodes::NodeId;
use crate::scopes::{BindKind, ScopeId, ScopeKind, Semantics};
use crate::syntax::{AnyNodeRef, Expr, ast};

/// A set of ways in which what a name stands for is handled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Handling(u16);

impl Handling {
    /// Looked at, gone through, copied.
    pub const READ: Handling = Handling(1);
    /// Something is put into it, or a place of it is set.
    pub const ADDED: Handling = Handling(1 << 1);
    /// Something is taken out of it.
    pub const CUT: Handling = Handling(1 << 2);
    /// The name is given another value later than where it is made.
    pub const REPLACED: Handling = Handling(1 << 3);
    /// Its length is asked for.
    pub const COUNTED: Handling = Handling(1 << 4);
    /// Anything else: passed to a function, returned, stored.
    pub const PASSED: Handling = Handling(1 << 5);
    /// A class of which many are made and kept.
    pub const MADE_MANY: Handling = Handling(1 << 6);
    /// Called in a function.
    pub const MADE_IN_FUNCTION: Handling = Handling(1 << 7);
    /// Called where a module is imported.
    pub const MADE_AT_IMPORT: Handling = Handling(1 << 8);
    /// Raised.
    pub const RAISED: Handling = Handling(1 << 9);
    /// Its order matters: `move_to_end`, `popitem`, a comparison.
    pub const ORDERED: Handling = Handling(1 << 10);
    /// Sorted or turned round, in place.
    pub const SORTED: Handling = Handling(1 << 11);

    /// The cache of the function is emptied: `name.cache_clear`.
    pub const CLEARED: Handling = Handling(1 << 12);

    /// Whether one of `other` is in it.
    pub fn has(self, other: Handling) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    pub const fn and(self, other: Handling) -> Handling {
        Handling(self.0 | other.0)
    }
}

/// Whatever changes a container, or may do so.
pub const CHANGED: Handling =
    Handling::ADDED.and(Handling::CUT).and(Handling::REPLACED).and(Handling::PASSED).and(Handling::SORTED);

const ADDING: [&str; 9] =
    ["append", "add", "insert", "extend", "appendleft", "extendleft", "update", "setdefault", "__setitem__"];
const CUTTING: [&str; 10] = [
    "pop",
    "popleft",
    "clear",
    "remove",
    "discard",
    "difference_update",
    "intersection_update",
    "symmetric_difference_update",
    "__delitem__",
    "subtract",
];
const READING: [&str; 22] = [
    "get",
    "keys",
    "values",
    "items",
    "index",
    "count",
    "copy",
    "join",
    "union",
    "difference",
    "intersection",
    "issubset",
    "issuperset",
    "isdisjoint",
    "startswith",
    "endswith",
    "split",
    "find",
    "__contains__",
    "__getitem__",
    "most_common",
    "elements",
];
/// Builtins that look at their argument and keep nothing of it but its items.
const LOOKING: [&str; 19] = [
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "sorted",
    "sum",
    "any",
    "all",
    "min",
    "max",
    "enumerate",
    "zip",
    "str",
    "repr",
    "print",
    "bool",
    "isinstance",
    "id",
];

/// How what a name or an attribute stands for is handled where it is read.
pub fn of_use(semantics: &Semantics<'_>, id: NodeId) -> Handling {
    let nodes = &semantics.nodes;
    let parent = nodes.parent(id);
    match nodes.node(parent) {
        AnyNodeRef::ExprAttribute(attribute) => of_method(semantics, parent, attribute),
        AnyNodeRef::ExprSubscript(subscript) if nodes.of_expr(&subscript.value) == id => match subscript.ctx {
            // `x[:] = []` may make it shorter.
            ast::ExprContext::Store if subscript.slice.is_slice_expr() => Handling::ADDED.and(Handling::CUT),
            ast::ExprContext::Store => Handling::ADDED,
            ast::ExprContext::Del => Handling::CUT,
            _ => Handling::READ,
        },
        AnyNodeRef::ExprCompare(compare) => of_comparison(compare),
        AnyNodeRef::Arguments(_) => of_argument(semantics, parent),
        AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_) | AnyNodeRef::ExprYieldFrom(_) => Handling::READ,
        AnyNodeRef::StmtIf(_) | AnyNodeRef::StmtWhile(_) | AnyNodeRef::ElifElseClause(_) => Handling::READ,
        AnyNodeRef::StmtExpr(_) | AnyNodeRef::StmtAssert(_) | AnyNodeRef::InterpolatedElement(_) => Handling::READ,
        AnyNodeRef::ExprUnaryOp(_) | AnyNodeRef::ExprBinOp(_) | AnyNodeRef::ExprSubscript(_) => Handling::READ,
        AnyNodeRef::ExprStarred(star) if star.ctx.is_load() => Handling::READ,
        AnyNodeRef::ExprBoolOp(_) if is_tested(semantics, parent) => Handling::READ,
        AnyNodeRef::ExprIf(choice) if nodes.of_expr(&choice.test) == id => Handling::READ,
        AnyNodeRef::StmtAugAssign(assign) if nodes.of_expr(&assign.target) == id => Handling::ADDED,
        AnyNodeRef::StmtAugAssign(_) => Handling::READ,
        AnyNodeRef::StmtRaise(_) => Handling::RAISED,
        AnyNodeRef::StmtDelete(_) => Handling::CUT,
        _ => Handling::PASSED,
    }
}

fn of_comparison(compare: &ast::ExprCompare) -> Handling {
    let looks = |op: &ast::CmpOp| matches!(op, ast::CmpOp::In | ast::CmpOp::NotIn | ast::CmpOp::Is | ast::CmpOp::IsNot);
    if compare.ops.iter().all(looks) { Handling::READ } else { Handling::READ.and(Handling::ORDERED) }
}

/// Whether a condition decides something, and is not kept.
fn is_tested(semantics: &Semantics<'_>, id: NodeId) -> bool {
    let mut inner = id;
    for at in semantics.nodes.ancestors(id) {
        match semantics.nodes.node(at) {
            AnyNodeRef::ExprBoolOp(_) | AnyNodeRef::ExprUnaryOp(_) => inner = at,
            AnyNodeRef::StmtIf(_) | AnyNodeRef::StmtWhile(_) | AnyNodeRef::ElifElseClause(_) => return true,
            AnyNodeRef::StmtAssert(_) | AnyNodeRef::Comprehension(_) => return true,
            AnyNodeRef::ExprIf(choice) => return semantics.nodes.of_expr(&choice.test) == inner,
            _ => return false,
        }
    }
    false
}

fn of_method(semantics: &Semantics<'_>, id: NodeId, attribute: &ast::ExprAttribute) -> Handling {
    let nodes = &semantics.nodes;
    let name = attribute.attr.as_str();
    if name == "cache_clear" {
        return Handling::CLEARED;
    }
    let AnyNodeRef::ExprCall(call) = nodes.node(nodes.parent(id)) else { return Handling::PASSED };
    if nodes.of_expr(&call.func) != id {
        return Handling::PASSED;
    }
    match name {
        _ if ADDING.contains(&name) => Handling::ADDED,
        _ if CUTTING.contains(&name) => Handling::CUT,
        _ if READING.contains(&name) => Handling::READ,
        "popitem" => Handling::CUT.and(Handling::ORDERED),
        "move_to_end" => Handling::SORTED.and(Handling::ORDERED),
        "sort" | "reverse" | "rotate" => Handling::SORTED,
        _ => Handling::PASSED,
    }
}

fn of_argument(semantics: &Semantics<'_>, arguments: NodeId) -> Handling {
    let nodes = &semantics.nodes;
    let AnyNodeRef::ExprCall(call) = nodes.node(nodes.parent(arguments)) else { return Handling::PASSED };
    match semantics.qualified(&call.func).as_deref().and_then(|name| name.strip_prefix("builtins.")) {
        Some("len") => Handling::COUNTED,
        Some(name) if LOOKING.contains(&name) => Handling::READ,
        _ => match &*call.func {
            // These copy the items; `update` of what is no container does what it likes.
            Expr::Attribute(method) if matches!(method.attr.as_str(), "extend" | "join") => Handling::READ,
            _ => Handling::PASSED,
        },
    }
}

/// What is said by a name that is called: where, and whether what comes back is one of many that are kept.
pub fn of_call(semantics: &Semantics<'_>, call: NodeId) -> Handling {
    let place = match semantics.scopes.function_of(semantics.scopes.of_node(call)) {
        Some(_) => Handling::MADE_IN_FUNCTION,
        None => Handling::MADE_AT_IMPORT,
    };
    if is_kept_in_loop(semantics, call) { place.and(Handling::MADE_MANY) } else { place }
}

/// How a name that is given a value is handled by that: later than where it is made, it is replaced.
pub fn of_store(semantics: &Semantics<'_>, id: NodeId) -> Handling {
    let scopes = &semantics.scopes;
    let scope = scopes.of_node(id);
    match semantics.nodes.node(id) {
        AnyNodeRef::ExprAttribute(_) if is_in_maker(semantics, scope) => Handling::default(),
        AnyNodeRef::ExprAttribute(_) => Handling::REPLACED,
        AnyNodeRef::ExprName(name) => {
            // `global`: a name of the module that a function binds.
            let outside = scopes.function_of(scope).is_some() && scopes.lookup(scope, &name.id).is_none();
            if outside { Handling::REPLACED } else { Handling::default() }
        }
        _ => Handling::default(),
    }
}

/// Whether a scope is the function that makes an object what it is.
fn is_in_maker(semantics: &Semantics<'_>, scope: ScopeId) -> bool {
    let Some(function) = semantics.scopes.function_of(scope) else { return true };
    match semantics.nodes.node(semantics.scopes.scope(function).node) {
        AnyNodeRef::StmtFunctionDef(def) => {
            matches!(
                def.name.as_str(),
                "__init__" | "__new__" | "__post_init__" | "__setstate__" | "__attrs_post_init__"
            )
        }
        _ => false,
    }
}

/// Whether a node runs again and again while its function or module runs once.
pub fn in_loop(semantics: &Semantics<'_>, id: NodeId) -> bool {
    loop_of(semantics, id).is_some()
}

/// The innermost loop or comprehension of which a node runs once a round.
pub fn loop_of(semantics: &Semantics<'_>, id: NodeId) -> Option<NodeId> {
    let nodes = &semantics.nodes;
    let mut inner = id;
    for at in nodes.ancestors(id) {
        let is_expression = nodes.node(inner).is_expression();
        match nodes.node(at) {
            AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::ExprLambda(_) | AnyNodeRef::StmtClassDef(_) => return None,
            AnyNodeRef::StmtFor(node) if !is_expression && !is_one_of(semantics, &node.orelse, inner) => {
                return Some(at);
            }
            AnyNodeRef::StmtWhile(node) if !is_one_of(semantics, &node.orelse, inner) => return Some(at),
            AnyNodeRef::ExprListComp(_) | AnyNodeRef::ExprSetComp(_) | AnyNodeRef::ExprDictComp(_) if is_expression => {
                return Some(at);
            }
            AnyNodeRef::ExprGenerator(_) if is_expression => return Some(at),
            AnyNodeRef::Comprehension(node) if nodes.of_expr(&node.iter) != inner => return Some(nodes.parent(at)),
            _ => {}
        }
        inner = at;
    }
    None
}

fn is_one_of(semantics: &Semantics<'_>, body: &[ast::Stmt], id: NodeId) -> bool {
    body.iter().any(|stmt| semantics.nodes.of_stmt(stmt) == id)
}

/// Whether what stands at a place is made once a round and put into a container there: one of many that are kept.
pub fn is_kept_in_loop(semantics: &Semantics<'_>, id: NodeId) -> bool {
    let nodes = &semantics.nodes;
    let mut inner = id;
    for at in nodes.ancestors(id) {
        match nodes.node(at) {
            AnyNodeRef::ExprTuple(_) => inner = at,
            AnyNodeRef::ExprListComp(comp) => return nodes.of_expr(&comp.elt) == inner && !is_drained(semantics, at),
            AnyNodeRef::ExprSetComp(comp) => return nodes.of_expr(&comp.elt) == inner,
            AnyNodeRef::ExprDictComp(_) => return nodes.node(inner).is_expression(),
            AnyNodeRef::Arguments(_) => return is_put(semantics, at) && in_loop(semantics, at),
            AnyNodeRef::StmtAssign(assign) => return is_kept_by(semantics, assign) && in_loop(semantics, at),
            _ => return false,
        }
    }
    false
}

/// Whether a list is only made for a function that does not keep it.
fn is_drained(semantics: &Semantics<'_>, list: NodeId) -> bool {
    let nodes = &semantics.nodes;
    match nodes.node(nodes.parent(nodes.parent(list))) {
        AnyNodeRef::ExprCall(call) => match &*call.func {
            Expr::Attribute(method) => method.attr.as_str() == "join",
            function => matches!(
                semantics.qualified(function).as_deref(),
                Some(
                    "builtins.sum" | "builtins.any" | "builtins.all" | "builtins.min" | "builtins.max" | "builtins.len"
                )
            ),
        },
        _ => false,
    }
}

/// Whether arguments are those of a method that puts them into a container.
fn is_put(semantics: &Semantics<'_>, arguments: NodeId) -> bool {
    match semantics.nodes.node(semantics.nodes.parent(arguments)) {
        AnyNodeRef::ExprCall(call) => matches!(
            &*call.func,
            Expr::Attribute(method) if matches!(method.attr.as_str(), "append" | "add" | "appendleft" | "insert")
        ),
        _ => false,
    }
}

/// `table[key] = ...`, or a name that is put somewhere in the same loop.
fn is_kept_by(semantics: &Semantics<'_>, assign: &ast::StmtAssign) -> bool {
    match &*assign.targets {
        [Expr::Subscript(_)] => true,
        [Expr::Name(name)] => {
            let id = semantics.nodes.of(name.into());
            let here = loop_of(semantics, id);
            let Some(symbol) = semantics.scopes.meaning(id).map(|symbol| semantics.scopes.symbol(symbol)) else {
                return false;
            };
            let is_local = symbol.binds.iter().all(|bind| bind.kind != BindKind::Loop);
            is_local
                && symbol.uses.iter().any(|used| loop_of(semantics, *used) == here && is_put_there(semantics, *used))
        }
        _ => false,
    }
}

fn is_put_there(semantics: &Semantics<'_>, used: NodeId) -> bool {
    let nodes = &semantics.nodes;
    let parent = nodes.parent(used);
    match nodes.node(parent) {
        AnyNodeRef::Arguments(_) => is_put(semantics, parent),
        AnyNodeRef::StmtAssign(assign) => {
            nodes.of_expr(&assign.value) == used && matches!(&*assign.targets, [Expr::Subscript(_)])
        }
        _ => false,
    }
}

/// Whether a name that is read is one of its function alone, so that other files do not know it.
pub fn is_own(semantics: &Semantics<'_>, name: NodeId) -> bool {
    semantics.scopes.meaning(name).is_some_and(|symbol| {
        let scope = semantics.scopes.scope(semantics.scopes.symbol(symbol).scope);
        !matches!(scope.kind, ScopeKind::Module | ScopeKind::Class)
    })
}
