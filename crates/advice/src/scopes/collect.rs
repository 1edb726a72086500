//! The two passes: collect what binds and uses names, then give each to its scope.

use rustc_hash::FxHashMap;

use super::{Bind, BindKind, Scope, ScopeId, ScopeKind, Scopes};
use crate::nodes::{NodeId, Nodes};
use crate::syntax::{AnyNodeRef, Expr, ast};

/// A name somewhere.
struct Seen<'a> {
    scope: ScopeId,
    name: &'a str,
    node: NodeId,
    /// None: it is read.
    bind: Option<BindKind>,
}

#[derive(Clone, Copy, PartialEq)]
enum Declared {
    Global,
    Nonlocal,
}

/// What the first pass found.
pub(super) struct Collected<'a> {
    scopes: Scopes<'a>,
    seen: Vec<Seen<'a>>,
    declared: FxHashMap<(ScopeId, &'a str), Declared>,
}

pub(super) fn collect<'a>(nodes: &Nodes<'a>) -> Collected<'a> {
    let scopes = Scopes {
        scopes: Vec::new(),
        symbols: Vec::new(),
        of_node: Vec::new(),
        meaning: FxHashMap::default(),
        opened: FxHashMap::default(),
    };
    let mut collected = Collected { scopes, seen: Vec::new(), declared: FxHashMap::default() };
    collected.open(ScopeKind::Module, NodeId::ROOT, None);
    for id in nodes.all() {
        let scope = collected.place(nodes, id);
        collected.scopes.of_node.push(scope);
        collected.enter(nodes, id, scope);
        collected.names(nodes, id, scope);
    }
    collected
}

impl<'a> Collected<'a> {
    fn open(&mut self, kind: ScopeKind, node: NodeId, parent: Option<ScopeId>) {
        let id = ScopeId(self.scopes.scopes.len() as u32);
        self.scopes.scopes.push(Scope { kind, node, parent, is_opaque: false, symbols: FxHashMap::default() });
        self.scopes.opened.insert(node, id);
    }

