//! What the garbage collector of an interpreter did and does.

use serde::{Deserialize, Serialize};

/// One generation: the numbers of `gc.get_stats()`, `gc.get_count()` and `gc.get_threshold()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GcGeneration {
    /// Collections of it since the start.
    pub collections: u64,
    /// Objects freed by them.
    pub collected: u64,
    /// Objects found to be garbage that could not be freed.
    pub uncollectable: u64,
    /// What counts towards the next collection: allocations less deallocations (generation 0), collections of the
    /// next younger generation (the others).
    pub count: i64,
    /// The count at which it is collected.
    pub threshold: i64,
    /// Objects looked at by its collections; `None` where the version keeps no such sum (up to 3.14).
    #[serde(default)]
    pub candidates: Option<u64>,
    /// How long its collections took in all; `None` likewise.
    #[serde(default)]
    pub duration_ns: Option<u64>,
}

/// The collector of one interpreter at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GcInterpreter {
    /// Interpreter id, 0 for the main one. Up to 3.8 all interpreters share one collector, shown as the main one's.
    pub id: i64,
    /// `gc.isenabled()`.
    pub enabled: bool,
    /// `gc.get_debug()`: bits of `gc.DEBUG_*`.
    #[serde(default)]
    pub debug: u32,
    /// A collection runs now.
    pub collecting: bool,
    /// Youngest first, always three.
    pub generations: Vec<GcGeneration>,
    /// Objects that survived the last full collection (`long_lived_total`); `None` where the version keeps none.
    pub long_lived_total: Option<i64>,
    /// Objects that wait for a full collection (`long_lived_pending`).
    pub long_lived_pending: Option<i64>,
    /// Objects in the permanent generation (`gc.get_freeze_count()`); `None` when it was not counted.
    pub permanent: Option<u64>,
    /// Of `permanent`: immortal objects. The interpreter puts them there by itself (3.12: the first collection that meets
    /// them), so that no `gc.freeze()` follows from them. `None` as `permanent`, or from an older snapshot.
    #[serde(default)]
    pub permanent_immortal: Option<u64>,
    /// Length of `gc.garbage`; `None` when it could not be read.
    pub garbage: Option<u64>,
}

/// The collectors of a process at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GcReading {
    /// When, in nanoseconds of `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    /// Its interpreters, the main one first.
    pub interpreters: Vec<GcInterpreter>,
}

impl GcInterpreter {
    /// `gc.DEBUG_SAVEALL`: a collection puts what it finds into `gc.garbage` instead of freeing it.
    pub const DEBUG_SAVEALL: u32 = 32;

    /// Objects that the program itself has frozen (`gc.freeze()`); `None` when they were not counted.
    pub fn frozen(&self) -> Option<u64> {
        self.permanent.map(|permanent| permanent.saturating_sub(self.permanent_immortal.unwrap_or(0)))
    }
}

impl GcReading {
    /// Collections of all generations and interpreters since the start.
    pub fn collections(&self) -> u64 {
        let generations = self.interpreters.iter().flat_map(|interpreter| &interpreter.generations);
        generations.fold(0, |sum, generation| sum.saturating_add(generation.collections))
    }
}

/// How a pause came to be known, and so how exact it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseSource {
    /// The interpreter's own ring buffers (3.15): exact.
    RingBuffer,
    /// USDT probes `gc__start` and `gc__done` through the kernel's uprobes: exact, and a few us of cost each.
    Usdt,
    /// The `collecting` flag, polled: start and end are each wrong by up to the poll interval, short ones are missed.
    Sampled,
    /// `gc.callbacks`, from inside the process: exact.
    Callbacks,
}

/// One collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcEvent {
    /// Interpreter id.
    pub interpreter: i64,
    /// The generation that was collected, with all younger ones; `None` when the source does not tell.
    pub generation: Option<u8>,
    /// When it began, nanoseconds of `CLOCK_MONOTONIC`.
    pub start_ns: u64,
    /// How long the program stood still for it.
    pub duration_ns: u64,
    /// How wrong `duration_ns` may be, in each direction; 0: exact.
    pub error_ns: u64,
    /// Objects freed.
    pub collected: Option<u64>,
    /// Garbage that could not be freed.
    pub uncollectable: Option<u64>,
    /// Objects looked at.
    pub candidates: Option<u64>,
    /// How it came to be known.
    pub source: PauseSource,
}
