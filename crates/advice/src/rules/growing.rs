//! MS405, MS414, MS416: containers that live as long as the program, and are only ever added to.

use memsight_model::Confidence;

use super::lines::put_behind;
use super::places::{
    bound_value, call_around, class_of, function_of, is_constant, is_name_of_few, last_name, own_attribute,
};
use crate::context::{Context, Report};
use crate::finding::{Fix, Safety, Saves};
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, ScopeId, ScopeKind, Symbol};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&ONLY_GROWS, &TASK_SET, &LIST_AS_QUEUE];

static ONLY_GROWS: Rule = Rule {
    id: "MS405",
    name: "only-grows",
    technique: Technique::FreeExplicitly,
    summary: "a container that lives as long as the program is added to, and nothing takes anything out",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "What a module, a class or a default argument holds is never let go of. Where functions add to it with keys that come from outside, and no \
              line of the project takes anything out, replaces it or looks how long it is, it grows for as long as the program runs.",
        bad: "_seen = {}\n\ndef handle(request):\n    _seen[request.id] = request",
        good: "_seen = weakref.WeakValueDictionary()\n\ndef handle(request):\n    _seen[request.id] = request",
        unless: &[
            "It is filled while modules are imported: by decorators, functions called `register` and the like, or with classes for keys.",
            "Its keys are written out, so that there are only so many of them.",
            "Somewhere in the project something of that name is cut, replaced, counted or passed on.",
            "It needs a heap that shows that it grows: most such tables are caches with few keys, and no line says so.",
        ],
        figures: "An entry of a dict takes 75 to 95 B with a key of 7 letters (3.8 to 3.15), and all that only it holds.",
    },
    checks: &[Check::Module(module_containers), Check::Class(class_containers), Check::Function(default_containers)],
};

/// Whatever stands against "it only grows".
const ENDS: Handling = Handling::CUT
    .and(Handling::REPLACED)
    .and(Handling::COUNTED)
    .and(Handling::PASSED)
    .and(Handling::RAISED)
    .and(Handling::ORDERED);

/// Whether an expression makes a container that can grow.
pub(super) fn is_container(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::Dict(_) | Expr::List(_) | Expr::Set(_) => true,
        Expr::Call(call) => match context.qualified(&call.func).as_deref() {
            Some("builtins.dict" | "builtins.list" | "builtins.set") => call.arguments.is_empty(),
            Some("collections.defaultdict" | "collections.OrderedDict" | "collections.Counter") => true,
            Some("collections.deque") => call.arguments.find_argument("maxlen", 1).is_none(),
            _ => false,
        },
        _ => false,
    }
}

fn module_containers(context: &mut Context<'_, '_>) {
    let scopes = context.scopes();
    let mut found = Vec::new();
    for id in scopes.symbols_of(ScopeId::MODULE) {
        let symbol = scopes.symbol(id);
        let [bind] = &*symbol.binds else { continue };
        let is_made = bound_value(context, bind.node).is_some_and(|value| is_container(context, value));
        if is_made && !context.project.handling(symbol.name).has(ENDS) {
            found.extend(first_growth(context, symbol, &symbol.uses).map(|at| (symbol.name, at)));
        }
    }
    found.sort_by_key(|(_, at)| *at);
    for (name, at) in found {
        grows(context, at, name, "the module");
    }
}

fn class_containers<'a>(context: &mut Context<'a, '_>, id: NodeId, class: &'a ast::StmtClassDef) {
    let scopes = context.scopes();
    let Some(scope) = scopes.opened_by(id) else { return };
    let mut found = Vec::new();
    for symbol in scopes.symbols_of(scope).map(|symbol| scopes.symbol(symbol)) {
        let [bind] = &*symbol.binds else { continue };
        let is_made = bound_value(context, bind.node).is_some_and(|value| is_container(context, value));
        if !is_made || context.project.handling(symbol.name).has(ENDS) {
            continue;
        }
        let is_it = |node: AnyNodeRef<'_>| matches!(node, AnyNodeRef::ExprAttribute(it) if it.attr == *symbol.name);
        let uses: Vec<NodeId> = context.nodes().within(id).filter(|at| is_it(context.nodes().node(*at))).collect();
        // `self.name = ...`: each object has its own.
        let is_own = uses.iter().any(|at| match context.nodes().node(*at) {
            AnyNodeRef::ExprAttribute(attribute) => attribute.ctx.is_store(),
            _ => false,
        });
        if !is_own {
            found.extend(first_growth(context, symbol, &uses).map(|at| (symbol.name, at)));
        }
    }
    found.sort_by_key(|(_, at)| *at);
    for (name, at) in found {
        grows(context, at, name, &format!("the class `{}`", class.name));
    }
}

