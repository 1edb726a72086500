//! When a snapshot is due: at a new peak of one process, or when one grows beyond a size.

use std::collections::{HashMap, HashSet};

use memsight_model::{Bytes, ProcessSample, Sample};

/// A peak is a new one from this much on, in percent of the last, so that steady growth costs few snapshots: some 25 while a
/// process becomes ten times as large.
const GROWTH: u64 = 110;
/// And from this many bytes on: while a program starts, ten percent are nothing.
const STEP: u64 = 16 << 20;
/// Below this share of the size, in percent, a process may cross it again.
const REARM: u64 = 90;
/// Snapshots in a row that came when the spike was over, before one of that size is no longer tried.
const MAX_LATE: u32 = 3;

/// Identity of a process.
type Key = (u32, u64);

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The largest that a process has been.
    Peak,
    /// The crossing with this number, from 1.
    Above(u32),
}

/// The size that a process is not to grow beyond.
#[derive(Debug)]
pub(super) struct Limit {
    /// Bytes of RSS.
    pub bytes: u64,
    /// Crossings that are kept.
    pub count: u32,
}

/// The rules, and what they have seen.
#[derive(Debug, Default)]
pub(super) struct Rules {
    at_peak: bool,
    limit: Option<Limit>,
    /// RSS of what is kept of the peak.
    kept: u64,
    /// The size up to which a snapshot of a process makes no sense any more: it failed, or came too late too often.
    tried: HashMap<Key, u64>,
    late: u32,
    /// Those that are above the limit, and have been told.
    above: HashSet<Key>,
    crossings: u32,
}

impl Rules {
    pub(super) fn new(at_peak: bool, limit: Option<Limit>) -> Rules {
        Rules { at_peak, limit, ..Rules::default() }
    }

    /// RSS of what is kept of the peak: something smaller does not replace it.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// The process that a snapshot is due of, while one of a peak of `under_way` bytes is being read (0: none).
    pub(super) fn due<'s>(&mut self, sample: &'s Sample, under_way: u64) -> Option<(&'s ProcessSample, Why)> {
        self.crossing(sample).or_else(|| self.peak(sample, under_way))
    }

    /// A process that has crossed the limit since it was last below it.
    fn crossing<'s>(&mut self, sample: &'s Sample) -> Option<(&'s ProcessSample, Why)> {
        let limit = self.limit.as_ref().filter(|limit| self.crossings < limit.count)?;
        let low = limit.bytes / 100 * REARM;
        let still: HashSet<Key> = living(sample).filter(|one| rss(one) >= low).map(key).collect();
        self.above.retain(|key| still.contains(key));
        let crossed = living(sample).filter(|one| rss(one) > limit.bytes && !self.above.contains(&key(one)));
        let largest = crossed.max_by_key(|one| rss(one))?;
        self.above.insert(key(largest));
        self.crossings += 1;
        Some((largest, Why::Above(self.crossings)))
    }

    /// The largest process, if it is larger by enough than what is kept.
    fn peak<'s>(&self, sample: &'s Sample, under_way: u64) -> Option<(&'s ProcessSample, Why)> {
        let least = self.kept.max(under_way);
        let known = |one: &ProcessSample| least.max(self.tried.get(&key(one)).copied().unwrap_or(0));
        let grown = |one: &&ProcessSample| rss(one) >= (known(one) / 100 * GROWTH).max(known(one) + STEP);
        let largest = living(sample).filter(grown).max_by_key(|one| rss(one)).filter(|_| self.at_peak)?;
        Some((largest, Why::Peak))
    }

    /// A snapshot of the peak holds this much.
    pub(super) fn took(&mut self, bytes: u64) {
        (self.kept, self.late) = (bytes, 0);
    }

    /// A snapshot of the peak came too late: the process had `wanted` bytes, and no more when it was looked at.
    pub(super) fn came_late(&mut self, key: Key, wanted: u64) {
        self.late += 1;
        if self.late >= MAX_LATE {
            self.gave_up(key, wanted);
        }
    }

    /// No snapshot of the peak of a process with this much could be made.
    pub(super) fn gave_up(&mut self, key: Key, wanted: u64) {
        self.late = 0;
        self.tried.insert(key, wanted);
    }
}

/// Why there is no snapshot of a peak where none was due.
pub(super) fn too_small() -> String {
    format!("no sample saw a process with {} of RSS or more", Bytes(STEP))
}

