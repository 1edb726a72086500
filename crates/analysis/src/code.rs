//! Code by name: what a function is called, what a coroutine runs and where it stands.
//!
//! ```text
//! task ──> coroutine ──> frame (up to 3.10) ──> code ──> name, file, line
//!          bound method ──> function ──────────────┘
//! ```
//! Which object leads to which is in the references; names and lines are in tables of the snapshot.

use std::collections::HashMap;

use memsight_heap::Node;
use memsight_model::{CodeRecord, Label, LabelKind, ObjectId, ObjectKind, Root, RootKind, Snapshot};
use serde::Serialize;

use crate::Analysis;
use crate::words::{file_name, key_of, object_kind, short_type, step};

/// Longest way from an object to its code: a task, its coroutine, a frame, the code.
const WAY: usize = 5;
/// Fields that lead to a coroutine from a task, of C and of Python, and from the object that `await` made of it.
const TO_COROUTINE: [&str; 3] = ["task_coro", "_coro", "cw_coroutine"];

/// Where source is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Source {
    /// Qualified name: `Channel.until_closed`, `add.<locals>.<lambda>`.
    pub name: String,
    /// `co_filename`.
    pub file: String,
    /// The first line of the code, or the line where something stands; 0 when unknown.
    pub line: u32,
}

impl Source {
    /// `Channel.until_closed (ws.py:41)`; without a line where that is unknown.
    pub fn in_brackets(&self) -> String {
        match self.name.as_str() {
            "" => format!("code {}", self.behind_type()),
            _ => self.behind_type(),
        }
    }

    /// The same behind the name of a type: `code without a name (ws.py:41)`, for a program may have such.
    pub(crate) fn behind_type(&self) -> String {
        let name = if self.name.is_empty() { "without a name" } else { &self.name };
        step(match (file_name(&self.file), self.line) {
            ("", 0) => name.to_owned(),
            ("", line) => format!("{name} (line {line})"),
            (file, 0) => format!("{name} ({file})"),
            (file, line) => format!("{name} ({file}:{line})"),
        })
    }
}

/// Functions, methods, coroutines, tasks or generators of one code.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CodeRow {
    /// Their type: `function`, `coroutine` ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// The code that they run.
    #[serde(flatten)]
    pub source: Source,
    /// How many.
    pub count: u64,
    /// Sum of their shallow sizes.
    pub shallow_bytes: u64,
    /// What would be freed with all of them.
    pub retained_bytes: u64,
    /// Those of these bytes that are in private memory.
    pub retained_resident_bytes: u64,
    /// Part of all bytes in private memory that they retain, 0 to 1.
    pub share: f64,
    /// Where at least half of them wait, if they are tasks or coroutines: the innermost one that is awaited, its line now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_at: Option<Source>,
    /// Who keeps tasks and coroutines: an object that holds at least half, or the types of the holders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_by: Option<String>,
}

/// The first object that `owner` refers to by one of these names, as a field or as an attribute.
pub(crate) fn named(snapshot: &Snapshot, owner: ObjectId, names: &[&str]) -> Option<ObjectId> {
    let is_named = |label: Label| {
        matches!(label.kind(), LabelKind::Field | LabelKind::Attribute)
            && names.contains(&snapshot.names.get(memsight_model::NameId(label.payload())))
    };
    snapshot.references.of(owner).find(|(_, label)| is_named(*label)).map(|(target, _)| target)
}

/// An attribute of an instance, whether it keeps a dictionary or not.
pub(crate) fn attribute(snapshot: &Snapshot, owner: ObjectId, names: &[&str]) -> Option<ObjectId> {
    named(snapshot, owner, names).or_else(|| {
        let dict = named(snapshot, owner, &["__dict__", "dict", "md_dict"])?;
        let is_named = |label: Label| {
            let key = (label.kind() == LabelKind::Value).then(|| snapshot.texts.get(key_of(label))).flatten();
            key.is_some_and(|key| names.contains(&key.trim_matches('\'')))
        };
        snapshot.references.of(dict).find(|(_, label)| is_named(*label)).map(|(target, _)| target)
    })
}

/// The modules of a name, one for each interpreter that has it.
pub(crate) fn modules<'s>(snapshot: &'s Snapshot, name: &'s str) -> impl Iterator<Item = ObjectId> + 's {
    let is_it = move |root: &&Root| root.kind == RootKind::Module && snapshot.names.get(root.name) == name;
    snapshot.roots.iter().filter(is_it).map(|root| root.object)
}

