//! The one lock, for what is rare. It spins: what it guards takes less than a microsecond, and a wait by the kernel would be a
//! call of the program's.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A value that one thread at a time may use.
pub struct Lock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by `with` alone, by one thread at a time.
unsafe impl<T> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Lock<T> {
        Lock { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Uses the value. Nothing that `work` does may come back here.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        while self.taken.swap(true, Ordering::Acquire) {
            core::hint::spin_loop();
        }
        // SAFETY: no other thread has it until it is given back below; nothing in `work` unwinds.
        let result = work(unsafe { &mut *self.value.get() });
        self.taken.store(false, Ordering::Release);
        result
    }

    /// Gives the lock back for a thread that is not there: in a child, whose parent's threads are gone.
    pub fn free(&self) {
        self.taken.store(false, Ordering::Release);
    }
}
