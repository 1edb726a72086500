//! MS207, MS208, MS211: classes and functions that are made again and again, and are all the same.

use memsight_model::Confidence;

use super::ask::is_short;
use super::places::{bound_value, call_around, function_of, is_constant};
use crate::context::{Context, Report};
use crate::finding::Saves;
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{ScopeId, SymbolId, generators};
use crate::syntax::{AnyNodeRef, Expr, Ranged, Stmt, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&CLASS_PER_CALL, &FUNCTION_PER_ITEM, &INVARIANT_IN_LOOP];

static CLASS_PER_CALL: Rule = Rule {
    id: "MS207",
    name: "class-per-call",
    technique: Technique::FewerObjects,
    summary: "a class is made anew in each call of a function",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A `class` statement, `namedtuple(...)` or `make_dataclass(...)` in a function makes a new class in each call: kilobytes, in a circle of \
              references, which is freed by the collector only. It stays as long as one of its objects does, and then each object has a class to itself. \
              A `ContextVar` that is made in a function and set stays in its context.",
        bad: "def split(line):\n    Row = namedtuple(\"Row\", \"name price\")\n    return Row(*line.split())",
        good: "Row = namedtuple(\"Row\", \"name price\")\n\n\ndef split(line):\n    return Row(*line.split())",
        unless: &[
            "The class itself is returned, stored or passed on: the function is a factory of classes.",
            "It uses names of the function: it is another one in each call.",
            "The function is decorated or a decorator, in a file of tests, called at import only, or called `setup`, `init` and the like.",
        ],
        figures: "A class takes 1.7 to 2.5 KB, a named tuple 5.3 to 5.9, an enumeration 3.1 to 4.8, a data class 6.9 to 8.9 (3.8 to 3.15), each in a \
                  circle.",
    },
    checks: &[Check::Class(class_per_call), Check::Call(made_class)],
};

fn class_per_call<'a>(context: &mut Context<'a, '_>, id: NodeId, class: &'a ast::StmtClassDef) {
    let Some(function) = repeated_function(context, id) else { return };
    let scope = context.scopes().of_node(id);
    let Some(symbol) = context.scopes().lookup(scope, &class.name) else { return };
    if uses_locals(context, id, function) || !is_only_called(context, symbol) {
        return;
    }
    let range = TextRange::new(class.start(), class.name.end());
    class_found(context, range, &class.name, "1.7 to 8.9 KB for each class, freed by the collector only");
}

fn made_class<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let formula = match context.qualified(&call.func).as_deref() {
        Some("collections.namedtuple" | "typing.NamedTuple") => {
            "5.3 to 5.9 KB for each class, freed by the collector only"
        }
        Some("dataclasses.make_dataclass") => "6.9 to 8.9 KB for each class, freed by the collector only",
        Some("contextvars.ContextVar") => "80 B for each variable that is set, and its value, as long as its context",
        _ => return,
    };
    let fixed =
        call.arguments.args.iter().all(is_constant) && call.arguments.keywords.iter().all(|it| is_constant(&it.value));
    if !fixed || repeated_function(context, id).is_none() {
        return;
    }
    let AnyNodeRef::StmtAssign(assign) = context.nodes().node(context.nodes().parent(id)) else { return };
    let [Expr::Name(name)] = &*assign.targets else { return };
    let target = context.nodes().of(name.into());
    let Some(symbol) = context.scopes().meaning(target).filter(|_| handling::is_own(context.semantics, target)) else {
        return;
    };
    if is_only_called(context, symbol) || formula.ends_with("its context") {
        class_found(context, call.range(), &name.id, formula);
    }
}

fn class_found(context: &mut Context<'_, '_>, range: TextRange, name: &str, formula: &str) {
    let mut report = Report::new(
        range,
        format!("`{name}` is made anew in each call of the function, always the same"),
        format!("make `{name}` once, in the module"),
        formula,
    );
    report.saves = Saves::Now;
    context.report(report);
}

