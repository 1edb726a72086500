//! The thread that looks: nothing that is done with what it sees, however slow, makes it look later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use memsight_model::GcEvent;
use memsight_target::figures;

use super::allowance::Allowance;
use super::watch::Source;
use super::{GcProbe, Missed};
use crate::Error;

/// Events that wait to be fetched at most; more are counted as missed. 12 MB, ten seconds of a very busy collector.
const MOST_EVENTS: usize = 1 << 17;

/// What was seen and not fetched yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<GcEvent>,
    pub(super) missed: Missed,
}

/// What the thread and its owner share.
#[derive(Debug, Default)]
pub(super) struct Poller {
    batch: Mutex<Batch>,
    stop: AtomicBool,
}

impl Poller {
    /// Looks until [`Poller::stop`], and once after it.
    pub(super) fn run(&self, probe: &GcProbe, source: &mut Source, share: f64) -> Result<(), Error> {
        figures::wake_promptly();
        let mut now = figures::now().monotonic_ns;
        let mut allowance = Allowance::new(share, now, figures::thread_cpu_ns());
        let (mut due, mut short) = (now, false);
        loop {
            let last = self.stop.load(Ordering::Acquire);
            let mut poll = source.poll(probe)?;
            // Sampling misses short ones however often it looks.
            if short && matches!(source, Source::Rings(_)) {
                poll.missed.by_allowance = poll.missed.count;
            }
            self.add(poll.events, poll.missed);
            if last {
                return Ok(());
            }
            now = figures::now().monotonic_ns;
            let least = allowance.pay(now, figures::thread_cpu_ns());
            short = least > poll.wait;
            // From when this look was due, not from its end: the time it took is no delay of the next.
            due = due.saturating_add(nanoseconds(poll.wait)).max(now.saturating_add(nanoseconds(least)));
            std::thread::park_timeout(Duration::from_nanos(due.saturating_sub(now)));
            // What was slept over is not made up for.
            due = due.max(figures::now().monotonic_ns.saturating_sub(nanoseconds(poll.wait)));
        }
    }

    /// Ends it; it must be woken.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// What came since the last call.
    pub(super) fn fetch(&self) -> Batch {
        std::mem::take(&mut *self.batch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, mut events: Vec<GcEvent>, missed: Missed) {
        if events.is_empty() && missed.count == 0 {
            return;
        }
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_EVENTS.saturating_sub(batch.events.len()).min(events.len());
        let longest = events[room..].iter().map(|event| event.duration_ns).max();
        batch.missed.add(Missed { count: (events.len() - room) as u64, within_ns: longest, ..Missed::default() });
        batch.missed.add(missed);
        events.truncate(room);
        batch.events.append(&mut events);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
