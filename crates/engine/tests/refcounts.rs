//! Reference counts against what a program does to them, on every interpreter of this machine.
//!
//! A program that leaks nothing shows nothing; one that leaks references through ctypes shows those and no others.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_analysis::refcounts::{CountedObject, RefcountsView};
use memsight_engine::{LookOptions, look, refcounts};
use memsight_model::{Confidence, LabelKind, Quiet, Severity};
use memsight_testkit::{Interpreter, Target, interpreters, missing, runs_long};

const SCRIPT: &str = "refcounts.py";
/// A healthy program at work; what it does is its argument.
const BUSY: &str = "refcounts_busy.py";
/// Looks at a program that never stands still.
const LOOKS: u32 = 6;
const LEAKED: u64 = 200;

/// Run on a part of the interpreters.
const LONG: [&str; 2] = ["chain", "tasks"];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |name: &str, interpreter: &Interpreter, run: fn(&Interpreter) -> Result<(), Failed>| {
        let own = interpreter.clone();
        let passed_over = LONG.contains(&name) && !runs_long(name, interpreter, &found);
        trials.push(Trial::test(format!("{name}::{interpreter}"), move || run(&own)).with_ignored_flag(passed_over));
    };
    for interpreter in &found {
        add("clean", interpreter, clean);
        add("leak", interpreter, leak);
        add("stolen", interpreter, stolen);
        add("one_look", interpreter, one_look);
        add("chain", interpreter, |interpreter| at_work(interpreter, "chain"));
        add("tasks", interpreter, |interpreter| at_work(interpreter, "tasks"));
        add("deep", interpreter, |interpreter| nothing_missing(interpreter, "deep"));
        add("interpreter", interpreter, |interpreter| nothing_missing(interpreter, "interpreter"));
        add("native", interpreter, native);
    }
    trials.push(Trial::test("embedded::gdb", embedded).with_ignored_flag(!has_gdb()));
    if !has_gdb() {
        eprintln!("NOT COVERED: an interpreter in another program, for there is no gdb");
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn audit(target: &Target) -> Result<RefcountsView, Failed> {
    Ok(refcounts(target.pid(), &LookOptions::default(), 0, &Quiet)?)
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
            if row.type_name == "__main__.Robbed"
                && row.references == 2
                && finding.rule == "refcount-deficit"
                && finding.severity == Severity::Error
                && (view.confirmed, view.looks) == (true, 2) =>
        {
            Ok(())
        }
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}

/// What one look finds missing is no error.
fn one_look(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    target.ask("steal 2")?;
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    target.ask("give 2")?;
    let view = Analysis::new(&snapshot, &Quiet).refcounts(0)?;
    match view.findings.as_slice() {
        [finding]
            if (finding.severity, finding.confidence) == (Severity::Note, Confidence::Low)
                && view.deficit_references == 2
                && !view.confirmed
                && view.doubt.is_some() =>
        {
            Ok(())
        }
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}

/// A program that never stands still is not accused, whenever it is looked at.
fn at_work(interpreter: &Interpreter, work: &str) -> Result<(), Failed> {
    let target = Target::start(interpreter, BUSY, &[work])?;
    for _ in 0..LOOKS {
        let view = audit(&target)?;
        if let Some(finding) = view.findings.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(format!("{}\n{finding:?}\n{}", view.verdict, differences(&view).join("\n")).into());
        }
    }
    Ok(())
}

/// A healthy program that stands still misses nothing, at one look.
fn nothing_missing(interpreter: &Interpreter, work: &str) -> Result<(), Failed> {
    let target = Target::start(interpreter, BUSY, &[work])?;
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    let view = Analysis::new(&snapshot, &Quiet).refcounts(0)?;
    match view.deficits.as_slice() {
        [] if view.looks == 1 && view.recorded => Ok(()),
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}

/// Nothing is found in the structs of C types that hold numbers and memory of C.
fn native(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, BUSY, &["native"])?;
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    // What modules of CPython forget at their import is left over: `mend` in `refcounts.py` says of which.
    let mut found = differences(&Analysis::new(&snapshot, &Quiet).refcounts(0)?);
    found.retain(|line| line.starts_with("missing"));
    for id in snapshot.objects.ids() {
        let name = snapshot.type_of(id).map_or("", |record| record.name.as_str());
        let inferred = snapshot.references.of(id).filter(|(_, label)| label.kind() == LabelKind::Inferred).count();
        // the state of a module and the struct of a capsule are theirs alone
        if inferred > 0 && !["module", "PyCapsule"].contains(&name) {
            found.push(format!("{name} with {inferred} references that nobody knows"));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() { Ok(()) } else { Err(found.join("\n").into()) }
}

fn has_gdb() -> bool {
    std::process::Command::new("gdb").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// An interpreter inside of another program: Debian's libpython in gdb.
fn embedded() -> Result<(), Failed> {
    const SAY: &str = "python import os; os.write(1, b'{\"ready\": true}\\n'); os.read(0, 1)";
    let mut gdb = std::process::Command::new("gdb");
    gdb.args(["-q", "-nx", "-batch", "-ex", SAY]);
    let target = Target::spawn(gdb)?;
    let view = audit(&target)?;
    match view.deficits.as_slice() {
        [] if view.recorded => Ok(()),
        _ => Err(format!("{}\n{}", view.verdict, differences(&view).join("\n")).into()),
    }
}
