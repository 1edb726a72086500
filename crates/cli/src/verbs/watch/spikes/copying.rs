//! How far a look is: whether the copy is made, which is what the process has to be there for.

use std::sync::atomic::{AtomicBool, Ordering};

use memsight_model::Progress;

/// The phase in which the copy is made; what follows needs the process no more.
const COPYING: &str = "reading memory";

/// The progress of a look, and whether its result is still wanted.
#[derive(Debug, Default)]
pub(super) struct Copying {
    begun: AtomicBool,
    copied: AtomicBool,
    let_go: AtomicBool,
}

impl Copying {
    /// Whether the copy is made.
    pub(super) fn is_copied(&self) -> bool {
        self.copied.load(Ordering::Relaxed)
    }

    /// The result is not wanted any more.
    pub(super) fn let_go(&self) {
        self.let_go.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_let_go(&self) -> bool {
        self.let_go.load(Ordering::Relaxed)
    }
}

impl Progress for Copying {
    fn phase(&self, name: &'static str, _: Option<u64>) {
        if name == COPYING {
            self.begun.store(true, Ordering::Relaxed);
        } else if self.begun.load(Ordering::Relaxed) {
            self.copied.store(true, Ordering::Relaxed);
        }
    }

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.is_let_go()
    }
}
