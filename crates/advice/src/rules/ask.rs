//! Questions that several rules ask of a piece of code.

use crate::context::Context;
use crate::finding::Edit;
use crate::nodes::NodeId;
use crate::project::consumes;
use crate::scopes::{ScopeKind, generators};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, TextSize, TokenKind, ast};

/// The only positional argument of a call that has no other and no keyword.
pub(super) fn sole_argument(call: &ast::ExprCall) -> Option<&Expr> {
    match &*call.arguments.args {
        [only] if call.arguments.keywords.is_empty() && !only.is_starred_expr() => Some(only),
        _ => None,
    }
}

/// Whether a call stands in a piece of code: what may do anything. Those of a lambda that is only made count as well.
pub(super) fn calls(context: &Context<'_, '_>, id: NodeId) -> bool {
    any(context, id, |node| matches!(node, AnyNodeRef::ExprCall(_)))
}

/// Whether a piece of code waits or yields, and so is bound to the function that it stands in.
pub(super) fn suspends(context: &Context<'_, '_>, id: NodeId) -> bool {
    any(context, id, |node| match node {
        AnyNodeRef::ExprAwait(_) | AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_) => true,
        AnyNodeRef::Comprehension(comprehension) => comprehension.is_async,
        _ => false,
    })
}

/// Whether a piece of code may end by `StopIteration`, which a generator turns into a `RuntimeError`.
pub(super) fn may_stop_iteration(context: &Context<'_, '_>, id: NodeId) -> bool {
    context.nodes().within(id).any(|at| match context.nodes().node(at) {
        AnyNodeRef::ExprCall(call) => call.arguments.len() == 1 && context.semantics.is_call_of(call, "builtins.next"),
        _ => false,
    })
}

/// Whether a piece of code binds a name by `:=`.
pub(super) fn has_walrus(context: &Context<'_, '_>, id: NodeId) -> bool {
    any(context, id, |node| matches!(node, AnyNodeRef::ExprNamed(_)))
}

fn any(context: &Context<'_, '_>, id: NodeId, is: impl Fn(AnyNodeRef<'_>) -> bool) -> bool {
    context.nodes().within(id).any(|at| is(context.nodes().node(at)))
}

/// Whether a list comprehension can be a generator that is used up at once.
pub(super) fn can_be_generator(context: &Context<'_, '_>, id: NodeId) -> bool {
    !suspends(context, id) && !may_stop_iteration(context, id)
}

/// Whether what a comprehension makes costs memory at all: not where it goes through a short literal.
pub(super) fn is_worth_it(context: &Context<'_, '_>, id: NodeId) -> bool {
    let first = generators(context.nodes().node(id)).first();
    first.is_none_or(|first| !is_short(context, &first.iter))
}

/// Below about 30 items a generator saves nothing.
const SHORT: usize = 30;

/// Whether there are few items: a literal, a `range` of a small constant.
pub(super) fn is_short(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::List(list) => list.elts.len() < SHORT && !list.elts.iter().any(Expr::is_starred_expr),
        Expr::Tuple(tuple) => tuple.elts.len() < SHORT && !tuple.elts.iter().any(Expr::is_starred_expr),
        Expr::Set(set) => set.elts.len() < SHORT && !set.elts.iter().any(Expr::is_starred_expr),
        Expr::Dict(dict) => dict.items.len() < SHORT && dict.items.iter().all(|item| item.key.is_some()),
        Expr::StringLiteral(text) => text.value.len() < SHORT,
        Expr::Call(call) if context.semantics.is_call_of(call, "builtins.range") => {
            call.arguments.args.iter().all(|argument| small_number(argument).is_some())
        }
        Expr::Call(call) if short_for_short(context, call) => {
            call.arguments.args.iter().any(|of| is_short(context, of))
        }
        _ => false,
    }
}

/// What gives no more items than the shortest that it goes through.
fn short_for_short(context: &Context<'_, '_>, call: &ast::ExprCall) -> bool {
    let name = context.qualified(&call.func);
    matches!(name.as_deref(), Some("builtins.zip" | "builtins.enumerate" | "builtins.reversed" | "builtins.sorted"))
}

fn small_number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => {
            number.as_u64().filter(|number| *number < SHORT as u64)
        }
        Expr::UnaryOp(unary) => small_number(&unary.operand),
        _ => None,
    }
}