/// Identity of a process: ids are used again.
pub(super) fn key(process: &ProcessSample) -> Key {
    (process.pid, process.created.to_bits())
}

fn rss(process: &ProcessSample) -> u64 {
    process.memory.rss_bytes
}

fn living(sample: &Sample) -> impl Iterator<Item = &ProcessSample> {
    sample.processes.iter().filter(|process| !matches!(process.state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use memsight_model::MemoryInfo;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// A sample of processes with these ids and sizes in MiB.
    fn sample(processes: &[(u32, u64)]) -> Sample {
        let process = |&(pid, mib): &(u32, u64)| ProcessSample {
            pid,
            state: 'S',
            memory: MemoryInfo { rss_bytes: mib * MIB, ..MemoryInfo::default() },
            ..ProcessSample::default()
        };
        Sample { processes: processes.iter().map(process).collect(), ..Sample::default() }
    }

    /// Sizes at which a snapshot of the peak was due, of a process that goes through `sizes`.
    fn peaks(sizes: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut rules = Rules::new(true, None);
        let due = |mib: u64| {
            let sample = sample(&[(7, mib)]);
            let (process, why) = rules.due(&sample, 0)?;
            assert_eq!((process.pid, why), (7, Why::Peak));
            rules.took(mib * MIB);
            Some(mib)
        };
        sizes.into_iter().filter_map(due).collect()
    }

    #[test]
    fn a_new_peak_is_larger_by_a_tenth_and_by_16_mib() {
        assert_eq!(peaks([10, 15, 16, 20, 31, 32, 400, 439, 440, 100, 441]), [16, 32, 400, 440]);
        let steady = peaks(1..10_000);
        assert!(steady.len() < 60, "{steady:?}");
        assert!(steady.last() >= Some(&9_000), "{steady:?}");
    }

    #[test]
    fn what_is_being_read_counts_as_kept() {
        let mut rules = Rules::new(true, None);
        assert!(rules.due(&sample(&[(1, 120)]), 110 * MIB).is_none());
        assert!(rules.due(&sample(&[(1, 130)]), 110 * MIB).is_some(), "larger by enough: it does not wait");
    }

    #[test]
    fn a_process_that_cannot_be_read_hides_no_other() {
        let mut rules = Rules::new(true, None);
        let both = sample(&[(1, 500), (2, 100)]);
        let (first, _) = rules.due(&both, 0).expect("due");
        assert_eq!(first.pid, 1);
        rules.gave_up(key(first), rss(first));
        assert_eq!(rules.due(&both, 0).expect("due").0.pid, 2);
        rules.took(100 * MIB);
        assert!(rules.due(&both, 0).is_none());
        assert_eq!(rules.due(&sample(&[(1, 550), (2, 100)]), 0).expect("due").0.pid, 1);
    }

    #[test]
    fn a_spike_that_was_missed_is_tried_again_but_not_for_ever() {
        let mut rules = Rules::new(true, None);
        let spike = sample(&[(1, 500)]);
        for _ in 0..MAX_LATE {
            let (process, _) = rules.due(&spike, 0).expect("due");
            rules.came_late(key(process), rss(process));
        }
        assert!(rules.due(&spike, 0).is_none());
        assert!(rules.due(&sample(&[(1, 550)]), 0).is_some());
    }

    #[test]
    fn a_crossing_counts_once_until_it_is_well_below() {
        let mut rules = Rules::new(false, Some(Limit { bytes: 100 * MIB, count: 3 }));
        let sizes = [100, 101, 120, 99, 101, 90, 101, 89, 101, 50, 101, 50, 101];
        let due: Vec<Option<Why>> = sizes.map(|mib| rules.due(&sample(&[(1, mib)]), 0).map(|(_, why)| why)).into();
        let told = |at: usize| due.get(at).copied().flatten();
        assert_eq!([told(1), told(8), told(10)], [1, 2, 3].map(|number| Some(Why::Above(number))));
        assert_eq!(due.iter().flatten().count(), 3, "{due:?}");
    }

    #[test]
    fn each_process_crosses_for_itself() {
        let mut rules = Rules::new(false, Some(Limit { bytes: 100 * MIB, count: 9 }));
        let both = sample(&[(1, 200), (2, 300)]);
        let pids: Vec<u32> = (0..3).filter_map(|_| rules.due(&both, 0).map(|(process, _)| process.pid)).collect();
        assert_eq!(pids, [2, 1]);
    }
}
