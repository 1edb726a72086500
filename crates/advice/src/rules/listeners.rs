//! MS406, MS408, MS409, MS410: objects that are held by what they were told to, by each other, or by a function.

use memsight_model::Confidence;

use super::dead::is_whole_input;
use super::places::{bound_value, class_of, function_of, own_attribute, self_name};
use crate::context::{Context, Report};
use crate::finding::Saves;
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, Symbol};
use crate::syntax::{AnyNodeRef, Expr, Ranged, Stmt, ast};

pub(super) const RULES: &[&Rule] = &[&LISTENER_LEFT, &BACK_REFERENCE, &GC_OFF, &CLOSURE_KEEPS];

static LISTENER_LEFT: Rule = Rule {
    id: "MS406",
    name: "listener-left",
    technique: Technique::FreeExplicitly,
    summary: "an object tells something that outlives it to call it, and never takes that back",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A bound method holds its object. Given to `atexit` or to a bus of the module, the object stays as long as the program, with all it holds, when \
              nothing else needs it any more.",
        bad: "class View:\n    def __init__(self):\n        events.subscribe(self.redraw)",
        good: "class View:\n    def __init__(self):\n        events.subscribe(self.redraw)\n\n    def close(self):\n        events.unsubscribe(self.redraw)",
        unless: &[
            "The counterpart is called somewhere in the project.",
            "What is subscribed to is a part of the object, a parameter or a local: it may die with it.",
            "What the call gives back is used: it may be what takes it back.",
            "All objects of the class are made at import.",
            "`connect` of signals is not reported: Django's and blinker's hold methods weakly.",
        ],
        figures: "All that the object alone holds, once an object.",
    },
    checks: &[Check::Call(listener_left)],
};

/// Methods that hold what they are given, and those that let go of it.
const PAIRS: [(&str, &str); 9] = [
    ("subscribe", "unsubscribe"),
    ("add_listener", "remove_listener"),
    ("addListener", "removeListener"),
    ("add_observer", "remove_observer"),
    ("add_callback", "remove_callback"),
    ("register_callback", "unregister_callback"),
    ("add_handler", "remove_handler"),
    ("add_event_listener", "remove_event_listener"),
    ("attach", "detach"),
];

fn listener_left<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let Expr::Attribute(method) = &*call.func else { return };
    let counterpart = match context.qualified(&call.func).as_deref() {
        Some("atexit.register") => Some("unregister"),
        _ if outlives(context, &method.value) => {
            PAIRS.into_iter().find(|(name, _)| *name == method.attr.as_str()).map(|(_, other)| other)
        }
        _ => None,
    };
    // What comes back may be what takes it back.
    let is_alone = matches!(context.nodes().node(context.nodes().parent(id)), AnyNodeRef::StmtExpr(_));
    let Some(counterpart) = counterpart.filter(|_| is_alone) else { return };
    let Some((function, def)) = function_of(context, id) else { return };
    let Some((_, class)) = class_of(context, function) else { return };
    let bound = call.arguments.args.iter().find(|argument| {
        own_attribute(def, argument).is_some_and(|name| class.body.iter().any(|stmt| is_method(stmt, name)))
    });
    let taken_back = context.project.uses(counterpart);
    let made = context.project.handling(&class.name);
    let at_import = made.has(Handling::MADE_AT_IMPORT) && !made.has(Handling::MADE_IN_FUNCTION);
    let Some(bound) = bound.filter(|_| taken_back.iterated + taken_back.other == 0 && !at_import) else { return };
    let bound_text = context.text(bound.range());
    let mut report = Report::new(
        bound.range(),
        format!(
            "`{}` holds each `{}` from here on, and nothing takes it back",
            context.text(method.range()),
            class.name
        ),
        format!("call `{counterpart}` with `{bound_text}` when the object is done, or give it a `weakref.WeakMethod`"),
        "all that the object alone holds, once an object",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Medium;
    context.report(report);
}

fn is_method(stmt: &Stmt, name: &str) -> bool {
    matches!(stmt, Stmt::FunctionDef(def) if def.name.as_str() == name)
}

