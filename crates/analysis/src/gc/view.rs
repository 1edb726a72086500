//! The result of `memsight gc`.

use memsight_model::{Finding, GcEvent, GcGeneration, GcInterpreter, GcReading, PauseSource, SCHEMA_VERSION};
use serde::Serialize;

use super::evidence::GcEvidence;
use super::findings::findings;
use super::pauses::GcPauses;

/// A collector: its counters, what it costs, and what to change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GcView {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Process.
    pub pid: u32,
    /// Version of its Python.
    pub python: String,
    /// When it was read, in nanoseconds of `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    /// How long it was watched; 0 for a single look.
    pub watched_seconds: f64,
    /// How long the process has run; absent when that is not known.
    pub uptime_seconds: Option<f64>,
    /// `gc.isenabled()`.
    pub enabled: bool,
    /// The generations of the main interpreter, the youngest first.
    pub generations: Vec<GcGeneration>,
    /// Objects in the permanent generation, which no collection looks at; absent when it changed while it was counted.
    pub permanent: Option<u64>,
    /// Of them, immortal ones, which the interpreter has put there itself (3.12); the rest is `gc.freeze()`'s.
    pub permanent_immortal: Option<u64>,
    /// Length of `gc.garbage`.
    pub garbage: Option<u64>,
    /// Objects that survived the last full collection; absent for 3.14.0 to 3.14.4.
    pub long_lived_total: Option<i64>,
    /// All interpreters, the main one first.
    pub interpreters: Vec<GcInterpreter>,
    /// Collections a second of all generations and interpreters, in the time that `rates_since_start` tells.
    pub collections_per_second: Option<f64>,
    /// Part of that time that collections took, from 0 to 1: the interpreter's own sums (3.15), else the pauses that were
    /// seen; absent for a single look up to 3.14.
    pub gc_share: Option<f64>,
    /// The same with the longest that collections which passed unseen can have taken; absent when that is not known.
    pub gc_share_most: Option<f64>,
    /// The rates are averages over the whole life of the process, start-up included: so they are for a single look. Those
    /// of a watch are of the watch.
    pub rates_since_start: bool,
    /// How long collections took; absent where nothing measured them (a single look up to 3.14).
    pub pauses: Option<GcPauses>,
    /// What to look at, the gravest first.
    pub findings: Vec<Finding>,
}

impl GcView {
    /// Makes the view. `source` and `note` are about the pauses.
    pub fn new(pid: u32, python: String, evidence: &GcEvidence, source: PauseSource, note: Option<String>) -> GcView {
        let main = evidence.main().cloned().unwrap_or_default();
        let (span, share) = (evidence.span(), evidence.share());
        GcView {
            schema_version: SCHEMA_VERSION,
            pid,
            python,
            at_ns: evidence.last.at_ns,
            watched_seconds: evidence.watched_seconds(),
            uptime_seconds: (evidence.uptime_seconds > 0.0).then_some(evidence.uptime_seconds),
            enabled: main.enabled,
            permanent: main.permanent,
            permanent_immortal: main.permanent_immortal,
            garbage: main.garbage,
            long_lived_total: main.long_lived_total,
            generations: main.generations,
            interpreters: evidence.last.interpreters.clone(),
            collections_per_second: span.rate(span.collections()),
            gc_share: share.map(|share| share.least),
            gc_share_most: share.and_then(|share| share.most),
            rates_since_start: span.since_start,
            pauses: evidence.measured.then(|| evidence.pauses.pauses(source, note)),
            findings: findings(evidence),
        }
    }
}

/// A line of `memsight gc --format jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GcLine {
    /// One collection.
    Collection {
        /// [`SCHEMA_VERSION`].
        schema_version: u32,
        /// What happened.
        #[serde(flatten)]
        event: GcEvent,
    },
    /// The counters, every interval.
    Reading {
        /// [`SCHEMA_VERSION`].
        schema_version: u32,
        /// Collections since the last line of this kind whose duration nobody saw.
        missed: u64,
        /// The counters.
        #[serde(flatten)]
        reading: GcReading,
    },
    /// The last line.
    Summary(Box<GcView>),
}
