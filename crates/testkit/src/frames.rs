//! Stacks and locals as `sys._current_frames()` tells them, and where a snapshot differs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use memsight_model::{Address, LabelKind, NameId, ObjectId, ObjectKind, RootKind, Snapshot};
use serde::Deserialize;

use crate::TestkitError;

/// The stack of one thread, innermost frame first.
#[derive(Debug, Deserialize)]
pub struct Stack {
    /// `threading.get_ident()`.
    pub ident: u64,
    /// Its frames.
    pub frames: Vec<Frame>,
}

/// One frame.
#[derive(Debug, Deserialize)]
pub struct Frame {
    /// `co_qualname`, before 3.11 `co_name`.
    pub function: String,
    /// `co_filename`.
    pub file: String,
    /// `f_lineno`.
    pub line: u32,
    /// Address of each local by name; `None` for modules and class bodies, whose names are in a dictionary.
    pub locals: Option<BTreeMap<String, u64>>,
}

/// Reads the file that a target wrote when asked for its frames.
pub fn read(path: &Path) -> Result<Vec<Stack>, TestkitError> {
    let bytes = std::fs::read(path).map_err(|source| TestkitError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|why| TestkitError::Malformed { what: "frames", why: why.to_string() })
}

/// Every difference, in words; empty when the snapshot tells the same threads, frames, lines and locals.
pub fn differences(snapshot: &Snapshot, truth: &[Stack]) -> Vec<String> {
    let mut found = Vec::new();
    let locals = locals_by_frame(snapshot);
    for (row, thread) in snapshot.threads.iter().enumerate() {
        let Some(stack) = truth.iter().find(|stack| stack.ident == thread.ident) else {
            found.push(format!("surplus thread {}", thread.ident));
            continue;
        };
        let mut rows: Vec<_> =
            (0..snapshot.frames.len()).filter(|&at| snapshot.frames[at].thread == row as u32).collect();
        rows.sort_by_key(|&at| snapshot.frames[at].depth);
        if rows.len() != stack.frames.len() {
            found.push(format!("thread {}: {} frames, expected {}", row, rows.len(), stack.frames.len()));
        }
        for (&at, expected) in rows.iter().zip(&stack.frames) {
            let got = &snapshot.frames[at];
            if (&got.function, &got.file, got.line) != (&expected.function, &expected.file, expected.line) {
                found.push(format!(
                    "frame {}:{}:{}, expected {}:{}:{}",
                    got.file, got.function, got.line, expected.file, expected.function, expected.line
                ));
            }
            let none = BTreeMap::new();
            found.extend(differing_locals(snapshot, expected, locals.get(&(at as u32)).unwrap_or(&none)));
        }
    }
    let known = |ident: u64| snapshot.threads.iter().any(|thread| thread.ident == ident);
    found.extend(truth.iter().filter(|stack| !known(stack.ident)).map(|stack| format!("no thread {}", stack.ident)));
    found
}

fn locals_by_frame(snapshot: &Snapshot) -> HashMap<u32, BTreeMap<String, ObjectId>> {
    let mut locals: HashMap<u32, BTreeMap<String, ObjectId>> = HashMap::new();
    for root in snapshot.roots.iter().filter(|root| root.kind == RootKind::FrameLocal) {
        if let Some(frame) = root.frame {
            locals.entry(frame).or_default().insert(snapshot.names.get(root.name).to_owned(), root.object);
        }
    }
    locals
}

fn differing_locals(snapshot: &Snapshot, expected: &Frame, got: &BTreeMap<String, ObjectId>) -> Vec<String> {
    let mut found = Vec::new();
    let Some(locals) = &expected.locals else { return found };
    for (name, &address) in locals {
        let value = got.get(name).map(|&object| content(snapshot, object));
        if value != Some(Some(Address(address))) {
            found.push(format!("{} local {name}: got {value:?}, expected {address:#x}", expected.function));
        }
    }
    for (name, &object) in got {
        // An empty cell is an unbound variable, which `f_locals` leaves out.
        if !locals.contains_key(name) && content(snapshot, object).is_some() {
            found.push(format!("{} has no local {name}", expected.function));
        }
    }
    found
}

/// The object itself, or what a cell holds: `f_locals` shows the content of cells.
fn content(snapshot: &Snapshot, object: ObjectId) -> Option<Address> {
    let is_cell = snapshot.type_of(object).is_some_and(|kind| kind.kind == ObjectKind::Cell);
    if !is_cell {
        return Some(snapshot.objects.addresses.get(object));
    }
    let is_content = |label: memsight_model::Label| {
        let field = snapshot.names.get(NameId(label.payload()));
        label.kind() == LabelKind::Cell || label.kind() == LabelKind::Field && field != "__class__"
    };
    let held = snapshot.references.of(object).find(|(_, label)| is_content(*label));
    held.map(|(to, _)| snapshot.objects.addresses.get(to))
}
