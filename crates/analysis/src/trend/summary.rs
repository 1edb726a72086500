//! What a watch of any length came to, in bounded memory.

use std::collections::HashMap;

use memsight_model::{
    Bytes, ContainerSample, GcReading, ProcessSample, SCHEMA_VERSION, Sample, Timestamp, Unavailable, count,
};
use serde::{Deserialize, Serialize};

use super::{Point, Series, TimeToLimit, Trend, time_to_limit, trend};

/// Buckets kept of the sum: a plot's width, and enough for an estimate.
const SUM_BUCKETS: usize = 1200;
/// Buckets kept of each process.
const PROCESS_BUCKETS: usize = 120;
/// Ended processes that are remembered one by one: those with the largest peaks.
const REMEMBERED: usize = 100;

/// The largest value of a figure, exact: of all samples, not of those that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peak {
    /// The value.
    pub bytes: u64,
    /// The first moment it was seen.
    pub at: Timestamp,
    /// The same, since the first sample.
    pub after_ns: u64,
}

/// One process in a [`WatchSummary`]. Faults, CPU time and collections are counted from its first sample, or from its
/// birth when it was born in the watch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of ProcessSample")]
pub struct ProcessSummary {
    pub pid: u32,
    pub created: f64,
    pub name: String,
    pub python: Option<String>,
    /// Largest RSS that was sampled.
    pub peak: Peak,
    /// RSS at first and at last.
    pub first_rss_bytes: u64,
    pub last_rss_bytes: u64,
    /// First and last seen, since the first sample.
    pub first_ns: u64,
    pub last_ns: u64,
    pub samples: u64,
    pub minor_faults: u64,
    pub major_faults: u64,
    pub cpu_ns: u64,
    /// Collections; `None` when the collector was never read.
    pub gc_collections: Option<u64>,
    /// It was no longer there at the last sample.
    pub ended: bool,
    /// Trend of its RSS; `None` for processes that ended.
    pub trend: Option<Trend>,
}

/// The container in a [`WatchSummary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerSummary {
    /// As it was last.
    pub last: ContainerSample,
    /// Largest usage that was sampled.
    pub peak: Peak,
    /// Processes killed for lack of memory in the watch.
    pub oom_kills: u64,
    /// Times usage was about to go over the limit in the watch.
    pub max_events: u64,
    /// Trend of the working set.
    pub trend: Trend,
    /// When the limit is reached, if it leaks.
    pub time_to_limit: Option<TimeToLimit>,
}

/// What a watch came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchSummary {
    /// Version of this layout.
    pub schema_version: u32,
    /// First sample.
    pub started: Timestamp,
    /// Last sample.
    pub ended: Timestamp,
    /// Between them, by the monotonic clock.
    pub duration_ns: u64,
    /// Samples.
    pub samples: u64,
    /// Ticks that were skipped because the one before took too long.
    pub missed_ticks: u64,
    /// Largest sum of RSS.
    pub peak: Peak,
    /// Largest sum of PSS, of the moments at which it was known of all; `None` unless such moments cover those of the
    /// largest RSS.
    pub peak_pss: Option<Peak>,
    /// Samples in which PSS was known of all processes, from readings at about the RSS of that moment.
    #[serde(default)]
    pub pss_samples: u64,
    /// Why `peak_pss` is not there; `None`: it is, or was not asked for.
    #[serde(default)]
    pub pss_missing: Option<Unavailable>,
    /// Sum of RSS at first and at last.
    pub first_rss_bytes: u64,
    /// See `first_rss_bytes`.
    pub last_rss_bytes: u64,
    /// Trend of the sum of RSS, while there was any process.
    pub trend: Trend,
    /// Page faults of all processes, those without and those with a wait for a disk.
    pub minor_faults: u64,
    /// See `minor_faults`.
    pub major_faults: u64,
    /// CPU time of all processes.
    pub cpu_ns: u64,
    /// Collections of all processes; `None` when no collector was read.
    pub gc_collections: Option<u64>,
    /// Processes seen.
    pub process_count: u64,
    /// Those there at the end, and the largest that had ended (at most 100), by peak.
    pub processes: Vec<ProcessSummary>,
    /// The container, if it was read.
    pub container: Option<ContainerSummary>,
}

