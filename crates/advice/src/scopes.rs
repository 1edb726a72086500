//! Which name means what: scopes, what binds a name in them, what uses it.
//!
//! Two passes over the flat table. The first opens scopes and collects names; the second gives each to the scope that
//! it belongs to, by the rules of the language reference ("Naming and binding", 3.8 to 3.15).

use rustc_hash::FxHashMap;

use crate::nodes::{NodeId, Nodes};
use crate::syntax::{AnyNodeRef, Expr, ast};

mod collect;

pub(crate) use collect::generators;

/// A scope of a module, in the order of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(u32);

impl ScopeId {
    pub(crate) const MODULE: ScopeId = ScopeId(0);
}

/// A name of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SymbolId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Function,
    Lambda,
    Comprehension,
}

/// What gives a name its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindKind {
    Import,
    Assign,
    Augmented,
    /// `x: int`, without a value.
    Declared,
    Loop,
    With,
    Except,
    Parameter,
    Function,
    Class,
    Walrus,
    Comprehension,
    Capture,
    TypeParameter,
    Delete,
}

#[derive(Debug, Clone, Copy)]
pub struct Bind {
    pub kind: BindKind,
    /// The name, parameter, alias or definition.
    pub node: NodeId,
}

pub struct Symbol<'a> {
    pub name: &'a str,
    pub scope: ScopeId,
    pub binds: Vec<Bind>,
    /// Names that read it, `x += 1` too.
    pub uses: Vec<NodeId>,
    /// Used or bound in a function inside of the scope, or by `global` or `nonlocal`.
    pub is_captured: bool,
}

pub struct Scope<'a> {
    pub(crate) kind: ScopeKind,
    /// The definition, comprehension or module.
    pub node: NodeId,
    pub parent: Option<ScopeId>,
    /// Names may be read or bound by what cannot be seen: `locals()`, `exec`, a star import.
    pub is_opaque: bool,
    symbols: FxHashMap<&'a str, SymbolId>,
}

/// All scopes of a module.
pub struct Scopes<'a> {
    pub scopes: Vec<Scope<'a>>,
    pub symbols: Vec<Symbol<'a>>,
    /// By node, the scope in which it is evaluated.
    of_node: Vec<ScopeId>,
    /// What names that are read mean; builtins are not in it.
    meaning: FxHashMap<NodeId, SymbolId>,
    /// By definition, the scope that it opens.
    opened: FxHashMap<NodeId, ScopeId>,
}

impl<'a> Scopes<'a> {
    pub fn new(nodes: &Nodes<'a>) -> Scopes<'a> {
        collect::collect(nodes).resolved(nodes)
    }

    pub fn scope(&self, id: ScopeId) -> &Scope<'a> {
        &self.scopes[id.0 as usize]
    }

    pub fn symbol(&self, id: SymbolId) -> &Symbol<'a> {
        &self.symbols[id.0 as usize]
    }

    /// The scope in which a node is evaluated.
    pub fn of_node(&self, node: NodeId) -> ScopeId {
        self.of_node[node.index()]
    }

    /// The scope that a definition opens.
    pub fn opened_by(&self, node: NodeId) -> Option<ScopeId> {
        self.opened.get(&node).copied()
    }

    /// The function or lambda in whose body a scope is; none in the module and in bodies of classes.
    pub fn function_of(&self, id: ScopeId) -> Option<ScopeId> {
        let mut at = id;
        loop {
            match self.scope(at).kind {
                ScopeKind::Function | ScopeKind::Lambda => return Some(at),
                ScopeKind::Module | ScopeKind::Class => return None,
                ScopeKind::Comprehension => at = self.scope(at).parent?,
            }
        }
    }

    /// What a name that is read or bound means; none for builtins and what cannot be told.
    pub fn meaning(&self, name: NodeId) -> Option<SymbolId> {
        self.meaning.get(&name).copied()
    }

    /// A name of the scope itself.
    pub fn lookup(&self, scope: ScopeId, name: &str) -> Option<SymbolId> {
        self.scope(scope).symbols.get(name).copied()
    }

    /// Names of a scope.
    pub fn symbols_of(&self, scope: ScopeId) -> impl Iterator<Item = SymbolId> + '_ {
        self.scope(scope).symbols.values().copied()
    }

    /// Whether a name that no scope binds may come from a star import.
    pub fn has_star_import(&self) -> bool {
        self.scope(ScopeId::MODULE).is_opaque
    }

    /// Whether a name, were it written in a scope, would mean the builtin.
    pub fn is_builtin(&self, scope: ScopeId, name: &str) -> bool {
        self.find(scope, name).is_none() && !self.has_star_import()
    }

    fn symbol_in(&mut self, scope: ScopeId, name: &'a str) -> SymbolId {
        let next = SymbolId(self.symbols.len() as u32);
        let id = *self.scopes[scope.0 as usize].symbols.entry(name).or_insert(next);
        if id == next {
            let symbol = Symbol { name, scope, binds: Vec::new(), uses: Vec::new(), is_captured: false };
            self.symbols.push(symbol);
        }
        id
    }

    /// Where a name that is read in `scope` was bound.
    fn find(&self, scope: ScopeId, name: &str) -> Option<SymbolId> {
        let mut at = Some(scope);
        while let Some(id) = at {
            let this = self.scope(id);
            // What a class binds is not seen from functions in it.
            if let Some(found) = this.symbols.get(name).filter(|_| id == scope || this.kind != ScopeKind::Class) {
                return Some(*found);
            }
            at = this.parent;
        }
        None
    }
}

