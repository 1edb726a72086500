//! Free-threaded builds: a process whose memory the compiler lays out by CPython's headers, looked at alive where the
//! headers are here, and as it was saved (`tests/images`) everywhere.
//!
//! `MEMSIGHT_SAVE_IMAGES=1` saves what the live trials see. Headers that are not here are named.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_cpython::{DecodeOptions, locate};
use memsight_engine::{LookOptions, look};
use memsight_model::{Address, Allocator, Explain, ObjectFlags, ObjectId, Quiet, Region, Snapshot};
use memsight_testkit::{FREE_THREADED, FakeMemory, ProcMemory, Target, TwinTruth, build_twin, regions};

/// Counts from here on stand for "not all in the object".
const DEFERRED: u32 = u32::MAX - 1;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for minor in FREE_THREADED {
        trials.push(Trial::test(format!("image::3.{minor}t"), move || image_is_decoded(minor)));
        trials.push(Trial::test(format!("damaged::3.{minor}t"), move || damage_is_survived(minor)));
        let folder = tempfile::tempdir();
        let here = folder.as_ref().is_ok_and(|folder| match build_twin(minor, folder.path()) {
            Ok(_) => true,
            Err(why) => {
                eprintln!("NOT COVERED: a process of 3.{minor}t: {why}");
                false
            }
        });
        trials
            .push(Trial::test(format!("live::3.{minor}t"), move || process_is_decoded(minor)).with_ignored_flag(!here));
        trials.push(Trial::test(format!("busy::3.{minor}t"), move || attached_is_said(minor)).with_ignored_flag(!here));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn saved(minor: u32, suffix: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/images/3.{minor}t.{suffix}"))
}

/// The memory as it was saved, through the decoder alone.
fn image_is_decoded(minor: u32) -> Result<(), Failed> {
    let memory = FakeMemory::load(&saved(minor, "image"))?.fill();
    let truth: TwinTruth = serde_json::from_slice(&std::fs::read(saved(minor, "json"))?)?;
    let python = locate(&memory, &memory.regions, &|_: &Region| None)?;
    let moment = python.moment(&memory)?;
    if moment.collecting || moment.gil_locked {
        return Err(format!("nobody is at work: {moment:?}").into());
    }
    let options =
        DecodeOptions { account: true, contents: true, holders: true, values: true, ..DecodeOptions::default() };
    let snapshot = python.decode(&memory, &memory.regions, &options, &Quiet)?;
    settle(compare(&snapshot, &truth))
}

/// Bytes that are anything: an error or a heap with gaps, never a panic or a walk without end.
fn damage_is_survived(minor: u32) -> Result<(), Failed> {
    const ROUNDS: u64 = 300;
    let whole = FakeMemory::load(&saved(minor, "image"))?;
    let options =
        DecodeOptions { account: true, contents: true, holders: true, values: true, ..DecodeOptions::default() };
    let mut decoded = 0;
    for round in 0..ROUNDS {
        let mut memory = whole.clone();
        let mut random = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..1 + round % 200 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if let Some(byte) = memory.byte_mut((random >> 8) % memory.stored_bytes()) {
                *byte = random as u8;
            }
        }
        let memory = memory.fill();
        let Ok(python) = locate(&memory, &memory.regions, &|_: &Region| None) else { continue };
        decoded += u64::from(python.decode(&memory, &memory.regions, &options, &Quiet).is_ok());
    }
    if decoded > ROUNDS / 4 { Ok(()) } else { Err(format!("only {decoded} of {ROUNDS} were decoded").into()) }
}

/// A living process, through everything.
fn process_is_decoded(minor: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(Command::new(build_twin(minor, folder.path())?))?;
    let truth: TwinTruth = serde_json::from_value(target.ready.clone())?;
    if std::env::var_os("MEMSIGHT_SAVE_IMAGES").is_some() {
        save(&target, minor)?;
    }
    let snapshot = look(target.pid(), &LookOptions::default().whole(), &Quiet)?;
    let mut wrong = compare(&snapshot, &truth);
    if snapshot.manifest.gil_held {
        wrong.push("no thread is attached, and one is said to be".to_owned());
    }
    wrong.extend(views(&snapshot));
    settle(wrong)
}

/// Without a GIL an attached thread tells that objects may change.
fn attached_is_said(minor: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(build_twin(minor, folder.path())?);
    command.arg("attached");
    let target = Target::spawn(command)?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    if snapshot.manifest.gil_held { Ok(()) } else { Err("an attached thread was not seen".into()) }
}

/// The memory of CPython's state and of the objects, without names of this machine.
fn save(target: &Target, minor: u32) -> Result<(), Failed> {
    let mut kept = regions(target.pid())?;
    kept.retain(|region| region.write && !region.shared && !region.path.starts_with('['));
    for region in kept.iter_mut().filter(|region| region.inode != 0) {
        (region.path, region.inode) = (format!("/usr/bin/python3.{minor}t"), 1);
    }
    let image = FakeMemory::capture(&ProcMemory::open(target.pid())?, kept, 1 << 22).sparse();
    image.save(&saved(minor, "image"))?;
    Ok(std::fs::write(saved(minor, "json"), target.ready.to_string())?)
}

