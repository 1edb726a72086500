//! The collector's lists: every tracked object, by generation.
//!
//! Source: `Modules/gcmodule.c` (3.8 to 3.12), `Python/gc.c`; `PyGC_Head` in `pycore_gc.h`. A list at rest closes both
//! ways (`prev(next(x)) == x`), which is an exact test for a torn or corrupt one.

use memsight_model::{Address, Progress, ReadMemory, Region};

use crate::error::PythonError;
use crate::find::locate::Python;
use crate::layout::{Gc, Maybe, Offset};
use crate::walk::slots::{Bits, SharedBits, Slot, Slots};

/// sizeof(PyGC_Head).
pub(crate) const GC_HEAD: u64 = 16;
/// `_PyGC_PREV_MASK_FINALIZED`, in the link to the object before.
pub(crate) const PREV_FINALIZED: u64 = 1;
/// Flag bits of the links (FINALIZED, COLLECTING; UNREACHABLE or the old space of 3.14.0 to 3.14.4).
pub(crate) const FLAGS: u64 = 3;

/// The tracked objects of all interpreters, with their generations in three planes of bits. Most objects are old, so
/// that one plane holds nearly all bits and the others take next to no memory.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    /// Generation 2, and 0.
    low: Bits,
    /// Generation 1, and 0.
    high: Bits,
    permanent: Bits,
}

impl Tracked {
    fn empty(slots: &Slots) -> Tracked {
        Tracked { low: slots.plane(), high: slots.plane(), permanent: slots.plane() }
    }

    /// The generation of a tracked object (3: permanent); `None` when it is not tracked.
    #[inline]
    pub fn generation(&self, slot: Slot) -> Option<u8> {
        match (self.low.get(slot), self.high.get(slot)) {
            (true, true) => Some(0),
            (false, true) => Some(1),
            (true, false) => Some(2),
            (false, false) => self.permanent.get(slot).then_some(3),
        }
    }

    /// Notes an object; whether it was not noted before.
    fn note(&mut self, slot: Slot, generation: u8) -> bool {
        if self.generation(slot).is_some() {
            return false;
        }
        match generation {
            0 => self.low.set(slot) & self.high.set(slot),
            1 => self.high.set(slot),
            2 => self.low.set(slot),
            _ => self.permanent.set(slot),
        }
    }

    /// All of them, as the start of a plane that workers mark.
    pub fn shared(&self) -> SharedBits {
        SharedBits::union([&self.low, &self.high, &self.permanent])
    }

    /// Those in a range of slots whose ends are multiples of 64, ascending.
    pub fn ones(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Slot> + '_ {
        Bits::ones_of([&self.low, &self.high, &self.permanent], range)
    }
}

/// What the collector's lists hold, from [`Python::listed`].
#[derive(Debug)]
pub struct Listed {
    pub(crate) slots: Slots,
    pub(crate) tracked: Tracked,
    /// Lists that did not hold together.
    pub(crate) torn: Vec<String>,
}

impl Gc {
    /// Where the pointer to the first head is, for builds that have one.
    pub(crate) fn first_head(&self) -> Maybe {
        self.generation0.filter(|offset| offset + 8 <= self.size)
    }

    /// Offset of the head of generation 0 in the state at `gc`. The heads moved by 4 bytes within 3.13; the pointer to
    /// the first one tells where they are.
    pub(crate) fn young(&self, gc: Address, pointer: Option<Address>) -> Offset {
        let near = pointer.and_then(|pointer| pointer.0.checked_sub(gc.0)).filter(|near| *near <= self.size.into());
        near.and_then(|near| u16::try_from(near).ok()).unwrap_or(self.generations)
    }
}

impl Python {
    /// Heads of generation 0, 1, 2 and of the permanent one.
    fn heads<M: ReadMemory>(&self, memory: &M, gc: Address) -> Result<[Address; 4], PythonError> {
        let table = &self.layout.gc;
        let pointer = table.first_head().map(|offset| memory.pointer(gc.at(offset.into()))).transpose()?;
        let first = gc.at(table.young(gc, pointer).into());
        let step = i64::from(table.generation_size);
        Ok([first, first.at(step), first.at(2 * step), gc.at(table.permanent.into())])
    }