/// Adds samples up. Memory: about 40 KiB, and 4 KiB for each living process.
#[derive(Debug, Clone)]
pub struct Summary {
    started: Option<Timestamp>,
    ended: Timestamp,
    samples: u64,
    missed_ticks: u64,
    sum: Series,
    peak: Peak,
    pss: Pss,
    last_rss_bytes: u64,
    living: HashMap<(u32, u64), Living>,
    retired: Vec<ProcessSummary>,
    /// Sums over the ended processes, remembered or not.
    past: Counters,
    process_count: u64,
    container: Option<Container>,
}

/// Counters that add up.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    minor_faults: u64,
    major_faults: u64,
    cpu_ns: u64,
    gc_collections: Option<u64>,
}

#[derive(Debug, Clone)]
struct Living {
    summary: ProcessSummary,
    series: Series,
    before: Counters,
}

#[derive(Debug, Clone)]
struct Container {
    last: ContainerSample,
    peak: Peak,
    oom_kills: u64,
    max_events: u64,
    series: Series,
}

/// What is known of PSS.
#[derive(Debug, Clone, Default)]
struct Pss {
    peak: Option<Peak>,
    /// Largest sum of RSS at a moment at which that of PSS was known.
    rss_bytes: u64,
    samples: u64,
    /// Whether it was known in the last sample.
    known: bool,
    /// Why it was not the last time that it was not.
    missing: Option<Unavailable>,
}

impl Pss {
    /// PSS is read less often than RSS: one that was read when a process was of another size is none of this moment.
    fn add(&mut self, sample: &Sample, moment: &Moment) {
        let mut living = sample.processes.iter().filter(|process| process.state != 'Z');
        let now = |process: &ProcessSample| process.rollup.is_some_and(|read| read.is_of(process.memory.rss_bytes));
        let known = sample.total.pss_bytes.filter(|_| sample.total.processes > 0 && living.all(now));
        self.known = known.is_some();
        if let Some(pss) = known {
            moment.raise(self.peak.get_or_insert_default(), pss);
            self.rss_bytes = self.rss_bytes.max(sample.total.rss_bytes);
            self.samples += 1;
        } else if !sample.processes.is_empty() {
            // none: it was read, but of another size
            self.missing.clone_from(&sample.total.rollup_missing);
        }
    }

    /// The peak, if the moments at which PSS was known are those of the largest RSS, or nearly so: of the others it is
    /// known only that PSS was no larger than RSS.
    fn peak(&self, rss: Peak) -> Option<Peak> {
        self.peak.filter(|_| self.rss_bytes >= rss.bytes / 10 * 9)
    }

    fn missing(&self, rss: Peak, samples: u64) -> Option<Unavailable> {
        if self.peak(rss).is_some() || (self.missing.is_none() && self.peak.is_none()) {
            return None;
        }
        let known = format!("known of all processes in {} of {} samples", count(self.samples), count(samples));
        let (code, reason) = match &self.missing {
            Some(missing) => (missing.code.as_str(), format!("{known}; {}", missing.reason)),
            None => {
                let most = Bytes(self.rss_bytes);
                (Unavailable::NOT_YET, format!("{known}, the largest with an RSS of {most}, and not read at the peak"))
            }
        };
        Some(Unavailable { code: code.to_owned(), reason })
    }
}

impl Default for Summary {
    fn default() -> Self {
        Summary {
            started: None,
            ended: Timestamp::default(),
            samples: 0,
            missed_ticks: 0,
            sum: Series::new(SUM_BUCKETS),
            peak: Peak::default(),
            pss: Pss::default(),
            last_rss_bytes: 0,
            living: HashMap::new(),
            retired: Vec::new(),
            past: Counters::default(),
            process_count: 0,
            container: None,
        }
    }
}

impl Summary {
    /// Adds a sample. Cost: constant for each process.
    pub fn add(&mut self, sample: &Sample) {
        let started = *self.started.get_or_insert(sample.at);
        let moment = Moment { at: sample.at, after_ns: sample.at.monotonic_ns.saturating_sub(started.monotonic_ns) };
        self.ended = sample.at;
        self.samples += 1;
        moment.raise(&mut self.peak, sample.total.rss_bytes);
        self.pss.add(sample, &moment);
        if !sample.processes.is_empty() {
            self.sum.push(moment.point(sample.total.rss_bytes));
            self.last_rss_bytes = sample.total.rss_bytes;
        }
        for process in &sample.processes {
            self.add_process(process, &moment);
        }
        if self.living.len() > sample.processes.len() {
            self.retire(&moment);
        }
        if let Some(container) = &sample.container {
            self.add_container(container, &moment);
        }
    }

