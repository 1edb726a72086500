//! MS101, MS102, MS110: a list that is made for a function that only goes through it.

use memsight_model::Confidence;

use super::ask::{
    calls, can_be_generator, comma_behind, has_walrus, in_text, is_short, is_worth_it, other_brackets, sole_argument,
};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::generators;
use crate::syntax::{Expr, Ranged, TextRange, TextSize, ast};

pub(super) const RULES: &[&Rule] = &[&LIST_FOR_CONSUMER, &SET_FROM_LIST, &LEN_OF_LIST];

static LIST_FOR_CONSUMER: Rule = Rule {
    id: "MS101",
    name: "list-for-consumer",
    technique: Technique::Generators,
    summary: "a list is made only to be gone through once by a function",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`sum`, `any`, `min`, `Counter`, `writelines` and the like take one item after the other and keep none of them. A list \
              comprehension makes all items first: 8 bytes for each pointer, and the items themselves, which are all alive at once. A generator \
              hands over one item at a time.",
        bad: "total = sum([order.price * order.count for order in orders])",
        good: "total = sum(order.price * order.count for order in orders)",
        unless: &[
            "`\"\".join([...])`, `sorted([...])`, `tuple([...])`, `f(*[...])`: these make a sequence of their own, and nothing is saved.",
            "The comprehension awaits, or calls `next` without a default: a generator would do something else.",
            "It goes through a literal or a `range` of fewer than 30 items: nothing is saved, and time is lost.",
            "`any`, `all` and `in` stop at the first item that decides: where making an item does something, the fix is unsafe.",
        ],
        figures: "Bytes an item, a list against a generator, on 3.13: `sum` of new ints 32.9 to 0, `array(\"d\")` 40.9 to 8.4, `bytes` 9.9 to 1.1, \
                  `executemany` of rows 92 to 0. A generator itself takes some 200 bytes (490 up to 3.10).",
    },
    checks: &[Check::Call(list_for_call), Check::Compare(list_for_in)],
};

/// Functions that go through an argument once, which one that is, and whether they may stop before its end.
const CONSUMERS: [(&str, usize, bool); 15] = [
    ("builtins.sum", 0, false),
    ("builtins.any", 0, true),
    ("builtins.all", 0, true),
    ("builtins.min", 0, false),
    ("builtins.max", 0, false),
    ("math.fsum", 0, false),
    ("math.prod", 0, false),
    ("collections.Counter", 0, false),
    ("heapq.nsmallest", 1, false),
    ("heapq.nlargest", 1, false),
    ("array.array", 1, false),
    ("builtins.bytes", 0, false),
    ("builtins.bytearray", 0, false),
    ("builtins.frozenset", 0, false),
    ("collections.deque", 0, false),
];

/// Methods that do the same, by name alone: what else is called so takes any iterable as well.
const METHODS: [(&str, usize); 3] = [("writelines", 0), ("writerows", 0), ("executemany", 1)];

fn list_for_call<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let Some((name, at, stops)) = consumer(context, call) else { return };
    let Some(Expr::ListComp(comp)) = call.arguments.find_positional(at) else { return };
    let argument = &call.arguments.args[at];
    let id = context.node_of(argument);
    if !can_be_generator(context, id) || !is_worth_it(context, id) {
        return;
    }
    let alone = call.arguments.len() == 1 && !comma_behind(context, argument);
    let edits = if alone { other_brackets(comp, "", "") } else { other_brackets(comp, "(", ")") };
    let acts = stops && (calls(context, id) || has_walrus(context, id));
    let inner = context.text(TextRange::new(comp.elt.start(), comp.end() - BRACKET));
    let mut report = Report::new(
        comp.range(),
        format!("a list of all items is made, which `{name}` only goes through once"),
        if alone { format!("{name}({inner})") } else { format!("({inner})") },
        "8 B an item, and the items that are made for it; break-even at about 30 items",
    );
    if acts {
        report.but =
            format!("`{name}` stops at the first item that decides it: items behind it would no longer be made");
        report.confidence = Confidence::Medium;
    }
    report.fix = Some(Fix::new(if acts { Safety::Unsafe } else { Safety::Safe }, edits));
    context.report(report);
}