fn default_containers<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    let Some(scope) = context.scopes().opened_by(id) else { return };
    for parameter in def.parameters.iter_non_variadic_params() {
        let Some(default) = parameter.default.as_deref() else { continue };
        let Some(symbol) = context.scopes().lookup(scope, &parameter.parameter.name) else { continue };
        let symbol = context.scopes().symbol(symbol);
        let is_made = symbol.binds.len() == 1 && is_container(context, default);
        if let Some(at) = first_growth(context, symbol, &symbol.uses).filter(|_| is_made) {
            grows(context, at, symbol.name, "its own default argument");
        }
    }
}

/// The first place where a container grows, if no place stands against that.
fn first_growth(context: &Context<'_, '_>, symbol: &Symbol<'_>, uses: &[NodeId]) -> Option<NodeId> {
    let of = |at: &NodeId| handling::of_use(context.semantics, *at);
    let is_closed = !symbol.is_captured || context.scopes().scope(symbol.scope).kind != ScopeKind::Function;
    if !is_closed || uses.iter().any(|at| of(at).has(ENDS)) {
        return None;
    }
    uses.iter().copied().find(|at| of(at).has(Handling::ADDED) && is_growth(context, *at))
}

/// Whether it grows there while the program runs, and by what is not known beforehand.
fn is_growth(context: &Context<'_, '_>, at: NodeId) -> bool {
    let Some((function, def)) = function_of(context, at) else { return false };
    let made = context.project.handling(&def.name);
    let only_at_import = made.has(Handling::MADE_AT_IMPORT) && !made.has(Handling::MADE_IN_FUNCTION);
    let key = match added(context, at) {
        Some(key) => key,
        None => return false,
    };
    !only_at_import && !fills_at_import(context, function, def) && !is_one_of_few(context, key)
}

/// What is added, or the key under which it is.
fn added<'a>(context: &Context<'a, '_>, at: NodeId) -> Option<&'a Expr> {
    let parent = context.nodes().parent(at);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprSubscript(subscript) => Some(&*subscript.slice).filter(|slice| !slice.is_slice_expr()),
        AnyNodeRef::ExprAttribute(method) => {
            let call = call_around(context, parent)?;
            // `update` and `extend` copy what may be anything.
            let single = matches!(method.attr.as_str(), "append" | "add" | "appendleft" | "setdefault" | "insert");
            let at = usize::from(method.attr.as_str() == "insert");
            single.then(|| call.arguments.find_positional(at))?
        }
        _ => None,
    }
}

