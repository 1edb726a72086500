//! Processor time that a watch may take.

use std::time::Duration;

/// What is there at the start, and what can be saved for bursts: that of so many nanoseconds.
const START_NS: f64 = 1e9;
const SAVED_NS: f64 = 1e10;
/// The longest wait for more.
const MOST: Duration = Duration::from_millis(50);

/// A share of one processor. What is not used is saved, up to that of 10 s, so that a burst can be followed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Allowance {
    share: f64,
    /// Nanoseconds of processor time that are left; below 0: overdrawn.
    left_ns: f64,
    /// What a look costs, on the average of the last ones.
    look_ns: f64,
    at_ns: u64,
    cpu_ns: u64,
}

impl Allowance {
    /// Begins with that of a second. `at_ns` is the time, `cpu_ns` the processor time used up to now.
    pub(super) fn new(share: f64, at_ns: u64, cpu_ns: u64) -> Allowance {
        let share = share.clamp(0.001, 1.0);
        Allowance { share, left_ns: share * START_NS, look_ns: 0.0, at_ns, cpu_ns }
    }

    /// Pays for a look. How long to wait at least until the next one can be paid for.
    pub(super) fn pay(&mut self, at_ns: u64, cpu_ns: u64) -> Duration {
        let passed = at_ns.saturating_sub(self.at_ns) as f64;
        let used = cpu_ns.saturating_sub(self.cpu_ns) as f64;
        (self.at_ns, self.cpu_ns) = (at_ns, cpu_ns);
        self.look_ns += (used - self.look_ns) / 16.0;
        self.left_ns = (self.left_ns + passed * self.share - used).min(self.share * SAVED_NS);
        let lacking = (self.look_ns - self.left_ns).max(0.0);
        Duration::from_nanos((lacking / self.share) as u64).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that take 10 us of the processor, as often as `wanted` and the allowance let them: their share, and how many
    /// were made before the first that had to wait for it.
    fn spend(share: f64, wanted: Duration, looks: u32) -> (f64, u32) {
        let (mut at, mut cpu, mut free) = (0, 0, looks);
        let mut allowance = Allowance::new(share, at, cpu);
        for look in 0..looks {
            cpu += 10_000;
            at += 10_000;
            let least = allowance.pay(at, cpu);
            if least > wanted {
                free = free.min(look);
            }
            at += wanted.max(least).as_nanos() as u64;
        }
        (cpu as f64 / at as f64, free)
    }

    #[test]
    fn who_stays_below_never_waits() {
        assert_eq!(spend(0.03, Duration::from_millis(1), 10_000).1, 10_000);
        assert_eq!(spend(1.0, Duration::ZERO, 10_000).1, 10_000);
    }

    #[test]
    fn a_burst_is_followed_and_in_the_long_run_the_share_is_kept() {
        let (share, free) = spend(0.03, Duration::from_micros(200), 100_000);
        assert!((0.029..0.031).contains(&share), "{share}");
        assert!((3_000..10_000).contains(&free), "{free} looks from what was saved");
    }

    #[test]
    fn a_silly_share_still_looks_now_and_then() {
        for share in [0.0, -1.0, f64::NAN] {
            let mut allowance = Allowance::new(share, 0, 0);
            assert!(allowance.pay(1_000, 1_000_000_000) <= MOST);
        }
    }
}
