//! Frames and generators: what a call holds.
//!
//! Sources: `Objects/frameobject.c` (up to 3.10), `Include/internal/pycore_frame.h`, `pycore_interpframe.h`,
//! `Python/frame.c` (`_PyFrame_Traverse`), `Objects/genobject.c`; tagged stack references in `pycore_stackref.h`.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::{Layout, StackTop};
use crate::object::shapes::Coroutine;

/// A frame, as `_PyInterpreterFrame` (3.11 and later) or `PyFrameObject` (before) keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InterpreterFrame {
    pub at: Address,
    pub code: Address,
    /// Local variables, cells and free variables.
    pub locals: u64,
    /// Temporaries on the value stack; 0 while the frame runs and does not say.
    pub stack: u64,
    /// Where the value stack begins, and the temporaries that it has room for.
    pub stack_at: Address,
    pub stack_size: u64,
    /// The frame runs Python code right now and has not said how deep its stack is.
    pub running: bool,
    /// The frame is part of a generator, which tells of all that it holds.
    pub of_generator: bool,
}

/// More variables than a code object can have.
const VARIABLES_CAP: u64 = 1 << 16;

/// A word on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub object: Address,
    /// The reference is counted; a tagged one is borrowed from whoever keeps the object alive meanwhile.
    pub counted: bool,
}

impl Held {
    /// Tag bits off; tagged ints and invalid marks are no object.
    pub fn of(layout: &Layout, word: u64) -> Held {
        if !layout.frame.tagged {
            return Held { object: Address(word), counted: true };
        }
        let object = if word & 3 == 3 { Address::NULL } else { Address(word & !3) };
        Held { object, counted: word & 1 == 0 }
    }
}

/// The object of a word on a frame.
fn untag(layout: &Layout, word: u64) -> Address {
    Held::of(layout, word).object
}

impl InterpreterFrame {
    /// Reads a frame; `None` for a shim between C and Python, or when it runs no code object.
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<InterpreterFrame> {
        /// `FRAME_OWNED_BY_GENERATOR`.
        const GENERATOR: u8 = 1;
        let table = &layout.frame;
        let owner = table.owner.map(|owner| memory.u8(at.at(owner.into()))).transpose().ok()?;
        if owner.is_some_and(|owner| owner >= table.first_shim_owner) {
            return None;
        }
        let code = untag(layout, memory.word(at.at(table.code.into())).ok()?);
        let locals = variable_count(memory, layout, code)?;
        let stack_size = u64::from(memory.u32(code.at(layout.code.stacksize.into())).ok()?).min(VARIABLES_CAP);
        let localsplus = at.at(table.localsplus.into());
        let (stack_at, depth) = match table.stack {
            StackTop::Pointer(top, base) => {
                let (top, base) = (memory.word(at.at(top.into())).ok()?, memory.word(at.at(base.into())).ok()?);
                (Address(base), (top != 0).then(|| top.wrapping_sub(base) / 8))
            }
            StackTop::Depth(depth, base) => {
                let depth = memory.i32(at.at(depth.into())).ok()?;
                (memory.pointer(at.at(base.into())).ok()?, u64::try_from(depth).ok())
            }
            StackTop::Count(top) => {
                let top = i64::from(memory.i32(at.at(top.into())).ok()?);
                let depth = u64::try_from(top).ok().map(|top| top.saturating_sub(locals));
                (localsplus.at(8 * locals as i64), depth)
            }
            StackTop::StackPointer(pointer) => {
                let base = localsplus.at(8 * locals as i64);
                let depth = memory.word(at.at(pointer.into())).ok()?.wrapping_sub(base.0) / 8;
                (base, Some(depth))
            }
        };
        let running = depth.is_none_or(|depth| depth > stack_size);
        let stack = depth.filter(|_| !running).unwrap_or(0);
        // Up to 3.10 `f_gen` is the generator, which is borrowed.
        let generator = layout.frame_object.generator.map(|offset| memory.word(at.at(offset.into())));
        let of_generator = owner == Some(GENERATOR) || generator.is_some_and(|word| word.is_ok_and(|word| word != 0));
        Some(InterpreterFrame { at, code, locals, stack, stack_at, stack_size, running, of_generator })
    }

    /// The frame that called this one, shims included: the next to [`read`](Self::read).
    pub fn previous<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<Address> {
        memory.pointer(at.at(layout.frame.previous.into())).ok().filter(|previous| !previous.is_null())
    }

