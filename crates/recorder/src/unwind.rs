//! Finding native frames: those of C, C++, Rust and whatever else is compiled.
//!
//! Frames are found by tables ([`crate::tables`]), where those have nothing by base pointers. Read is what lies between the stack
//! pointer and the end of the thread's stack, all of which was seen to be there; no lock is taken and nothing allocated. Where
//! code is met that is in no table, whoever reads the ring is asked once for it, and waited for for a moment.

use core::arch::asm;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use core::{ptr, slice};

use crate::read::word_at;
use crate::tables::{HEAD_BYTES, Head, PARTS, Part, Rule};
use crate::wire::{CHUNK_BYTES, HEADER_BYTES, Header};
use crate::{elf, ring as memory, sys};

/// Native frames of which a stack is told; of a deeper one the oldest are left out.
pub const DEPTH: usize = 4096;
/// Instructions whose rules are at hand.
const RULES: usize = 2048;
/// A stack is no larger; where one is, its frames are not told.
const LARGEST: usize = 128 << 20;
const PAGE: usize = 4096;
/// How long an answer is waited for while the reader's heart does not beat: 1 s.
const PATIENCE: u64 = 1_000_000_000;
/// And while it does: 10 s.
const LONGEST: u64 = 10_000_000_000;
/// Between two looks for it: 100 us.
const NAP: u64 = 100_000;
/// So many answers that say nothing are waited for.
const IN_VAIN: u32 = 64;
/// Where the kernel puts the registers of the code that a signal interrupts, from the stack pointer on: instruction, stack and
/// base pointer (`struct rt_sigframe`, arch/x86/include/asm/sigframe.h).
const INTERRUPTED: [usize; 3] = [168, 160, 120];

/// The ring whose tables are used; null while no native frames are recorded.
static RING: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());
/// The library's own code, whose frames are none of the program's.
static OWN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
/// Where the stack of the first thread ends (`__libc_stack_end`).
static STACK_END: AtomicUsize = AtomicUsize::new(0);
/// Answers that said nothing.
static VAIN: AtomicU32 = AtomicU32::new(0);

/// Uses the tables of a ring, if it has some.
pub fn start(header: &'static Header) {
    // (in a small address space they are not mapped)
    if header.tables == 0 || !memory::is_whole(header) {
        return stop();
    }
    let own = elf::code_around(start as *const () as usize);
    OWN[0].store(own.start, Ordering::Relaxed);
    OWN[1].store(own.end, Ordering::Relaxed);
    let end = elf::find("__libc_stack_end").cast::<usize>();
    // SAFETY: a variable of the loader, if there is one.
    STACK_END.store(if end.is_null() { 0 } else { unsafe { *end } }, Ordering::Relaxed);
    VAIN.store(0, Ordering::Relaxed);
    RING.store(ptr::from_ref(header).cast_mut(), Ordering::Release);
}

/// No native frames are recorded.
pub fn stop() {
    RING.store(ptr::null_mut(), Ordering::Release);
}

/// Whether native frames are recorded.
#[inline]
pub fn is_on() -> bool {
    !RING.load(Ordering::Relaxed).is_null()
}

/// The ring whose tables are used, while native frames are recorded.
#[inline]
pub fn ring() -> Option<&'static Header> {
    // SAFETY: a ring that was opened stays mapped for as long as a thread writes an event.
    unsafe { RING.load(Ordering::Acquire).as_ref() }
}

/// A native frame as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Within the instruction where it is; 0 for all that cannot be told.
    pub code: usize,
    /// One past its last byte.
    pub end: usize,
}

/// What is kept of a thread. Begins as zeros.
#[derive(Debug)]
pub struct Native {
    /// How many of `stack` are written, apart from the first, which is none.
    pub count: usize,
    /// How many parts there were when rules were looked up.
    parts: u32,
    /// From here to the end of the stack all was seen to be there.
    lowest: usize,
    /// One past the last byte of the stack.
    pub end: usize,
    rules: [(usize, u32); RULES],
    pub stack: [Frame; DEPTH + 1],
    /// Frames that are to be written, with the words for them.
    pub fresh: [(Frame, u64); DEPTH],
}

/// A frame whose caller is looked for.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Within its instruction.
    code: usize,
    pub stack: usize,
    base: usize,
    /// Found by a base pointer, which may be none.
    is_guess: bool,
}

