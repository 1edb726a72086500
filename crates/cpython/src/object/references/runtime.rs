//! Functions, modules, types, code, exceptions: the objects that the interpreter itself is made of.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::CType;
use crate::object::dicts::KeysView;
use crate::object::flag;
use crate::object::references::executing::{variable_count, variable_name};

/// More extra fields or state words than real ones have.
const CAP: u64 = 1 << 12;

impl<M: ReadMemory> Decoder<'_, M> {
    /// `Objects/funcobject.c`.
    pub(super) fn function<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.function;
        for (offset, name) in [
            (table.code, "__code__"),
            (table.globals, "__globals__"),
            (table.name, "__name__"),
            (table.qualname, "__qualname__"),
            (table.defaults, "__defaults__"),
            (table.kwdefaults, "__kwdefaults__"),
            (table.closure, "__closure__"),
            (table.doc, "__doc__"),
            (table.dict, "__dict__"),
            (table.module, "__module__"),
            (table.annotations, "__annotations__"),
        ] {
            self.field(at, offset, name, true, sink)?;
        }
        for (offset, name) in
            [(table.builtins, "__builtins__"), (table.annotate, "__annotate__"), (table.typeparams, "__type_params__")]
        {
            if let Some(offset) = offset {
                self.field(at, offset, name, true, sink)?;
            }
        }
        if !S::NAMED { self.free_variables(at, sink) } else { Ok(()) }
    }

    /// The names of the cells in a function's closure: `co_freevars`, the last of the code's variables.
    fn free_variables<S: Sink>(&self, function: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.function;
        let closure = self.memory.pointer(function.at(table.closure.into()))?;
        if closure.is_null() {
            return Ok(());
        }
        let code = self.memory.pointer(function.at(table.code.into()))?;
        let cells = self.afford(self.memory.word(self.layout.length_at(closure))?);
        let Some(first) = variable_count(self.memory, self.layout, code).and_then(|all| all.checked_sub(cells)) else {
            return Ok(());
        };
        for index in 0..cells {
            let cell = self.memory.pointer(closure.at(i64::from(self.layout.tuple.items) + 8 * index as i64))?;
            sink.free_variable(cell, variable_name(self.memory, self.layout, code, first + index));
        }
        Ok(())
    }

    /// `Objects/classobject.c`.
    pub(super) fn method<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        self.field(at, self.layout.method.func, "__func__", true, sink)?;
        self.field(at, self.layout.method.self_, "__self__", true, sink)
    }

    /// `Objects/methodobject.c`; methods that want their class (`METH_METHOD`) have one field more.
    pub(super) fn builtin<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        const METH_METHOD: i32 = 0x200;
        let table = &self.layout.builtin;
        self.field(at, table.self_, "__self__", true, sink)?;
        self.field(at, table.module, "__module__", true, sink)?;
        let Some(class) = table.mm_class else { return Ok(()) };
        let definition = self.memory.pointer(at.at(table.ml.into()))?;
        if self.memory.i32(definition.at(table.ml_flags.into()))? & METH_METHOD != 0 {
            self.field(at, class, "mm_class", true, sink)?;
        }
        Ok(())
    }

    /// `Objects/capsule.c`. What a `traverse_func` (3.13 and later) tells the collector only the maker of the capsule knows:
    /// the first words of its struct are looked at, which suffices for those of CPython (`sock_capi_traverse` in
    /// `Modules/socketmodule.c`, `curses_capi_traverse` in `Modules/_cursesmodule.c`).
    pub(super) fn capsule<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        const TRAVERSE: i64 = 48;
        const WORDS: u64 = 3;
        let fields = self.layout.fields(at);
        if self.memory.word(fields.at(TRAVERSE))? == 0 {
            return Ok(());
        }
        sink.inexact();
        let data = self.memory.pointer(fields.at(16))?;
        self.pointers(data, WORDS, sink, Via::Inferred, true)
    }

    /// `Objects/moduleobject.c`. The state of a C module is known only to the module: its words are scanned.
    pub(super) fn module<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.module;
        self.field(at, table.dict, "__dict__", true, sink)?;
        self.field(at, table.name, "md_name", false, sink)?;
        if self.tells_more(at)? {
            sink.inexact();
        }
        let (state, size) = self.module_state(at)?;
        for index in 0..self.afford((size / 8).min(CAP)) {
            let word = self.memory.pointer(state.at(8 * index as i64))?;
            sink.edge(word, Via::Inferred(index), true);
        }
        Ok(())
    }

    /// Where the state of a C module is, and its bytes. A module without any may have a block for it all the same, in which
    /// stands what was there before (`PyModule_ExecDef` asks for 0 bytes).
    pub(crate) fn module_state(&self, at: Address) -> Result<(Address, u64), Fault> {
        let table = &self.layout.module;
        let state = self.memory.pointer(at.at(table.state.into()))?;
        if state.is_null() {
            return Ok((state, 0));
        }
        let size = match (table.state_size, table.def, table.def_size) {
            (Some(size), ..) => self.memory.word(at.at(size.into()))?,
            (None, Some(def), Some(size)) => {
                let definition = self.memory.pointer(at.at(def.into()))?;
                if definition.is_null() { 0 } else { self.memory.word(definition.at(size.into()))? }
            }
            _ => 0,
        };
        // single-phase modules say -1
        Ok((state, if size > i64::MAX as u64 { 0 } else { size }))
    }

    /// Whether a module has an `m_traverse` of its own: it may report what only the module knows.
    fn tells_more(&self, module: Address) -> Result<bool, Fault> {
        /// `PyModuleDef.m_traverse`, behind m_size, m_methods and m_slots.
        const AFTER_SIZE: i64 = 24;
        let (Some(def), Some(size)) = (self.layout.module.def, self.layout.module.def_size) else { return Ok(true) };
        let definition = self.memory.pointer(module.at(def.into()))?;
        Ok(!definition.is_null() && self.memory.word(definition.at(i64::from(size) + AFTER_SIZE))? != 0)
    }

    /// `Objects/typeobject.c`: the collector sees the fields of heap types only.
    pub(super) fn type_object<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.type_object;
        let heap = self.memory.word(at.at(table.flags.into()))? & flag::HEAPTYPE != 0;
        if let Some(dict) = self.statics.dict_of(self.memory, self.layout, at) {
            sink.edge(dict, Via::Field("__dict__"), heap);
        }
        self.field(at, table.mro, "__mro__", heap, sink)?;
        self.field(at, table.bases, "__bases__", heap, sink)?;
        self.field(at, table.base, "__base__", heap, sink)?;
        self.field(at, table.cache, "tp_cache", heap, sink)?;
        if let Some(subclasses) = self.statics.subclasses_of(self.memory, self.layout, at) {
            sink.edge(subclasses, Via::Field("tp_subclasses"), false);
        }
        if !heap {
            return Ok(());
        }
        let own = &self.layout.heap_type;
        self.field(at, own.name, "__name__", false, sink)?;
        self.field(at, own.qualname, "__qualname__", false, sink)?;
        self.field(at, own.slots, "__slots__", false, sink)?;
        if let Some(offset) = own.module {
            self.field(at, offset, "ht_module", true, sink)?;
        }
        let keys = self.memory.pointer(at.at(own.cached_keys.into()))?;
        if !keys.is_null() {
            let keys = KeysView::read(self.memory, self.layout, keys)?;
            for name in keys.names(self.memory, self.afford(keys.count.min(CAP)))? {
                sink.edge(name, Via::Field("ht_cached_keys"), false);
            }
        }
        Ok(())
    }

    /// `Objects/codeobject.c`: not known to the collector, but in free-threaded builds.
    pub(super) fn code<S: Sink>(&self, at: Address, is_gc: bool, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.code;
        for &(name, offset) in table.objects {
            // Without the GIL code objects are the collector's, too (`code_traverse`).
            let traversed = is_gc && name == "co_consts";
            self.field(at, offset, name, traversed, sink)?;
        }
        if let Some(offset) = table.cached {
            let cached = self.memory.pointer(at.at(offset.into()))?;
            if !cached.is_null() {
                for &(name, offset) in table.cached_objects {
                    self.field(cached, offset, name, false, sink)?;
                }
            }
        }
        Ok(())
    }

    /// `Objects/weakrefobject.c`.
    pub(super) fn weakref<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let object = self.memory.pointer(at.at(self.layout.weakref.object.into()))?;
        sink.edge(object, Via::Weak("wr_object"), false);
        self.field(at, self.layout.weakref.callback, "__callback__", true, sink)
    }

    /// `Objects/sliceobject.c`.
    pub(super) fn slice<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        for (name, step) in ["start", "stop", "step"].into_iter().zip([0, 8, 16]) {
            self.field(at, self.layout.slice.start + step, name, true, sink)?;
        }
        Ok(())
    }

    /// `Objects/descrobject.c`.
    pub(super) fn descriptor<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.descriptor;
        self.field(at, table.type_, "__objclass__", true, sink)?;
        self.field(at, table.name, "__name__", false, sink)?;
        self.field(at, table.qualname, "__qualname__", false, sink)
    }

    /// `Python/traceback.c`.
    pub(super) fn traceback<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        self.field(at, self.layout.traceback.next, "tb_next", true, sink)?;
        self.field(at, self.layout.traceback.frame, "tb_frame", true, sink)
    }

    /// `Objects/exceptions.c`.
    pub(super) fn exception<S: Sink>(
        &self,
        at: Address,
        extra: Option<&'static CType>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let table = &self.layout.exception;
        self.field(at, table.dict, "__dict__", true, sink)?;
        self.field(at, table.args, "args", true, sink)?;
        self.field(at, table.traceback, "__traceback__", true, sink)?;
        self.field(at, table.context, "__context__", true, sink)?;
        self.field(at, table.cause, "__cause__", true, sink)?;
        if let Some(offset) = table.notes {
            self.field(at, offset, "__notes__", true, sink)?;
        }
        for &(name, offset) in extra.map_or(&[][..], |extra| extra.fields) {
            self.field(at, offset, name, true, sink)?;
        }
        Ok(())
    }
}
