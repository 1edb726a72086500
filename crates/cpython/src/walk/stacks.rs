//! Threads and their Python stacks: who runs what, with which variables.

use memsight_model::{Address, FrameRecord, ReadMemory, RootKind, ThreadRecord};

use crate::find::locate::Python;
use crate::layout::{FrameLink, Layout};
use crate::object::references::{Held, InterpreterFrame, variable_name};
use crate::object::text;
use crate::walk::linetable;
use crate::walk::roots::{RootName, Seed};

/// Deeper stacks than `sys.setrecursionlimit` allows in practice are corrupt.
const DEPTH_CAP: usize = 1 << 20;
/// Characters kept of names of files and functions.
const NAME_CAP: u64 = 512;

/// The stacks of all threads and what they hold.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    pub threads: Vec<ThreadRecord>,
    pub frames: Vec<FrameRecord>,
    pub seeds: Vec<Seed>,
    /// Value stacks of which nobody says how much is in use.
    pub open: Vec<OpenStack>,
    /// Words of memory that nothing has taken yet: damaged threads and frames may claim more than there are, or lead in a
    /// circle.
    left: u64,
}

/// The value stack of a running frame: how much of it is in use stands in a register. Up to 3.10 that is any frame, from 3.11
/// on the innermost one and those that have called C code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenStack {
    pub thread: u32,
    pub frame: u32,
    /// The first word.
    pub at: Address,
    /// Words that it has room for.
    pub words: u64,
}

/// The least words that a frame takes beside its variables, and those of an exception that is being handled.
const HEAD: u64 = 8;
const EXCEPTION: u64 = 2;

impl Python {
    /// Reads the stacks of every thread of every interpreter, out of a memory of so many words.
    pub(crate) fn stacks<M: ReadMemory>(&self, memory: &M, interpreters: &[Address], words: u64) -> Stacks {
        let mut stacks = Stacks { left: words, ..Stacks::default() };
        for &interpreter in interpreters {
            let holder = self.gil_holder(memory, interpreter);
            let id = memory.signed(interpreter.at(self.layout.interpreter.id.into())).unwrap_or(-1);
            for thread in self.threads(memory, interpreter) {
                if !stacks.take(u64::from(self.layout.thread.size) / 8) {
                    return stacks;
                }
                let word = |offset: u16| memory.word(thread.at(offset.into())).ok();
                stacks.threads.push(ThreadRecord {
                    interpreter: id,
                    native_id: self.layout.thread.native_thread_id.and_then(word),
                    ident: word(self.layout.thread.thread_id).unwrap_or(0),
                    holds_gil: holder == Some(thread),
                    name: None,
                });
                stacks.read_frames(memory, &self.layout, thread);
                stacks.read_state(memory, &self.layout, thread);
            }
        }
        stacks
    }
}

impl Stacks {
    fn thread(&self) -> u32 {
        self.threads.len() as u32 - 1
    }

    /// Whether there are so many words left; takes them.
    fn take(&mut self, words: u64) -> bool {
        let left = self.left.checked_sub(words);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    fn read_frames<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, thread: Address) {
        let mut at = innermost(memory, layout, thread);
        let mut depth = 0;
        for _ in 0..DEPTH_CAP {
            let Some(frame) = at else { return };
            if let Some(view) = InterpreterFrame::read(memory, layout, frame) {
                let temporaries = if view.running { view.stack_size } else { view.stack };
                if !self.take(HEAD + view.locals + temporaries) {
                    return;
                }
                self.read_frame(memory, layout, &view, depth);
                depth += 1;
            }
            let previous = InterpreterFrame::previous(memory, layout, frame);
            at = previous.filter(|previous| *previous != frame);
        }
    }

    fn read_frame<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, view: &InterpreterFrame, depth: u32) {
        let row = self.frames.len() as u32;
        let thread = self.thread();
        self.frames.push(describe(memory, layout, view, thread, depth));
        // Up to 3.10 the frame is an object: it holds what it holds, and the C stack holds it, unless it is a generator's.
        // Later the frame of a generator is part of it, and the generator holds what it holds.
        let is_object = layout.frame.frame_object.is_none();
        let mut hold = |held: Held, kind, name| {
            let own = !view.of_generator && (!is_object || held.object == view.at);
            let (object, counted) = (held.object, held.counted && own);
            self.seeds.push(Seed { object, kind, name, frame: Some(row), thread: Some(thread), counted });
        };
        if is_object {
            hold(Held { object: view.at, counted: true }, RootKind::Frame, RootName::Text("frame"));
        }
        for (name, held) in view.parts(memory, layout).unwrap_or_default() {
            hold(held, RootKind::Frame, RootName::Text(name));
        }
        for index in 0..view.locals {
            if let Ok(held) = view.local(memory, layout, index) {
                let name = variable_name(memory, layout, view.code, index);
                hold(held, RootKind::FrameLocal, RootName::Str(name));
            }
        }
        for index in 0..view.stack {
            if let Ok(held) = view.temporary(memory, layout, index) {
                hold(held, RootKind::FrameStack, RootName::Text("value stack"));
            }
        }
        if view.running {
            self.open.push(OpenStack { thread, frame: row, at: view.stack_at, words: view.stack_size });
        }
    }

    /// What a thread state holds besides frames: exceptions being handled, context, dict, hooks.
    fn read_state<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, thread: Address) {
        const CHAIN_CAP: usize = 1 << 12;
        let row = self.thread();
        let table = &layout.thread;
        // Exceptions that generators handle are the generators': only the thread's own item is in its state.
        let own = thread..thread.at(i64::from(table.size));
        let mut hold = |at: Address, name, counted| {
            if let Ok(object) = memory.pointer(at) {
                let name = RootName::Text(name);
                self.seeds.push(Seed { object, kind: RootKind::Thread, name, frame: None, thread: Some(row), counted });
            }
        };
        hold(thread.at(table.dict.into()), "thread dict", true);
        for &(name, offset) in table.objects {
            hold(thread.at(offset.into()), name, true);
        }
        let mut item = memory.pointer(thread.at(table.exc_info.into())).unwrap_or_default();
        let (mut left, mut items) = (self.left, 0);
        while !item.is_null() && items < CHAIN_CAP && left >= EXCEPTION {
            (left, items) = (left - EXCEPTION, items + 1);
            let counted = own.contains(&item);
            hold(item.at(table.exc_value.into()), "exception being handled", counted);
            for (offset, name) in [(table.exc_type, "type of the exception"), (table.exc_traceback, "traceback")] {
                if let Some(offset) = offset {
                    hold(item.at(offset.into()), name, counted);
                }
            }
            item = memory.pointer(item.at(table.exc_previous.into())).unwrap_or_default();
        }
        self.left = left;
    }
}

