//! `_Py_DebugOffsets` (3.13 and later): the target's own word on where things are.
//!
//! Source: `Include/internal/pycore_runtime.h` (3.13), `pycore_debug_offsets.h` (3.14, 3.15). After the cookie every
//! field is a u64, in an order that is fixed within a minor version; a version only inserts fields, so one list with the
//! version of entry describes them all.

use memsight_model::{Address, ReadMemory};

use crate::layout::{FrameLink, Layout, StackTop};

/// The cookie at the start of `_PyRuntime`.
pub(crate) const COOKIE: &[u8; 8] = b"xdebugpy";

/// Fields in order: name and the minor version that brought it.
#[rustfmt::skip]
const FIELDS: &[(&str, u8)] = &[
    ("version", 13), ("free_threaded", 13),
    ("runtime.size", 13), ("runtime.finalizing", 13), ("runtime.interpreters_head", 13),
    ("interpreter.size", 13), ("interpreter.id", 13), ("interpreter.next", 13), ("interpreter.threads_head", 13),
    ("interpreter.threads_main", 14), ("interpreter.gc", 13), ("interpreter.imports_modules", 13),
    ("interpreter.sysdict", 13), ("interpreter.builtins", 13), ("interpreter.ceval_gil", 13),
    ("interpreter.gil_runtime_state", 13), ("interpreter.gil_enabled", 13), ("interpreter.gil_locked", 13),
    ("interpreter.gil_holder", 13), ("interpreter.code_object_generation", 14), ("interpreter.tlbc_generation", 14),
    ("thread.size", 13), ("thread.prev", 13), ("thread.next", 13), ("thread.interp", 13), ("thread.current_frame", 13),
    ("thread.base_frame", 15), ("thread.last_profiled_frame", 15), ("thread.last_profiled_frame_seq", 15),
    ("thread.thread_id", 13), ("thread.native_thread_id", 13), ("thread.datastack_chunk", 13), ("thread.status", 13),
    ("thread.holds_gil", 15), ("thread.gil_requested", 15), ("thread.current_exception", 15), ("thread.exc_state", 15),
    ("err_stackitem.exc_value", 15),
    ("frame.size", 13), ("frame.previous", 13), ("frame.executable", 13), ("frame.instr_ptr", 13),
    ("frame.localsplus", 13), ("frame.owner", 13), ("frame.stackpointer", 14), ("frame.tlbc_index", 14),
    ("code.size", 13), ("code.filename", 13), ("code.name", 13), ("code.qualname", 13), ("code.linetable", 13),
    ("code.firstlineno", 13), ("code.argcount", 13), ("code.localsplusnames", 13), ("code.localspluskinds", 13),
    ("code.co_code_adaptive", 13), ("code.co_tlbc", 14),
    ("pyobject.size", 13), ("pyobject.ob_type", 13),
    ("type.size", 13), ("type.name", 13), ("type.repr", 13), ("type.flags", 13), ("type.basicsize", 15),
    ("type.dictoffset", 15), ("heap_type.size", 15), ("heap_type.cached_keys", 15),
    ("tuple.size", 13), ("tuple.ob_item", 13), ("tuple.ob_size", 13),
    ("list.size", 13), ("list.ob_item", 13), ("list.ob_size", 13),
    ("set.size", 14), ("set.used", 14), ("set.table", 14), ("set.mask", 14),
    ("dict.size", 13), ("dict.ma_keys", 13), ("dict.ma_values", 13),
    ("float.size", 13), ("float.ob_fval", 13), ("long.size", 13), ("long.lv_tag", 13), ("long.ob_digit", 13),
    ("bytes.size", 13), ("bytes.ob_size", 13), ("bytes.ob_sval", 13),
    ("unicode.size", 13), ("unicode.state", 13), ("unicode.length", 13), ("unicode.asciiobject_size", 13),
    ("unicode.compactunicodeobject_size", 15),
    ("gc.size", 13), ("gc.collecting", 13), ("gc.frame", 15), ("gc.generation_stats_size", 15),
    ("gc.generation_stats", 15),
];

/// The debug offsets of a target.
pub(crate) struct DebugOffsets {
    minor: u8,
    values: Vec<u64>,
    /// `PY_VERSION_HEX`.
    pub hex: u32,
    /// Built with `Py_GIL_DISABLED`.
    pub free_threaded: bool,
}