/// The edits that put `open` and `close` in the place of the brackets of a list comprehension.
pub(super) fn other_brackets(comp: &ast::ExprListComp, open: &str, close: &str) -> Vec<Edit> {
    vec![
        Edit::new(TextRange::at(comp.start(), TextSize::new(1)), open),
        Edit::new(TextRange::at(comp.end() - TextSize::new(1), TextSize::new(1)), close),
    ]
}

/// Whether a comma stands behind an argument.
pub(super) fn comma_behind(context: &Context<'_, '_>, argument: &Expr) -> bool {
    context.token_behind(argument.end()).is_some_and(|token| token.kind() == TokenKind::Comma)
}

/// Whether a node stands in a replacement field of an f-string: quotes and braces mean other things there.
pub(super) fn in_text(context: &Context<'_, '_>, id: NodeId) -> bool {
    context.nodes().ancestors(id).any(|at| matches!(context.nodes().node(at), AnyNodeRef::InterpolatedElement(_)))
}

/// The loop that goes through the value at `id`, item by item: what runs between two items, by its topmost nodes.
///
/// None where it is not the value that a `for` goes through.
pub(super) fn runs_between(context: &Context<'_, '_>, id: NodeId) -> Option<Vec<NodeId>> {
    let nodes = context.nodes();
    let parent = nodes.parent(id);
    match nodes.node(parent) {
        AnyNodeRef::StmtFor(node) if !node.is_async && nodes.of_expr(&node.iter) == id => {
            let target = nodes.of_expr(&node.target);
            Some(node.body.iter().map(|stmt| nodes.of_stmt(stmt)).chain([target]).collect())
        }
        AnyNodeRef::Comprehension(node) if !node.is_async && nodes.of_expr(&node.iter) == id => {
            let whole = nodes.parent(parent);
            // All of the comprehension but the iterable itself. A generator's caller runs in between as well.
            let is_lazy = matches!(nodes.node(whole), AnyNodeRef::ExprGenerator(_)) && !is_used_up(context, whole);
            let parts = nodes.within(whole).filter(|at| *at != whole && *at != parent && !nodes.contains(id, *at));
            let parts = parts.filter(|at| !nodes.contains(*at, id));
            (!is_lazy).then(|| parts.collect())
        }
        _ => None,
    }
}

/// What runs between two items of a value that is gone through once: nothing, where that is done to its end at once. None
/// where it is used in another way.
pub(super) fn between_items(context: &Context<'_, '_>, id: NodeId) -> Option<Vec<NodeId>> {
    runs_between(context, id).or_else(|| is_used_up(context, id).then(Vec::new))
}

/// Whether a value is gone through to its end before anything else runs, maybe through `enumerate` and the like.
pub(super) fn is_used_up(context: &Context<'_, '_>, id: NodeId) -> bool {
    let nodes = context.nodes();
    if !consumes(context.semantics, id) {
        return false;
    }
    let above = nodes.parent(nodes.parent(id));
    match (nodes.node(nodes.parent(id)), nodes.node(above)) {
        (AnyNodeRef::StmtFor(_) | AnyNodeRef::ExprYieldFrom(_), _) => false,
        (AnyNodeRef::Comprehension(_), AnyNodeRef::ExprGenerator(_)) => is_used_up(context, above),
        (_, AnyNodeRef::ExprCall(node)) => match context.qualified(&node.func).as_deref() {
            Some("builtins.enumerate" | "builtins.map" | "builtins.filter") => is_used_up(context, above),
            _ => true,
        },
        _ => true,
    }
}

/// Names from outside that a value is made of: those that a comprehension binds itself are not among them.
pub(super) fn sources<'a>(context: &Context<'a, '_>, id: NodeId) -> Vec<&'a str> {
    let (nodes, scopes) = (context.nodes(), context.scopes());
    let mut names = Vec::new();
    for at in nodes.within(id) {
        let AnyNodeRef::ExprName(name) = nodes.node(at) else { continue };
        let Some(symbol) = scopes.meaning(at) else { continue };
        let owner = scopes.scope(scopes.symbol(symbol).scope).node;
        let is_own = owner != NodeId::ROOT && nodes.contains(id, owner);
        if !is_own && !names.contains(&name.id.as_str()) {
            names.push(name.id.as_str());
        }
    }
    names
}

/// Whether one of `names` is mentioned in a piece of code: it may be changed there.
pub(super) fn mentions(context: &Context<'_, '_>, id: NodeId, names: &[&str]) -> bool {
    any(context, id, |node| matches!(node, AnyNodeRef::ExprName(name) if names.contains(&name.id.as_str())))
}

