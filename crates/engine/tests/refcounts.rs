//! Reference counts against what a program does to them, on every interpreter of this machine.
//!
//! A program that leaks nothing shows nothing; one that leaks references through ctypes shows those and no others.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_analysis::refcounts::{CountedObject, RefcountsView};
use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::{Interpreter, Target, interpreters, missing};

const SCRIPT: &str = "refcounts.py";
const LEAKED: u64 = 200;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |name: &str, interpreter: &Interpreter, run: fn(&Interpreter) -> Result<(), Failed>| {
        let own = interpreter.clone();
        trials.push(Trial::test(format!("{name}::{interpreter}"), move || run(&own)));
    };
    for interpreter in &found {
        add("clean", interpreter, clean);
        add("leak", interpreter, leak);
        add("stolen", interpreter, stolen);
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn audit(target: &Target) -> Result<RefcountsView, Failed> {
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    Ok(Analysis::new(&snapshot, &Quiet).refcounts(0)?)
}

/// Everything that is missing or left over, as lines.
fn differences(view: &RefcountsView) -> Vec<String> {
    let line = |what: &str, name: &str, references: u64, examples: &[CountedObject]| {
        let shown = examples.iter().map(|each| {
            let CountedObject { object, refcount, found, places } = each;
            format!("{} {} count {refcount} found {found} {places:?}", object.address, object.name)
        });
        format!("{what} {name} {references}: {}", shown.collect::<Vec<_>>().join("; "))
    };
    let surplus = view.surplus.iter().map(|row| line("left over", &row.type_name, row.references, &row.examples));
    let deficits = view.deficits.iter().map(|row| line("missing", &row.type_name, row.references, &row.examples));
    surplus.chain(deficits).collect()
}

fn clean(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, SCRIPT, &[])?;
    let view = audit(&target)?;
    match differences(&view).as_slice() {
        [] if view.recorded && view.exact > 1000 && view.findings.is_empty() => Ok(()),
        found => Err(format!("{}\n{}", view.verdict, found.join("\n")).into()),
    }
}

fn leak(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    target.ask(&format!("leak {LEAKED}"))?;
    let view = audit(&target)?;
    let names_it = |row: &memsight_analysis::refcounts::SurplusRow| {
        row.type_name == "__main__.Leaked" && row.references == LEAKED && row.objects == LEAKED / 2 + 1
    };
    match (view.surplus.as_slice(), view.deficits.as_slice(), view.findings.as_slice()) {
        ([row], [], [finding]) if names_it(row) && finding.rule == "refcount-surplus" => Ok(()),
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}

fn stolen(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    target.ask("steal 2")?;
    let view = audit(&target)?;
    target.ask("give 2")?;
    match (view.surplus.as_slice(), view.deficits.as_slice(), view.findings.as_slice()) {
        ([], [row], [finding])
            if row.type_name == "__main__.Robbed" && row.references == 2 && finding.rule == "refcount-deficit" =>
        {
            Ok(())
        }
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}