    /// The scope in which a node is evaluated: its parent's, or the one that its parent opens.
    fn place(&self, nodes: &Nodes<'a>, id: NodeId) -> ScopeId {
        if id == NodeId::ROOT {
            return ScopeId::MODULE;
        }
        let parent = nodes.parent(id);
        let outer = self.scopes.of_node(parent);
        let inner = || self.scopes.opened_by(parent).unwrap_or(outer);
        let node = nodes.node(id);
        match nodes.node(parent) {
            // Decorators, defaults, annotations and bases are evaluated outside.
            AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_) if node.is_statement() => inner(),
            AnyNodeRef::ExprLambda(_) if node.is_expression() => inner(),
            AnyNodeRef::ExprListComp(_)
            | AnyNodeRef::ExprSetComp(_)
            | AnyNodeRef::ExprDictComp(_)
            | AnyNodeRef::ExprGenerator(_) => inner(),
            // So is what the first `for` of a comprehension goes through.
            AnyNodeRef::Comprehension(comprehension) if nodes.of_expr_is(&comprehension.iter, id) => {
                let whole = nodes.parent(parent);
                let is_first =
                    generators(nodes.node(whole)).first().is_some_and(|first| std::ptr::eq(first, comprehension));
                if is_first { self.scopes.of_node(whole) } else { outer }
            }
            _ => outer,
        }
    }

    fn enter(&mut self, nodes: &Nodes<'a>, id: NodeId, scope: ScopeId) {
        let kind = match nodes.node(id) {
            AnyNodeRef::StmtFunctionDef(_) => ScopeKind::Function,
            AnyNodeRef::StmtClassDef(_) => ScopeKind::Class,
            AnyNodeRef::ExprLambda(_) => ScopeKind::Lambda,
            AnyNodeRef::ExprListComp(_)
            | AnyNodeRef::ExprSetComp(_)
            | AnyNodeRef::ExprDictComp(_)
            | AnyNodeRef::ExprGenerator(_) => ScopeKind::Comprehension,
            _ => return,
        };
        self.open(kind, id, Some(scope));
    }

    fn bind(&mut self, scope: ScopeId, name: &'a str, node: NodeId, kind: BindKind) {
        self.seen.push(Seen { scope, name, node, bind: Some(kind) });
    }

    /// What a node binds or uses.
    fn names(&mut self, nodes: &Nodes<'a>, id: NodeId, scope: ScopeId) {
        match nodes.node(id) {
            AnyNodeRef::ExprName(name) => self.name(nodes, id, scope, name),
            AnyNodeRef::StmtFunctionDef(def) => self.bind(scope, def.name.as_str(), id, BindKind::Function),
            AnyNodeRef::StmtClassDef(def) => self.bind(scope, def.name.as_str(), id, BindKind::Class),
            AnyNodeRef::Parameter(parameter) => {
                let owner = nodes.ancestors(id).find_map(|at| self.scopes.opened_by(at));
                self.bind(owner.unwrap_or(scope), parameter.name.as_str(), id, BindKind::Parameter);
            }
            AnyNodeRef::Alias(alias) => self.alias(nodes, id, scope, alias),
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                self.optional(scope, handler.name.as_ref(), id, BindKind::Except)
            }
            AnyNodeRef::PatternMatchAs(pattern) => self.optional(scope, pattern.name.as_ref(), id, BindKind::Capture),
            AnyNodeRef::PatternMatchStar(pattern) => self.optional(scope, pattern.name.as_ref(), id, BindKind::Capture),
            AnyNodeRef::PatternMatchMapping(pattern) => {
                self.optional(scope, pattern.rest.as_ref(), id, BindKind::Capture)
            }
            AnyNodeRef::TypeParamTypeVar(parameter) => self.type_parameter(id, scope, &parameter.name),
            AnyNodeRef::TypeParamTypeVarTuple(parameter) => self.type_parameter(id, scope, &parameter.name),
            AnyNodeRef::TypeParamParamSpec(parameter) => self.type_parameter(id, scope, &parameter.name),
            AnyNodeRef::StmtGlobal(global) => self.declare(scope, &global.names, Declared::Global),
            AnyNodeRef::StmtNonlocal(nonlocal) => self.declare(scope, &nonlocal.names, Declared::Nonlocal),
            _ => {}
        }
    }

    fn optional(&mut self, scope: ScopeId, name: Option<&'a ast::Identifier>, id: NodeId, kind: BindKind) {
        if let Some(name) = name {
            self.bind(scope, name.as_str(), id, kind);
        }
    }

    fn declare(&mut self, scope: ScopeId, names: &'a [ast::Identifier], as_what: Declared) {
        for name in names {
            self.declared.insert((scope, name.as_str()), as_what);
        }
    }

    /// Seen in what it is a parameter of, and outside of it only by chance: there is no harm in a symbol too many.
    fn type_parameter(&mut self, id: NodeId, scope: ScopeId, name: &'a ast::Identifier) {
        self.bind(scope, name.as_str(), id, BindKind::TypeParameter);
    }

    fn alias(&mut self, nodes: &Nodes<'a>, id: NodeId, scope: ScopeId, alias: &'a ast::Alias) {
        let is_from = matches!(nodes.node(nodes.parent(id)), AnyNodeRef::StmtImportFrom(_));
        let name = match &alias.asname {
            Some(name) => name.as_str(),
            None if is_from => alias.name.as_str(),
            None => alias.name.as_str().split('.').next().unwrap_or_default(),
        };
        if name == "*" {
            self.scopes.scopes[ScopeId::MODULE.0 as usize].is_opaque = true;
        } else {
            self.bind(scope, name, id, BindKind::Import);
        }
    }

    fn name(&mut self, nodes: &Nodes<'a>, id: NodeId, scope: ScopeId, name: &'a ast::ExprName) {
        let text = name.id.as_str();
        if name.ctx == ast::ExprContext::Load || name.ctx == ast::ExprContext::Invalid {
            self.seen.push(Seen { scope, name: text, node: id, bind: None });
            return;
        }
        let kind = bind_kind(nodes, id);
        let scope = if kind == BindKind::Walrus { self.outside_comprehensions(scope) } else { scope };
        self.bind(scope, text, id, kind);
        if kind == BindKind::Augmented {
            self.seen.push(Seen { scope, name: text, node: id, bind: None });
        }
    }

    fn outside_comprehensions(&self, mut scope: ScopeId) -> ScopeId {
        while let Scope { kind: ScopeKind::Comprehension, parent: Some(parent), .. } = self.scopes.scope(scope) {
            scope = *parent;
        }
        scope
    }

    /// The second pass.
    pub(super) fn resolved(mut self, nodes: &Nodes<'a>) -> Scopes<'a> {
        let seen = std::mem::take(&mut self.seen);
        for one in seen.iter().filter(|one| one.bind.is_some()) {
            self.bound(one);
        }
        for one in &seen {
            self.used(one);
        }
        self.mark_opaque(nodes, &seen);
        self.scopes
    }

    fn bound(&mut self, one: &Seen<'a>) {
        let Some(kind) = one.bind else { return };
        let declared = self.declared.get(&(one.scope, one.name)).copied();
        let owner = match declared {
            Some(Declared::Global) => ScopeId::MODULE,
            Some(Declared::Nonlocal) => self.enclosing(one.scope, one.name),
            None => one.scope,
        };
        let symbol = self.scopes.symbol_in(owner, one.name);
        let symbol = &mut self.scopes.symbols[symbol.0 as usize];
        symbol.binds.push(Bind { kind, node: one.node });
        symbol.is_captured |= declared.is_some();
    }

    /// The function around a scope that `nonlocal` means: the nearest that binds the name itself.
    fn enclosing(&self, scope: ScopeId, name: &'a str) -> ScopeId {
        let mut at = self.scopes.scope(scope).parent;
        while let Some(id) = at {
            let this = self.scopes.scope(id);
            let is_own = this.symbols.contains_key(name) && !self.declared.contains_key(&(id, name));
            if is_own && this.kind != ScopeKind::Class && this.kind != ScopeKind::Module {
                return id;
            }
            at = this.parent;
        }
        scope
    }

    fn used(&mut self, one: &Seen<'a>) {
        let from = match self.declared.get(&(one.scope, one.name)) {
            Some(Declared::Global) => ScopeId::MODULE,
            Some(Declared::Nonlocal) => self.enclosing(one.scope, one.name),
            None => one.scope,
        };
        let Some(id) = self.scopes.find(from, one.name) else { return };
        self.scopes.meaning.insert(one.node, id);
        let here = self.scopes.function_of(one.scope);
        let there = self.scopes.function_of(self.scopes.symbol(id).scope);
        let symbol = &mut self.scopes.symbols[id.0 as usize];
        if one.bind.is_none() {
            symbol.uses.push(one.node);
        }
        symbol.is_captured |= here != there;
    }

    /// A function whose names are read by `locals()` and the like.
    fn mark_opaque(&mut self, nodes: &Nodes<'a>, seen: &[Seen<'a>]) {
        for one in seen.iter().filter(|one| one.bind.is_none()) {
            let is_name = matches!(one.name, "locals" | "vars" | "exec" | "eval" | "dir" | "globals" | "breakpoint");
            if !is_name || self.scopes.meaning.contains_key(&one.node) {
                continue;
            }
            // `vars(thing)` and `dir(thing)` read no names.
            let takes_something = match nodes.node(nodes.parent(one.node)) {
                AnyNodeRef::ExprCall(call) => !call.arguments.is_empty(),
                _ => false,
            };
            if takes_something && matches!(one.name, "vars" | "dir") {
                continue;
            }
            let scope = self.scopes.function_of(one.scope).unwrap_or(one.scope);
            // What a module's `exec` does is its own names' business, and no star import.
            if scope != ScopeId::MODULE {
                self.scopes.scopes[scope.0 as usize].is_opaque = true;
            }
        }
    }
}

