//! MS305, MS306: lists of numbers and of flags, where each place could be the number itself.

use super::ask::is_short;
use super::per_call::loops_over_few;
use super::places::{bound_value, call_around, sole_local};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::Symbol;
use crate::syntax::{AnyNodeRef, Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&BOXED_NUMBERS, &FLAGS_IN_LIST];

static BOXED_NUMBERS: Rule = Rule {
    id: "MS305",
    name: "boxed-numbers",
    technique: Technique::CompactStructures,
    summary: "a list is filled with floats only",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A list holds pointers to numbers, and each float is an object of 24 bytes. An `array` holds the numbers themselves.",
        bad: "heights = [float(line) for line in lines]\nfor at in range(len(heights)):\n    print(heights[at])",
        good: "heights = array(\"d\", (float(line) for line in lines))\nfor at in range(len(heights)):\n    print(heights[at])",
        unless: &[
            "Something else than a float may be put into it, or the list is returned, passed on, added to another or compared.",
            "It is made of fewer than 30 numbers that are written out.",
            "Ints are not reported: those over 64 bits do not fit into an array, and small ones are shared.",
        ],
        figures: "32 B a float become 8 (8.2 where they are appended one by one). Each time one is read its object is made anew.",
    },
    checks: &[Check::Function(boxed_numbers)],
};

/// Whether an expression is a float, whatever its names stand for.
fn is_float(context: &Context<'_, '_>, expr: &Expr) -> bool {
    const FLOATS: [&str; 16] = [
        "builtins.float",
        "math.sqrt",
        "math.sin",
        "math.cos",
        "math.tan",
        "math.atan2",
        "math.exp",
        "math.log",
        "math.log10",
        "math.hypot",
        "math.radians",
        "random.random",
        "random.uniform",
        "random.gauss",
        "time.time",
        "time.perf_counter",
    ];
    match expr {
        Expr::NumberLiteral(number) => matches!(number.value, ast::Number::Float(_)),
        Expr::Call(call) => context.qualified(&call.func).is_some_and(|name| FLOATS.contains(&name.as_str())),
        Expr::UnaryOp(unary) => unary.op != ast::UnaryOp::Not && is_float(context, &unary.operand),
        // A float and a number of another kind may be a complex one, but for numbers that are written out.
        Expr::BinOp(binary) => {
            let number = |side: &Expr| is_float(context, side) || side.is_number_literal_expr();
            number(&binary.left)
                && number(&binary.right)
                && (is_float(context, &binary.left) || is_float(context, &binary.right))
        }
        _ => false,
    }
}

fn boxed_numbers<'a>(context: &mut Context<'a, '_>, id: NodeId, _: &'a ast::StmtFunctionDef) {
    let mut found = Vec::new();
    for symbol in locals(context, id) {
        let Some(value) = bound_value(context, symbol.binds[0].node) else { continue };
        let holds = match value {
            Expr::ListComp(comp) => {
                is_float(context, &comp.elt) && !loops_over_few(context, context.node_of(&comp.elt))
            }
            Expr::List(list) if list.elts.is_empty() => appends_in_loop(context, symbol),
            _ => repeated(context, value).is_some_and(|one| is_float(context, one)),
        };
        if holds
            && symbol.uses.iter().all(|at| keeps_floats(context, *at))
            && symbol.uses.iter().any(|at| is_read(context, *at))
        {
            found.push((value.range(), symbol.name));
        }
    }
    found.sort_by_key(|(range, _)| range.start());
    for (range, name) in found {
        let mut report = Report::new(
            range,
            format!("`{name}` is a list of floats only, each an object of its own"),
            "array(\"d\", ...)",
            "32 B a float become 8",
        );
        report.saves = Saves::Peak;
        report.but = "each time a number is read its object is made anew".to_owned();
        context.report(report);
    }
}

/// Names of a function that are bound once and seen by it alone, in the order of the source.
fn locals<'s, 'a>(context: &'s Context<'a, '_>, function: NodeId) -> Vec<&'s Symbol<'a>> {
    let Some(scope) = context.scopes().opened_by(function) else { return Vec::new() };
    context.scopes().symbols_of(scope).filter_map(|id| sole_local(context, id)).collect()
}

