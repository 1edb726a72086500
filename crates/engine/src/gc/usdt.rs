//! Collections out of the interpreter's USDT probes `gc__start` and `gc__done`.

use std::collections::BTreeMap;
use std::time::Duration;

use memsight_cpython::{GcProbeSite, gc_probe_sites};
use memsight_model::{GcEvent, GcReading, PauseSource};
use memsight_target::{Hit, ProbeSite, Uprobes};

use super::watch::Poll;
use super::{GcProbe, Missed};
use crate::Error;

/// Between two drains; the buffers hold 90 collections a thread.
const WAIT: Duration = Duration::from_millis(5);
/// Drains between two looks for new threads.
const REFRESH: u32 = 20;

/// Probes in place, and what they saw.
#[derive(Debug)]
pub(super) struct Usdt {
    probes: Uprobes,
    sites: Vec<GcProbeSite>,
    /// Collections that run, by thread: when they began, and of which generation.
    running: BTreeMap<u32, (u64, Option<u8>)>,
    drains: u32,
    /// Events told, and collections by the counters, since the start: what is not an event was missed.
    told: u64,
    first: GcReading,
}

impl Usdt {
    /// Puts the probes in place.
    pub(super) fn start(probe: &GcProbe) -> Result<Usdt, Error> {
        let none = || Error::NoProbes { version: probe.version().to_string() };
        let process = probe.process();
        let regions = process.maps()?;
        let region = probe.python().image(&regions).ok_or_else(none)?;
        let sites = gc_probe_sites(&process.file(region).ok_or_else(none)?);
        if sites.is_empty() {
            return Err(none());
        }
        let places: Vec<ProbeSite> =
            sites.iter().map(|site| ProbeSite { offset: site.offset, semaphore: site.semaphore }).collect();
        let probes = process.probe(region, &places).map_err(|error| match error {
            memsight_target::TargetError::Io { source, .. } => Error::ProbesRefused { source },
            error => error.into(),
        })?;
        Ok(Usdt { probes, sites, running: BTreeMap::new(), drains: 0, told: 0, first: probe.read()? })
    }

    pub(super) fn poll(&mut self, probe: &GcProbe) -> Result<Poll, Error> {
        let mut poll = Poll { wait: WAIT, ..Poll::default() };
        self.drains += 1;
        if self.drains.is_multiple_of(REFRESH) {
            self.probes.refresh()?;
        }
        // The counters first: they are never ahead of the probes that are read after them, except by what was missed.
        let reading = probe.read()?;
        for hit in self.probes.drain() {
            poll.events.extend(self.event(&hit));
        }
        self.told += poll.events.len() as u64;
        let counted = reading.collections().saturating_sub(self.first.collections());
        let count = counted.saturating_sub(self.told);
        self.told += count;
        poll.missed.add(Missed { count, ..Missed::default() });
        Ok(poll)
    }

    /// A hit at the end of a collection is an event.
    fn event(&mut self, hit: &Hit) -> Option<GcEvent> {
        let site = self.sites.get(hit.site)?;
        let operand = site.argument.as_ref();
        let argument =
            operand.and_then(|operand| operand.value(|name| hit.register(name), |at, len| hit.stack(at, len)));
        if !site.done {
            let generation = argument.and_then(|generation| u8::try_from(generation).ok()).filter(|found| *found < 3);
            self.running.insert(hit.tid, (hit.at_ns, generation));
            return None;
        }
        let (start_ns, generation) = self.running.remove(&hit.tid)?;
        Some(GcEvent {
            // The probes do not tell the interpreter.
            interpreter: 0,
            generation,
            start_ns,
            duration_ns: hit.at_ns.saturating_sub(start_ns),
            error_ns: 0,
            collected: argument.and_then(|objects| u64::try_from(objects).ok()),
            uncollectable: None,
            candidates: None,
            source: PauseSource::Usdt,
        })
    }
}
