//! Memory of C where references may be kept: static data of libraries, state of the interpreter and of modules, stacks.

use std::ops::Range;

use memsight_model::{Address, HolderKind, ReadMemory, Region, RootKind};

use crate::find::elf::Image;
use crate::find::locate::Python;
use crate::layout::Layout;
use crate::walk::roots::{RootName, Seed};
use crate::walk::stacks::Stacks;

const PAGE: u64 = 4096;
/// Bytes of one place: no variables and no stack take more, whatever a damaged header or pointer says.
const MOST: u64 = 1 << 30;
/// Bytes of a stack that are looked at: eight times what Linux gives by default.
const STACK: u64 = 64 << 20;
/// Bytes from a thread's descriptor to the end of its stack, and some more.
const DESCRIPTOR: u64 = 64 << 10;

/// A range of memory whose words are tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub start: Address,
    pub end: Address,
    pub kind: HolderKind,
    pub name: String,
    pub thread: Option<u32>,
    /// The state of a C module: what its words point to is part of it.
    pub is_state_of_module: bool,
}

impl Place {
    /// Words are at multiples of 8; of what is larger than [`MOST`] the beginning.
    pub fn new(start: Address, end: Address, kind: HolderKind) -> Place {
        let start = Address(start.0.checked_next_multiple_of(8).unwrap_or(start.0));
        let end = end.min(Address(start.0.saturating_add(MOST)));
        Place { start, end, kind, name: String::new(), thread: None, is_state_of_module: false }
    }

    /// Tells every word that can be an address. Pages that are not there are left out.
    pub fn words<M: ReadMemory>(&self, memory: &M, mut tell: impl FnMut(Address)) {
        pages(memory, self.start.0..self.end.0, |words| {
            words.iter().filter(|word| **word >= PAGE).for_each(|word| tell(Address(*word)));
        });
    }

    /// Whether an address lies inside.
    pub fn contains(&self, at: Address) -> bool {
        (self.start..self.end).contains(&at)
    }

    /// Whether what its words point to is alive: stacks keep words of what is long gone.
    pub fn is_known_to_hold(&self) -> bool {
        self.kind != HolderKind::Stack
    }
}

/// Tells the words of a range, from its first multiple of 8 on, by pages. Those that are not there are left out, and those
/// that are known to be zeros.
pub(crate) fn pages<M: ReadMemory>(memory: &M, range: Range<u64>, mut tell: impl FnMut(&[u64])) {
    let mut words = [0u64; PAGE as usize / 8];
    let mut at = range.start.checked_next_multiple_of(8).unwrap_or(range.end);
    while at < range.end {
        let blank = memory.blank(Address(at));
        if blank > 0 {
            at = at.saturating_add(blank);
            continue;
        }
        let next = (at / PAGE + 1).saturating_mul(PAGE).min(range.end);
        let block = &mut words[..((next - at) / 8) as usize];
        if memory.fill(Address(at), block).is_ok() {
            tell(block);
        }
        at = next;
    }
}

/// Tells up to `count` words from `at` on, as far as there are any.
pub(crate) fn readable<M: ReadMemory>(memory: &M, at: Address, count: u64, mut tell: impl FnMut(Address)) {
    for index in 0..count {
        match memory.pointer(at.at(8 * index as i64)) {
            Ok(word) => tell(word),
            Err(_) => break,
        }
    }
}

impl Python {
    /// Where C code may keep references.
    pub(crate) fn places<M: ReadMemory>(
        &self,
        memory: &M,
        regions: &[Region],
        interpreters: &[Address],
        stacks: &Stacks,
        seeds: &[Seed],
    ) -> Vec<Place> {
        let state = |start: Address, size: u32| Place::new(start, start.at(size.into()), HolderKind::State);
        let runtime = state(self.runtime, self.layout.runtime.size);
        let mut places: Vec<Place> = interpreters.iter().map(|at| state(*at, self.layout.interpreter.size)).collect();
        let threads = interpreters.iter().flat_map(|interpreter| self.threads(memory, *interpreter));
        places.extend(threads.map(|at| state(at, self.layout.thread.size.into())));
        // The main interpreter and its first thread may be part of the runtime.
        places.retain(|place| !runtime.contains(place.start));
        places.extend(variables(memory, regions).into_iter().flat_map(|place| without(place, &runtime)));
        places.push(runtime);
        places.extend(interpreters.iter().filter_map(|at| identifiers(memory, &self.layout, *at)));
        places.extend(seeds.iter().filter_map(|seed| state_of_module(memory, &self.layout, seed)));
        places.extend(stacks.open.iter().map(|stack| Place {
            thread: Some(stack.thread),
            ..Place::new(stack.at, stack.at.at(8 * stack.words as i64), HolderKind::Temporary)
        }));
        places.extend(c_stacks(regions, stacks));
        places
    }
}