/// The function in which a node stands, if it may run more than once.
fn repeated_function(context: &Context<'_, '_>, id: NodeId) -> Option<NodeId> {
    if is_test_file(&context.source.path) {
        return None;
    }
    let (function, def) = function_of(context, id)?;
    let plain = ["staticmethod", "classmethod", "property"];
    let is_decorated = def
        .decorator_list
        .iter()
        .any(|decorator| super::places::last_name(&decorator.expression).is_none_or(|name| !plain.contains(&name)));
    let made = context.project.handling(&def.name);
    let once = made.has(Handling::MADE_AT_IMPORT) && !made.has(Handling::MADE_IN_FUNCTION);
    let name = def.name.as_str();
    let begins = ["setup", "init", "install", "main", "configure"].iter().any(|word| name.contains(word));
    let is_once = once || (begins && name != "__init__") || is_decorator(context, function, def);
    (!is_decorated && !is_once && !name.starts_with("test")).then_some(function)
}

/// Whether a function returns one that it defines: a decorator, which runs once for each function that it is put on.
fn is_decorator(context: &Context<'_, '_>, function: NodeId, def: &ast::StmtFunctionDef) -> bool {
    let defines = |name: &str| {
        def.body.iter().any(|stmt| matches!(stmt, Stmt::FunctionDef(inner) if inner.name.as_str() == name))
    };
    context.nodes().within(function).any(|at| match context.nodes().node(at) {
        AnyNodeRef::StmtReturn(ast::StmtReturn { value: Some(value), .. }) => {
            matches!(&**value, Expr::Name(name) if defines(&name.id))
        }
        _ => false,
    })
}

/// Whether a file is one of tests, by its path: their functions run once.
fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_folder = |part: &str| matches!(part, "test" | "tests" | "testing" | "_testing");
    path.split('/').any(is_folder) || name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py"
}

/// Whether something in a class is a name of the function around it.
fn uses_locals(context: &Context<'_, '_>, class: NodeId, function: NodeId) -> bool {
    let opened = context.scopes().opened_by(class);
    context.nodes().within(class).any(|at| {
        let AnyNodeRef::ExprName(_) = context.nodes().node(at) else { return false };
        let Some(symbol) = context.scopes().meaning(at) else { return false };
        let scope = context.scopes().symbol(symbol).scope;
        let owner = context.scopes().scope(scope).node;
        let outside = Some(scope) != opened && !context.nodes().contains(class, owner);
        // Imports of the function can move as well, but what they are for may be that they are late.
        outside
            && scope != ScopeId::MODULE
            && (owner == function || context.nodes().contains(owner, function))
            && !is_the_class(context, symbol, class)
    })
}

fn is_the_class(context: &Context<'_, '_>, symbol: SymbolId, class: NodeId) -> bool {
    context.scopes().symbol(symbol).binds.iter().all(|bind| bind.node == class)
}

/// Whether a class is only called, asked about or raised, and at least once called.
fn is_only_called(context: &Context<'_, '_>, symbol: SymbolId) -> bool {
    let mut called = false;
    let symbol = context.scopes().symbol(symbol);
    let fits = symbol.uses.iter().all(|at| {
        let parent = context.nodes().parent(*at);
        match context.nodes().node(parent) {
            AnyNodeRef::ExprCall(call) if context.nodes().of_expr(&call.func) == *at => {
                called = true;
                true
            }
            AnyNodeRef::Arguments(_) => call_around(context, *at).is_some_and(|call| {
                matches!(context.qualified(&call.func).as_deref(), Some("builtins.isinstance" | "builtins.super"))
            }),
            AnyNodeRef::StmtRaise(_) | AnyNodeRef::ExceptHandlerExceptHandler(_) => true,
            _ => false,
        }
    });
    fits && called && symbol.binds.len() == 1
}

static FUNCTION_PER_ITEM: Rule = Rule {
    id: "MS208",
    name: "function-per-item",
    technique: Technique::FewerObjects,
    summary: "a function is made and kept for each item",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "A lambda, a `partial` or a `def` in a loop makes a function object a round. Where they are kept, each item has one that differs from the others \
              in a value only: the value alone would do.",
        bad: "jobs = [partial(send, user) for user in users]\nfor job in jobs:\n    job()",
        good: "for user in users:\n    send(user)",
        unless: &[
            "The loop goes through fewer than 30 items that are written out.",
            "It needs a heap that shows that there are many.",
        ],
        figures: "A lambda takes 136 to 168 B, one with a closure 250 to 294, a `partial` 192 to 216, a bound method 64.",
    },
    checks: &[Check::Module(function_per_item)],
};