/// What an alias of an import is called in full: `json.loads` for `from json import loads`. Relative imports keep their dots.
pub fn imported(nodes: &Nodes<'_>, alias: NodeId) -> Option<String> {
    let AnyNodeRef::Alias(node) = nodes.node(alias) else { return None };
    match nodes.node(nodes.parent(alias)) {
        // `import a.b` binds `a`.
        AnyNodeRef::StmtImport(_) if node.asname.is_none() => node.name.as_str().split('.').next().map(str::to_owned),
        AnyNodeRef::StmtImport(_) => Some(node.name.to_string()),
        AnyNodeRef::StmtImportFrom(from) => {
            let module = from.module.as_ref().map_or("", |module| module.as_str());
            let dot = if module.is_empty() { "" } else { "." };
            Some(format!("{}{module}{dot}{}", ".".repeat(from.level as usize), node.name))
        }
        _ => None,
    }
}

/// Names of the module `builtins`, 3.8 to 3.15, in order.
const BUILTINS: [&str; 146] = [
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Ellipsis",
    "EncodingWarning",
    "EnvironmentError",
    "Exception",
    "ExceptionGroup",
    "False",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "None",
    "NotADirectoryError",
    "NotImplemented",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "PythonFinalizationError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "True",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozendict",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

/// The module's nodes and scopes together: what rules ask.
pub struct Semantics<'a> {
    pub nodes: Nodes<'a>,
    pub scopes: Scopes<'a>,
}

impl<'a> Semantics<'a> {
    pub fn new(module: &'a ast::ModModule) -> Semantics<'a> {
        let nodes = Nodes::new(module);
        let scopes = Scopes::new(&nodes);
        Semantics { nodes, scopes }
    }

    /// The full name of what an expression refers to: `builtins.sum`, `csv.reader`. None where the name was bound by anything
    /// but one import, or may have been.
    pub fn qualified(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Attribute(attribute) => {
                let mut name = self.qualified(&attribute.value)?;
                name.push('.');
                name.push_str(&attribute.attr);
                Some(name)
            }
            Expr::Name(name) => self.qualified_name(self.nodes.of_expr(expr), &name.id),
            _ => None,
        }
    }

    fn qualified_name(&self, node: NodeId, name: &str) -> Option<String> {
        let Some(symbol) = self.scopes.meaning(node) else {
            let is_builtin = !self.scopes.has_star_import() && BUILTINS.binary_search(&name).is_ok();
            return is_builtin.then(|| format!("builtins.{name}"));
        };
        let mut names = self.scopes.symbol(symbol).binds.iter().map(|bind| match bind.kind {
            BindKind::Import => imported(&self.nodes, bind.node),
            _ => None,
        });
        let first = names.next()??;
        names.all(|other| other.as_deref() == Some(&first)).then_some(first)
    }

    /// Whether a call is one of `name`, such as `builtins.list`.
    pub fn is_call_of(&self, call: &ast::ExprCall, name: &str) -> bool {
        self.qualified(&call.func).as_deref() == Some(name)
    }

    /// The symbol that an expression names.
    pub fn symbol_of(&self, expr: &Expr) -> Option<SymbolId> {
        expr.is_name_expr().then(|| self.scopes.meaning(self.nodes.of_expr(expr)))?
    }
}
