//! What Python's allocators are replaced by: each calls the one that was there, with what that one is handed, and writes down what
//! it did. The hooks ignore what they are handed themselves, so that a thread which just reads function and context one after the
//! other may see one of each.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::event;
use crate::layout::Layout;
use crate::python::{self, Allocator, MEMORY, OBJECT};
use crate::wire::Kind;
use crate::words::words;

/// What the malloc family calls for its events, made for the layout of the interpreter.
#[derive(Debug)]
pub struct Events {
    pub allocated: unsafe fn(Kind, usize, usize, bool),
    pub install: unsafe fn(),
}

/// Those of this process; null while it records nothing.
static EVENTS: AtomicPtr<Events> = AtomicPtr::new(ptr::null_mut());
static ORIGINALS: Originals = Originals(UnsafeCell::new([None; 3]));

/// The allocators that were there.
struct Originals(UnsafeCell<[Option<Allocator>; 3]>);

// SAFETY: written while the interpreter starts, by its one thread, before the hooks that read them are set.
unsafe impl Sync for Originals {}

trait Layouts: Layout {
    const EVENTS: Events;
}

impl<L: Layout> Layouts for L {
    const EVENTS: Events = Events { allocated: event::allocated::<L>, install: install::<L> };
}

/// What is called for events; `None` while nothing is recorded.
#[inline]
pub fn events() -> Option<&'static Events> {
    // SAFETY: a constant, or null.
    unsafe { EVENTS.load(Ordering::Relaxed).as_ref() }
}

/// Records from now on, an interpreter of the layout.
///
/// # Safety
/// The interpreter is of the layout, and has no second thread yet.
pub unsafe fn start<L: Layout + 'static>() {
    // SAFETY: as above.
    unsafe { install::<L>() };
    EVENTS.store(const { &<L as Layouts>::EVENTS as *const Events }.cast_mut(), Ordering::Release);
}

/// Records no more: what comes is handed on as it was before.
pub fn stop() {
    EVENTS.store(ptr::null_mut(), Ordering::Release);
}

/// Sets the hooks in the domains where they are not.
///
/// # Safety
/// As of [`start`].
unsafe fn install<L: Layout>() {
    for (domain, hooks) in [(MEMORY, hooks::<L, MEMORY>()), (OBJECT, hooks::<L, OBJECT>())] {
        let Some(there) = python::allocator(domain) else { continue };
        if ptr::fn_addr_eq(there.malloc, hooks.malloc) {
            continue;
        }
        // SAFETY: the hooks hand each block to the allocator that made it.
        unsafe {
            (*ORIGINALS.0.get())[domain] = Some(there);
            python::set_allocator(domain, &Allocator { ctx: there.ctx, ..hooks });
        }
    }
}

fn hooks<L: Layout, const DOMAIN: usize>() -> Allocator {
    Allocator {
        ctx: ptr::null_mut(),
        malloc: malloc::<L, DOMAIN>,
        calloc: calloc::<L, DOMAIN>,
        realloc: realloc::<L, DOMAIN>,
        free: free::<L, DOMAIN>,
    }
}

/// The allocator behind a hook.
#[inline]
fn original<const DOMAIN: usize>() -> &'static Allocator {
    // SAFETY: it was set before the hook was, and is not changed while one may run.
    match unsafe { &(*ORIGINALS.0.get())[DOMAIN] } {
        Some(allocator) => allocator,
        // SAFETY: as above: there always is one.
        None => unsafe { core::hint::unreachable_unchecked() },
    }
}

#[inline]
unsafe fn allocated<L: Layout, const DOMAIN: usize>(block: *mut c_void, size: usize) {
    if !block.is_null() && events().is_some() {
        let kind = if DOMAIN == OBJECT { Kind::Object } else { Kind::Memory };
        // SAFETY: the hooks are of the layout of the interpreter. Who calls them holds the GIL.
        unsafe { event::allocated::<L>(kind, block as usize, size, true) };
    }
}

#[inline]
fn freed(block: *mut c_void) {
    if !block.is_null() && events().is_some() {
        event::freed(block as usize, true);
    }
}

/// Does `work`, whose calls of malloc are a part of what is recorded already.
#[inline]
fn inside<R>(work: impl FnOnce() -> R) -> R {
    let words = words();
    // SAFETY: the words of this thread.
    unsafe {
        (*words).inner += 1;
        let result = work();
        (*words).inner -= 1;
        result
    }
}

unsafe extern "C" fn malloc<L: Layout, const DOMAIN: usize>(_: *mut c_void, size: usize) -> *mut c_void {
    let original = original::<DOMAIN>();
    // SAFETY: what we are called for is handed on.
    unsafe {
        let block = inside(|| (original.malloc)(original.ctx, size));
        allocated::<L, DOMAIN>(block, size);
        block
    }
}

unsafe extern "C" fn calloc<L: Layout, const DOMAIN: usize>(_: *mut c_void, count: usize, size: usize) -> *mut c_void {
    let original = original::<DOMAIN>();
    // SAFETY: what we are called for is handed on.
    unsafe {
        let block = inside(|| (original.calloc)(original.ctx, count, size));
        allocated::<L, DOMAIN>(block, count.wrapping_mul(size));
        block
    }
}

unsafe extern "C" fn realloc<L: Layout, const DOMAIN: usize>(
    _: *mut c_void,
    block: *mut c_void,
    size: usize,
) -> *mut c_void {
    let original = original::<DOMAIN>();
    freed(block);
    // SAFETY: what we are called for is handed on.
    unsafe {
        let moved = inside(|| (original.realloc)(original.ctx, block, size));
        // Where it failed the block is as it was, of a size that we do not know: it counts as nothing.
        let (block, size) = if moved.is_null() { (block, 0) } else { (moved, size) };
        allocated::<L, DOMAIN>(block, size);
        moved
    }
}

unsafe extern "C" fn free<L: Layout, const DOMAIN: usize>(_: *mut c_void, block: *mut c_void) {
    let original = original::<DOMAIN>();
    freed(block);
    // SAFETY: what we are called for is handed on.
    inside(|| unsafe { (original.free)(original.ctx, block) });
}
