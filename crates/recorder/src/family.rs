//! The C library's malloc family, in whose place the program finds this one. Each function calls the one that would be there
//! otherwise: the next in the order of libraries, be it the C library's or that of another allocator.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::behind::{self, Events};
use crate::event::Order;
use crate::function::Function;
use crate::wire::Kind;
use crate::words::words;
use crate::{elf, event, known, python, sampling};

/// Set once the interpreter has a thread, and so the allocators that it was asked for.
static SETTLED: AtomicBool = AtomicBool::new(false);

static MALLOC: Function = Function::NONE;
static CALLOC: Function = Function::NONE;
static REALLOC: Function = Function::NONE;
static FREE: Function = Function::NONE;
static POSIX_MEMALIGN: Function = Function::NONE;
static ALIGNED_ALLOC: Function = Function::NONE;
static MEMALIGN: Function = Function::NONE;
static VALLOC: Function = Function::NONE;
static PVALLOC: Function = Function::NONE;

/// The function that would be there without us. Cost: one load, the first time a search.
#[inline]
fn next(function: &Function, name: &str) -> *const c_void {
    match function.get() {
        Some(found) => found,
        None => find(function, name),
    }
}

#[cold]
fn find(function: &Function, name: &str) -> *const c_void {
    function.set(elf::find_behind(name, find as *const () as usize));
    function.get().unwrap_or_default()
}

/// Calls the next function of a name.
macro_rules! next {
    ($place:ident, $name:literal, $type:ty, $($argument:expr),*) => {{
        let function = next(&$place, $name);
        // SAFETY: the functions of one name have one type; there is one, since the program was linked against it.
        unsafe { core::mem::transmute::<*const c_void, $type>(function)($($argument),*) }
    }};
}

/// Whether calls of this thread are events of their own.
#[inline]
fn is_outer() -> bool {
    // SAFETY: the words of this thread.
    unsafe { (*words()).inner == 0 }
}

#[inline]
fn allocated(block: *mut c_void, size: usize) {
    let Some(events) = behind::events() else { return };
    if block.is_null() || !is_outer() {
        return;
    }
    if sampling::is_on() && !sampling::counts(size) {
        return;
    }
    if !SETTLED.load(Ordering::Relaxed) {
        settle(events);
    }
    // SAFETY: made for the layout of the interpreter.
    unsafe { (events.allocated)(Kind::Raw, block as usize, size, Order::Free) };
}

/// A block is to be freed; its size, where it was in a sample.
#[inline]
fn freed(block: *mut c_void) -> Option<usize> {
    if block.is_null() || behind::events().is_none() || !is_outer() {
        return None;
    }
    if !sampling::is_on() {
        event::freed(block as usize, Order::Free);
        return None;
    }
    if known::may_be(block as usize) { event::freed_known(block as usize, Order::Free) } else { None }
}

/// A block that was to be moved is where it was: of its old size, or one that we do not know and count as nothing.
#[cold]
fn stays(block: *mut c_void, before: Option<usize>) {
    let is_told = !block.is_null() && is_outer() && (before.is_some() || !sampling::is_on());
    if let Some(events) = behind::events().filter(|_| is_told) {
        // SAFETY: made for the layout of the interpreter.
        unsafe { (events.allocated)(Kind::Raw, block as usize, before.unwrap_or(0), Order::Free) };
    }
}

/// `PYTHONMALLOC` and `-X dev` set the allocators anew while the interpreter starts: the hooks are set again then. What was
/// allocated in between is not known.
#[cold]
fn settle(events: &Events) {
    if python::any_state() != 0 {
        SETTLED.store(true, Ordering::Relaxed);
    }
    // SAFETY: the interpreter starts, and has no second thread yet.
    unsafe { (events.install)() };
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    let block = next!(MALLOC, "malloc", unsafe extern "C" fn(usize) -> *mut c_void, size);
    allocated(block, size);
    block
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let block = next!(CALLOC, "calloc", unsafe extern "C" fn(usize, usize) -> *mut c_void, count, size);
    allocated(block, count.wrapping_mul(size));
    block
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    let before = freed(block);
    let moved = next!(REALLOC, "realloc", unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void, block, size);
    // (with a size of 0 it was freed)
    match moved.is_null() && size > 0 {
        true => stays(block, before),
        false => allocated(moved, size),
    }
    moved
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn free(block: *mut c_void) {
    freed(block);
    next!(FREE, "free", unsafe extern "C" fn(*mut c_void), block);
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    type PosixMemalign = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;
    let error = next!(POSIX_MEMALIGN, "posix_memalign", PosixMemalign, out, align, size);
    if error == 0 {
        // SAFETY: the block was stored there.
        allocated(unsafe { *out }, size);
    }
    error
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    type AlignedAlloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
    let block = next!(ALIGNED_ALLOC, "aligned_alloc", AlignedAlloc, align, size);
    allocated(block, size);
    block
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let block = next!(MEMALIGN, "memalign", unsafe extern "C" fn(usize, usize) -> *mut c_void, align, size);
    allocated(block, size);
    block
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
    let block = next!(VALLOC, "valloc", unsafe extern "C" fn(usize) -> *mut c_void, size);
    allocated(block, size);
    block
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let block = next!(PVALLOC, "pvalloc", unsafe extern "C" fn(usize) -> *mut c_void, size);
    allocated(block, size);
    block
}
