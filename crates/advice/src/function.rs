//! Where functions and classes stand: a finding is known again by the one that it is in, wherever that has moved.

use crate::scopes::Semantics;
use crate::source::Source;
use crate::syntax::{AnyNodeRef, Ranged};

/// A function or a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its qualified name as far as the source tells, `Log.read`; functions in functions without `<locals>`.
    pub name: String,
    /// Its first line: that of its first decorator.
    pub first: u32,
    /// Its last line.
    pub last: u32,
}

/// Those of a file, in the order of the source: one in another follows it.
pub(crate) fn functions(source: &Source, semantics: &Semantics<'_>) -> Vec<Function> {
    let nodes = &semantics.nodes;
    let mut found: Vec<Function> = Vec::new();
    // Those that are open, by their places in `found`.
    let mut open: Vec<usize> = Vec::new();
    for id in nodes.all() {
        let (name, range) = match nodes.node(id) {
            AnyNodeRef::StmtFunctionDef(def) => (&def.name, def.range()),
            AnyNodeRef::StmtClassDef(class) => (&class.name, class.range()),
            _ => continue,
        };
        let (first, last) = (source.position(range.start()).line, source.position(range.end()).line);
        while open.last().is_some_and(|at| found[*at].last < first) {
            open.pop();
        }
        let outer = open.last().map(|at| format!("{}.", found[*at].name)).unwrap_or_default();
        open.push(found.len());
        found.push(Function { name: outer + name.as_str(), first, last });
    }
    found
}

impl super::FileReport {
    /// The innermost function or class around a line; empty for the module.
    pub fn function_at(&self, line: u32) -> &str {
        let behind = self.functions.partition_point(|function| function.first <= line);
        let around = self.functions[..behind].iter().rev().find(|function| line <= function.last);
        around.map_or("", |function| &function.name)
    }
}
