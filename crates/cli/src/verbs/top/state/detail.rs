//! One process from near: its figures, its collector, and a look at its heap.

use std::sync::Arc;

use memsight_engine::analysis::trend::Trend;
use memsight_engine::analysis::views::{HistogramRow, Suspect};
use memsight_model::ProcessSample;

use super::reading::{Facts, Identity, Reading};
use super::track::{Point, judge};
use super::{Effect, State};

/// The pages of a process; a wide screen shows them side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    History,
    Collector,
    Heap,
}

impl Page {
    /// The page to the right, or to the left.
    pub fn next(self, forward: bool) -> Page {
        match (self, forward) {
            (Page::History, true) | (Page::Heap, false) => Page::Collector,
            (Page::Collector, true) | (Page::History, false) => Page::Heap,
            (Page::Heap, true) | (Page::Collector, false) => Page::History,
        }
    }
}

/// What a look is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookKind {
    /// Counts and sizes by type.
    Types,
    /// Leak suspects: needs the references, and about twice the time.
    Suspects,
}

/// Why something failed, as a person is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub hint: String,
}

/// How far a look is.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Running { phase: &'static str, done: u64, total: Option<u64> },
    Done(Box<Heap>),
    Failed(Failure),
    Cancelled,
}

/// What a look told.
#[derive(Debug, Clone, PartialEq)]
pub struct Heap {
    /// When (`CLOCK_MONOTONIC`).
    pub at_ns: u64,
    /// How long the process stood still.
    pub pause_ns: u64,
    /// The whole look.
    pub took_ns: u64,
    /// Why something may be missing.
    pub partial: Vec<String>,
    pub body: HeapBody,
}

/// The result of each [`LookKind`].
#[derive(Debug, Clone, PartialEq)]
pub enum HeapBody {
    Types { objects: u64, shallow_bytes: u64, external_bytes: u64, types: Vec<HistogramRow> },
    Suspects { total_bytes: u64, threshold: f64, suspects: Vec<Suspect> },
}

/// A look that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub number: u64,
    pub kind: LookKind,
    pub stage: Stage,
    /// A person gave it up; it may take a moment to end.
    pub cancelling: bool,
}

/// The process that a person looks at.
#[derive(Debug, Clone)]
pub struct Detail {
    pub identity: Identity,
    /// Its figures on the screen; its last ones when it has ended.
    pub process: ProcessSample,
    pub facts: Arc<Facts>,
    pub ended: bool,
    /// The judgement of its resident memory.
    pub trend: Option<Trend>,
    pub page: Page,
    pub job: Option<Job>,
    /// First item on the heap's page.
    pub scroll: usize,
}

impl Detail {
    fn new(identity: Identity, process: &ProcessSample, reading: &Reading) -> Detail {
        Detail {
            identity,
            process: process.clone(),
            facts: reading.facts.get(&identity.pid).cloned().unwrap_or_default(),
            ended: false,
            trend: None,
            page: Page::History,
            job: None,
            scroll: 0,
        }
    }

    /// Takes the figures of a reading; a process that is not in it has ended, and its last figures stay.
    pub fn refresh(&mut self, reading: &Reading, past: &[Point]) {
        let found = reading.sample.processes.iter().find(|process| Identity::of(process) == self.identity);
        self.ended = found.is_none();
        if let Some(process) = found {
            self.process = process.clone();
            self.trend = Some(judge(past));
        }
    }

    /// The last item that the heap's page can begin with.
    pub fn last_item(&self) -> usize {
        let items = match self.job.as_ref().map(|job| &job.stage) {
            Some(Stage::Done(heap)) => match &heap.body {
                HeapBody::Types { types, .. } => types.len(),
                HeapBody::Suspects { suspects, .. } => suspects.len(),
            },
            _ => 0,
        };
        items.saturating_sub(1)
    }

    /// The number of the look that runs.
    pub fn running(&self) -> Option<u64> {
        let job = self.job.as_ref()?;
        matches!(job.stage, Stage::Running { .. }).then_some(job.number)
    }
}

impl State {
    /// Looks at the selected process from near.
    pub(super) fn enter(&mut self) {
        let Some(selected) = self.selected else { return };
        let row = self.rows.iter().find(|row| row.identity == selected);
        if let Some(process) = row.and_then(|row| row.process(&self.shown)) {
            let mut detail = Detail::new(selected, process, &self.shown);
            detail.ended = self.ended.is_some();
            detail.trend = Some(judge(self.past(selected)));
            self.detail = Some(detail);
        }
    }

    /// Back to the list; a look that runs is given up.
    pub(super) fn leave(&mut self) -> Vec<Effect> {
        let detail = self.detail.take();
        detail.and_then(|detail| detail.running()).map(|job| Effect::Cancel { job }).into_iter().collect()
    }

    /// Asks for a look at the heap, unless one runs.
    pub(super) fn look(&mut self, kind: LookKind) -> Vec<Effect> {
        let Some(detail) = &mut self.detail else { return Vec::new() };
        detail.page = Page::Heap;
        if detail.ended || detail.running().is_some() {
            return Vec::new();
        }
        self.jobs += 1;
        detail.scroll = 0;
        let stage = Stage::Running { phase: "starting", done: 0, total: None };
        detail.job = Some(Job { number: self.jobs, kind, stage, cancelling: false });
        vec![Effect::Look { job: self.jobs, pid: detail.identity.pid, kind }]
    }

    /// Gives the running look up; `None` when there is none.
    pub(super) fn cancel_look(&mut self) -> Option<Vec<Effect>> {
        let detail = self.detail.as_mut()?;
        let job = detail.running()?;
        if let Some(running) = &mut detail.job {
            running.cancelling = true;
        }
        Some(vec![Effect::Cancel { job }])
    }

    /// News of a look; one that nobody waits for any more is dropped.
    pub(super) fn look_came(&mut self, number: u64, stage: Stage) {
        let job = self.detail.as_mut().and_then(|detail| detail.job.as_mut());
        if let Some(job) = job.filter(|job| job.number == number) {
            job.stage = stage;
        }
    }
}