fn function_per_item(context: &mut Context<'_, '_>) {
    for id in context.nodes().all() {
        let (what, formula) = match context.nodes().node(id) {
            AnyNodeRef::ExprLambda(_) => ("a function", "136 to 294 B an item"),
            AnyNodeRef::ExprCall(call) if context.semantics.is_call_of(call, "functools.partial") => {
                ("a `partial`", "192 to 216 B an item")
            }
            _ => continue,
        };
        if !handling::is_kept_in_loop(context.semantics, id) || loops_over_few(context, id) {
            continue;
        }
        let range = context.nodes().range(id);
        let message = format!("{what} is made and kept for each item");
        let mut report = Report::new(range, message, "keep the values, and call one function with them", formula);
        report.saves = Saves::Now;
        report.confidence = Confidence::Low;
        context.report(report);
    }
}

/// Whether the loop around a node has few rounds: they are written out.
pub(super) fn loops_over_few(context: &Context<'_, '_>, id: NodeId) -> bool {
    let Some(at) = handling::loop_of(context.semantics, id) else { return false };
    match context.nodes().node(at) {
        AnyNodeRef::StmtFor(node) => is_short(context, &node.iter),
        node => generators(node).first().is_some_and(|first| is_short(context, &first.iter)),
    }
}

static INVARIANT_IN_LOOP: Rule = Rule {
    id: "MS211",
    name: "invariant-in-loop",
    technique: Technique::FewerObjects,
    summary: "the same object is made in each round of a loop",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "An object that is the same in each round can be made before the loop. It costs time and scatters memory, but no peak: so only a trace tells \
              whether it is worth the line.",
        bad: "for line in lines:\n    found = re.compile(r\"\\d+\").findall(line)",
        good: "digits = re.compile(r\"\\d+\")\nfor line in lines:\n    found = digits.findall(line)",
        unless: &[
            "The object is kept or changed in the loop.",
            "It needs a trace in which the line has at least 1% of the allocated bytes.",
        ],
        figures: "Churn: what the trace says of the line.",
    },
    checks: &[Check::Call(invariant_in_loop)],
};

/// What makes the same object from the same constants.
const MAKERS: [&str; 6] = [
    "re.compile",
    "decimal.Decimal",
    "fractions.Fraction",
    "struct.Struct",
    "datetime.timedelta",
    "builtins.frozenset",
];

fn invariant_in_loop<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let is_fixed = !call.arguments.is_empty()
        && call.arguments.args.iter().all(is_constant)
        && call.arguments.keywords.iter().all(|keyword| is_constant(&keyword.value));
    if !is_fixed || !handling::in_loop(context.semantics, id) || loops_over_few(context, id) {
        return;
    }
    let is_maker = context.qualified(&call.func).is_some_and(|name| MAKERS.contains(&name.as_str()));
    if !is_maker || handling::is_kept_in_loop(context.semantics, id) || is_bound_elsewhere(context, id) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "it is made in each round, and is always the same",
        "make it before the loop",
        "what a trace says of the line",
    );
    report.saves = Saves::Churn;
    report.confidence = Confidence::Low;
    context.report(report);
}

/// Whether it is the first value of a name that is changed in the loop: `total = Decimal("0")`.
fn is_bound_elsewhere(context: &Context<'_, '_>, id: NodeId) -> bool {
    match context.nodes().node(context.nodes().parent(id)) {
        AnyNodeRef::StmtAssign(assign) => match &*assign.targets {
            [target @ Expr::Name(_)] => context.semantics.symbol_of(target).is_none_or(|symbol| {
                let binds = &context.scopes().symbol(symbol).binds;
                binds.len() != 1 || bound_value(context, binds[0].node).is_none()
            }),
            _ => true,
        },
        _ => false,
    }
}
