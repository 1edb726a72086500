//! The stack at an event: what has changed since the last one is written.
//!
//! Each thread keeps its stack as it was last written, with the address and position of each frame. An event compares from the
//! newest frame on down: the addresses come from the array, so that the loads do not wait for one another, some 2 cycles a
//! frame. The same newest frame at the same position is not enough: one function called from two lines has both alike.

use core::arch::asm;

use crate::code;
use crate::known;
use crate::layout::{Layout, Top};
use crate::read::{u8_at, u32_at, word_at};
use crate::thread::{DEPTH, Frame, Fresh, Thread};
use crate::wire::{self, Kind, LARGE};

/// Room that is left after a stack was written: for the event that it is of.
pub const EVENT: usize = 8;
/// The owner of an ordinary frame, which lies on the thread's own stack of frames.
const PLAIN: u8 = 0;
/// The address of an entry for all frames that a stack is too deep for.
const LEFT_OUT: usize = usize::MAX;

/// Writes what of the stack of thread state `state` (0: there is none) differs from what was written.
///
/// # Safety
/// The thread state is that of this thread, and of the layout.
#[inline]
pub unsafe fn write<L: Layout>(thread: &mut Thread, state: usize) {
    thread.need(EVENT);
    let generation = known::generation();
    if thread.generation != generation {
        clear(thread);
        thread.forget(generation);
    }
    if state == 0 {
        return clear(thread);
    }
    // SAFETY: the fields of a thread state; its newest frame and those that called it live as long as this thread is here.
    unsafe {
        let top = match L::TOP {
            Top::Direct(at) => word_at(state + at),
            Top::Through(at, then) => word_at(word_at(state + at) + then),
        };
        if top == 0 {
            return clear(thread);
        }
        if !is_unchanged::<L>(thread, top) {
            rewrite::<L>(thread, top);
        }
    }
}

/// Has the stack empty.
fn clear(thread: &mut Thread) {
    if thread.count > 0 {
        thread.writer.put(wire::word(Kind::Pop, 0, 1));
        thread.count = 0;
        thread.need(EVENT);
    }
}

/// Whether the stack under `top` is as it was written.
#[inline]
unsafe fn is_unchanged<L: Layout>(thread: &Thread, top: usize) -> bool {
    let mut index = thread.count;
    let mut at = top;
    loop {
        let frame = &thread.stack[index];
        if frame.at != at {
            return false;
        }
        // below the oldest
        if at == 0 {
            return true;
        }
        let there = from_array(frame.at);
        // SAFETY: a frame of this thread's stack.
        unsafe {
            if frame.position != position::<L>(there) {
                return false;
            }
            at = word_at(there + L::PREVIOUS);
        }
        // at the place of the first entry `at` is 0, or differs from it
        index = index.wrapping_sub(1);
    }
}

/// The same address, of which the compiler does not know that it equals the one that was just compared: it would use that, and
/// each load would wait for the one before.
#[inline]
fn from_array(mut address: usize) -> usize {
    // SAFETY: no instruction.
    unsafe { asm!("/* {0} */", inout(reg) address, options(pure, nomem, nostack, preserves_flags)) };
    address
}

/// Finds the newest frame from which on down nothing has changed, and writes those above it.
#[cold]
unsafe fn rewrite<L: Layout>(thread: &mut Thread, top: usize) {
    loop {
        // SAFETY: as of `write`.
        let (kept, fresh) = unsafe { compare::<L>(thread, top) };
        // SAFETY: as above. A new chunk has begun, whose stack is empty: once more, with nothing left to tell of code.
        if unsafe { tell::<L>(thread, kept, fresh) } {
            return;
        }
    }
}

/// How many entries of the stack are as they were, and how many frames above them are put into `fresh`, the newest first.
unsafe fn compare<L: Layout>(thread: &mut Thread, top: usize) -> (usize, usize) {
    let (mut at, mut index, mut fresh) = (top, thread.count, 0);
    // Entries from here on were seen to stand on changed ones.
    let mut unfit = usize::MAX;
    while at != 0 && fresh < DEPTH - 1 {
        // SAFETY: frames of this thread's stack.
        let (position, owner, previous) = unsafe { (position::<L>(at), owner::<L>(at), word_at(at + L::PREVIOUS)) };
        // Ordinary frames lie on one stack, the newer at higher addresses: those above this one have ended.
        while index > 0 && thread.stack[index].at != at {
            let frame = thread.stack[index];
            let is_above = frame.owner != PLAIN || frame.at > at;
            if !is_above || (frame.owner == PLAIN && owner != PLAIN) {
                break;
            }
            index -= 1;
        }
        if index > 0 && thread.stack[index].at == at && index <= unfit {
            // SAFETY: as above.
            match unsafe { stands_on_changed::<L>(thread, index) } {
                None if thread.stack[index].position == position => return (index, fresh),
                None => {
                    thread.fresh[fresh] = Fresh { at, position, owner, word: 0 };
                    return (index - 1, fresh + 1);
                }
                Some(changed) => unfit = changed,
            }
        }
        thread.fresh[fresh] = Fresh { at, position, owner, word: 0 };
        fresh += 1;
        at = previous;
    }
    if at != 0 {
        let word = wire::word(Kind::Push, 0, 0);
        thread.fresh[fresh] = Fresh { at: LEFT_OUT, position: 0, owner: PLAIN, word };
        fresh += 1;
    }
    (0, fresh)
}

