//! MS301, MS302, MS303: classes of which there are many objects, each with room for attributes that it never gets.

use std::collections::BTreeSet;

use memsight_model::Confidence;

use super::lines::put_behind;
use super::places::{last_name, self_name};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::Handling;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::{AnyNodeRef, Expr, PythonVersion, Ranged, Stmt, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&NO_SLOTS, &DATACLASS_SLOTS, &MANY_ATTRIBUTES];

static NO_SLOTS: Rule = Rule {
    id: "MS301",
    name: "no-slots",
    technique: Technique::CompactStructures,
    summary: "objects of a class have room for attributes that no line gives them",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "An object can be given any attribute at any time, so it has room for more than it has, and a pointer to a dict. `__slots__` says which attributes there \
              are, and an object is 16 bytes and 8 for each of them.",
        bad: "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n\n\npoints = [Point(x, y) for x, y in pairs]",
        good: "class Point:\n    __slots__ = (\"x\", \"y\")\n\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n\n\npoints = [Point(x, y) for x, y in pairs]",
        unless: &[
            "There are few of them: it needs a heap that counts them.",
            "The class has bases without slots, a metaclass, decorators or subclasses, or uses `__dict__`, `vars`, `setattr` or weak references.",
            "An attribute of the class has the name of one of its objects.",
            "Other code gives its objects attributes, refers to them weakly, or pickles them with protocol 0 or 1: this cannot be seen in the class, so \
             the fix is unsafe.",
        ],
        figures: "3.11, 3.13 to 3.15: 40 B an object with up to 5 attributes, 48 to 13, 56 to 21, 64 to 28 (3.12: 8 B less); up to 3.10: 80 to 112 B \
                  to 10, 80 to 160 B to 21.",
    },
    checks: &[Check::Class(no_slots)],
};

/// Attributes that the methods of a class give to its objects, in the order of the source.
fn attributes<'a>(context: &Context<'a, '_>, class: &'a ast::StmtClassDef) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for stmt in &class.body {
        let Stmt::FunctionDef(def) = stmt else { continue };
        for at in context.nodes().within(context.nodes().of_stmt(stmt)) {
            let AnyNodeRef::ExprAttribute(attribute) = context.nodes().node(at) else { continue };
            let is_own = matches!(&*attribute.value, Expr::Name(name) if Some(name.id.as_str()) == self_name(def));
            if is_own && attribute.ctx.is_store() && seen.insert(attribute.attr.as_str()) {
                found.push(attribute.attr.as_str());
            }
        }
    }
    found
}

/// Names that a class itself binds.
fn class_names(class: &ast::StmtClassDef) -> impl Iterator<Item = &str> {
    class.body.iter().flat_map(|stmt| match stmt {
        Stmt::Assign(assign) => assign.targets.iter().filter_map(last_name).collect(),
        Stmt::AnnAssign(assign) if assign.value.is_some() => last_name(&assign.target).into_iter().collect(),
        Stmt::FunctionDef(def) => vec![def.name.as_str()],
        _ => Vec::new(),
    })
}

/// Whether nothing in sight stands against slots.
fn can_have_slots(context: &Context<'_, '_>, class: &ast::StmtClassDef) -> bool {
    const WORDS: [&str; 8] =
        ["__dict__", "setattr", "vars(", "cached_property", "__slots__", "__getattr", "weakref", "__new__"];
    let text = context.text(class.range());
    let is_alone = context.project.subclasses(&class.name).next().is_none();
    let is_sole = context.project.classes(&class.name).len() == 1;
    is_alone && is_sole && bases_have_slots(context, class) && !WORDS.iter().any(|word| text.contains(word))
}

/// Where a line of the project makes many of them and keeps them it is likely; else only a heap can say.
fn confidence(context: &Context<'_, '_>, class: &ast::StmtClassDef) -> Confidence {
    let many = context.project.handling(&class.name).has(Handling::MADE_MANY);
    if many { Confidence::Medium } else { Confidence::Low }
}

