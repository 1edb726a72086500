//! Questions that several rules ask of a piece of code.

use crate::context::Context;
use crate::finding::Edit;
use crate::nodes::NodeId;
use crate::scopes::generators;
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
