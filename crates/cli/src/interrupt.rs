//! Ctrl-C: a job that holds something (a stopped process, a half-written folder) ends by itself; any other ends
//! at once, and so does the second Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::{SigId, flag, low_level};

/// The person's wish to stop.
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
    registered: Vec<SigId>,
}

impl Interrupt {
    /// Listens to Ctrl-C until it is dropped.
    pub fn listen() -> Interrupt {
        let asked = Arc::new(AtomicBool::new(false));
        let at_once = Arc::new(AtomicBool::new(true));
        // Actions run in this order: the first signal of a careful job passes the exit and arms it for the second.
        let registered = [
            flag::register_conditional_shutdown(SIGINT, crate::STOPPED, at_once.clone()),
            flag::register(SIGINT, asked.clone()),
            flag::register(SIGINT, at_once.clone()),
        ];
        Interrupt { asked, at_once, registered: registered.into_iter().flatten().collect() }
    }

    /// Whether the person asked to stop.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// The flag behind [`Interrupt::asked`].
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Leaves Ctrl-C to the caller for good: who runs a command of the person's must not end before it.
    pub fn leave(&self) {
        for id in &self.registered {
            low_level::unregister(*id);
        }
    }

    /// Does a job that looks at [`Interrupt::asked`] itself and tidies up.
    pub fn carefully<T>(&self, job: impl FnOnce() -> T) -> T {
        self.at_once.store(false, Ordering::Relaxed);
        let result = job();
        self.at_once.store(true, Ordering::Relaxed);
        result
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}
