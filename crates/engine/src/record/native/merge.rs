//! Python frames and native frames as one stack: where native frames are calls of the interpreter, the Python frames that run in
//! them take their place.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;
use memsight_format::FormatError;
use memsight_format::trace::Writer;
use memsight_model::trace::NATIVE;
use memsight_target::Process;

use super::super::stacks::{MAX_FRAMES, Stacks};
use super::parts::Parts;
use crate::native::{Wanted, symbols};

/// A stack that grows by its newest frame has a number for each of its frames.
#[derive(Debug, Default)]
struct Tree<K> {
    frames: Vec<(u32, K)>,
    numbers: HashMap<(u32, K), u32, FixedState>,
}

impl<K: Copy + Eq + std::hash::Hash> Tree<K> {
    fn push(&mut self, caller: u32, frame: K) -> u32 {
        if let Some(&number) = self.numbers.get(&(caller, frame)) {
            return number;
        }
        // (the newest frames are left out then, as of other stacks)
        if self.frames.len() >= MAX_FRAMES {
            return caller;
        }
        self.frames.push((caller, frame));
        let number = self.frames.len() as u32;
        self.numbers.insert((caller, frame), number);
        number
    }

    /// From the oldest to the newest.
    fn stack(&self, mut number: u32) -> Vec<K> {
        let mut stack = Vec::new();
        while let Some(&(caller, frame)) = number.checked_sub(1).and_then(|index| self.frames.get(index as usize)) {
            stack.push(frame);
            number = caller;
        }
        stack.reverse();
        stack
    }
}

/// An entry of a stack of Python's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Entry {
    /// The interpreter was called.
    #[default]
    Call,
    /// A code object, and how far in it.
    Frame(u64, u64),
}

/// A native frame: its address, and how many calls of the interpreter are in it.
type Native = (u64, u64);

/// Both stacks, and what was made of them.
#[derive(Debug, Default)]
pub(in crate::record) struct Merge {
    pub(in crate::record) parts: Parts,
    python: Tree<Entry>,
    native: Tree<Native>,
    merged: HashMap<(u32, u32), u32, FixedState>,
    /// The pair that came last, which often comes again; none is 0 and 0.
    last: ((u32, u32), u32),
    /// Places that were told, by module.
    places: BTreeMap<u32, BTreeSet<u32>>,
    /// Up to 3.9 the interpreter does not say where it is called.
    by_name: bool,
    /// So many modules were told.
    told: usize,
}

impl Merge {
    /// The process records, with a Python of this minor version.
    pub(in crate::record) fn begin(&mut self, process: Option<Process>, python_minor: u32) {
        self.by_name = python_minor < 10;
        if let Some(process) = process {
            self.parts.follow(process);
        }
    }

    pub(in crate::record) fn python(&mut self, caller: u32, code: u64, offset: u64) -> u32 {
        self.python.push(caller, Entry::Frame(code, offset))
    }

    pub(in crate::record) fn call(&mut self, caller: u32) -> u32 {
        self.python.push(caller, Entry::Call)
    }

    pub(in crate::record) fn native(&mut self, caller: u32, code: u64, calls: u64) -> u32 {
        self.native.push(caller, (code, calls))
    }

    /// The number of both stacks as one. Cost: a look-up, but for a pair that is new.
    pub(in crate::record) fn number(
        &mut self,
        trace: &mut Writer,
        stacks: &mut Stacks,
        (python, native): (u32, u32),
    ) -> Result<u32, FormatError> {
        if self.last.0 == (python, native) {
            return Ok(self.last.1);
        }
        if let Some(&number) = self.merged.get(&(python, native)) {
            self.last = ((python, native), number);
            return Ok(number);
        }
        let mut number = 0;
        for (code, offset) in self.frames(python, native) {
            number = stacks.push(trace, number, (code, offset))?;
        }
        if self.merged.len() < MAX_FRAMES {
            self.merged.insert((python, native), number);
        }
        Ok(number)
    }

    /// Code and offset of each frame, the oldest first.
    fn frames(&mut self, python: u32, native: u32) -> Vec<(u64, u64)> {
        let (python, native) = (self.python.stack(python), self.native.stack(native));
        let mut groups = python.split(|entry| *entry == Entry::Call);
        let calls = |(code, calls): Native| match self.by_name {
            true => u64::from(self.parts.is_loop(code)),
            false => calls,
        };
        let natives: Vec<(u64, u64)> = native.iter().map(|&native| (native.0, calls(native))).collect();
        let called = python.iter().filter(|entry| **entry == Entry::Call).count() as u64;
        let found: u64 = natives.iter().map(|native| native.1).sum();
        let mut frames = Vec::new();
        let group = |frames: &mut Vec<_>, group: Option<&[Entry]>| {
            frames.extend(group.unwrap_or_default().iter().filter_map(|entry| match *entry {
                Entry::Frame(code, offset) => Some((code, offset)),
                Entry::Call => None,
            }));
        };
        // The newest of both are there always; of the oldest some may be missing.
        for _ in 0..=called.saturating_sub(found) {
            group(&mut frames, groups.next());
        }
        let mut surplus = found.saturating_sub(called);
        for (code, calls) in natives {
            if calls > 0 && surplus == 0 {
                (0..calls).for_each(|_| group(&mut frames, groups.next()));
                continue;
            }
            surplus = surplus.saturating_sub(calls);
            let (code, offset) = self.parts.place(code);
            self.places.entry(code).or_default().insert(offset);
            frames.push((code.into(), offset.into()));
        }
        frames
    }

    /// Tells the trace which modules are new.
    pub(in crate::record) fn tell(&mut self, trace: &mut Writer) -> Result<(), FormatError> {
        for module in self.parts.modules().iter().skip(self.told) {
            trace.module(module)?;
            self.told += 1;
        }
        Ok(())
    }

    /// Tells the trace what the places in modules are called: while the files are at hand.
    pub(in crate::record) fn end(&self, trace: &mut Writer) -> Result<(), FormatError> {
        let roots = self.parts.roots();
        for module in self.parts.modules() {
            let Some(offsets) = self.places.get(&(NATIVE | module.number)) else { continue };
            for symbol in symbols(&Wanted { module, offsets: offsets.clone() }, &roots) {
                trace.symbol(&symbol)?;
            }
        }
        Ok(())
    }
}