    /// What variable `index` holds.
    pub fn local<M: ReadMemory>(&self, memory: &M, layout: &Layout, index: u64) -> Result<Held, Fault> {
        let at = self.at.at(i64::from(layout.frame.localsplus) + 8 * index as i64);
        Ok(Held::of(layout, memory.word(at)?))
    }

    /// What stands at `depth` of the value stack.
    pub fn temporary<M: ReadMemory>(&self, memory: &M, layout: &Layout, depth: u64) -> Result<Held, Fault> {
        Ok(Held::of(layout, memory.word(self.stack_at.at(8 * depth as i64))?))
    }

    /// The objects that the frame holds besides its variables: name and object.
    pub fn parts<M: ReadMemory>(&self, memory: &M, layout: &Layout) -> Result<Vec<(&'static str, Held)>, Fault> {
        let table = &layout.frame;
        let word = |offset: u16| memory.word(self.at.at(offset.into())).map(|word| Held::of(layout, word));
        let mut parts = vec![("f_code", word(table.code)?), ("f_locals", word(table.locals)?)];
        if let Some(offset) = table.function {
            parts.push(("f_func", word(offset)?));
        }
        if let Some(offset) = table.frame_object {
            parts.push(("frame_obj", word(offset)?));
        }
        Ok(parts)
    }
}

/// Variables of a code object: locals, cells, free variables.
pub(super) fn variable_count<M: ReadMemory>(memory: &M, layout: &Layout, code: Address) -> Option<u64> {
    let table = &layout.code;
    if code.is_null() || code.0 & 7 != 0 {
        return None;
    }
    if let Some(offset) = table.nlocalsplus {
        return memory.u32(code.at(offset.into())).ok().map(u64::from).filter(|count| *count < VARIABLES_CAP);
    }
    let mut count = u64::from(memory.u32(code.at(table.nlocals.into())).ok()?);
    for offset in [table.cellvars?, table.freevars?] {
        let names = memory.pointer(code.at(offset.into())).ok()?;
        count += memory.word(layout.length_at(names)).ok()?.min(VARIABLES_CAP);
    }
    Some(count).filter(|count| *count < VARIABLES_CAP)
}

/// The str object that names variable `index` of a code object; null when there is none.
pub(crate) fn variable_name<M: ReadMemory>(memory: &M, layout: &Layout, code: Address, index: u64) -> Address {
    let table = &layout.code;
    let mut index = index;
    let tuples = match table.localsplusnames {
        Some(offset) => vec![offset],
        None => [table.varnames, table.cellvars, table.freevars].into_iter().flatten().collect(),
    };
    for offset in tuples {
        let Ok(names) = memory.pointer(code.at(offset.into())) else { break };
        let Ok(count) = memory.word(layout.length_at(names)) else { break };
        if index < count {
            let at = names.at(i64::from(layout.tuple.items) + 8 * index as i64);
            return memory.pointer(at).unwrap_or_default();
        }
        index -= count;
    }
    Address::NULL
}

/// The frame of a generator, coroutine or async generator; none once it has ended.
pub(crate) fn generator_frame<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    generator: Address,
) -> Result<Option<Address>, Fault> {
    let table = &layout.generator;
    match (table.frame, table.iframe, table.frame_state) {
        (Some(frame), ..) => Ok(Some(memory.pointer(generator.at(frame.into()))?).filter(|frame| !frame.is_null())),
        (None, Some(frame), Some(state)) => {
            let ended = (memory.u8(generator.at(state.into()))? as i8) >= table.frame_cleared;
            Ok((!ended).then(|| generator.at(frame.into())))
        }
        _ => Ok(None),
    }
}

