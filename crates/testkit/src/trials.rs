//! Tests that run on every interpreter, as trials of a harness of their own.

use libtest_mimic::{Failed, Trial};

use crate::{Interpreter, missing, runs_long};

/// A test of one interpreter.
pub type Test = fn(&Interpreter) -> Result<(), Failed>;

/// Each of the tests on each of `found`, as `name::interpreter`; those of the names in `long` where it is their turn
/// ([`runs_long`]), elsewhere ignored. Expected versions that are not there are named, and ignored as well.
pub fn trials(found: &[Interpreter], long: &[&str], tests: &[(&str, Test)]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for interpreter in found {
        for &(name, run) in tests {
            let own = interpreter.clone();
            let passed_over = long.contains(&name) && !runs_long(name, interpreter, found);
            let trial = Trial::test(format!("{name}::{interpreter}"), move || run(&own));
            trials.push(trial.with_ignored_flag(passed_over));
        }
    }
    for expected in missing(found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    trials
}
