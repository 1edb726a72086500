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

/// Collections that began and are not told yet, by thread and when they began; with the generation.
#[derive(Debug, Default)]
struct Running(BTreeMap<(u32, u64), Option<u8>>);

impl Running {
    /// Takes the one that a thread ended at `at_ns`; what that thread began before, and was never seen to end, goes too.
    fn end(&mut self, tid: u32, at_ns: u64) -> Option<(u64, Option<u8>)> {
        let begun = |(of, since): &(u32, u64)| *of == tid && *since <= at_ns;
        let found = self.0.range(..=(tid, at_ns)).next_back().filter(|(key, _)| begun(key));
        let ended = found.map(|((_, since), generation)| (*since, *generation));
        self.0.retain(|key, _| !begun(key));
        ended
    }

    /// Threads that collect.
    fn threads(&self) -> u64 {
        let mut last = None;
        self.0.keys().filter(|(tid, _)| last.replace(*tid) != Some(*tid)).count() as u64
    }
}

/// Probes in place, and what they saw.
#[derive(Debug)]
pub(super) struct Usdt {
    probes: Uprobes,
    sites: Vec<GcProbeSite>,
    running: Running,
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
        let mut sites = gc_probe_sites(&process.file(region).ok_or_else(none)?);
        // Drained in this order: an end that is seen has its beginning among what is drained after it.
        sites.sort_by_key(|site| !site.done);
        if sites.is_empty() {
            return Err(none());
        }
        let places: Vec<ProbeSite> =
            sites.iter().map(|site| ProbeSite { offset: site.offset, semaphore: site.semaphore }).collect();
        let probes = process.probe(region, &places).map_err(|error| match error {
            memsight_target::TargetError::Io { source, .. } => Error::ProbesRefused { source },
            error => error.into(),
        })?;
        Ok(Usdt { probes, sites, running: Running::default(), drains: 0, told: 0, first: probe.read()? })
    }

    pub(super) fn poll(&mut self, probe: &GcProbe) -> Result<Poll, Error> {
        let mut poll = Poll { wait: WAIT, ..Poll::default() };
        let reading = probe.read()?;
        for hit in self.probes.drain() {
            poll.events.extend(self.event(&hit));
        }
        self.told += poll.events.len() as u64;
        // An interpreter counts a collection just before it reaches the probe of its end: what was counted before the
        // drain is told, or its thread is between its two probes, or it was missed.
        let counted = reading.collections().saturating_sub(self.first.collections());
        let count = counted.saturating_sub(self.told + self.running.threads());
        self.told += count;
        poll.missed.add(Missed { count, ..Missed::default() });
        self.drains += 1;
        if self.drains.is_multiple_of(REFRESH) {
            self.probes.refresh()?;
            self.running.0.retain(|(tid, _), _| self.probes.watches(*tid));
        }
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
            self.running.0.insert((hit.tid, hit.at_ns), generation);
            return None;
        }
        let (start_ns, generation) = self.running.end(hit.tid, hit.at_ns)?;
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

#[cfg(test)]
mod tests {
    use super::Running;

    #[test]
    fn an_end_belongs_to_the_last_beginning_before_it() {
        let mut running = Running::default();
        // Thread 7 was never seen to end its first; thread 8 began its second before its first end was drained.
        for (key, generation) in [((7, 10), 0), ((7, 20), 1), ((8, 15), 2), ((8, 40), 0)] {
            running.0.insert(key, Some(generation));
        }
        assert_eq!(running.threads(), 2);
        assert_eq!(running.end(7, 30), Some((20, Some(1))));
        assert_eq!(running.end(7, 31), None);
        assert_eq!(running.threads(), 1);
        assert_eq!(running.end(8, 30), Some((15, Some(2))));
        assert_eq!(running.end(8, 50), Some((40, Some(0))));
        assert_eq!(running.threads(), 0);
    }

    #[test]
    fn another_threads_beginning_is_not_taken() {
        let mut running = Running::default();
        running.0.insert((7, 10), None);
        assert_eq!(running.end(8, 30), None);
        assert_eq!(running.end(6, 30), None);
        assert_eq!(running.threads(), 1);
    }
}
