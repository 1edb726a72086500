//! MS407: exceptions that are kept, and with them the locals of all functions that they went through.

use memsight_model::Confidence;

use super::growing::is_container;
use super::places::{bound_value, class_of, function_of, last_name, self_name};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::Bind;
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&EXCEPTION_KEPT];

static EXCEPTION_KEPT: Rule = Rule {
    id: "MS407",
    name: "exception-kept",
    technique: Technique::FreeExplicitly,
    summary: "an exception is kept, and with it all locals of the functions that it went through",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "An exception has a traceback, a traceback has frames, and a frame has the locals of its function: the row, the page, the whole file that was \
              worked on. They live as long as the exception is kept. Where the list of exceptions is itself a local, it is in one of those frames, and \
              the circle is freed by the collector only.",
        bad: "for path in paths:\n    try:\n        load(path)\n    except ValueError as error:\n        failed.append(error)",
        good: "for path in paths:\n    try:\n        load(path)\n    except ValueError as error:\n        failed.append(error.with_traceback(None))",
        unless: &[
            "It is raised again, put into an `ExceptionGroup`, or its traceback is printed somewhere in the file.",
            "A local list is returned or passed on, or is a parameter: what is done with it cannot be seen.",
        ],
        figures: "406 to 690 B for the exception, its traceback and each frame, and all the locals of the frames.",
    },
    checks: &[Check::Except(exception_kept)],
};

/// Where an exception is kept.
struct Kept {
    /// The expression that holds it, without the index.
    holder: NodeId,
    /// One of many, not the last one only.
    is_many: bool,
}

fn exception_kept<'a>(context: &mut Context<'a, '_>, id: NodeId, handler: &'a ast::ExceptHandlerExceptHandler) {
    let Some(name) = &handler.name else { return };
    if prints_tracebacks(context) {
        return;
    }
    let uses: Vec<NodeId> = context.nodes().within(id).filter(|at| is_use_of(context, *at, id, name)).collect();
    // Raised again after it was noted: there is no end to it here.
    let is_raised = context.nodes().within(id).any(|at| matches!(context.nodes().node(at), AnyNodeRef::StmtRaise(_)));
    if is_raised || uses.iter().any(|at| is_without_traceback(context, *at)) {
        return;
    }
    // The traceback goes from the exception itself, and so from what the handler logs behind it.
    let text = context.text(handler.range());
    let is_logged = text.contains(".exception(") || text.contains("exc_info");
    for at in uses {
        let Some(kept) = kept(context, at) else { continue };
        if !stays(context, &kept) {
            continue;
        }
        report(context, at, &kept, name, is_logged);
    }
}

fn report(context: &mut Context<'_, '_>, at: NodeId, kept: &Kept, name: &ast::Identifier, is_logged: bool) {
    let holder = context.text(context.nodes().range(kept.holder));
    let range = context.nodes().range(at);
    let mut report = Report::new(
        range,
        format!("`{holder}` keeps the exception, and so the locals of all functions that it went through"),
        format!("{name}.with_traceback(None)"),
        "406 to 690 B an exception, and the locals of its frames",
    );
    report.saves = Saves::Now;
    report.confidence = if kept.is_many { Confidence::High } else { Confidence::Medium };
    report.but = "its traceback can no longer be shown".to_owned();
    let edit = Edit::new(TextRange::empty(range.end()), ".with_traceback(None)");
    report.fix = (!is_logged).then(|| Fix::new(Safety::Unsafe, vec![edit]));
    context.report(report);
}

/// Whether tracebacks of kept exceptions are of use somewhere in the file.
fn prints_tracebacks(context: &Context<'_, '_>) -> bool {
    const WORDS: [&str; 6] =
        ["__traceback__", "format_exception", "print_exception", "format_tb", "TracebackException", "post_mortem"];
    WORDS.iter().any(|word| context.source.text().contains(word))
}

fn is_use_of(context: &Context<'_, '_>, at: NodeId, handler: NodeId, name: &str) -> bool {
    match context.nodes().node(at) {
        AnyNodeRef::ExprName(found) if found.ctx.is_load() && found.id.as_str() == name => context
            .scopes()
            .meaning(at)
            .is_some_and(|symbol| context.scopes().symbol(symbol).binds.iter().any(|bind| bind.node == handler)),
        _ => false,
    }
}

fn in_raise(context: &Context<'_, '_>, at: NodeId) -> bool {
    matches!(context.nodes().node(context.nodes().statement(at)), AnyNodeRef::StmtRaise(_))
}

/// Whether the traceback is taken off: `error.with_traceback(None)`, `error.__traceback__ = None`.
fn is_without_traceback(context: &Context<'_, '_>, at: NodeId) -> bool {
    match context.nodes().node(context.nodes().parent(at)) {
        AnyNodeRef::ExprAttribute(attribute) => matches!(attribute.attr.as_str(), "with_traceback" | "__traceback__"),
        _ => false,
    }
}

