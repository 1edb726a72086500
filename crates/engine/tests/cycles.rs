//! The view `cycles` against what a program knows of its cycles, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::{Interpreter, Target, interpreters, missing};

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in found.clone() {
        trials.push(Trial::test(format!("cycles::{interpreter}"), move || are_found(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn are_found(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "cycles.py", &[])?;
    let expected: Vec<(String, String, u64)> = serde_json::from_value(target.ready["expected"].clone())?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let view = Analysis::new(&snapshot, &Quiet).cycles(0);
    let mut wrong = Vec::new();
    let mut left: Vec<_> = view.cycles.iter().collect();
    for (rule, step, count) in expected {
        let fits = |row: &&memsight_engine::analysis::cycles::CycleRow| {
            // The standard library has a cycle of a common shape now and then.
            row.rule == rule
                && (count..count + count / 2).contains(&row.count)
                && row.steps.iter().any(|word| word.starts_with(&step))
        };
        match left.iter().position(fits) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("not found: {count} {rule} with {step}")),
        }
    }
    // What else there is belongs to the standard library, and is no shape of the program's.
    wrong.extend(
        left.iter()
            .filter(|row| row.cycle.contains("Plain") || row.cycle.contains("Weak"))
            .map(|row| format!("no cycle: {} x {}", row.count, row.cycle)),
    );
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.extend(view.cycles.iter().map(|row| format!("found: {} {} x {}", row.rule, row.count, row.cycle)));
    Err(wrong.join("\n").into())
}
