//! How many requests are answered: anybody may ask.

use std::sync::atomic::{AtomicU64, Ordering};

use memsight_engine::figures::now;

/// Requests that are answered in each second of the clock.
#[derive(Default)]
pub struct Rate {
    second: AtomicU64,
    served: AtomicU64,
}

impl Rate {
    /// Requests a second: a Prometheus needs one in fifteen.
    const LIMIT: u64 = 100;

    /// Whether one more fits.
    pub fn admits(&self) -> bool {
        let second = now().monotonic_ns / 1_000_000_000;
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.served.store(0, Ordering::Relaxed);
        }
        self.served.fetch_add(1, Ordering::Relaxed) < Self::LIMIT
    }
}
