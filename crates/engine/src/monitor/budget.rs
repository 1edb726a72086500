//! Time that dear work may take.

use memsight_target::figures;

/// What may be spent at once at first, so that the first sample is whole where that is possible.
pub(super) const FIRST_NS: f64 = 100e6;
/// What may be saved up later: more would make a sample late.
pub(super) const SAVED_NS: f64 = 5e6;

/// A share of one core. One piece of work may overdraw it; the next waits until
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
        Budget { share: share_of(share), left_ns: FIRST_NS, at_ns: now }
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
        let (result, cost_ns) = timed(work);
        self.left_ns -= cost_ns as f64;
        result
    }
}

/// A share of one core: what is no number is no limit.
pub(super) fn share_of(share: f64) -> f64 {
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 }
}

/// Does the work; the processor's time that it took, which a busy machine makes longer, not dearer. The wall's where the
/// other is not known.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (wall, cpu) = (figures::now().monotonic_ns, figures::thread_cpu_ns());
    let result = work();
    let cost_ns = match figures::thread_cpu_ns().saturating_sub(cpu) {
        0 => figures::now().monotonic_ns.saturating_sub(wall),
        spent => spent,
    };
    (result, cost_ns)
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