    /// Adds the last sample once more, at another time: what [`Summary::add`] makes of it, for less.
    pub fn repeat(&mut self, at: Timestamp) {
        let Some(started) = self.started else { return };
        let moment = Moment { at, after_ns: at.monotonic_ns.saturating_sub(started.monotonic_ns) };
        self.ended = at;
        self.samples += 1;
        self.pss.samples += u64::from(self.pss.known);
        if !self.living.is_empty() {
            self.sum.push(moment.point(self.last_rss_bytes));
        }
        for Living { summary, series, .. } in self.living.values_mut() {
            series.push(moment.point(summary.last_rss_bytes));
            summary.last_ns = moment.after_ns;
            summary.samples += 1;
        }
        if let Some(container) = &mut self.container {
            container.series.push(moment.point(container.last.working_set_bytes));
        }
    }

    /// Adds ticks that were skipped.
    pub fn add_missed(&mut self, ticks: u64) {
        self.missed_ticks += ticks;
    }

    /// The sum of RSS over time.
    pub fn series(&self) -> &Series {
        &self.sum
    }

    /// RSS over time of a process that is there; identity as in [`ProcessSample`].
    pub fn series_of(&self, pid: u32, created: f64) -> Option<&Series> {
        self.living.get(&(pid, created.to_bits())).map(|living| &living.series)
    }

    /// Trend of a process that is there. Cost: about 0.2 ms.
    pub fn trend_of(&self, pid: u32, created: f64) -> Option<Trend> {
        self.series_of(pid, created).map(|series| trend(&series.points()))
    }

    /// What it came to so far. Cost: a few ms, and 0.2 ms for each living process.
    pub fn finish(&self) -> WatchSummary {
        let started = self.started.unwrap_or_default();
        let mut processes = self.retired.clone();
        let mut all = self.past;
        for living in self.living.values() {
            all.add(&Counters::of(&living.summary));
            processes.push(ProcessSummary { trend: Some(trend(&living.series.points())), ..living.summary.clone() });
        }
        processes.sort_by(|a, b| b.peak.bytes.cmp(&a.peak.bytes).then(a.pid.cmp(&b.pid)));
        WatchSummary {
            schema_version: SCHEMA_VERSION,
            started,
            ended: self.ended,
            duration_ns: self.ended.monotonic_ns.saturating_sub(started.monotonic_ns),
            samples: self.samples,
            missed_ticks: self.missed_ticks,
            peak: self.peak,
            peak_pss: self.pss.peak(self.peak),
            pss_samples: self.pss.samples,
            pss_missing: self.pss.missing(self.peak, self.samples),
            first_rss_bytes: self.sum.buckets().first().map_or(0, |bucket| bucket.first.bytes as u64),
            last_rss_bytes: self.last_rss_bytes,
            trend: trend(&self.sum.points()),
            minor_faults: all.minor_faults,
            major_faults: all.major_faults,
            cpu_ns: all.cpu_ns,
            gc_collections: all.gc_collections,
            process_count: self.process_count,
            processes,
            container: self.container.as_ref().map(Container::finish),
        }
    }

    fn add_process(&mut self, process: &ProcessSample, moment: &Moment) {
        let (first_sample, process_count) = (self.samples == 1, &mut self.process_count);
        let living = self.living.entry((process.pid, process.created.to_bits())).or_insert_with(|| {
            *process_count += 1;
            Living::new(process, moment, first_sample)
        });
        living.add(process, moment);
    }

    /// Puts the processes that are no longer there with the ended ones.
    fn retire(&mut self, moment: &Moment) {
        let (past, retired) = (&mut self.past, &mut self.retired);
        self.living.retain(|_, living| {
            let there = living.summary.last_ns == moment.after_ns;
            if !there {
                past.add(&Counters::of(&living.summary));
                retired.push(ProcessSummary { ended: true, ..std::mem::take(&mut living.summary) });
            }
            there
        });
        // sorted only now and then, so that a storm of short processes costs little
        if retired.len() > 2 * REMEMBERED {
            shorten(retired);
        }
    }