fn bases_have_slots(context: &Context<'_, '_>, class: &ast::StmtClassDef) -> bool {
    let fits = |base: &Expr| {
        let facts = last_name(base).map(|name| context.project.classes(name)).unwrap_or_default();
        let is_object = context.qualified(base).as_deref() == Some("builtins.object");
        is_object || (!facts.is_empty() && facts.iter().all(|facts| facts.has_slots && facts.bases.is_empty()))
    };
    class.keywords().is_empty() && class.bases().len() < 2 && class.bases().iter().all(fits)
}

const SLOT_BYTES: &str =
    "40 B an object with up to 5 attributes, 48 to 13, 56 to 21, 64 to 28 (3.12: 8 B less; up to 3.10: 80 to 160 B)";

fn no_slots<'a>(context: &mut Context<'a, '_>, _: NodeId, class: &'a ast::StmtClassDef) {
    if !class.decorator_list.is_empty() || !can_have_slots(context, class) {
        return;
    }
    let attributes = attributes(context, class);
    if attributes.is_empty() || class_names(class).any(|name| attributes.contains(&name)) {
        return;
    }
    let names: Vec<String> = attributes.iter().map(|name| format!("\"{name}\"")).collect();
    let comma = if names.len() == 1 { "," } else { "" };
    let line = format!("__slots__ = ({}{comma})", names.join(", "));
    let mut report = Report::new(
        class.name.range(),
        format!("each `{}` has room for attributes that it never gets", class.name),
        line.clone(),
        SLOT_BYTES,
    );
    report.saves = Saves::Now;
    report.confidence = confidence(context, class);
    report.but = "objects can no longer be given other attributes or be referred to weakly".to_owned();
    report.fix = first_line(context, class, &line).map(|edit| Fix::new(Safety::Unsafe, vec![edit]));
    context.report(report);
}

/// The edit that puts a line at the beginning of a class, behind its docstring.
fn first_line(context: &Context<'_, '_>, class: &ast::StmtClassDef, line: &str) -> Option<Edit> {
    let first = class.body.first()?;
    if matches!(first, Stmt::Expr(expr) if expr.value.is_string_literal_expr()) {
        let mut edit = put_behind(context, context.nodes().of_stmt(first), line)?;
        edit.text = format!("{}{}", context.source.newline(), edit.text);
        return Some(edit);
    }
    let start = context.source.line_range(context.source.position(first.start()).line).start();
    let indent = context.text(TextRange::new(start, first.start()));
    let is_alone = indent.chars().all(|letter| letter == ' ' || letter == '\t') && first.start() > class.name.end();
    let newline = context.source.newline();
    is_alone.then(|| Edit::new(TextRange::empty(first.start()), format!("{line}{newline}{newline}{indent}")))
}

static DATACLASS_SLOTS: Rule = Rule {
    id: "MS302",
    name: "dataclass-slots",
    technique: Technique::CompactStructures,
    summary: "a data class of which there are many objects has no slots",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "`@dataclass(slots=True)` (3.10 and later) writes `__slots__` for the fields: an object is 16 bytes and 8 for each field, without room for others.",
        bad: "@dataclass\nclass Point:\n    x: float\n    y: float\n\n\npoints = [Point(x, y) for x, y in pairs]",
        good: "@dataclass(slots=True)\nclass Point:\n    x: float\n    y: float\n\n\npoints = [Point(x, y) for x, y in pairs]",
        unless: &[
            "There are few of them: it needs a heap that counts them.",
            "The program runs on 3.9 or older.",
            "Methods use other attributes than the fields, `cached_property`, `__dict__` or `super()` (an error before 3.14).",
            "It has bases, subclasses or other decorators: `slots=True` makes the class twice.",
            "Pickles that were written before cannot be read after, so the fix is unsafe.",
        ],
        figures: "As [MS301](MS301.md).",
    },
    checks: &[Check::Class(dataclass_slots)],
};

