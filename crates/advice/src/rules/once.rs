//! MS103: a list in a variable that is gone through once. MS104: a function that builds a list which its callers go through once.

use memsight_model::Confidence;

use super::ask::{
    Once, between_items, can_be_generator, can_be_lazy, is_worth_it, once, other_brackets, sole_argument, suspends,
};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, ScopeKind, Symbol};
use crate::syntax::{AnyNodeRef, Expr, Ranged, Stmt, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&LIST_USED_ONCE, &FUNCTION_BUILDS_LIST];

static LIST_USED_ONCE: Rule = Rule {
    id: "MS103",
    name: "list-used-once",
    technique: Technique::Generators,
    summary: "a list is kept in a variable only to be gone through once",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "The list is made whole before the loop takes its first item, and all items are alive at once. With a generator in the variable the loop \
              asks for one item after the other.",
        bad: "def report(log):\n    entries = [parse(line) for line in log]\n    for entry in entries:\n        print(entry.text)",
        good: "def report(log):\n    entries = (parse(line) for line in log)\n    for entry in entries:\n        print(entry.text)",
        unless: &[
            "The variable is used anywhere else, bound again, seen by an inner function, or read by `locals()`.",
            "The loop, or what stands between, mentions anything that the items are made of: it may change it.",
            "The loop stands in another loop, `try` or `with` than the list: it would run more often, or fail elsewhere.",
            "The list has fewer than 30 items.",
        ],
        figures: "3.13: 8 B an item, and the items where they are made for the list: 33 B for ints, 40 for floats, 49 and more for texts.",
    },
    checks: &[Check::Assign(list_used_once)],
};

fn list_used_once<'a>(context: &mut Context<'a, '_>, _: NodeId, assign: &'a ast::StmtAssign) {
    let Some((edits, advice)) = as_iterator(context, &assign.value) else { return };
    let Some(found) = once(context, assign) else { return };
    let Some(parts) = between_items(context, found.used) else { return };
    if !can_be_lazy(context, &found, &parts) {
        return;
    }
    let Once { value, .. } = found;
    let name = context.text(assign.targets[0].range());
    let mut report = Report::new(
        value.range(),
        format!("`{name}` holds a list of all items, which is gone through once and never used again"),
        advice,
        "8 B an item, and the items that are made for it; break-even at about 30 items",
    );
    report.but =
        "items are made as they are asked for: what fails or acts while one is made does so in the loop".to_owned();
    report.confidence = Confidence::Medium;
    report.fix = Some(Fix::new(Safety::Unsafe, edits));
    context.report(report);
}

/// What makes an iterator of an expression that makes a list: the edits, and how it looks then.
fn as_iterator(context: &Context<'_, '_>, value: &Expr) -> Option<(Vec<Edit>, String)> {
    let id = context.node_of(value);
    if !can_be_generator(context, id) {
        return None;
    }
    match value {
        Expr::ListComp(comp) if is_worth_it(context, id) => {
            let inner = context.text(value.range());
            Some((other_brackets(comp, "(", ")"), format!("({})", &inner[1..inner.len() - 1])))
        }
        Expr::Call(call) if context.semantics.is_call_of(call, "builtins.list") => {
            let argument = sole_argument(call)?;
            let Expr::Call(inner) = argument else { return None };
            let name = context.qualified(&inner.func)?;
            let is_lazy =
                matches!(name.as_str(), "builtins.map" | "builtins.filter" | "builtins.zip" | "builtins.enumerate")
                    || name.starts_with("itertools.") && name != "itertools.cycle"
                    || matches!(
                        name.as_str(),
                        "csv.reader" | "csv.DictReader" | "glob.iglob" | "re.finditer" | "os.walk"
                    );
            let edits = || {
                vec![
                    Edit::new(TextRange::new(call.start(), argument.start()), ""),
                    Edit::new(TextRange::new(argument.end(), call.end()), ""),
                ]
            };
            let is_plain = !context.has_comment(call.range());
            (is_lazy && is_plain).then(|| (edits(), context.text(argument.range()).to_owned()))
        }
        _ => None,
    }
}

static FUNCTION_BUILDS_LIST: Rule = Rule {
    id: "MS104",
    name: "function-builds-list",
    technique: Technique::Generators,
    summary: "a function builds a list that all its callers only go through",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "The function appends everything to a list and returns it at its end, and whoever calls it takes one item after the other. With `yield` the \
              items go from one to the other as they are made, and never are all alive.",
        bad: "def _entries(log):\n    entries = []\n    for line in log:\n        entries.append(parse(line))\n    return entries\n\nfor entry in _entries(log):\n    show(entry)",
        good: "def _entries(log):\n    for line in log:\n        yield parse(line)\n\nfor entry in _entries(log):\n    show(entry)",
        unless: &[
            "Its name is public (no leading underscore, not inside of a function), is mentioned other than in a call that is gone through, or stands \
             in a text: others may call it.",
            "It is decorated, a coroutine, a generator already, recursive, or there is another function of that name.",
            "The list is filled inside of `try` or `with`, has `return` in several places, or is used for more than `append`.",
        ],
        figures: "8 B an item, and the items. A generator takes 200 B, and 20 to 50 ns an item.",
    },
    checks: &[Check::Function(function_builds_list)],
};

