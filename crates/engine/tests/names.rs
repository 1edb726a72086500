//! Names of code, and the view `tasks`, against what a program says of itself, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::code::Source;
use memsight_engine::analysis::tasks::TasksView;
use memsight_engine::format::{self, WriteOptions};
use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::{FREE_THREADED, Interpreter, Target, free_threaded, interpreters, missing};
use serde::Deserialize;

/// Name, file and line.
type Told = (String, String, u32);

/// Tasks that are one group.
#[derive(Deserialize, Debug)]
struct Tasks {
    coroutine: Told,
    state: String,
    count: u64,
    /// The module of their class, which tells C from Python.
    class: String,
    /// What is awaited, from the task's own coroutine on.
    chain: Vec<Told>,
}

fn main() {
    let arguments = Arguments::from_args();
    let (found, free) = (interpreters(), free_threaded());
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in found.iter().chain(&free) {
        let (one, other) = (interpreter.clone(), interpreter.clone());
        trials.push(Trial::test(format!("names::{interpreter}"), move || names_are_true(&one)));
        trials.push(Trial::test(format!("tasks::{other}"), move || tasks_are_true(&other)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    for minor in FREE_THREADED.filter(|minor| free.iter().all(|each| each.version.1 != *minor)) {
        eprintln!("NOT COVERED: no Python 3.{minor}t found");
        trials.push(Trial::test(format!("missing::3.{minor}t"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn told(source: Option<&Source>) -> Option<Told> {
    source.map(|source| (source.name.clone(), source.file.clone(), source.line))
}

fn names_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "names.py", &[])?;
    let named: Vec<(String, String, String, u32)> = serde_json::from_value(target.ready["named"].clone())?;
    let standing: Vec<(String, Option<u32>)> = serde_json::from_value(target.ready["standing"].clone())?;
    let threads: BTreeMap<u64, String> =
        serde_json::from_value::<Vec<_>>(target.ready["threads"].clone())?.into_iter().collect();
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("names.heap");
    format::write(&snapshot, &path, &WriteOptions::default())?;
    let mut wrong = Vec::new();
    for snapshot in [&snapshot, &format::read(&path)?] {
        let analysis = Analysis::new(snapshot, &Quiet);
        for (address, name, file, line) in &named {
            let got = told(analysis.object(address, 1)?.code.as_ref());
            let expected = Some((name.clone(), file.clone(), *line));
            wrong.extend((got != expected).then(|| format!("{address}: {got:?}, expected {expected:?}")));
        }
        for (address, line) in &standing {
            let got = analysis.object(address, 1)?.stands_at;
            wrong.extend((got != *line).then(|| format!("{address}: stands at {got:?}, expected {line:?}")));
        }
        let found = analysis.threads(1).threads.into_iter().filter_map(|thread| Some((thread.ident, thread.name?)));
        let found: BTreeMap<u64, String> = found.collect();
        wrong.extend((found != threads).then(|| format!("threads {found:?}, expected {threads:?}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn tasks_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "names.py", &[])?;
    let expected: Vec<Tasks> = serde_json::from_value(target.ready["tasks"].clone())?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let view = Analysis::new(&snapshot, &Quiet).tasks(0);
    let mut wrong: Vec<String> = Vec::new();
    for state in ["pending", "finished", "failed", "cancelled"] {
        let sum: u64 = expected.iter().filter(|each| each.state == state).map(|each| each.count).sum();
        let got = match state {
            "pending" => view.pending,
            "finished" => view.finished,
            "failed" => view.failed,
            _ => view.cancelled,
        };
        // The program's own coroutine may run in a task.
        let own = u64::from(state == "pending");
        wrong.extend((got != sum + own).then(|| format!("{got} {state}, expected {sum}")));
    }
    wrong.extend(expected.iter().filter_map(|tasks| difference(&view, tasks, &expected)));
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.extend(view.groups.iter().map(|group| format!("found: {group:?}")));
    Err(wrong.join("\n").into())
}

/// What is wrong with the group of some tasks. Tasks of C and of Python that run and await the same are one group.
fn difference(view: &TasksView, tasks: &Tasks, all: &[Tasks]) -> Option<String> {
    let same = |other: &&Tasks| {
        (&other.coroutine, &other.state, &other.chain) == (&tasks.coroutine, &tasks.state, &tasks.chain)
    };
    let count: u64 = all.iter().filter(same).map(|other| other.count).sum();
    let group = view.groups.iter().find(|group| {
        told(group.coroutine.as_ref()).as_ref() == Some(&tasks.coroutine)
            && group.state.word() == tasks.state
            && told(group.waits_at.as_ref()).as_ref() == tasks.chain.last()
    });
    let Some(group) = group else { return Some(format!("not found: {tasks:?}")) };
    let awaits: Vec<Told> = group.awaits.iter().filter_map(|source| told(Some(source))).collect();
    let begun = tasks.chain.len() > 1 || tasks.coroutine.0.starts_with("custom");
    let waits_for = begun.then(|| "Future".to_owned());
    let same = group.count == count && awaits == tasks.chain && group.waits_for == waits_for;
    let kept = tasks.state == "pending" || group.kept_by.as_ref().is_some_and(|by| by.contains("list"));
    (!same || !kept).then(|| format!("{tasks:?} ({}), {count} in all, but {group:?}", tasks.class))
}
