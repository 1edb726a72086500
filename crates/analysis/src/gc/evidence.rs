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
    /// Its forked children.
    pub family: Family,
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
    }

    /// Length of the watch.
    pub fn watched_seconds(&self) -> f64 {
        self.last.at_ns.saturating_sub(self.first.at_ns) as f64 / 1e9
    }

    /// The time that rates and findings are about: the watch when it saw enough collections, else the whole life of the
    /// process. Its seconds, and what each generation did in it, all interpreters together.
    pub(crate) fn span(&self) -> Span {
        let watched = Span {
            since_start: false,
            seconds: self.watched_seconds(),
            generations: std::array::from_fn(|number| {
                self.sum(&self.last, number).since(&self.sum(&self.first, number))
            }),
        };
        let seen = watched.collections();
        if seen >= ENOUGH || (watched.seconds > 0.0 && self.uptime_seconds <= 0.0) {
            return watched;
        }
        let generations = std::array::from_fn(|number| self.sum(&self.last, number));
        Span { since_start: true, seconds: self.uptime_seconds, generations }
    }

    fn sum(&self, reading: &GcReading, number: usize) -> Work {
        let generations = reading.interpreters.iter().filter_map(|interpreter| interpreter.generations.get(number));
        generations.fold(Work::default(), Work::plus)
    }

    /// The main interpreter's collector.
    pub(crate) fn main(&self) -> Option<&GcInterpreter> {
        self.last.interpreters.first()
    }
}

/// Collections that a watch must see before its own rates say more than those since the start of the process.
const ENOUGH: u64 = 20;

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
