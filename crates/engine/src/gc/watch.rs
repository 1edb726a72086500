//! Collections as they come.

use std::time::Duration;

use memsight_model::{GcEvent, GcReading, PauseSource};

use super::rings::Rings;
use super::sampled::Sampled;
use super::usdt::Usdt;
use super::{GcProbe, Version};
use crate::Error;

/// Share of one processor that the looks of a watch take at most, unless it is allowed more.
pub const ALLOWANCE: f64 = 0.03;

/// How pauses are to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pauses {
    /// The best source that leaves the process as it is: ring buffers, else [`Pauses::Sampled`].
    #[default]
    Auto,
    /// The interpreter's USDT probes through the kernel's uprobes: exact on every version that was built with them. The
    /// kernel puts a breakpoint into the process while it is watched.
    Usdt,
    /// The state of the collector looked at 1,000 to 5,000 times a second.
    Sampled,
}

/// Collections that happened but were not seen as events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// How many.
    pub count: u64,
    /// None of them took longer than this, where that is known.
    pub within_ns: Option<u64>,
    /// Those of them that came while the allowance of processor time kept the watch from looking as often as it should.
    pub by_allowance: u64,
}

impl Missed {
    /// Both together.
    pub fn add(&mut self, other: Missed) {
        if other.count > 0 {
            self.count += other.count;
            self.within_ns = self.within_ns.max(other.within_ns);
            self.by_allowance += other.by_allowance;
        }
    }
}

/// What came since the last poll.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Poll {
    /// Collections, by their start.
    pub events: Vec<GcEvent>,
    /// Collections that left no event.
    pub missed: Missed,
    /// When to poll again so that as few as possible are missed.
    pub wait: Duration,
}

/// Watches the collections of one process.
#[derive(Debug)]
pub struct GcWatch {
    pub(super) probe: GcProbe,
    pub(super) source: Source,
    pub(super) allowance: f64,
    note: Option<String>,
}

#[derive(Debug)]
pub(super) enum Source {
    Rings(Rings),
    Usdt(Usdt),
    Sampled(Sampled),
}

impl Source {
    pub(super) fn poll(&mut self, probe: &GcProbe) -> Result<Poll, Error> {
        match self {
            Source::Rings(rings) => rings.poll(probe),
            Source::Usdt(usdt) => usdt.poll(probe),
            Source::Sampled(sampled) => sampled.poll(probe),
        }
    }
}

impl GcWatch {
    /// Starts to watch a process. Cost: that of [`GcProbe::open`].
    pub fn open(pid: u32, pauses: Pauses) -> Result<GcWatch, Error> {
        let probe = GcProbe::open(pid)?;
        let rings = if pauses == Pauses::Auto { Rings::start(&probe)? } else { None };
        let (source, note) = match (rings, pauses) {
            (Some(rings), _) => (Source::Rings(rings), None),
            (None, Pauses::Usdt) => (Source::Usdt(Usdt::start(&probe)?), None),
            (None, _) => (Source::Sampled(Sampled::start(&probe)?), Some(why_sampled(pauses, probe.version()))),
        };
        Ok(GcWatch { probe, source, allowance: ALLOWANCE, note })
    }

    /// Lets [`GcWatch::follow`] take this share of one processor for its looks instead of [`ALLOWANCE`]; 1: all of it.
    pub fn allow(&mut self, share: f64) {
        self.allowance = share;
    }

    /// Where the durations come from.
    pub fn source(&self) -> PauseSource {
        match &self.source {
            Source::Rings(_) => PauseSource::RingBuffer,
            Source::Usdt(_) => PauseSource::Usdt,
            Source::Sampled(_) => PauseSource::Sampled,
        }
    }

    /// Why there is no better source; `None` when this is the best.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// For single readings.
    pub fn probe(&self) -> &GcProbe {
        &self.probe
    }

    /// The last collections before the watch began (up to 17), where the interpreter keeps them.
    pub fn history(&self) -> &[GcEvent] {
        match &self.source {
            Source::Rings(rings) => rings.history(),
            Source::Usdt(_) | Source::Sampled(_) => &[],
        }
    }

    /// The counters now (see [`GcProbe::read`]).
    pub fn read(&self) -> Result<GcReading, Error> {
        self.probe.read()
    }

    /// What came since the last call. Cost: 2 system calls, 2.5 us, where nothing did on 3.15; else that of
    /// [`GcProbe::read`].
    pub fn poll(&mut self) -> Result<Poll, Error> {
        self.source.poll(&self.probe)
    }
}

fn why_sampled(pauses: Pauses, version: Version) -> String {
    match pauses {
        Pauses::Sampled => "asked for with --pauses sampled".to_owned(),
        _ => format!(
            "Python {version} keeps no record of its pauses (3.15 does); --pauses usdt is exact where Python was built \
             with probes, but lets the kernel put breakpoints into the process"
        ),
    }
}
