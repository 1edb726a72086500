//! What meets in a module or class by chance, told apart by the variable that it hangs from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use memsight_heap::Node;
use memsight_model::{ObjectId, ObjectKind};

use super::Culprit;
use super::find::Finder;

/// More variables with objects of one type than this are no hand's work: a namespace that a program fills is a table like
/// any other, and is told as one.
const VARIABLES: usize = 100;
/// Variables told of one type in one place.
const TOLD: usize = 10;
/// Part of what makes a suspect from which on a variable is told, as all of them together make one.
const PART: u64 = 10;
/// Longest way from a variable to what hangs from it.
const CLIMB: usize = 64;

impl Finder<'_> {
    /// Whether an object is the dictionary of a module's or class's variables.
    pub(super) fn is_namespace(&self, object: ObjectId) -> bool {
        let node = self.analysis.graph.tree().node(object);
        self.kind(node) == ObjectKind::Dict && self.data.is_program(node)
    }

    /// What a module or class keeps, of types that are no suspects of their own (`taken` are): told by variable, if the large
    /// ones are most of it.
    pub(super) fn mixed(&mut self, node: Node, taken: &[(u32, u64)], rest: u64, big: &[Node]) -> bool {
        let is_taken = |group: u32| taken.iter().any(|&(known, _)| known == group);
        let worth = |part: &Node| !is_taken(self.group(*part)) && self.retained(*part) >= self.part();
        let parts: Vec<Node> = self.small(node, big).filter(worth).collect();
        let sum: u64 = parts.iter().map(|&part| self.retained(part)).sum();
        sum >= rest / 2 && self.by_variable(node, None, &parts)
    }

    /// The least that is told of a variable.
    fn part(&self) -> u64 {
        (self.least / PART).max(1)
    }

    /// A suspect for each of the variables that `parts` hang from, the largest first; whether they could be told apart.
    /// `group` is the type of the parts, if they have one.
    pub(super) fn by_variable(&mut self, node: Node, group: Option<u32>, parts: &[Node]) -> bool {
        let tree = self.analysis.graph.tree();
        let mut known = HashMap::new();
        let mut variables: BTreeMap<ObjectId, Vec<Node>> = BTreeMap::new();
        for &part in parts {
            let Some(variable) = tree.object(part).and_then(|object| self.variable(object, &mut known)) else {
                return false;
            };
            variables.entry(variable).or_default().push(part);
        }
        if variables.len() < 2 || variables.len() > VARIABLES {
            return false;
        }
        let culprit = |(variable, parts): (ObjectId, Vec<Node>)| {
            let count = if group.is_some() { parts.len() as u64 } else { 1 };
            let group = group.unwrap_or_else(|| self.group(tree.node(variable)));
            let retained = tree.retained_by_all(parts.clone());
            let node = parts.first().copied().unwrap_or(node);
            Culprit::new(node, Some(variable), (group, count), retained, parts)
        };
        let mut found: Vec<Culprit> = variables.into_iter().map(culprit).collect();
        found.retain(|culprit| culprit.retained >= self.part());
        found.sort_by_key(|culprit| (Reverse(culprit.retained), culprit.keeper));
        found.truncate(TOLD);
        self.found.extend(found);
        true
    }

    /// The object that a variable of a module or class refers to, on the shortest path to `object`. `known` has those of
    /// objects on the way.
    fn variable(&self, object: ObjectId, known: &mut HashMap<ObjectId, ObjectId>) -> Option<ObjectId> {
        let (snapshot, graph) = (self.analysis.snapshot, &self.analysis.graph);
        let paths = graph.paths(snapshot);
        let (mut here, mut way) = (object, Vec::new());
        let variable = loop {
            if let Some(&variable) = known.get(&here) {
                break variable;
            }
            let Ok(step) = paths.last_step(snapshot, graph.roots(), here)? else { break here };
            if self.data.is_program(graph.tree().node(step.owner)) {
                break here;
            }
            if way.len() == CLIMB {
                return None;
            }
            way.push(here);
            here = step.owner;
        };
        // The object itself is met once.
        known.extend(way.into_iter().skip(1).chain([here]).map(|object| (object, variable)));
        Some(variable)
    }
}
