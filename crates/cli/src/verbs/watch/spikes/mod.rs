//! Snapshots of spikes: the heap of a process at its peak, or when it has grown beyond a size.
//!
//! ```text
//! sample ──> Rules: is one due? ──> a thread looks and writes, while samples go on ──> what was kept, at the end
//! ```
//!
//! One at a time: while a heap is read, whatever else becomes due waits for the sample after it.

mod rule;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use memsight_engine::format::{self, WriteOptions};
use memsight_engine::{LookOptions, look};
use memsight_model::{Explain, Quiet, Sample, Timestamp, Unavailable};
use memsight_render::KeptHeap;

use super::config::{Kind, Output};
use crate::args::Watch;
use crate::error::Error;
use rule::{Limit, Rules, Why, key};

/// Failures that are told: one that comes again and again says nothing new.
const MAX_MISSED: usize = 5;

/// Where snapshots go.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The folder of the peak. Crossings have a number before the suffix.
    path: Option<PathBuf>,
    force: bool,
    at_peak: bool,
    /// Crossings that are kept.
    crossings: u32,
}

impl Place {
    /// Takes the snapshot out of the outputs: the rest are files of the recording. Refuses a second one.
    pub(super) fn take(outputs: &mut Vec<Output>, args: &Watch) -> Result<Place, Error> {
        let mut paths = outputs.extract_if(.., |output| output.kind == Kind::Heap).map(|output| output.path);
        let path = paths.next();
        if let Some(second) = paths.next() {
            return Err(Error::SecondHeap { path: second });
        }
        let crossings = args.snapshot_above.map_or(0, |_| args.snapshots);
        // A place for a heap alone means its peak.
        let at_peak = args.snapshot_at_peak || (path.is_some() && crossings == 0);
        Ok(Place { path, force: args.force, at_peak, crossings })
    }

    pub(super) fn is_asked_for(&self) -> bool {
        self.at_peak || self.crossings > 0
    }

    /// Refuses what stands there already, before anything runs.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let peak = self.at_peak.then_some(Why::Peak);
        for why in peak.into_iter().chain((1..=self.crossings).map(Why::Above)) {
            format::check_output(&of(path, why), &WriteOptions { force: self.force })?;
        }
        Ok(())
    }
}

/// The folder of one snapshot: `app.heap`, `app-1.heap`.
fn of(path: &Path, why: Why) -> PathBuf {
    let Why::Above(number) = why else { return path.to_path_buf() };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.heap"))
}

/// A snapshot under way.
struct Job {
    process: (u32, u64),
    wanted: u64,
    why: Why,
    thread: JoinHandle<Result<Option<KeptHeap>, Error>>,
}

/// The snapshots of a recording.
pub(super) struct Spikes {
    place: Place,
    path: PathBuf,
    rules: Rules,
    began: Timestamp,
    job: Option<Job>,
    kept: Vec<KeptHeap>,
    missed: Vec<Unavailable>,
    /// Whether a process was ever looked at.
    pub looked: bool,
}

impl Spikes {
    /// Of a recording of the process `pid` that began then.
    pub(super) fn new(place: Place, args: &Watch, pid: u32, began: Timestamp) -> Spikes {
        let limit = args.snapshot_above.map(|bytes| Limit { bytes, count: place.crossings });
        let path = place.path.clone().unwrap_or_else(|| PathBuf::from(format!("memsight-{pid}.heap")));
        let rules = Rules::new(place.at_peak, limit);
        Spikes { place, path, rules, began, job: None, kept: Vec::new(), missed: Vec::new(), looked: false }
    }

    /// Begins a snapshot if this sample calls for one. Cost: a few comparisons a process.
    pub(super) fn add(&mut self, sample: &Sample) {
        if !self.place.is_asked_for() || self.job.as_ref().is_some_and(|job| !job.thread.is_finished()) {
            return;
        }
        self.collect();
        let Some((process, why)) = self.rules.due(sample) else { return };
        self.looked = true;
        let is_again = why == Why::Peak && self.rules.kept() > 0;
        let wish = Wish {
            path: of(&self.path, why),
            force: self.place.force || is_again,
            least: if why == Why::Peak { self.rules.kept() } else { 0 },
            heap: KeptHeap {
                path: of(&self.path, why).display().to_string(),
                at_peak: why == Why::Peak,
                pid: process.pid,
                name: process.name.clone(),
                rss_bytes: process.memory.rss_bytes,
                after_ns: sample.at.monotonic_ns.saturating_sub(self.began.monotonic_ns),
            },
        };
        let job = Job {
            process: key(process),
            wanted: process.memory.rss_bytes,
            why,
            thread: std::thread::spawn(move || wish.fulfil()),
        };
        self.job = Some(job);
    }

    /// Takes note of what came of the snapshot under way, and waits for it.
    fn collect(&mut self) {
        let Some(Job { process, wanted, why, thread }) = self.job.take() else { return };
        let result = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match result {
            Ok(Some(heap)) => {
                if why == Why::Peak {
                    self.rules.took(heap.rss_bytes);
                    self.kept.retain(|kept| !kept.at_peak);
                }
                self.kept.push(heap);
            }
            Ok(None) => self.rules.came_late(process, wanted),
            Err(error) => {
                let reason = format!("pid {}: {error}", process.0);
                let missed = Unavailable { code: error.code().to_owned(), reason };
                if self.missed.len() < MAX_MISSED && !self.missed.contains(&missed) {
                    self.missed.push(missed);
                }
                if why == Why::Peak {
                    self.rules.gave_up(process, wanted);
                }
            }
        }
    }

    /// What was kept, in the order of time, and why there is not more. Waits for a snapshot that is under way.
    pub(super) fn finish(&mut self) -> (Vec<KeptHeap>, Vec<Unavailable>) {
        self.collect();
        (std::mem::take(&mut self.kept), std::mem::take(&mut self.missed))
    }
}

/// A snapshot to be made.
struct Wish {
    path: PathBuf,
    force: bool,
    /// Something smaller is not kept: the spike was over.
    least: u64,
    heap: KeptHeap,
}

impl Wish {
    fn fulfil(self) -> Result<Option<KeptHeap>, Error> {
        let options = WriteOptions { force: self.force };
        // Nobody is stopped for a snapshot that could not be kept.
        format::check_output(&self.path, &options)?;
        let snapshot = look(self.heap.pid, &LookOptions::default().whole(), &Quiet)?;
        let rss_bytes = snapshot.manifest.rss_bytes;
        if rss_bytes <= self.least {
            return Ok(None);
        }
        format::write(&snapshot, &self.path, &options)?;
        Ok(Some(KeptHeap { rss_bytes, ..self.heap }))
    }
}
