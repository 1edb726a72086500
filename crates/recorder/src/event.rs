//! Writing an event: the stack, when it happened, and what.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::code;
use crate::known;
use crate::layout::Layout;
use crate::python;
use crate::stack;
use crate::sys;
use crate::thread::Thread;
use crate::wire::{self, Kind, LARGE};

/// The thread that wrote the last event of those that the GIL orders; only compared.
static LAST: AtomicPtr<Thread> = AtomicPtr::new(ptr::null_mut());

/// A block of `size` bytes was allocated. With `held` the thread holds the GIL.
///
/// # Safety
/// The running interpreter is of the layout.
#[inline]
pub unsafe fn allocated<L: Layout>(kind: Kind, block: usize, size: usize, held: bool) {
    // SAFETY: left below, before this thread can end.
    let Some(thread) = (unsafe { Thread::enter() }) else { return };
    // SAFETY: the state of this thread.
    unsafe { stack::write::<L>(thread, python::state::<L>(held)) };
    when(thread, held);
    let (block, size) = (block as u64 >> 4, size as u64);
    thread.writer.put(wire::word(kind, block, size.min(LARGE)));
    if size >= LARGE {
        thread.writer.put(size);
    }
    thread.leave();
}

/// A block is given back; this is called before it is.
#[inline]
pub fn freed(block: usize, held: bool) {
    // SAFETY: left below, before this thread can end.
    let Some(thread) = (unsafe { Thread::enter() }) else { return };
    if known::may_be(block) {
        code::freed(block);
    }
    thread.need(stack::EVENT);
    when(thread, held);
    thread.writer.put(wire::word(Kind::Free, block as u64 >> 4, 0));
    thread.leave();
}

/// The time, where the order of events is not known without.
#[inline]
fn when(thread: &mut Thread, held: bool) {
    let this: *mut Thread = thread;
    if !held || LAST.load(Ordering::Relaxed) != this {
        thread.writer.put(wire::time(sys::stamp()));
        if held {
            LAST.store(this, Ordering::Relaxed);
        }
    }
}