/// The newest entry below `index` that is not as it was, if one is not.
unsafe fn stands_on_changed<L: Layout>(thread: &Thread, index: usize) -> Option<usize> {
    let mut index = index;
    loop {
        // SAFETY: a frame of this thread's stack.
        let previous = unsafe { word_at(thread.stack[index].at + L::PREVIOUS) };
        index -= 1;
        let frame = &thread.stack[index];
        if frame.at != previous {
            return Some(index);
        }
        if previous == 0 {
            return None;
        }
        // SAFETY: as above.
        if frame.position != unsafe { position::<L>(previous) } {
            return Some(index);
        }
    }
}

/// Writes `fresh` frames above the first `kept` entries; false when all of them are to be compared again, since a new chunk has
/// begun, or they have no room above the others.
unsafe fn tell<L: Layout>(thread: &mut Thread, kept: usize, fresh: usize) -> bool {
    if kept + fresh > DEPTH {
        clear(thread);
        return false;
    }
    let count = thread.count;
    for place in 0..fresh {
        let Fresh { at, owner, .. } = thread.fresh[place];
        if owner < L::SHIM && at != LEFT_OUT {
            // SAFETY: a frame of Python code, which keeps its code.
            thread.fresh[place].word = unsafe {
                let code = word_at(at + L::CODE) & !7;
                match code::number::<L>(thread, code) {
                    code::SHIM => 0,
                    number => wire::word(Kind::Push, number, offset::<L>(at, code)),
                }
            };
        }
    }
    thread.need(fresh + 1 + EVENT);
    thread.count == count && put(thread, kept, fresh)
}

/// Puts the words of `fresh` frames and enters them above `kept`.
fn put(thread: &mut Thread, kept: usize, fresh: usize) -> bool {
    let depth_of = |thread: &Thread, index: usize| if index == 0 { 0 } else { thread.stack[index].depth };
    let mut depth = depth_of(thread, kept);
    if depth != depth_of(thread, thread.count) {
        thread.writer.put(wire::word(Kind::Pop, u64::from(depth), 1));
    }
    for place in (0..fresh).rev() {
        let Fresh { at, position, owner, word } = thread.fresh[place];
        if word != 0 {
            thread.writer.put(word);
            depth += 1;
        }
        thread.stack[kept + fresh - place] = Frame { at, position, depth, owner };
    }
    thread.count = kept + fresh;
    true
}

/// Where a frame stands, in a word that differs from that of any other place in any other code.
#[inline]
unsafe fn position<L: Layout>(frame: usize) -> usize {
    // SAFETY: a frame.
    unsafe {
        match L::OWNER {
            Some(_) => word_at(frame + L::POSITION),
            // frames are objects that are used again for other code
            None => word_at(frame + L::CODE) >> 4 << 21 | u32_at(frame + L::POSITION) as usize & 0x1f_ffff,
        }
    }
}

/// How far into its code a frame is, in units of 2 bytes.
unsafe fn offset<L: Layout>(frame: usize, code: usize) -> u64 {
    // SAFETY: a frame.
    let steps = unsafe {
        match L::OWNER {
            Some(_) => word_at(frame + L::POSITION).wrapping_sub(code + L::INSTRUCTIONS) as isize >> 1,
            None => (u32_at(frame + L::POSITION) as i32 as isize) >> u32::from(L::MINOR < 10),
        }
    };
    // (below 0 before the first instruction)
    (steps.max(0) as u64).min(LARGE)
}

#[inline]
unsafe fn owner<L: Layout>(frame: usize) -> u8 {
    match L::OWNER {
        // SAFETY: a frame.
        Some(at) => unsafe { u8_at(frame + at) },
        // objects, in any order
        None => 1,
    }
}
