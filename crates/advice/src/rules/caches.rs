//! MS403, MS404: caches of functions that keep everything they were ever asked.

use memsight_model::Confidence;

use super::places::{class_of, is_name_of_few, last_name, self_name};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::Handling;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::{Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&CACHE_UNBOUNDED, &CACHED_METHOD];

static CACHE_UNBOUNDED: Rule = Rule {
    id: "MS403",
    name: "cache-unbounded",
    technique: Technique::FreeExplicitly,
    summary: "a cache without a largest size keeps every argument and every result",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "`functools.cache` and `lru_cache(maxsize=None)` never forget. A function that is asked with texts, numbers or objects that come from \
              outside keeps an entry, the arguments and the result of each for as long as the program runs.",
        bad: "@functools.cache\ndef parse(line: str):\n    return Record(line)",
        good: "@functools.lru_cache(maxsize=1024)\ndef parse(line: str):\n    return Record(line)",
        unless: &[
            "The function has no parameters, or only ones of which there are few values: `bool`, enumerations, literals, classes, modules.",
            "Somewhere in the project its cache is cleared.",
            "It needs a heap that shows how many entries there are: of names of modules, formats and settings there are few, and no line says so.",
        ],
        figures: "An entry takes 30 B with one argument that is an int or str, 86 B with two (94 from 3.14), and besides the arguments and the \
                  result; with `maxsize` 86 and 136 to 144 B, but no more entries than that.",
    },
    checks: &[Check::Function(cache_unbounded)],
};

/// The expression of a decorator that caches, and the largest size that it says.
fn cache<'a>(context: &Context<'a, '_>, def: &'a ast::StmtFunctionDef) -> Option<(&'a Expr, Size<'a>)> {
    def.decorator_list.iter().find_map(|decorator| {
        let expr = &decorator.expression;
        let (function, call) = match expr {
            Expr::Call(call) => (&*call.func, Some(call)),
            _ => (expr, None),
        };
        match (context.qualified(function)?.as_str(), call) {
            ("functools.cache", None) => Some((expr, Size::Forever)),
            ("functools.lru_cache", None) => Some((expr, Size::Bounded)),
            ("functools.lru_cache", Some(call)) => match call.arguments.find_argument_value("maxsize", 0) {
                Some(none) if none.is_none_literal_expr() => Some((expr, Size::None(none))),
                _ => Some((expr, Size::Bounded)),
            },
            _ => None,
        }
    })
}

#[derive(Clone, Copy)]
enum Size<'a> {
    /// `cache`.
    Forever,
    /// `lru_cache(None)`, with its `None`.
    None(&'a Expr),
    /// Anything else.
    Bounded,
}

fn cache_unbounded<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    let Some((decorator, size)) = cache(context, def) else { return };
    let is_method = class_of(context, id).is_some() && self_name(def).is_some();
    if matches!(size, Size::Bounded) || is_method || asked_few_things(context, def) || is_cleared(context, def) {
        return;
    }
    // Made anew whenever the function around it is called.
    if context.scopes().function_of(context.scopes().of_node(id)).is_some() {
        return;
    }
    let mut report = Report::new(
        decorator.range(),
        format!("the cache of `{}` keeps every argument that it was ever called with, and every result", def.name),
        "lru_cache(maxsize=1024)",
        "an entry: 30 B with one int or str, 86 B with two arguments, and the arguments and the result",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Medium;
    report.but = "what was forgotten is computed again, and is another object than before".to_owned();
    report.fix = bounded(context, decorator, size).map(|edits| Fix::new(Safety::Unsafe, edits));
    context.report(report);
}

/// The edits that give a cache a largest size.
fn bounded(context: &Context<'_, '_>, decorator: &Expr, size: Size<'_>) -> Option<Vec<Edit>> {
    match (size, decorator) {
        (Size::None(none), _) => Some(vec![Edit::new(none.range(), "1024")]),
        // `functools.cache`: the other one is there under the same name.
        (Size::Forever, Expr::Attribute(attribute)) => {
            Some(vec![Edit::new(attribute.attr.range(), "lru_cache(maxsize=1024)")])
        }
        (Size::Forever, _) => {
            let module = context.scopes().lookup(crate::scopes::ScopeId::MODULE, "lru_cache")?;
            let binds = &context.scopes().symbol(module).binds;
            let is_it = |node| crate::scopes::imported(context.nodes(), node).as_deref() == Some("functools.lru_cache");
            binds
                .iter()
                .all(|bind| is_it(bind.node))
                .then(|| vec![Edit::new(decorator.range(), "lru_cache(maxsize=1024)")])
        }
        (Size::Bounded, _) => None,
    }
}

