//! The recorder tells the same twice, on every interpreter and for every target: else it would change what it records,
//! and no reader could agree with it.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_testkit::{Interpreter, TARGETS, Target, interpreters, missing};

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials = Vec::new();
    for interpreter in &found {
        for target in TARGETS {
            let interpreter = interpreter.clone();
            let name = format!("recorder::{interpreter}::{target}");
            trials.push(Trial::test(name, move || agrees_with_itself(&interpreter, target)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn agrees_with_itself(interpreter: &Interpreter, target: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, format!("{target}.py"), &[])?;
    let (first, second) = (target.truth(folder.path())?, target.truth(folder.path())?);
    match first.differences(&second).as_slice() {
        [] => Ok(()),
        found => Err(found.join("\n").into()),
    }
}