fn function_builds_list<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    if def.is_async || !def.decorator_list.is_empty() || !has_only_iterating_callers(context, id, def) {
        return;
    }
    let Some(Stmt::Return(last)) = def.body.last() else { return };
    let Some(value) = last.value.as_deref().filter(|value| value.is_name_expr()) else { return };
    let (nodes, scopes) = (context.nodes(), context.scopes());
    let Some(symbol) = context.semantics.symbol_of(value).map(|symbol| scopes.symbol(symbol)) else { return };
    let inside = scopes.opened_by(id);
    if inside != Some(symbol.scope) || symbol.is_captured || scopes.scope(symbol.scope).is_opaque {
        return;
    }
    let other_exits = nodes.within(id).any(|at| match nodes.node(at) {
        AnyNodeRef::StmtReturn(node) => !std::ptr::eq(node, last),
        AnyNodeRef::StmtTry(_) | AnyNodeRef::StmtWith(_) => true,
        _ => false,
    });
    if other_exits || suspends(context, id) {
        return;
    }
    let Some(edits) = yields(context, def, symbol, last) else { return };
    let mut report = Report::new(
        TextRange::new(def.start(), def.parameters.end()),
        format!("`{}` builds a list, and whoever calls it only goes through it", def.name),
        format!("yield each item, where `{}` appends it", symbol.name),
        "8 B an item, and the items that are made for it",
    );
    report.but =
        "nothing of the function runs before the first item is asked for, checks of its arguments neither".to_owned();
    report.confidence = Confidence::Medium;
    report.fix = Some(Fix::new(Safety::Unsafe, edits));
    context.report(report);
}

/// Whether the project only has calls of a function that are gone through, and nobody else can know it.
fn has_only_iterating_callers(context: &Context<'_, '_>, id: NodeId, def: &ast::StmtFunctionDef) -> bool {
    let uses = context.project.uses(&def.name);
    let scope = context.scopes().of_node(id);
    let is_private = def.name.starts_with('_') && !def.name.starts_with("__")
        || context.scopes().scope(scope).kind == ScopeKind::Function;
    let name = def.name.as_str();
    let calls_itself = super::ask::mentions(context, id, &[name]) || super::ask::has_attribute(context, id, &[name]);
    is_private && uses.iterated > 0 && uses.other == 0 && uses.defined == 1 && !calls_itself
}

/// The edits that make a generator of a function: none unless the list is only appended to, at least once in a loop.
fn yields<'a>(
    context: &Context<'a, '_>,
    def: &ast::StmtFunctionDef,
    symbol: &Symbol<'a>,
    last: &ast::StmtReturn,
) -> Option<Vec<Edit>> {
    let nodes = context.nodes();
    let [bind] = symbol.binds.as_slice() else { return None };
    let first = nodes.statement(bind.node);
    let AnyNodeRef::StmtAssign(assign) = nodes.node(first) else { return None };
    let is_empty_list = matches!(&*assign.value, Expr::List(list) if list.elts.is_empty());
    let is_top = def.body.iter().any(|stmt| nodes.of_stmt(stmt) == first);
    if bind.kind != BindKind::Assign || assign.targets.len() != 1 || !is_empty_list || !is_top {
        return None;
    }
    let mut edits = vec![whole_lines(context, assign.range())?, whole_lines(context, last.range())?];
    let (mut appends, mut in_loop) = (0, false);
    for used in &symbol.uses {
        if nodes.statement(*used) == nodes.of(last.into()) {
            continue;
        }
        let (statement, argument) = appended(context, *used)?;
        let range = nodes.node(statement).range();
        if context.has_comment(range) {
            return None;
        }
        edits.push(Edit::new(range, format!("yield {}", context.text(argument.range()))));
        appends += 1;
        in_loop |= nodes
            .ancestors(statement)
            .any(|at| matches!(nodes.node(at), AnyNodeRef::StmtFor(_) | AnyNodeRef::StmtWhile(_)));
    }
    (appends > 0 && in_loop).then_some(edits)
}

/// The statement `x.append(item)` that a name stands in, and the item.
fn appended<'a>(context: &Context<'a, '_>, used: NodeId) -> Option<(NodeId, &'a Expr)> {
    let nodes = context.nodes();
    let attribute = nodes.parent(used);
    let call = nodes.parent(attribute);
    let statement = nodes.parent(call);
    let AnyNodeRef::ExprAttribute(method) = nodes.node(attribute) else { return None };
    let AnyNodeRef::ExprCall(node) = nodes.node(call) else { return None };
    let is_append = method.attr == *"append" && nodes.of_expr(&node.func) == attribute;
    let is_statement = matches!(nodes.node(statement), AnyNodeRef::StmtExpr(_));
    let argument = sole_argument(node)?;
    let is_bare = !matches!(argument, Expr::Generator(_) | Expr::Named(_));
    (is_append && is_statement && is_bare).then_some((statement, argument))
}

/// The edit that takes out a statement with its line, if nothing else stands there.
fn whole_lines(context: &Context<'_, '_>, range: TextRange) -> Option<Edit> {
    let source = context.source;
    let (first, last) = (source.position(range.start()).line, source.position(range.end()).line);
    let lines = TextRange::new(source.line_range(first).start(), source.line_range(last).end());
    let before = source.slice(TextRange::new(lines.start(), range.start()));
    let behind = source.slice(TextRange::new(range.end(), lines.end()));
    (before.trim().is_empty() && behind.trim().is_empty()).then(|| Edit::new(lines, ""))
}
