//! The past of one process, in bounded memory.

use std::collections::VecDeque;

use memsight_engine::analysis::trend::{self, MATERIAL_BYTES, MATERIAL_SHARE, Trend};
use memsight_model::ProcessSample;

/// Rates are taken over this much time, so that one collection a second does not flicker between 0 and 2.
const RATE_WINDOW_NS: u64 = 8_000_000_000;
/// Readings that a rate keeps at most, however short the interval.
const RATE_READINGS: usize = 64;
/// Points that a judgement is made of at most: it costs their square.
const JUDGED_POINTS: usize = 200;
/// Points that a word about growth needs.
const LEAST_POINTS: usize = 6;
/// Time that a word about growth needs.
const LEAST_TIME_NS: u64 = 4_000_000_000;

/// The figures of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    pub rss: u64,
    pub pss: Option<u64>,
    pub uss: Option<u64>,
    pub anon: Option<u64>,
}

impl Point {
    pub fn of(at_ns: u64, process: &ProcessSample) -> Point {
        Point {
            at_ns,
            rss: process.memory.rss_bytes,
            pss: process.rollup.map(|rollup| rollup.pss_bytes),
            uss: process.rollup.map(|rollup| rollup.uss_bytes()),
            anon: anonymous(process),
        }
    }
}

/// Resident anonymous memory: where the heap lives, and the stacks with it.
pub fn anonymous(process: &ProcessSample) -> Option<u64> {
    let of_status = process.status.map(|status| status.rss_anon_bytes);
    of_status.or_else(|| process.rollup.map(|rollup| rollup.anonymous_bytes))
}

/// Points evenly spread over all the time since the start: when they are too many, every second one goes.
#[derive(Debug, Clone)]
pub struct Series {
    points: Vec<Point>,
    /// One reading of so many is kept.
    every: u64,
    readings: u64,
}

impl Default for Series {
    fn default() -> Self {
        Series { points: Vec::new(), every: 1, readings: 0 }
    }
}

impl Series {
    /// Adds a point; keeps `most` at most.
    pub fn push(&mut self, point: Point, most: usize) {
        if self.readings.is_multiple_of(self.every) {
            self.points.push(point);
        }
        self.readings += 1;
        while self.points.len() > most.max(2) {
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.every = self.every.saturating_mul(2);
        }
    }

    /// The points up to `until_ns`.
    pub fn until(&self, until_ns: u64) -> &[Point] {
        let end = self.points.partition_point(|point| point.at_ns <= until_ns);
        self.points.get(..end).unwrap_or_default()
    }
}

/// Judges the past, with all the care of `memsight watch`. Cost: about a millisecond.
pub fn judge(past: &[Point]) -> Trend {
    let every = past.len().div_ceil(JUDGED_POINTS).max(1);
    let point = |point: &Point| trend::Point { seconds: point.at_ns as f64 / 1e9, bytes: point.rss as f64 };
    trend::trend(&past.iter().step_by(every).map(point).collect::<Vec<_>>())
}

/// Where the resident memory of a process goes: the quick word for a row of the list, for which [`judge`] is too dear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    Rising(f64),
    Steady,
    Falling(f64),
}

impl Growth {
    /// Bytes a second; negative when it shrinks.
    pub fn per_second(self) -> f64 {
        match self {
            Growth::Rising(rate) | Growth::Falling(rate) => rate,
            Growth::Steady => 0.0,
        }
    }

    /// Compares the medians of the first and the last third, which no single spike moves. `None`: too short to say.
    /// Cost: sorts two thirds of the points.
    pub fn of(points: &[Point]) -> Option<Growth> {
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < LEAST_POINTS || last.at_ns.saturating_sub(first.at_ns) < LEAST_TIME_NS {
            return None;
        }
        let third = points.len() / 3;
        let (early, late) = (points.get(..third)?, points.get(points.len() - third..)?);
        let (from, to) = (median(early, |point| point.rss)?, median(late, |point| point.rss)?);
        let seconds = (median(late, |point| point.at_ns)? - median(early, |point| point.at_ns)?) / 1e9;
        let change = to - from;
        if seconds <= 0.0 || change.abs() < (from.max(to) * MATERIAL_SHARE).max(MATERIAL_BYTES) {
            return Some(Growth::Steady);
        }
        let rate = change / seconds;
        Some(if rate > 0.0 { Growth::Rising(rate) } else { Growth::Falling(rate) })
    }
}

fn median(points: &[Point], value: impl Fn(&Point) -> u64) -> Option<f64> {
    let mut values: Vec<u64> = points.iter().map(value).collect();
    values.sort_unstable();
    values.get(values.len() / 2).map(|&value| value as f64)
}