/// Whether all parameters are of types that have few values.
fn asked_few_things(context: &Context<'_, '_>, def: &ast::StmtFunctionDef) -> bool {
    def.parameters.iter().all(|parameter| {
        let parameter = parameter.as_parameter();
        let few = match &parameter.annotation {
            Some(annotation) => has_few_values(context.text(annotation.range())),
            None => false,
        };
        few || is_name_of_few(parameter.name.as_str())
    })
}

/// Types with few values, as they are written.
fn has_few_values(annotation: &str) -> bool {
    let names = annotation.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let few = ["bool", "type", "Type", "Literal", "ModuleType", "None"];
    let unions = ["Optional", "Union", "t", "typing", "types", "T", "Any", "object"];
    let named: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let first = named.iter().find(|name| !unions.contains(name));
    first.is_some_and(|name| {
        few.contains(name) || name.ends_with("Enum") || name.ends_with("Type") || name.ends_with("Flag")
    })
}

/// Whether `name.cache_clear` stands somewhere: its author thinks of it.
fn is_cleared(context: &Context<'_, '_>, def: &ast::StmtFunctionDef) -> bool {
    context.project.handling(def.name.as_str()).has(Handling::CLEARED)
}

static CACHED_METHOD: Rule = Rule {
    id: "MS404",
    name: "cached-method",
    technique: Technique::FreeExplicitly,
    summary: "a cache on a method keeps every object that it was called on",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A method is one function for all objects of a class, so its cache is one for all of them. Its key has `self` in it: each object that \
              was ever asked stays alive, with all it holds, when nothing else refers to it any more.",
        bad: "class Report:\n    @functools.cache\n    def total(self):\n        return sum(self.rows)",
        good: "class Report:\n    @functools.cached_property\n    def total(self):\n        return sum(self.rows)",
        unless: &[
            "The method is a class method or a static one, or the class is an enumeration.",
            "The size of the cache is bounded: `lru_cache` alone keeps 128 entries.",
            "All objects of the class are made where a module is imported.",
            "Somewhere in the project its cache is cleared.",
        ],
        figures: "An entry of 30 to 86 B, and all that the object alone holds.",
    },
    checks: &[Check::Function(cached_method)],
};

fn cached_method<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    let Some((decorator, size)) = cache(context, def) else { return };
    let Some((_, class)) = class_of(context, id) else { return };
    if matches!(size, Size::Bounded)
        || self_name(def).is_none()
        || is_of_few(context, class)
        || is_cleared(context, def)
    {
        return;
    }
    let takes_more = def.parameters.len() > 1;
    let advice = if takes_more {
        "keep a dict in the object itself, or cache a function that is given the parts it needs"
    } else {
        "use `functools.cached_property`, which keeps the result in the object itself"
    };
    let mut report = Report::new(
        decorator.range(),
        format!("the cache of `{}` keeps every `{}` that it was ever called on", def.name, class.name),
        advice,
        "an entry of 30 to 86 B, and all that the object alone holds",
    );
    report.saves = Saves::Now;
    context.report(report);
}

/// Whether a class is an enumeration, or its objects are all made at import.
fn is_of_few(context: &Context<'_, '_>, class: &ast::StmtClassDef) -> bool {
    let is_enum = |base: &Expr| {
        last_name(base)
            .is_some_and(|name| name.ends_with("Enum") || name.ends_with("Flag") || name.ends_with("Choices"))
    };
    // Objects of a metaclass are classes.
    let is_meta =
        class.bases().iter().any(|base| last_name(base).is_some_and(|name| name == "type" || name.ends_with("Meta")));
    let made = context.project.handling(class.name.as_str());
    let at_import = made.has(Handling::MADE_AT_IMPORT) && !made.has(Handling::MADE_IN_FUNCTION);
    class.bases().iter().any(is_enum) || is_meta || at_import
}
