//! MS203, MS204, MS205, MS209: copies of what could be shared.

use memsight_model::Confidence;

use super::ask::sole_argument;
use super::per_call::loops_over_few;
use super::places::{bound_value, class_of, function_of, last_name, own_attribute, sole_local};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::{self, CHANGED, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, Symbol};
use crate::syntax::{AnyNodeRef, Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&CONSTANT_PER_INSTANCE, &DEEPCOPY_SHALLOW, &COPY_UNCHANGED, &BYTES_SLICES];

static CONSTANT_PER_INSTANCE: Rule = Rule {
    id: "MS203",
    name: "constant-per-instance",
    technique: Technique::FewerObjects,
    summary: "each of many objects has a container of its own with the same constants, which nobody changes",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A list, dict or set that is written out is made anew each time. In an attribute of each object it is there as often as there are objects; an attribute \
              of the class is there once.",
        bad: "class Order:\n    def __init__(self):\n        self.states = {\"new\": 0, \"paid\": 1}\n\n\norders = [Order() for _ in rows]",
        good: "class Order:\n    states = {\"new\": 0, \"paid\": 1}\n\n\norders = [Order() for _ in rows]",
        unless: &[
            "No line of the project makes many of the objects and keeps them.",
            "Something of that name is changed, returned, passed on or compared anywhere in the project.",
        ],
        figures: "A dict of 1 to 5 takes 184 B (232 up to 3.10), of 6 to 10 272 (360), from 11 on 464 (640); a list 56 and 8 an item; a set of up to 4 216 B, of 5 472.",
    },
    checks: &[Check::Assign(constant_per_instance)],
};

fn constant_per_instance<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let Some((function, def)) = function_of(context, id) else { return };
    let Some((_, class)) = class_of(context, function) else { return };
    let [target] = &*assign.targets else { return };
    let Some(name) = own_attribute(def, target) else { return };
    let flat = |items: &[Expr]| !items.is_empty() && items.iter().all(is_scalar);
    let is_written_out = match &*assign.value {
        Expr::List(list) => flat(&list.elts),
        Expr::Set(set) => flat(&set.elts),
        Expr::Dict(dict) => {
            let literal = |item: &ast::DictItem| item.key.as_ref().is_some_and(is_scalar) && is_scalar(&item.value);
            !dict.items.is_empty() && dict.items.iter().all(literal)
        }
        _ => false,
    };
    let handled = context.project.handling(name);
    let many = context.project.handling(&class.name).has(Handling::MADE_MANY);
    if !is_written_out || !many || def.name.as_str() != "__init__" || handled.has(CHANGED.and(Handling::ORDERED)) {
        return;
    }
    let mut report = Report::new(
        assign.range(),
        format!("each `{}` has a `{name}` of its own, always the same", class.name),
        format!("make `{name}` an attribute of the class"),
        "184 B for a dict of up to 5, 56 B and 8 an item for a list, 216 B for a set of up to 4",
    );
    report.saves = Saves::Now;
    context.report(report);
}

/// A number, a text, `None`, `True` and the like, written out.
fn is_scalar(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp(unary) => unary.operand.is_number_literal_expr(),
        _ => expr.is_literal_expr(),
    }
}

static DEEPCOPY_SHALLOW: Rule = Rule {
    id: "MS204",
    name: "deepcopy-shallow",
    technique: Technique::FewerObjects,
    summary: "everything is copied, and only the top of it is changed",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "`copy.deepcopy` copies everything that a thing leads to. Where only its own keys are set, `copy.copy` or `dict(...)` is enough, and the rest is shared.",
        bad: "options = copy.deepcopy(defaults)\noptions[\"depth\"] = depth\nrun(options[\"depth\"])",
        good: "options = dict(defaults)\noptions[\"depth\"] = depth\nrun(options[\"depth\"])",
        unless: &[
            "Something inside of it is changed, or it is passed on.",
            "It needs a trace that shows how much is copied.",
        ],
        figures: "A copied dict of two keys takes 286 B of `deepcopy`'s memory (333 up to 3.10), as `dict(...)` 193; and all that is inside.",
    },
    checks: &[Check::Call(deepcopy_shallow)],
};

