//! A look at a recorded process says which line made each object, and the process says the same; on every interpreter found.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_analysis::compare::{CompareOptions, compare};
use memsight_engine::format::trace::Writer;
use memsight_engine::format::{Limits, WriteOptions, read_within, write};
use memsight_engine::record::{Attached, Options, attach};
use memsight_engine::{LookOptions, look};
use memsight_model::{Address, Birth, LabelKind, Mode, NameId, ObjectId, Quiet, Snapshot};
use memsight_testkit::{Interpreter, Target, interpreters, missing, runs_long};
use serde_json::Value;

/// Leaks of `growth.py`, and the functions that make what grows or call what does.
const LEAKS: [(&str, &[&str]); 9] = [
    ("list_append", &["list_append"]),
    ("dict_cache", &["dict_cache"]),
    ("closure", &["closure"]),
    ("deque_append", &["deque_append"]),
    ("lru_unbounded", &["compute"]),
    ("observers", &["observers", "__init__"]),
    ("class_attribute", &["class_attribute"]),
    ("byte_buffer", &["byte_buffer"]),
    ("generators", &["generators", "produce"]),
];
/// Rounds of work between two looks.
const ROUNDS: u32 = 400;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        let mut add = |name: &str, run: fn(&Interpreter) -> Result<(), Failed>| {
            let own = interpreter.clone();
            let passed_over = name == "churn" && !runs_long(name, interpreter, &found);
            let trial = Trial::test(format!("{name}::{interpreter}"), move || run(&own));
            trials.push(trial.with_ignored_flag(passed_over));
        };
        add("lines", every_line_is_true);
        add("churn", nothing_later_than_the_look_is_joined);
        add("sampled", what_is_in_a_sample_is_true);
        for (shape, makers) in LEAKS {
            let (own, passed_over) = (interpreter.clone(), !runs_long("leaks", interpreter, &found));
            let run = move || the_growing_line_is_named(&own, shape, makers);
            let trial = Trial::test(format!("leaks::{interpreter}::{shape}"), run);
            trials.push(trial.with_ignored_flag(passed_over));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A program that makes objects, recorded.
struct Recorded {
    target: Target,
    attached: Option<Attached>,
    folder: tempfile::TempDir,
}

impl Recorded {
    fn start(interpreter: &Interpreter, sample_bytes: u64) -> Result<Recorded, Failed> {
        let folder = tempfile::tempdir()?;
        let target = Target::start(interpreter, "born.py", &[])?;
        let trace = Writer::create(&folder.path().join("born.trace"), false)?;
        let attached = Some(attach(target.pid(), Options { sample_bytes, native: false }, trace)?);
        Ok(Recorded { target, attached, folder })
    }

    fn look(&self, mode: Mode) -> Result<Snapshot, Failed> {
        let options = LookOptions { births: true, values: true, mode, ..LookOptions::default() };
        let snapshot = look(self.target.pid(), &options, &Quiet)?;
        let note = snapshot.manifest.recorder.clone().ok_or("the look has found no recorder")?;
        match note.problem {
            None if note.lost_events == 0 => Ok(snapshot),
            _ => Err(format!("{note:?}").into()),
        }
    }

    fn end(&mut self) -> Result<(), Failed> {
        self.attached.take().ok_or("it has ended")?.end()?;
        Ok(())
    }
}

/// Function, file and line of a birth.
fn place<'s>(snapshot: &'s Snapshot, birth: &Birth) -> (&'s str, &'s str, u32) {
    let text = |name: NameId| snapshot.names.get(name);
    let frame = (birth.frame as usize).checked_sub(1).and_then(|row| snapshot.birth_frames.get(row));
    frame.map_or(("", "", 0), |frame| (text(frame.function), text(frame.file), frame.line))
}

/// What a program says of an object.
struct Told {
    kind: String,
    address: u64,
    line: u32,
    file: String,
}

fn told(answer: &Value, minor: u32) -> Result<Vec<Told>, Failed> {
    let file = answer["file"].as_str().ok_or("a file")?;
    let rows = answer["told"].as_array().ok_or("rows")?;
    let row = |row: &Value| {
        let kind = row[0].as_str()?.to_owned();
        // (from 3.11 on a generator is made by its own first instruction, which is of the line of its `def`)
        let own = answer["defs"][&kind].as_u64().filter(|_| minor >= 11);
        let line = own.or(row[2].as_u64())? as u32;
        Some(Told { kind, address: row[1].as_u64()?, line, file: file.to_owned() })
    };
    rows.iter().map(|one| row(one).ok_or_else(|| format!("{one}").into())).collect()
}