fn kept(context: &Context<'_, '_>, at: NodeId) -> Option<Kept> {
    let nodes = context.nodes();
    let mut inner = at;
    let mut parent = nodes.parent(at);
    // `(path, error)` and `[path, error]` hold it as well.
    while let AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprList(_) = nodes.node(parent) {
        inner = parent;
        parent = nodes.parent(parent);
    }
    match nodes.node(parent) {
        AnyNodeRef::Arguments(_) => {
            let AnyNodeRef::ExprCall(call) = nodes.node(nodes.parent(parent)) else { return None };
            let Expr::Attribute(method) = &*call.func else { return None };
            let puts = matches!(method.attr.as_str(), "append" | "add" | "appendleft" | "setdefault" | "insert");
            puts.then(|| Kept { holder: nodes.of_expr(&method.value), is_many: true })
        }
        AnyNodeRef::StmtAssign(assign) if nodes.of_expr(&assign.value) == inner => match &*assign.targets {
            [Expr::Subscript(subscript)] => Some(Kept { holder: nodes.of_expr(&subscript.value), is_many: true }),
            [target @ Expr::Attribute(_)] => Some(Kept { holder: nodes.of_expr(target), is_many: false }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether what is kept stays kept, and is not raised later.
fn stays(context: &Context<'_, '_>, kept: &Kept) -> bool {
    let nodes = context.nodes();
    match nodes.node(kept.holder) {
        AnyNodeRef::ExprAttribute(attribute) => {
            // Of another object it is not known how long it lives.
            let of_self = function_of(context, kept.holder).is_some_and(|(function, def)| {
                class_of(context, function).is_some()
                    && attribute.value.is_name_expr()
                    && self_name(def) == last_name(&attribute.value)
            });
            if !of_self {
                return false;
            }
            let handled = context.project.handling(&attribute.attr);
            let ends = Handling::RAISED.and(Handling::PASSED).and(Handling::CUT);
            let replaced = kept.is_many && handled.has(Handling::REPLACED);
            !handled.has(ends)
                && !replaced
                && !is_raised(context, |at| match nodes.node(at) {
                    AnyNodeRef::ExprAttribute(other) => other.attr.as_str() == attribute.attr.as_str(),
                    _ => false,
                })
        }
        AnyNodeRef::ExprName(_) => {
            let Some(symbol) = context.scopes().meaning(kept.holder) else { return false };
            let symbol = context.scopes().symbol(symbol);
            // Who gives a list to be filled looks at it.
            let is_made =
                |bind: &Bind| bound_value(context, bind.node).is_some_and(|value| is_container(context, value));
            if !symbol.binds.iter().all(is_made) || raises_group(context, kept.holder) {
                return false;
            }
            let uses = &symbol.uses;
            let ends = Handling::RAISED.and(Handling::PASSED).and(Handling::CUT);
            let handled = uses.iter().any(|at| handling::of_use(context.semantics, *at).has(ends));
            let many =
                handling::in_loop(context.semantics, kept.holder) || !handling::is_own(context.semantics, kept.holder);
            !handled && many && !uses.iter().any(|at| in_raise(context, *at) || gives_to_raise(context, *at))
        }
        _ => false,
    }
}

/// Whether the function around a node raises a group of exceptions.
fn raises_group(context: &Context<'_, '_>, at: NodeId) -> bool {
    let Some((function, _)) = function_of(context, at) else { return false };
    context.nodes().within(function).any(|inner| match context.nodes().node(inner) {
        AnyNodeRef::StmtRaise(ast::StmtRaise { exc: Some(raised), .. }) => {
            last_name(raised).is_some_and(|name| name.ends_with("Group"))
        }
        _ => false,
    })
}

/// Whether what a loop goes through is raised in it: `for error in errors: raise error`.
fn gives_to_raise(context: &Context<'_, '_>, at: NodeId) -> bool {
    let parent = context.nodes().parent(at);
    let reads = matches!(context.nodes().node(parent), AnyNodeRef::StmtFor(_) | AnyNodeRef::ExprSubscript(_));
    let statement = context.nodes().statement(at);
    reads
        && context
            .nodes()
            .within(statement)
            .any(|inner| matches!(context.nodes().node(inner), AnyNodeRef::StmtRaise(_)))
}

/// Whether something of the file is raised that mentions what `is` says.
fn is_raised(context: &Context<'_, '_>, is: impl Fn(NodeId) -> bool) -> bool {
    context.nodes().all().any(|at| match context.nodes().node(at) {
        AnyNodeRef::StmtRaise(_) => context.nodes().within(at).any(&is),
        AnyNodeRef::ExprCall(call) if last_name(&call.func).is_some_and(|name| name.ends_with("ExceptionGroup")) => {
            context.nodes().within(at).any(&is)
        }
        _ => false,
    })
}