/// What a walk has found.
#[derive(Debug, Default)]
pub struct Walk {
    /// So many entries are as they were.
    pub kept: usize,
    /// And so many frames stand above them.
    pub fresh: usize,
    /// The oldest of them was called by something that cannot be told.
    pub is_cut: bool,
}

/// The frame that this is in.
#[inline(always)]
pub fn here() -> At {
    let (code, stack, base);
    // SAFETY: reads three registers.
    unsafe {
        asm!(
            "lea {0}, [rip]", "mov {1}, rsp", "mov {2}, rbp",
            out(reg) code, out(reg) stack, out(reg) base,
            options(nomem, nostack, preserves_flags),
        );
    }
    At { code, stack, base, is_guess: false }
}

impl Native {
    /// Whether a place is on the part of the thread's stack that may be read.
    #[inline]
    pub fn has(&self, place: usize) -> bool {
        place >= self.lowest && place < self.end
    }

    /// Sees whether all from `stack` to the end of the thread's stack is there, and so may be read. Of a stack that the program has
    /// made itself, or one for signals, the end is not known.
    #[cold]
    pub fn look(&mut self, stack: usize) {
        // The C library keeps what it knows of a thread at the end of its stack, but for the first thread.
        let own = sys::thread_pointer();
        let end = if stack < own { own } else { STACK_END.load(Ordering::Relaxed) } & !7;
        let until = if self.end == end { self.lowest } else { end };
        if stack >= end || end - stack > LARGEST || stack >= until {
            return;
        }
        let start = stack & !(PAGE - 1);
        if sys::is_mapped(start, until - start) {
            (self.lowest, self.end) = (start, end);
        }
    }

    /// Another recording has begun since, with other tables.
    pub fn forget(&mut self) {
        (self.count, self.parts) = (0, u32::MAX);
    }

    pub fn has_all_parts(&self, header: &Header) -> bool {
        tables(header).0.parts.load(Ordering::Acquire) == self.parts
    }

    /// Forgets which rules hold where: there are other parts.
    #[cold]
    pub fn begin_anew(&mut self, header: &Header) {
        self.parts = tables(header).0.parts.load(Ordering::Acquire);
        self.rules = [(0, 0); RULES];
    }

    /// Finds the frames from `at` on up to one that is as it was written, and puts them into `fresh`, the newest first.
    ///
    /// # Safety
    /// The stack is there from `at` to its end.
    pub unsafe fn walk(&mut self, header: &Header, from: At) -> Walk {
        let (mut at, mut index, mut fresh) = (from, self.count, 0);
        let own = OWN[0].load(Ordering::Relaxed)..OWN[1].load(Ordering::Relaxed);
        while fresh < DEPTH - 1 {
            // SAFETY: as above.
            let caller = unsafe { self.caller(header, at) };
            let end = caller.map_or(at.stack + 8, |caller| caller.stack);
            while index > 0 && self.stack[index].end < end {
                index -= 1;
            }
            if index > 0 && self.stack[index].end == end && self.stack[index].code == at.code {
                // SAFETY: entries end above `at`.
                match unsafe { self.stands_on_changed(index) } {
                    None => return Walk { kept: index, fresh, is_cut: false },
                    Some(changed) => index = changed,
                }
            }
            if !own.contains(&at.code) {
                self.fresh[fresh].0 = Frame { code: at.code, end };
                fresh += 1;
            }
            match caller {
                Some(caller) => at = caller,
                None => return Walk { kept: 0, fresh, is_cut: self.rule(header, at) != Some(Rule::Oldest) },
            }
        }
        Walk { kept: 0, fresh, is_cut: true }
    }

    /// The newest entry below `index` that is not as it was, if one is not: frames were called from where they will return to.
    ///
    /// # Safety
    /// The entries up to `index` end on the thread's stack, above its pointer.
    unsafe fn stands_on_changed(&self, index: usize) -> Option<usize> {
        let mut above = &self.stack[index];
        for below in (1..index).rev() {
            let frame = &self.stack[below];
            // SAFETY: as above.
            if frame.code != 0 && unsafe { word_at(above.end - 8) }.wrapping_sub(1) != frame.code {
                return Some(below);
            }
            above = frame;
        }
        None
    }

