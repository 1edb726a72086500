//! Waste as memsight finds it, against what the target measures of itself, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_cpython::{DecodeOptions, locate};
use memsight_model::{Address, Contents, Fault, ObjectId, Quiet, ReadMemory, Snapshot};
use memsight_testkit::{FakeMemory, Interpreter, ProcMemory, Target, interpreters, mapped_file, missing, regions};
use serde::Deserialize;

/// Bytes that a class allocates for itself while its first instances are made: its table of names and the like.
const CLASS_BYTES: u64 = 2048;
/// Up to 3.12 the first 30 instances may have room for up to 7 more values than their head tells.
const EARLY_BYTES: u64 = 30 * 7 * 8;

/// What the target says.
#[derive(Deserialize)]
struct Truth {
    slack: Vec<(u64, u64)>,
    equal: Vec<Vec<u64>>,
    single: Vec<u64>,
    numbers: Vec<(u64, char, u64)>,
    classes: Vec<Class>,
}

/// Name, instances, attributes, bytes as they are, bytes with `__slots__`.
type Class = (String, u64, Option<u32>, Option<u64>, Option<u64>);

/// The writable memory of a process copied in one go, which is faster than a system call a word; the rest as it is.
struct Copied<'a> {
    writable: FakeMemory,
    process: &'a ProcMemory,
}

impl ReadMemory for Copied<'_> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.writable.read(at, out).or_else(|_| self.process.read(at, out))
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in found.clone() {
        trials.push(Trial::test(format!("contents::{interpreter}"), move || is_true(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, "waste.py", &[])?;
    let maps = regions(target.pid())?;
    let process = ProcMemory::open(target.pid())?;
    let memory = Copied { writable: FakeMemory::capture(&process, maps.clone(), 1 << 30), process: &process };
    let options = DecodeOptions { contents: true, ..DecodeOptions::default() };
    let snapshot = locate(&process, &maps, &mapped_file)?.decode(&memory, &maps, &options, &Quiet)?;
    let path = folder.path().join("waste");
    target.ask(&format!("measure {}", path.display()))?;
    let truth: Truth = serde_json::from_slice(&std::fs::read(&path)?)?;
    let contents = snapshot.contents.as_ref().ok_or("no contents")?;
    let wrong = [
        slack(&snapshot, contents, &truth),
        equals(&snapshot, contents, &truth),
        numbers(&snapshot, contents, &truth),
        classes(&snapshot, contents, &truth),
    ]
    .concat();
    match wrong.len() {
        0 => Ok(()),
        _ => Err(wrong[..wrong.len().min(30)].join("\n").into()),
    }
}

fn address(snapshot: &Snapshot, object: ObjectId) -> u64 {
    snapshot.objects.addresses.get(object).0
}

fn slack(snapshot: &Snapshot, contents: &Contents, truth: &Truth) -> Vec<String> {
    let ours: BTreeMap<u64, &memsight_model::Slack> =
        contents.slack.iter().map(|row| (address(snapshot, row.object), row)).collect();
    let mut wrong = Vec::new();
    for (at, saved) in &truth.slack {
        let row = ours.get(at);
        if row.map_or(0, |row| row.saved_bytes()) != *saved {
            let kind = snapshot.objects.find(Address(*at)).and_then(|id| snapshot.type_of(id));
            wrong.push(format!("{} at {at:#x}: {row:?}, but {saved} bytes", kind.map_or("?", |kind| &kind.name)));
        }
    }
    wrong
}

fn equals(snapshot: &Snapshot, contents: &Contents, truth: &Truth) -> Vec<String> {
    let mut class_of = BTreeMap::new();
    let classes: Vec<BTreeSet<u64>> =
        contents.equals.iter().map(|class| class.iter().map(|id| address(snapshot, *id)).collect()).collect();
    for (number, class) in classes.iter().enumerate() {
        for at in class {
            if class_of.insert(*at, number).is_some() {
                return vec![format!("{at:#x} is in two classes")];
            }
        }
    }
    let mut wrong = Vec::new();
    for expected in &truth.equal {
        let expected: BTreeSet<u64> = expected.iter().copied().collect();
        let class = expected.first().and_then(|at| class_of.get(at)).map(|number| &classes[*number]);
        if class != Some(&expected) {
            wrong.push(format!("equal: {expected:x?}, found {class:x?}"));
        }
    }
    let is_writer = |id: &ObjectId| snapshot.type_of(*id).is_some_and(|record| record.name == "_io.StringIO");
    let drafts = snapshot.objects.ids().filter(is_writer).flat_map(|id| snapshot.references.of(id));
    let drafts: BTreeSet<u64> = drafts.map(|(target, _)| address(snapshot, target)).collect();
    if drafts.is_empty() {
        wrong.push("nothing that is being written".to_owned());
    }
    for at in drafts.iter().filter(|at| class_of.contains_key(at)) {
        wrong.push(format!("a draft at {at:#x} is equal to something"));
    }
    for at in truth.single.iter().filter(|at| class_of.contains_key(at)) {
        let class = &classes[class_of[at]];
        wrong.push(format!("single: {at:#x}, found {class:x?}"));
    }
    wrong
}

fn numbers(snapshot: &Snapshot, contents: &Contents, truth: &Truth) -> Vec<String> {
    let found: BTreeSet<(u64, char, u64)> =
        contents.boxed.iter().map(|row| (address(snapshot, row.object), row.code, row.array_bytes)).collect();
    let lost = truth.numbers.iter().filter(|column| !found.contains(column));
    lost.map(|column| format!("{column:x?} is not in {found:x?}")).collect()
}

fn classes(snapshot: &Snapshot, contents: &Contents, truth: &Truth) -> Vec<String> {
    let name = |row: &memsight_model::InstanceLayout| snapshot.types[row.type_id.0 as usize].name.clone();
    let found: BTreeMap<String, &memsight_model::InstanceLayout> =
        contents.layouts.iter().map(|row| (name(row), row)).collect();
    let mut wrong = Vec::new();
    for (class, instances, attributes, bytes, slots_bytes) in &truth.classes {
        let row = found.get(&format!("__main__.{class}")).copied();
        let (Some(attributes), Some(bytes), Some(slots_bytes)) = (attributes, bytes, slots_bytes) else {
            wrong.extend(row.map(|row| format!("{class} has no slots: {row:?}")));
            continue;
        };
        let is_true = row.is_some_and(|row| {
            (row.instances, row.attributes, row.slots_bytes) == (*instances, *attributes, *slots_bytes)
                && (row.bytes..=row.bytes + CLASS_BYTES + EARLY_BYTES).contains(bytes)
        });
        if !is_true {
            wrong.push(format!("{class}: {attributes} attributes, {bytes}, {slots_bytes} bytes, found {row:?}"));
        }
    }
    wrong
}
