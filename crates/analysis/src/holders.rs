//! Who holds the objects of a group: one object, or many of some types.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use memsight_model::{ObjectId, count};

use crate::Analysis;
use crate::route::words;
use crate::words::{short, short_type};

/// Types of holders that are named.
const TYPES: usize = 2;
/// Longest path that stands for the name of an object which has none.
const WHOLE_PATH: usize = 6;

/// The holders of a group: of each member the one on the shortest path to it.
pub(crate) struct Holders {
    /// The one that holds at least half.
    pub(crate) one: Option<ObjectId>,
    /// Groups of types with the holders of each, the most first.
    pub(crate) types: Vec<(u32, u64)>,
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
        Some(Holders { one: (2 * most >= members.len()).then_some(one), types })
    }
}

impl Holders {
    /// `app.done (list)`; `many holders: 10,500 list`.
    pub(crate) fn words(&self, analysis: &Analysis<'_>) -> String {
        match self.one {
            Some(holder) => one(analysis, holder),
            None => format!("many holders: {}", self.types(analysis)),
        }
    }

    /// `10,500 list, 12 dict`.
    pub(crate) fn types(&self, analysis: &Analysis<'_>) -> String {
        let named = self.types.iter().take(TYPES);
        let named: Vec<String> = named
            .map(|&(group, holders)| format!("{} {}", count(holders), short(analysis.group_name(group))))
            .collect();
        named.join(", ")
    }
}

fn one(analysis: &Analysis<'_>, holder: ObjectId) -> String {
    let held = short_type(analysis.snapshot, holder);
    if let Some(name) = analysis.expression(holder) {
        return format!("{name} ({held})");
    }
    let path = analysis.path_to(holder).map(|path| words(analysis.snapshot, &path)).unwrap_or_default();
    match path.len() {
        1..=WHOLE_PATH => path.join(" -> "),
        _ => format!("{held} at {}", analysis.snapshot.objects.addresses.get(holder)),
    }
}