fn is_of_buffer(told: &Told) -> bool {
    ["items", "table", "text"].contains(&told.kind.as_str())
}

/// Compares what is known with what was told; how many of each kind are known.
fn check(snapshot: &Snapshot, told: &[Told]) -> Result<BTreeMap<String, usize>, Failed> {
    let mut births: HashMap<ObjectId, Vec<&Birth>> = HashMap::new();
    for birth in &snapshot.births {
        births.entry(birth.object).or_default().push(birth);
    }
    let (mut known, mut wrong) = (BTreeMap::new(), Vec::new());
    for told in told {
        let object = snapshot.objects.addresses.find(Address(told.address)).ok_or("an object is not in the look")?;
        let of_it = births.get(&object).into_iter().flatten().filter(|birth| birth.is_buffer() == is_of_buffer(told));
        let count: &mut usize = known.entry(told.kind.clone()).or_default();
        for birth in of_it {
            *count += 1;
            let (function, file, line) = place(snapshot, birth);
            if (file, line) != (told.file.as_str(), told.line) {
                wrong.push(format!("{} of line {} is said to be of {function} {file}:{line}", told.kind, told.line));
            }
        }
    }
    match wrong.as_slice() {
        [] => Ok(known),
        _ => Err(format!("{} wrong: {:#?}", wrong.len(), wrong.iter().take(12).collect::<Vec<_>>()).into()),
    }
}

fn every_line_is_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut recorded = Recorded::start(interpreter, 0)?;
    let answer = recorded.target.ask("make")?;
    let told = told(&answer, interpreter.version.1)?;
    if answer["numpy"] != true {
        eprintln!("NOT COVERED: no numpy for {interpreter}");
    }
    for mode in [Mode::Fork, Mode::Freeze] {
        let snapshot = recorded.look(mode)?;
        let known = check(&snapshot, &told)?;
        let mut all: BTreeMap<String, usize> = BTreeMap::new();
        told.iter().for_each(|told| *all.entry(told.kind.clone()).or_default() += 1);
        if known != all {
            return Err(format!("known are {known:?}, of {all:?}").into());
        }
        kept_in_a_snapshot(&snapshot, recorded.folder.path())?;
        views_agree(&snapshot, &told)?;
    }
    recorded.end()
}

/// A snapshot carries births through a file.
fn kept_in_a_snapshot(snapshot: &Snapshot, folder: &Path) -> Result<(), Failed> {
    let path = folder.join("born.heap");
    write(snapshot, &path, &WriteOptions { force: true })?;
    let read = read_within(&path, Limits::NONE)?;
    let same = read.births == snapshot.births && read.birth_frames == snapshot.birth_frames;
    match same && read.manifest.recorder == snapshot.manifest.recorder {
        true => Ok(()),
        false => Err("births are other ones in the file".into()),
    }
}

/// The views say what the tables say.
fn views_agree(snapshot: &Snapshot, told: &[Told]) -> Result<(), Failed> {
    let analysis = Analysis::new(snapshot, &Quiet);
    let view = analysis.types_by_line(0)?;
    for kind in ["large bytes", "array", "instance"] {
        let of_kind: Vec<&Told> = told.iter().filter(|told| told.kind == kind).collect();
        let first = of_kind.first().ok_or("objects of the kind")?;
        let is_it =
            |row: &&memsight_analysis::born::LineRow| row.source.file == first.file && row.source.line == first.line;
        let count: u64 = view.lines.iter().filter(is_it).map(|row| row.count).max().unwrap_or_default();
        if count < of_kind.len() as u64 {
            return Err(format!("{count} of {kind} at line {}, {} were made", first.line, of_kind.len()).into());
        }
        let object = analysis.object(&format!("{:#x}", first.address), 1)?;
        let newest = object.born_at.as_ref().and_then(|stack| stack.first()).map(|source| source.line);
        if newest != Some(first.line) {
            return Err(format!("{kind} is born at {newest:?}, not {}", first.line).into());
        }
    }
    Ok(())
}

