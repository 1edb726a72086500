//! Names of modules in fixes: how they are written where they are needed, and the line that imports them.

use crate::context::Context;
use crate::edit::Edit;
use crate::nodes::NodeId;
use crate::scopes::ScopeId;
use crate::syntax::{AnyNodeRef, Ranged, Stmt, TextRange, ast};

/// How a module is imported where nothing imports it yet.
#[derive(Clone, Copy)]
pub(super) enum Style {
    /// `import sys`, and then `sys.intern`.
    Module,
    /// `from array import array`.
    Name,
}

/// How `name` of `module` is written at a node, with the edit that imports it where it is not imported yet. None where the name
/// means something else there.
pub(super) fn spelled(
    context: &Context<'_, '_>,
    at: NodeId,
    module: &str,
    name: &str,
    style: Style,
) -> Option<(String, Option<Edit>)> {
    let scope = context.scopes().of_node(at);
    if let Some(known) = imported(context, scope, module, name) {
        return Some((known, None));
    }
    let (bound, line, text) = match style {
        Style::Module => (module, format!("import {module}"), format!("{module}.{name}")),
        Style::Name => (name, format!("from {module} import {name}"), name.to_owned()),
    };
    context
        .scopes()
        .is_builtin(scope, bound)
        .then(|| first_import(context, &line))
        .flatten()
        .map(|edit| (text, Some(edit)))
}

/// The name under which the module itself imports something, if that is what it means in a scope.
fn imported(context: &Context<'_, '_>, scope: ScopeId, module: &str, name: &str) -> Option<String> {
    let means_it = |bound: &str| {
        let symbol = context.scopes().lookup(scope, bound).map(|symbol| context.scopes().symbol(symbol));
        symbol.is_some_and(|symbol| {
            matches!(&*symbol.binds, [bind] if matches!(context.nodes().node(bind.node), AnyNodeRef::Alias(_)))
        })
    };
    let bound = |alias: &ast::Alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string();
    let nodes = context.nodes();
    let at_top = nodes.all().filter(|id| nodes.parent(*id) == NodeId::ROOT);
    let mut found = at_top.filter_map(|id| match nodes.node(id) {
        AnyNodeRef::StmtImport(import) => {
            let alias = import.names.iter().find(|alias| alias.name.as_str() == module)?;
            let bound = bound(alias);
            means_it(&bound).then(|| format!("{bound}.{name}"))
        }
        AnyNodeRef::StmtImportFrom(from) if from.level == 0 && from.module.as_deref() == Some(module) => {
            let alias = from.names.iter().find(|alias| alias.name.as_str() == name)?;
            let bound = bound(alias);
            means_it(&bound).then_some(bound)
        }
        _ => None,
    });
    found.next()
}

/// The edit that puts a line before the first import, or else before the first statement; behind what must come first.
fn first_import(context: &Context<'_, '_>, line: &str) -> Option<Edit> {
    let AnyNodeRef::ModModule(module) = context.nodes().node(NodeId::ROOT) else { return None };
    let is_first = |at: usize, stmt: &Stmt| match stmt {
        Stmt::Expr(expr) => at == 0 && expr.value.is_string_literal_expr(),
        Stmt::ImportFrom(from) => from.module.as_deref() == Some("__future__"),
        _ => false,
    };
    let rest = || module.body.iter().enumerate().filter(|(at, stmt)| !is_first(*at, stmt)).map(|(_, stmt)| stmt);
    let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
    let (before, is_alone) = match rest().find(is_import) {
        Some(import) => (import, false),
        None => (rest().next()?, true),
    };
    let start = context.source.line_range(context.source.position(before.start()).line).start();
    let newline = context.source.newline();
    let gap = if is_alone { newline } else { "" };
    // What stands behind a semicolon has no line of its own.
    (start == before.start()).then(|| Edit::new(TextRange::empty(start), format!("{line}{newline}{gap}")))
}