/// Whether an expression is something of a module: an import, or a name that a module binds.
fn outlives(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::Name(_) => {
            let id = context.node_of(expr);
            context.scopes().meaning(id).is_some() && !handling::is_own(context.semantics, id)
        }
        Expr::Attribute(attribute) => outlives(context, &attribute.value),
        _ => false,
    }
}

static BACK_REFERENCE: Rule = Rule {
    id: "MS408",
    name: "back-reference",
    technique: Technique::FreeExplicitly,
    summary: "an object and what it belongs to refer to each other",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "Two objects that refer to each other are not freed when the last other reference goes: they wait for the collector, with all they hold. A weak \
              reference to the parent lets them go at once.",
        bad: "def __init__(self, parent):\n    self.parent = parent\n    parent.children.append(self)",
        good: "def __init__(self, parent):\n    self._parent = weakref.ref(parent)\n    parent.children.append(self)",
        unless: &[
            "The child may outlive its parent, or the parent is asked for in hot code: a weak reference is a call.",
            "It needs a heap that shows such objects waiting for the collector.",
        ],
        figures: "All that such a pair holds, until the collector runs. A weak reference takes 72 B (80 from 3.11).",
    },
    checks: &[Check::Assign(back_reference)],
};

fn back_reference<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let Some((function, def)) = function_of(context, id) else { return };
    let ([target], Expr::Name(value)) = (&*assign.targets, &*assign.value) else { return };
    let Some(owner) = self_name(def).filter(|owner| *owner != value.id.as_str()) else { return };
    if own_attribute(def, target).is_none() || class_of(context, function).is_none() {
        return;
    }
    let is_owner = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == owner);
    let held = context.nodes().within(function).any(|at| match context.nodes().node(at) {
        AnyNodeRef::ExprCall(call) => match &*call.func {
            Expr::Attribute(method) => {
                let puts = ["append", "add", "insert", "add_child", "_add_child", "register", "appendleft"];
                puts.contains(&method.attr.as_str())
                    && is_rooted_at(&method.value, &value.id)
                    && call.arguments.args.iter().any(is_owner)
            }
            _ => false,
        },
        AnyNodeRef::StmtAssign(other) => {
            is_owner(&other.value)
                && other.targets.iter().any(|target| !target.is_name_expr() && is_rooted_at(target, &value.id))
        }
        _ => false,
    });
    if !held {
        return;
    }
    let mut report = Report::new(
        assign.range(),
        format!("`{}` holds this object, and this object `{}`: only the collector frees them", value.id, value.id),
        "weakref.ref(...)",
        "all that such a pair holds, until the collector runs",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}

/// Whether an expression is a name, or something of it.
fn is_rooted_at(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Name(found) => found.id.as_str() == name,
        Expr::Attribute(attribute) => is_rooted_at(&attribute.value, name),
        Expr::Subscript(subscript) => is_rooted_at(&subscript.value, name),
        _ => false,
    }
}

static GC_OFF: Rule = Rule {
    id: "MS409",
    name: "gc-off-with-cycles",
    technique: Technique::FreeExplicitly,
    summary: "the collector is switched off for good",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "Without the collector nothing frees objects that refer to each other: exceptions that are kept, trees with parents, closures that call themselves.",
        bad: "gc.disable()\nserve_for_ever()",
        good: "gc.freeze()\ngc.set_threshold(50_000, 20, 100)\nserve_for_ever()",
        unless: &[
            "It is switched on again, or `gc.collect` is called somewhere in the project.",
            "It needs a heap that shows garbage: a program without circles loses nothing.",
        ],
        figures: "The garbage that a heap shows.",
    },
    checks: &[Check::Call(gc_off)],
};