/// The strings of `_Py_Identifier`s: an array, its length before it.
fn identifiers<M: ReadMemory>(memory: &M, layout: &Layout, interpreter: Address) -> Option<Place> {
    /// CPython has some hundreds.
    const CAP: u64 = 1 << 16;
    let at = interpreter.at(layout.interpreter.identifiers?.into());
    let (array, count) = (memory.pointer(at).ok()?, memory.word(at.at(-8)).ok()?);
    (!array.is_null() && count < CAP).then(|| Place::new(array, array.at(8 * count as i64), HolderKind::State))
}

/// The state of a module of `sys.modules`. Its words are references of the module already; what they point to is not.
fn state_of_module<M: ReadMemory>(memory: &M, layout: &Layout, seed: &Seed) -> Option<Place> {
    let (RootKind::Module, RootName::Owned(name)) = (seed.kind, &seed.name) else { return None };
    let state = memory.pointer(seed.object.at(layout.module.state.into())).ok().filter(|state| !state.is_null())?;
    let size = match (layout.module.state_size, layout.module.def, layout.module.def_size) {
        (Some(size), ..) => memory.word(seed.object.at(size.into())).ok()?,
        (None, Some(def), Some(size)) => {
            let definition = memory.pointer(seed.object.at(def.into())).ok().filter(|def| !def.is_null())?;
            memory.word(definition.at(size.into())).ok()?
        }
        _ => return None,
    };
    let is_module = memory.pointer(seed.object.at(layout.object.type_.into())).is_ok_and(|kind| {
        memory
            .pointer(kind.at(layout.type_object.name.into()))
            .and_then(|name| memory.c_string(name, 8))
            .is_ok_and(|name| name == "module")
    });
    let end = state.at((size.min(1 << 15) / 8 * 8) as i64);
    is_module.then(|| Place {
        name: format!("module {name}"),
        is_state_of_module: true,
        ..Place::new(state, end, HolderKind::Variable)
    })
}

/// The writable static data of executables and libraries: what their headers claim, as far as it is mapped.
fn variables<M: ReadMemory>(memory: &M, regions: &[Region]) -> Vec<Place> {
    let mut places = Vec::new();
    for region in regions.iter().filter(|region| region.read && region.offset == 0 && region.path.starts_with('/')) {
        let Some(image) = Image::at(memory, region) else { continue };
        let name = region.path.rsplit('/').next().unwrap_or_default();
        for (start, end) in image.writable {
            let mapped = regions.iter().filter(|region| region.read && region.start < end && start < region.end);
            places.extend(mapped.map(|region| Place {
                name: name.to_owned(),
                ..Place::new(start.max(region.start), end.min(region.end), HolderKind::Variable)
            }));
        }
    }
    places
}

/// The parts of a place before and behind another.
fn without(place: Place, hole: &Place) -> impl Iterator<Item = Place> + use<> {
    let before = Place { end: place.end.min(hole.start), ..place.clone() };
    let behind = Place { start: place.start.max(hole.end), ..place };
    [before, behind].into_iter().filter(|part| part.start < part.end)
}

/// The C stacks of the threads: glibc keeps a thread's descriptor, whose address is `ident`, at the top of its stack; the
/// first thread's stack has a name. Each once, whatever damaged descriptors say.
fn c_stacks(regions: &[Region], stacks: &Stacks) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (row, thread) in (0u32..).zip(&stacks.threads) {
        let ident = Address(thread.ident);
        let first = row as usize + 1 == stacks.threads.len();
        let is_stack = |region: &&Region| match first {
            true => region.path == "[stack]",
            false => (region.start..region.end).contains(&ident),
        };
        let Some(region) = regions.iter().find(is_stack) else { continue };
        let top = if first { region.end } else { region.end.min(Address(ident.0.saturating_add(DESCRIPTOR))) };
        let bottom = region.start.max(Address(top.0.saturating_sub(STACK)));
        // of stacks in one mapping each goes down to the next
        let below = places.iter().filter(|place| place.start < top).map(|place| place.end).max();
        let bottom = below.map_or(bottom, |end| bottom.max(end));
        if bottom < top {
            places.push(Place { thread: Some(row), ..Place::new(bottom, top, HolderKind::Stack) });
        }
    }
    places
}
