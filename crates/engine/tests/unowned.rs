//! Objects that nothing refers to, against what the program that leaked them says, on every interpreter of this machine.
//!
//! A program that leaks nothing has none.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{LookOptions, look};
use memsight_model::{Address, Holder, HolderKind, ObjectId, Quiet, RootKind, Snapshot};
use memsight_testkit::{Interpreter, Target, interpreters, missing, runs_long};
use serde_json::Value;

const SCRIPT: &str = "unowned.py";
/// Objects of each kind.
const LEAKED: usize = 300;
/// `PyList_MAXFREELIST`, `PyDict_MAXFREELIST`.
const SLOTS: usize = 80;

/// Run on a part of the interpreters.
const LONG: [&str; 2] = ["interned", "none"];

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
        add("leaked", interpreter, leaked);
        add("hooked", interpreter, hooked);
        add("array", interpreter, array);
        add("suspect", interpreter, suspect);
        add("interned", interpreter, interned);
        add("none", interpreter, none);
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn whole() -> LookOptions {
    LookOptions { holders: true, ..LookOptions::default() }
}

/// Objects that nobody known holds.
fn unheld(snapshot: &Snapshot) -> impl Iterator<Item = ObjectId> + '_ {
    snapshot.roots.iter().filter(|root| root.kind == RootKind::NobodyKnown).map(|root| root.object)
}

/// Whether a word of a C stack leads to an object. The path of the program that runs is such a one, which `main` of the
/// interpreter holds to its end; as a str or bytes it is of a type that leaks here.
fn is_on_a_stack(snapshot: &Snapshot, object: ObjectId) -> bool {
    snapshot.holders.iter().any(|holder| holder.object == object && holder.kind == HolderKind::Stack)
}

/// Whether a slot of a free list may lead to an object, which then counts as kept by C code. Up to 3.13 the lists of free
/// dictionaries and lists are arrays of [`SLOTS`], whose slots beyond the count lead where dead objects were: variables up to
/// 3.9 (`numfree` in Objects/listobject.c), then part of the interpreter's state.
fn is_in_a_free_list(snapshot: &Snapshot, object: ObjectId) -> bool {
    let of = |versions: &[&str]| versions.iter().any(|version| snapshot.manifest.python.starts_with(version));
    let kind = if of(&["3.8.", "3.9."]) { HolderKind::Variable } else { HolderKind::State };
    let leads = |holder: &Holder| holder.object == object && holder.kind == kind;
    !of(&["3.14.", "3.15."]) && snapshot.holders.iter().any(leads)
}

/// An object as its program tells of it.
struct Told {
    kind: String,
    address: Address,
    type_name: String,
    size: u64,
    tracked: bool,
}

fn told(answer: &Value) -> Vec<Told> {
    let rows = answer.get("told").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let row = |row: &Value| {
        let text = |index: usize| row[index].as_str().unwrap_or_default().to_owned();
        let number = |index: usize| row[index].as_u64().unwrap_or_default();
        let tracked = row[4].as_bool().unwrap_or_default();
        Told { kind: text(0), address: Address(number(1)), type_name: text(2), size: number(3), tracked }
    };
    rows.iter().map(row).collect()
}

/// Where the rows of the objects differ from what was told, at most ten.
fn differences(snapshot: &Snapshot, told: &[Told]) -> Vec<String> {
    let (mut wrong, mut in_free_lists) = (Vec::new(), 0);
    let mut same = |what: String, found: String, expected: String| {
        if found != expected {
            wrong.push(format!("{what}: {found}, not {expected}"));
        }
    };
    for object in told {
        let Some(id) = snapshot.objects.find(object.address) else {
            same(format!("{} {}", object.kind, object.address), "not found".into(), "an object".into());
            continue;
        };
        let what = |fact: &str| format!("{} {} {fact}", object.kind, object.address);
        let name = snapshot.type_of(id).map_or("?", |record| record.name.rsplit('.').next().unwrap_or("?"));
        same(what("type"), name.to_owned(), object.type_name.clone());
        same(what("size"), snapshot.objects.shallow.get(id).to_string(), object.size.to_string());
        same(what("count"), snapshot.objects.refcounts.get(id).to_string(), "1".to_owned());
        let (is_root, expected) = (unheld(snapshot).any(|root| root == id), object.kind != "held" && !object.tracked);
        if expected && !is_root && is_in_a_free_list(snapshot, id) {
            in_free_lists += 1;
        } else {
            same(what("root"), is_root.to_string(), expected.to_string());
        }
    }
    if in_free_lists > SLOTS {
        same("in free lists".into(), in_free_lists.to_string(), format!("{SLOTS} at most"));
    }
    wrong.truncate(10);
    wrong
}

