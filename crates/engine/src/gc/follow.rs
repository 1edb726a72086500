//! A watch in ticks: polls as often as it must, tells as often as you like.

use std::time::{Duration, Instant};

use memsight_model::{GcEvent, GcReading};
use memsight_target::TargetError;

use super::watch::{GcWatch, Missed};
use crate::Error;

/// Longest sleep, so that a wish to stop is heard soon.
const NAP: Duration = Duration::from_millis(50);

/// Shorter sleeps take as long.
const SHORTEST: Duration = Duration::from_micros(50);

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
    /// at the end, unless the process is gone then.
    pub fn follow<E: From<Error>>(
        &mut self,
        interval: Duration,
        total: Option<Duration>,
        stop: &dyn Fn() -> bool,
        each: &mut dyn FnMut(Tick) -> Result<(), E>,
    ) -> Result<End, E> {
        let (started, mut ticks) = (now(), 1u32);
        let (mut events, mut missed) = (Vec::new(), Missed::default());
        loop {
            // Asked first, so that what happened before the wish to stop is seen.
            let stopping = stop();
            let poll = match self.poll() {
                Err(error) if has_ended(&error) => return Ok(End::Exited),
                poll => poll?,
            };
            events.extend(poll.events);
            missed.add(poll.missed);
            let elapsed = started.elapsed();
            let end = match total {
                _ if stopping => Some(End::Stopped),
                Some(total) if elapsed >= total => Some(End::Over),
                _ => None,
            };
            let due = interval.saturating_mul(ticks);
            if end.is_some() || elapsed >= due {
                match self.read() {
                    Err(error) if has_ended(&error) => return Ok(End::Exited),
                    // The process was stopped while its collector wrote: the next tick has it all.
                    Err(Error::Python(error)) if error.is_transient() => {}
                    reading => {
                        let (events, missed) = (std::mem::take(&mut events), std::mem::take(&mut missed));
                        each(Tick { reading: reading?, events, missed })?;
                    }
                }
                // Ticks that were slept over are left out.
                ticks = u32::try_from(elapsed.as_nanos() / interval.as_nanos().max(1))
                    .unwrap_or(u32::MAX)
                    .saturating_add(1);
            }
            match end {
                Some(end) => return Ok(end),
                None => std::thread::sleep(poll.wait.min(due.saturating_sub(elapsed).max(SHORTEST)).min(NAP)),
            }
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
