//! The view `garbage` against what `gc.collect()` then returns, shape by shape, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::garbage::Garbage;
use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::{Interpreter, Target, interpreters, missing, runs_long};
use serde_json::Value;

/// Shapes that the issue asks for at least.
const SHAPES: usize = 30;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in found.clone() {
        let passed_over = !runs_long("shapes", &interpreter, &found);
        let trial = Trial::test(format!("shapes::{interpreter}"), move || are_counted(&interpreter));
        trials.push(trial.with_ignored_flag(passed_over));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn are_counted(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, "garbage_shapes.py", &[])?;
    let names = |key: &str| -> Vec<String> {
        let list = target.ready.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (shapes, reviving) = (names("shapes"), names("reviving"));
    if shapes.len() < SHAPES {
        return Err(format!("only {} shapes", shapes.len()).into());
    }
    let mut wrong = Vec::new();
    for shape in shapes {
        target.ask(&format!("make {shape}"))?;
        let found = seen(&target)?;
        let collected = target.ask("collect")?.get("collected").and_then(Value::as_u64);
        if reviving.contains(&shape) {
            // Only the code of the finaliser knows: the view says that it is not certain.
            if found.certain || found.objects == 0 {
                wrong.push(format!("{shape}: {} objects, certain: {}", found.objects, found.certain));
            }
            continue;
        }
        if collected != Some(found.objects) {
            wrong.push(format!("{shape}: {} said, {collected:?} collected: {}", found.objects, rows(&found)));
        }
        if found.callbacks_freed == 0 {
            target.ask(&format!("make {shape}"))?;
            wrong.extend(types(&shape, &found, &target.ask("kept")?));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn seen(target: &Target) -> Result<Garbage, Failed> {
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let view = Analysis::new(&snapshot, &Quiet).garbage(0)?;
    let garbage = view.garbage;
    let (of_types, of_cycles): (u64, u64) =
        (garbage.types.iter().map(|row| row.bytes).sum(), garbage.cycles.iter().map(|row| row.bytes).sum());
    if of_types != garbage.bytes || of_cycles > garbage.bytes {
        return Err(format!("{} bytes, {of_types} by type, {of_cycles} by cycle", garbage.bytes).into());
    }
    match view.collectors.first() {
        Some(collector) if !collector.enabled && !collector.saves_all => Ok(garbage),
        other => Err(format!("the collector is off, not {other:?}").into()),
    }
}

/// What the collector kept, by type, where it differs.
fn types(shape: &str, found: &Garbage, answer: &Value) -> Option<String> {
    let kept: BTreeMap<String, u64> = serde_json::from_value(answer.get("types")?.clone()).ok()?;
    let counted = found.types.iter().filter(|row| row.count > 0);
    let said: BTreeMap<String, u64> = counted.map(|row| (row.type_name.clone(), row.count)).collect();
    (kept != said).then(|| format!("{shape}: {said:?} said, {kept:?} kept"))
}

fn rows(found: &Garbage) -> String {
    let row = |row: &memsight_engine::analysis::garbage::GarbageType| format!("{} {}", row.count, row.type_name);
    format!(
        "{} closed, {} of {} callbacks, {} deficits; {}",
        found.closed,
        found.callbacks_freed,
        found.callbacks,
        found.deficits,
        found.types.iter().map(row).collect::<Vec<_>>().join(", ")
    )
}
