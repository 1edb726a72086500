//! What is kept of a recording in memory: its summary, and a thinned series of each process for the plot.

use std::collections::HashMap;

use memsight_engine::analysis::trend::{Point, Series, Summary, WatchSummary};
use memsight_engine::format::monitor::Marker;
use memsight_model::{ProcessSample, Sample, Timestamp, Unavailable};
use memsight_render::plot::{self, Plot};

/// Processes that are kept for the plot: it names eight.
const MAX_DRAWN: usize = 64;
/// Stretches kept of each.
const BUCKETS: usize = 400;
/// Samples without news that are kept back at most.
const MAX_REPEATS: usize = 64;
/// Markers that are kept for the plot.
const MAX_MARKERS: usize = 100;

/// Adds samples up. Memory: some 100 KiB, and at most [`MAX_DRAWN`] series.
#[derive(Default)]
pub(super) struct Figures {
    summary: Summary,
    origin: Option<Timestamp>,
    drawn: HashMap<(u32, u64), Drawn>,
    markers: Vec<(Timestamp, String)>,
    limit: Option<u64>,
    rollup_missing: Option<Unavailable>,
    /// Revision of the last sample that was added, and when it came again unchanged since.
    revision: u64,
    repeats: Vec<Timestamp>,
    /// When the last sample was taken that is counted.
    last_at: Timestamp,
}

struct Drawn {
    pid: u32,
    name: String,
    series: Series,
    peak: u64,
    rss_bytes: u64,
    last: Timestamp,
}

impl Figures {
    /// Adds a sample. Cost: constant for each process; next to nothing when it is the last one again.
    pub(super) fn add(&mut self, sample: &Sample) {
        if sample.revision != 0 && sample.revision == self.revision && self.repeats.len() < MAX_REPEATS {
            self.repeats.push(sample.at);
            return;
        }
        self.catch_up();
        (self.revision, self.last_at) = (sample.revision, sample.at);
        let origin = self.origin.get_or_insert(sample.at).monotonic_ns;
        self.summary.add(sample);
        if let Some(container) = &sample.container {
            self.limit = container.limit_bytes;
        }
        let seconds = sample.at.monotonic_ns.saturating_sub(origin) as f64 / 1e9;
        let point = |bytes: u64| Point { seconds, bytes: bytes as f64 };
        let mut new = Vec::new();
        for process in &sample.processes {
            // (what was no error passes)
            let error = process.rollup_missing.as_ref().filter(|missing| missing.code.starts_with("MS-"));
            if self.rollup_missing.is_none() && error.is_some() {
                self.rollup_missing = error.cloned();
            }
            match self.drawn.get_mut(&key(process)) {
                Some(drawn) => drawn.add(process, point(process.memory.rss_bytes), sample.at),
                None => new.push(process),
            }
        }
        for process in new {
            if !self.has_room(sample.at) {
                break;
            }
            let drawn = self.drawn.entry(key(process)).or_insert_with(|| Drawn::new(process.pid));
            drawn.add(process, point(process.memory.rss_bytes), sample.at);
        }
    }

    /// Adds the samples that came again unchanged: one after the other, while their figures are at hand.
    fn catch_up(&mut self) {
        let origin = self.origin.unwrap_or_default().monotonic_ns;
        for at in std::mem::take(&mut self.repeats) {
            self.summary.repeat(at);
            let seconds = at.monotonic_ns.saturating_sub(origin) as f64 / 1e9;
            for drawn in self.drawn.values_mut().filter(|drawn| drawn.last == self.last_at) {
                drawn.repeat(seconds, at);
            }
            self.last_at = at;
        }
    }

    /// Adds a marker.
    pub(super) fn mark(&mut self, marker: &Marker) {
        if self.markers.len() < MAX_MARKERS {
            self.markers.push((marker.at, marker.text.clone()));
        }
    }

    /// Adds ticks that were skipped.
    pub(super) fn add_missed(&mut self, ticks: u64) {
        self.summary.add_missed(ticks);
    }

    /// Why USS and PSS are not known of some process.
    pub(super) fn rollup_missing(&self) -> Option<Unavailable> {
        self.rollup_missing.clone()
    }

    /// What it came to so far.
    pub(super) fn finish(&mut self) -> WatchSummary {
        self.catch_up();
        self.summary.finish()
    }

    /// The latest sum of RSS and the largest, bytes; the series of sums.
    pub(super) fn so_far(&mut self) -> (u64, u64, &Series) {
        self.catch_up();
        self.sums()
    }