/// How fast a counter goes.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    readings: VecDeque<(u64, u64)>,
}

impl Rate {
    /// Takes the counter's value at a time; readings out of order are left out.
    pub fn push(&mut self, at_ns: u64, value: u64) {
        if self.readings.back().is_some_and(|&(last, _)| last >= at_ns) {
            return;
        }
        self.readings.push_back((at_ns, value));
        let old = |&(at, _): &(u64, u64)| at_ns - at > RATE_WINDOW_NS;
        while self.readings.len() > RATE_READINGS || (self.readings.len() > 2 && self.readings.front().is_some_and(old))
        {
            self.readings.pop_front();
        }
    }

    /// Per second, once there are two readings.
    pub fn per_second(&self) -> Option<f64> {
        let (&(from, before), &(to, after)) = (self.readings.front()?, self.readings.back()?);
        (to > from).then(|| after.saturating_sub(before) as f64 * 1e9 / (to - from) as f64)
    }
}

/// Everything that is remembered of one process.
#[derive(Debug, Clone, Default)]
pub struct Track {
    pub series: Series,
    pub collections: Rate,
    pub minor_faults: Rate,
    pub major_faults: Rate,
    /// Largest RSS that was seen.
    pub peak_rss: u64,
    /// When the last of its dear figures were read.
    rollup_ns: Option<u64>,
    /// Number of the reading that had it last.
    pub seen: u64,
}

impl Track {
    /// Adds a reading of the process.
    pub fn push(&mut self, at_ns: u64, process: &ProcessSample, most: usize) {
        let mut point = Point::of(at_ns, process);
        if self.rollup_ns.is_some() && self.rollup_ns == process.rollup_ns {
            // Repeated from an earlier reading: what was not measured now is no point of the chart.
            (point.pss, point.uss, point.anon) = (None, None, None);
        }
        self.rollup_ns = process.rollup_ns;
        self.series.push(point, most);
        self.peak_rss = self.peak_rss.max(process.memory.rss_bytes);
        self.minor_faults.push(at_ns, process.minor_faults);
        self.major_faults.push(at_ns, process.major_faults);
        if let Some(gc) = &process.gc {
            self.collections.push(gc.at_ns, gc.collections());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: impl IntoIterator<Item = u64>) -> Vec<Point> {
        let point = |(second, rss)| Point { at_ns: second * 1_000_000_000, rss, pss: None, uss: None, anon: None };
        (0u64..).zip(values).map(point).collect()
    }

    #[test]
    fn growth_is_what_no_spike_and_no_noise_can_make() {
        let mib = 1u64 << 20;
        assert_eq!(Growth::of(&points([mib; 4])), None);
        assert_eq!(Growth::of(&points((0..60).map(|at| 100 * mib + at % 3 * 4096))), Some(Growth::Steady));
        let spike = (0..60).map(|at| if at == 55 { 900 * mib } else { 100 * mib });
        assert_eq!(Growth::of(&points(spike)), Some(Growth::Steady));
        assert_eq!(Growth::of(&points((0..60).map(|at| (100 + at) * mib))), Some(Growth::Rising(mib as f64)));
        assert_eq!(Growth::of(&points((0..60).map(|at| (100 - at) * mib))), Some(Growth::Falling(-(mib as f64))));
    }

    #[test]
    fn a_series_stays_small_and_even() {
        let mut series = Series::default();
        for point in points(0..10_000) {
            series.push(point, 100);
        }
        let kept = series.until(u64::MAX);
        assert!((50..=100).contains(&kept.len()), "{}", kept.len());
        let steps: Vec<u64> = kept.windows(2).map(|pair| pair[1].rss - pair[0].rss).collect();
        assert!(steps.iter().all(|&step| step == steps[0]), "{steps:?}");
        assert_eq!(kept[0].rss, 0);
        assert_eq!(series.until(kept[9].at_ns).len(), 10);
    }

    #[test]
    fn a_rate_needs_two_readings_in_order() {
        let mut rate = Rate::default();
        rate.push(1_000_000_000, 10);
        assert_eq!(rate.per_second(), None);
        rate.push(1_000_000_000, 20);
        rate.push(500_000_000, 20);
        assert_eq!(rate.per_second(), None);
        rate.push(3_000_000_000, 30);
        assert_eq!(rate.per_second(), Some(10.0));
        for second in 4..100 {
            rate.push(second * 1_000_000_000, 30);
        }
        assert_eq!(rate.per_second(), Some(0.0));
        rate.push(100_000_000_000, 0); // a counter that goes back is another interpreter's
        assert_eq!(rate.per_second(), Some(0.0));
    }
}
