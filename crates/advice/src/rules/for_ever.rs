//! MS412, MS413: names and texts that a module of the standard library keeps for ever.

use memsight_model::Confidence;

use super::growing::is_one_of_few;
use super::places::{function_of, last_name};
use crate::context::{Context, Report};
use crate::finding::Saves;
use crate::handling::Handling;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::{AnyNodeRef, Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&LOGGER_PER_THING, &WARNING_PER_THING];

static LOGGER_PER_THING: Rule = Rule {
    id: "MS412",
    name: "logger-per-thing",
    technique: Technique::FreeExplicitly,
    summary: "a logger is made for each thing, and loggers are never let go of",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`logging` keeps every logger that was ever asked for, by its name. A name with the number of a request or of a user in it makes one more each \
              time. A `LoggerAdapter` or `extra=` puts the number into the message and is let go of.",
        bad: "log = logging.getLogger(f\"app.session.{session.id}\")",
        good: "log = logging.LoggerAdapter(logging.getLogger(\"app.session\"), {\"id\": session.id})",
        unless: &["The name is made of names of modules, classes and functions only.", "It is asked for at import."],
        figures: "440 to 510 B a logger (3.8 to 3.15) with a name of 8 letters, for ever.",
    },
    checks: &[Check::Call(logger_per_thing)],
};

fn logger_per_thing<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let is_get = context.semantics.is_call_of(call, "logging.getLogger");
    let is_child = match &*call.func {
        Expr::Attribute(method) if method.attr.as_str() == "getChild" => {
            last_name(&method.value).is_some_and(|name| name.to_lowercase().contains("log"))
        }
        _ => false,
    };
    let Some(name) = call.arguments.find_argument_value(if is_get { "name" } else { "suffix" }, 0) else { return };
    if !(is_get || is_child) || !is_made_often(context, id) || !says_something_new(context, name) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "a logger of its own for each of these names is kept for ever",
        "use one logger, and say which thing it is about in a `LoggerAdapter` or `extra=`",
        "440 to 510 B a name",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Medium;
    context.report(report);
}

fn is_made_often(context: &Context<'_, '_>, id: NodeId) -> bool {
    let Some((_, def)) = function_of(context, id) else { return false };
    // `get_logger(name)`: whoever calls it says how many there are.
    if def.name.to_lowercase().contains("logger") {
        return false;
    }
    let made = context.project.handling(&def.name);
    !made.has(Handling::MADE_AT_IMPORT) || made.has(Handling::MADE_IN_FUNCTION)
}

/// Whether a text is put together there, of parts of which there may be many.
fn says_something_new(context: &Context<'_, '_>, text: &Expr) -> bool {
    parts(context, text).iter().any(|part| !is_name_of_code(context, part))
}

/// What is put into a text that is put together.
fn parts<'a>(context: &Context<'a, '_>, text: &'a Expr) -> Vec<&'a Expr> {
    match text {
        Expr::FString(_) => {
            let within = context.nodes().within(context.node_of(text));
            let elements = within.filter_map(|at| match context.nodes().node(at) {
                AnyNodeRef::InterpolatedElement(element) => Some(&*element.expression),
                _ => None,
            });
            elements.collect()
        }
        Expr::BinOp(binary) if matches!(binary.op, ast::Operator::Add | ast::Operator::Mod) => {
            let mut all = side(context, &binary.left);
            all.extend(side(context, &binary.right));
            all
        }
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method) if method.attr.as_str() == "format" && method.value.is_string_literal_expr() => {
                let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                call.arguments.args.iter().chain(keywords).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn side<'a>(context: &Context<'a, '_>, expr: &'a Expr) -> Vec<&'a Expr> {
    match expr {
        Expr::StringLiteral(_) => Vec::new(),
        Expr::BinOp(_) | Expr::FString(_) => parts(context, expr),
        Expr::Tuple(tuple) => tuple.elts.iter().collect(),
        _ => vec![expr],
    }
}

/// Whether an expression is what some part of the program is called: there are as many as were written.
fn is_name_of_code(context: &Context<'_, '_>, expr: &Expr) -> bool {
    let name = match expr {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        Expr::Call(call) => {
            return match last_name(&call.func) {
                Some("len" | "type" | "repr" | "str" | "lower") => {
                    call.arguments.args.first().is_none_or(|of| is_name_of_code(context, of))
                }
                _ => false,
            };
        }
        _ => return is_one_of_few(context, expr),
    };
    const WORDS: [&str; 9] = ["class", "module", "method", "func", "attr", "typ", "option", "setting", "package"];
    name.starts_with("__")
        || is_one_of_few(context, expr)
        || name.chars().all(|letter| !letter.is_lowercase())
        || WORDS.iter().any(|word| name.contains(word))
}

static WARNING_PER_THING: Rule = Rule {
    id: "MS413",
    name: "warning-per-thing",
    technique: Technique::FreeExplicitly,
    summary: "each text of a warning is kept for ever",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "A module remembers each warning that it gave, by its whole text, so that it is shown once. A text with a number, a path or a value in it is another \
              one each time, and all of them are kept in the module's `__warningregistry__`.",
        bad: "warnings.warn(f\"row {number} has no price\")",
        good: "logger.warning(\"row %s has no price\", number)",
        unless: &[
            "It is a `DeprecationWarning`: these are not shown and so not kept.",
            "Only names of modules, classes and functions are put into the text.",
            "It needs a heap that shows how many there are: most warnings are given a few times.",
        ],
        figures: "A text of 23 letters takes 165 to 176 B with its key and entry (3.8 to 3.15), for ever.",
    },
    checks: &[Check::Call(warning_per_thing)],
};

fn warning_per_thing<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "warnings.warn") || !is_made_often(context, id) {
        return;
    }
    let Some(text) = call.arguments.find_argument_value("message", 0) else { return };
    let category = call.arguments.find_argument_value("category", 1).and_then(last_name);
    let is_silent = category.is_some_and(|name| name.contains("Deprecat") || name.contains("RemovedIn"));
    if is_silent || !says_something_new(context, text) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "each text that this warning ever has is kept for ever",
        "say the same words each time, or log it",
        "the text and some 100 B for each that is different",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}
