//! MS401, MS402: locals that nothing reads any more, and that hold much while other work goes on.

use memsight_model::Confidence;

use super::ask::is_short;
use super::lines::put_behind;
use super::places::{bound_value, call_around, last_name};
use crate::context::{Context, Report};
use crate::finding::{Fix, Safety};
use crate::flow::{Flow, MOST};
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, Symbol, SymbolId, generators};
use crate::syntax::{AnyNodeRef, Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&DEAD_LOCAL, &LOOP_TAIL];

static DEAD_LOCAL: Rule = Rule {
    id: "MS401",
    name: "dead-local",
    technique: Technique::FreeExplicitly,
    summary: "a local holds all of something while later work goes on that does not need it",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A local lives until its function returns or it is bound again. A whole file, a table or a list that was made for the first part of a function is \
              still there while the second part makes its own: the peak is both. `del` behind the last use lets go of it.",
        bad: "rows = json.load(file)\ntotals = summed(row[\"price\"] for row in rows)\nfor total in totals:\n    send(total)",
        good: "rows = json.load(file)\ntotals = summed(row[\"price\"] for row in rows)\ndel rows\nfor total in totals:\n    send(total)",
        unless: &[
            "It is a parameter: the caller holds it as well.",
            "It is returned, stored, captured or passed to something that may keep it: `del` would free nothing.",
            "Nothing behind the last use loops, yields or waits.",
            "It is small: only a heap or a trace tells how many bytes it holds.",
        ],
        figures: "All that the local alone holds, for as long as the rest of the function runs.",
    },
    checks: &[Check::Function(dead_local)],
};

/// The locals of a function that something large is bound to, and that nothing else may hold.
fn large_locals(context: &Context<'_, '_>, function: NodeId, is_large: Large) -> Vec<SymbolId> {
    let scopes = context.scopes();
    let Some(scope) = scopes.opened_by(function).filter(|scope| !scopes.scope(*scope).is_opaque) else {
        return Vec::new();
    };
    let mut locals: Vec<SymbolId> = scopes
        .symbols_of(scope)
        .filter(|id| {
            let symbol = scopes.symbol(*id);
            let binds_fit = symbol.binds.iter().all(|bind| matches!(bind.kind, BindKind::Assign));
            let is_made = |bind: NodeId| bound_value(context, bind).is_some_and(|value| is_large(context, value));
            binds_fit
                && !symbol.is_captured
                && !symbol.uses.is_empty()
                && symbol.binds.iter().any(|bind| is_made(bind.node))
                && symbol.uses.iter().all(|at| lets_go(context, *at))
                && !(nests(context, symbol) && symbol.uses.iter().any(|at| gives_a_part(context, *at)))
        })
        .collect();
    locals.sort_by_key(|id| scopes.symbol(*id).binds[0].node);
    locals.truncate(MOST);
    locals
}

/// Whether a name is bound to a document: its parts are containers as well.
fn nests(context: &Context<'_, '_>, symbol: &Symbol<'_>) -> bool {
    let values = symbol.binds.iter().filter_map(|bind| bound_value(context, bind.node));
    values.into_iter().any(|value| context.text(value.range()).contains("load("))
}

/// Whether a use hands on a part: `rows = data["rows"]` holds nearly all of it.
fn gives_a_part(context: &Context<'_, '_>, at: NodeId) -> bool {
    let nodes = context.nodes();
    let mut part = at;
    while matches!(
        nodes.node(nodes.parent(part)),
        AnyNodeRef::ExprSubscript(_) | AnyNodeRef::ExprAttribute(_) | AnyNodeRef::ExprCall(_)
    ) {
        part = nodes.parent(part);
    }
    if part == at {
        return false;
    }
    let named = nodes.node(nodes.parent(part));
    matches!(named, AnyNodeRef::StmtAssign(_) | AnyNodeRef::ExprNamed(_) | AnyNodeRef::StmtReturn(_))
}

type Large = fn(&Context<'_, '_>, &Expr) -> bool;

