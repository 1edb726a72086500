//! Greenlets that are switched away: their frames, and what those hold.
//!
//! Source: `greenlet.h`, `TGreenlet.hpp`, `TPythonState.cpp`, `TStackState.cpp` (greenlet 2 and 3). `PyGreenlet` leads to a
//! C++ object, in which the state of the C stack comes before that of Python:
//!
//! ```text
//! vtable, self, exc_info, exc_state, args, kwargs | start stop copy saved prev | context top_frame ... | main run parent
//! ```
//!
//! Where these parts are depends on the versions of both, so the state of the stack is found by what it holds. A greenlet
//! that runs has no top frame: its frames are its thread's.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, InterpreterFrame, Sink, Via};
use crate::layout::Layout;

/// `pimpl` in a `PyGreenlet`, behind the lists of weak references and attributes.
const PIMPL: i64 = 32;
/// Words of the C++ object that are looked at: the largest, that of 3.15, has some 32.
const WORDS: usize = 40;
/// Where the state of the C stack may begin, in words.
const STACK_STATE: std::ops::RangeInclusive<usize> = 5..=10;
/// More frames than a recursion limit allows.
const DEPTH_CAP: usize = 1 << 16;
/// No C stack is larger.
const STACK_CAP: u64 = 1 << 32;

/// Memory as a suspended greenlet sees it: its part of the C stack lies in the heap.
struct Unspilled<'a, M> {
    memory: &'a M,
    start: u64,
    saved: u64,
    copy: Address,
}

impl<M: ReadMemory> ReadMemory for Unspilled<'_, M> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        let within = at.0.checked_sub(self.start).filter(|within| *within < self.saved);
        match within {
            Some(within) => self.memory.read(self.copy.checked_add(within).ok_or(Fault { at, len: out.len() })?, out),
            None => self.memory.read(at, out),
        }
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        (0..count).try_for_each(|index| self.word(at.at(8 * index as i64)).map(|word| out.push(word)))
    }
}

/// The words of the C++ object, and where the state of the C stack begins in it.
struct Pimpl {
    words: [u64; WORDS],
    stack: usize,
}

impl Pimpl {
    /// The C++ object of a greenlet that was started, with the place of its stack's state: where a stack begins before it
    /// ends, and as much of it is saved as fits.
    fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<Option<Pimpl>, Fault> {
        let pimpl = memory.pointer(layout.fields(at).at(PIMPL))?;
        let mut words = [0; WORDS];
        if pimpl.is_null() || memory.fill(pimpl, &mut words).is_err() {
            return Ok(None);
        }
        let is_stack = |index: &usize| {
            let Some([start, stop, copy, saved]) = words.get(*index..*index + 4) else { return false };
            let bytes = stop.wrapping_sub(*start);
            let spilled = (*saved == 0) == (*copy == 0);
            *start >= 1 << 16
                && *start < *stop
                && (bytes < STACK_CAP || *stop == u64::MAX)
                && *saved <= bytes
                && spilled
        };
        Ok(STACK_STATE.into_iter().find(is_stack).map(|stack| Pimpl { words, stack }))
    }

    fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// `_top_frame`, behind the five words of the stack and the context.
    fn top_frame(&self) -> Address {
        Address(self.word(self.stack + 6))
    }
}

/// Where the C stack of a suspended greenlet is in the heap, as far as others needed its place.
pub(crate) fn saved_stack<M: ReadMemory>(memory: &M, layout: &Layout, greenlet: Address) -> Option<(Address, Address)> {
    let pimpl = Pimpl::read(memory, layout, greenlet).ok()??;
    let copy = Address(pimpl.word(pimpl.stack + 2));
    let saved = pimpl.word(pimpl.stack + 3);
    (saved > 0).then_some((copy, copy.checked_add(saved)?))
}

impl<M: ReadMemory> Decoder<'_, M> {
    /// What a greenlet holds besides its attributes.
    pub(super) fn greenlet<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let Some(pimpl) = Pimpl::read(self.memory, self.layout, at)? else { return Ok(()) };
        for (index, name) in [(pimpl.stack - 2, "args"), (pimpl.stack - 1, "kwargs"), (pimpl.stack + 5, "gr_context")] {
            sink.edge(Address(pimpl.word(index)), Via::Field(name), true);
        }
        if let Some(main) = self.main_greenlet(&pimpl) {
            for (index, name) in (main..).zip(["main", "run", "parent"]) {
                sink.edge(Address(pimpl.word(index)), Via::Field(name), true);
            }
        }
        let top = pimpl.top_frame();
        if top.is_null() {
            return Ok(());
        }
        let Some(pointer) = self.layout.frame_object.frame else {
            return self.frame_objects(top, sink);
        };
        let memory = Unspilled {
            memory: self.memory,
            start: pimpl.word(pimpl.stack),
            saved: pimpl.word(pimpl.stack + 3),
            copy: Address(pimpl.word(pimpl.stack + 2)),
        };
        let mut frame = self.memory.pointer(top.at(pointer.into()))?;
        for _ in 0..DEPTH_CAP {
            if frame.is_null() || self.afford(8) < 8 {
                break;
            }
            if let Some(view) = InterpreterFrame::read(&memory, self.layout, frame) {
                self.frame(&view, false, sink)?;
                self.temporaries(&memory, &view, sink)?;
            }
            frame = InterpreterFrame::previous(&memory, self.layout, frame).unwrap_or_default();
        }
        Ok(())
    }

    /// Up to 3.10 the frames are objects, each of which is held by the call of C that runs it; and what they have on their
    /// value stacks.
    fn frame_objects<S: Sink>(&self, top: Address, sink: &mut S) -> Result<(), Fault> {
        let mut next = Some(top);
        for _ in 0..DEPTH_CAP {
            let Some(frame) = next.filter(|_| self.afford(8) >= 8) else { break };
            sink.edge(frame, Via::Field("gr_frame"), false);
            if let Some(view) = InterpreterFrame::read(self.memory, self.layout, frame) {
                self.temporaries(self.memory, &view, sink)?;
            }
            next = InterpreterFrame::previous(self.memory, self.layout, frame);
        }
        Ok(())
    }

    /// The value stack of a frame that is in the midst of a call and does not say how deep it is (up to 3.13): what was
    /// there before may stand in it, so each word is believed where its object's count has room for it.
    fn temporaries<S: Sink>(
        &self,
        memory: &impl ReadMemory,
        frame: &InterpreterFrame,
        sink: &mut S,
    ) -> Result<(), Fault> {
        if !frame.running {
            return Ok(());
        }
        for depth in 0..self.afford(frame.stack_size) {
            let held = frame.temporary(memory, self.layout, depth)?;
            sink.edge(held.object, Via::Inferred(depth), false);
        }
        Ok(())
    }

    /// Where the main greenlet stands, behind numbers and words of the interpreter, as many as the versions have.
    fn main_greenlet(&self, pimpl: &Pimpl) -> Option<usize> {
        const STATE: std::ops::RangeInclusive<usize> = 3..=14;
        // A main greenlet has none.
        if pimpl.word(pimpl.stack + 1) == u64::MAX {
            return None;
        }
        let is_greenlet = |at: Address| {
            let kind = self.memory.pointer(at.at(self.layout.object.type_.into()))?;
            let name = self.memory.pointer(kind.at(self.layout.type_object.name.into()))?;
            Ok::<_, Fault>(self.memory.c_string(name, 32)? == "greenlet.greenlet")
        };
        let places = STATE.map(|words| pimpl.stack + 5 + words);
        places.into_iter().find(|index| is_greenlet(Address(pimpl.word(*index))).unwrap_or(false))
    }
}