impl<M: ReadMemory> Decoder<'_, M> {
    /// Everything that a frame holds.
    pub(super) fn frame<S: Sink>(&self, frame: &InterpreterFrame, traversed: bool, sink: &mut S) -> Result<(), Fault> {
        for (name, held) in frame.parts(self.memory, self.layout)? {
            sink.edge(held.object, Via::Field(name), traversed);
        }
        for index in 0..self.afford(frame.locals) {
            let object = frame.local(self.memory, self.layout, index)?.object;
            if !object.is_null() {
                let name = if S::NAMED { variable_name(self.memory, self.layout, frame.code, index) } else { object };
                sink.edge(object, Via::Local(name), traversed && !frame.running);
            }
        }
        for depth in 0..self.afford(frame.stack) {
            let object = frame.temporary(self.memory, self.layout, depth)?.object;
            sink.edge(object, Via::Stack(depth), traversed && !frame.running);
        }
        Ok(())
    }

    /// `PyFrameObject`.
    pub(super) fn frame_object<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let (table, frame) = (&self.layout.frame_object, &self.layout.frame);
        self.field(at, table.back, "f_back", true, sink)?;
        self.field(at, table.trace, "f_trace", true, sink)?;
        for (offset, name) in [
            (table.extra_locals, "f_extra_locals"),
            (table.locals_cache, "f_locals_cache"),
            (table.overwritten_fast_locals, "f_overwritten_fast_locals"),
        ] {
            if let Some(offset) = offset {
                self.field(at, offset, name, true, sink)?;
            }
        }
        let Some(pointer) = table.frame else {
            self.field(at, frame.globals, "f_globals", true, sink)?;
            self.field(at, frame.builtins, "f_builtins", true, sink)?;
            return match InterpreterFrame::read(self.memory, self.layout, at) {
                Some(view) => self.old_frame(&view, sink),
                None => Ok(()),
            };
        };
        // The data is the frame object's own only once the call has ended.
        const OWNED_BY_FRAME_OBJECT: u8 = 2;
        let data = self.memory.pointer(at.at(pointer.into()))?;
        let owner = frame.owner.map(|owner| self.memory.u8(data.at(owner.into()))).transpose()?;
        if owner == Some(OWNED_BY_FRAME_OBJECT)
            && let Some(view) = InterpreterFrame::read(self.memory, self.layout, data)
        {
            return self.frame(&view, true, sink);
        }
        Ok(())
    }

    /// Up to 3.10 the frame object is the frame; the collector sees its variables even while it runs.
    fn old_frame<S: Sink>(&self, view: &InterpreterFrame, sink: &mut S) -> Result<(), Fault> {
        self.frame(&InterpreterFrame { running: false, ..*view }, true, sink)
    }

    /// `PyGenObject` and its kin.
    pub(super) fn generator<S: Sink>(&self, at: Address, kind: Coroutine, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.generator;
        self.field(at, table.name, "gi_name", true, sink)?;
        self.field(at, table.qualname, "gi_qualname", true, sink)?;
        if let Some(offset) = table.code {
            self.field(at, offset, "gi_code", true, sink)?;
        }
        match (self.layout.thread.exc_type, self.layout.thread.exc_traceback) {
            (Some(_), Some(_)) => {
                let names = ["exc_type", "exc_value", "exc_traceback"];
                for (name, offset) in names.into_iter().zip([0, 8, 16]) {
                    self.field(at, table.exc_state + offset, name, true, sink)?;
                }
            }
            _ => self.field(at, table.exc_state, "exc_value", true, sink)?,
        }
        if kind != Coroutine::No {
            let traversed = kind == Coroutine::AsyncGenerator;
            self.field(at, table.origin_or_finalizer, "origin_or_finalizer", traversed, sink)?;
        }
        if let Some(offset) = table.frame {
            return self.field(at, offset, "gi_frame", true, sink);
        }
        let Some(frame) = generator_frame(self.memory, self.layout, at)? else {
            // Only the code is left, where the generator has no field for it; 3.14 began to tell the collector.
            if let (None, Some(frame)) = (table.code, table.iframe) {
                let code = at.at(i64::from(frame) + i64::from(self.layout.frame.code));
                sink.edge(untag(self.layout, self.memory.word(code)?), Via::Field("gi_code"), self.layout.minor >= 14);
            }
            return Ok(());
        };
        match InterpreterFrame::read(self.memory, self.layout, frame) {
            Some(view) => self.frame(&view, true, sink),
            None => Ok(()),
        }
    }

    /// Whether a generator waits in a state in which its finaliser leaves it alone: a coroutine that was never awaited
    /// (`_PyGen_Finalize` only warns); from 3.12.0 until gh-142766 any generator that has not begun to run.
    pub(crate) fn stays_open(&self, generator: Address, kind: Coroutine) -> Result<bool, Fault> {
        let all = ((12, 0)..(13, 12)).contains(&self.version) || ((14, 0)..(14, 3)).contains(&self.version);
        if kind != Coroutine::Yes && !all {
            return Ok(false);
        }
        let table = &self.layout.generator;
        if let Some(state) = table.frame_state {
            return Ok(self.memory.u8(generator.at(state.into()))? as i8 == table.frame_created);
        }
        let frame = self.memory.pointer(generator.at(table.frame.unwrap_or_default().into()))?;
        Ok(!frame.is_null() && self.memory.i32(frame.at(self.layout.frame.instruction.into()))? == -1)
    }
}