fn what_is_in_a_sample_is_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut recorded = Recorded::start(interpreter, 2048)?;
    let answer = recorded.target.ask("make")?;
    let told = told(&answer, interpreter.version.1)?;
    let snapshot = recorded.look(Mode::Auto)?;
    let known: usize = check(&snapshot, &told)?.values().sum();
    // (large ones are nearly all in it)
    if known < 40 || known >= told.len() {
        return Err(format!("{known} of {} are known", told.len()).into());
    }
    recorded.end()
}

/// A program that makes and forgets objects as fast as it can; each says by which function it was made.
fn nothing_later_than_the_look_is_joined(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut recorded = Recorded::start(interpreter, 0)?;
    recorded.target.ask("churn")?;
    // (each look reads all that was recorded up to it, while the program records on: few of them)
    for (number, mode) in [Mode::Freeze, Mode::Fork].into_iter().enumerate() {
        let snapshot = recorded.look(mode)?;
        let (right, wrong) = tags(&snapshot);
        if !wrong.is_empty() {
            return Err(format!("look {number}, {mode:?}: {right} are right, wrong are {wrong:?}").into());
        }
        if number > 0 && right < 4000 {
            return Err(format!("look {number}: only {right} are known").into());
        }
    }
    recorded.end()
}

/// Of the objects with a tag, how many are said to be made by the function that made them, and what is said of others.
fn tags(snapshot: &Snapshot) -> (usize, Vec<String>) {
    let (mut right, mut wrong) = (0, Vec::new());
    for birth in snapshot.births.iter().filter(|birth| !birth.is_buffer()) {
        let is_tag = |label: &memsight_model::Label| {
            label.kind() == LabelKind::Attribute && snapshot.names.get(NameId(label.payload())) == "tag"
        };
        let Some((tag, _)) = snapshot.references.of(birth.object).find(|(_, label)| is_tag(label)) else { continue };
        let Some(text) = snapshot.texts.get(tag) else { continue };
        let (function, ..) = place(snapshot, birth);
        match function.strip_prefix("make_") {
            Some(number) if number == text => right += 1,
            _ => wrong.push(format!("{text} by {function}")),
        }
    }
    (right, wrong)
}

/// A program that leaks, and has for a while when it is first recorded: what has grown since is said to be made where it is.
fn the_growing_line_is_named(interpreter: &Interpreter, shape: &str, makers: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, "growth.py", &[shape])?;
    let culprit = target.ready["culprit"].as_str().map(str::to_owned).ok_or("a culprit")?;
    let attached = attach(
        target.pid(),
        Options { sample_bytes: 0, native: false },
        Writer::create(&folder.path().join("t"), false)?,
    )?;
    let options = LookOptions { births: true, ..LookOptions::default() };
    let mut looks = Vec::new();
    for _ in 0..3 {
        target.ask(&format!("work {ROUNDS}"))?;
        let mut snapshot = look(target.pid(), &options, &Quiet)?;
        snapshot.manifest.created_ns = None;
        looks.push(snapshot);
    }
    attached.end()?;
    let analyses: Vec<Analysis<'_>> = looks.iter().map(|snapshot| Analysis::new(snapshot, &Quiet)).collect();
    let view = compare(&analyses.iter().collect::<Vec<_>>(), &CompareOptions::default(), &Quiet)?;
    let is_it = |path: &[String]| path.iter().any(|step| step.contains(&culprit));
    let suspect = view.suspects.iter().find(|suspect| is_it(&suspect.path));
    let suspect = suspect.ok_or_else(|| format!("{culprit} is no suspect: {:#?}", view.suspects))?;
    let made = suspect.made_at.as_ref().ok_or_else(|| format!("who made it is not said: {suspect:#?}"))?;
    // (up to 3.10 functions have no qualified names)
    let is_maker = |name: &str| makers.contains(&name.rsplit('.').next().unwrap_or(name));
    let named = is_maker(&made.source.name) || made.called_at.as_ref().is_some_and(|source| is_maker(&source.name));
    let is_file = made.source.file.ends_with("growth.py") && made.source.line > 0;
    // (it makes the most of it, which need not be half)
    match named && is_file && made.share > 0.3 {
        true => Ok(()),
        false => Err(format!("made at {made:?}").into()),
    }
}
