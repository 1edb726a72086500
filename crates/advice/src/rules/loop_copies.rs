//! MS112: a copy of a list that a loop goes through.

use super::ask::{mentions, runs_between, sources};
use super::copies::number;
use super::many::is_short;
use crate::context::{Context, Report};
use crate::edit::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, ScopeKind};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&COPY_TO_ITERATE];

static COPY_TO_ITERATE: Rule = Rule {
    id: "MS112",
    name: "copy-to-iterate",
    technique: Technique::Generators,
    summary: "a loop goes through a slice or a sum of lists",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "`a[1:]`, `a[::-1]` and `a + b` are new lists of 8 bytes an item. `itertools.islice`, `reversed` and `itertools.chain` go through the old ones.",
        bad: "def show(rows):\n    lines = [row.text for row in rows]\n    for line in lines[::-1]:\n        print(line)\n    return lines",
        good: "def show(rows):\n    lines = [row.text for row in rows]\n    for line in reversed(lines):\n        print(line)\n    return lines",
        unless: &[
            "It is not known to be a list: a slice of an array or a memoryview is no copy, one of a text is short.",
            "The loop mentions it: it may change it.",
            "The slice has constant bounds, and so few items.",
            "It needs a trace: 8 bytes an item are worth it for long lists only, and no line says that it is one.",
        ],
        figures: "8 B an item, 3.8 to 3.15.",
    },
    checks: &[Check::For(copy_to_iterate)],
};

fn copy_to_iterate<'a>(context: &mut Context<'a, '_>, _: NodeId, node: &'a ast::StmtFor) {
    let id = context.node_of(&node.iter);
    let Some(parts) = runs_between(context, id) else { return };
    let Some((advice, fix)) = without_copy(context, &node.iter) else { return };
    let names = sources(context, id);
    if parts.iter().any(|part| mentions(context, *part, &names)) {
        return;
    }
    let mut report = Report::new(
        node.iter.range(),
        "the loop goes through a copy of a list, which is made for it",
        advice,
        "8 B an item",
    );
    report.fix = fix;
    context.report(report);
}

fn without_copy(context: &Context<'_, '_>, expr: &Expr) -> Option<(String, Option<Fix>)> {
    match expr {
        Expr::BinOp(sum) if sum.op == ast::Operator::Add => {
            let both = is_list(context, &sum.left) && is_list(context, &sum.right);
            let (left, right) = (context.text(sum.left.range()), context.text(sum.right.range()));
            both.then(|| (format!("itertools.chain({left}, {right})"), None))
        }
        Expr::Subscript(subscript) if is_list(context, &subscript.value) => {
            let Expr::Slice(slice) = &*subscript.slice else { return None };
            let list = context.text(subscript.value.range());
            let bound = |bound: &Option<Box<Expr>>| bound.as_ref().map(|bound| context.text(bound.range()));
            match (bound(&slice.lower), bound(&slice.upper), bound(&slice.step)) {
                (None, None, Some("-1")) => {
                    let scope = context.scopes().of_node(context.node_of(expr));
                    let edits = vec![Edit::new(expr.range(), format!("reversed({list})"))];
                    let fix = context.scopes().is_builtin(scope, "reversed").then(|| Fix::new(Safety::Safe, edits));
                    Some((format!("reversed({list})"), fix.filter(|_| !context.has_comment(expr.range()))))
                }
                (Some(lower), None, None)
                    if slice.lower.as_deref().and_then(number).is_some_and(|lower| lower >= 0) =>
                {
                    Some((format!("itertools.islice({list}, {lower}, None)"), None))
                }
                (None, None, None) => {
                    let edit = Edit::new(TextRange::new(subscript.value.end(), expr.end()), "");
                    Some((list.to_owned(), Some(Fix::new(Safety::Safe, vec![edit]))))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression is a list for certain, and no short one: a local that is bound to nothing else.
fn is_list(context: &Context<'_, '_>, expr: &Expr) -> bool {
    let Expr::Name(_) = expr else { return false };
    let Some(symbol) = context.semantics.symbol_of(expr).map(|symbol| context.scopes().symbol(symbol)) else {
        return false;
    };
    let is_local = context.scopes().scope(symbol.scope).kind == ScopeKind::Function && !symbol.is_captured;
    is_local
        && !symbol.binds.is_empty()
        && symbol.binds.iter().all(|bind| {
            let nodes = context.nodes();
            match (bind.kind, nodes.node(nodes.parent(bind.node))) {
                (BindKind::Assign, AnyNodeRef::StmtAssign(assign)) => makes_list(context, &assign.value),
                _ => false,
            }
        })
}

fn makes_list(context: &Context<'_, '_>, value: &Expr) -> bool {
    match value {
        Expr::ListComp(comp) => !comp.generators.iter().all(|part| is_short(context, &part.iter)),
        Expr::Call(call) => {
            let name = context.qualified(&call.func);
            let few = call.arguments.find_positional(0).is_none_or(|argument| is_short(context, argument));
            matches!(name.as_deref(), Some("builtins.list" | "builtins.sorted")) && !few
        }
        _ => false,
    }
}
