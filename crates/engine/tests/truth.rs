//! The decoder against the truth: every interpreter of this machine times every target.
//!
//! One trial each, named `heap::3.12.1-shared::classes`, so that `cargo test --release -p memsight-engine --test truth 3.12`
//! runs a part. Expected interpreters that are not here are listed as ignored trials, never left out in silence.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::compare::compare;
use memsight_testkit::{
    EXPECTED, FREE_THREADED, Interpreter, TARGETS, Target, extended, frames, free_threaded, interpreters, missing,
    old_scientific, scientific,
};

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let free_threaded = free_threaded();
    let mut trials = Vec::new();
    for interpreter in found.iter().chain(&free_threaded) {
        for target in TARGETS {
            trials.push(trial("heap", interpreter, target, heap_is_true));
        }
        for target in ["threads", "functions", "tasks"] {
            trials.push(trial("frames", interpreter, target, frames_are_true));
        }
    }
    // One environment a minor version: they are large, and the build makes no difference to numpy.
    let by_minor: BTreeMap<u32, &Interpreter> = found.iter().rev().map(|each| (each.version.1, each)).collect();
    for interpreter in by_minor.into_values() {
        trials.push(trial("heap", interpreter, "scientific", scientific_heap_is_true));
        trials.push(trial("heap", interpreter, "extensions", extended_heap_is_true));
        if (9..=12).contains(&interpreter.version.1) {
            trials.push(trial("heap-numpy1", interpreter, "scientific", old_scientific_heap_is_true));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found ({} expected in all)", EXPECTED.len());
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    for minor in FREE_THREADED.filter(|minor| free_threaded.iter().all(|each| each.version.1 != *minor)) {
        eprintln!("NOT COVERED: no Python 3.{minor}t found; the test `free_threaded` looks at a twin of it instead");
        trials.push(Trial::test(format!("missing::3.{minor}t"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(
    what: &str,
    interpreter: &Interpreter,
    target: &str,
    run: fn(&Interpreter, &str) -> Result<(), Failed>,
) -> Trial {
    let interpreter = interpreter.clone();
    let script = format!("{target}.py");
    Trial::test(format!("{what}::{interpreter}::{target}"), move || run(&interpreter, &script))
}

fn heap_is_true(interpreter: &Interpreter, script: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, script, &[])?;
    let truth = target.truth(folder.path())?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let report = compare(&snapshot, &truth);
    if !report.agrees() || report.exact == 0 {
        return Err(report.to_string().into());
    }
    // The look left the target as it was.
    match truth.differences(&target.truth(folder.path())?).as_slice() {
        [] => Ok(()),
        found => Err(format!("changed by the look:\n{}", found.join("\n")).into()),
    }
}

fn scientific_heap_is_true(interpreter: &Interpreter, script: &str) -> Result<(), Failed> {
    heap_with_packages_is_true(interpreter, script, "numpy and pandas", scientific(interpreter))
}

fn old_scientific_heap_is_true(interpreter: &Interpreter, script: &str) -> Result<(), Failed> {
    heap_with_packages_is_true(interpreter, script, "numpy 1.26", old_scientific(interpreter))
}

fn extended_heap_is_true(interpreter: &Interpreter, script: &str) -> Result<(), Failed> {
    heap_with_packages_is_true(interpreter, script, "lxml and cffi", extended(interpreter))
}

fn heap_with_packages_is_true(
    interpreter: &Interpreter,
    script: &str,
    packages: &str,
    environment: Result<Interpreter, String>,
) -> Result<(), Failed> {
    match environment {
        Ok(environment) => heap_is_true(&environment, script),
        Err(why) => {
            eprintln!("NOT COVERED: {packages} on {interpreter}: {why}");
            Ok(())
        }
    }
}

fn frames_are_true(interpreter: &Interpreter, script: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, script, &[])?;
    let stacks = target.frames(folder.path())?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    match frames::differences(&snapshot, &stacks).as_slice() {
        [] => Ok(()),
        found => Err(found[..found.len().min(20)].join("\n").into()),
    }
}