/// How long a bracket is.
const BRACKET: TextSize = TextSize::new(1);

/// What a call goes through: its name, the place of the argument, whether it may stop early.
fn consumer(context: &Context<'_, '_>, call: &ast::ExprCall) -> Option<(String, usize, bool)> {
    if let Some(name) = context.qualified(&call.func) {
        let (_, at, stops) = CONSUMERS.into_iter().find(|(consumer, ..)| *consumer == name)?;
        let positional = call.arguments.args.len();
        let fits = match name.as_str() {
            // `min(a, b)` compares its arguments.
            "builtins.min" | "builtins.max" => positional == 1,
            // Without a largest length a deque keeps all items.
            "collections.deque" => call.arguments.find_argument("maxlen", 1).is_some(),
            _ => true,
        };
        return fits.then(|| (context.text(call.func.range()).to_owned(), at, stops));
    }
    let Expr::Attribute(attribute) = &*call.func else { return None };
    let (method, at) = METHODS.into_iter().find(|(method, _)| attribute.attr == **method)?;
    Some((method.to_owned(), at, false))
}

fn list_for_in<'a>(context: &mut Context<'a, '_>, _: NodeId, compare: &'a ast::ExprCompare) {
    let sides = compare.ops.iter().zip(&compare.comparators);
    for (op, side) in sides {
        let Expr::ListComp(comp) = side else { continue };
        let id = context.node_of(side);
        let is_in = matches!(op, ast::CmpOp::In | ast::CmpOp::NotIn);
        if !is_in || !can_be_generator(context, id) || !is_worth_it(context, id) {
            continue;
        }
        let acts = calls(context, id) || has_walrus(context, id);
        let mut report = Report::new(
            comp.range(),
            "a list of all items is made, in which one item is looked for once",
            format!("({})", context.text(TextRange::new(comp.elt.start(), comp.end() - BRACKET))),
            "8 B an item, and the items that are made for it; break-even at about 30 items",
        );
        if acts {
            report.but = "`in` stops at the item that it looks for: items behind it would no longer be made".to_owned();
            report.confidence = Confidence::Medium;
        }
        report.fix = Some(Fix::new(if acts { Safety::Unsafe } else { Safety::Safe }, other_brackets(comp, "(", ")")));
        context.report(report);
    }
}

static SET_FROM_LIST: Rule = Rule {
    id: "MS102",
    name: "set-from-list",
    technique: Technique::Generators,
    summary: "a set or dict is made from a list that is made for it alone",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`set([...])` and `dict([...])` make a list first, and copy it. Both are alive until the copy is done: 8 bytes an item for the list of a \
              set, 65 to 73 for a list of pairs.",
        bad: "names = set([user.name for user in users])\nby_id = dict([(user.id, user) for user in users])",
        good: "names = {user.name for user in users}\nby_id = {user.id: user for user in users}",
        unless: &[
            "The comprehension awaits, goes through fewer than 30 items, or the name is not the builtin.",
            "In a replacement field of an f-string there is no fix: two braces mean one there.",
        ],
        figures: "3.8 to 3.15: 8 B an item for the list; a pair of a `dict([...])` takes 56 B more (48 from 3.14).",
    },
    checks: &[Check::Call(set_from_list)],
};

fn set_from_list<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let Some(argument @ Expr::ListComp(comp)) = sole_argument(call) else { return };
    let name = match context.qualified(&call.func).as_deref() {
        Some("builtins.set") => "set",
        Some("builtins.dict") => "dict",
        _ => return,
    };
    let list = context.node_of(argument);
    if !can_be_generator(context, list) || !is_worth_it(context, list) {
        return;
    }
    let edits = if name == "set" { set_edits(context, call, comp) } else { dict_edits(context, call, comp) };
    let formula = if name == "set" { "8 B an item" } else { "65 to 73 B an item" };
    let mut report = Report::new(
        call.range(),
        format!("a list of all items is made, of which `{name}` makes a copy"),
        format!("a {name} comprehension"),
        formula,
    );
    report.fix = edits.filter(|_| !in_text(context, id)).map(|edits| Fix::new(Safety::Safe, edits));
    context.report(report);
}

