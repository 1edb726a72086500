//! What is known of all files together, small enough to be kept: their trees are not.
//!
//! Names stand for whatever is called so, in any module and class: who asks "is this only iterated?" gets a "no" too many,
//! never a "yes" too many.

use rustc_hash::FxHashMap;

use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::scopes::Semantics;
use crate::syntax::{AnyNodeRef, ast};

/// How a function is used, in all files.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// It is called, and what it returns is gone through once, on the spot.
    pub iterated: u32,
    /// Anything else, also where only its name is read, imported from elsewhere or written in a text.
    pub other: u32,
    /// Functions of that name.
    pub defined: u32,
}

/// A class, as far as others have to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassFacts {
    /// Names of its bases, the last part each; `?` for what is no name.
    pub bases: Vec<String>,
    /// It says `__slots__`, or is a data class with `slots=True`.
    pub has_slots: bool,
}

/// Facts of one file, or of all.
#[derive(Debug, Default)]
pub struct Project {
    uses: FxHashMap<Box<str>, Uses>,
    classes: FxHashMap<String, Vec<ClassFacts>>,
    handling: FxHashMap<String, Handling>,
}

impl Project {
    /// Reads the facts of one file.
    pub fn of_file(semantics: &Semantics<'_>) -> Project {
        let mut project = Project::default();
        for id in semantics.nodes.all() {
            project.handled(semantics, id);
            match semantics.nodes.node(id) {
                AnyNodeRef::ExprName(name) if name.ctx.is_load() => project.used(&name.id, is_iterated(semantics, id)),
                AnyNodeRef::ExprAttribute(attribute) if attribute.ctx.is_load() => {
                    project.used(&attribute.attr, is_iterated(semantics, id));
                }
                // `__all__`, `getattr(x, "name")`, tables of names.
                AnyNodeRef::StringLiteral(literal) if is_identifier(literal.as_str()) => {
                    project.used(literal.as_str(), false)
                }
                AnyNodeRef::StmtFunctionDef(def) => project.name(&def.name).defined += 1,
                AnyNodeRef::StmtClassDef(class) => {
                    project.classes.entry(class.name.to_string()).or_default().push(class_facts(class));
                }
                _ => {}
            }
        }
        project
    }

    /// Adds the facts of other files.
    pub fn add(&mut self, other: Project) {
        for (name, uses) in other.uses {
            let sum = self.uses.entry(name).or_default();
            sum.iterated += uses.iterated;
            sum.other += uses.other;
            sum.defined += uses.defined;
        }
        for (name, classes) in other.classes {
            self.classes.entry(name).or_default().extend(classes);
        }
        for (name, handling) in other.handling {
            let all = self.handling.entry(name).or_default();
            *all = all.and(handling);
        }
    }

    /// Uses of whatever is called `name`.
    pub fn uses(&self, name: &str) -> Uses {
        self.uses.get(name).copied().unwrap_or_default()
    }

    /// How whatever is called `name` is handled, but for locals of functions.
    pub fn handling(&self, name: &str) -> Handling {
        self.handling.get(name).copied().unwrap_or_default()
    }

    /// Classes called `name`.
    pub fn classes(&self, name: &str) -> &[ClassFacts] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }

    /// Classes that have a base called `name`.
    pub fn subclasses(&self, name: &str) -> impl Iterator<Item = &ClassFacts> {
        self.classes.values().flatten().filter(move |class| class.bases.iter().any(|base| base == name))
    }

    fn handled(&mut self, semantics: &Semantics<'_>, id: NodeId) {
        let (name, ctx) = match semantics.nodes.node(id) {
            AnyNodeRef::ExprName(name) if !handling::is_own(semantics, id) => (name.id.as_str(), name.ctx),
            AnyNodeRef::ExprAttribute(attribute) => (attribute.attr.as_str(), attribute.ctx),
            _ => return,
        };
        let parent = semantics.nodes.parent(id);
        let handling = match (ctx, semantics.nodes.node(parent)) {
            (ast::ExprContext::Store, AnyNodeRef::StmtAugAssign(_)) => Handling::ADDED,
            (ast::ExprContext::Store, _) => handling::of_store(semantics, id),
            (ast::ExprContext::Del, _) => Handling::CUT,
            (_, AnyNodeRef::ExprCall(call)) if semantics.nodes.of_expr(&call.func) == id => {
                handling::of_call(semantics, parent)
            }
            _ => handling::of_use(semantics, id),
        };
        match self.handling.get_mut(name) {
            Some(all) => *all = all.and(handling),
            None => {
                self.handling.insert(name.to_owned(), handling);
            }
        }
    }

    fn used(&mut self, name: &str, iterated: bool) {
        let uses = self.name(name);
        if iterated { uses.iterated += 1 } else { uses.other += 1 }
    }

    fn name(&mut self, name: &str) -> &mut Uses {
        self.uses.entry(name.into()).or_default()
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|first: char| first == '_' || first.is_alphabetic())
        && text.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
}

