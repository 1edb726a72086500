//! Waiting for a good moment, and copying the memory in it.
//!
//! A good moment is one in which no collection runs, since objects are then on lists that only the collector
//! knows. One in which no thread holds the GIL is better, since no object is then half-built; a busy process may
//! never have one, so that after [`GIL_ATTEMPTS`] any moment without a collection will do.

use std::time::Duration;

use memsight_cpython::{Moment, Python};
use memsight_model::{Progress, Residence};
use memsight_target::{Image, Process, Usage};

use crate::{Error, LookOptions};

/// Moments tried before a locked GIL is accepted.
const GIL_ATTEMPTS: u32 = 12;
/// Moments tried at most: some 10 seconds of a collection that does not end.
const MAX_ATTEMPTS: u32 = 220;

/// A copy of the memory with what is known of the moment.
pub(crate) struct Capture {
    pub(crate) image: Image,
    pub(crate) usage: Usage,
    /// What was resident, when asked for: of the same pause as the usage and the image.
    pub(crate) residence: Option<Residence>,
    pub(crate) gil_held: bool,
}

/// What the look has cost the process up to now.
#[derive(Default)]
pub(crate) struct Cost {
    /// Moments tried.
    pub(crate) attempts: u32,
    /// How long it stood still.
    pub(crate) pause_ns: u64,
}

/// A moment that may do, or a reason to wait.
enum Verdict {
    Good { gil_held: bool },
    Wait { collecting: bool },
}

/// Stops the process at a good moment, copies its memory and lets it go on.
pub(crate) fn capture(
    process: &Process,
    python: &Python,
    options: &LookOptions,
    cost: &mut Cost,
    progress: &dyn Progress,
) -> Result<Capture, Error> {
    progress.phase("waiting for a good moment", None);
    process.prepare()?;
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        cost.attempts += 1;
        let collecting = match attempt(process, python, options, cost, progress)? {
            Ok(capture) => return Ok(capture),
            Err(collecting) => collecting,
        };
        if cost.attempts >= MAX_ATTEMPTS {
            return Err(Error::NoMoment { pid: process.pid(), attempts: cost.attempts });
        }
        std::thread::sleep(pause_before(cost.attempts, collecting));
    }
}

/// One attempt: the capture, or whether a collection was in its way.
fn attempt(
    process: &Process,
    python: &Python,
    options: &LookOptions,
    cost: &mut Cost,
    progress: &dyn Progress,
) -> Result<Result<Capture, bool>, Error> {
    // A look without a pause first: most bad moments are seen without stopping anybody.
    if let Verdict::Wait { collecting } = judge(python.moment(&process.memory())?, cost.attempts) {
        return Ok(Err(collecting));
    }
    let frozen = process.freeze()?;
    let result = match python.moment(&frozen.memory()).map(|moment| judge(moment, cost.attempts)) {
        Ok(Verdict::Wait { collecting }) => Ok(Err(collecting)),
        Ok(Verdict::Good { gil_held }) => frozen
            .capture(progress)
            .and_then(|image| {
                let residence = options.residence.then(|| process.residence()).transpose()?;
                Ok(Ok(Capture { image, usage: process.usage()?, residence, gil_held }))
            })
            .map_err(Error::from),
        Err(error) => Err(error.into()),
    };
    cost.pause_ns = cost.pause_ns.saturating_add(frozen.resume());
    result
}

fn judge(moment: Moment, attempts: u32) -> Verdict {
    if moment.collecting || (moment.gil_locked && attempts <= GIL_ATTEMPTS) {
        Verdict::Wait { collecting: moment.collecting }
    } else {
        Verdict::Good { gil_held: moment.gil_locked }
    }
}

/// 1 to 5 ms for the GIL, which changes hands often; up to 50 ms for a collection, which may take seconds.
fn pause_before(attempts: u32, collecting: bool) -> Duration {
    let longest = if collecting { 50 } else { 5 };
    Duration::from_millis(u64::from(attempts).div_ceil(2).clamp(1, longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_bounded_and_long_enough_for_a_slow_collection() {
        let whole: Duration = (1..MAX_ATTEMPTS).map(|attempt| pause_before(attempt, true)).sum();
        assert!((5..15).contains(&whole.as_secs()), "{whole:?}");
        assert_eq!(pause_before(1, false), Duration::from_millis(1));
        assert_eq!(pause_before(MAX_ATTEMPTS, false), Duration::from_millis(5));
    }
}