/// The code that an object is, runs or calls.
pub(crate) fn code_of(snapshot: &Snapshot, object: ObjectId) -> Option<&CodeRecord> {
    let mut here = object;
    for _ in 0..WAY {
        here = match object_kind(snapshot, here) {
            ObjectKind::Code => {
                let at = snapshot.code.binary_search_by_key(&here, |record| record.object).ok()?;
                return snapshot.code.get(at);
            }
            ObjectKind::Function => named(snapshot, here, &["__code__"])?,
            ObjectKind::Method => named(snapshot, here, &["__func__"])?,
            ObjectKind::Generator => named(snapshot, here, &["gi_code", "f_code", "gi_frame"])?,
            ObjectKind::Frame => named(snapshot, here, &["f_code"])?,
            ObjectKind::Other => attribute(snapshot, here, &TO_COROUTINE)?,
            _ => return None,
        };
    }
    None
}

/// Where the code of an object begins.
pub(crate) fn source_of(snapshot: &Snapshot, object: ObjectId) -> Option<Source> {
    code_of(snapshot, object).map(|code| source(snapshot, code))
}

pub(crate) fn source(snapshot: &Snapshot, code: &CodeRecord) -> Source {
    let text = |name| snapshot.names.get(name).to_owned();
    Source { name: text(code.name), file: text(code.file), line: code.line }
}

/// The line where a generator or coroutine stands; `None` once it has ended.
pub(crate) fn line_of(snapshot: &Snapshot, object: ObjectId) -> Option<u32> {
    let at = snapshot.generators.binary_search_by_key(&object, |record| record.object).ok()?;
    snapshot.generators.get(at).map(|record| record.line)
}

/// Whether an object is something that runs: what is told by its name.
pub(crate) fn is_code(snapshot: &Snapshot, object: ObjectId) -> bool {
    use ObjectKind::{Code, Frame, Function, Generator, Method};
    matches!(object_kind(snapshot, object), Code | Frame | Function | Generator | Method)
}

/// The type of an object with the name of what it runs, where `name` does not say it: `coroutine Channel.until_closed at
/// ws.py:41`.
pub(crate) fn type_and_code(snapshot: &Snapshot, object: ObjectId, name: &str) -> String {
    let held = short_type(snapshot, object);
    match is_code(snapshot, object).then(|| source_of(snapshot, object)).flatten() {
        Some(source) if source.name.is_empty() => format!("{held} {}", source.behind_type()),
        Some(source) if source.name.rsplit('.').next() != Some(name) => {
            format!("{held} {} at {}:{}", source.name, file_name(&source.file), source.line)
        }
        _ => held.to_owned(),
    }
}

/// The code that most of some objects of one type run, at least half of them, and how many do.
pub(crate) fn commonest(snapshot: &Snapshot, objects: &[ObjectId]) -> Option<(Source, u64)> {
    // All are of one type: where the first runs nothing, none does.
    objects.first().and_then(|first| code_of(snapshot, *first))?;
    let mut counts = HashMap::new();
    for &object in objects {
        if let Some(code) = code_of(snapshot, object) {
            counts.entry((code.name, code.file, code.line)).or_insert((0u64, code)).0 += 1;
        }
    }
    let (count, code) = counts.into_values().max_by_key(|(count, code)| (*count, std::cmp::Reverse(code.object)))?;
    (2 * count >= objects.len() as u64).then(|| (source(snapshot, code), count))
}

impl Analysis<'_> {
    /// The objects below a node, or the node's own object, of one group of types.
    pub(crate) fn of_group(&self, parts: &[Node], node: Node, group: u32) -> Vec<ObjectId> {
        let tree = self.graph.tree();
        let below: Vec<Node> = if parts == [node] { tree.children(node).collect() } else { parts.to_vec() };
        let objects = below.into_iter().filter_map(|part| tree.object(part));
        objects.filter(|&object| self.group(object) == group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_name_says_so() {
        let source = |name: &str, file: &str, line| Source { name: name.into(), file: file.into(), line };
        assert_eq!(source("Channel.close", "/srv/ws.py", 41).in_brackets(), "Channel.close (ws.py:41)");
        assert_eq!(source("Channel.close", "", 0).in_brackets(), "Channel.close");
        assert_eq!(source("", "/srv/ws.py", 41).in_brackets(), "code without a name (ws.py:41)");
        assert_eq!(source("", "", 0).behind_type(), "without a name");
    }
}