fn innermost<M: ReadMemory>(memory: &M, layout: &Layout, thread: Address) -> Option<Address> {
    let frame = match layout.thread.current_frame {
        FrameLink::Object(offset) | FrameLink::Direct(offset) => memory.pointer(thread.at(offset.into())),
        FrameLink::CFrame(offset, inner) => {
            memory.pointer(thread.at(offset.into())).and_then(|cframe| memory.pointer(cframe.at(inner.into())))
        }
    };
    frame.ok().filter(|frame| !frame.is_null())
}

fn describe<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    view: &InterpreterFrame,
    thread: u32,
    depth: u32,
) -> FrameRecord {
    let table = &layout.code;
    let string = |offset: u16| {
        let object = memory.pointer(view.code.at(offset.into())).ok()?;
        text::str_text(memory, layout, object, NAME_CAP)
    };
    FrameRecord {
        thread,
        depth,
        function: string(table.qualname.unwrap_or(table.name)).unwrap_or_else(|| "?".to_owned()),
        file: string(table.filename).unwrap_or_else(|| "?".to_owned()),
        line: line_of(memory, layout, view).unwrap_or(0),
    }
}

/// The bytecode that a frame runs, where each thread has its own (`_PyCodeArray` in `pycore_code.h`): size, then pointers,
/// the first of them to the code object's own.
fn own_bytecode<M: ReadMemory>(memory: &M, layout: &Layout, view: &InterpreterFrame) -> Option<Address> {
    let (table, index) = (layout.code.tlbc?, layout.frame.tlbc_index?);
    let array = memory.pointer(view.code.at(table.into())).ok().filter(|array| !array.is_null())?;
    let index = u64::try_from(memory.i32(view.at.at(index.into())).ok()?).ok()?;
    if index >= memory.word(array).ok()? {
        return None;
    }
    memory.pointer(array.at(8 + 8 * index as i64)).ok().filter(|start| !start.is_null())
}

fn line_of<M: ReadMemory>(memory: &M, layout: &Layout, view: &InterpreterFrame) -> Option<u32> {
    line_at(memory, layout, view.code, instruction(memory, layout, view)?)
}

/// The instruction that a frame stands at, in bytes from the first one of its code.
pub(crate) fn instruction<M: ReadMemory>(memory: &M, layout: &Layout, view: &InterpreterFrame) -> Option<u64> {
    let instruction_at = view.at.at(layout.frame.instruction.into());
    Some(match (layout.code.code_adaptive, layout.minor) {
        (Some(offset), _) => {
            let start = own_bytecode(memory, layout, view).unwrap_or(view.code.at(offset.into()));
            memory.word(instruction_at).ok()?.checked_sub(start.0)?
        }
        // f_lasti counts bytes up to 3.9 and code units in 3.10; -1 before the first instruction.
        (None, minor) => {
            let last = u64::try_from(memory.i32(instruction_at).ok()?).unwrap_or(0);
            if minor == 10 { last * 2 } else { last }
        }
    })
}

/// The line of an instruction of a code object.
pub(crate) fn line_at<M: ReadMemory>(memory: &M, layout: &Layout, code: Address, instruction: u64) -> Option<u32> {
    /// A code object's line table is far smaller.
    const TABLE_CAP: u64 = 1 << 24;
    let first = memory.u32(code.at(layout.code.firstlineno.into())).ok()?;
    let table = memory.pointer(code.at(layout.code.linetable.into())).ok()?;
    let length = memory.word(layout.length_at(table)).ok().filter(|length| *length < TABLE_CAP)?;
    let mut bytes = vec![0; length as usize];
    memory.read(table.at(layout.bytes.value.into()), &mut bytes).ok()?;
    Some(linetable::line_of(layout.minor.into(), &bytes, first, instruction))
}
