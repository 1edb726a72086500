//! Collections out of the ring buffers of 3.15: exact, each seen once.

use std::collections::BTreeMap;
use std::time::Duration;

use memsight_cpython::{GcRecord, GcRing, GcRingsSeen};
use memsight_model::{GcEvent, PauseSource};

use super::pace::Pace;
use super::watch::Poll;
use super::{GcProbe, Missed};
use crate::Error;

/// Between looks: 11 young collections must not pass, nor 3 older ones. With the 2,000 allocations before it a young one
/// takes 100 to 500 us, and a program may begin with that at any time. A wake-up costs 5 us, on virtual machines up to 40.
const LEAST: Duration = Duration::from_micros(200);
const MOST: Duration = Duration::from_micros(2_500);
/// Part of a buffer that may fill between two looks when all goes well.
const PART: f64 = 1.0 / 3.0;

/// What was seen up to now.
#[derive(Debug)]
pub(super) struct Rings {
    /// The newest collection of every interpreter and generation.
    last: BTreeMap<(i64, u8), GcRecord>,
    pace: Pace,
    seen: GcRingsSeen,
    /// What the buffers held at the start.
    history: Vec<GcEvent>,
}

impl Rings {
    /// Starts now; `None` where there are no ring buffers.
    pub(super) fn start(probe: &GcProbe) -> Result<Option<Rings>, Error> {
        let mut seen = GcRingsSeen::default();
        let Some(rings) = probe.rings(&mut seen)? else { return Ok(None) };
        let mut own = Rings { last: BTreeMap::new(), pace: Pace::new(LEAST, MOST), seen, history: Vec::new() };
        for (key, records) in generations(&rings) {
            own.history.extend(events(key, None, records));
            // One with no collection yet has its first one coming.
            own.last.insert(key, records.last().copied().unwrap_or_default());
        }
        own.history.sort_by_key(|event| event.start_ns);
        Ok(Some(own))
    }

    pub(super) fn history(&self) -> &[GcEvent] {
        &self.history
    }

    pub(super) fn poll(&mut self, probe: &GcProbe) -> Result<Poll, Error> {
        let mut poll = Poll::default();
        let rings = match probe.rings(&mut self.seen) {
            Ok(rings) => rings.unwrap_or_default(),
            // The collector is writing: the next look finds it all.
            Err(Error::Python(error)) if error.is_transient() => {
                poll.wait = self.pace.wait();
                return Ok(poll);
            }
            Err(error) => return Err(error),
        };
        let mut fitting = None;
        for (key, records) in generations(&rings) {
            // An interpreter that was not there before starts from nothing.
            let last = self.last.entry(key).or_default();
            let first = records.partition_point(|record| record.collections <= last.collections);
            let new = &records[first..];
            let Some(newest) = new.last() else { continue };
            let passed = newest.collections - last.collections;
            poll.missed.add(Missed {
                count: passed.saturating_sub(new.len() as u64),
                within_ns: new.first().map(|record| record.started_ns.saturating_sub(last.stopped_ns)),
                ..Missed::default()
            });
            fitting = fitting.into_iter().chain(wait(records)).min();
            poll.events.extend(events(key, Some(*last), new));
            *last = *newest;
        }
        match fitting {
            Some(wait) => self.pace.at_most(wait),
            None => self.pace.slower(),
        }
        poll.events.sort_by_key(|event| event.start_ns);
        poll.wait = self.pace.wait();
        Ok(poll)
    }
}

/// How long it takes until so many come that [`PART`] of these are written over, at the rate at which they came.
fn wait(records: &[GcRecord]) -> Option<Duration> {
    let (first, last) = (records.first()?, records.last()?);
    let passed = last.collections.saturating_sub(first.collections);
    let each = last.started_ns.saturating_sub(first.started_ns).checked_div(passed)?;
    Some(Duration::from_nanos((each as f64 * records.len() as f64 * PART) as u64))
}

fn generations(rings: &[GcRing]) -> impl Iterator<Item = ((i64, u8), &[GcRecord])> {
    rings.iter().flat_map(|ring| {
        let generations = ring.generations.iter().enumerate();
        generations.map(|(number, records)| ((ring.interpreter, number as u8), records.as_slice()))
    })
}

/// Records as events. What one collection did is the difference to the record before it, where that is at hand.
fn events((interpreter, generation): (i64, u8), last: Option<GcRecord>, records: &[GcRecord]) -> Vec<GcEvent> {
    let before = std::iter::once(last).chain(records.iter().copied().map(Some));
    let pairs = before.zip(records);
    pairs
        .map(|(before, record)| {
            let start = GcRecord::default();
            let before = before.filter(|before| before.collections + 1 == record.collections);
            let before = before.as_ref().or((record.collections == 1).then_some(&start));
            let since = |sum: fn(&GcRecord) -> u64| before.map(|before| sum(record).saturating_sub(sum(before)));
            GcEvent {
                interpreter,
                generation: Some(generation),
                start_ns: record.started_ns,
                duration_ns: record.stopped_ns.saturating_sub(record.started_ns),
                error_ns: 0,
                collected: since(|record| record.collected),
                uncollectable: since(|record| record.uncollectable),
                candidates: since(|record| record.candidates),
                source: PauseSource::RingBuffer,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(collections: u64) -> GcRecord {
        let at = 1000 * collections;
        GcRecord { started_ns: at, stopped_ns: at + 7, collections, collected: 3 * collections, ..GcRecord::default() }
    }

    #[test]
    fn a_collection_did_what_the_record_before_does_not_have() {
        let found = events((0, 1), Some(record(4)), &[record(5), record(6)]);
        assert_eq!(found.iter().map(|event| event.collected).collect::<Vec<_>>(), [Some(3), Some(3)]);
        assert_eq!((found[0].duration_ns, found[0].generation, found[0].error_ns), (7, Some(1), 0));
        // After a gap the first one's share is not known, its duration is.
        let found = events((0, 1), Some(record(4)), &[record(9), record(10)]);
        assert_eq!(found.iter().map(|event| event.collected).collect::<Vec<_>>(), [None, Some(3)]);
        assert_eq!(events((0, 1), None, &[record(1)])[0].collected, Some(3));
    }
}
