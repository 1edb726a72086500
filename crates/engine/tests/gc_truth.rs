//! The counters of the collector against the `gc` module of the process itself, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::Error;
use memsight_engine::gc::{End, GcProbe, GcWatch, Missed, Pauses, Tick};
use memsight_model::{GcEvent, GcInterpreter, PauseSource};
use memsight_testkit::{EXPECTED, Interpreter, Target, interpreters, missing};
use serde_json::Value;

/// Objects that a target may make and keep, or free, after it said how many it has.
const MOST_OFF: i64 = 20;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials = Vec::new();
    for interpreter in &found {
        trials.push(trial("counters", interpreter, counters_are_true));
        trials.push(trial("pauses", interpreter, pauses_are_true));
        trials.push(trial("usdt", interpreter, probes_tell_the_truth));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found ({} expected in all)", EXPECTED.len());
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(what: &str, interpreter: &Interpreter, run: fn(&Interpreter) -> Result<(), Failed>) -> Trial {
    let interpreter = interpreter.clone();
    Trial::test(format!("{what}::{interpreter}"), move || run(&interpreter))
}

fn counters_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, "gc_counters.py", &[])?;
    let probe = GcProbe::open(target.pid())?;
    // Between the target's look at itself and ours it makes and frees the same few objects each time.
    target.ask("counters")?;
    let off = [(); 3].map(|()| -> Result<(i64, i64), Failed> {
        let truth = target.ask("counters")?;
        let reading = probe.read_whole()?;
        let main = agrees(reading.interpreters.first().ok_or("no interpreter")?, &truth, interpreter)?;
        match (reading.interpreters.get(1), &truth["inside"]) {
            (None, Value::Null) => Ok((main, 0)),
            (Some(sub), inside) if !inside.is_null() => Ok((main, agrees(sub, inside, interpreter)?)),
            (found, inside) => Err(format!("subinterpreter: {found:?} against {inside}").into()),
        }
    });
    let [first, second, third] = off;
    let off = [first?, second?, third?];
    if off != [off[0]; 3] {
        return Err(format!("the count of generation 0 is off by {off:?}").into());
    }
    let reading = probe.read()?;
    let started = std::time::Instant::now();
    for _ in 0..1000 {
        probe.read()?;
    }
    eprintln!("{interpreter}: a reading takes {:.1} us", started.elapsed().as_secs_f64() * 1e3);
    if reading.interpreters.len() < 2 {
        eprintln!("NOT COVERED: a subinterpreter's collector on {interpreter}");
    }
    let again = probe.read()?;
    if again.collections() != reading.collections() {
        return Err(format!("changed by reading: {reading:?} to {again:?}").into());
    }
    Ok(())
}

/// Compares everything; returns by how much the count of generation 0 is off, which goes on after it was asked for.
fn agrees(found: &GcInterpreter, truth: &Value, interpreter: &Interpreter) -> Result<i64, Failed> {
    let mut differences = Vec::new();
    let mut same = |what: String, found: Value, truth: &Value| {
        if found != *truth {
            differences.push(format!("{what}: {found} here, {truth} there"));
        }
    };
    for (number, generation) in found.generations.iter().enumerate() {
        let stats = &truth["stats"][number];
        same(format!("collections of {number}"), generation.collections.into(), &stats["collections"]);
        same(format!("collected of {number}"), generation.collected.into(), &stats["collected"]);
        same(format!("uncollectable of {number}"), generation.uncollectable.into(), &stats["uncollectable"]);
        same(format!("threshold of {number}"), generation.threshold.into(), &truth["threshold"][number]);
        if number > 0 {
            same(format!("count of {number}"), generation.count.into(), &truth["count"][number]);
        }
    }
    same("enabled".into(), found.enabled.into(), &truth["enabled"]);
    same("frozen".into(), found.permanent.into(), &truth["frozen"]);
    same("garbage".into(), found.garbage.into(), &truth["garbage"]);
    let count = |value: &Value| value.as_i64().ok_or("no count");
    let off = found.generations.first().map_or(0, |generation| generation.count) - count(&truth["count"][0])?;
    match differences.as_slice() {
        [] if off.abs() <= MOST_OFF => Ok(off),
        [] => Err(format!("{interpreter}: the count of generation 0 is off by {off}").into()),
        found => Err(format!("{interpreter}: {}", found.join("; ")).into()),
    }
}

/// What a process said about one collection: its generation, its start and end, and the objects freed.
type Told = (u8, u64, u64, u64);

/// What a process is asked to do: collect so many times, in so many rounds, with a pause in seconds after every 200
/// allocations. It waits for the next round until all of the last one was seen.
struct Busy {
    rounds: u32,
    collections: u32,
    pause: f64,
}