fn settle(wrong: Vec<String>) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Every kind of leaked object is found, has the type, size and count that it has, and nothing else is found.
fn leaked(interpreter: &Interpreter) -> Result<(), Failed> {
    every_leak_is_found(Target::start(interpreter, SCRIPT, &[])?)
}

/// The same below the debug hooks of the allocator.
fn hooked(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut command = std::process::Command::new(&interpreter.path);
    command.args(["-B", "-X", "dev"]).arg(memsight_testkit::targets_dir().join(SCRIPT));
    every_leak_is_found(Target::spawn(command)?)
}

fn every_leak_is_found(mut target: Target) -> Result<(), Failed> {
    let told = told(&target.ask(&format!("leak {LEAKED}"))?);
    assert!(told.len() > 20 * LEAKED);
    let snapshot = look(target.pid(), &whole(), &Quiet)?;
    let mut wrong = differences(&snapshot, &told);
    let alone = told.iter().filter(|object| object.kind != "held" && !object.tracked).count();
    let others = unheld(&snapshot).filter(|id| {
        let address = snapshot.objects.addresses.get(*id);
        !told.iter().any(|object| object.address == address) && !is_on_a_stack(&snapshot, *id)
    });
    wrong.extend(others.map(|id| format!("{} was not leaked", snapshot.objects.addresses.get(id))));
    let left_over = Analysis::new(&snapshot, &Quiet).refcounts(0)?.surplus_references;
    if left_over < alone as u64 {
        wrong.push(format!("{left_over} references are left over, not {alone}"));
    }
    settle(wrong)
}

/// What an array of C holds is found, and what it is called, is said.
fn array(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    let told = told(&target.ask(&format!("hold {LEAKED}"))?);
    let snapshot = look(target.pid(), &whole(), &Quiet)?;
    let mut wrong = differences(&snapshot, &told);
    let analysis = Analysis::new(&snapshot, &Quiet);
    let first = told.first().map(|object| object.address).unwrap_or_default();
    let view = analysis.path(&first.to_string(), 1)?;
    let words: Vec<&String> = view.paths.iter().flat_map(|row| &row.path).collect();
    if words != ["held by nobody known", "str"] {
        wrong.push(format!("the path is {words:?}"));
    }
    settle(wrong)
}

/// 200,000 leaked strings are a suspect, in the words for it.
fn suspect(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    target.ask("strings 200000")?;
    let snapshot = look(target.pid(), &whole(), &Quiet)?;
    let analysis = Analysis::new(&snapshot, &Quiet);
    let suspects = analysis.suspects(0).suspects;
    // A few more are strings that the start of the interpreter has in hand, see `is_on_a_stack`.
    let exact = |count: u64| (200_000..=200_003).contains(&count);
    let says = |first: &memsight_analysis::views::Suspect| {
        exact(first.count)
            && first.type_name == "str"
            && first.summary.contains(" instances of str, held by nobody known, hold 1")
    };
    if !suspects.first().is_some_and(says) {
        return Err(format!("{:?}", suspects.iter().map(|each| &each.summary).collect::<Vec<_>>()).into());
    }
    let audit = analysis.refcounts(0)?;
    match audit.surplus.as_slice() {
        // `refcounts.py` says what modules of CPython itself forget
        [row, forgotten @ ..]
            if row.type_name == "str"
                && exact(row.objects)
                && exact(row.references)
                && forgotten.iter().all(|row| row.type_name == "decimal.Context") =>
        {
            Ok(())
        }
        _ => Err(audit.verdict.into()),
    }
}

/// Strings that the table of interned strings alone holds are a suspect, and not what nobody known holds.
fn interned(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, SCRIPT, &[])?;
    target.ask("intern 200000")?;
    let snapshot = look(target.pid(), &whole(), &Quiet)?;
    let suspects = Analysis::new(&snapshot, &Quiet).suspects(0).suspects;
    let words = |each: &memsight_analysis::views::Suspect| {
        each.type_name == "str"
            && each.count >= 200_000
            && each.summary.contains("held by the table of interned strings alone")
    };
    match suspects.iter().any(words) {
        true => Ok(()),
        false => Err(format!("{:?}", suspects.iter().map(|each| &each.summary).collect::<Vec<_>>()).into()),
    }
}

/// Programs that leak nothing have nothing that nobody known holds.
fn none(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for script in ["minimal.py", "refcounts.py", "library.py", "builtins_.py", "threads.py", "classes.py", SCRIPT] {
        let target = Target::start(interpreter, script, &[])?;
        let snapshot = look(target.pid(), &whole(), &Quiet)?;
        let describe = |id: ObjectId| {
            let name = snapshot.type_of(id).map_or("?", |record| record.name.as_str());
            format!("{script}: {name} at {}", snapshot.objects.addresses.get(id))
        };
        wrong.extend(unheld(&snapshot).map(describe));
    }
    settle(wrong)
}
