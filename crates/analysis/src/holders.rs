//! Who holds the objects of a group: one object, or many of some types.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use memsight_model::{ObjectId, ObjectKind, count};

use crate::Analysis;
use crate::route::{ends, words};
use crate::words::{object_kind, short, short_type};

/// Types of holders that are named.
const TYPES: usize = 2;
/// References above many holders among which one object is looked for: from tasks that wait, to a queue.
const CLIMB: usize = 8;

/// The holders of a group: of each member the one on the shortest path to it.
pub(crate) struct Holders {
    /// The one that holds at least half.
    pub(crate) one: Option<ObjectId>,
    /// Groups of types with the holders of each, the most first.
    pub(crate) types: Vec<(u32, u64)>,
    /// Where no one holds half of them, the nearest object below which more than half of them hang.
    pub(crate) above: Option<ObjectId>,
}

impl Analysis<'_> {
    /// Who holds `members`; `None` where only roots do. Cost: a few searches for each.
    pub(crate) fn holders_of(&self, members: &[ObjectId]) -> Option<Holders> {
        let paths = self.graph.paths(self.snapshot);
        let mut held: HashMap<ObjectId, usize> = HashMap::new();
        for &member in members {
            if let Some(Ok(step)) = paths.last_step(self.snapshot, self.graph.roots(), member) {
                *held.entry(step.owner).or_default() += 1;
            }
        }
        let (one, most) = held.iter().map(|(holder, held)| (*holder, *held)).max_by_key(|&(id, n)| (n, Reverse(id)))?;
        let mut types: BTreeMap<u32, u64> = BTreeMap::new();
        held.keys().for_each(|&holder| *types.entry(self.group(holder)).or_default() += 1);
        let mut types: Vec<(u32, u64)> = types.into_iter().collect();
        types.sort_by_key(|&(group, holders)| (Reverse(holders), group));
        let one = (2 * most >= members.len()).then_some(one);
        let above = if one.is_none() { self.gathered(held, members.len()) } else { None };
        Some(Holders { one, types, above })
    }

    /// The nearest object above many `held` ones, each with how many members it holds, below which more than half of all
    /// members hang on the shortest paths. What holds a program together is none: modules, classes and their variables.
    fn gathered(&self, mut held: HashMap<ObjectId, usize>, members: usize) -> Option<ObjectId> {
        let paths = self.graph.paths(self.snapshot);
        let step = |object| paths.last_step(self.snapshot, self.graph.roots(), object)?.ok();
        let is_program = |object| matches!(object_kind(self.snapshot, object), ObjectKind::Module | ObjectKind::Type);
        for _ in 0..CLIMB {
            let mut next: HashMap<ObjectId, usize> = HashMap::new();
            for (owner, count) in held.into_iter().filter_map(|(holder, count)| Some((step(holder)?.owner, count))) {
                *next.entry(owner).or_default() += count;
            }
            let one = next.iter().find(|(_, count)| 2 * **count > members).map(|(owner, _)| *owner);
            if let Some(one) = one {
                let is_dict = object_kind(self.snapshot, one) == ObjectKind::Dict;
                let is_variables = is_dict && step(one).is_some_and(|step| is_program(step.owner));
                return (!is_program(one) && !is_variables).then_some(one);
            }
            held = next;
        }
        None
    }
}

impl Holders {
    /// `app.done (list)`; `many holders: 10,500 list`, `many holders: 400 Future, below app.queue._getters (deque)`.
    pub(crate) fn words(&self, analysis: &Analysis<'_>) -> String {
        match self.one {
            Some(holder) => one(analysis, holder),
            None => format!("many holders{}", self.many(analysis)),
        }
    }

    /// `: 10,500 list, 12 dict, below app.pool (list)`.
    pub(crate) fn many(&self, analysis: &Analysis<'_>) -> String {
        let named = self.types.iter().take(TYPES);
        let named: Vec<String> = named
            .map(|&(group, holders)| format!("{} {}", count(holders), short(analysis.group_name(group))))
            .collect();
        let above = self.above.map(|above| format!(", below {}", one(analysis, above))).unwrap_or_default();
        format!(": {}{above}", named.join(", "))
    }
}

fn one(analysis: &Analysis<'_>, holder: ObjectId) -> String {
    let held = short_type(analysis.snapshot, holder);
    if let Some(name) = analysis.expression(holder) {
        return format!("{name} ({held})");
    }
    match analysis.path_to(holder) {
        Some(path) => ends(&words(analysis.snapshot, &path)),
        None => format!("{held} at {}", analysis.snapshot.objects.addresses.get(holder)),
    }
}