fn deepcopy_shallow<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "copy.deepcopy") {
        return;
    }
    let AnyNodeRef::StmtAssign(assign) = context.nodes().node(context.nodes().parent(id)) else { return };
    let [target @ Expr::Name(_)] = &*assign.targets else { return };
    let Some(symbol) = context.semantics.symbol_of(target).and_then(|symbol| sole_local(context, symbol)) else {
        return;
    };
    let is_set = symbol.uses.iter().any(|at| handling::of_use(context.semantics, *at).has(Handling::ADDED));
    if !is_set || !symbol.uses.iter().all(|at| is_top_only(context, *at)) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "everything is copied, and only its own keys are set",
        format!("copy.copy({})", call.arguments.args.first().map_or("...", |of| context.text(of.range()))),
        "what is inside of it, as a trace shows it",
    );
    report.confidence = Confidence::Low;
    context.report(report);
}

/// Whether a use sets or reads a key of its own, and goes no deeper.
fn is_top_only(context: &Context<'_, '_>, at: NodeId) -> bool {
    let parent = context.nodes().parent(at);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprSubscript(subscript) if !subscript.ctx.is_load() => true,
        AnyNodeRef::ExprSubscript(_) => !matches!(
            context.nodes().node(context.nodes().parent(parent)),
            AnyNodeRef::ExprSubscript(_)
                | AnyNodeRef::ExprAttribute(_)
                | AnyNodeRef::StmtReturn(_)
                | AnyNodeRef::StmtAssign(_)
        ),
        _ => {
            let handled = handling::of_use(context.semantics, at);
            handled == Handling::COUNTED || handled == Handling::ADDED
        }
    }
}

static COPY_UNCHANGED: Rule = Rule {
    id: "MS205",
    name: "copy-unchanged",
    technique: Technique::FewerObjects,
    summary: "a container is copied, and neither it nor the copy is changed",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`list(x)`, `dict(x)`, `x[:]` and `x.copy()` make a second container. Where neither is changed afterwards, one is enough.",
        bad: "names = sorted(table)\nshown = list(names)\nfor name in shown:\n    print(name)",
        good: "names = sorted(table)\nfor name in names:\n    print(name)",
        unless: &[
            "One of the two is changed, returned, stored or passed on, or is seen by another function.",
            "What is copied is a parameter, an iterator or of unknown kind.",
        ],
        figures: "8 B an item of a list, 21 to 52 B an entry of a dict.",
    },
    checks: &[Check::Assign(copy_unchanged)],
};

fn copy_unchanged<'a>(context: &mut Context<'a, '_>, _: NodeId, assign: &'a ast::StmtAssign) {
    let [target @ Expr::Name(_)] = &*assign.targets else { return };
    let Some((source, kind)) = copied(context, &assign.value) else { return };
    let local = |expr: &Expr| context.semantics.symbol_of(expr).and_then(|symbol| sole_local(context, symbol));
    let (Some(copy), Some(original)) = (local(target), local(source)) else { return };
    let is_read = |at: &NodeId| {
        let handled = handling::of_use(context.semantics, *at);
        !handled.has(CHANGED.and(Handling::RAISED).and(Handling::ORDERED)) || context.node_of(source) == *at
    };
    let fits =
        makes(context, original) == Some(kind) && copy.uses.iter().all(is_read) && original.uses.iter().all(is_read);
    if !fits || copy.uses.is_empty() {
        return;
    }
    let text = context.text(source.range());
    let mut report = Report::new(
        assign.value.range(),
        format!("`{text}` is copied, and neither it nor `{}` is changed", copy.name),
        text,
        "8 B an item of a list, 21 to 52 B an entry of a dict",
    );
    report.fix = (!context.has_comment(assign.value.range()))
        .then(|| Fix::new(Safety::Unsafe, vec![Edit::new(assign.value.range(), text)]));
    context.report(report);
}

