//! What was seen of a collector, before anything is made of it.

use memsight_model::{GcEvent, GcGeneration, GcInterpreter, GcReading};

use super::PauseHistogram;

/// Processes that were forked from the one looked at and still share its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Family {
    /// Forked children that run the same program.
    pub children: u64,
    /// Their memory, resident.
    pub rss_bytes: u64,
    /// Of it, what they have written and so have for themselves (`Private_Dirty`).
    pub private_bytes: u64,
    /// Of it, what they still share with their parent or with each other.
    pub shared_bytes: u64,
}

/// A look at a collector, or a watch of it.
#[derive(Debug, Clone, Default)]
pub struct GcEvidence {
    /// The counters at the start of the watch; the same as `last` for a single look.
    pub first: GcReading,
    /// The counters at its end.
    pub last: GcReading,
    /// How long the process has run, in seconds; 0 when not known.
    pub uptime_seconds: f64,
    /// The pauses seen.
    pub pauses: PauseHistogram,
    /// Whether pauses were measured at all.
    pub measured: bool,
    /// Longest pause that is in order.
    pub budget_ns: Option<u64>,
    /// Pauses that were longer.
    pub over_budget: u64,
    /// The full collections among the pauses.
    pub full: TimedFull,
    /// Its forked children.
    pub family: Family,
}

/// Full collections whose durations are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimedFull {
    /// How many.
    pub collections: u64,
    /// How long they took in all.
    pub total_ns: u64,
    /// The longest of them.
    pub longest_ns: u64,
    /// How wrong that may be.
    pub error_ns: u64,
    /// Those of which it is known what they freed, and how many objects that was.
    pub counted: u64,
    /// See `counted`.
    pub collected: u64,
    /// Objects that they looked at, where every one of them tells.
    pub candidates: u64,
}

impl TimedFull {
    fn add(&mut self, event: &GcEvent) {
        self.collections += 1;
        self.total_ns = self.total_ns.saturating_add(event.duration_ns);
        if event.duration_ns >= self.longest_ns {
            (self.longest_ns, self.error_ns) = (event.duration_ns, event.error_ns);
        }
        self.counted += u64::from(event.collected.is_some());
        self.collected = self.collected.saturating_add(event.collected.unwrap_or(0));
        self.candidates = self.candidates.saturating_add(event.candidates.unwrap_or(0));
    }
}

impl GcEvidence {
    /// Starts with one reading.
    pub fn new(reading: GcReading, budget_ns: Option<u64>) -> GcEvidence {
        GcEvidence { first: reading.clone(), last: reading, budget_ns, ..GcEvidence::default() }
    }

    /// Adds a collection.
    pub fn add(&mut self, event: &GcEvent) {
        self.measured = true;
        self.pauses.add(event.duration_ns, event.error_ns);
        self.over_budget += u64::from(self.budget_ns.is_some_and(|budget| event.duration_ns > budget));
        if event.generation == Some(2) {
            self.full.add(event);
        }
    }

    /// Length of the watch.
    pub fn watched_seconds(&self) -> f64 {
        self.last.at_ns.saturating_sub(self.first.at_ns) as f64 / 1e9
    }

    /// The time that rates are about: the watch, or for a single look the whole life of the process. Its seconds, and what
    /// each generation did in it, all interpreters together.
    pub(crate) fn span(&self) -> Span {
        if self.watched_seconds() > 0.0 { self.watched() } else { self.life() }
    }

    /// The same for what counters alone tell: the watch, if it saw at least `enough` collections, else the life.
    pub(crate) fn tally(&self, enough: u64) -> Span {
        let watched = self.watched();
        if watched.collections() >= enough { watched } else { self.life() }
    }

    fn watched(&self) -> Span {
        let generations =
            std::array::from_fn(|number| self.sum(&self.last, number).since(&self.sum(&self.first, number)));
        Span { since_start: false, seconds: self.watched_seconds(), generations }
    }

    pub(crate) fn life(&self) -> Span {
        let generations = std::array::from_fn(|number| self.sum(&self.last, number));
        Span { since_start: true, seconds: self.uptime_seconds, generations }
    }

    /// Part of the time of [`GcEvidence::span`] that collections took: from the interpreter's own sums, else from the
    /// pauses of the watch.
    pub(crate) fn share(&self) -> Option<Share> {
        let span = self.span();
        if let Some(exact) = span.share() {
            return Some(Share { least: exact, most: Some(exact) });
        }
        if !self.measured || span.since_start {
            return None;
        }
        let part = |ns: u64| (ns as f64 / 1e9 / span.seconds).min(1.0);
        let seen = self.pauses.total_ns();
        Some(Share { least: part(seen), most: self.pauses.unseen_ns().map(|unseen| part(seen.saturating_add(unseen))) })
    }

    fn sum(&self, reading: &GcReading, number: usize) -> Work {
        let generations = reading.interpreters.iter().filter_map(|interpreter| interpreter.generations.get(number));
        generations.fold(Work::default(), Work::plus)
    }

    /// The main interpreter's collector.
    pub(crate) fn main(&self) -> Option<&GcInterpreter> {
        self.last.interpreters.first()
    }

    /// No collection happens by itself.
    pub(super) fn is_off(&self) -> bool {
        self.main().is_some_and(|main| !main.enabled)
    }
}

/// A part of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    /// What was seen.
    pub least: f64,
    /// With what passed unseen; `None` when that may be anything.
    pub most: Option<f64>,
}

impl Share {
    pub fn words(self) -> String {
        let least = if self.most == Some(self.least) { "" } else { "at least " };
        format!("{least}{:.1}% of the time goes into collections", 100.0 * self.least)
    }
}

/// A time and what was done in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub since_start: bool,
    pub seconds: f64,
    pub generations: [Work; 3],
}

impl Span {
    pub fn collections(&self) -> u64 {
        self.generations.iter().map(|work| work.collections).sum()
    }

    pub fn collected(&self) -> u64 {
        self.generations.iter().map(|work| work.collected).sum()
    }

    /// Collections a second, where the time is known.
    pub fn rate(&self, collections: u64) -> Option<f64> {
        (self.seconds > 0.0).then(|| collections as f64 / self.seconds)
    }

    /// Part of the time that collections took, where the version tells it.
    pub fn share(&self) -> Option<f64> {
        let spent = self.generations.iter().map(|work| work.duration_ns).sum::<Option<u64>>()?;
        (self.seconds > 0.0).then(|| spent as f64 / 1e9 / self.seconds)
    }

    pub fn words(&self) -> &'static str {
        if self.since_start { "since the process started" } else { "while it was watched" }
    }
}

/// What the collections of a generation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    pub collections: u64,
    pub collected: u64,
    pub uncollectable: u64,
    pub duration_ns: Option<u64>,
}

impl Work {
    fn plus(self, generation: &GcGeneration) -> Work {
        let duration = generation.duration_ns.map(|more| self.duration_ns.unwrap_or(0).saturating_add(more));
        Work {
            collections: self.collections.saturating_add(generation.collections),
            collected: self.collected.saturating_add(generation.collected),
            uncollectable: self.uncollectable.saturating_add(generation.uncollectable),
            duration_ns: duration,
        }
    }

    fn since(self, before: &Work) -> Work {
        let duration = self.duration_ns.zip(before.duration_ns);
        Work {
            collections: self.collections.saturating_sub(before.collections),
            collected: self.collected.saturating_sub(before.collected),
            uncollectable: self.uncollectable.saturating_sub(before.uncollectable),
            duration_ns: duration.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}