    fn sums(&self) -> (u64, u64, &Series) {
        let series = self.summary.series();
        let peak = series.buckets().iter().map(|bucket| bucket.peak.bytes as u64).max().unwrap_or(0);
        (series.last().map_or(0, |last| last.bytes as u64), peak, series)
    }

    /// Name of the process with that id.
    pub(super) fn name_of(&self, pid: u32) -> Option<String> {
        self.drawn.values().find(|drawn| drawn.pid == pid).map(|drawn| drawn.name.clone())
    }

    /// The picture of what [`Figures::finish`] summed up.
    pub(super) fn plot(&self, title: &str, subtitle: &str) -> Plot {
        let origin = self.origin.unwrap_or_default().monotonic_ns;
        let points = |series: &Series| series.peaks().iter().map(|point| (point.seconds, point.bytes)).collect();
        let mut drawn: Vec<&Drawn> = self.drawn.values().collect();
        drawn.sort_by(|a, b| b.peak.cmp(&a.peak).then(a.pid.cmp(&b.pid)));
        let several = drawn.len() > 1;
        let name = |one: &Drawn| format!("{} {}", one.name, one.pid);
        let series = drawn.iter().map(|one| plot::Series { name: name(one), points: points(&one.series) });
        let after = |at: &Timestamp| at.monotonic_ns.saturating_sub(origin) as f64 / 1e9;
        Plot {
            title: title.to_owned(),
            subtitle: subtitle.to_owned(),
            measure: "RSS".to_owned(),
            series: series.collect(),
            total: if several { points(self.summary.series()) } else { Vec::new() },
            markers: self.markers.iter().map(|(at, text)| (after(at), text.clone())).collect(),
            // A limit far above would press the curve to the ground.
            limit: self.limit.filter(|&limit| limit / 4 < self.sums().1).map(|limit| limit as f64),
        }
    }

    /// Whether one more process can be drawn: the smallest of those that ended makes room.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.drawn.len() < MAX_DRAWN {
            return true;
        }
        let ended = self.drawn.iter().filter(|(_, drawn)| drawn.last < now);
        let smallest = ended.min_by_key(|(_, drawn)| drawn.peak).map(|(&key, _)| key);
        smallest.is_some_and(|key| self.drawn.remove(&key).is_some())
    }
}

/// Identity of a process.
fn key(process: &ProcessSample) -> (u32, u64) {
    (process.pid, process.created.to_bits())
}

impl Drawn {
    fn new(pid: u32) -> Drawn {
        Drawn {
            pid,
            name: String::new(),
            series: Series::new(BUCKETS),
            peak: 0,
            rss_bytes: 0,
            last: Timestamp::default(),
        }
    }

    fn add(&mut self, process: &ProcessSample, point: Point, now: Timestamp) {
        if self.name != process.name {
            self.name.clone_from(&process.name);
        }
        self.peak = self.peak.max(process.memory.rss_bytes);
        (self.rss_bytes, self.last) = (process.memory.rss_bytes, now);
        self.series.push(point);
    }

    fn repeat(&mut self, seconds: f64, now: Timestamp) {
        self.last = now;
        self.series.push(Point { seconds, bytes: self.rss_bytes as f64 });
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::MemoryInfo;

    use super::*;

    /// Samples in which now and then something changes; `counted`: with revisions, as a monitor gives them.
    fn samples(counted: bool) -> impl Iterator<Item = Sample> {
        (0..500_u64).map(move |tick| {
            let step = tick / 90;
            let process = |pid: u32| ProcessSample {
                pid,
                state: 'S',
                memory: MemoryInfo { rss_bytes: u64::from(pid) * 1000 * (step + 1), ..MemoryInfo::default() },
                ..ProcessSample::default()
            };
            let processes: Vec<ProcessSample> = (1..4).filter(|pid| step < 3 || *pid > 1).map(process).collect();
            let mut sample = Sample { processes, ..Sample::default() };
            sample.at.monotonic_ns = 1 + tick * 10_000_000;
            sample.total.processes = sample.processes.len() as u32;
            sample.total.rss_bytes = sample.processes.iter().map(|process| process.memory.rss_bytes).sum();
            sample.revision = if counted { step + 1 } else { 0 };
            sample
        })
    }

    #[test]
    fn samples_without_news_count_as_all_others() {
        let [counted, uncounted] = [true, false].map(|counted| {
            let mut figures = Figures::default();
            samples(counted).for_each(|sample| figures.add(&sample));
            (figures.finish(), format!("{:?}", figures.plot("", "")))
        });
        assert_eq!(counted, uncounted);
    }
}
