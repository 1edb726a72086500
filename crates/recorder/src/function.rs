//! Functions and variables that are found while the program runs.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A function or variable of the program, once it was found.
pub struct Function(AtomicPtr<c_void>);

impl Function {
    #[allow(clippy::declare_interior_mutable_const, reason = "each use of it begins a variable")]
    /// One that was not found.
    pub const NONE: Function = Function(AtomicPtr::new(ptr::null_mut()));

    /// Where it is, if it was found.
    #[inline]
    pub fn get(&self) -> Option<*const c_void> {
        let found = self.0.load(Ordering::Relaxed).cast_const();
        (!found.is_null()).then_some(found)
    }

    /// Keeps what was found, which may be nothing.
    pub fn set(&self, found: *const c_void) {
        self.0.store(found.cast_mut(), Ordering::Relaxed);
    }
}
