//! Writing an event: the stack, when it happened, and what.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::code;
use crate::known;
use crate::layout::Layout;
use crate::python;
use crate::sampling;
use crate::stack;
use crate::sys;
use crate::thread::Thread;
use crate::wire::{self, Kind, LARGE};

/// Where the interpreter says that it has begun to end; null once that is told.
static FINALIZING: AtomicPtr<usize> = AtomicPtr::new(ptr::null_mut());

/// Has it told when this word is not 0 any more: with the first free since, for nothing is cleared before.
pub fn tell_ending(at: *mut usize) {
    FINALIZING.store(at, Ordering::Release);
}

/// The thread that wrote the last event of those that the GIL orders; only compared.
static LAST: AtomicPtr<Thread> = AtomicPtr::new(ptr::null_mut());

/// What orders an event among those of other threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The GIL: only a thread that holds it gets blocks of this allocator.
    Gil,
    /// The time, though the thread holds the GIL: others get blocks of this allocator without it, and one of them may just have
    /// given this block back.
    Shared,
    /// The time: the thread may be without the GIL.
    Free,
}

/// A block of `size` bytes was allocated, and is in the sample if there is one.
///
/// # Safety
/// The running interpreter is of the layout.
#[inline]
pub unsafe fn allocated<L: Layout>(kind: Kind, block: usize, size: usize, order: Order) {
    // SAFETY: left below, before this thread can end.
    let Some(thread) = (unsafe { Thread::enter() }) else { return };
    if !sampling::is_on() || known::sample(block, size) {
        // SAFETY: the state of this thread.
        unsafe { stack::write::<L>(thread, python::state::<L>(order != Order::Free)) };
        when(thread, order, sys::stamp_after);
        let (block, size) = (block as u64 >> 3, size as u64);
        thread.writer.put(wire::word(kind, block, size.min(LARGE)));
        if size >= LARGE {
            thread.writer.put(size);
        }
    }
    thread.leave();
}

/// A block is given back; this is called before it is. A time that is older than this is none too early: since then nobody but
/// this thread had the block.
#[inline]
pub fn freed(block: usize, order: Order) {
    // SAFETY: left below, before this thread can end.
    let Some(thread) = (unsafe { Thread::enter() }) else { return };
    if known::may_be(block) {
        code::freed(block);
    }
    write_free(thread, block, order);
    thread.leave();
}

/// A block is given back of which something may be known ([`known::may_be`]); its size when it was in the sample.
#[cold]
pub fn freed_known(block: usize, order: Order) -> Option<usize> {
    // SAFETY: left below, before this thread can end.
    let thread = unsafe { Thread::enter() }?;
    let sampled = code::freed(block);
    if sampled.is_some() {
        write_free(thread, block, order);
    }
    thread.leave();
    sampled
}

#[inline]
fn write_free(thread: &mut Thread, block: usize, order: Order) {
    thread.need(stack::EVENT);
    when(thread, order, sys::stamp);
    let ending = FINALIZING.load(Ordering::Relaxed);
    // SAFETY: a word of the interpreter, which stays.
    if !ending.is_null() && unsafe { ending.read_volatile() } != 0 {
        FINALIZING.store(ptr::null_mut(), Ordering::Relaxed);
        thread.writer.put(wire::word(Kind::Ending, 0, 0));
    }
    thread.writer.put(wire::word(Kind::Free, block as u64 >> 3, 0));
}

/// The time, where the order of events is not known without.
#[inline]
fn when(thread: &mut Thread, order: Order, stamp: fn() -> u64) {
    let this: *mut Thread = thread;
    if order != Order::Gil || sampling::is_on() || LAST.load(Ordering::Relaxed) != this {
        thread.writer.put(wire::time(stamp()));
        if order != Order::Free {
            LAST.store(this, Ordering::Relaxed);
        }
    }
}
