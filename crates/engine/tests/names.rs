//! Names of code, and the view `tasks`, against what a program says of itself, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::code::{CodeRow, Source};
use memsight_engine::analysis::compare::{CompareOptions, compare};
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
        let (one, other, third) = (interpreter.clone(), interpreter.clone(), interpreter.clone());
        let fourth = interpreter.clone();
        trials.push(Trial::test(format!("names::{interpreter}"), move || names_are_true(&one)));
        trials.push(Trial::test(format!("tasks::{other}"), move || tasks_are_true(&other)));
        trials.push(Trial::test(format!("growth::{fourth}"), move || growth_is_named(&fourth)));
        trials.push(Trial::test(format!("temporaries::{third}"), move || temporaries_are_true(&third)));
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
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.tasks(0);
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
        let (queued, bare) = (&target.ready["queued"]["count"], &target.ready["bare"]);
        let others = [queued, bare].into_iter().filter_map(serde_json::Value::as_u64).sum::<u64>();
        let own = if state == "pending" { 1 + others } else { 0 };
        wrong.extend((got != sum + own).then(|| format!("{got} {state}, expected {sum}")));
    }
    wrong.extend(expected.iter().filter_map(|tasks| difference(&view, tasks, &expected)));
    wrong.extend(queued(&analysis, &target.ready)?);
    let bare = view.groups.iter().find(|group| group.coroutine.is_none() && group.runs.is_none());
    let bare = bare.map(|group| (group.count, group.state.word()));
    let expected_bare = target.ready["bare"].as_u64().map(|count| (count, "pending"));
    wrong.extend((bare != expected_bare).then(|| format!("without a coroutine: {bare:?}, {expected_bare:?}")));
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.extend(view.groups.iter().map(|group| format!("found: {group:?}")));
    Err(wrong.join("\n").into())
}

/// What is wrong with the tasks that wait on a queue, which alone keeps them.
fn queued(analysis: &Analysis<'_>, ready: &serde_json::Value) -> Result<Option<String>, Failed> {
    let coroutine: Told = serde_json::from_value(ready["queued"]["coroutine"].clone())?;
    let types = analysis.types(0);
    let is_row =
        |row: &&CodeRow| row.type_name.ends_with("Task") && told(Some(&row.source)).as_ref() == Some(&coroutine);
    let row = types.code.iter().find(is_row);
    let (count, waits, kept) = match row {
        Some(row) => (row.count, row.waits_at.as_ref(), row.kept_by.as_deref().unwrap_or_default()),
        None => return Ok(Some(format!("no row of {coroutine:?} in {:?}", types.code))),
    };
    let in_queue = waits.is_some_and(|at| at.name.ends_with("get") && at.file.ends_with("asyncio/queues.py"));
    let right = Some(count) == ready["queued"]["count"].as_u64()
        && in_queue
        && kept.contains("below __main__.QUEUE._getters (deque)");
    Ok((!right).then(|| format!("queued: {row:?}")))
}

/// Coroutines of which there are more than at the first look are told by name.
fn growth_is_named(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut target = Target::start(interpreter, "names.py", &[])?;
    let then = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let answer = target.ask("more")?;
    let now = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let source: Told = serde_json::from_value(answer["source"].clone())?;
    let looks = [Analysis::new(&then, &Quiet), Analysis::new(&now, &Quiet)];
    let view = compare(&[&looks[0], &looks[1]], &CompareOptions::default(), &Quiet)?;
    // Up to 3.10 the frame of a coroutine is an object of its own.
    let rows = view.code.iter().filter(|row| row.type_name == "coroutine");
    let rows: Vec<_> = rows.map(|row| (told(Some(&row.source)), row.count_now - row.count_then)).collect();
    match rows == [(Some(source.clone()), answer["more"].as_u64().unwrap_or(0))] {
        true => Ok(()),
        false => Err(format!("{rows:?}, expected {source:?} {answer}").into()),
    }
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

/// What frames hold on their value stacks is held by these frames, and what is left there from before by nobody.
fn temporaries_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "temporaries.py", &[])?;
    let told: Vec<(String, String, Option<String>, u32)> = serde_json::from_value(target.ready["told"].clone())?;
    let snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
    let analysis = Analysis::new(&snapshot, &Quiet);
    let mut wrong = Vec::new();
    for (what, address, function, line) in told {
        let view = analysis.path(&address, 1)?;
        let path = view.paths.first().map(|row| row.path.join(" -> ")).unwrap_or_default();
        let expected = match function {
            Some(function) => format!(" frame {function}() at temporaries.py:{line} "),
            None => "unreachable cycle".to_owned(),
        };
        wrong.extend((!path.contains(&expected)).then(|| format!("{what}: {path}, expected{expected}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
