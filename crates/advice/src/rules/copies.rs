//! MS108, MS109, MS111: copies that are made to be gone through, or looked into, once.

use memsight_model::Confidence;

use super::ask::{calls, has_attribute, mentions, runs_between, sole_argument, sources};
use super::many::{Size, is_short, is_unknown_number};
use super::places::{bound_value, is_test_file};
use crate::context::{Context, Report};
use crate::edit::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, ScopeKind};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, TokenKind, ast};

pub(super) const RULES: &[&Rule] = &[&LIST_OF_ITERATOR, &LIST_RANGE, &SORTED_SLICE];

static LIST_OF_ITERATOR: Rule = Rule {
    id: "MS108",
    name: "list-of-iterator",
    technique: Technique::Generators,
    summary: "a loop goes through a list that is a copy of what it could go through itself",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "`map`, `zip`, `enumerate`, the views of a dict and iterators of folders give one item after the other. `list(...)` around them makes all first: a \
              tuple of 56 to 64 bytes for each pair, and 8 bytes for the pointer to it.",
        bad: "for name, size in list(zip(names, sizes)):\n    show(name, size)",
        good: "for name, size in zip(names, sizes):\n    show(name, size)",
        unless: &[
            "The loop, or what it calls, may change what it goes through: that is what the copy is for. So nothing is said where the loop mentions it, \
             nor of attributes and globals, nor of an argument while the loop calls anything.",
            "Nothing says that there are many items ([MS117](MS117.md) tells of those).",
            "A folder is read and the loop makes, renames or removes files.",
        ],
        figures: "3.8 to 3.15, an item: `items()` 64 to 72 B, `zip` of two 65 to 73, `enumerate` 93 to 105, `map(str)` 55 to 63.",
    },
    checks: &[Check::Call(list_of_iterator)],
};

fn list_of_iterator<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    of_iterator(context, id, call, Size::Many);
}

pub(super) fn of_iterator<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall, size: Size) {
    if !context.semantics.is_call_of(call, "builtins.list") {
        return;
    }
    let Some(argument @ Expr::Call(inner)) = sole_argument(call) else { return };
    let Some(parts) = runs_between(context, id).filter(|_| size.is_of(context, [argument])) else { return };
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
        return is_made_here(context, expr);
    };
    let Some(symbol) = context.semantics.symbol_of(expr).map(|symbol| context.scopes().symbol(symbol)) else {
        return false;
    };
    let is_local = context.scopes().scope(symbol.scope).kind == ScopeKind::Function && !symbol.is_captured;
    // A property, or a module that is loaded when it is touched, may do anything as well.
    let acts = parts.iter().any(|part| calls(context, *part) || sets_attribute(context, *part));
    let is_own = symbol.binds.iter().all(|bind| {
        bind.kind == BindKind::Assign
            && bound_value(context, bind.node).is_some_and(|value| is_made_here(context, value))
    });
    is_local && (!acts || is_own && is_unshared(context, symbol.uses.iter().copied()))
}

/// Whether an expression makes something new, which nobody else knows. Not `globals()`, `vars(x)` and the like.
fn is_made_here(context: &Context<'_, '_>, expr: &Expr) -> bool {
    const MAKERS: [&str; 11] = [
        "builtins.dict",
        "builtins.list",
        "builtins.set",
        "builtins.sorted",
        "builtins.range",
        "builtins.zip",
        "builtins.enumerate",
        "collections.Counter",
        "collections.defaultdict",
        "collections.OrderedDict",
        "collections.deque",
    ];
    match expr {
        Expr::ListComp(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Dict(_) | Expr::DictComp(_) | Expr::SetComp(_) => {
            true
        }
        // An iterator would go on to read what it was made of.
        Expr::Call(call) => context.qualified(&call.func).is_some_and(|name| {
            let is_lazy = matches!(name.as_str(), "builtins.zip" | "builtins.enumerate");
            MAKERS.contains(&name.as_str()) && (!is_lazy || sources(context, context.node_of(expr)).is_empty())
        }),
        _ => false,
    }
}

fn sets_attribute(context: &Context<'_, '_>, id: NodeId) -> bool {
    context.nodes().within(id).any(|at| match context.nodes().node(at) {
        AnyNodeRef::ExprAttribute(attribute) => !attribute.ctx.is_load(),
        _ => false,
    })
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

pub(super) fn touches_files(context: &Context<'_, '_>, parts: &[NodeId]) -> bool {
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
        bad: "def primes(limit):\n    numbers = list(range(2, limit))\n    return [x for x in numbers if all(x % y for y in range(2, x))]",
        good: "def primes(limit):\n    numbers = range(2, limit)\n    return [x for x in numbers if all(x % y for y in range(2, x))]",
        unless: &[
            "It is changed, compared, returned or handed on: others may need a list.",
            "It has fewer than 30 numbers, or as many as something of unknown length ([MS117](MS117.md) tells of those).",
        ],
        figures: "40 B a number (36 up to 3.10), for numbers of more than 256.",
    },
    checks: &[Check::Call(list_range)],
};

fn list_range<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    of_range(context, id, call, Size::Many);
}

/// Whether nobody can say how long a range is.
fn has_unknown_length(context: &Context<'_, '_>, range: &ast::ExprCall) -> bool {
    is_test_file(&context.source.path) || range.arguments.args.iter().any(|bound| is_unknown_number(context, bound))
}

pub(super) fn of_range<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall, size: Size) {
    if !context.semantics.is_call_of(call, "builtins.list") {
        return;
    }
    let Some(argument @ Expr::Call(inner)) = sole_argument(call) else { return };
    if !context.semantics.is_call_of(inner, "builtins.range") || is_short(context, argument) {
        return;
    }
    if has_unknown_length(context, inner) != (size == Size::Unknown) {
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
    is_default: false,
    needs: Needs::Trace,
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

pub(super) fn number(expr: &Expr) -> Option<i64> {
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
    // The call may stand in parentheses of its own.
    let open = context
        .tokens_in(TextRange::new(call.end(), subscript.end()))
        .iter()
        .find(|token| token.kind() == TokenKind::Lsqb)?;
    if is_last && has_key || has_comment || !context.scopes().is_builtin(scope, function) {
        return None;
    }
    let mut edits =
        vec![Edit::new(call.func.range(), function), Edit::new(TextRange::new(open.start(), subscript.end()), "")];
    if let Some(reverse) = call.arguments.find_keyword("reverse") {
        // With the comma in front of it: an argument stands there.
        let before = context.text(TextRange::new(call.arguments.start(), reverse.start()));
        let comma = before.rfind(',')?;
        let from = call.arguments.start() + crate::syntax::TextSize::try_from(comma).ok()?;
        edits.push(Edit::new(TextRange::new(from, reverse.end()), ""));
    }
    Some(Fix::new(Safety::Unsafe, edits))
}