fn settle(wrong: Vec<String>) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Where a snapshot and the truth differ.
fn compare(snapshot: &Snapshot, truth: &TwinTruth) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, expected: String| {
        if found != expected {
            wrong.push(format!("{what}: {found}, not {expected}"));
        }
    };
    let manifest = &snapshot.manifest;
    same("version", manifest.python.clone(), truth.version.clone());
    same(
        "what is not told",
        manifest.partial.join("; "),
        "free-threaded build: objects that nothing reaches are not found in memory of threads that have ended".into(),
    );
    let find = |at: u64| snapshot.objects.find(Address(at)).is_some();
    same("the dead one", find(truth.dead).to_string(), false.to_string());
    same("the freed one", find(truth.freed).to_string(), false.to_string());
    let lists = |name: &str| name == "list";
    let told = truth.objects.iter().filter(|object| lists(&object.type_name)).count();
    let seen = snapshot.objects.ids().filter(|id| lists(name_of(snapshot, *id))).count();
    same("lists", seen.to_string(), told.to_string());
    for object in &truth.objects {
        let at = object.address();
        let Some(id) = snapshot.objects.find(at) else {
            same(&object.type_name, format!("nothing at {at}"), "an object".into());
            continue;
        };
        let what = |fact: &str| format!("{} {at}, {fact}", object.type_name);
        let flags = snapshot.objects.flags[id.index()];
        same(&what("type"), name_of(snapshot, id).to_owned(), object.type_name.clone());
        same(&what("size"), snapshot.objects.shallow.get(id).to_string(), object.size.to_string());
        let count = object.refcount.unwrap_or(DEFERRED);
        same(&what("count"), snapshot.objects.refcounts.get(id).to_string(), count.to_string());
        same(&what("tracked"), flags.has(ObjectFlags::TRACKED).to_string(), object.tracked.to_string());
        same(&what("whole"), (!flags.has(ObjectFlags::PARTIAL)).to_string(), true.to_string());
        let mut references: Vec<Address> =
            snapshot.references.of(id).map(|(to, _)| snapshot.objects.addresses.get(to)).collect();
        references.sort_unstable();
        references.dedup();
        same(&what("references"), format!("{references:?}"), format!("{:?}", object.references()));
    }
    wrong.extend(states(snapshot, truth));
    wrong.extend(stacks(snapshot));
    wrong
}

fn name_of(snapshot: &Snapshot, id: ObjectId) -> &str {
    snapshot.type_of(id).map_or("?", |record| record.name.as_str())
}

/// The finaliser of one list has run, another one is frozen.
fn states(snapshot: &Snapshot, truth: &TwinTruth) -> Vec<String> {
    let with_count = |count: u32| truth.objects.iter().find(|object| object.refcount == Some(count));
    let flags = |count: u32| Some(snapshot.objects.flags[snapshot.objects.find(with_count(count)?.address())?.index()]);
    let (shared, merged) = (flags(5), flags(4));
    let finalised = shared.is_some_and(|flags| flags.has(ObjectFlags::FINALIZED) && flags.generation() == Some(0));
    let frozen = merged.is_some_and(|flags| !flags.has(ObjectFlags::FINALIZED) && flags.generation() == Some(3));
    let facts = [(finalised, "the finalised list"), (frozen, "the frozen list")];
    facts.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| format!("{what}: {shared:?} {merged:?}")).collect()
}

/// Two threads, each in `walk`; the second in bytecode of its own.
fn stacks(snapshot: &Snapshot) -> Vec<String> {
    let told: Vec<(Option<u64>, bool, String, u32)> = snapshot
        .frames
        .iter()
        .map(|frame| {
            let thread = &snapshot.threads[frame.thread as usize];
            (thread.native_id, thread.holds_gil, format!("{} {}", frame.function, frame.file), frame.line)
        })
        .collect();
    let expected = [(4242, 8), (4241, 7)].map(|(id, line)| (Some(id), false, "walk shapes.py".to_owned(), line));
    if told == expected { Vec::new() } else { vec![format!("stacks: {told:?}")] }
}

/// What views say of such a build.
fn views(snapshot: &Snapshot) -> Vec<String> {
    let analysis = Analysis::new(snapshot, &Quiet);
    let mut wrong = Vec::new();
    let codes =
        [analysis.garbage(0).err().map(|error| error.code()), analysis.refcounts(0).err().map(|error| error.code())];
    if codes != [Some("MS-E034"); 2] {
        wrong.push(format!("garbage and refcounts answer: {codes:?}"));
    }
    if snapshot.pymalloc.as_ref().map(|pymalloc| pymalloc.allocator) != Some(Allocator::Mimalloc) {
        wrong.push("mimalloc is not named".to_owned());
    }
    let rss = analysis.rss(0);
    let line = rss.lines.iter().find(|line| line.parts.iter().any(|part| part.name == "mimalloc"));
    if line.is_none_or(|line| line.bytes < 1 << 14) {
        wrong.push(format!("no line of rss is mimalloc's: {:?}", rss.lines));
    }
    wrong
}
