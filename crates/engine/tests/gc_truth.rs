//! The counters of the collector against the `gc` module of the process itself, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::gc::GcProbe;
use memsight_model::GcInterpreter;
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
