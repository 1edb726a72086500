//! MS108, MS109, MS111, MS112: copies that are made to be gone through, or looked into, once.

use memsight_model::Confidence;

use super::ask::{calls, has_attribute, is_short, mentions, runs_between, sole_argument, sources};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, ScopeKind};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&LIST_OF_ITERATOR, &LIST_RANGE, &SORTED_SLICE, &COPY_TO_ITERATE];

static LIST_OF_ITERATOR: Rule = Rule {
    id: "MS108",
    name: "list-of-iterator",
    technique: Technique::Generators,
    summary: "a loop goes through a list that is a copy of what it could go through itself",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`map`, `zip`, `enumerate`, the views of a dict and iterators of folders give one item after the other. `list(...)` around them makes all first: a \
              tuple of 56 to 64 bytes for each pair, and 8 bytes for the pointer to it.",
        bad: "for name, size in list(zip(names, sizes)):\n    show(name, size)",
        good: "for name, size in zip(names, sizes):\n    show(name, size)",
        unless: &[
            "The loop, or what it calls, may change what it goes through: that is what the copy is for. So nothing is said where the loop mentions it, \
             nor of attributes and globals, nor of an argument while the loop calls anything.",
            "A folder is read and the loop makes, renames or removes files.",
        ],
        figures: "3.8 to 3.15, an item: `items()` 64 to 72 B, `zip` of two 65 to 73, `enumerate` 93 to 105, `map(str)` 55 to 63.",
    },
    checks: &[Check::Call(list_of_iterator)],
};

fn list_of_iterator<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "builtins.list") {
        return;
    }
    let Some(argument @ Expr::Call(inner)) = sole_argument(call) else { return };
    let Some(parts) = runs_between(context, id) else { return };
    let Some(formula) = lazy(context, inner, &parts) else { return };
    let names = sources(context, context.node_of(argument));
    if parts.iter().any(|part| mentions(context, *part, &names)) || is_short(context, argument) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "the loop goes through a list that is made for it, of something that it could go through itself",
        context.text(argument.range()),
        formula,
    );
    report.confidence = Confidence::Medium;
    report.but = "what the loop calls must leave alone what it goes through".to_owned();
    let ends = [TextRange::new(call.start(), argument.start()), TextRange::new(argument.end(), call.end())];
    let is_plain = !ends.iter().any(|range| context.has_comment(*range));
    report.fix = is_plain.then(|| Fix::new(Safety::Unsafe, ends.map(|range| Edit::new(range, "")).to_vec()));
    context.report(report);
}

/// What an item of a lazy call costs in a list; none where it is not lazy, or may change while a loop goes through it.
fn lazy(context: &Context<'_, '_>, call: &ast::ExprCall, parts: &[NodeId]) -> Option<&'static str> {
    if let Some(name) = context.qualified(&call.func) {
        // What they go through must stay as it is as well.
        let steady = call.arguments.args.iter().skip(usize::from(matches!(&*name, "builtins.map" | "builtins.filter")));
        let is_steady = steady.into_iter().all(|from| is_steady(context, from, parts));
        return match &*name {
            "builtins.zip" if is_steady => Some("65 to 73 B an item"),
            "builtins.enumerate" if is_steady => Some("93 to 105 B an item"),
            "builtins.map" | "builtins.filter" if is_steady => Some("8 B an item, and the items that are made"),
            "glob.iglob" | "os.scandir" if !touches_files(context, parts) => {
                Some("8 B an item, and the items that are made")
            }
            _ => None,
        };
    }
    let Expr::Attribute(attribute) = &*call.func else { return None };
    match attribute.attr.as_str() {
        "items" if call.arguments.is_empty() && is_steady(context, &attribute.value, parts) => {
            Some("64 to 72 B an item")
        }
        "keys" | "values" if call.arguments.is_empty() && is_steady(context, &attribute.value, parts) => {
            Some("8 B an item")
        }
        _ => None,
    }
}

