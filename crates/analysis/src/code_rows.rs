//! What runs, counted by the code that it runs: functions, methods, coroutines, generators, and tasks of asyncio.

use std::collections::{BTreeMap, HashMap};

use memsight_model::{CodeRecord, NameId, ObjectId};

use crate::awaits::{commonest_wait, task_classes};
use crate::code::{CodeRow, Source, code_of, is_code, source};
use crate::{Analysis, limit};

/// Objects of one code from which on they are a row: fewer are no crowd.
pub(crate) const MANY: u64 = 10;

/// Group of types, name, file and line.
type Key = (u32, NameId, NameId, u32);

/// The objects of one type that run one code.
struct Sum<'a> {
    code: &'a CodeRecord,
    objects: Vec<ObjectId>,
    shallow: u64,
    retained: u64,
    resident: u64,
    /// End of the subtree of the last outermost one.
    covered: u32,
}

impl Sum<'_> {
    fn count(&self) -> u64 {
        self.objects.len() as u64
    }
}

impl Analysis<'_> {
    /// What runs, by its code, where there is much of one: the most retained first. Cost: one pass over the objects.
    pub(crate) fn code_rows(&self, top: usize) -> Vec<CodeRow> {
        let mut many: Vec<(Key, Sum<'_>)> =
            self.code_sums().into_iter().filter(|(_, sum)| sum.count() >= MANY).collect();
        many.sort_by_cached_key(|((group, ..), sum)| {
            let size = (sum.resident, sum.retained, sum.objects.len());
            (std::cmp::Reverse(size), source(self.snapshot, sum.code), self.group_name(*group).to_owned())
        });
        many.truncate(limit(top));
        many.into_iter().map(|((group, ..), sum)| self.code_row(group, &sum)).collect()
    }

    /// How much of each code there is, and what it retains: by type and place.
    pub(crate) fn code_counts(&self) -> BTreeMap<(String, Source), (u64, u64)> {
        let row = |((group, ..), sum): (Key, Sum<'_>)| {
            let key = (self.group_name(group).to_owned(), source(self.snapshot, sum.code));
            (key, (sum.count(), sum.retained))
        };
        self.code_sums().into_iter().map(row).collect()
    }

    fn code_sums(&self) -> HashMap<Key, Sum<'_>> {
        let (snapshot, tree) = (self.snapshot, self.graph.tree());
        let tasks = task_classes(snapshot);
        let is_task = |object: ObjectId| {
            let row = snapshot.objects.types.get(object.index());
            row.and_then(|row| tasks.get(row.0 as usize)).is_some_and(|is_task| *is_task)
        };
        let mut sums: HashMap<Key, Sum<'_>> = HashMap::new();
        for node in tree.nodes() {
            let runs = |object: &ObjectId| is_code(snapshot, *object) || is_task(*object);
            let Some(object) = tree.object(node).filter(runs) else { continue };
            let Some(code) = code_of(snapshot, object) else { continue };
            let none = Sum { code, objects: Vec::new(), shallow: 0, retained: 0, resident: 0, covered: 0 };
            let sum = sums.entry((self.group(object), code.name, code.file, code.line)).or_insert(none);
            sum.objects.push(object);
            sum.shallow += snapshot.objects.shallow.get(object);
            if node.0 >= sum.covered {
                sum.retained += tree.retained(node);
                sum.resident += tree.resident(node);
                sum.covered = tree.end(node).0;
            }
        }
        sums
    }

    fn code_row(&self, group: u32, sum: &Sum<'_>) -> CodeRow {
        let type_name = self.group_name(group).to_owned();
        let waits = waits(&type_name);
        CodeRow {
            source: source(self.snapshot, sum.code),
            count: sum.count(),
            shallow_bytes: sum.shallow,
            retained_bytes: sum.retained,
            retained_resident_bytes: sum.resident,
            share: self.share(sum.resident),
            waits_at: waits.then(|| commonest_wait(self.snapshot, &sum.objects)).flatten(),
            kept_by: waits.then(|| self.holders_of(&sum.objects).map(|holders| holders.words(self))).flatten(),
            type_name,
        }
    }
}

/// Whether objects of a type wait for others: tasks and coroutines.
pub(crate) fn waits(type_name: &str) -> bool {
    type_name == "coroutine" || type_name.ends_with("Task")
}
