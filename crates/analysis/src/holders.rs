//! Who holds the objects of a group: one object, or many of some types.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use memsight_model::{ObjectId, ObjectKind, RootKind, count};

use crate::Analysis;
use crate::route::{ends, words};
use crate::words::{by, object_kind, short, short_type};

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
    /// Members, and of these the ones that `one` holds, and those that only roots refer to.
    members: u64,
    by_one: u64,
    by_roots: u64,
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
        let by_roots = members.len().saturating_sub(held.values().sum()) as u64;
        let one = (2 * most >= members.len()).then_some(one);
        let above = if one.is_none() { self.gathered(held, members.len()) } else { None };
        Some(Holders { one, types, members: members.len() as u64, by_one: most as u64, by_roots, above })
    }

    /// How `members` are kept, all of them: `kept by many holders: 40 list`; `300 of them kept by unreachable cycles, 1 kept
    /// by last (Request)`. Cost: a few searches for each, and for each object on its shortest path.
    pub(crate) fn ways(&self, members: &[ObjectId]) -> String {
        let mut known = HashMap::new();
        let mut ways: BTreeMap<Option<RootKind>, Vec<ObjectId>> = BTreeMap::new();
        for &member in members {
            let way = self.way(member, &mut known).filter(|kind| nobody(*kind).is_some());
            ways.entry(way).or_default().push(member);
        }
        let mut ways: Vec<_> = ways.into_iter().collect();
        ways.sort_by_key(|(_, members)| Reverse(members.len()));
        let words = |way: Option<RootKind>, members: &[ObjectId]| match way.and_then(nobody) {
            Some(words) => words.to_owned(),
            None => match self.holders_of(members) {
                Some(holders) => by("kept", &holders.words(self)),
                None => "kept by many roots".to_owned(),
            },
        };
        match &ways[..] {
            [(way, members)] => words(*way, members),
            ways => {
                let number = |at: usize, members: &[ObjectId]| {
                    format!("{}{}", count(members.len() as u64), if at == 0 { " of them" } else { "" })
                };
                let ways = ways.iter().enumerate();
                let ways = ways.map(|(at, (way, all))| format!("{} {}", number(at, all), words(*way, all)));
                ways.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The kind of root that the shortest path to an object comes from. `known` has it of objects on the way.
    fn way(&self, object: ObjectId, known: &mut HashMap<ObjectId, RootKind>) -> Option<RootKind> {
        let paths = self.graph.paths(self.snapshot);
        let (mut here, mut way) = (object, Vec::new());
        let kind = loop {
            if let Some(&kind) = known.get(&here) {
                break kind;
            }
            way.push(here);
            match paths.last_step(self.snapshot, self.graph.roots(), here)? {
                Ok(step) => here = step.owner,
                Err(origin) => break origin.kind(self.snapshot),
            }
        };
        known.extend(way.into_iter().map(|object| (object, kind)));
        Some(kind)
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

/// What is told instead of a holder, where no part of the program is one.
fn nobody(kind: RootKind) -> Option<&'static str> {
    match kind {
        RootKind::Unreachable => Some("kept by unreachable cycles"),
        RootKind::External => Some("kept by C code"),
        RootKind::NobodyKnown => Some("held by nobody known"),
        RootKind::Interned => Some("held by the table of interned strings alone"),
        _ => None,
    }
}

impl Holders {
    /// `app.done (list)`; `many holders: 10,500 list`, `many holders: 400 Future, below app.queue._getters (deque)`.
    pub(crate) fn words(&self, analysis: &Analysis<'_>) -> String {
        match self.one {
            Some(holder) if self.by_one == self.members => one(analysis, holder),
            Some(holder) => {
                let more = self.types.iter().map(|(_, holders)| holders).sum::<u64>().saturating_sub(1);
                let more =
                    (more > 0).then(|| format!("{} other object{}", count(more), if more == 1 { "" } else { "s" }));
                let roots = (self.by_roots > 0).then(|| "roots".to_owned());
                let more: Vec<String> = more.into_iter().chain(roots).collect();
                format!(
                    "{} ({} of {}) and {}",
                    one(analysis, holder),
                    count(self.by_one),
                    count(self.members),
                    more.join(" and ")
                )
            }
            None => format!("many holders{}", self.many(analysis)),
        }
    }

    /// `: 10,500 list, 12 dict, 3 others, below app.pool (list)`.
    fn many(&self, analysis: &Analysis<'_>) -> String {
        let (named, others) = self.types.split_at(self.types.len().min(TYPES));
        let named =
            named.iter().map(|&(group, holders)| format!("{} {}", count(holders), short(analysis.group_name(group))));
        let others: u64 = others.iter().map(|(_, holders)| holders).sum();
        let others = (others > 0).then(|| format!("{} of other types", count(others)));
        let roots = (self.by_roots > 0).then(|| format!("roots ({} of {})", count(self.by_roots), count(self.members)));
        let all: Vec<String> = named.chain(others).chain(roots).collect();
        let above = self.above.map(|above| format!(", below {}", one(analysis, above))).unwrap_or_default();
        format!(": {}{above}", all.join(", "))
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
