//! Pauses as a histogram: however long the watch, its size stays the same.

use memsight_model::PauseSource;
use serde::{Deserialize, Serialize};

/// Buckets: pauses of up to 2^10 ns (1 us), 2^11 ns, ... 2^36 ns (69 s), and longer ones.
const SMALLEST: u32 = 10;
const BUCKETS: usize = 28;

/// How long collections took. Sizes of the buckets double; percentiles are the upper ends of their buckets, so at most
/// twice too long, and never longer than the longest pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GcPauses {
    /// How the pauses came to be known.
    pub source: PauseSource,
    /// Why there is no better source; absent when this is the best.
    pub note: Option<String>,
    /// Pauses with a known duration.
    pub count: u64,
    /// Collections that were counted but whose duration nobody saw.
    pub missed: u64,
    /// Those of them that came while the limit of processor time (`--max-cpu`) kept memsight from looking more often.
    #[serde(default)]
    pub missed_for_cpu: u64,
    /// The longest that a missed pause may have been; absent when that is not known.
    pub missed_below_ns: Option<u64>,
    /// The time of all pauses.
    pub total_ns: u64,
    /// Half of them were not longer; 0 when there was none.
    pub p50_ns: u64,
    /// 99 of 100 were not longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// How wrong a duration may be, either way, at worst; 0: exact.
    pub error_ns: u64,
    /// Those with pauses between the first and the last that have any.
    pub buckets: Vec<GcBucket>,
}

/// Pauses of about the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcBucket {
    /// They were not longer than this (and longer than half of it); a power of two, absent for the last, open bucket.
    pub to_ns: Option<u64>,
    /// How many.
    pub count: u64,
}

/// A histogram under construction. Memory: 300 bytes, whatever it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PauseHistogram {
    counts: [u64; BUCKETS],
    total_ns: u64,
    max_ns: u64,
    error_ns: u64,
    missed: u64,
    missed_for_cpu: u64,
    missed_below_ns: Option<u64>,
}

impl PauseHistogram {
    /// Adds a pause whose duration may be wrong by `error_ns`. Cost: constant.
    pub fn add(&mut self, duration_ns: u64, error_ns: u64) {
        let power = 64 - duration_ns.saturating_sub(1).leading_zeros();
        let bucket = (power.saturating_sub(SMALLEST) as usize).min(BUCKETS - 1);
        self.counts[bucket] += 1;
        self.total_ns = self.total_ns.saturating_add(duration_ns);
        self.max_ns = self.max_ns.max(duration_ns);
        self.error_ns = self.error_ns.max(error_ns);
    }

    /// Notes that `count` collections passed unseen in a time of `within_ns`, if that is known.
    pub fn miss(&mut self, count: u64, within_ns: Option<u64>) {
        if count > 0 {
            self.missed = self.missed.saturating_add(count);
            self.missed_below_ns = self.missed_below_ns.max(within_ns);
        }
    }

    /// Notes that `count` of those that passed unseen did so because looking more often would have cost too much.
    pub fn miss_for_cpu(&mut self, count: u64) {
        self.missed_for_cpu = self.missed_for_cpu.saturating_add(count);
    }

    /// Pauses with a known duration.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest pause.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The time of all pauses with a known duration.
    pub fn total_ns(&self) -> u64 {
        self.total_ns
    }

    /// The most time that the collections which passed unseen can have taken; `None` when that is not known.
    pub fn unseen_ns(&self) -> Option<u64> {
        if self.missed == 0 { Some(0) } else { self.missed_below_ns.map(|most| most.saturating_mul(self.missed)) }
    }

    /// How wrong a duration may be at worst.
    pub fn error_ns(&self) -> u64 {
        self.error_ns
    }

    /// Smallest upper end of a bucket below which at least `share` of the pauses are.
    fn percentile(&self, share: f64) -> u64 {
        let wanted = (self.count() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(bucket).map_or(self.max_ns, |upper| upper.min(self.max_ns));
            }
        }
        0
    }

    /// The result.
    pub fn pauses(&self, source: PauseSource, note: Option<String>) -> GcPauses {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let end = self.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let bucket = |bucket| GcBucket { to_ns: upper(bucket), count: self.counts[bucket] };
        GcPauses {
            source,
            note,
            count: self.count(),
            missed: self.missed,
            missed_for_cpu: self.missed_for_cpu,
            missed_below_ns: self.missed_below_ns,
            total_ns: self.total_ns,
            p50_ns: self.percentile(0.5),
            p99_ns: self.percentile(0.99),
            max_ns: self.max_ns,
            error_ns: self.error_ns,
            buckets: (first..end).map(bucket).collect(),
        }
    }
}

fn upper(bucket: usize) -> Option<u64> {
    (bucket + 1 < BUCKETS).then(|| 1 << (bucket as u32 + SMALLEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: &[u64]) -> GcPauses {
        let mut histogram = PauseHistogram::default();
        durations.iter().for_each(|duration| histogram.add(*duration, 0));
        histogram.pauses(PauseSource::RingBuffer, None)
    }

    #[test]
    fn buckets_end_at_powers_of_two_and_hold_what_is_not_longer() {
        let pauses = of(&[0, 1, 1024, 1025, 2048, 2049, u64::MAX]);
        let counts: Vec<(Option<u64>, u64)> =
            pauses.buckets.iter().map(|bucket| (bucket.to_ns, bucket.count)).collect();
        assert_eq!(counts[..3], [(Some(1024), 3), (Some(2048), 2), (Some(4096), 1)]);
        assert_eq!(counts.last(), Some(&(None, 1)));
        assert_eq!((counts.len(), pauses.count, pauses.max_ns), (BUCKETS, 7, u64::MAX));
    }

    #[test]
    fn percentiles_are_upper_ends_and_never_above_the_longest() {
        let mut durations = vec![3_000; 98];
        durations.extend([70_000, 90_000]);
        let pauses = of(&durations);
        assert_eq!((pauses.p50_ns, pauses.p99_ns, pauses.max_ns), (4096, 90_000, 90_000));
        assert_eq!((of(&[]).p50_ns, of(&[]).p99_ns, of(&[]).buckets.len()), (0, 0, 0));
        assert_eq!(of(&[1500]).p50_ns, 1500);
    }
}