/// As fast as it can: what was missed depends on the machine, and is told.
const AT_FULL_SPEED: Busy = Busy { rounds: 1, collections: 600, pause: 0.0 };
/// Fewer in a round than any buffer holds, so that none may be missed however busy the machine is.
const IN_ROUNDS: Busy = Busy { rounds: 40, collections: 5, pause: 0.001 };

/// How many collections were seen or are known to be missed.
#[derive(Default)]
struct Seen {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Seen {
    fn add(&self, count: u64) {
        let mut seen = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = seen.saturating_add(count);
        self.changed.notify_all();
    }

    fn wait_for(&self, count: u64) {
        let seen = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(seen, |seen| *seen < count));
    }
}

/// Watches a process while it collects.
fn watch(
    interpreter: &Interpreter,
    pauses: Pauses,
    busy: &Busy,
) -> Result<(Vec<Told>, Vec<GcEvent>, Missed, PauseSource), Failed> {
    let mut target = Target::start(interpreter, "gc_busy.py", &[])?;
    let mut watch = GcWatch::open(target.pid(), pauses)?;
    watch.restart()?;
    let (mut events, mut missed, done, seen) = (Vec::new(), Missed::default(), AtomicBool::new(false), Seen::default());
    let told = std::thread::scope(|scope| {
        let asker = scope.spawn(|| {
            let told = collect(&mut target, busy, &seen);
            done.store(true, Ordering::Release);
            told
        });
        let end = watch.follow(Duration::from_millis(5), None, &|| done.load(Ordering::Acquire), &mut |tick: Tick| {
            seen.add(tick.events.len() as u64 + tick.missed.count);
            events.extend(tick.events);
            missed.add(tick.missed);
            Ok::<(), Error>(())
        });
        // Nobody waits for a watch that is over.
        seen.add(u64::MAX);
        assert_eq!(end?, End::Stopped);
        asker.join().map_err(|_| Failed::from("the asker panicked"))?
    })?;
    Ok((told, events, missed, watch.source()))
}

fn collect(target: &mut Target, busy: &Busy, seen: &Seen) -> Result<Vec<Told>, Failed> {
    let mut told: Vec<Told> = Vec::new();
    for round in 0..busy.rounds {
        if round > 0 {
            seen.wait_for(told.len() as u64);
        }
        let answer = target.ask(&format!("{} {}", busy.collections, busy.pause))?;
        told.extend(serde_json::from_value::<Vec<Told>>(answer["account"].clone())?);
    }
    Ok(told)
}

fn pauses_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    // Nothing is told twice, and what was missed is said.
    let (told, events, missed, source) = watch(interpreter, Pauses::Auto, &AT_FULL_SPEED)?;
    if events.len() as u64 + missed.count != told.len() as u64 {
        return Err(format!("{} events and {} missed of {}", events.len(), missed.count, told.len()).into());
    }
    if source != PauseSource::RingBuffer {
        return Ok(());
    }
    eprintln!("{interpreter}: {} of {} collections missed at full speed", missed.count, told.len());
    // Every one is seen once, with its duration.
    let (told, events, missed, _) = watch(interpreter, Pauses::Auto, &IN_ROUNDS)?;
    if missed.count > 0 {
        return Err(format!("{} of {} collections missed", missed.count, told.len()).into());
    }
    same_collections(&told, &events)
}

fn probes_tell_the_truth(interpreter: &Interpreter) -> Result<(), Failed> {
    match watch(interpreter, Pauses::Usdt, &IN_ROUNDS) {
        Ok((told, events, missed, _)) if missed.count == 0 => same_collections(&told, &events),
        Ok((told, _, missed, _)) => Err(format!("{} of {} collections missed", missed.count, told.len()).into()),
        Err(error) => match error.message() {
            Some(why) if why.contains("without USDT probes") || why.contains("refuses probes") => {
                eprintln!("NOT COVERED: USDT on {interpreter}: {why}");
                Ok(())
            }
            _ => Err(error),
        },
    }
}

/// Each collection once and in order, inside the times that `gc.callbacks` saw around it.
fn same_collections(told: &[Told], events: &[GcEvent]) -> Result<(), Failed> {
    if told.len() != events.len() {
        return Err(format!("{} collections, {} events", told.len(), events.len()).into());
    }
    for (number, ((generation, start, stop, collected), event)) in told.iter().zip(events).enumerate() {
        let end = event.start_ns + event.duration_ns;
        let inside = *start <= event.start_ns && end <= *stop && event.error_ns == 0 && event.duration_ns > 0;
        if event.generation != Some(*generation) || event.collected.is_some_and(|found| found != *collected) || !inside
        {
            return Err(format!("collection {number}: {told:?} there, {event:?} here", told = told[number]).into());
        }
    }
    Ok(())
}
