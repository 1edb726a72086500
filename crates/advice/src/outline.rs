//! What a file defines and where, as the interpreter numbers it: what code objects and classes of a program are found by.

use crate::nodes::NodeId;
use crate::scopes::Semantics;
use crate::source::Source;
use crate::syntax::{AnyNodeRef, Ranged, TextRange, ast};

/// Functions and classes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// In the order of the source.
    pub definitions: Vec<Definition>,
}

/// A function or a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its qualified name: `Loader.load`, `main.<locals>.inner`.
    pub name: String,
    /// It is a class.
    pub is_class: bool,
    /// The line of its first decorator, or its own: what `co_firstlineno` has.
    pub first_line: u32,
    /// The line of `def` or `class`.
    pub line: u32,
    /// Its last line.
    pub last_line: u32,
    /// Of a class: its attributes that methods store in its objects, with the line of the first store.
    pub stores: Vec<(String, u32)>,
}

impl Outline {
    pub(crate) fn of(semantics: &Semantics<'_>, source: &Source) -> Outline {
        let mut definitions: Vec<Definition> = Vec::new();
        for id in semantics.nodes.all() {
            let node = semantics.nodes.node(id);
            let (name, is_class) = match node {
                AnyNodeRef::StmtFunctionDef(def) => (&def.name, false),
                AnyNodeRef::StmtClassDef(class) => (&class.name, true),
                _ => continue,
            };
            let line = |range: TextRange| source.position(range.start()).line;
            let stores = match node {
                AnyNodeRef::StmtClassDef(class) => stores(semantics, source, class),
                _ => Vec::new(),
            };
            definitions.push(Definition {
                name: qualified(semantics, id, name.as_str()),
                is_class,
                first_line: line(node.range()),
                line: line(name.range()),
                last_line: source.position(node.range().end()).line,
                stores,
            });
        }
        Outline { definitions }
    }

    /// The innermost function or class around a line; empty for the module.
    pub fn around(&self, line: u32) -> &str {
        let behind = self.definitions.partition_point(|definition| definition.first_line <= line);
        let around = self.definitions[..behind].iter().rev().find(|definition| line <= definition.last_line);
        around.map_or("", |definition| &definition.name)
    }

    /// Whether a code object of this name (qualified, or the last part of it) and first line is one of this file.
    pub fn has_code(&self, name: &str, first_line: u32) -> bool {
        let last = name.rsplit('.').next().unwrap_or(name);
        // What has no name of its own is a part of what has one.
        if last.starts_with('<') {
            return true;
        }
        let fits = |of: &Definition| {
            let is_named = of.name == name || (!name.contains('.') && of.name.rsplit('.').next() == Some(name));
            is_named && (of.first_line == first_line || of.line == first_line)
        };
        self.definitions.iter().any(fits)
    }

    /// The class of this qualified name.
    pub fn class(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|of| of.is_class && of.name == name)
    }

    /// The class that is defined on a line.
    pub fn class_at(&self, line: u32) -> Option<&Definition> {
        self.definitions.iter().find(|of| of.is_class && of.line == line)
    }
}

/// Lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lines {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

/// The lines that make what a finding is about: of a function all of it, of a name that is bound its whole statement.
pub(crate) fn lines(found: TextRange, semantics: &Semantics<'_>, source: &Source) -> Lines {
    let nodes = &semantics.nodes;
    let function = nodes.starting_at(found.start()).find_map(|id| match nodes.node(id) {
        AnyNodeRef::StmtFunctionDef(def) if found.end() < def.end() => Some(def.range()),
        AnyNodeRef::StmtAssign(assign) if found.end() < assign.end() => Some(assign.range()),
        AnyNodeRef::StmtAnnAssign(assign) if found.end() < assign.end() => Some(assign.range()),
        _ => None,
    });
    let range = function.unwrap_or(found);
    Lines { first: source.position(range.start()).line, last: source.position(range.end()).line }
}

fn qualified(semantics: &Semantics<'_>, id: NodeId, name: &str) -> String {
    let mut parts = vec![name.to_owned()];
    for at in semantics.nodes.ancestors(id) {
        match semantics.nodes.node(at) {
            AnyNodeRef::StmtFunctionDef(def) => parts.push(format!("{}.<locals>", def.name)),
            AnyNodeRef::StmtClassDef(class) => parts.push(class.name.to_string()),
            _ => {}
        }
    }
    parts.reverse();
    parts.join(".")
}

fn stores(semantics: &Semantics<'_>, source: &Source, class: &ast::StmtClassDef) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = Vec::new();
    for stmt in &class.body {
        let ast::Stmt::FunctionDef(def) = stmt else { continue };
        let Some(own) = def.parameters.posonlyargs.first().or(def.parameters.args.first()) else { continue };
        for at in semantics.nodes.within(semantics.nodes.of_stmt(stmt)) {
            let AnyNodeRef::ExprAttribute(attribute) = semantics.nodes.node(at) else { continue };
            let is_own = matches!(&*attribute.value, ast::Expr::Name(name) if name.id == own.parameter.name.id);
            if is_own && attribute.ctx.is_store() && found.iter().all(|(name, _)| *name != attribute.attr.as_str()) {
                found.push((attribute.attr.to_string(), source.position(attribute.start()).line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Parsed, PythonVersion};

    fn outline(text: &str) -> Outline {
        let source = Source::decode("a.py", text.as_bytes()).expect("text");
        let parsed = Parsed::new(source.text(), PythonVersion::PY313);
        Outline::of(&Semantics::new(parsed.tree().expect("a tree")), &source)
    }

    #[test]
    fn code_is_found_by_name_and_first_line() {
        let of = outline("class A:\n    @staticmethod\n    def f(x):\n        def g():\n            pass\n");
        assert!(
            of.has_code("A.f", 2) && of.has_code("f", 2) && of.has_code("A.f.<locals>.g", 4) && of.has_code("A", 1)
        );
        assert!(of.has_code("A.f.<locals>.<lambda>", 4) && of.has_code("<module>", 1));
        assert!(!of.has_code("A.f", 4) && !of.has_code("B.f", 2) && !of.has_code("h", 2));
    }

    #[test]
    fn stores_are_told_with_their_lines() {
        let of = outline(
            "class A:\n    def __init__(self):\n        self.x = []\n        self.y = self.x\n        self.x = 1\n",
        );
        assert_eq!(of.class("A").expect("a class").stores, [("x".to_owned(), 3), ("y".to_owned(), 4)]);
    }
}
