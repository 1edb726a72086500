//! Where a piece of code stands: in which function, in which class; and what the names near it stand for.

use crate::context::Context;
use crate::nodes::NodeId;
use crate::scopes::{BindKind, ScopeKind, Symbol, SymbolId};
use crate::syntax::{AnyNodeRef, Expr, ast};

/// The `def` whose body a node runs in; none in a module, the body of a class, a lambda.
pub(super) fn function_of<'a>(context: &Context<'a, '_>, id: NodeId) -> Option<(NodeId, &'a ast::StmtFunctionDef)> {
    let scope = context.scopes().function_of(context.scopes().of_node(id))?;
    let node = context.scopes().scope(scope).node;
    match context.nodes().node(node) {
        AnyNodeRef::StmtFunctionDef(def) => Some((node, def)),
        _ => None,
    }
}

/// The class that a function is a method of.
pub(super) fn class_of<'a>(context: &Context<'a, '_>, function: NodeId) -> Option<(NodeId, &'a ast::StmtClassDef)> {
    let scope = context.scopes().scope(context.scopes().of_node(function));
    match context.nodes().node(scope.node) {
        AnyNodeRef::StmtClassDef(class) if scope.kind == ScopeKind::Class => Some((scope.node, class)),
        _ => None,
    }
}

/// The last part of what a decorator, a base or a function is called: `lru_cache` of `functools.lru_cache(None)`.
pub(super) fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Call(call) => last_name(&call.func),
        Expr::Subscript(subscript) => last_name(&subscript.value),
        _ => None,
    }
}

/// Whether a function has one of these decorators.
pub(super) fn is_decorated_with(def: &ast::StmtFunctionDef, names: &[&str]) -> bool {
    let mut decorators = def.decorator_list.iter().filter_map(|decorator| last_name(&decorator.expression));
    decorators.any(|name| names.contains(&name))
}

/// What a method calls its object.
pub(super) fn self_name(def: &ast::StmtFunctionDef) -> Option<&str> {
    if is_decorated_with(def, &["staticmethod", "classmethod"]) || def.name.as_str() == "__new__" {
        return None;
    }
    let first = def.parameters.posonlyargs.first().or_else(|| def.parameters.args.first())?;
    let name = first.parameter.name.as_str();
    // A class method under another decorator, or a method of a metaclass.
    (!matches!(name, "cls" | "klass" | "mcs" | "metacls")).then_some(name)
}

/// `x` of `self.x`, in the method `def`.
pub(super) fn own_attribute<'a>(def: &ast::StmtFunctionDef, expr: &'a Expr) -> Option<&'a str> {
    match expr {
        Expr::Attribute(attribute) => match &*attribute.value {
            Expr::Name(name) if Some(name.id.as_str()) == self_name(def) => Some(attribute.attr.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// A name that is bound in one place, of a function, and seen by that function only.
pub(super) fn sole_local<'s, 'a>(context: &'s Context<'a, '_>, id: SymbolId) -> Option<&'s Symbol<'a>> {
    let symbol = context.scopes().symbol(id);
    let scope = context.scopes().scope(symbol.scope);
    let is_plain = scope.kind == ScopeKind::Function && !scope.is_opaque && !symbol.is_captured;
    let is_once = matches!(&*symbol.binds, [bind] if bind.kind == BindKind::Assign);
    (is_plain && is_once).then_some(symbol)
}

/// The value of the statement `name = value` that binds a name.
pub(super) fn bound_value<'a>(context: &Context<'a, '_>, bind: NodeId) -> Option<&'a Expr> {
    match context.nodes().node(context.nodes().parent(bind)) {
        AnyNodeRef::StmtAssign(assign) if assign.targets.len() == 1 => Some(&*assign.value),
        AnyNodeRef::StmtAnnAssign(assign) => assign.value.as_deref(),
        _ => None,
    }
}

/// The call that a node is the function of, or an argument of.
pub(super) fn call_around<'a>(context: &Context<'a, '_>, argument: NodeId) -> Option<&'a ast::ExprCall> {
    let parent = context.nodes().parent(argument);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprCall(call) => Some(call),
        AnyNodeRef::Arguments(_) => match context.nodes().node(context.nodes().parent(parent)) {
            AnyNodeRef::ExprCall(call) => Some(call),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an expression is written out: numbers, texts, `None`, and containers of them.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::List(list) => list.elts.iter().all(is_constant),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_constant),
        Expr::Set(set) => set.elts.iter().all(is_constant),
        Expr::Dict(dict) => {
            dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_constant) && is_constant(&item.value))
        }
        Expr::UnaryOp(unary) => is_constant(&unary.operand),
        _ => expr.is_literal_expr(),
    }
}

/// What parameters are called that stand for parts of the program: there are as many as were written.
pub(super) fn is_name_of_few(name: &str) -> bool {
    const FEW: [&str; 24] = [
        "cls",
        "klass",
        "class_",
        "type_",
        "typ",
        "tp",
        "model",
        "module",
        "module_name",
        "func",
        "function",
        "fn",
        "lang_code",
        "language",
        "lang",
        "locale",
        "encoding",
        "app_label",
        "version",
        "platform",
        "mode",
        "level",
        "backend",
        "using",
    ];
    FEW.contains(&name) || name.ends_with("_class") || name.ends_with("_cls") || name.ends_with("_type")
}