    /// Who called a frame; `None` where nobody did or it cannot be told.
    ///
    /// # Safety
    /// As of [`Native::walk`].
    unsafe fn caller(&mut self, header: &Header, at: At) -> Option<At> {
        let rule = self.rule(header, at)?;
        let is_guess = rule == Rule::Unknown;
        let lies_above = |place: usize| place >= at.stack && place <= self.end - 8 && place.is_multiple_of(8);
        // SAFETY: a word of the stack.
        let word = |place: usize| lies_above(place).then(|| unsafe { word_at(place) });
        let (end, base) = match rule {
            Rule::Oldest => return None,
            Rule::Stack(end, base) => (at.stack.wrapping_add_signed(end as isize), base),
            Rule::Base(end, base) => (at.base.wrapping_add_signed(end as isize), base),
            Rule::Unknown => (at.base.wrapping_add(16), Some(-16)),
            Rule::Stored(place) => {
                let end = word(at.base.wrapping_add_signed(place as isize))?;
                (end, Some((at.base as isize).wrapping_sub(end as isize) as i32))
            }
            Rule::Signal => {
                let [code, stack, base] = INTERRUPTED.map(|place| word(at.stack.wrapping_add(place)));
                let (code, stack, base) = (code?, stack?, base?);
                return lies_above(stack).then_some(At { code, stack, base, is_guess });
            }
        };
        if end <= at.stack || end > self.end {
            return None;
        }
        let code = word(end - 8).filter(|&code| code != 0)?;
        let base = match base {
            Some(place) => word(end.wrapping_add_signed(place as isize))?,
            None => at.base,
        };
        Some(At { code: code - 1, stack: end, base, is_guess })
    }

    /// What holds where a frame is; `None` where there is no code that is known of.
    #[inline]
    fn rule(&mut self, header: &Header, at: At) -> Option<Rule> {
        let place = &mut self.rules[(at.code ^ at.code >> 11) % RULES];
        if place.0 == at.code {
            return Some(Rule::unpack(place.1));
        }
        let rule = match find(header, at.code) {
            None if !at.is_guess && ask(header) => find(header, at.code)?,
            found => found?,
        };
        *place = (at.code, rule);
        Some(Rule::unpack(rule))
    }
}

/// The tables of a ring, and where they end.
fn tables(header: &Header) -> (&Head, usize) {
    let start = ptr::from_ref(header) as usize + HEADER_BYTES + header.chunks as usize * CHUNK_BYTES;
    // SAFETY: they follow the chunks in one mapping.
    (unsafe { &*(start as *const Head) }, start + header.tables as usize)
}

/// What holds at an instruction.
#[cold]
fn find(header: &Header, code: usize) -> Option<u32> {
    let (head, end) = tables(header);
    let start = ptr::from_ref(head) as usize;
    let count = (head.parts.load(Ordering::Acquire) as usize).min(PARTS);
    // SAFETY: so many parts follow the head, and are changed no more.
    let parts = unsafe { slice::from_raw_parts((start + HEAD_BYTES) as *const Part, count) };
    let code = code as u64;
    let part = parts.iter().rev().find(|part| part.start <= code && code < part.end)?;
    let (rows, offset) = (start.checked_add(part.rows as usize)?, (code - part.start) as u32);
    if end.checked_sub(rows)? / 8 < part.count as usize {
        return None;
    }
    // SAFETY: so many rows, within the tables.
    let rows = unsafe { slice::from_raw_parts(rows as *const u64, part.count as usize) };
    let next = rows.partition_point(|row| (row >> 32) as u32 <= offset);
    Some(next.checked_sub(1).and_then(|index| rows.get(index)).map_or(0, |&row| row as u32))
}

/// Asks whoever reads the ring to look for new code; whether that is done.
#[cold]
fn ask(header: &Header) -> bool {
    let ticket = header.asked.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
    if VAIN.load(Ordering::Relaxed) >= IN_VAIN {
        return false;
    }
    let is_answered = || header.answered.load(Ordering::Acquire).wrapping_sub(ticket) as i32 >= 0;
    let parts = || tables(header).0.parts.load(Ordering::Acquire);
    let beat = || header.heartbeat.load(Ordering::Relaxed);
    let (before, began) = (parts(), sys::clock());
    let (mut last, mut since) = (beat(), began);
    while !is_answered() {
        sys::nap(NAP);
        let now = sys::clock();
        if beat() != last {
            (last, since) = (beat(), now);
        }
        if now.wrapping_sub(since) > PATIENCE || now.wrapping_sub(began) > LONGEST {
            break;
        }
    }
    if before == parts() {
        VAIN.fetch_add(1, Ordering::Relaxed);
    }
    is_answered()
}