/// Whether a value cannot change while the loop runs: made on the spot, or a local of this function while nothing is called that
/// could know it.
fn is_steady(context: &Context<'_, '_>, expr: &Expr, parts: &[NodeId]) -> bool {
    let Expr::Name(_) = expr else {
        // What is made on the spot is known to nobody else.
        return matches!(expr, Expr::ListComp(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Dict(_) | Expr::DictComp(_))
            || matches!(expr, Expr::Call(call) if context.qualified(&call.func).is_some_and(|name| name.starts_with("builtins.")))
                && sources(context, context.node_of(expr)).is_empty();
    };
    let Some(symbol) = context.semantics.symbol_of(expr).map(|symbol| context.scopes().symbol(symbol)) else {
        return false;
    };
    let is_local = context.scopes().scope(symbol.scope).kind == ScopeKind::Function && !symbol.is_captured;
    let acts = parts.iter().any(|part| calls(context, *part));
    let is_own = symbol.binds.iter().all(|bind| bind.kind == BindKind::Assign);
    is_local && (!acts || is_own && is_unshared(context, symbol.uses.iter().copied()))
}

/// Whether a name is only ever subscripted, gone through, counted, or asked for a method: nobody else keeps what it holds.
fn is_unshared(context: &Context<'_, '_>, mut uses: impl Iterator<Item = NodeId>) -> bool {
    let nodes = context.nodes();
    uses.all(|used| match nodes.node(nodes.parent(used)) {
        AnyNodeRef::ExprAttribute(_)
        | AnyNodeRef::ExprCompare(_)
        | AnyNodeRef::StmtFor(_)
        | AnyNodeRef::Comprehension(_) => true,
        AnyNodeRef::ExprSubscript(subscript) => nodes.of_expr(&subscript.value) == used,
        AnyNodeRef::Arguments(_) => match nodes.node(nodes.parent(nodes.parent(used))) {
            AnyNodeRef::ExprCall(call) => {
                context.qualified(&call.func).is_some_and(|name| name.starts_with("builtins."))
            }
            _ => false,
        },
        _ => false,
    })
}

fn touches_files(context: &Context<'_, '_>, parts: &[NodeId]) -> bool {
    const CHANGES: [&str; 14] = [
        "unlink", "remove", "rename", "replace", "rmtree", "rmdir", "mkdir", "makedirs", "move", "copy", "copyfile",
        "write", "touch", "symlink",
    ];
    // A call of a function could do any of it.
    let acts = |part: &NodeId| {
        context.nodes().within(*part).any(|at| match context.nodes().node(at) {
            AnyNodeRef::ExprCall(call) => !context
                .qualified(&call.func)
                .is_some_and(|name| name.starts_with("builtins.") && name != "builtins.open"),
            _ => false,
        })
    };
    parts.iter().any(|part| has_attribute(context, *part, &CHANGES) || acts(part))
}

static LIST_RANGE: Rule = Rule {
    id: "MS109",
    name: "list-range",
    technique: Technique::Generators,
    summary: "a list of a range that is never changed",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A `range` takes 48 bytes however long it is, and can be indexed, counted, sliced, gone through and searched as a list can. `list(range(n))` takes 40 \
              bytes a number.",
        bad: "def primes(n):\n    numbers = list(range(2, n))\n    return [x for x in numbers if all(x % y for y in range(2, x))]",
        good: "def primes(n):\n    numbers = range(2, n)\n    return [x for x in numbers if all(x % y for y in range(2, x))]",
        unless: &[
            "It is changed, compared, returned or handed on: others may need a list.",
            "It has fewer than 30 numbers.",
        ],
        figures: "40 B a number (36 up to 3.10), for numbers of more than 256.",
    },
    checks: &[Check::Call(list_range)],
};

fn list_range<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "builtins.list") {
        return;
    }
    let Some(argument @ Expr::Call(inner)) = sole_argument(call) else { return };
    if !context.semantics.is_call_of(inner, "builtins.range") || is_short(context, argument) {
        return;
    }
    let is_gone_through = runs_between(context, id).is_some();
    if !is_gone_through && !is_kept_as_it_is(context, id) {
        return;
    }
    let ends = [TextRange::new(call.start(), argument.start()), TextRange::new(argument.end(), call.end())];
    let mut report = Report::new(
        call.range(),
        "a list of numbers is made that a `range` gives without one",
        context.text(argument.range()),
        "40 B a number (36 up to 3.10)",
    );
    let is_plain = !ends.iter().any(|range| context.has_comment(*range));
    let safety = if is_gone_through { Safety::Safe } else { Safety::Unsafe };
    report.fix = is_plain.then(|| Fix::new(safety, ends.map(|range| Edit::new(range, "")).to_vec()));
    context.report(report);
}