/// Whether there are only so many of such keys: they are written out, or are classes, functions, modules.
pub(super) fn is_one_of_few(context: &Context<'_, '_>, key: &Expr) -> bool {
    if is_constant(key) {
        return true;
    }
    match key {
        Expr::Tuple(tuple) => tuple.elts.iter().all(|part| is_one_of_few(context, part)),
        Expr::Name(name) => is_name_of_few(&name.id) || is_annotated_few(context, key),
        Expr::Attribute(attribute) => {
            let name = attribute.attr.as_str();
            name.starts_with("__") || is_name_of_few(name)
        }
        Expr::Call(call) => match last_name(&call.func) {
            Some("type" | "get_ident" | "getpid") => true,
            Some("id" | "str" | "repr" | "hash") => {
                call.arguments.args.first().is_some_and(|of| is_one_of_few(context, of))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a name is a parameter that is said to be a class, or is `type(x)` under a name.
fn is_annotated_few(context: &Context<'_, '_>, key: &Expr) -> bool {
    let Some(symbol) = context.semantics.symbol_of(key) else { return false };
    context.scopes().symbol(symbol).binds.iter().any(|bind| match (bind.kind, context.nodes().node(bind.node)) {
        (BindKind::Parameter, AnyNodeRef::Parameter(parameter)) => parameter.annotation.as_ref().is_some_and(|said| {
            let said = context.text(said.range());
            ["type", "Type", "Callable", "Module", "bool"].iter().any(|word| said.contains(word))
        }),
        (BindKind::Assign, _) => bound_value(context, bind.node).is_some_and(|value| match value {
            Expr::Call(_) => last_name(value) == Some("type"),
            Expr::Attribute(attribute) => attribute.attr.starts_with("__"),
            _ => false,
        }),
        _ => false,
    })
}

/// Whether a function is one that modules call while they are imported: decorators, registries, hooks of classes.
fn fills_at_import(context: &Context<'_, '_>, function: NodeId, def: &ast::StmtFunctionDef) -> bool {
    const WORDS: [&str; 22] = [
        "register",
        "add_",
        "install",
        "set_",
        "setup",
        "configure",
        "init",
        "load",
        "import",
        "discover",
        "populate",
        "declare",
        "define",
        "enable",
        "decorat",
        "plugin",
        "include",
        "subscribe",
        "__set_name__",
        "patch",
        "mount",
        "__new__",
    ];
    let name = def.name.to_lowercase();
    let is_named_so = WORDS.iter().any(|word| name.contains(word));
    let returns_its_own = context.nodes().within(function).any(|at| match context.nodes().node(at) {
        AnyNodeRef::StmtReturn(ast::StmtReturn { value: Some(value), .. }) => match &**value {
            Expr::Name(name) => def.parameters.iter().any(|parameter| parameter.name().as_str() == name.id.as_str()),
            _ => false,
        },
        _ => false,
    });
    // A function in a function that is returned: the inner part of a decorator.
    is_named_so || returns_its_own || context.scopes().function_of(context.scopes().of_node(function)).is_some()
}

fn grows(context: &mut Context<'_, '_>, at: NodeId, name: &str, holder: &str) {
    let statement = context.nodes().statement(at);
    let range = match context.nodes().node(context.nodes().parent(at)) {
        AnyNodeRef::ExprSubscript(subscript) => subscript.range(),
        _ => context.nodes().range(statement),
    };
    let mut report = Report::new(
        range,
        format!("`{name}` lives as long as {holder}, and nothing in the project takes anything out of it"),
        "give it an end: `lru_cache(maxsize=...)`, a `weakref.WeakValueDictionary`, a `deque(maxlen=...)`, or `del` when a thing is done",
        "an entry for each key that ever comes, and all that only it holds",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Medium;
    report.but = "the number of different keys is not known from the source".to_owned();
    context.report(report);
}

static TASK_SET: Rule = Rule {
    id: "MS414",
    name: "task-set",
    technique: Technique::FreeExplicitly,
    summary: "tasks are put into a set that lives on, and are never taken out",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A task has to be held, or it may vanish while it runs; so it is put into a set. A task that is done stays there with its result, its \
              exception and the frames of it, unless something takes it out.",
        bad: "task = asyncio.create_task(serve(connection))\nself.tasks.add(task)",
        good: "task = asyncio.create_task(serve(connection))\nself.tasks.add(task)\ntask.add_done_callback(self.tasks.discard)",
        unless: &["The set is a local one, or something takes tasks out of it, replaces it or is given it."],
        figures: "A task that is done takes 560 to 710 B (3.8 to 3.15) with its place in the set, and its result.",
    },
    checks: &[Check::Call(task_set)],
};

fn task_set<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let Expr::Attribute(method) = &*call.func else { return };
    let (true, Some(argument)) = (matches!(method.attr.as_str(), "add" | "append"), call.arguments.find_positional(0))
    else {
        return;
    };
    let holder = &*method.value;
    let lives_on = match holder {
        Expr::Attribute(_) => true,
        Expr::Name(_) => !handling::is_own(context.semantics, context.node_of(holder)),
        _ => false,
    };
    let Some(name) = last_name(holder) else { return };
    let is_cut = Handling::CUT.and(Handling::PASSED).and(Handling::REPLACED);
    if !lives_on || !is_task(context, argument) || context.project.handling(name).has(is_cut) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        format!("tasks stay in `{name}` when they are done"),
        format!("add_done_callback({}.discard)", context.text(holder.range())),
        "560 to 710 B a task, and its result",
    );
    report.saves = Saves::Now;
    let is_set = method.attr.as_str() == "add" && argument.is_name_expr();
    report.fix = is_set.then(|| fix_of_tasks(context, id, argument, holder)).flatten();
    context.report(report);
}

fn fix_of_tasks(context: &Context<'_, '_>, call: NodeId, task: &Expr, holder: &Expr) -> Option<Fix> {
    let statement = context.nodes().statement(call);
    let text = format!("{}.add_done_callback({}.discard)", context.text(task.range()), context.text(holder.range()));
    put_behind(context, statement, &text).map(|edit| Fix::new(Safety::Unsafe, vec![edit]))
}

/// Whether an expression is a task: one that is made there, or the local name of one.
fn is_task(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => matches!(last_name(&call.func), Some("create_task" | "ensure_future")),
        Expr::Name(_) => context.semantics.symbol_of(expr).is_some_and(|symbol| {
            let binds = &context.scopes().symbol(symbol).binds;
            !binds.is_empty()
                && binds.iter().all(|bind| {
                    bound_value(context, bind.node).is_some_and(|value| value.is_call_expr() && is_task(context, value))
                })
        }),
        _ => false,
    }
}

static LIST_AS_QUEUE: Rule = Rule {
    id: "MS416",
    name: "list-as-queue",
    technique: Technique::FreeExplicitly,
    summary: "a list is read by an index that only rises, and what was read stays in it",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "A list that is added to at its end and read at an index that only rises is a queue that never forgets: what was read is held for as long as \
              the list is. A `deque` lets go of an item when it is taken.",
        bad: "def next(self):\n    self.at += 1\n    return self.items[self.at]",
        good: "def next(self):\n    return self.items.popleft()",
        unless: &[
            "The list is cut, replaced or passed on, or is not added to.",
            "It needs a heap that shows how much of it was read.",
        ],
        figures: "8 B an item that was read, and the item.",
    },
    checks: &[Check::AugAssign(list_as_queue)],
};