/// Whether a use looks at a local and keeps nothing of it but its parts.
fn lets_go(context: &Context<'_, '_>, at: NodeId) -> bool {
    // A generator reads it later.
    let in_generator = context.nodes().ancestors(at).take_while(|up| !context.nodes().node(*up).is_statement());
    let is_late = in_generator.into_iter().any(|up| match context.nodes().node(up) {
        AnyNodeRef::ExprGenerator(_) => !is_used_up(context, up),
        AnyNodeRef::ExprLambda(_) => true,
        _ => false,
    });
    let keeps = handling::of_use(context.semantics, at).has(Handling::PASSED.and(Handling::RAISED));
    !is_late && (!keeps || is_only_read_by(context, at)) && !is_view(context, at)
}

/// Whether a generator is used up by the call that it is given to.
fn is_used_up(context: &Context<'_, '_>, generator: NodeId) -> bool {
    call_around(context, generator).is_some_and(|call| {
        let name = context.qualified(&call.func);
        let builtin = name.as_deref().and_then(|name| name.strip_prefix("builtins."));
        matches!(builtin, Some("sum" | "any" | "all" | "min" | "max" | "sorted" | "list" | "set" | "dict" | "tuple"))
            || last_name(&call.func) == Some("join")
    })
}

/// `enumerate(x)`, `zip(x)` and methods like `items()` hold the container for as long as they are kept under a name.
fn is_view(context: &Context<'_, '_>, at: NodeId) -> bool {
    let named = |id: NodeId| matches!(context.nodes().node(context.nodes().parent(id)), AnyNodeRef::StmtAssign(_));
    let Some(call) = call_around(context, at) else {
        return match context.nodes().node(context.nodes().parent(at)) {
            AnyNodeRef::ExprAttribute(method) => {
                let call = context.nodes().parent(context.nodes().parent(at));
                matches!(method.attr.as_str(), "items" | "keys" | "values") && named(call)
            }
            _ => false,
        };
    };
    let name = context.qualified(&call.func);
    matches!(name.as_deref(), Some("builtins.enumerate" | "builtins.zip")) && named(context.nodes().of(call.into()))
}

/// Functions that read a text, and methods of texts, of which the result does not hold it.
fn is_only_read_by(context: &Context<'_, '_>, at: NodeId) -> bool {
    const READERS: [&str; 16] = [
        "json.loads",
        "pickle.loads",
        "marshal.loads",
        "yaml.safe_load",
        "tomllib.loads",
        "ast.literal_eval",
        "ast.parse",
        "re.findall",
        "re.sub",
        "re.split",
        "hashlib.sha256",
        "hashlib.sha1",
        "hashlib.md5",
        "zlib.compress",
        "zlib.crc32",
        "base64.b64encode",
    ];
    const METHODS: [&str; 10] =
        ["split", "splitlines", "decode", "encode", "replace", "strip", "lower", "upper", "partition", "hex"];
    match context.nodes().node(context.nodes().parent(at)) {
        AnyNodeRef::ExprAttribute(method) => {
            METHODS.contains(&method.attr.as_str())
                && matches!(
                    context.nodes().node(context.nodes().parent(context.nodes().parent(at))),
                    AnyNodeRef::ExprCall(_)
                )
        }
        AnyNodeRef::Arguments(_) => call_around(context, at).is_some_and(|call| {
            let name = context.qualified(&call.func);
            name.is_some_and(|name| READERS.contains(&name.as_str()))
                || matches!(last_name(&call.func), Some("write" | "send" | "sendall"))
        }),
        _ => false,
    }
}

/// Whether an expression makes something of which the source does not say that it is small.
fn is_large(context: &Context<'_, '_>, value: &Expr) -> bool {
    match value {
        Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) => {
            let parts = generators(context.nodes().node(context.node_of(value)));
            // Of lines, rows and files there are many; of what else a comprehension goes through it is not known.
            parts.iter().any(|part| is_whole_input(context, &part.iter))
        }
        _ => is_whole_input(context, value),
    }
}

