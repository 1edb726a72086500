//! What all hooks share: the allocators behind them, and whether anything is recorded.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::event::{self, Order};
use crate::layout::Layout;
use crate::python::{Allocator, OBJECT};
use crate::wire::Kind;
use crate::words::words;

/// What the malloc family calls for its events, made for the layout of the interpreter.
#[derive(Debug)]
pub struct Events {
    pub allocated: unsafe fn(Kind, usize, usize, Order),
    pub install: unsafe fn(),
}

/// Those of this process; null while it records nothing.
static EVENTS: AtomicPtr<Events> = AtomicPtr::new(ptr::null_mut());
static ORIGINALS: Originals = Originals(UnsafeCell::new([None; 3]));

/// The allocators that were there.
struct Originals(UnsafeCell<[Option<Allocator>; 3]>);

// SAFETY: written while the interpreter starts, by its one thread, before the hooks that read them are set.
unsafe impl Sync for Originals {}

/// What is called for events; `None` while nothing is recorded.
#[inline]
pub fn events() -> Option<&'static Events> {
    // SAFETY: a constant, or null.
    unsafe { EVENTS.load(Ordering::Relaxed).as_ref() }
}

/// Has them called from now on; null for none.
pub fn set_events(events: *const Events) {
    EVENTS.store(events.cast_mut(), Ordering::Release);
}

/// Bytes that the hooks behind ours put before a block: see [`head`].
static HEAD: AtomicUsize = AtomicUsize::new(0);

/// The most bytes by which what malloc has made lies before the block that was asked for: 16 for each of two debug hooks
/// (`_PyMem_Debug*`, Objects/obmalloc.c), 0 where there are no hooks behind ours.
#[inline]
pub fn head() -> usize {
    HEAD.load(Ordering::Relaxed)
}

/// Keeps the allocator that a hook is to be set in front of. Python's own are handed nothing, hooks are.
///
/// # Safety
/// No hook of the domain runs.
pub unsafe fn keep_original(domain: usize, there: Allocator) {
    HEAD.store(if there.ctx.is_null() { 0 } else { 32 }, Ordering::Relaxed);
    // SAFETY: nobody reads it now.
    unsafe { (*ORIGINALS.0.get())[domain] = Some(there) };
}

/// The allocator behind a hook.
#[inline]
pub fn original<const DOMAIN: usize>() -> &'static Allocator {
    // SAFETY: it was set before the hook was, and is not changed while one may run.
    match unsafe { &(*ORIGINALS.0.get())[DOMAIN] } {
        Some(allocator) => allocator,
        // SAFETY: as above: there always is one.
        None => unsafe { core::hint::unreachable_unchecked() },
    }
}

/// A block is there that is to be told of. Who calls the hooks holds the GIL.
///
/// # Safety
/// The interpreter is of the layout.
#[inline]
pub unsafe fn allocated<L: Layout, const DOMAIN: usize>(block: *mut c_void, size: usize, order: Order) {
    if !block.is_null() && events().is_some() {
        let kind = if DOMAIN == OBJECT { Kind::Object } else { Kind::Memory };
        // SAFETY: the hooks are of the layout of the interpreter.
        unsafe { event::allocated::<L>(kind, block as usize, size, order) };
    }
}

/// Does `work`, which frees `block` or moves it: the free behind it is a part of what is recorded already. Others are not: who has hooks in
/// front of malloc may free what they keep of the block.
#[inline]
pub fn freeing<R>(block: *mut c_void, work: impl FnOnce() -> R) -> R {
    let words = words();
    // SAFETY: the words of this thread.
    unsafe {
        (*words).freeing = block;
        let result = inside(work);
        (*words).freeing = core::ptr::null_mut();
        result
    }
}

/// Does `work`, whose calls of malloc are a part of what is recorded already.
#[inline]
pub fn inside<R>(work: impl FnOnce() -> R) -> R {
    let words = words();
    // SAFETY: the words of this thread.
    unsafe {
        (*words).inner += 1;
        let result = work();
        (*words).inner -= 1;
        result
    }
}