/// `x` of `[x] * n`, where `n` is not a small number that is written out.
fn repeated<'a>(context: &Context<'_, '_>, value: &'a Expr) -> Option<&'a Expr> {
    let Expr::BinOp(ast::ExprBinOp { left, op: ast::Operator::Mult, right, .. }) = value else { return None };
    let (list, count) = match (&**left, &**right) {
        (Expr::List(list), count) | (count, Expr::List(list)) => (list, count),
        _ => return None,
    };
    let small = match count {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => {
            number.as_u64().is_some_and(|number| number < 1000)
        }
        _ => is_short(context, count) || counts_arguments(context, count),
    };
    match &*list.elts {
        [one] if !small => Some(one),
        _ => None,
    }
}

/// `len(args)` of `*args`: there are as many as a call was written with.
fn counts_arguments(context: &Context<'_, '_>, count: &Expr) -> bool {
    let Expr::Call(call) = count else { return false };
    let Some(symbol) = call.arguments.args.first().and_then(|of| context.semantics.symbol_of(of)) else { return false };
    context.scopes().symbol(symbol).binds.iter().any(|bind| {
        match context.nodes().node(context.nodes().parent(bind.node)) {
            AnyNodeRef::Parameters(all) => {
                all.vararg.as_deref().is_some_and(|rest| context.nodes().of(rest.into()) == bind.node)
            }
            _ => false,
        }
    })
}

/// The argument of `name.append(...)` where the name stands.
fn appended<'a>(context: &Context<'a, '_>, at: NodeId) -> Option<&'a Expr> {
    let parent = context.nodes().parent(at);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprAttribute(method) if method.attr.as_str() == "append" => {
            call_around(context, parent)?.arguments.find_positional(0)
        }
        _ => None,
    }
}

fn appends_in_loop(context: &Context<'_, '_>, symbol: &Symbol<'_>) -> bool {
    symbol.uses.iter().any(|at| {
        appended(context, *at).is_some() && handling::in_loop(context.semantics, *at) && !loops_over_few(context, *at)
    })
}

fn is_read(context: &Context<'_, '_>, at: NodeId) -> bool {
    handling::of_use(context.semantics, at).has(Handling::READ)
}

/// Whether a use leaves nothing but floats in a list, and does with it only what an array can do.
fn keeps_floats(context: &Context<'_, '_>, at: NodeId) -> bool {
    if let Some(argument) = appended(context, at) {
        return is_float(context, argument);
    }
    match stored(context, at) {
        Some(Stored::Value(value)) => is_float(context, value),
        Some(Stored::Added) => true,
        Some(Stored::Other) => false,
        None => can_array_do(context, at),
    }
}

/// What is stored into a place of a list.
enum Stored<'a> {
    Value(&'a Expr),
    /// `x[i] += ...`: a number stays a number.
    Added,
    /// A slice, a loop, an unpacking.
    Other,
}

fn stored<'a>(context: &Context<'a, '_>, at: NodeId) -> Option<Stored<'a>> {
    let nodes = context.nodes();
    let parent = nodes.parent(at);
    let AnyNodeRef::ExprSubscript(subscript) = nodes.node(parent) else { return None };
    if context.node_of(&subscript.value) != at || subscript.ctx.is_load() {
        return None;
    }
    Some(match nodes.node(nodes.parent(parent)) {
        AnyNodeRef::StmtAssign(assign) if !subscript.slice.is_slice_expr() => Stored::Value(&assign.value),
        AnyNodeRef::StmtAugAssign(_) if !subscript.slice.is_slice_expr() => Stored::Added,
        _ => Stored::Other,
    })
}

/// Reading a place, its length, going through it, `sum` and the like.
fn can_array_do(context: &Context<'_, '_>, at: NodeId) -> bool {
    let parent = context.nodes().parent(at);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprSubscript(subscript) => {
            context.node_of(&subscript.value) == at && !subscript.slice.is_slice_expr()
        }
        AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_) => true,
        AnyNodeRef::Arguments(_) => call_around(context, at).is_some_and(|call| {
            const TAKERS: [&str; 9] = [
                "builtins.len",
                "builtins.sum",
                "builtins.min",
                "builtins.max",
                "builtins.sorted",
                "builtins.enumerate",
                "builtins.zip",
                "builtins.reversed",
                "math.fsum",
            ];
            context.qualified(&call.func).is_some_and(|name| TAKERS.contains(&name.as_str()))
        }),
        _ => false,
    }
}

