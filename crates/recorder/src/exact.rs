//! The hooks where everything is recorded.

use core::ffi::c_void;
use core::ptr;

use crate::behind::{allocated, events, inside, original};
use crate::event::{self, Order};
use crate::layout::Layout;
use crate::python::Allocator;
use crate::sampled::SMALL;

/// The hooks of a domain, around pymalloc or another allocator.
pub fn all<L: Layout, const DOMAIN: usize, const PYMALLOC: bool>() -> Allocator {
    Allocator {
        ctx: ptr::null_mut(),
        malloc: malloc::<L, DOMAIN, PYMALLOC>,
        calloc: calloc::<L, DOMAIN, PYMALLOC>,
        realloc: realloc::<L, DOMAIN>,
        free: free::<L, DOMAIN>,
    }
}

/// What orders a new block of so many bytes: those that pymalloc does not hand to malloc are of no thread without the GIL.
#[inline]
fn order<const PYMALLOC: bool>(size: usize) -> Order {
    if PYMALLOC && size <= SMALL { Order::Gil } else { Order::Shared }
}

#[inline]
fn freed(block: *mut c_void) {
    if !block.is_null() && events().is_some() {
        event::freed(block as usize, Order::Gil);
    }
}

unsafe extern "C" fn malloc<L: Layout, const DOMAIN: usize, const PYMALLOC: bool>(
    _: *mut c_void,
    size: usize,
) -> *mut c_void {
    let original = original::<DOMAIN>();
    // SAFETY: what we are called for is handed on.
    unsafe {
        let block = inside(|| (original.malloc)(original.ctx, size));
        allocated::<L, DOMAIN>(block, size, order::<PYMALLOC>(size));
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
        let block = inside(|| (original.calloc)(original.ctx, count, size));
        allocated::<L, DOMAIN>(block, bytes, order::<PYMALLOC>(bytes));
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
        let (there, size) = if moved.is_null() { (block, 0) } else { (moved, size) };
        // A block that malloc made stays with it even if it becomes small, and may have moved.
        let order = if there == block { Order::Gil } else { Order::Shared };
        allocated::<L, DOMAIN>(there, size, order);
        moved
    }
}

unsafe extern "C" fn free<L: Layout, const DOMAIN: usize>(_: *mut c_void, block: *mut c_void) {
    let original = original::<DOMAIN>();
    freed(block);
    // SAFETY: what we are called for is handed on.
    inside(|| unsafe { (original.free)(original.ctx, block) });
}