/// Whether a call reads all of something that is outside of the program.
pub(super) fn is_whole_input(context: &Context<'_, '_>, value: &Expr) -> bool {
    let Expr::Call(call) = value else { return false };
    const READS: [&str; 9] = [
        "json.load",
        "pickle.load",
        "marshal.load",
        "tomllib.load",
        "yaml.safe_load",
        "csv.reader",
        "csv.DictReader",
        "numpy.load",
        "pandas.read_csv",
    ];
    let name = context.qualified(&call.func);
    if name.as_deref().is_some_and(|name| READS.contains(&name)) {
        return true;
    }
    if matches!(name.as_deref(), Some("builtins.list" | "builtins.sorted" | "builtins.dict" | "builtins.set")) {
        return call.arguments.args.first().is_some_and(|of| is_whole_input(context, of) && !is_short(context, of));
    }
    let Expr::Attribute(method) = &*call.func else { return false };
    match method.attr.as_str() {
        "read" | "readlines" | "fetchall" | "read_text" | "read_bytes" => call.arguments.args.is_empty(),
        // Of what was read whole.
        "split" | "splitlines" | "decode" => is_whole_input(context, &method.value),
        _ => false,
    }
}

fn dead_local<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    let locals = large_locals(context, id, is_large);
    if locals.is_empty() {
        return;
    }
    let flow = Flow::new(context.nodes(), context.scopes(), &def.body, &locals);
    for (at, local) in locals.iter().enumerate() {
        for death in deaths(context, &flow, at, *local, is_large) {
            if handling::in_loop(context.semantics, death.bind) || !works_on(context, death.last) {
                continue;
            }
            let safety = if death.is_plain { Safety::Safe } else { Safety::Unsafe };
            let message = format!(
                "`{}` is not read behind line {}, and is held until the function returns",
                context.scopes().symbol(*local).name,
                context.source.position(context.nodes().range(death.last).end()).line,
            );
            report(context, &death, *local, message, "all that the local alone holds", safety);
        }
    }
}

fn report(
    context: &mut Context<'_, '_>,
    death: &Death,
    local: SymbolId,
    message: String,
    formula: &str,
    safety: Safety,
) {
    let name = context.scopes().symbol(local).name;
    let text = format!("del {name}");
    let mut report = Report::new(context.nodes().range(death.bind), message, text.clone(), formula);
    report.confidence = Confidence::Medium;
    report.but = "how much it holds is not known from the source".to_owned();
    report.fix = put_behind(context, death.last, &text).map(|edit| Fix::new(safety, vec![edit]));
    context.report(report);
}

/// Where a local gets something large, and the statement of the same block that reads it last.
struct Death {
    bind: NodeId,
    last: NodeId,
    /// It is a list, dict, set, str or bytes that is made there.
    is_plain: bool,
}

fn deaths(context: &Context<'_, '_>, flow: &Flow, at: usize, local: SymbolId, is_large: Large) -> Vec<Death> {
    let nodes = context.nodes();
    let symbol = context.scopes().symbol(local);
    let mut found = Vec::new();
    for bind in &symbol.binds {
        let Some(value) = bound_value(context, bind.node).filter(|value| is_large(context, value)) else { continue };
        let statement = nodes.statement(bind.node);
        let block = nodes.parent(statement);
        // The statement of the same block in which a use stands.
        let sibling = |used: NodeId| {
            let up = std::iter::once(used).chain(nodes.ancestors(used));
            up.take_while(|up| *up != block).last().filter(|top| *top > statement && nodes.parent(*top) == block)
        };
        let siblings =
            symbol.uses.iter().filter_map(|used| sibling(*used)).filter(|top| nodes.node(*top).is_statement());
        let Some(last) = siblings.filter(|top| !flow.is_live_after(*top, at)).min() else { continue };
        let ends = matches!(nodes.node(last), AnyNodeRef::StmtReturn(_) | AnyNodeRef::StmtRaise(_));
        if !ends && same_part(context, block, statement, last) {
            let is_plain = matches!(value, Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_))
                || last_name(value)
                    .is_some_and(|name| matches!(name, "list" | "sorted" | "readlines" | "splitlines" | "split"));
            found.push(Death { bind: bind.node, last, is_plain });
        }
    }
    found
}