fn gc_off<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let is_off = match context.qualified(&call.func).as_deref() {
        Some("gc.disable") => true,
        Some("gc.set_threshold") => match call.arguments.find_positional(0) {
            Some(Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. })) => {
                number.as_u64().is_none_or(|number| number == 0 || number > 1_000_000)
            }
            _ => false,
        },
        _ => false,
    };
    let any = |name: &str| {
        let uses = context.project.uses(name);
        uses.other + uses.iterated > 0
    };
    if !is_off || any("enable") || any("collect") || any("freeze") {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "from here on nothing frees objects that refer to each other",
        "`gc.freeze()` and a higher threshold, or `gc.collect()` at good moments",
        "the garbage that a heap shows",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}

static CLOSURE_KEEPS: Rule = Rule {
    id: "MS410",
    name: "closure-keeps",
    technique: Technique::FreeExplicitly,
    summary: "a function that is kept holds a whole file or table, of which it needs the length or one attribute",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A function that uses a name of the function around it holds what the name stands for. Where it needs the length only, the length is enough.",
        bad: "data = file.read()\nself.size = lambda: len(data)",
        good: "size = len(file.read())\nself.size = lambda: size",
        unless: &["It needs more of it than its length.", "The function is used at once, as a `key` is, and not kept."],
        figures: "All that is held: the text, the rows.",
    },
    checks: &[Check::Module(closure_keeps)],
};

fn closure_keeps(context: &mut Context<'_, '_>) {
    let mut found = Vec::new();
    for symbol in &context.scopes().symbols {
        let is_once = matches!(&*symbol.binds, [bind] if bind.kind == BindKind::Assign);
        if !symbol.is_captured || !is_once {
            continue;
        }
        let is_large = bound_value(context, symbol.binds[0].node).is_some_and(|value| is_whole_input(context, value));
        if is_large {
            found.extend(closure_over(context, symbol).map(|at| (at, symbol.name)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    for (at, name) in found {
        let mut report = Report::new(
            context.nodes().range(at),
            format!("the function that is kept holds all of `{name}`, and needs its length only"),
            format!("keep `len({name})` under a name of its own"),
            "all that is held",
        );
        report.saves = Saves::Now;
        context.report(report);
    }
}

/// The use of a name in a function that is kept, where functions only ask for its length.
fn closure_over(context: &Context<'_, '_>, symbol: &Symbol<'_>) -> Option<NodeId> {
    if handling::is_own(context.semantics, *symbol.uses.first()?) {
        let scopes = context.scopes();
        let home = scopes.function_of(symbol.scope);
        let inner = |at: &&NodeId| scopes.function_of(scopes.of_node(**at)) != home;
        let all_len =
            symbol.uses.iter().filter(inner).all(|at| handling::of_use(context.semantics, *at) == Handling::COUNTED);
        let first = symbol.uses.iter().find(inner)?;
        let function = scopes.scope(scopes.function_of(scopes.of_node(*first))?).node;
        return (all_len && is_stored(context, function)).then_some(*first);
    }
    None
}

/// Whether a function is kept: returned, put into a container, bound to an attribute.
fn is_stored(context: &Context<'_, '_>, function: NodeId) -> bool {
    let nodes = context.nodes();
    let stored = |at: NodeId| match nodes.node(nodes.parent(at)) {
        AnyNodeRef::StmtReturn(_) => true,
        AnyNodeRef::StmtAssign(assign) => assign.targets.iter().any(|target| !target.is_name_expr()),
        AnyNodeRef::Arguments(_) => match nodes.node(nodes.parent(nodes.parent(at))) {
            AnyNodeRef::ExprCall(call) => {
                matches!(&*call.func, Expr::Attribute(it) if matches!(it.attr.as_str(), "append" | "add" | "subscribe" | "connect"))
            }
            _ => false,
        },
        _ => false,
    };
    match nodes.node(function) {
        AnyNodeRef::ExprLambda(_) => stored(function),
        AnyNodeRef::StmtFunctionDef(def) => {
            let scope = context.scopes().of_node(function);
            let symbol = context.scopes().lookup(scope, &def.name);
            symbol.is_some_and(|symbol| context.scopes().symbol(symbol).uses.iter().any(|at| stored(*at)))
        }
        _ => false,
    }
}