/// The `for`s of a comprehension.
pub(crate) fn generators<'a>(node: AnyNodeRef<'a>) -> &'a [ast::Comprehension] {
    match node {
        AnyNodeRef::ExprListComp(comp) => &comp.generators,
        AnyNodeRef::ExprSetComp(comp) => &comp.generators,
        AnyNodeRef::ExprDictComp(comp) => &comp.generators,
        AnyNodeRef::ExprGenerator(comp) => &comp.generators,
        _ => &[],
    }
}

/// What binds a name that stands where values go.
fn bind_kind(nodes: &Nodes<'_>, id: NodeId) -> BindKind {
    for at in nodes.ancestors(id) {
        return match nodes.node(at) {
            AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprList(_) | AnyNodeRef::ExprStarred(_) => continue,
            AnyNodeRef::StmtAugAssign(_) => BindKind::Augmented,
            AnyNodeRef::StmtAnnAssign(assign) if assign.value.is_none() => BindKind::Declared,
            AnyNodeRef::StmtFor(_) => BindKind::Loop,
            AnyNodeRef::Comprehension(_) => BindKind::Comprehension,
            AnyNodeRef::WithItem(_) => BindKind::With,
            AnyNodeRef::ExprNamed(_) => BindKind::Walrus,
            AnyNodeRef::StmtDelete(_) => BindKind::Delete,
            _ => BindKind::Assign,
        };
    }
    BindKind::Assign
}

