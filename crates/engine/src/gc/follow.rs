//! A watch in ticks: polls as often as it must, tells as often as you like.

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use memsight_model::{GcEvent, GcReading};
use memsight_target::TargetError;

use super::poller::{Batch, Poller};
use super::watch::{GcWatch, Missed};
use crate::Error;

/// Longest sleep, so that a wish to stop is heard soon.
const NAP: Duration = Duration::from_millis(50);

/// What happened in one interval.
#[derive(Debug, Clone)]
pub struct Tick {
    /// The counters at its end.
    pub reading: GcReading,
    /// Collections that ended in it.
    pub events: Vec<GcEvent>,
    /// Collections that left no event.
    pub missed: Missed,
}

/// Why a watch came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its time was over.
    Over,
    /// The person asked to stop, or `each` said so.
    Stopped,
    /// The process ended.
    Exited,
}

impl GcWatch {
    /// Forgets what happened since the watch was opened; the counters from which it starts anew.
    pub fn restart(&mut self) -> Result<GcReading, Error> {
        self.poll()?;
        self.read()
    }

    /// Watches until `total` is over, `stop` says so or the process ends; `each` gets a tick every `interval` and one
    /// at the end, unless the process is gone then. A thread of its own looks at the collector, as often as needed and as
    /// [`GcWatch::allow`] lets it: however long `each` takes, nothing is missed for it.
    pub fn follow<E: From<Error>>(
        &mut self,
        interval: Duration,
        total: Option<Duration>,
        stop: &dyn Fn() -> bool,
        each: &mut dyn FnMut(Tick) -> Result<(), E>,
    ) -> Result<End, E> {
        let (probe, source, share) = (&self.probe, &mut self.source, self.allowance);
        let poller = Poller::default();
        std::thread::scope(|scope| {
            let mut thread = Thread { poller: &poller, handle: Some(scope.spawn(|| poller.run(probe, source, share))) };
            let mut clock = Clock { started: now(), interval, total, ticks: 1 };
            loop {
                let end = clock.sleep(stop, &thread);
                if end.is_some() || thread.is_over() {
                    match thread.join() {
                        Err(error) if has_ended(&error) => return Ok(End::Exited),
                        over => over?,
                    }
                }
                match probe.read() {
                    Err(error) if has_ended(&error) => return Ok(End::Exited),
                    // The process was stopped while its collector wrote: the next tick has it all.
                    Err(Error::Python(error)) if error.is_transient() => {}
                    reading => {
                        let Batch { events, missed } = poller.fetch();
                        each(Tick { reading: reading?, events, missed })?;
                    }
                }
                if let Some(end) = end {
                    return Ok(end);
                }
            }
        })
    }
}

/// The thread that looks; stopped when it is dropped, so that an error of its owner does not wait for it for ever.
struct Thread<'s> {
    poller: &'s Poller,
    handle: Option<ScopedJoinHandle<'s, Result<(), Error>>>,
}

impl Thread<'_> {
    fn is_over(&self) -> bool {
        self.handle.as_ref().is_none_or(ScopedJoinHandle::is_finished)
    }

    /// Lets it look a last time.
    fn join(&mut self) -> Result<(), Error> {
        self.poller.stop();
        let Some(handle) = self.handle.take() else { return Ok(()) };
        handle.thread().unpark();
        handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        self.poller.stop();
        if let Some(handle) = &self.handle {
            handle.thread().unpark();
        }
    }
}

/// When ticks are due.
struct Clock {
    started: Instant,
    interval: Duration,
    total: Option<Duration>,
    ticks: u32,
}

impl Clock {
    /// Sleeps until the next tick, or the end, which it gives, or the end of the thread.
    fn sleep(&mut self, stop: &dyn Fn() -> bool, thread: &Thread) -> Option<End> {
        loop {
            if stop() {
                return Some(End::Stopped);
            }
            let elapsed = self.started.elapsed();
            if self.total.is_some_and(|total| elapsed >= total) {
                return Some(End::Over);
            }
            let due = self.interval.saturating_mul(self.ticks);
            if elapsed >= due {
                // Ticks that were slept over are left out.
                let ticks = u32::try_from(elapsed.as_nanos() / self.interval.as_nanos().max(1));
                self.ticks = ticks.unwrap_or(u32::MAX).saturating_add(1);
                return None;
            }
            if thread.is_over() {
                return None;
            }
            let left = self.total.map_or(due, |total| due.min(total)).saturating_sub(elapsed);
            std::thread::sleep(left.min(NAP));
        }
    }
}

fn has_ended(error: &Error) -> bool {
    matches!(error, Error::Target(TargetError::TargetExited { .. } | TargetError::NoSuchProcess { .. }))
}

#[allow(clippy::disallowed_methods, reason = "the engine keeps the time of a watch")]
fn now() -> Instant {
    Instant::now()
}