/// Whether a name is called and what comes back is gone through, once and at once.
fn is_iterated(semantics: &Semantics<'_>, id: NodeId) -> bool {
    let nodes = &semantics.nodes;
    let call = nodes.parent(id);
    match nodes.node(call) {
        AnyNodeRef::ExprCall(node) => nodes.of_expr(&node.func) == id && consumes(semantics, call),
        _ => false,
    }
}

/// Builtins that go through their only argument once and keep nothing of it but its items.
const CONSUMERS: [&str; 14] = [
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "sorted",
    "sum",
    "any",
    "all",
    "min",
    "max",
    "enumerate",
    "map",
    "filter",
];
/// The same as methods.
const CONSUMING_METHODS: [&str; 5] = ["extend", "join", "writelines", "writerows", "extendleft"];

/// Whether a value that stands at `id` is gone through once, at once, by what it is a part of.
pub(crate) fn consumes(semantics: &Semantics<'_>, id: NodeId) -> bool {
    let nodes = &semantics.nodes;
    let parent = nodes.parent(id);
    match nodes.node(parent) {
        AnyNodeRef::StmtFor(node) => !node.is_async && nodes.of_expr(&node.iter) == id,
        AnyNodeRef::Comprehension(node) => !node.is_async && nodes.of_expr(&node.iter) == id,
        AnyNodeRef::ExprYieldFrom(_) => true,
        AnyNodeRef::ExprStarred(star) => star.ctx.is_load(),
        AnyNodeRef::Arguments(arguments) if arguments.args.iter().any(|argument| nodes.of_expr(argument) == id) => {
            match nodes.node(nodes.parent(parent)) {
                AnyNodeRef::ExprCall(call) => is_consumer(semantics, call),
                _ => false,
            }
        }
        _ => false,
    }
}

fn is_consumer(semantics: &Semantics<'_>, call: &ast::ExprCall) -> bool {
    let name = semantics.qualified(&call.func);
    if let Some(builtin) = name.as_deref().and_then(|name| name.strip_prefix("builtins.")) {
        // `min(a, b)` compares its arguments.
        let alone = call.arguments.args.len() == 1 || !matches!(builtin, "min" | "max");
        return alone && CONSUMERS.contains(&builtin);
    }
    matches!(&*call.func, ast::Expr::Attribute(attribute) if CONSUMING_METHODS.contains(&attribute.attr.as_str()))
}

fn class_facts(class: &ast::StmtClassDef) -> ClassFacts {
    let bases = class.bases().iter().map(last_part).collect();
    let says_slots = class.body.iter().any(|stmt| match stmt {
        ast::Stmt::Assign(assign) => assign.targets.iter().any(is_slots),
        ast::Stmt::AnnAssign(assign) => is_slots(&assign.target),
        _ => false,
    });
    let data_class = class.decorator_list.iter().any(|decorator| match &decorator.expression {
        ast::Expr::Call(call) => call.arguments.find_keyword("slots").is_some_and(|keyword| is_true(&keyword.value)),
        _ => false,
    });
    ClassFacts { bases, has_slots: says_slots || data_class }
}

fn is_slots(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Name(name) if name.id == "__slots__")
}

fn is_true(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::BooleanLiteral(literal) if literal.value)
}

fn last_part(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Name(name) => name.id.to_string(),
        ast::Expr::Attribute(attribute) => attribute.attr.to_string(),
        ast::Expr::Subscript(subscript) => last_part(&subscript.value),
        _ => "?".to_owned(),
    }
}
