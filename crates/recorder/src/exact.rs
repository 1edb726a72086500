//! The hooks where everything is recorded.

use core::ffi::c_void;
use core::ptr;

use crate::behind::{allocated, events, inside, original};
use crate::event;
use crate::layout::Layout;
use crate::python::Allocator;

/// The hooks of a domain.
pub fn all<L: Layout, const DOMAIN: usize>() -> Allocator {
    Allocator {
        ctx: ptr::null_mut(),
        malloc: malloc::<L, DOMAIN>,
        calloc: calloc::<L, DOMAIN>,
        realloc: realloc::<L, DOMAIN>,
        free: free::<L, DOMAIN>,
    }
}

#[inline]
fn freed(block: *mut c_void) {
    if !block.is_null() && events().is_some() {
        event::freed(block as usize, true);
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
