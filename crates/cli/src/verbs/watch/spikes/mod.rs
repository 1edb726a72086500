//! Snapshots of spikes: the heap of a process at its peak, or when it has grown beyond a size.
//!
//! ```text
//! sample ──> Rules: is one due? ──> a thread looks and writes, while samples go on ──> what was kept, at the end
//! ```
//!
//! A copy at a time: while one is made, whatever else becomes due waits for the sample after it. To read a copy takes much
//! longer than to make it, and a spike does not wait for that: a process that has grown further meanwhile is copied again, and
//! the smaller copy is let go when the larger one is there.

mod copying;
mod rule;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use memsight_engine::format::{self, WriteOptions};
use memsight_engine::{LookOptions, look};
use memsight_model::{Explain, Sample, Timestamp, Unavailable};
use memsight_render::KeptHeap;

use super::config::{Kind, Output};
use crate::args::Watch;
use crate::error::Error;
use copying::Copying;
use rule::{Limit, Rules, Why, key};

/// Failures that are told: one that comes again and again says nothing new.
const MAX_MISSED: usize = 5;
/// No process was large enough for a snapshot.
const NOTHING_DUE: &str = "MS-E129";
/// Copies that are read at once: each takes memory.
const MAX_JOBS: usize = 2;

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
    progress: Arc<Copying>,
    thread: JoinHandle<Result<Option<KeptHeap>, Error>>,
}

/// The snapshots of a recording.
pub(super) struct Spikes {
    place: Place,
    path: PathBuf,
    rules: Rules,
    began: Timestamp,
    /// In the order in which they began.
    jobs: Vec<Job>,
    /// RSS of the peak that was written last: a smaller one does not replace it.
    written: Arc<Mutex<u64>>,
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
        Spikes {
            place,
            path,
            rules,
            began,
            jobs: Vec::new(),
            written: Arc::default(),
            kept: Vec::new(),
            missed: Vec::new(),
            looked: false,
        }
    }

    /// Begins a snapshot if this sample calls for one. Cost: a few comparisons a process.
    pub(super) fn add(&mut self, sample: &Sample) {
        if !self.place.is_asked_for() {
            return;
        }
        self.let_go();
        self.collect(|job| job.thread.is_finished());
        if self.jobs.len() >= MAX_JOBS || self.jobs.iter().any(|job| !job.progress.is_copied()) {
            return;
        }
        let under_way = self.peaks().map(|job| job.wanted).max().unwrap_or(0);
        let Some((process, why)) = self.rules.due(sample, under_way) else { return };
        self.looked = true;
        let is_again = why == Why::Peak && (self.rules.kept() > 0 || under_way > 0);
        let progress = Arc::new(Copying::default());
        let wish = Wish {
            path: of(&self.path, why),
            force: self.place.force || is_again,
            written: (why == Why::Peak).then(|| Arc::clone(&self.written)),
            progress: Arc::clone(&progress),
            heap: KeptHeap {
                path: of(&self.path, why).display().to_string(),
                at_peak: why == Why::Peak,
                pid: process.pid,
                name: process.name.clone(),
                rss_bytes: process.memory.rss_bytes,
                after_ns: sample.at.monotonic_ns.saturating_sub(self.began.monotonic_ns),
            },
        };
        let (process, wanted) = (key(process), process.memory.rss_bytes);
        self.jobs.push(Job { process, wanted, why, progress, thread: std::thread::spawn(move || wish.fulfil()) });
    }

    /// Snapshots of the peak under way.
    fn peaks(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.why == Why::Peak)
    }

    /// Lets go of copies of the peak when a later and larger one is there.
    fn let_go(&self) {
        let copied: Vec<&Job> = self.peaks().filter(|job| job.progress.is_copied()).collect();
        if let [earlier @ .., _] = copied.as_slice() {
            earlier.iter().for_each(|job| job.progress.let_go());
        }
    }

    /// Takes note of what came of some of the snapshots under way, and waits for these.
    fn collect(&mut self, which: impl Fn(&Job) -> bool) {
        let jobs: Vec<Job> = self.jobs.extract_if(.., |job| which(job)).collect();
        for Job { process, wanted, why, progress, thread } in jobs {
            let result = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match result {
                Ok(Some(heap)) => {
                    if why == Why::Peak {
                        self.rules.took(heap.rss_bytes);
                        self.kept.retain(|kept| !kept.at_peak);
                    }
                    self.kept.push(heap);
                }
                _ if progress.is_let_go() => {}
                Ok(None) => self.rules.came_late(process, wanted),
                Err(error) => self.missed(process, wanted, why, &error),
            }
        }
    }

    fn missed(&mut self, process: (u32, u64), wanted: u64, why: Why, error: &Error) {
        let reason = format!("pid {}: {error}", process.0);
        let missed = Unavailable { code: error.code().to_owned(), reason };
        if self.missed.len() < MAX_MISSED && !self.missed.contains(&missed) {
            self.missed.push(missed);
        }
        if why == Why::Peak {
            self.rules.gave_up(process, wanted);
        }
    }

    /// What was kept, in the order of time, and why there is not more. Waits for a snapshot that is under way.
    pub(super) fn finish(&mut self) -> (Vec<KeptHeap>, Vec<Unavailable>) {
        self.let_go();
        self.collect(|_| true);
        if self.place.at_peak && self.kept.is_empty() && self.missed.is_empty() {
            self.missed.push(Unavailable { code: NOTHING_DUE.to_owned(), reason: rule::too_small() });
        }
        (std::mem::take(&mut self.kept), std::mem::take(&mut self.missed))
    }
}

/// A snapshot to be made.
struct Wish {
    path: PathBuf,
    force: bool,
    /// Of the peak: RSS of the last that was written. Something smaller is not kept: the spike was over.
    written: Option<Arc<Mutex<u64>>>,
    progress: Arc<Copying>,
    heap: KeptHeap,
}

impl Wish {
    fn fulfil(self) -> Result<Option<KeptHeap>, Error> {
        let options = WriteOptions { force: self.force };
        // Nobody is stopped for a snapshot that could not be kept.
        format::check_output(&self.path, &options)?;
        let snapshot = look(self.heap.pid, &LookOptions::default().whole(), &*self.progress)?;
        let rss_bytes = snapshot.manifest.rss_bytes;
        let mut written = self.written.as_ref().map(|last| last.lock().unwrap_or_else(PoisonError::into_inner));
        if written.as_ref().is_some_and(|last| rss_bytes <= **last) {
            return Ok(None);
        }
        format::write(&snapshot, &self.path, &options)?;
        if let Some(last) = &mut written {
            **last = rss_bytes;
        }
        drop(written);
        Ok(Some(KeptHeap { rss_bytes, ..self.heap }))
    }
}