/// `set([` becomes `{`, `])` becomes `}`.
fn set_edits(context: &Context<'_, '_>, call: &ast::ExprCall, comp: &ast::ExprListComp) -> Option<Vec<Edit>> {
    let front = TextRange::new(call.start(), comp.start() + BRACKET);
    let back = TextRange::new(comp.end() - BRACKET, call.end());
    let has_comment = context.has_comment(front) || context.has_comment(back);
    (!has_comment).then(|| vec![Edit::new(front, "{"), Edit::new(back, "}")])
}

/// The same, and `(k, v)` becomes `k: v`.
fn dict_edits(context: &Context<'_, '_>, call: &ast::ExprCall, comp: &ast::ExprListComp) -> Option<Vec<Edit>> {
    let Expr::Tuple(pair) = &*comp.elt else { return None };
    let [key, value] = pair.elts.as_slice() else { return None };
    let bare = |expr: &Expr| !matches!(expr, Expr::Starred(_) | Expr::Named(_) | Expr::Lambda(_));
    // A list comprehension needs the parentheses, and the tuple has them as its own.
    let front = TextRange::new(call.start(), key.start());
    let between = TextRange::new(key.end(), value.start());
    let behind = TextRange::new(value.end(), pair.end());
    let back = TextRange::new(comp.end() - BRACKET, call.end());
    let parts = [front, between, behind, back];
    let plain = |range: TextRange, only: &[char]| {
        context.text(range).chars().all(|letter| only.contains(&letter) || letter.is_whitespace())
    };
    let is_plain =
        plain(between, &[',']) && plain(behind, &[')', ',']) && context.text(front).trim_end().ends_with('(');
    let has_comment = parts.iter().any(|range| context.has_comment(*range));
    (bare(key) && bare(value) && is_plain && !has_comment)
        .then(|| vec![Edit::new(front, "{"), Edit::new(between, ": "), Edit::new(behind, ""), Edit::new(back, "}")])
}

static LEN_OF_LIST: Rule = Rule {
    id: "MS110",
    name: "len-of-list",
    technique: Technique::Generators,
    summary: "a list is made only to be counted",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`len` needs a list, counting does not: `sum(1 for ...)` counts one item after the other.",
        bad: "late = len([order for order in orders if order.is_late()])",
        good: "late = sum(1 for order in orders if order.is_late())",
        unless: &[
            "The comprehension awaits, or goes through fewer than 30 items.",
            "Making an item calls something: what it does would not be done, so there is no fix.",
        ],
        figures: "8 B an item, and the items where they are made for the list. Counting by a generator takes about as long.",
    },
    checks: &[Check::Call(len_of_list)],
};

fn len_of_list<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "builtins.len") {
        return;
    }
    let Some(argument @ Expr::ListComp(comp)) = sole_argument(call) else { return };
    let id = context.node_of(argument);
    let everything_is_short = generators(context.nodes().node(id)).iter().all(|part| is_short(context, &part.iter));
    if !can_be_generator(context, id) || everything_is_short {
        return;
    }
    let element = context.node_of(&comp.elt);
    let acts = calls(context, element) || has_walrus(context, element);
    let tail = context.text(TextRange::new(comp.elt.end(), comp.end() - BRACKET));
    let mut report = Report::new(
        call.range(),
        "a list of all items is made, only to be counted",
        format!("sum(1{tail})"),
        "8 B an item, and the items that are made for it",
    );
    let shadowed = context.scopes().has_star_import() || comma_behind(context, argument);
    let edits = || {
        let mut edits = other_brackets(comp, "", "");
        edits.push(Edit::new(call.func.range(), "sum"));
        edits.push(Edit::new(comp.elt.range(), "1"));
        edits
    };
    // A parenthesis of the element would stay behind: `((1) for ...)` is as good.
    report.fix = (!acts && !shadowed && !context.has_comment(comp.elt.range()) && sum_is_builtin(context, call))
        .then(|| Fix::new(Safety::Safe, edits()));
    context.report(report);
}

/// Whether `sum` means the builtin where a call stands.
fn sum_is_builtin(context: &Context<'_, '_>, call: &ast::ExprCall) -> bool {
    let scopes = context.scopes();
    let scope = scopes.of_node(context.nodes().of(call.into()));
    scopes.is_builtin(scope, "sum")
}