impl DebugOffsets {
    /// Reads them at the start of `_PyRuntime`; `None` where there is no cookie or the version is unknown.
    pub fn read<M: ReadMemory>(memory: &M, runtime: Address) -> Option<DebugOffsets> {
        let mut cookie = [0; 8];
        memory.read(runtime, &mut cookie).ok()?;
        if &cookie != COOKIE {
            return None;
        }
        let hex = u32::try_from(memory.word(runtime.at(8)).ok()?).ok()?;
        let free_threaded = memory.word(runtime.at(16)).ok()? != 0;
        let minor = (hex >> 16) as u8;
        let count = FIELDS.iter().filter(|(_, since)| *since <= minor).count();
        let mut values = Vec::with_capacity(count);
        memory.words(runtime.at(8), count, &mut values).ok()?;
        Some(DebugOffsets { minor, values, hex, free_threaded })
    }

    fn get(&self, name: &str) -> Option<u64> {
        let at = FIELDS.iter().filter(|(_, since)| *since <= self.minor).position(|(field, _)| *field == name)?;
        self.values.get(at).copied()
    }

    /// Shapes that decoding depends on must be the table's: these have not changed within a minor version.
    fn check_shapes(&self, layout: &Layout) -> Result<(), &'static str> {
        for (name, expected) in [
            ("pyobject.size", layout.object.size.into()),
            ("pyobject.ob_type", layout.object.type_.into()),
            ("type.size", u64::from(layout.type_object.size)),
            ("dict.size", u64::from(layout.dict.size)),
            ("dict.ma_keys", u64::from(layout.dict.keys)),
            ("list.ob_item", u64::from(layout.list.items)),
            ("long.lv_tag", layout.long.tag.map_or(0, u64::from)),
            ("bytes.ob_sval", u64::from(layout.bytes.value)),
            ("unicode.state", u64::from(layout.unicode.state)),
            ("tuple.ob_item", u64::from(layout.tuple.items)),
            ("unicode.asciiobject_size", u64::from(layout.unicode.ascii_size)),
            ("code.co_code_adaptive", layout.code.code_adaptive.map_or(0, u64::from)),
        ] {
            if self.get(name) != Some(expected) {
                return Err(name);
            }
        }
        Ok(())
    }

    /// `layout` with the target's own offsets put in where they are plausible; `Err` names what contradicts.
    pub fn apply(&self, layout: &Layout) -> Result<Layout, &'static str> {
        self.check_shapes(layout)?;
        let mut own = layout.clone();
        let far = |name, limit: u64| self.get(name).filter(|v| *v < limit).map(|v| v as u32).ok_or(name);
        let near = |name| self.get(name).filter(|v| *v < 4096).map(|v| v as u16).ok_or(name);
        let runtime_size = far("runtime.size", 1 << 26)?;
        let interpreter_size = far("interpreter.size", 1 << 26)?;
        own.runtime.size = runtime_size;
        own.runtime.interpreters_head = far("runtime.interpreters_head", u64::from(runtime_size))?;
        own.runtime.finalizing = far("runtime.finalizing", u64::from(runtime_size))?;
        let inside = u64::from(interpreter_size);
        own.interpreter.size = interpreter_size;
        own.interpreter.next = far("interpreter.next", inside)?;
        own.interpreter.id = far("interpreter.id", inside)?;
        own.interpreter.threads_head = far("interpreter.threads_head", inside)?;
        own.interpreter.gc = Some(far("interpreter.gc", inside)?);
        own.interpreter.modules = far("interpreter.imports_modules", inside)?;
        own.interpreter.sysdict = far("interpreter.sysdict", inside)?;
        own.interpreter.builtins = far("interpreter.builtins", inside)?;
        own.interpreter.gil = Some(far("interpreter.ceval_gil", inside)?);
        own.thread.next = near("thread.next")?;
        own.thread.interp = near("thread.interp")?;
        own.thread.current_frame = FrameLink::Direct(near("thread.current_frame")?);
        own.thread.thread_id = near("thread.thread_id")?;
        own.thread.native_thread_id = Some(near("thread.native_thread_id")?);
        own.frame.code = near("frame.executable")?;
        own.frame.previous = near("frame.previous")?;
        own.frame.instruction = near("frame.instr_ptr")?;
        own.frame.localsplus = near("frame.localsplus")?;
        own.frame.owner = Some(near("frame.owner")?);
        if self.minor >= 14 {
            own.frame.stack = StackTop::StackPointer(near("frame.stackpointer")?);
        }
        own.gc.size = near("gc.size")?;
        own.gc.collecting = near("gc.collecting")?;
        if let Some(rings) = &mut own.gc.rings {
            own.gc.stats = near("gc.generation_stats")?;
            rings.size = near("gc.generation_stats_size")?;
            // 3.15.0 has no such word at the end of the struct.
            rings.update_seq = rings.update_seq.filter(|offset| offset + 4 <= rings.size);
        }
        Ok(own)
    }
}
