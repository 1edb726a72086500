//! Ticks at an interval.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;

/// The shortest interval.
pub const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// The longest sleep without a look at whether to stop.
const SLICE: Duration = Duration::from_millis(50);

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// It is time; so many ticks were skipped since the last one, because their time was over.
    Due {
        /// Skipped ticks.
        missed: u64,
    },
    /// It was asked to stop.
    Stopped,
}

/// Ticks at multiples of an interval after the first, which comes at once: what is done between two does not make
/// later ones late. Rests on the monotonic clock.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    next: Instant,
    missed: u64,
    stop: Arc<Stop>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

/// Ends the waits of a [`Pacer`] from another thread, for good.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Stop>);

impl Stopper {
    /// Ends a wait that is under way, and every later one.
    pub fn stop(&self) {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

impl Pacer {
    /// Ticks every `interval`, at least [`MIN_INTERVAL`].
    pub fn new(interval: Duration) -> Result<Pacer, Error> {
        if interval < MIN_INTERVAL {
            return Err(Error::Interval { interval });
        }
        Ok(Pacer { interval, next: now(), missed: 0, stop: Arc::default() })
    }

    /// The interval.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Changes the interval; the next tick comes that long after now.
    pub fn set_interval(&mut self, interval: Duration) -> Result<(), Error> {
        if interval < MIN_INTERVAL {
            return Err(Error::Interval { interval });
        }
        self.interval = interval;
        self.next = now().checked_add(interval).unwrap_or(self.next);
        Ok(())
    }

    /// Ticks that were skipped so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Time until the next tick, for who waits for other things, too; zero: [`Pacer::wait`] returns at once.
    pub fn until_due(&self) -> Duration {
        self.next.saturating_duration_since(now())
    }

    /// Something that ends the waits.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Sleeps until the next tick.
    pub fn wait(&mut self) -> Tick {
        self.wait_unless(&|| false)
    }

    /// The same; ends also when `stopped`, which is asked 20 times a second, says so.
    pub fn wait_unless(&mut self, stopped: &dyn Fn() -> bool) -> Tick {
        let mut asked = self.stop.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = loop {
            if *asked || stopped() {
                return Tick::Stopped;
            }
            let now = now();
            if now >= self.next {
                break now;
            }
            let slice = (self.next - now).min(SLICE);
            asked = self.stop.changed.wait_timeout(asked, slice).unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(asked);
        let missed = ((now - self.next).as_nanos() / self.interval.as_nanos()).min(u128::from(u32::MAX)) as u32;
        let step = self.interval.checked_mul(missed + 1).and_then(|step| self.next.checked_add(step));
        // an interval beyond what the clock can count never ends
        self.next = step.unwrap_or(now + Duration::from_secs(u32::MAX.into()));
        self.missed += u64::from(missed);
        Tick::Due { missed: missed.into() }
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine is the door to the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_least_length() {
        for interval in [Duration::ZERO, Duration::from_micros(999)] {
            assert!(matches!(Pacer::new(interval), Err(Error::Interval { .. })));
        }
        assert!(Pacer::new(MIN_INTERVAL).is_ok());
    }

    #[test]
    fn what_is_late_is_skipped_and_the_rhythm_kept() {
        let hour = Duration::from_secs(3600);
        let mut pacer = Pacer::new(hour).unwrap();
        let first = pacer.next;
        assert_eq!(pacer.wait(), Tick::Due { missed: 0 });
        assert_eq!(pacer.next, first + hour);
        // as if the work had taken until the fifth tick and a bit
        pacer.next -= hour * 9 / 2;
        assert_eq!(pacer.wait(), Tick::Due { missed: 3 });
        assert_eq!(pacer.missed(), 3);
        assert_eq!(pacer.next + hour * 9 / 2, first + hour * 5, "ticks stay at multiples of the interval");
    }

    #[test]
    fn a_wait_can_be_ended() {
        let mut pacer = Pacer::new(Duration::from_secs(1 << 40)).unwrap();
        assert_eq!(pacer.wait(), Tick::Due { missed: 0 });
        let stopper = pacer.stopper();
        let waiter = std::thread::spawn(move || (pacer.wait(), pacer.wait()));
        stopper.stop();
        assert_eq!(waiter.join().unwrap(), (Tick::Stopped, Tick::Stopped));
        let mut pacer = Pacer::new(Duration::from_secs(3600)).unwrap();
        pacer.wait();
        assert_eq!(pacer.wait_unless(&|| true), Tick::Stopped);
    }
}
