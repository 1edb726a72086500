//! How long a process may stand still while its memory is copied.

use std::time::{Duration, Instant};

use memsight_model::{Mode, Progress};

use crate::LookOptions;
use crate::look::start;

/// What is allowed without being asked for, where the memory is copied in the pause because the kernel cannot copy it.
const DEFAULT: Duration = Duration::from_secs(1);
/// Bytes in a second, several times as many as copies were seen to take: what is too much at this rate need not be begun.
const FASTEST: u64 = 16 << 30;

/// The longest pause that the options allow; `None`: as long as it takes, which whoever says `freeze` and no more has chosen.
pub(crate) fn longest(options: &LookOptions) -> Option<Duration> {
    match options.mode {
        Mode::Auto => Some(options.max_pause.unwrap_or(DEFAULT)),
        Mode::Freeze | Mode::Fork | Mode::Live | Mode::Core => options.max_pause,
    }
}

/// Whether it need not be tried to copy `bytes` within `limit`.
pub(crate) fn is_hopeless(bytes: u64, limit: Duration) -> bool {
    Duration::from_secs_f64(bytes as f64 / FASTEST as f64) > limit
}

/// A job that is given up when a pause has lasted for too long.
pub(crate) struct Limited<'p> {
    pub(crate) progress: &'p dyn Progress,
    began: Instant,
    limit: Option<Duration>,
}

impl Limited<'_> {
    pub(crate) fn new(progress: &dyn Progress, limit: Option<Duration>) -> Limited<'_> {
        Limited { progress, began: start(), limit }
    }

    /// Whether the pause has lasted for too long.
    pub(crate) fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.began.elapsed() > limit)
    }
}

impl Progress for Limited<'_> {
    fn phase(&self, name: &'static str, total: Option<u64>) {
        self.progress.phase(name, total);
    }

    fn advance(&self, done: u64) {
        self.progress.advance(done);
    }

    fn cancelled(&self) -> bool {
        self.is_over() || self.progress.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::Quiet;

    use super::*;

    #[test]
    fn a_pause_that_nobody_asked_for_is_short() {
        let of = |mode, max_pause| longest(&LookOptions { mode, max_pause, ..LookOptions::default() });
        let three = Some(Duration::from_secs(3));
        assert_eq!(of(Mode::Auto, None), Some(DEFAULT));
        assert_eq!(of(Mode::Auto, three), three);
        assert_eq!(of(Mode::Freeze, None), None);
        assert_eq!(of(Mode::Freeze, three), three);
    }

    #[test]
    fn a_job_is_given_up_at_its_limit() {
        assert!(Limited::new(&Quiet, Some(Duration::ZERO)).cancelled());
        assert!(!Limited::new(&Quiet, None).cancelled());
        assert!(is_hopeless(64 << 30, DEFAULT) && !is_hopeless(1 << 30, DEFAULT));
    }
}