fn list_as_queue<'a>(context: &mut Context<'a, '_>, id: NodeId, rise: &'a ast::StmtAugAssign) {
    let Some((function, def)) = function_of(context, id) else { return };
    let Some(index) = own_attribute(def, &rise.target).filter(|_| class_of(context, function).is_some()) else {
        return;
    };
    if rise.op != ast::Operator::Add || context.text(rise.value.range()) != "1" {
        return;
    }
    let mut found: Option<(TextRange, &str)> = None;
    for at in context.nodes().within(function) {
        let AnyNodeRef::ExprSubscript(subscript) = context.nodes().node(at) else { continue };
        let list = own_attribute(def, &subscript.value);
        let is_read = subscript.ctx.is_load() && own_attribute(def, &subscript.slice) == Some(index);
        if let (Some(list), true) = (list, is_read) {
            found = Some((subscript.range(), list));
        }
    }
    let Some((range, list)) = found else { return };
    let handled = context.project.handling(list);
    let ends = Handling::CUT.and(Handling::REPLACED).and(Handling::PASSED);
    if !handled.has(Handling::ADDED) || handled.has(ends) {
        return;
    }
    let mut report = Report::new(
        range,
        format!("what `{index}` has gone past stays in `{list}`"),
        "use a `collections.deque` and `popleft()`",
        "8 B an item that was read, and the item",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}
