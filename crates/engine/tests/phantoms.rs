//! Words of C structs that equal addresses of objects: which of them are references, on every interpreter.
//!
//! C types of the stable interface (`crates/testkit/c/phantoms.c`), which no table knows, have some of each kind and say
//! which is which; of one it is known only that it may hold what keeps it.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_model::{LabelKind, NameId, ObjectId, Quiet, Snapshot};
use memsight_testkit::{Interpreter, Target, interpreters, missing};

/// Boxes of each class.
const COUNT: usize = 300;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut trials: Vec<Trial> = Vec::new();
    match build(&found, folder.path()) {
        Ok(()) => {
            for interpreter in &found {
                let (interpreter, folder) = (interpreter.clone(), folder.path().to_owned());
                let (other, place) = (interpreter.clone(), folder.clone());
                trials.push(Trial::test(format!("hidden::{interpreter}"), move || hidden(&other, &place)));
                let (other, place) = (interpreter.clone(), folder.clone());
                trials.push(Trial::test(format!("freed::{interpreter}"), move || freed(&other, &place)));
                trials.push(Trial::test(format!("phantoms::{interpreter}"), move || phantoms(&interpreter, &folder)));
            }
        }
        Err(why) => {
            eprintln!("NOT COVERED: words of C structs: {why}");
            trials.push(Trial::test("phantoms", || Ok(())).with_ignored_flag(true));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(folder);
    conclusion.exit();
}

/// Compiles the module, once for all versions, with the headers of the first interpreter that has some.
fn build(interpreters: &[Interpreter], folder: &Path) -> Result<(), String> {
    let headers = |interpreter: &Interpreter| {
        let ask = ["-c", "import sysconfig; print(sysconfig.get_paths()['include'])"];
        let output = Command::new(&interpreter.path).args(ask).output().ok()?;
        let include = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        include.join("Python.h").exists().then_some(include)
    };
    let include = interpreters.iter().find_map(headers).ok_or("no interpreter with headers")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/c/phantoms.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1"]).arg("-I").arg(include).arg(source);
    let output = cc.arg("-o").arg(folder.join("phantoms.abi3.so")).output().map_err(|error| format!("cc: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn phantoms(interpreter: &Interpreter, folder: &Path) -> Result<(), Failed> {
    let folder = folder.to_str().ok_or("the folder's name is not text")?;
    let target = Target::start(interpreter, "phantoms.py", &[folder, "boxes"])?;
    let snapshot = look(target.pid(), &LookOptions { holders: true, ..LookOptions::default() }, &Quiet)?;
    let mut shapes: BTreeMap<(String, String), usize> = BTreeMap::new();
    for id in snapshot.objects.ids() {
        let name = snapshot.type_of(id).map_or("", |record| record.name.as_str());
        if matches!(name, "phantoms.Box" | "__main__.Boxed") {
            *shapes.entry((name.to_owned(), references(&snapshot, id))).or_default() += 1;
        }
    }
    let expected = |boxed: &str| -> BTreeMap<(String, String), usize> {
        let row = |name: &str, words: &str| ((name.to_owned(), words.to_owned()), COUNT);
        [row("__main__.Boxed", boxed), row("phantoms.Box", "inferred list, named str")].into()
    };
    // The attribute `more` stands in the object itself, or in a dictionary.
    let inside = expected("extra list, inferred list, more list, named str");
    let outside = expected("__dict__ dict, extra list, inferred list, named str");
    let analysis = Analysis::new(&snapshot, &Quiet);
    let (garbage, counts) = (analysis.garbage(0)?, analysis.refcounts(0)?);
    let good = garbage.garbage.deficits == 0 && counts.deficits.is_empty() && counts.surplus.is_empty();
    match shapes == inside || shapes == outside {
        true if good => Ok(()),
        _ => Err(format!("{shapes:#?}\n{} deficits\n{}", garbage.garbage.deficits, counts.verdict).into()),
    }
}

/// Garbage that only C memory of unknown structs leads to is not denied.
fn hidden(interpreter: &Interpreter, folder: &Path) -> Result<(), Failed> {
    let folder = folder.to_str().ok_or("the folder's name is not text")?;
    let mut target = Target::start(interpreter, "phantoms.py", &[folder, "shelves"])?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let garbage = Analysis::new(&snapshot, &Quiet).garbage(0)?.garbage;
    let collected = target.ask("collect")?["collected"].as_u64();
    let hidden: Vec<(&str, u64)> = garbage.hidden.iter().map(|row| (row.type_name.as_str(), row.count)).collect();
    let seen = garbage.objects + 2 * COUNT as u64;
    match hidden == [("phantoms.Shelf", COUNT as u64)] && !garbage.certain && collected == Some(seen) {
        true => Ok(()),
        false => Err(format!("{hidden:?}, certain: {}, {collected:?} collected of {seen}", garbage.certain).into()),
    }
}

/// Free memory is nobody's, and what it still holds keeps nothing alive. Python may have taken a few of the blocks again.
fn freed(interpreter: &Interpreter, folder: &Path) -> Result<(), Failed> {
    const FEW: usize = 5;
    let folder = folder.to_str().ok_or("the folder's name is not text")?;
    for (kind, bytes) in [("full", 64 + 480), ("drawers", 64)] {
        let mut target = Target::start(interpreter, "phantoms.py", &[folder, kind])?;
        let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
        let of_drawer = |id: ObjectId| snapshot.type_of(id).is_some_and(|record| record.name == "phantoms.Drawer");
        let native = snapshot.objects.native.0.iter().filter(|(id, _)| of_drawer(*id));
        let exact = native.filter(|(_, own)| *own == bytes).count();
        let garbage = Analysis::new(&snapshot, &Quiet).garbage(0)?.garbage.objects;
        let collected = target.ask("collect")?["collected"].as_u64();
        if exact + FEW < COUNT || (kind == "drawers" && Some(garbage) != collected) {
            return Err(format!("{kind}: {exact} own {bytes} bytes; {garbage} garbage, {collected:?} collected").into());
        }
    }
    Ok(())
}

/// The strong references of an object but for its class, in words, sorted.
fn references(snapshot: &Snapshot, id: ObjectId) -> String {
    let mut words = Vec::new();
    for (target, label) in snapshot.references.of(id).filter(|(_, label)| label.is_strong()) {
        let kind = snapshot.type_of(target).map_or("?", |record| record.name.as_str());
        match label.kind() {
            LabelKind::Inferred => words.push(format!("inferred {kind}")),
            LabelKind::Field | LabelKind::Attribute => match snapshot.names.get(NameId(label.payload())) {
                "__class__" => {}
                name => words.push(format!("{name} {kind}")),
            },
            other => words.push(format!("{other:?} {kind}")),
        }
    }
    words.sort();
    words.join(", ")
}
