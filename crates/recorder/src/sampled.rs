//! The hooks where a sample is taken: what is not in it costs a subtraction when it comes and a look at one bit when it goes.

use core::ffi::c_void;
use core::ptr;

use crate::behind::{allocated, events, inside, original};
use crate::event::Order;
use crate::layout::Layout;
use crate::python::Allocator;
use crate::{event, known, sampling};

/// pymalloc hands larger requests to malloc, where they are counted.
pub const SMALL: usize = 512;

/// Hooks around pymalloc: calls of malloc behind them are counted there, and so need no guard.
pub fn small<L: Layout, const DOMAIN: usize>() -> Allocator {
    Allocator {
        ctx: ptr::null_mut(),
        malloc: malloc::<L, DOMAIN, true>,
        calloc: calloc::<L, DOMAIN, true>,
        realloc: realloc::<L, DOMAIN>,
        free: free::<DOMAIN, true>,
    }
}

/// Hooks around another allocator: what it calls itself is a part of what is counted here.
pub fn all<L: Layout, const DOMAIN: usize>() -> Allocator {
    Allocator {
        ctx: ptr::null_mut(),
        malloc: malloc::<L, DOMAIN, false>,
        calloc: calloc::<L, DOMAIN, false>,
        realloc: realloc::<L, DOMAIN>,
        free: free::<DOMAIN, false>,
    }
}

/// Whether an allocation is in the sample.
#[inline]
fn counts<const PYMALLOC: bool>(size: usize) -> bool {
    (!PYMALLOC || size <= SMALL) && sampling::counts_held(size)
}

#[inline]
fn guarded<R, const PYMALLOC: bool>(work: impl FnOnce() -> R) -> R {
    if PYMALLOC { work() } else { inside(work) }
}

/// What is freed, if it was in the sample: its size.
#[inline]
fn freed(block: *mut c_void) -> Option<usize> {
    if !known::may_be(block as usize) || block.is_null() || events().is_none() {
        return None;
    }
    event::freed_known(block as usize, Order::Gil)
}

unsafe extern "C" fn malloc<L: Layout, const DOMAIN: usize, const PYMALLOC: bool>(
    _: *mut c_void,
    size: usize,
) -> *mut c_void {
    let original = original::<DOMAIN>();
    // SAFETY: what we are called for is handed on.
    unsafe {
        let counts = counts::<PYMALLOC>(size);
        let block = guarded::<_, PYMALLOC>(|| (original.malloc)(original.ctx, size));
        if counts {
            allocated::<L, DOMAIN>(block, size, Order::Gil);
        }
        block
    }
}

unsafe extern "C" fn calloc<L: Layout, const DOMAIN: usize, const PYMALLOC: bool>(
    _: *mut c_void,
    count: usize,
    size: usize,
) -> *mut c_void {
    let original = original::<DOMAIN>();
    let bytes = count.wrapping_mul(size);
    // SAFETY: what we are called for is handed on.
    unsafe {
        let counts = counts::<PYMALLOC>(bytes);
        let block = guarded::<_, PYMALLOC>(|| (original.calloc)(original.ctx, count, size));
        if counts {
            allocated::<L, DOMAIN>(block, bytes, Order::Gil);
        }
        block
    }
}

unsafe extern "C" fn realloc<L: Layout, const DOMAIN: usize>(
    _: *mut c_void,
    block: *mut c_void,
    size: usize,
) -> *mut c_void {
    let original = original::<DOMAIN>();
    let before = freed(block);
    // Counted here whatever its size: a block that malloc made stays with it, even if it becomes small.
    let counts = sampling::counts_held(size);
    // SAFETY: what we are called for is handed on.
    unsafe {
        let moved = inside(|| (original.realloc)(original.ctx, block, size));
        match before {
            // it failed: the block is as it was
            Some(before) if moved.is_null() => allocated::<L, DOMAIN>(block, before, Order::Gil),
            _ if counts => allocated::<L, DOMAIN>(moved, size, Order::Gil),
            _ => {}
        }
        moved
    }
}

unsafe extern "C" fn free<const DOMAIN: usize, const PYMALLOC: bool>(_: *mut c_void, block: *mut c_void) {
    let original = original::<DOMAIN>();
    freed(block);
    // SAFETY: what we are called for is handed on.
    guarded::<_, PYMALLOC>(|| unsafe { (original.free)(original.ctx, block) });
}
