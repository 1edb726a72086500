//! Waiting for a good moment, and copying the memory in it.
//!
//! A good moment is one in which no collection runs, since objects are then on lists that only the collector
//! knows. One in which no thread holds the GIL is better, since no object is then half-built; a busy process may
//! never have one, so that after [`GIL_ATTEMPTS`] any moment without a collection will do. And a collection may not end: a
//! finaliser that it has called waits for something. After [`MAX_ATTEMPTS`] what can be read in the midst of it is read.

use std::time::{Duration, Instant};

use memsight_cpython::{Moment, Python};
use memsight_model::{Mode, Progress, Residence, ResidentMapping};
use memsight_target::{Fork, Halt, Image, Obstacle, Process, TargetError, Usage};

use crate::look::start;
use crate::pause::{self, Limited};
use crate::{Error, LookOptions};

/// Moments tried before a locked GIL is accepted.
const GIL_ATTEMPTS: u32 = 12;
/// Moments tried before one in a collection is accepted: some 10 seconds of one that does not end.
const MAX_ATTEMPTS: u32 = 220;
/// Moments at which threads are left alone whose calls a stop would change, before they are stopped with the others.
const LENIENT: u32 = 24;
/// Moments at which no thread could make a system call, before it is not tried any more.
const MAX_UNFIT: u32 = LENIENT + 8;

/// What was resident is read again after so long.
const STALE: Duration = Duration::from_secs(1);

/// A copy of the memory with what is known of the moment.
pub(crate) struct Capture {
    pub(crate) image: Image,
    pub(crate) usage: Usage,
    /// What was resident, when asked for: of the same pause as the usage and the image.
    pub(crate) residence: Option<Residence>,
    pub(crate) gil_held: bool,
    /// A collection was running, which may have had objects in hand.
    pub(crate) collecting: bool,
    /// How it was made: never [`Mode::Auto`].
    pub(crate) mode: Mode,
}

/// What the look has cost the process up to now.
#[derive(Default)]
pub(crate) struct Cost {
    /// Moments tried.
    pub(crate) attempts: u32,
    /// How long it stood still.
    pub(crate) pause_ns: u64,
    /// Why it was not forked, or what the fork has left.
    pub(crate) reason: Option<String>,
    /// Moments at which no thread could make a system call.
    unfit: u32,
    /// It is stopped, so that a pause costs it nothing.
    halted: bool,
}

impl Cost {
    fn add_pause(&mut self, pause_ns: u64) {
        self.pause_ns = self.pause_ns.saturating_add(pause_ns);
    }
}

/// A moment that may do, or a reason to wait.
enum Verdict {
    Good(Good),
    Wait { collecting: bool },
}

/// What has to be said of a moment that will do.
#[derive(Clone, Copy)]
struct Good {
    gil_held: bool,
    collecting: bool,
}

/// A fork that is ready to be made.
struct Forking<'a> {
    fork: Fork<'a>,
    /// What is resident, when asked for: a part of it is not to be had of a copy, and takes too long in the pause.
    before: Option<Before>,
}

/// What was resident at that time.
struct Before {
    read: Instant,
    mappings: Vec<ResidentMapping>,
}

impl Before {
    fn of(process: &Process) -> Result<Before, TargetError> {
        Ok(Before { mappings: process.resident_mappings()?, read: start() })
    }
}

/// The capture, or whether a collection was in its way.
type Attempt = Result<Result<Capture, bool>, Error>;

/// A process that is being looked at.
pub(crate) struct Subject<'a> {
    pub(crate) process: &'a Process,
    pub(crate) python: &'a Python,
    pub(crate) options: &'a LookOptions,
}

