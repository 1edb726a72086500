//! Whether anything is recorded: what is called for events then, of which only the hooks know what it is.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Null while nothing is recorded.
static CALLED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// What is called.
#[inline]
pub fn called() -> *const c_void {
    CALLED.load(Ordering::Relaxed)
}

/// Has it called from now on; null for nothing.
pub fn call(what: *const c_void) {
    CALLED.store(what.cast_mut(), Ordering::Release);
}

/// Nothing is recorded any more: what comes is handed on as it was before.
pub fn off() {
    call(ptr::null());
}
