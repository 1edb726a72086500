//! The stack of native frames at an event. What has changed since the last one is written, as of Python's frames
//! ([`crate::stack`]).

use crate::layout::Layout;
use crate::stack::{EVENT, calls_of};
use crate::thread::Thread;
use crate::unwind::{self, Frame, Walk, here};
use crate::wire::{self, Kind};

/// Looks where the thread's stack ends, before its stacks are written.
#[inline]
pub fn look(thread: &mut Thread) {
    let here = here().stack;
    if !thread.native.has(here) {
        thread.native.look(here);
    }
}

/// Writes what of the thread's native frames differs from what was written. False when a new chunk has begun, so that all stacks
/// are to be written once more.
///
/// # Safety
/// The thread state is that of this thread, or 0, and of the layout; its stack was just written.
pub unsafe fn write<L: Layout>(thread: &mut Thread, state: usize) -> bool {
    let Some(header) = unwind::ring() else { return true };
    let from = here();
    if !thread.native.has(from.stack) {
        thread.native.look(from.stack);
    }
    if !thread.native.has(from.stack) {
        return put(thread, &Walk { is_cut: true, ..Walk::default() });
    }
    if !thread.native.has_all_parts(header) {
        thread.native.begin_anew(header);
        return put(thread, &Walk::default()) && {
            // SAFETY: as above.
            unsafe { write::<L>(thread, state) }
        };
    }
    // SAFETY: the stack is there from this frame to its end.
    let walk = unsafe { thread.native.walk(header, from) };
    // SAFETY: as of this function.
    let mut calls = unsafe { calls_of::<L>(thread, state, from.stack..thread.native.end) };
    for place in 0..walk.fresh {
        let (frame, _) = thread.native.fresh[place];
        let mut count = 0;
        // SAFETY: as above.
        while unsafe { calls.take_below::<L>(thread, frame.end) } {
            count += 1;
        }
        thread.native.fresh[place].1 = wire::native(frame.code, count);
    }
    put(thread, &walk)
}

/// Puts the words of a walk; false when a new chunk has begun before.
fn put(thread: &mut Thread, walk: &Walk) -> bool {
    if !thread.need(walk.fresh + 2 + EVENT) {
        return false;
    }
    let is_cut = walk.is_cut && walk.kept == 0;
    if walk.kept != thread.native.count && thread.native.count > 0 {
        // (one that is cut stays so)
        if is_cut && walk.fresh == 0 && thread.native.count == 1 && thread.native.stack[1].code == 0 {
            return true;
        }
        thread.writer.put(wire::word(Kind::NativePop, walk.kept as u64, 1));
    }
    let native = &mut thread.native;
    native.count = walk.kept;
    if is_cut {
        thread.writer.put(wire::native(0, 0));
        native.count += 1;
        native.stack[native.count] = Frame { code: 0, end: usize::MAX };
    }
    for place in (0..walk.fresh).rev() {
        let (frame, word) = native.fresh[place];
        thread.writer.put(word);
        native.count += 1;
        native.stack[native.count] = frame;
    }
    true
}