/// Whether a value goes into a local that is only read, in ways in which a range can be read.
fn is_kept_as_it_is(context: &Context<'_, '_>, id: NodeId) -> bool {
    let nodes = context.nodes();
    let AnyNodeRef::StmtAssign(assign) = nodes.node(nodes.parent(id)) else { return false };
    let [target @ Expr::Name(_)] = assign.targets.as_slice() else { return false };
    let scope = context.scopes().of_node(nodes.of_expr(target));
    let Expr::Name(name) = target else { return false };
    let Some(symbol) = context.scopes().lookup(scope, &name.id).map(|symbol| context.scopes().symbol(symbol)) else {
        return false;
    };
    let is_local =
        context.scopes().scope(scope).kind == ScopeKind::Function && !context.scopes().scope(scope).is_opaque;
    is_local
        && symbol.binds.len() == 1
        && !symbol.uses.is_empty()
        && symbol.uses.iter().all(|used| reads(context, *used))
}

fn reads(context: &Context<'_, '_>, used: NodeId) -> bool {
    let nodes = context.nodes();
    match nodes.node(nodes.parent(used)) {
        AnyNodeRef::StmtFor(node) => nodes.of_expr(&node.iter) == used,
        AnyNodeRef::Comprehension(node) => nodes.of_expr(&node.iter) == used,
        AnyNodeRef::ExprSubscript(node) => {
            // A slice of a range is a range: what is done with it is not followed.
            nodes.of_expr(&node.value) == used && node.ctx.is_load() && !node.slice.is_slice_expr()
        }
        AnyNodeRef::ExprCompare(node) => {
            let is_searched = node.comparators.iter().any(|side| nodes.of_expr(side) == used);
            is_searched && node.ops.iter().all(|op| matches!(op, ast::CmpOp::In | ast::CmpOp::NotIn))
        }
        AnyNodeRef::Arguments(_) => match nodes.node(nodes.parent(nodes.parent(used))) {
            AnyNodeRef::ExprCall(call) => matches!(
                context.qualified(&call.func).as_deref(),
                Some(
                    "builtins.len"
                        | "builtins.sum"
                        | "builtins.max"
                        | "builtins.min"
                        | "builtins.zip"
                        | "builtins.enumerate"
                        | "builtins.reversed"
                )
            ),
            _ => false,
        },
        _ => false,
    }
}

static SORTED_SLICE: Rule = Rule {
    id: "MS111",
    name: "sorted-slice",
    technique: Technique::Generators,
    summary: "everything is sorted, and the first few are taken",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`sorted` makes a list of everything. `min` and `max` keep one item, `heapq.nsmallest` and `nlargest` as many as are asked for.",
        bad: "newest = sorted(files, key=age)[0]\ntop = sorted(scores, reverse=True)[:10]",
        good: "newest = min(files, key=age)\ntop = heapq.nlargest(10, scores)",
        unless: &[
            "The number is not a constant, or is 30 and more: for a tenth of all and more sorting is faster.",
            "Of nothing `sorted(...)[0]` is an `IndexError`, and `min(...)` a `ValueError`: the fix is unsafe.",
            "`[-1]` is the last of equal ones, `max` the first: no fix where there is a key.",
        ],
        figures: "8 B an item, and the items where a generator is sorted: 33 B for ints.",
    },
    checks: &[Check::Subscript(sorted_slice)],
};

fn sorted_slice<'a>(context: &mut Context<'a, '_>, _: NodeId, subscript: &'a ast::ExprSubscript) {
    let Expr::Call(call) = &*subscript.value else { return };
    if !subscript.ctx.is_load()
        || !context.semantics.is_call_of(call, "builtins.sorted")
        || call.arguments.args.len() != 1
    {
        return;
    }
    let argument = &call.arguments.args[0];
    let reverse = call.arguments.find_keyword("reverse");
    let reversed = match reverse.map(|keyword| &keyword.value) {
        None => false,
        Some(Expr::BooleanLiteral(literal)) => literal.value,
        Some(_) => return,
    };
    if argument.is_starred_expr()
        || is_short(context, argument)
        || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none())
    {
        return;
    }
    let Some((first, advice)) = taken(context, subscript, call, reversed) else { return };
    let mut report = Report::new(
        subscript.range(),
        if first {
            "everything is sorted, and one item is taken"
        } else {
            "everything is sorted, and a few items are taken"
        },
        advice,
        "8 B an item, and the items where they are made for it",
    );
    report.but = if first { "of nothing, the error is another one".to_owned() } else { String::new() };
    report.fix = first.then(|| one_of_all(context, subscript, call, reversed)).flatten();
    context.report(report);
}

