//! What the collector would free, against what it then finds, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_heap::garbage;
use memsight_model::Quiet;
use memsight_testkit::{Interpreter, Target, interpreters, missing, runs_long};

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in found.clone() {
        let other = interpreter.clone();
        let passed_over = !runs_long("collecting", &other, &found);
        let run = move || is_read_as_far_as_it_goes(&other);
        trials.push(Trial::test(format!("garbage::{interpreter}::collecting"), run).with_ignored_flag(passed_over));
        trials.push(Trial::test(format!("garbage::{interpreter}"), move || is_true(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, "garbage.py", &[])?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let found = garbage(&snapshot);
    let path = folder.path().join("garbage");
    target.ask(&format!("collect {}", path.display()))?;
    let (mut kept, mut alive) = (BTreeMap::new(), BTreeMap::new());
    for line in std::fs::read_to_string(&path)?.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, address, kind] = words[..] else { return Err(format!("not understood: {line}").into()) };
        let list = if word == "garbage" { &mut kept } else { &mut alive };
        list.insert(u64::from_str_radix(address, 16)?, kind.to_owned());
    }
    let mut wrong = Vec::new();
    for id in &found.collected {
        let address = snapshot.objects.addresses.get(*id).0;
        kept.remove(&address);
        if alive.contains_key(&address) {
            let kind = snapshot.type_of(*id).map_or("?", |record| &record.name);
            wrong.push(format!("alive, but called garbage: {kind} at {address:#x}"));
        }
    }
    wrong.extend(kept.iter().map(|(address, kind)| format!("garbage, but not found: {kind} at {address:#x}")));
    match wrong.is_empty() && !found.collected.is_empty() {
        true => Ok(()),
        false => {
            wrong.push(format!("{} found, {} deficits", found.collected.len(), found.deficits));
            Err(wrong[wrong.len().saturating_sub(30)..].join("\n").into())
        }
    }
}

/// A process that stands in the midst of a collection is read, and the result says what may be missing.
fn is_read_as_far_as_it_goes(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, "collecting.py", &[])?;
    target.ask("collect")?;
    let wanted = target.ready["kept"].as_u64();
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let analysis = Analysis::new(&snapshot, &Quiet);
    let kept = analysis.types(0).types.into_iter().find(|row| row.type_name == "__main__.Kept");
    let partial = snapshot.manifest.partial.join("; ");
    let certain = analysis.garbage(0)?.garbage.certain;
    let kept = kept.map(|row| row.count);
    match (partial.contains("a garbage collection was running"), certain) {
        (true, false) if kept.is_some() && kept == wanted => Ok(()),
        said => Err(format!("{kept:?} of {wanted:?}, {said:?}: {partial}").into()),
    }
}