    fn add_container(&mut self, sample: &ContainerSample, moment: &Moment) {
        let container = self.container.get_or_insert_with(|| Container {
            last: sample.clone(),
            peak: Peak::default(),
            oom_kills: 0,
            max_events: 0,
            series: Series::new(SUM_BUCKETS),
        });
        let grown = |now: Option<u64>, before: Option<u64>| match (now, before) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            _ => 0,
        };
        container.oom_kills += grown(sample.oom_kill, container.last.oom_kill);
        container.max_events += grown(sample.max_events, container.last.max_events);
        moment.raise(&mut container.peak, sample.usage_bytes);
        container.series.push(moment.point(sample.working_set_bytes));
        container.last.clone_from(sample);
    }
}

/// Keeps those with the largest peaks.
fn shorten(retired: &mut Vec<ProcessSummary>) {
    retired.sort_by(|a, b| b.peak.bytes.cmp(&a.peak.bytes).then(a.pid.cmp(&b.pid)));
    retired.truncate(REMEMBERED);
}

/// When a sample was taken.
struct Moment {
    at: Timestamp,
    after_ns: u64,
}

impl Moment {
    fn raise(&self, peak: &mut Peak, bytes: u64) {
        if bytes > peak.bytes || peak.at == Timestamp::default() {
            *peak = Peak { bytes, at: self.at, after_ns: self.after_ns };
        }
    }

    fn point(&self, bytes: u64) -> Point {
        Point { seconds: self.after_ns as f64 / 1e9, bytes: bytes as f64 }
    }
}

impl Living {
    fn new(process: &ProcessSample, moment: &Moment, was_there: bool) -> Living {
        let summary = ProcessSummary {
            pid: process.pid,
            created: process.created,
            first_rss_bytes: process.memory.rss_bytes,
            first_ns: moment.after_ns,
            ..ProcessSummary::default()
        };
        let before = if was_there { Counters::now(process) } else { Counters::default() };
        Living { summary, series: Series::new(PROCESS_BUCKETS), before }
    }

    fn add(&mut self, process: &ProcessSample, moment: &Moment) {
        let (summary, now) = (&mut self.summary, Counters::now(process));
        let rss = process.memory.rss_bytes;
        moment.raise(&mut summary.peak, rss);
        self.series.push(moment.point(rss));
        if summary.name != process.name {
            summary.name.clone_from(&process.name);
        }
        if process.python.is_some() && summary.python != process.python {
            summary.python.clone_from(&process.python);
        }
        summary.last_rss_bytes = rss;
        summary.last_ns = moment.after_ns;
        summary.samples += 1;
        summary.minor_faults = now.minor_faults.saturating_sub(self.before.minor_faults);
        summary.major_faults = now.major_faults.saturating_sub(self.before.major_faults);
        summary.cpu_ns = now.cpu_ns.saturating_sub(self.before.cpu_ns);
        if let Some(collections) = now.gc_collections {
            // the collector may be read for the first time long after the process was
            let before = *self.before.gc_collections.get_or_insert(collections);
            summary.gc_collections = Some(collections.saturating_sub(before));
        }
    }
}

impl Counters {
    fn now(process: &ProcessSample) -> Counters {
        Counters {
            minor_faults: process.minor_faults,
            major_faults: process.major_faults,
            cpu_ns: process.cpu_ns,
            gc_collections: process.gc.as_ref().map(GcReading::collections),
        }
    }

    fn of(summary: &ProcessSummary) -> Counters {
        Counters {
            minor_faults: summary.minor_faults,
            major_faults: summary.major_faults,
            cpu_ns: summary.cpu_ns,
            gc_collections: summary.gc_collections,
        }
    }

    fn add(&mut self, other: &Counters) {
        self.minor_faults += other.minor_faults;
        self.major_faults += other.major_faults;
        self.cpu_ns += other.cpu_ns;
        if let Some(collections) = other.gc_collections {
            *self.gc_collections.get_or_insert(0) += collections;
        }
    }
}

impl Container {
    fn finish(&self) -> ContainerSummary {
        let trend = trend(&self.series.points());
        let time_to_limit = self.last.headroom_bytes().and_then(|headroom| time_to_limit(&trend, headroom));
        ContainerSummary {
            last: self.last.clone(),
            peak: self.peak,
            oom_kills: self.oom_kills,
            max_events: self.max_events,
            trend,
            time_to_limit,
        }
    }
}

#[cfg(test)]
mod tests;