/// Whether one item is taken, and what to write; none where it is not known how many are.
fn taken(
    context: &Context<'_, '_>,
    subscript: &ast::ExprSubscript,
    call: &ast::ExprCall,
    reversed: bool,
) -> Option<(bool, String)> {
    let others: Vec<&str> = call
        .arguments
        .keywords
        .iter()
        .filter(|keyword| keyword.arg.as_ref().is_none_or(|arg| arg != "reverse"))
        .map(|keyword| context.text(keyword.range()))
        .collect();
    let argument = context.text(call.arguments.args[0].range());
    let arguments = [&[argument], others.as_slice()].concat().join(", ");
    match &*subscript.slice {
        Expr::Slice(ast::ExprSlice { lower: None, upper: Some(upper), step: None, .. }) => {
            let count = number(upper).filter(|count| (1..30).contains(count))?;
            let name = if reversed { "nlargest" } else { "nsmallest" };
            Some((false, format!("heapq.{name}({count}, {arguments})")))
        }
        index => {
            let function = match (number(index)?, reversed) {
                (0, false) | (-1, true) => "min",
                (0, true) | (-1, false) => "max",
                _ => return None,
            };
            Some((true, format!("{function}({arguments})")))
        }
    }
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => number.as_i64(),
        Expr::UnaryOp(unary) if unary.op == ast::UnaryOp::USub => Some(-number(&unary.operand)?),
        _ => None,
    }
}

fn one_of_all(
    context: &Context<'_, '_>,
    subscript: &ast::ExprSubscript,
    call: &ast::ExprCall,
    reversed: bool,
) -> Option<Fix> {
    let index = number(&subscript.slice)?;
    // Of equal ones the last, where `min` and `max` give the first.
    let is_last = index == -1;
    let has_key = call.arguments.find_keyword("key").is_some();
    let has_comment = context.has_comment(TextRange::new(call.arguments.start(), subscript.end()));
    let function = if (index == 0) == reversed { "max" } else { "min" };
    let scope = context.scopes().of_node(context.nodes().of(subscript.into()));
    if is_last && has_key || has_comment || !context.scopes().is_builtin(scope, function) {
        return None;
    }
    let mut edits =
        vec![Edit::new(call.func.range(), function), Edit::new(TextRange::new(call.end(), subscript.end()), "")];
    if let Some(reverse) = call.arguments.find_keyword("reverse") {
        // With the comma in front of it: an argument stands there.
        let before = context.text(TextRange::new(call.arguments.start(), reverse.start()));
        let comma = before.rfind(',')?;
        let from = call.arguments.start() + crate::syntax::TextSize::try_from(comma).ok()?;
        edits.push(Edit::new(TextRange::new(from, reverse.end()), ""));
    }
    Some(Fix::new(Safety::Unsafe, edits))
}

static COPY_TO_ITERATE: Rule = Rule {
    id: "MS112",
    name: "copy-to-iterate",
    technique: Technique::Generators,
    summary: "a loop goes through a slice or a sum of lists",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`a[1:]`, `a[::-1]` and `a + b` are new lists of 8 bytes an item. `itertools.islice`, `reversed` and `itertools.chain` go through the old ones.",
        bad: "def show(rows):\n    lines = [row.text for row in rows]\n    for line in lines[::-1]:\n        print(line)\n    return lines",
        good: "def show(rows):\n    lines = [row.text for row in rows]\n    for line in reversed(lines):\n        print(line)\n    return lines",
        unless: &[
            "It is not known to be a list: a slice of an array or a memoryview is no copy, one of a text is short.",
            "The loop mentions it: it may change it.",
            "The slice has constant bounds, and so few items.",
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