/// What an expression is a copy of, and of which kind the copy is; none where it is no copy.
fn copied<'a>(context: &Context<'_, '_>, value: &'a Expr) -> Option<(&'a Expr, &'static str)> {
    match value {
        Expr::Call(call) => {
            let of = sole_argument(call).filter(|of| of.is_name_expr())?;
            let kinds = [("builtins.list", "list"), ("builtins.dict", "dict"), ("builtins.set", "set")];
            let name = context.qualified(&call.func)?;
            kinds.into_iter().find(|(full, _)| *full == name).map(|(_, kind)| (of, kind))
        }
        Expr::Subscript(subscript) => match &*subscript.slice {
            Expr::Slice(slice) if slice.lower.is_none() && slice.upper.is_none() && slice.step.is_none() => {
                subscript.value.is_name_expr().then_some((&*subscript.value, "list"))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Of which kind the container is that a name was bound to.
fn makes(context: &Context<'_, '_>, symbol: &Symbol<'_>) -> Option<&'static str> {
    match bound_value(context, symbol.binds.first()?.node)? {
        Expr::List(_) | Expr::ListComp(_) => Some("list"),
        Expr::Dict(_) | Expr::DictComp(_) => Some("dict"),
        Expr::Set(_) | Expr::SetComp(_) => Some("set"),
        Expr::Call(call) => match context.qualified(&call.func).as_deref() {
            Some("builtins.list" | "builtins.sorted") => Some("list"),
            Some("builtins.dict") => Some("dict"),
            Some("builtins.set") => Some("set"),
            _ => None,
        },
        _ => None,
    }
}

static BYTES_SLICES: Rule = Rule {
    id: "MS209",
    name: "bytes-slices",
    technique: Technique::FewerObjects,
    summary: "bytes are cut at their front, piece by piece, and all that is left is copied each time",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`data = data[n:]` copies all that is left. Over a whole buffer that is half its length for each piece: a megabyte in pieces of a kilobyte copies 500 \
              megabytes. An offset, `memoryview`, or `del buffer[:n]` of a `bytearray` copies nothing or little.",
        bad: "while data:\n    send(data[:1024])\n    data = data[1024:]",
        good: "for at in range(0, len(data), 1024):\n    send(data[at : at + 1024])",
        unless: &[
            "It is a `bytearray` or `memoryview`, or not known to be bytes.",
            "It is done once and not in a loop.",
        ],
        figures: "n bytes in pieces of k: n * n / 2k bytes are copied, and for a moment there are two of what is left.",
    },
    checks: &[Check::Assign(bytes_slices)],
};

fn bytes_slices<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let ([target], Expr::Subscript(subscript)) = (&*assign.targets, &*assign.value) else { return };
    let Expr::Slice(slice) = &*subscript.slice else { return };
    let cuts_front = slice.lower.is_some() && slice.upper.is_none() && slice.step.is_none();
    let is_same = context.text(target.range()) == context.text(subscript.value.range());
    if !cuts_front || !is_same || !handling::in_loop(context.semantics, id) || loops_over_few(context, id) {
        return;
    }
    if !is_bytes(context, target) {
        return;
    }
    let mut report = Report::new(
        assign.range(),
        format!("all that is left of `{}` is copied in each round", context.text(target.range())),
        "keep an offset, use a `memoryview`, or a `bytearray` and `del`",
        "n bytes in pieces of k: n * n / 2k bytes are copied",
    );
    report.saves = Saves::Churn;
    context.report(report);
}

/// Whether a name is known to stand for bytes: it is bound to some, and to nothing that is cut without a copy.
pub(super) fn is_bytes(context: &Context<'_, '_>, target: &Expr) -> bool {
    let Some(symbol) = context.semantics.symbol_of(target) else { return false };
    let symbol = context.scopes().symbol(symbol);
    let values = || symbol.binds.iter().filter_map(|bind| bound_value(context, bind.node));
    let is_some = |value: &Expr| match value {
        Expr::BytesLiteral(_) => true,
        Expr::Call(call) => {
            context.semantics.is_call_of(call, "builtins.bytes")
                || matches!(last_name(value), Some("recv" | "encode" | "read_bytes" | "tobytes" | "urandom"))
        }
        _ => false,
    };
    let is_other = |value: &Expr| matches!(last_name(value), Some("memoryview" | "bytearray" | "getbuffer"));
    let plain = symbol.binds.iter().all(|bind| matches!(bind.kind, BindKind::Assign | BindKind::Augmented));
    plain && values().any(is_some) && !values().any(is_other)
}