/// Stops the process at a good moment, copies its memory and lets it go on: it is copied after that where the kernel
/// can be had to fork it.
pub(crate) fn capture(subject: &Subject<'_>, cost: &mut Cost, progress: &dyn Progress) -> Result<Capture, Error> {
    progress.phase("waiting for a good moment", None);
    let mut fork = match subject.options.mode {
        Mode::Auto | Mode::Fork => subject.fallen_back(subject.forking().map(Some), cost)?,
        Mode::Freeze | Mode::Core | Mode::Live => None,
    };
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        if fork.is_none() {
            subject.process.prepare()?;
        }
        cost.attempts += 1;
        let attempt = subject.attempt(fork.as_mut(), cost, progress);
        let collecting = match attempt {
            Ok(Ok(capture)) => return Ok(capture),
            Ok(Err(collecting)) => collecting,
            Err(Error::Target(error)) if fork.is_some() => {
                fork = subject.fallen_back(Err(error), cost)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        std::thread::sleep(pause_before(cost.attempts, collecting));
    }
}

impl<'a> Subject<'a> {
    fn forking(&self) -> Result<Forking<'a>, TargetError> {
        // Both take their time in the kernel.
        let (before, fork) = std::thread::scope(|scope| {
            let before = self.options.residence.then(|| scope.spawn(|| Before::of(self.process)));
            let fork = self.process.fork();
            (before.map(|before| before.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))), fork)
        });
        Ok(Forking { before: before.transpose()?, fork: fork? })
    }

    /// What a fork that cannot be done comes to: nothing, and its reason, when another way will do.
    fn fallen_back(
        &self,
        fork: Result<Option<Forking<'a>>, TargetError>,
        cost: &mut Cost,
    ) -> Result<Option<Forking<'a>>, Error> {
        let error = match fork {
            Err(error) if self.options.mode == Mode::Auto => error,
            fork => return Ok(fork?),
        };
        cost.halted = matches!(error, TargetError::NoFork { cause: Obstacle::Halted, .. });
        cost.reason = Some(match error {
            TargetError::NoFork { cause, .. } => cause.to_string(),
            TargetError::CopyLost { .. } => "a copy of it was ended by the system".to_owned(),
            error => return Err(error.into()),
        });
        Ok(None)
    }

    fn attempt(&self, mut forking: Option<&mut Forking<'a>>, cost: &mut Cost, progress: &dyn Progress) -> Attempt {
        if let Some(Forking { before: Some(before), .. }) = &mut forking
            && before.read.elapsed() > STALE
        {
            *before = Before::of(self.process)?;
        }
        // A look without a pause first: most bad moments are seen without stopping anybody.
        if let Verdict::Wait { collecting } = judge(self.python.moment(&self.process.memory())?, cost.attempts) {
            return Ok(Err(collecting));
        }
        let Some(Forking { fork, before }) = forking else { return self.freeze(cost, progress) };
        let pause_before = fork.pause_ns();
        let stopped = if cost.unfit < LENIENT { fork.stop_most() } else { fork.stop() };
        let stopped = stopped.map_err(Error::from);
        let stopped = stopped.and_then(|halt| self.fork(halt, before.as_ref(), cost, progress));
        cost.add_pause(fork.pause_ns() - pause_before);
        stopped
    }

    fn freeze(&self, cost: &mut Cost, progress: &dyn Progress) -> Attempt {
        let limit = pause::longest(self.options).filter(|_| !cost.halted);
        let too_long = |limit, cost: &Cost| {
            let (pid, reason) = (self.process.pid(), cost.reason.clone());
            Error::PauseTooLong { pid, limit, reason }
        };
        if let Some(limit) = limit
            && pause::is_hopeless(self.process.private_bytes()?, limit)
        {
            return Err(too_long(limit, cost));
        }
        let frozen = self.process.freeze()?;
        let progress = Limited::new(progress, limit);
        let result = match self.python.moment(&frozen.memory()).map(|moment| judge(moment, cost.attempts)) {
            Ok(Verdict::Wait { collecting }) => Ok(Err(collecting)),
            Ok(Verdict::Good(Good { gil_held, collecting })) => frozen
                .capture(&progress)
                .and_then(|image| {
                    let (usage, residence) = (self.process.usage()?, self.residence()?);
                    Ok(Ok(Capture { image, usage, residence, gil_held, collecting, mode: Mode::Freeze }))
                })
                .map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        let over = progress.is_over() && !progress.progress.cancelled();
        cost.add_pause(frozen.resume());
        match (result, limit) {
            (Err(Error::Cancelled), Some(limit)) if over => Err(too_long(limit, cost)),
            (result, _) => result,
        }
    }

    fn fork(&self, halt: Halt<'_, 'a>, before: Option<&Before>, cost: &mut Cost, progress: &dyn Progress) -> Attempt {
        let Good { gil_held, collecting } = match judge(self.python.moment(&halt.memory())?, cost.attempts) {
            Verdict::Wait { collecting } => return Ok(Err(collecting)),
            Verdict::Good(good) => good,
        };
        let stacks = before.map(|_| self.process.stack_pointers()).transpose()?.unwrap_or_default();
        let forked = match halt.fork() {
            Err(TargetError::NoFork { cause: Obstacle::Moment, .. }) if cost.unfit < MAX_UNFIT => {
                cost.unfit += 1;
                return Ok(Err(false));
            }
            forked => forked?,
        };
        let residence = before.map(|before| forked.residence(&before.mappings, &stacks)).transpose();
        let image = forked.capture(progress);
        let (usage, child) = (forked.usage(), forked.id());
        let ended = forked.end();
        cost.add_pause(ended.pause_ns);
        if !ended.collected {
            let reason =
                "the entry of its copy stays until the process, which is traced, frozen or filtered, can collect it";
            cost.reason = Some(format!("{reason} (pid {child})"));
        }
        Ok(Ok(Capture { image: image?, usage, residence: residence?, gil_held, collecting, mode: Mode::Fork }))
    }

    fn residence(&self) -> Result<Option<Residence>, TargetError> {
        self.options.residence.then(|| self.process.residence()).transpose()
    }
}

fn judge(moment: Moment, attempts: u32) -> Verdict {
    let Moment { collecting, gil_locked: gil_held, .. } = moment;
    let bad = (collecting && attempts < MAX_ATTEMPTS) || (gil_held && attempts <= GIL_ATTEMPTS);
    if bad { Verdict::Wait { collecting } } else { Verdict::Good(Good { gil_held, collecting }) }
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