static FLAGS_IN_LIST: Rule = Rule {
    id: "MS306",
    name: "flags-in-list",
    technique: Technique::CompactStructures,
    summary: "a list holds nothing but yes and no",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A list has a pointer of 8 bytes for each place. A `bytearray` has one byte, which is as good for 0 and 1, `True` and `False`.",
        bad: "seen = [False] * count\nfor number in numbers:\n    seen[number] = True",
        good: "seen = bytearray(count)\nfor number in numbers:\n    seen[number] = True",
        unless: &[
            "Anything but `True`, `False`, 0 and 1 is stored in it, or a slice of it is set.",
            "It is returned, passed on, printed or compared: a `bytearray` shows 0 and 1.",
            "A place is compared by `is`, which no number passes.",
            "There are fewer than 1,000 places, or as many as a call has arguments.",
        ],
        figures: "8 B a place become 1.",
    },
    checks: &[Check::Function(flags_in_list)],
};

fn is_flag(expr: &Expr) -> bool {
    match expr {
        Expr::BooleanLiteral(_) => true,
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => {
            number.as_u64().is_some_and(|number| number < 2)
        }
        _ => false,
    }
}

fn flags_in_list<'a>(context: &mut Context<'a, '_>, id: NodeId, _: &'a ast::StmtFunctionDef) {
    let mut found = Vec::new();
    for symbol in locals(context, id) {
        let Some(value) = bound_value(context, symbol.binds[0].node) else { continue };
        let Some(one) = repeated(context, value).filter(|one| is_flag(one)) else { continue };
        let fits = |at: &NodeId| match stored(context, *at) {
            Some(Stored::Value(value)) => is_flag(value),
            Some(_) => false,
            None => can_array_do(context, *at) && !is_passed_through(context, *at),
        };
        let is_set = symbol.uses.iter().any(|at| stored(context, *at).is_some());
        if is_set && symbol.uses.iter().all(fits) {
            found.push((value, one, symbol.name));
        }
    }
    found.sort_by_key(|(value, ..)| value.start());
    for (value, one, name) in found {
        let text = context.text(one.range());
        let other = if matches!(text, "True" | "1") { "bytearray(b\"\\x01\")" } else { "bytearray(1)" };
        let mut report = Report::new(
            value.range(),
            format!("`{name}` holds nothing but yes and no, in 8 bytes each"),
            format!("{other} * n"),
            "8 B a place become 1",
        );
        report.but = "what is read is 0 or 1, not `False` or `True`".to_owned();
        report.fix = fix(context, value, other);
        context.report(report);
    }
}

/// Whether a flag is handed on as it is: `return seen[i]` would give a number.
fn is_passed_through(context: &Context<'_, '_>, at: NodeId) -> bool {
    let parent = context.nodes().parent(at);
    let outer = context.nodes().node(context.nodes().parent(parent));
    let is_place = matches!(context.nodes().node(parent), AnyNodeRef::ExprSubscript(_));
    is_place
        && (matches!(
            outer,
            AnyNodeRef::StmtReturn(_) | AnyNodeRef::Arguments(_) | AnyNodeRef::ExprYield(_) | AnyNodeRef::Keyword(_)
        ) || is_identity(context, parent))
}

/// `seen[i] is False`: no number is.
fn is_identity(context: &Context<'_, '_>, place: NodeId) -> bool {
    match context.nodes().node(context.nodes().parent(place)) {
        AnyNodeRef::ExprCompare(compare) => {
            compare.ops.iter().any(|op| matches!(op, ast::CmpOp::Is | ast::CmpOp::IsNot))
        }
        _ => false,
    }
}

/// The list becomes a `bytearray`; the factor stays.
fn fix(context: &Context<'_, '_>, value: &Expr, other: &str) -> Option<Fix> {
    let Expr::BinOp(binary) = value else { return None };
    let list = if binary.left.is_list_expr() { &binary.left } else { &binary.right };
    let scope = context.scopes().of_node(context.node_of(value));
    (context.scopes().is_builtin(scope, "bytearray") && !context.has_comment(list.range()))
        .then(|| Fix::new(Safety::Unsafe, vec![Edit::new(list.range(), other)]))
}