    /// The first step of [`Python::decode`], which needs nothing but the memory: walks the lists of the collector, an
    /// object after the other, so that only one core is busy. With `best_effort` as in [`DecodeOptions::best_effort`].
    pub fn listed<M: ReadMemory>(
        &self,
        memory: &M,
        regions: &[Region],
        best_effort: bool,
        progress: &dyn Progress,
    ) -> Result<Listed, PythonError> {
        progress.phase("walking the collector's lists", None);
        let slots = Slots::new(regions, memory.populated().as_deref());
        let (tracked, torn) = self.tracked(memory, &slots, best_effort)?;
        Ok(Listed { slots, tracked, torn })
    }

    /// Walks the lists of all interpreters. With `best_effort`, what stands in the way of one (a collection that has
    /// objects in hand, memory that is missing) is no error but a reason in words.
    fn tracked<M: ReadMemory>(
        &self,
        memory: &M,
        slots: &Slots,
        best_effort: bool,
    ) -> Result<(Tracked, Vec<String>), PythonError> {
        let mut tracked = Tracked::empty(slots);
        let mut states: Vec<Address> = self.interpreters(memory)?.iter().map(|at| self.gc_state(*at)).collect();
        states.dedup();
        let (mut collecting, mut torn) = (false, false);
        for gc in states {
            collecting |= memory.i32(gc.at(self.layout.gc.collecting.into()))? != 0;
            if collecting && !best_effort {
                return Err(PythonError::Collecting);
            }
            if self.layout.is_free_threaded() {
                // There are no lists: each object says itself whether the collector knows it (`Head::generation`).
                continue;
            }
            for (generation, head) in self.heads(memory, gc)?.into_iter().enumerate() {
                match walk(memory, slots, head, generation as u8, &mut tracked) {
                    Ok(()) => {}
                    Err(stop) if best_effort => {
                        torn = true;
                        salvage(memory, slots, head, stop.last, generation as u8, &mut tracked);
                    }
                    Err(stop) => return Err(PythonError::TornList { head, objects: stop.objects }),
                }
            }
        }
        let reasons = [
            (collecting, "a garbage collection was running: objects that it had in hand may be missing"),
            (torn && !collecting, "the collector's lists are not whole: objects that nothing refers to may be missing"),
        ];
        let reasons = reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason.to_owned());
        Ok((tracked, reasons.collect()))
    }
}

/// Where a list is not in order.
struct Stop {
    /// The last that was in order.
    last: Address,
    /// Objects up to it.
    objects: u64,
}

/// Walks one list. A cycle that misses the head meets an object that is marked already.
fn walk<M: ReadMemory>(
    memory: &M,
    slots: &Slots,
    head: Address,
    generation: u8,
    tracked: &mut Tracked,
) -> Result<(), Stop> {
    let mut last = head;
    let mut objects = 0;
    let Ok(mut next) = memory.word(head) else { return Err(Stop { last, objects }) };
    loop {
        let stop = Stop { last, objects };
        let at = Address(next & !FLAGS);
        if at == head {
            return Ok(());
        }
        // Both links at once: most of the time goes into finding the place.
        let mut links = [0; 2];
        if memory.fill(at, &mut links).is_err() || links[1] & !FLAGS != last.0 {
            return Err(stop);
        }
        match slots.slot(at.at(GC_HEAD as i64)) {
            Some(slot) if tracked.note(slot, generation) => {}
            _ => return Err(stop),
        }
        objects += 1;
        (last, next) = (at, links[0]);
    }
}

/// Takes what can be had of a list that is not in order behind `last`: forward as far as the links go, whatever they say
/// about the way back (a collection keeps counts in their place), then from its end backward.
fn salvage<M: ReadMemory>(
    memory: &M,
    slots: &Slots,
    head: Address,
    last: Address,
    generation: u8,
    tracked: &mut Tracked,
) {
    for (link, start) in [(0, last), (8, head)] {
        let mut at = start;
        while let Ok(next) = memory.word(at.at(link)) {
            at = Address(next & !FLAGS);
            let slot = if at == head { None } else { slots.slot(at.at(GC_HEAD as i64)) };
            if !slot.is_some_and(|slot| memory.word(at).is_ok() && tracked.note(slot, generation)) {
                break;
            }
        }
    }
}