impl Nodes<'_> {
    fn of_expr_is(&self, expr: &Expr, id: NodeId) -> bool {
        self.of_expr(expr) == id
    }
}

#[cfg(test)]
mod tests {
    use crate::scopes::{BindKind, Semantics};
    use crate::syntax::{Parsed, PythonVersion};

    /// `name: kinds, uses, captured` of each symbol.
    fn symbols(text: &str) -> Vec<(String, Vec<BindKind>, usize, bool)> {
        let parsed = Parsed::new(text, PythonVersion::PY313);
        let semantics = Semantics::new(parsed.tree().unwrap());
        let rows = semantics.scopes.symbols.iter();
        rows.map(|symbol| {
            let kinds = symbol.binds.iter().map(|bind| bind.kind).collect();
            (symbol.name.to_owned(), kinds, symbol.uses.len(), symbol.is_captured)
        })
        .collect()
    }

    fn row(text: &str, name: &str) -> (Vec<BindKind>, usize, bool) {
        let found: Vec<_> = symbols(text).into_iter().filter(|row| row.0 == name).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        (found[0].1.clone(), found[0].2, found[0].3)
    }

    #[test]
    fn functions_do_not_see_what_their_class_binds() {
        let text = "class A:\n    x = 1\n    def f(self):\n        return x\n    y = [x for _ in x]\n";
        // `x` of the first `for` alone is the class's.
        assert_eq!(row(text, "x"), (vec![BindKind::Assign], 1, false));
    }

    #[test]
    fn global_and_nonlocal_bind_outside() {
        let text =
            "def f():\n    n = 0\n    def g():\n        nonlocal n\n        global m\n        n += 1\n        m = n\n";
        assert_eq!(row(text, "n"), (vec![BindKind::Assign, BindKind::Augmented], 2, true));
        assert_eq!(row(text, "m"), (vec![BindKind::Assign], 0, true));
    }

    #[test]
    fn a_walrus_binds_outside_of_its_comprehension() {
        let text = "def f(xs):\n    ys = [last := x for x in xs]\n    return last\n";
        assert_eq!(row(text, "last"), (vec![BindKind::Walrus], 1, false));
    }

    #[test]
    fn defaults_and_decorators_are_read_outside() {
        let text = "x = 1\n@x\ndef f(x=x, *, y: x = 2) -> x:\n    return x\n";
        let found: Vec<_> = symbols(text).into_iter().filter(|row| row.0 == "x").collect();
        assert_eq!((found[0].2, found[1].2), (4, 1), "{found:?}");
    }

    #[test]
    fn names_are_told_in_full() {
        let text = "import csv, os.path as p\nfrom json import loads as read\nfrom .a import b\nsum\ncsv.reader\np.join\nread\nb\n\
                    def f(sum):\n    sum\nlist = 1\nlist\n";
        let parsed = Parsed::new(text, PythonVersion::PY313);
        let semantics = Semantics::new(parsed.tree().unwrap());
        let body = &parsed.tree().unwrap().body;
        let name = |at: usize| semantics.qualified(&body[at].as_expr_stmt().unwrap().value);
        let names: Vec<_> = (3..8).map(name).collect();
        let expected = ["builtins.sum", "csv.reader", "os.path.join", "json.loads", ".a.b"];
        assert_eq!(names, expected.map(|name| Some(name.to_owned())));
        let function = body[8].as_function_def_stmt().unwrap();
        assert_eq!(semantics.qualified(&function.body[0].as_expr_stmt().unwrap().value), None);
        assert_eq!(name(10), None);
    }
}
