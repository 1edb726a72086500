//! What tasks of asyncio and coroutines await: each other, and at the end what has yet to come.

use std::collections::HashMap;

use memsight_model::{LabelKind, NameId, ObjectId, ObjectKind, Snapshot};

use crate::code::{Source, attribute, line_of, named, source_of};
use crate::words::{object_kind, short_type, type_name};

/// The two classes of tasks, of C and of Python.
const CLASSES: [&str; 2] = ["_asyncio.Task", "asyncio.tasks.Task"];
/// Where these keep their coroutines.
pub(crate) const TO_CORO: [&str; 2] = ["task_coro", "_coro"];
/// Classes between a class and that of all tasks.
const BASES: usize = 16;
/// Longer chains of coroutines are damaged: programs that raise Python's limit of recursion (1,000) beyond this are none.
const CHAIN: usize = 10_000;

/// By row of the type table, whether its instances are tasks.
pub(crate) fn task_classes(snapshot: &Snapshot) -> Vec<bool> {
    let rows: HashMap<ObjectId, usize> =
        snapshot.types.iter().enumerate().filter_map(|(row, record)| Some((record.object?, row))).collect();
    let is_task = |start: usize| {
        let mut row = start;
        for _ in 0..BASES {
            let Some(record) = snapshot.types.get(row) else { return false };
            if CLASSES.contains(&record.name.as_str()) {
                return true;
            }
            let base = record.object.and_then(|class| named(snapshot, class, &["__base__"]));
            let Some(next) = base.and_then(|base| rows.get(&base)) else { return false };
            row = *next;
        }
        false
    };
    (0..snapshot.types.len()).map(is_task).collect()
}

/// Where at least half of some tasks or coroutines wait: the innermost coroutine that is awaited, and its line now.
pub(crate) fn commonest_wait(snapshot: &Snapshot, waiting: &[ObjectId]) -> Option<Source> {
    let mut counts: HashMap<Source, usize> = HashMap::new();
    for place in waiting.iter().filter_map(|&object| awaits(snapshot, object).0.pop()) {
        *counts.entry(place).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    most.filter(|(place, count)| place.line > 0 && 2 * count >= waiting.len()).map(|(place, _)| place)
}

/// The coroutines that await each other from a task or coroutine on, its own first, each with the line where it stands; and
/// what the last of them waits for.
pub(crate) fn awaits(snapshot: &Snapshot, start: ObjectId) -> (Vec<Source>, Option<String>) {
    let mut chain = Vec::new();
    let mut next = match object_kind(snapshot, start) {
        ObjectKind::Generator => Some(start),
        _ => attribute(snapshot, start, &TO_CORO),
    };
    for _ in 0..CHAIN {
        let Some(here) = next.filter(|&here| object_kind(snapshot, here) == ObjectKind::Generator) else { break };
        let Some(source) = source_of(snapshot, here) else { break };
        if source.name == "Future.__await__" {
            next = local(snapshot, here, "self");
            break;
        }
        chain.push(Source { line: line_of(snapshot, here).unwrap_or(0), ..source });
        next = awaited(snapshot, here);
    }
    // A coroutine that runs has anything on its stack.
    let end = next.filter(|&end| !chain.is_empty() && object_kind(snapshot, end) == ObjectKind::Other);
    (chain, end.map(|end| waits_for(snapshot, end)))
}

/// What a suspended coroutine awaits: the iterator on top of its stack (`_PyGen_yf` in `Objects/genobject.c`), and the
/// coroutine behind that.
fn awaited(snapshot: &Snapshot, coroutine: ObjectId) -> Option<ObjectId> {
    let frame = named(snapshot, coroutine, &["gi_frame"]).unwrap_or(coroutine);
    let stack = snapshot.references.of(frame).filter(|(_, label)| label.kind() == LabelKind::Stack);
    let (top, _) = stack.max_by_key(|(_, label)| label.payload())?;
    let field = match type_name(snapshot, top) {
        "coroutine_wrapper" => "cw_coroutine",
        "async_generator_asend" => "ags_gen",
        "async_generator_athrow" => "agt_gen",
        "anext_awaitable" => "wrapped",
        "_asyncio.FutureIter" => "future",
        _ => return Some(top),
    };
    // Up to 3.9 the steps of an asynchronous generator are scanned: what they lead to is found, and has no name.
    let is_generator = |object: &ObjectId| object_kind(snapshot, *object) == ObjectKind::Generator;
    let scanned = || snapshot.references.of(top).map(|(target, _)| target).find(is_generator);
    named(snapshot, top, &[field]).or_else(scanned).or(Some(top))
}

/// A local variable of a suspended coroutine.
fn local(snapshot: &Snapshot, coroutine: ObjectId, name: &str) -> Option<ObjectId> {
    let frame = named(snapshot, coroutine, &["gi_frame"]).unwrap_or(coroutine);
    let is_local = |label: memsight_model::Label| {
        label.kind() == LabelKind::Local && snapshot.names.get(NameId(label.payload())) == name
    };
    snapshot.references.of(frame).find(|(_, label)| is_local(*label)).map(|(target, _)| target)
}

fn waits_for(snapshot: &Snapshot, object: ObjectId) -> String {
    let held = short_type(snapshot, object);
    match source_of(snapshot, object) {
        Some(source) => format!("{held} {}", source.behind_type()),
        None => held.to_owned(),
    }
}
