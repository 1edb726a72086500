//! How often each figure is read.

use std::time::Duration;

/// How often a figure is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cadence {
    /// Not at all.
    #[default]
    Never,
    /// When it is this old and the budget allows it; until then the last value is repeated.
    Every(Duration),
    /// At every sample, whatever it costs.
    Always,
}

impl Cadence {
    /// Itself when the figure, last read at `last`, is due at `now` (nanoseconds); otherwise [`Cadence::Never`].
    pub(super) fn due(self, last: Option<u64>, now: u64) -> Cadence {
        match (self, last) {
            // a tenth early, or a sample that comes a moment before its time would double the interval
            (Cadence::Every(every), Some(last)) if u128::from(now.saturating_sub(last)) * 10 < every.as_nanos() * 9 => {
                Cadence::Never
            }
            (cadence, _) => cadence,
        }
    }

    /// When the figure, last read at `last`, is due.
    pub(super) fn next(self, last: Option<u64>) -> u64 {
        match (self, last) {
            (Cadence::Never, _) => u64::MAX,
            (Cadence::Always, _) | (_, None) => 0,
            (Cadence::Every(every), Some(last)) => {
                last.saturating_add(u64::try_from(every.as_nanos() * 9 / 10).unwrap_or(u64::MAX))
            }
        }
    }
}

/// What a [`Monitor`](super::Monitor) reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// State, parent, faults, CPU time, threads: 3 us a process, not in the budget. With [`Cadence::Every`] those of a
    /// process that rests are read every second at most: its memory, its faults and its CPU time stood still at the last
    /// reading.
    pub stat: Cadence,
    /// Peaks and kinds of memory, the OOM score: 20 us a process. With [`Cadence::Every`] these, USS and PSS of a process
    /// whose resident set and faults have not moved since the last reading are read every 10 s at most.
    pub status: Cadence,
    /// USS, PSS: 0.1 to several ms a process.
    pub rollup: Cadence,
    /// The collector's counters: 5 us a process, and a few ms once. With [`Cadence::Every`] those of a process that has not
    /// run since the last reading are read every 10 s at most.
    pub gc: Cadence,
    /// Find the version of each process's Python: a few ms once.
    pub python: bool,
    /// The container of the first process.
    pub container: bool,
    /// The machine.
    pub machine: bool,
    /// The share of one core that figures of [`Cadence::Every`] may take, 0 to 1; what is due takes turns within it.
    /// The first sample may take 100 ms at once. New processes are looked at within the same share again.
    pub budget: f64,
}

impl Default for Options {
    /// What fits samples from 10 ms to a minute: peaks, USS and PSS once a second, no collector, half a percent of a
    /// core for them.
    fn default() -> Self {
        let second = Cadence::Every(Duration::from_secs(1));
        Options {
            stat: Cadence::Every(Duration::from_millis(250)),
            status: second,
            rollup: second,
            gc: Cadence::Never,
            python: true,
            container: false,
            machine: false,
            budget: 0.005,
        }
    }
}