/// Whether a method of one of these names is called, or named, in a piece of code.
pub(super) fn has_attribute(context: &Context<'_, '_>, id: NodeId, names: &[&str]) -> bool {
    any(
        context,
        id,
        |node| matches!(node, AnyNodeRef::ExprAttribute(attribute) if names.contains(&attribute.attr.as_str())),
    )
}

/// A call of a method without arguments: what it is called on.
pub(super) fn plain_method<'e>(expr: &'e Expr, method: &str) -> Option<&'e Expr> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Attribute(attribute) = &*call.func else { return None };
    (call.arguments.is_empty() && attribute.attr == *method).then_some(&*attribute.value)
}

/// The edit that takes `.method()` off the end of a call.
pub(super) fn without_method(call: &Expr, on: &Expr) -> Edit {
    Edit::new(TextRange::new(on.end(), call.end()), "")
}

/// A local that is bound once and read once: what was bound, and where it is read.
pub(super) struct Once<'a> {
    pub statement: NodeId,
    pub value: &'a Expr,
    pub used: NodeId,
}

/// What a name is bound to that is assigned once, alone, and read once, in one function and without a detour.
///
/// Between the two no block begins that would run it more often, or under other conditions: no loop, `try`, `with` or function.
pub(super) fn once<'a>(context: &Context<'a, '_>, assign: &'a ast::StmtAssign) -> Option<Once<'a>> {
    let (nodes, scopes) = (context.nodes(), context.scopes());
    let [target @ Expr::Name(_)] = assign.targets.as_slice() else { return None };
    let target = nodes.of_expr(target);
    let scope = scopes.of_node(target);
    let AnyNodeRef::ExprName(name) = nodes.node(target) else { return None };
    let symbol = scopes.symbol(scopes.lookup(scope, &name.id)?);
    let is_local = scopes.scope(scope).kind == ScopeKind::Function && !scopes.scope(scope).is_opaque;
    let ([_], [used]) = (symbol.binds.as_slice(), symbol.uses.as_slice()) else { return None };
    if !is_local || symbol.is_captured || *used < target {
        return None;
    }
    let statement = nodes.of(assign.into());
    let block = nodes.parent(statement);
    for at in nodes.ancestors(*used).take_while(|at| *at != block) {
        let is_apart = match nodes.node(at) {
            AnyNodeRef::StmtFor(node) => !nodes.contains(nodes.of_expr(&node.iter), *used),
            AnyNodeRef::StmtWhile(_)
            | AnyNodeRef::StmtTry(_)
            | AnyNodeRef::StmtWith(_)
            | AnyNodeRef::StmtFunctionDef(_)
            | AnyNodeRef::StmtClassDef(_)
            | AnyNodeRef::ExprLambda(_) => true,
            AnyNodeRef::Comprehension(part) => !is_first_iterable(context, at, part, *used),
            _ => false,
        };
        if is_apart {
            return None;
        }
    }
    // Behind the block that it was bound in, nothing of the block holds any more.
    nodes.contains(block, *used).then_some(Once { statement, value: &assign.value, used: *used })
}

fn is_first_iterable(context: &Context<'_, '_>, id: NodeId, part: &ast::Comprehension, used: NodeId) -> bool {
    let nodes = context.nodes();
    let first = generators(nodes.node(nodes.parent(id))).first();
    first.is_some_and(|first| std::ptr::eq(first, part)) && nodes.contains(nodes.of_expr(&part.iter), used)
}

/// Statements between two others of the same function, by their topmost nodes: nothing of either is among them.
pub(super) fn between(context: &Context<'_, '_>, statement: NodeId, used: NodeId) -> Vec<NodeId> {
    let nodes = context.nodes();
    let until = nodes.statement(used);
    let behind = nodes.get(statement).end;
    (behind.0..until.0).map(NodeId).filter(|at| nodes.node(*at).is_statement() && !nodes.contains(*at, until)).collect()
}

/// Whether a value can be made item by item as a loop asks for them: what it is made of is left alone until the loop ends.
pub(super) fn can_be_lazy(context: &Context<'_, '_>, once: &Once<'_>, between_items: &[NodeId]) -> bool {
    let sources = sources(context, context.node_of(once.value));
    let is_touched = |at: &NodeId| mentions(context, *at, &sources);
    !between(context, once.statement, once.used).iter().any(is_touched) && !between_items.iter().any(is_touched)
}
