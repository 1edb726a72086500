//! Time that dear work may take.

use memsight_target::figures;

/// What may be spent at once at first, so that the first sample is whole where that is possible.
const FIRST_NS: f64 = 100e6;
/// What may be saved up later: more would make a sample late.
const SAVED_NS: f64 = 5e6;

/// A share of one core, by the processor's time that the work takes: on a busy machine it takes longer, and is not dearer. By
/// the wall's where the other is not known. One piece of work may overdraw it; the next waits until
/// that is made up for, so that the share holds on average.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    left_ns: f64,
    /// When it was filled up.
    at_ns: u64,
}

impl Budget {
    pub fn new(share: f64, now: u64) -> Budget {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
        Budget { share, left_ns: FIRST_NS, at_ns: now }
    }

    /// Adds what came since it was filled up.
    pub fn refill(&mut self, now: u64) {
        let earned = now.saturating_sub(self.at_ns) as f64 * self.share;
        self.left_ns = (self.left_ns + earned).min(self.left_ns.max(SAVED_NS));
        self.at_ns = now;
    }

    pub fn is_spent(&self) -> bool {
        self.left_ns <= 0.0
    }

    /// Does the work and subtracts the time it took.
    pub fn charge<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (wall, cpu) = (figures::now().monotonic_ns, figures::thread_cpu_ns());
        let result = work();
        self.left_ns -= match figures::thread_cpu_ns().saturating_sub(cpu) {
            0 => figures::now().monotonic_ns.saturating_sub(wall),
            spent => spent,
        } as f64;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debts_are_made_up_for_and_little_is_saved() {
        let mut budget = Budget::new(0.01, 0);
        assert!(!budget.is_spent());
        budget.left_ns = -1e6;
        budget.refill(50_000_000);
        assert!(budget.is_spent(), "{budget:?}");
        budget.refill(101_000_000);
        assert!(!budget.is_spent(), "{budget:?}");
        budget.refill(u64::MAX);
        assert_eq!(budget.left_ns, SAVED_NS);
        budget.refill(0);
        assert_eq!(budget.left_ns, SAVED_NS, "a clock that goes back earns nothing");
    }
}
