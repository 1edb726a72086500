//! Collections out of the flag `collecting`, looked at again and again: for versions without ring buffers.
//!
//! ```text
//! looks       |      |      |      |      |      |        start: between a and b, its middle is told
//! collecting  0      0      1      1      0      0        end: between c and d
//!                    a      b      c      d
//! ```
//! A collection that starts and ends between two looks is counted (the counters tell) but has no duration. Where one
//! begins as soon as the last has ended, no look may see the flag down: the counters tell the end then.

use std::collections::BTreeMap;
use std::time::Duration;

use memsight_model::{GcEvent, GcInterpreter, PauseSource};
use memsight_target::figures;

use super::pace::Pace;
use super::watch::Poll;
use super::{GcProbe, Missed};
use crate::Error;

/// Between looks; each takes some 10 us with the wake-up.
const LEAST: Duration = Duration::from_micros(200);
const MOST: Duration = Duration::from_millis(1);

/// What the last look saw.
#[derive(Debug)]
pub(super) struct Sampled {
    at_ns: u64,
    seen: BTreeMap<i64, GcInterpreter>,
    /// Collections that run, by interpreter.
    running: BTreeMap<i64, Running>,
    pace: Pace,
}

/// A collection of which the end was not seen yet.
#[derive(Debug, Clone)]
struct Running {
    /// It began between these.
    began_ns: (u64, u64),
    /// The counters before it.
    before: GcInterpreter,
}

impl Sampled {
    pub(super) fn start(probe: &GcProbe) -> Result<Sampled, Error> {
        let reading = probe.read()?;
        let seen = reading.interpreters.into_iter().map(|interpreter| (interpreter.id, interpreter)).collect();
        Ok(Sampled { at_ns: reading.at_ns, seen, running: BTreeMap::new(), pace: Pace::new(LEAST, MOST) })
    }

    pub(super) fn poll(&mut self, probe: &GcProbe) -> Result<Poll, Error> {
        let reading = probe.read()?;
        // The flag was looked at between these two: a look may have lost its processor in the middle.
        let between = (self.at_ns, figures::now().monotonic_ns);
        let mut poll = Poll::default();
        for now in &reading.interpreters {
            if let Some(before) = self.seen.get(&now.id) {
                self.running.entry(now.id).or_insert_with(|| Running { began_ns: between, before: before.clone() });
                self.judge(now, between, &mut poll);
            }
        }
        match poll.events.is_empty() && poll.missed.count == 0 && self.running.is_empty() {
            true => self.pace.slower(),
            false => self.pace.hurry(),
        }
        self.at_ns = reading.at_ns;
        self.seen = reading.interpreters.into_iter().map(|interpreter| (interpreter.id, interpreter)).collect();
        poll.wait = self.pace.wait();
        Ok(poll)
    }

    /// Ends what ran, unless it still does. A collection that the counters tell of has ended, though another one may run
    /// by now; one that they told of before has ended then.
    fn judge(&mut self, now: &GcInterpreter, between: (u64, u64), poll: &mut Poll) {
        let Some(running) = self.running.remove(&now.id) else { return };
        let passed = passed(&running.before, now);
        if now.collecting {
            let goes_on = Running { began_ns: between, before: now.clone() };
            let running = if passed.count == 0 { running.clone() } else { goes_on };
            self.running.insert(now.id, running);
        }
        if passed.count == 0 {
            return;
        }
        let was_seen = self.seen.get(&now.id).is_some_and(|before| before.collecting);
        if was_seen {
            poll.events.push(event(&running, now, between, &passed));
        }
        let count = passed.count.saturating_sub(u64::from(was_seen));
        let within_ns = Some(between.1.saturating_sub(running.began_ns.0));
        poll.missed.add(Missed { count, within_ns, ..Missed::default() });
    }
}

/// What the counters say of a time.
struct Passed {
    count: u64,
    /// The oldest generation that was collected.
    generation: Option<u8>,
    collected: u64,
    uncollectable: u64,
}

fn passed(before: &GcInterpreter, now: &GcInterpreter) -> Passed {
    let mut passed = Passed { count: 0, generation: None, collected: 0, uncollectable: 0 };
    for (number, (before, now)) in before.generations.iter().zip(&now.generations).enumerate() {
        let count = now.collections.saturating_sub(before.collections);
        if count > 0 {
            passed.generation = Some(number as u8);
        }
        passed.count += count;
        passed.collected += now.collected.saturating_sub(before.collected);
        passed.uncollectable += now.uncollectable.saturating_sub(before.uncollectable);
    }
    passed
}

fn event(running: &Running, now: &GcInterpreter, ended: (u64, u64), passed: &Passed) -> GcEvent {
    let middle = |(from, to): (u64, u64)| from + to.saturating_sub(from) / 2;
    let half = |(from, to): (u64, u64)| to.saturating_sub(from).div_ceil(2);
    let (start_ns, end_ns) = (middle(running.began_ns), middle(ended));
    let alone = passed.count == 1;
    GcEvent {
        interpreter: now.id,
        generation: passed.generation,
        start_ns,
        duration_ns: end_ns.saturating_sub(start_ns),
        error_ns: half(running.began_ns) + half(ended),
        collected: alone.then_some(passed.collected),
        uncollectable: alone.then_some(passed.uncollectable),
        candidates: None,
        source: PauseSource::Sampled,
    }
}
