//! The arithmetic: counts, less what is found.

use std::collections::HashSet;

use memsight_model::{Holder, HolderKind, LabelKind, ObjectFlags, ObjectId, ObjectKind, RootKind, Snapshot};

/// Counts from here on mean "never freed" in 3.11, which marks static objects so before immortality had a flag.
const HELD_FOR_GOOD: u32 = 1 << 28;

/// Every object whose count differs from what was found.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Objects whose count says nothing.
    pub left_out: u64,
    /// Objects whose count is explained whole.
    pub exact: u64,
    pub surplus: Vec<Account>,
    pub deficits: Vec<Account>,
}

/// An object's count.
#[derive(Debug)]
pub(super) struct Account {
    pub object: ObjectId,
    pub refcount: u64,
    /// References found, those that only may be counted included where the count has room for them.
    pub found: u64,
    /// What is left of the count, or missing from it.
    pub surplus: u64,
    /// Of it what no place explains.
    pub unexplained: u64,
    /// Places that may hold the rest, with how much.
    pub held: Vec<(Holder, u64)>,
    /// References to a class of C code that its instances may have left behind: extensions that mypyc or Cython have made
    /// count each instance's reference to its class, and do not give it back with the instance.
    pub left_by_instances: u64,
}

impl Account {
    /// Whether what explains it is a variable or state, not what is left on a stack.
    pub fn is_firm(&self) -> bool {
        let weak = |kind| matches!(kind, HolderKind::Stack | HolderKind::Temporary);
        !self.held.iter().any(|(holder, _)| weak(holder.kind))
    }
}

/// What is found of each object.
struct Found {
    /// References that a table tells of.
    known: Vec<u32>,
    /// References that may be counted or not: a scan of a C struct found them, or a frame of a generator has them, which
    /// may be running, and from 3.14 on borrows some.
    possible: Vec<u32>,
    permanent: Vec<bool>,
    /// Classes of C code, made at run time, whose structs no table is about.
    classes: HashSet<ObjectId>,
}

impl Audit {
    pub fn of(snapshot: &Snapshot) -> Audit {
        let found = Found::new(snapshot);
        let mut audit = Audit::default();
        for id in snapshot.objects.ids() {
            let refcount = snapshot.objects.refcounts.get(id);
            let immortal = snapshot.objects.flags.get(id.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL));
            if immortal || refcount >= HELD_FOR_GOOD || found.permanent[id.index()] {
                audit.left_out += 1;
            } else {
                audit.book(snapshot, &found, id, refcount);
            }
        }
        audit
    }

    fn book(&mut self, snapshot: &Snapshot, found: &Found, object: ObjectId, refcount: u32) {
        let classes = &found.classes;
        let (known, possible) = (found.known[object.index()], found.possible[object.index()]);
        let refcount_of = |found: u32| (u64::from(refcount), u64::from(found));
        if refcount < known {
            let (refcount, found) = refcount_of(known);
            let missing = found - refcount;
            let held = Vec::new();
            let surplus = missing;
            let unexplained = missing;
            self.deficits.push(Account { object, refcount, found, surplus, unexplained, held, left_by_instances: 0 });
            return;
        }
        let found = known.saturating_add(possible).min(refcount);
        if found == refcount {
            self.exact += 1;
            return;
        }
        let (refcount, found) = refcount_of(found);
        let surplus = refcount - found;
        let mut unexplained = surplus;
        let mut held = Vec::new();
        for holder in holders(snapshot, object).iter().filter(|holder| holder.kind != HolderKind::Counted) {
            let taken = unexplained.min(u64::from(holder.count));
            unexplained -= taken;
            if taken > 0 {
                held.push((*holder, taken));
            }
        }
        let compiled = unexplained > 0 && (classes.contains(&object) || is_compiled(snapshot, object));
        let left_by_instances = if compiled { unexplained } else { 0 };
        unexplained -= left_by_instances;
        self.surplus.push(Account { object, refcount, found, surplus, unexplained, held, left_by_instances });
    }
}

/// The holders of an object, surest first.
fn holders(snapshot: &Snapshot, object: ObjectId) -> &[Holder] {
    let first = snapshot.holders.partition_point(|holder| holder.object < object);
    let count = snapshot.holders[first..].partition_point(|holder| holder.object == object);
    &snapshot.holders[first..first + count]
}

impl Found {
    fn new(snapshot: &Snapshot) -> Found {
        let objects = snapshot.objects.len();
        let classes = snapshot.types.iter().filter(|record| record.heap && !record.exact);
        let mut found = Found {
            known: vec![0; objects],
            possible: vec![0; objects],
            permanent: vec![false; objects],
            classes: classes.filter_map(|record| record.object).collect(),
        };
        let interned = interned_tables(snapshot);
        for id in snapshot.objects.ids().filter(|id| !interned.contains(id)) {
            let kind = snapshot.type_of(id).map(|record| record.kind);
            for (target, label) in snapshot.references.of(id).filter(|(_, label)| label.is_strong()) {
                let possible = match label.kind() {
                    LabelKind::Inferred => true,
                    // What a frame object has in its variables is counted, whoever runs it (up to 3.10).
                    LabelKind::Local => kind == Some(ObjectKind::Generator),
                    LabelKind::Stack => matches!(kind, Some(ObjectKind::Generator | ObjectKind::Frame)),
                    _ => false,
                };
                let column = if possible { &mut found.possible } else { &mut found.known };
                if let Some(sum) = column.get_mut(target.index()) {
                    *sum = sum.saturating_add(1);
                }
            }
        }
        for holder in &snapshot.holders {
            let Some(sum) = found.known.get_mut(holder.object.index()) else { continue };
            match holder.kind {
                HolderKind::Counted => *sum = sum.saturating_add(holder.count),
                HolderKind::Permanent => found.permanent[holder.object.index()] = true,
                _ => {}
            }
        }
        found
    }
}

/// Whether an object is a class that mypyc or Cython have compiled: it has an attribute that says so
/// (`mypyc/codegen/emitmodule.py`, `Cython/Compiler/ModuleNode.py`), even when none of its instances lives.
fn is_compiled(snapshot: &Snapshot, object: ObjectId) -> bool {
    const MARKS: [&str; 2] = ["__mypyc_attrs__", "__pyx_vtable__"];
    let kind = |id: ObjectId| snapshot.type_of(id).map(|record| record.kind);
    let tables = snapshot.references.of(object).filter(|(table, _)| kind(*table) == Some(ObjectKind::Dict));
    let mut entries = tables.flat_map(|(table, _)| snapshot.references.of(table));
    let is_mark = |key: ObjectId| snapshot.texts.get(key).is_some_and(|text| MARKS.contains(&text));
    kind(object) == Some(ObjectKind::Type) && entries.any(|(key, label)| label.kind() == LabelKind::Key && is_mark(key))
}

/// The tables of interned strings, one an interpreter, whose references are not counted.
fn interned_tables(snapshot: &Snapshot) -> Vec<ObjectId> {
    let is_table = |id: ObjectId| snapshot.type_of(id).is_some_and(|record| record.kind == ObjectKind::Dict);
    let tables = snapshot.roots.iter().filter(|root| root.kind == RootKind::Interned && is_table(root.object));
    tables.map(|root| root.object).collect()
}
