//! Arrays of numpy through the views: what they hold is found, named and weighed, on every minor version that has wheels,
//! with the numpy of today and with 1.26.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_heap::garbage;
use memsight_model::{ObjectId, Quiet, Severity, Snapshot};
use memsight_testkit::{Interpreter, Target, interpreters, missing, old_scientific, runs_long, scientific};

const STRINGS: usize = 300_000;
/// Bytes of each of the arrays that views keep, and of each view.
const BASE_BYTES: u64 = 14 << 20;
const VIEW_BYTES: u64 = 10 * 1024 * 8;

type Environment = fn(&Interpreter) -> Result<Interpreter, String>;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let by_minor: BTreeMap<u32, &Interpreter> = found.iter().rev().map(|each| (each.version.1, each)).collect();
    let mut trials = Vec::new();
    let numpys: Vec<Interpreter> = by_minor.values().copied().cloned().collect();
    for (minor, interpreter) in by_minor {
        let mut add = |name: &str, environment: Environment, run: fn(&Interpreter) -> Result<(), Failed>| {
            let own = interpreter.clone();
            let passed_over = name.starts_with("garbage") && !runs_long(name, interpreter, &numpys);
            let trial = Trial::test(format!("{name}::{interpreter}"), move || with(environment, &own, run));
            trials.push(trial.with_ignored_flag(passed_over));
        };
        for (name, run) in [("held", held as fn(&_) -> _), ("views", views), ("garbage", is_garbage)] {
            add(name, scientific, run);
            if (9..=12).contains(&minor) {
                add(&format!("{name}-numpy1"), old_scientific, run);
            }
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn with(
    environment: Environment,
    own: &Interpreter,
    run: fn(&Interpreter) -> Result<(), Failed>,
) -> Result<(), Failed> {
    match environment(own) {
        Ok(interpreter) => run(&interpreter),
        Err(why) => {
            eprintln!("NOT COVERED: numpy on {own}: {why}");
            Ok(())
        }
    }
}

fn snapshot(target: &Target) -> Result<Snapshot, Failed> {
    let options = LookOptions { holders: true, contents: true, ..LookOptions::default() };
    Ok(look(target.pid(), &options, &Quiet)?)
}

fn wrong_unless(fine: bool, what: impl FnOnce() -> String) -> Result<(), Failed> {
    if fine { Ok(()) } else { Err(what().into()) }
}

/// Every string of an array is found, held by the array under its name, and counted as often as it is referred to.
fn held(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "numpy_held.py", &[&STRINGS.to_string()])?;
    let snapshot = snapshot(&target)?;
    let analysis = Analysis::new(&snapshot, &Quiet);
    let strings = snapshot.objects.ids().filter(|id| snapshot.type_of(*id).is_some_and(|kind| kind.name == "str"));
    let count = strings.count();
    wrong_unless(count >= STRINGS, || format!("{count} str are found"))?;

    let suspects = analysis.suspects(0).suspects;
    let told = |text: &str| suspects.iter().any(|suspect| suspect.summary.contains(text));
    wrong_unless(told("kept by __main__.names (ndarray)"), || format!("{suspects:#?}"))?;
    wrong_unless(told("__main__.Thing, kept by __main__.table (ndarray)"), || format!("{suspects:#?}"))?;

    let path = |type_name: &str| {
        let paths = analysis.path(type_name, 1).map_err(|error| error.to_string())?;
        Ok::<_, Failed>(format!("{:?}", paths.paths))
    };
    let thing = path("__main__.Thing")?;
    wrong_unless(thing.contains("\"table (ndarray)\""), || thing.clone())?;

    // numpy itself keeps a reference to each docstring that it sets (`add_docstring`), and some of its own
    let audit = analysis.refcounts(0)?;
    let notes = audit.findings.iter().all(|finding| finding.severity == Severity::Note);
    let of_items = audit.surplus.iter().any(|row| match row.type_name.as_str() {
        "str" => row.references > STRINGS as u64 / 100,
        name => name.starts_with("__main__.") || name == "numpy.ndarray",
    });
    wrong_unless(notes && !of_items && audit.deficits.is_empty(), || {
        format!("{}\n{:#?}\n{:#?}", audit.verdict, audit.surplus, audit.deficits)
    })
}

/// Small views keep large arrays: whose they are, and what copies would save, to the byte.
fn views(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "numpy_views.py", &[])?;
    let snapshot = snapshot(&target)?;
    let waste = Analysis::new(&snapshot, &Quiet).waste(0)?;
    let finding =
        waste.findings.iter().find(|finding| finding.rule == "small-views" && finding.message.contains("20 views"));
    let finding = finding.ok_or_else(|| format!("{:#?}", waste.findings))?;
    let expected = "20 views of 1.6 MiB keep 20 ndarray objects of 280.0 MiB";
    wrong_unless(finding.message == expected, || finding.message.clone())?;
    let heads = finding.bytes.unwrap_or(0).wrapping_sub(20 * (BASE_BYTES - VIEW_BYTES));
    wrong_unless(heads < 20 * 256, || format!("{:?} bytes", finding.bytes))?;
    wrong_unless(finding.place.contains("parts (list)"), || finding.place.clone())?;

    let kind = waste.kinds.iter().find(|kind| kind.rule.name() == "small-views").ok_or("no kind")?;
    // one bytes object by a memoryview, one bytearray by an array; none of those that something else keeps as well
    // numpy 1 has such an array of its own
    let ours = kind.places.iter().filter(|place| place.path.iter().any(|word| word.contains("__main__")));
    let kept: BTreeMap<&str, u64> = ours.map(|place| (place.type_name.as_str(), place.count)).collect();
    wrong_unless(kept == BTreeMap::from([("numpy.ndarray", 20), ("bytes", 1), ("bytearray", 1)]), || {
        format!("{kept:?}")
    })
}

/// What hangs from an array in a cycle: numpy tells the collector nothing, so that it is never freed, nor called garbage.
fn is_garbage(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, "numpy_garbage.py", &[])?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let name = |id: &ObjectId| snapshot.type_of(*id).map_or("?", |kind| kind.name.as_str()).to_owned();
    let mut collected: BTreeMap<String, u64> = BTreeMap::new();
    for kind in garbage(&snapshot).freed().iter().map(name).filter(|name| name.starts_with("__main__.")) {
        *collected.entry(kind).or_default() += 1;
    }
    // of each of ten cycles: the instance, the array, and up to 3.12 a dictionary
    let stuck = Analysis::new(&snapshot, &Quiet).garbage(0)?.garbage.stuck;
    wrong_unless((20..=30).contains(&stuck), || format!("{stuck} objects are stuck"))?;
    let answer = target.ask("collect")?;
    let freed: BTreeMap<String, u64> = serde_json::from_value(answer["freed"].clone())?;
    wrong_unless(collected == freed && !freed.is_empty(), || format!("{collected:?}, but Python frees {freed:?}"))
}