/// Whether two statements of a node stand in the same block of it: not one in `try` and one in `finally`.
fn same_part(context: &Context<'_, '_>, block: NodeId, one: NodeId, other: NodeId) -> bool {
    let has = |body: &[ast::Stmt], id: NodeId| body.iter().any(|stmt| context.nodes().of_stmt(stmt) == id);
    let both = |body: &[ast::Stmt]| has(body, one) && has(body, other);
    match context.nodes().node(block) {
        AnyNodeRef::StmtTry(node) => both(&node.body) || both(&node.orelse) || both(&node.finalbody),
        AnyNodeRef::StmtFor(node) => both(&node.body) || both(&node.orelse),
        AnyNodeRef::StmtWhile(node) => both(&node.body) || both(&node.orelse),
        // The others have one block each.
        _ => true,
    }
}

/// Whether work goes on behind a statement that can take long and much: a loop with calls, a `yield`, an `await`.
fn works_on(context: &Context<'_, '_>, statement: NodeId) -> bool {
    let nodes = context.nodes();
    let mut inner = statement;
    for block in nodes.ancestors(statement) {
        let end = nodes.get(block).end;
        let mut at = nodes.get(inner).end;
        while at < end {
            let is_own = nodes.node(at).is_statement() && same_part(context, block, inner, at);
            if is_own && is_work(context, at) {
                return true;
            }
            at = nodes.get(at).end;
        }
        if matches!(nodes.node(block), AnyNodeRef::StmtFunctionDef(_)) {
            return false;
        }
        inner = block;
    }
    false
}

fn is_work(context: &Context<'_, '_>, statement: NodeId) -> bool {
    if matches!(context.nodes().node(statement), AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_)) {
        return false;
    }
    context.nodes().within(statement).any(|at| match context.nodes().node(at) {
        AnyNodeRef::StmtFor(node) => !is_short(context, &node.iter) && has_call(context, &node.body),
        AnyNodeRef::StmtWhile(node) => has_call(context, &node.body),
        AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_) | AnyNodeRef::ExprAwait(_) => true,
        _ => false,
    })
}

fn has_call(context: &Context<'_, '_>, body: &[ast::Stmt]) -> bool {
    body.iter().any(|stmt| super::ask::calls(context, context.nodes().of_stmt(stmt)))
}

static LOOP_TAIL: Rule = Rule {
    id: "MS402",
    name: "loop-tail",
    technique: Technique::FreeExplicitly,
    summary: "what one round of a loop read is still held while the next round reads its own",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "A local that is bound in a loop keeps the value of a round until the next one has its own: while a file is read, the one before it is still there. \
              `del` behind the last use makes the peak one of them instead of two.",
        bad: "for path in paths:\n    rows = json.load(path.open())\n    total += len(rows)",
        good: "for path in paths:\n    rows = json.load(path.open())\n    total += len(rows)\n    del rows",
        unless: &["It is kept in each round.", "It needs a trace that shows how large one round is."],
        figures: "The largest round: the peak goes from two of them to one.",
    },
    checks: &[Check::Function(loop_tail)],
};

fn loop_tail<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    let locals = large_locals(context, id, is_large);
    if locals.is_empty() {
        return;
    }
    let flow = Flow::new(context.nodes(), context.scopes(), &def.body, &locals);
    for (at, local) in locals.iter().enumerate() {
        for death in deaths(context, &flow, at, *local, is_large) {
            let around = context.nodes().node(context.nodes().parent(context.nodes().statement(death.bind)));
            let in_body = matches!(around, AnyNodeRef::StmtFor(_) | AnyNodeRef::StmtWhile(_) | AnyNodeRef::StmtWith(_));
            if !in_body || !handling::in_loop(context.semantics, death.bind) {
                continue;
            }
            let name = context.scopes().symbol(*local).name;
            let message = format!("`{name}` of one round is held while the next round makes its own");
            report(context, &death, *local, message, "the largest round: two of them become one", Safety::Unsafe);
        }
    }
}
