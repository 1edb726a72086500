//! Knots of references, grouped by shape.
//!
//! The shape of a strongly connected component is the set of its links: type of the owner, name of the reference (without
//! index or key), type of what it leads to. It does not depend on the order or the number of the objects, so that rings
//! of three and of five nodes are one shape, and it is found in one pass over the references.

mod advice;
mod step;
mod words;

use std::collections::HashMap;

use memsight_heap::{Components, cycle_through, shortest};
use memsight_model::{Label, ObjectId, ObjectKind, count};

use crate::Analysis;
use crate::inventory::is_class;
use crate::words::short_type;
pub(crate) use advice::{Advice, advise};
pub use step::CycleStep;
use words::Words;

/// References of a long cycle that are spelled, at its beginning and at its end.
pub(crate) const HEAD: usize = 16;
const TAIL: usize = 8;

/// Owner's group of types, word of the reference, target's group.
type Link = (u32, u32, u32);

/// A shape of knots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The knots, by number; ascending.
    pub knots: Vec<u32>,
}

/// The cycle that stands for a shape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cycle {
    /// `Node.parent`, `list[*]`; the last one leads to the start.
    pub steps: Vec<String>,
    /// Short name of the type that it starts and ends with.
    pub start: String,
    /// What kind of object each step leads to.
    pub kinds: Vec<ObjectKind>,
    /// One with addresses.
    pub example: Vec<CycleStep>,
    /// References of a long cycle that are not spelled: those behind the first [`HEAD`].
    pub left_out: u64,
    /// Steps before these.
    before: usize,
}

impl Cycle {
    /// `Node.parent -> list[*] -> Node`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (at, step) in self.steps.iter().enumerate() {
            if at == self.before && self.left_out > 0 {
                text.push_str(&format!("({} more) -> ", count(self.left_out)));
            }
            text.push_str(&format!("{step} -> "));
        }
        text + &self.start
    }
}

/// Puts cycles into words and groups.
pub(crate) struct Knots<'a> {
    analysis: &'a Analysis<'a>,
    words: Words<'a>,
}

impl<'a> Knots<'a> {
    /// For cycles of `objects`. Cost: one pass over their references.
    pub(crate) fn new(analysis: &'a Analysis<'a>, objects: &[ObjectId]) -> Knots<'a> {
        Knots { analysis, words: Words::new(analysis, objects) }
    }

    /// The shapes of `knots` in the order of their first knots. Cost: linear in the references of the members.
    pub(crate) fn shapes(&mut self, knots: &Components) -> Vec<Shape> {
        let mut by_links: HashMap<Box<[Link]>, usize> = HashMap::new();
        let (mut shapes, mut links): (Vec<Shape>, Vec<Link>) = (Vec::new(), Vec::new());
        for (number, members) in knots.iter().enumerate() {
            self.links(members, &mut links);
            let shape = match by_links.get(&links[..]) {
                Some(&shape) => shape,
                None => {
                    by_links.insert(links.clone().into_boxed_slice(), shapes.len());
                    shapes.push(Shape::default());
                    shapes.len() - 1
                }
            };
            shapes[shape].knots.push(number as u32);
        }
        shapes
    }

    fn links(&mut self, members: &[ObjectId], links: &mut Vec<Link>) {
        links.clear();
        for &owner in members {
            let from = self.analysis.group(owner);
            for (target, label) in self.analysis.snapshot.references.of(owner) {
                if label.is_collected() && members.binary_search(&target).is_ok() {
                    links.push((from, self.words.number(owner, label), self.analysis.group(target)));
                }
            }
            // A large knot repeats itself: what it has said already goes before it takes room.
            if links.len() > 1 << 12 {
                tidy(links);
            }
        }
        tidy(links);
    }

    /// A shortest cycle inside a knot, through an instance of a class if there is one: that is what its author knows.
    pub(crate) fn cycle(&self, members: &[ObjectId]) -> Cycle {
        let snapshot = self.analysis.snapshot;
        let known = |id: &&ObjectId| snapshot.type_of(**id).is_some_and(is_class);
        let plain = |id: &&ObjectId| !self.words.is_namespace(**id);
        let start = members.iter().find(known).or_else(|| members.iter().find(plain)).or(members.first());
        let Some(&start) = start else { return Cycle::default() };
        self.spell(start, &cycle_through(snapshot, members, start))
    }

    /// The cycle that the reference from `last` back to `start` closes, through objects that `inside` accepts.
    pub(crate) fn closed_by(
        &self,
        start: ObjectId,
        (last, label): (ObjectId, Label),
        inside: impl Fn(ObjectId) -> bool,
    ) -> Cycle {
        let mut steps = Vec::new();
        if last != start {
            steps = shortest(self.analysis.snapshot, start, last, inside);
        }
        steps.push((label, start));
        self.spell(start, &steps)
    }

    fn spell(&self, start: ObjectId, cycle: &[(Label, ObjectId)]) -> Cycle {
        let left_out = cycle.len().saturating_sub(HEAD + TAIL);
        let head = if left_out > 0 { &cycle[..HEAD] } else { cycle };
        let (mut steps, mut kinds) = self.words.steps(start, head);
        let (before, mut example) = (steps.len(), self.words.example(start, head));
        if left_out > 0 {
            let (skipped, tail) = cycle.split_at(cycle.len() - TAIL);
            let from = skipped.last().map_or(start, |(_, target)| *target);
            let (more_steps, more_kinds) = self.words.steps(from, tail);
            steps.extend(more_steps);
            kinds.extend(more_kinds);
            example.extend(self.words.example(from, tail));
        }
        let start = short_type(self.analysis.snapshot, start).to_owned();
        Cycle { steps, kinds, start, example, left_out: left_out as u64, before }
    }

    /// The number of the word for a reference.
    pub(crate) fn word(&mut self, owner: ObjectId, label: Label) -> u32 {
        self.words.number(owner, label)
    }
}

fn tidy(links: &mut Vec<Link>) {
    links.sort_unstable();
    links.dedup();
}
