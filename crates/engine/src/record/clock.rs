//! The processor's time stamps as nanoseconds since the beginning.

use memsight_model::Timestamp;
use memsight_target::figures::now;

/// Stamps have so many bits.
const BITS: u64 = (1 << 60) - 1;

/// Two moments by both clocks, which say how fast the processor's is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub began: Timestamp,
    stamp: u64,
    ns_per_tick: f64,
}

impl Clock {
    pub(super) fn start() -> Clock {
        Clock { began: now(), stamp: memsight_recorder::stamp(), ns_per_tick: 0.0 }
    }

    /// Reads both clocks again; nanoseconds since the beginning.
    pub(super) fn look(&mut self) -> u64 {
        let ns = now().monotonic_ns.saturating_sub(self.began.monotonic_ns);
        let ticks = self.ticks(memsight_recorder::stamp());
        if ticks > 0 {
            self.ns_per_tick = ns as f64 / ticks as f64;
        }
        ns
    }

    /// Nanoseconds from the beginning to a time stamp.
    pub(super) fn ns(&self, stamp: u64) -> u64 {
        (self.ticks(stamp) as f64 * self.ns_per_tick) as u64
    }

    /// Ticks since the beginning; 0 before it.
    fn ticks(&self, stamp: u64) -> u64 {
        let ticks = stamp.wrapping_sub(self.stamp) & BITS;
        if ticks > BITS / 2 { 0 } else { ticks }
    }
}
