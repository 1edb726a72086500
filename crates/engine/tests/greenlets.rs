//! Greenlets that are switched away: their frames' variables are theirs, on every interpreter for which there is a greenlet.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_model::{Address, LabelKind, NameId, ObjectId, Quiet, Snapshot};
use memsight_testkit::{Interpreter, Target, environment, interpreters, missing, runs_long};
use serde_json::Value;

const KINDS: [&str; 2] = ["greenlet", "gevent"];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for name in KINDS {
            let own = interpreter.clone();
            let run = move || variables_are_found(&own, name);
            let trial = Trial::test(format!("{name}::{interpreter}"), run);
            // (on the same ones, since the environment is what takes long)
            trials.push(trial.with_ignored_flag(!runs_long("greenlets", interpreter, &found)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// An interpreter with what a kind needs; one environment serves both, unless there is no gevent for the version.
fn equipped(interpreter: &Interpreter, name: &str) -> Result<Interpreter, String> {
    environment(interpreter, "gevent", &["greenlet", "gevent"]).or_else(|why| match name {
        "greenlet" => environment(interpreter, name, &["greenlet"]),
        _ => Err(why),
    })
}

fn variables_are_found(interpreter: &Interpreter, name: &str) -> Result<(), Failed> {
    let python = match equipped(interpreter, name) {
        Ok(python) => python,
        Err(why) => {
            eprintln!("NOT COVERED: {name} on {interpreter}: {why}");
            return Ok(());
        }
    };
    let target = Target::start(&python, "greenlets.py", if name == "gevent" { &["gevent"] } else { &[] })?;
    let rows = target.ready.get("locals").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(rows.len() >= 150, "{} variables told", rows.len());
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    let mut wrong: Vec<String> = rows.iter().filter_map(|row| difference(&snapshot, row)).take(10).collect();
    wrong.extend(paths(&snapshot, &rows));
    let audit = Analysis::new(&snapshot, &Quiet).refcounts(0)?;
    let ours = ["__main__.Held", "greenlet.greenlet"];
    let off = audit.surplus.iter().map(|row| (&row.type_name, row.references));
    let off = off.chain(audit.deficits.iter().map(|row| (&row.type_name, row.references)));
    wrong.extend(
        off.filter(|(name, _)| ours.contains(&name.as_str())).map(|(name, count)| format!("{name}: {count} off")),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What is wrong with a variable of a greenlet, `[greenlet, name, object]`.
fn difference(snapshot: &Snapshot, row: &Value) -> Option<String> {
    let address = |index: usize| Address(row[index].as_u64().unwrap_or_default());
    let (greenlet, name, object) = (address(0), row[1].as_str().unwrap_or_default(), address(2));
    let (Some(owner), Some(held)) = (snapshot.objects.find(greenlet), snapshot.objects.find(object)) else {
        return Some(format!("{name} {object} of {greenlet}: not found"));
    };
    let names: Vec<&str> = snapshot
        .references
        .of(owner)
        .filter(|(target, label)| *target == held && label.kind() == LabelKind::Local)
        .map(|(_, label)| snapshot.names.get(NameId(label.payload())))
        .collect();
    // Up to 3.10 the frames are objects, which hold their own.
    let framed = || referrers(snapshot, held).any(|kind| kind == "frame");
    (!names.contains(&name) && !framed()).then(|| format!("{name} {object} of {greenlet}: {names:?}"))
}

fn referrers(snapshot: &Snapshot, object: ObjectId) -> impl Iterator<Item = &str> {
    let holds = move |owner: &ObjectId| snapshot.references.of(*owner).any(|(target, _)| target == object);
    snapshot
        .objects
        .ids()
        .filter(holds)
        .filter_map(move |owner| snapshot.type_of(owner))
        .map(|record| record.name.as_str())
}

/// The path to a variable leads through its greenlet, from the frame that holds all of them.
fn paths(snapshot: &Snapshot, rows: &[Value]) -> Option<String> {
    let object = Address(rows.first()?[2].as_u64()?);
    let view = Analysis::new(snapshot, &Quiet).path(&object.to_string(), 1).ok()?;
    let path = &view.paths.first()?.path;
    let greenlet = path.iter().any(|word| word.to_lowercase().contains("greenlet"));
    let first = path.first().is_some_and(|word| word.contains("serve() at greenlets.py") || word.contains("module"));
    (!greenlet || !first).then(|| format!("{path:?}"))
}
