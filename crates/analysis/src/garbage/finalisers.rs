//! What runs when garbage is collected: finalisers and the callbacks of weak references.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_heap::Garbage as Found;
use memsight_model::{Label, LabelKind, NameId, ObjectFlags, ObjectId, ObjectKind, RootKind, Snapshot};
use serde::Serialize;

use crate::Analysis;
use crate::words::{bare_key, key_of, object_kind, type_name};

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finaliser {
    /// A `__del__` of Python code: it may do anything, reviving the object included.
    Python,
    /// A finaliser of a C type, such as that of a file or a task.
    C,
    /// A suspended generator or coroutine is closed: its `finally` and `with` blocks run.
    Generator,
    /// The callback of a weak reference from outside.
    Callback,
}

/// What runs for the garbage of one type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinaliserRow {
    /// Type of the object; of the weak reference for a callback.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What runs.
    pub what: Finaliser,
    /// Objects for which it would run.
    pub count: u64,
    /// Objects for which it has run before: it does not run again.
    pub finalised: u64,
}

impl Analysis<'_> {
    /// What would run, most objects first.
    pub(super) fn finalisers(&self, found: &Found, leaving: &[ObjectId]) -> Vec<FinaliserRow> {
        let mut kinds = Kinds { snapshot: self.snapshot, of_type: HashMap::new() };
        let mut rows: HashMap<(u32, Finaliser), (u64, u64)> = HashMap::new();
        for &object in &found.collected {
            if let Some(what) = kinds.finaliser(object) {
                let (count, finalised) = rows.entry((self.group(object), what)).or_default();
                let done = self.snapshot.objects.flags[object.index()].has(ObjectFlags::FINALIZED);
                *(if done { finalised } else { count }) += 1;
            }
        }
        for weakref in found.called.iter().filter(|weakref| leaving.binary_search(weakref).is_err()) {
            rows.entry((self.group(*weakref), Finaliser::Callback)).or_default().0 += 1;
        }
        let row = |((group, what), (count, finalised))| FinaliserRow {
            type_name: self.group_name(group).to_owned(),
            what,
            count,
            finalised,
        };
        let mut rows: Vec<FinaliserRow> = rows.into_iter().map(row).collect();
        rows.sort_by(|a, b| (Reverse(a.count), a.what, &a.type_name).cmp(&(Reverse(b.count), b.what, &b.type_name)));
        rows
    }

    /// Weak references whose callbacks take them out of the table that holds them: those of `weakref.finalize`, of weak
    /// dictionaries and sets, and of `abc`. The collector counts them among what it freed.
    pub(super) fn leaving(&self, called: &[ObjectId]) -> Vec<ObjectId> {
        let tables = self.globals_of(&["weakref", "_weakrefset"]);
        let leaves = |weakref: &&ObjectId| {
            let held_once = self.snapshot.objects.refcounts.get(**weakref) == 1;
            held_once && self.field(**weakref, "__callback__").is_some_and(|callback| self.removes(callback, &tables))
        };
        called.iter().filter(leaves).copied().collect()
    }

    fn removes(&self, callback: ObjectId, tables: &[ObjectId]) -> bool {
        match object_kind(self.snapshot, callback) {
            ObjectKind::Function => {
                self.field(callback, "__globals__").is_some_and(|globals| tables.contains(&globals))
            }
            // `_abc.c` binds its callback to a weak reference to the set.
            ObjectKind::Builtin => self
                .field(callback, "__self__")
                .is_some_and(|bound| object_kind(self.snapshot, bound) == ObjectKind::Weakref),
            _ => type_name(self.snapshot, callback) == "weakref.finalize",
        }
    }

    /// The dictionaries of modules by name.
    fn globals_of(&self, modules: &[&str]) -> Vec<ObjectId> {
        let named = |name| modules.contains(&self.snapshot.names.get(name));
        let found = self.snapshot.roots.iter().filter(|root| root.kind == RootKind::Module && named(root.name));
        found.filter_map(|root| self.field(root.object, "__dict__")).collect()
    }

    fn field(&self, object: ObjectId, name: &str) -> Option<ObjectId> {
        field(self.snapshot, object, name)
    }
}

fn field(snapshot: &Snapshot, object: ObjectId, name: &str) -> Option<ObjectId> {
    let called = |label: Label| label.kind() == LabelKind::Field && snapshot.names.get(NameId(label.payload())) == name;
    snapshot.references.of(object).find(|(_, label)| called(*label)).map(|(target, _)| target)
}

/// Which types have a finaliser, found once a type.
struct Kinds<'a> {
    snapshot: &'a Snapshot,
    of_type: HashMap<u32, Option<Finaliser>>,
}

impl Kinds<'_> {
    fn finaliser(&mut self, object: ObjectId) -> Option<Finaliser> {
        let row = self.snapshot.objects.types.get(object.index())?.0;
        let snapshot = self.snapshot;
        let found = *self.of_type.entry(row).or_insert_with(|| of_type(snapshot, row));
        match found {
            // Of generators, only a suspended one is closed.
            Some(Finaliser::Generator) => is_open(snapshot, object).then_some(Finaliser::Generator),
            found => found,
        }
    }
}

/// `__del__`, as the method resolution order finds it: a C type with `tp_finalize` has one, too.
fn of_type(snapshot: &Snapshot, row: u32) -> Option<Finaliser> {
    let record = snapshot.types.get(row as usize)?;
    if record.kind == ObjectKind::Generator {
        return Some(Finaliser::Generator);
    }
    let order = field(snapshot, record.object?, "__mro__")?;
    let classes = snapshot.references.of(order).filter(|(_, label)| label.kind() == LabelKind::Index);
    let del = classes.filter_map(|(class, _)| field(snapshot, class, "__dict__")).find_map(|dict| {
        let is_del = |label: Label| label.kind() == LabelKind::Value && bare_key(snapshot, key_of(label)) == "__del__";
        snapshot.references.of(dict).find(|(_, label)| is_del(*label))
    });
    let (method, _) = del?;
    let c = type_name(snapshot, method) == "wrapper_descriptor";
    Some(if c { Finaliser::C } else { Finaliser::Python })
}

/// Whether a generator has a frame that its finaliser would close.
fn is_open(snapshot: &Snapshot, generator: ObjectId) -> bool {
    let stays = snapshot.objects.flags[generator.index()].has(ObjectFlags::STAYS_OPEN);
    let frame = field(snapshot, generator, "gi_frame").or_else(|| field(snapshot, generator, "f_code"));
    !stays && frame.is_some()
}
