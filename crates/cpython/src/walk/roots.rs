//! Roots: what is alive because an interpreter, a thread or a static struct holds it.

use memsight_model::{Address, ReadMemory, RootKind};

use crate::find::locate::Python;
use crate::layout::Layout;
use crate::object::dicts::DictView;
use crate::object::text;

/// What a root is called, before names are interned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootName {
    /// A fixed text.
    Text(&'static str),
    /// The text of a str object of the target.
    Str(Address),
    /// A text read from the target.
    Owned(String),
}

/// A root by address, before objects have numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seed {
    pub object: Address,
    pub kind: RootKind,
    pub name: RootName,
    pub frame: Option<u32>,
    pub thread: Option<u32>,
    /// A reference of its own: not borrowed, and not one that an object tells of as well.
    pub counted: bool,
}

impl Seed {
    fn new(object: Address, kind: RootKind, name: RootName) -> Seed {
        Seed { object, kind, name, frame: None, thread: None, counted: kind != RootKind::Module }
    }

    /// What an interpreter keeps of the static types.
    pub fn of_static_types(object: Address) -> Seed {
        Seed::new(object, RootKind::Interpreter, RootName::Text("static types"))
    }

    /// An object whose block alone tells that it is there.
    pub fn held_by_nobody_known(object: Address) -> Seed {
        Seed { counted: false, ..Seed::new(object, RootKind::NobodyKnown, RootName::Text("")) }
    }
}

impl Python {
    /// Roots of an interpreter: its modules by name and the objects in its state.
    pub(crate) fn interpreter_roots<M: ReadMemory>(&self, memory: &M, interpreter: Address) -> Vec<Seed> {
        let table = &self.layout.interpreter;
        let field = |offset: u32| memory.pointer(interpreter.at(offset.into())).unwrap_or_default();
        let modules = field(table.modules);
        let mut seeds = module_roots(memory, &self.layout, modules);
        let mut hold = |object, name| seeds.push(Seed::new(object, RootKind::Interpreter, RootName::Text(name)));
        hold(modules, "sys.modules");
        hold(field(table.sysdict), "sys.__dict__");
        hold(field(table.builtins), "builtins.__dict__");
        hold(field(table.importlib), "importlib");
        hold(field(table.modules_by_index), "modules by index");
        hold(field(table.dict), "interpreter dict");
        hold(field(table.codec_search_path), "codec search path");
        hold(field(table.codec_search_cache), "codec cache");
        hold(field(table.codec_error_registry), "codec error handlers");
        for (offset, name) in [
            (table.import_func, "builtins.__import__"),
            (table.builtins_copy, "copy of builtins.__dict__"),
            (table.before_forkers, "os.register_at_fork(before)"),
            (table.after_forkers_parent, "os.register_at_fork(after_in_parent)"),
            (table.after_forkers_child, "os.register_at_fork(after_in_child)"),
            (table.audit_hooks, "sys.addaudithook"),
        ] {
            if let Some(offset) = offset {
                hold(field(offset), name);
            }
        }
        for &(name, offset) in table.objects {
            seeds.push(Seed {
                counted: !is_borrowed(name),
                ..Seed::new(field(offset), RootKind::Interpreter, RootName::Text(name))
            });
        }
        let callbacks = self.exit_callbacks(memory, interpreter, &seeds);
        seeds.extend(callbacks);
        let mut hold = |object, name| seeds.push(Seed::new(object, RootKind::Interpreter, RootName::Text(name)));
        // Up to 3.8 one collector serves all interpreters: the main one tells of its lists.
        let is_main = memory.signed(interpreter.at(table.id.into())) == Ok(0);
        let gc = self.gc_state(interpreter);
        for (offset, name) in [(self.layout.gc.garbage, "gc.garbage"), (self.layout.gc.callbacks, "gc.callbacks")] {
            if table.gc.is_some() || is_main {
                hold(memory.pointer(gc.at(offset.into())).unwrap_or_default(), name);
            }
        }
        if let Some(offset) = table.interned_strings {
            // A kind of its own: the references of this dictionary are not counted.
            seeds.push(Seed::new(field(offset), RootKind::Interned, RootName::Text("interned strings")));
        }
        seeds
    }
}

/// Fields of the interpreter's state that are not counted: caches of what `builtins` and static types hold anyway
/// (`pycore_init_builtins` in `Python/pylifecycle.c`, `object___reduce_ex___impl` in `Objects/typeobject.c`), and the module
/// whose callbacks run at exit (3.8, 3.9).
fn is_borrowed(field: &str) -> bool {
    field.starts_with("callable_cache.")
        || field.starts_with("common_consts[")
        || matches!(field, "cached_objects.objreduce" | "pyexitmodule")
}

impl Python {
    /// What `atexit` will call: {func, args, kwargs} each, behind a table of pointers with its length. Up to 3.9 the
    /// table is the state of the module, from 3.14 on it is a list among the interpreter's objects.
    fn exit_callbacks<M: ReadMemory>(&self, memory: &M, interpreter: Address, modules: &[Seed]) -> Vec<Seed> {
        /// More callbacks than any program registers.
        const CAP: i32 = 1 << 16;
        let is_atexit = |seed: &&Seed| matches!(&seed.name, RootName::Owned(name) if name == "atexit");
        let table = match (self.layout.minor, self.layout.interpreter.atexit) {
            (..=9, _) => modules
                .iter()
                .find(is_atexit)
                .and_then(|seed| memory.pointer(seed.object.at(self.layout.module.state.into())).ok()),
            (..=13, Some(offset)) => Some(interpreter.at(offset.into())),
            _ => None,
        };
        let Some(table) = table.filter(|table| !table.is_null()) else { return Vec::new() };
        let callbacks = memory.pointer(table).unwrap_or_default();
        let count = memory.i32(table.at(8)).unwrap_or(0).clamp(0, CAP);
        let mut seeds = Vec::new();
        for index in 0..i64::from(count) {
            let Ok(callback) = memory.pointer(callbacks.at(8 * index)) else { break };
            for (name, offset) in [("atexit function", 0), ("atexit arguments", 8), ("atexit keyword arguments", 16)] {
                let held = memory.pointer(callback.at(offset)).unwrap_or_default();
                seeds.push(Seed::new(held, RootKind::Interpreter, RootName::Text(name)));
            }
        }
        seeds
    }
}

/// The entries of `sys.modules`.
fn module_roots<M: ReadMemory>(memory: &M, layout: &Layout, modules: Address) -> Vec<Seed> {
    /// More modules than any program imports.
    const CAP: u64 = 1 << 20;
    const NAME_CAP: u64 = 256;
    let Ok(view) = DictView::read(memory, layout, modules) else { return Vec::new() };
    let mut seeds = Vec::new();
    let read = view.each(memory, CAP, |_, key, value| {
        if let Some(name) = text::str_text(memory, layout, key, NAME_CAP) {
            seeds.push(Seed::new(value, RootKind::Module, RootName::Owned(name)));
        }
    });
    // What was read before a fault is good; the objects of the rest are reached through the dictionary.
    let _ = read;
    seeds
}