fn dataclass_slots<'a>(context: &mut Context<'a, '_>, _: NodeId, class: &'a ast::StmtClassDef) {
    let [decorator] = &*class.decorator_list else { return };
    let expr = &decorator.expression;
    let (function, call) = match expr {
        Expr::Call(call) => (&*call.func, Some(call)),
        _ => (expr, None),
    };
    if context.qualified(function).as_deref() != Some("dataclasses.dataclass") || context.target < PythonVersion::PY310
    {
        return;
    }
    let says = call.is_some_and(|call| call.arguments.find_keyword("slots").is_some() || has_stars(call));
    if says || !class.bases().is_empty() || !can_have_slots(context, class) {
        return;
    }
    let fields: Vec<&str> = class.body.iter().filter_map(field).collect();
    let others = attributes(context, class).into_iter().any(|name| !fields.contains(&name));
    let has_super = context.target < PythonVersion::PY314 && context.text(class.range()).contains("super()");
    if fields.is_empty() || others || has_super {
        return;
    }
    let mut report = Report::new(
        class.name.range(),
        format!("each `{}` has room for attributes that it never gets", class.name),
        "@dataclass(slots=True)",
        SLOT_BYTES,
    );
    report.saves = Saves::Now;
    report.confidence = confidence(context, class);
    report.but =
        "pickles written before cannot be read, and objects can no longer be given other attributes".to_owned();
    report.fix = Some(Fix::new(Safety::Unsafe, vec![slots_argument(context, expr, call)]));
    context.report(report);
}

fn has_stars(call: &ast::ExprCall) -> bool {
    !call.arguments.args.is_empty() || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none())
}

fn field(stmt: &Stmt) -> Option<&str> {
    match stmt {
        Stmt::AnnAssign(assign) => last_name(&assign.target),
        _ => None,
    }
}

fn slots_argument(context: &Context<'_, '_>, decorator: &Expr, call: Option<&ast::ExprCall>) -> Edit {
    match call.map(|call| call.arguments.keywords.last()) {
        None => Edit::new(TextRange::empty(decorator.end()), "(slots=True)"),
        Some(Some(last)) => Edit::new(TextRange::empty(last.end()), ", slots=True"),
        Some(None) => {
            let open = context
                .tokens_in(decorator.range())
                .iter()
                .rev()
                .find(|token| token.kind() == crate::syntax::TokenKind::Lpar);
            Edit::new(TextRange::empty(open.map_or(decorator.end(), Ranged::end)), "slots=True")
        }
    }
}

static MANY_ATTRIBUTES: Rule = Rule {
    id: "MS303",
    name: "many-attributes",
    technique: Technique::CompactStructures,
    summary: "a class has so many attributes that each of its objects has a dict of its own",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "From 3.11 on an object holds its values itself, up to 29 attributes (30 from 3.14). With one more it gets a dict, with room for twice as many \
              keys.",
        bad: "class Row:\n    def __init__(self, cells):\n        self.c0 = cells[0]\n        ...\n        self.c29 = cells[29]",
        good: "class Row:\n    __slots__ = (\"cells\",)\n\n    def __init__(self, cells):\n        self.cells = cells",
        unless: &["There are few of them: it needs a heap that counts them.", "The class has slots."],
        figures: "3.11 and 3.12: 1,360 B an object, 3.13: 1,632 B, from 3.14 on 880 B, against 56 B with one attribute less.",
    },
    checks: &[Check::Class(many_attributes)],
};

fn many_attributes<'a>(context: &mut Context<'a, '_>, _: NodeId, class: &'a ast::StmtClassDef) {
    let most = if context.target < PythonVersion::PY314 { 29 } else { 30 };
    let has_slots = context.project.classes(&class.name).iter().any(|facts| facts.has_slots);
    if has_slots {
        return;
    }
    let mut names: BTreeSet<&str> = attributes(context, class).into_iter().collect();
    let is_dataclass = class.decorator_list.iter().any(|it| last_name(&it.expression) == Some("dataclass"));
    if is_dataclass {
        names.extend(class.body.iter().filter_map(field));
    }
    if names.len() <= most {
        return;
    }
    let mut report = Report::new(
        class.name.range(),
        format!(
            "each `{}` has {} attributes, and so a dict of its own: {most} fit into an object",
            class.name,
            names.len()
        ),
        "`__slots__`, or put those that belong together into one attribute",
        "1,360 B an object (3.11, 3.12), 1,632 B (3.13), 880 B (from 3.14)",
    );
    report.saves = Saves::Now;
    report.confidence = confidence(context, class);
    context.report(report);
}
