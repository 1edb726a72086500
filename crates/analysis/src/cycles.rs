//! Live cycles worth breaking.

use std::collections::HashMap;

use memsight_heap::{Node, cyclic_components};
use memsight_model::{Bytes, Confidence, Finding, Label, ObjectFlags, ObjectId, ObjectKind, Severity, count};
use serde::Serialize;

pub use crate::knots::CycleStep;
use crate::knots::{Advice, Cycle, HEAD, Knots, advise};
use crate::program::Data;
use crate::views::Header;
use crate::words::object_kind;
use crate::{Analysis, limit};

/// Cycles of one shape from which they are worth a look: fewer are parts of the program, made once.
pub const LEAST: u64 = 3;
/// References of a long cycle that are spelled before some are left out.
pub const SPELLED: usize = HEAD;
/// Objects between the ends of a cycle that tell shapes apart.
const DEPTH: usize = 8;

/// `cycles`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CyclesView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Cycles of one shape from which it is listed.
    pub least: u64,
    /// Distinct shapes; `cycles` may show fewer.
    pub shape_count: u64,
    /// The shapes, most bytes first.
    pub cycles: Vec<CycleRow>,
    /// The same as findings.
    pub findings: Vec<Finding>,
}

/// Cycles of one shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CycleRow {
    /// The references that close it: `Node.parent -> list[*] -> Node`.
    pub cycle: String,
    /// The same, a step each: `Node.parent`, `list[*]`.
    pub steps: Vec<String>,
    /// Cycles of this shape.
    pub count: u64,
    /// Objects on them.
    pub objects: u64,
    /// Bytes that go with them.
    pub bytes: u64,
    /// What to do, in one or two sentences.
    pub advice: String,
    /// Name of the rule behind the advice, in `docs/reference/findings.md`.
    pub rule: String,
    /// One of them.
    pub example: Vec<CycleStep>,
    /// References left out of `steps` and `example`, behind the first [`SPELLED`]: of a cycle longer than 24.
    pub left_out: u64,
}

impl CycleRow {
    pub(crate) fn new(cycle: &Cycle, count: u64, objects: u64, bytes: u64, advice: Advice) -> CycleRow {
        CycleRow {
            cycle: cycle.text(),
            steps: cycle.steps.clone(),
            count,
            objects,
            bytes,
            advice: advice.text,
            rule: advice.rule.to_owned(),
            example: cycle.example.clone(),
            left_out: cycle.left_out,
        }
    }

    fn finding(&self) -> Finding {
        let times = count(self.count);
        Finding {
            rule: self.rule.clone(),
            severity: Severity::Note,
            confidence: Confidence::Medium,
            message: format!("{times} live cycles {} wait for the collector when their owner lets go", self.cycle),
            place: self.steps.last().cloned().unwrap_or_default(),
            bytes: Some(self.bytes),
            advice: self.advice.clone(),
            evidence: vec![format!("{times} of this shape hold {} now", Bytes(self.bytes))],
        }
    }
}

impl Analysis<'_> {
    /// Cycles of live objects, those that a program makes again and again: what is on them is freed by the collector
    /// alone, not at once. Cost: linear in objects and references; about 25 bytes an object.
    pub fn cycles(&self, top: usize) -> CyclesView {
        let mut cycles = Search::new(self).run();
        let shape_count = cycles.len() as u64;
        cycles.truncate(limit(top));
        CyclesView {
            header: self.header(),
            least: LEAST,
            shape_count,
            findings: cycles.iter().map(CycleRow::finding).collect(),
            cycles,
        }
    }
}

/// What tells shapes of loops apart: the word of the reference that closes the loop, and the types on the way.
type LoopKey = (u32, Vec<u32>);

/// Loops of one shape.
struct Loops {
    /// The first of them: start, last object and reference.
    example: (ObjectId, ObjectId, Label),
    /// Their starts, ascending.
    starts: Vec<Node>,
    /// Objects on each.
    length: u64,
}

struct Search<'a> {
    analysis: &'a Analysis<'a>,
    /// What may be on a cycle worth breaking.
    objects: Vec<ObjectId>,
}

impl<'a> Search<'a> {
    fn new(analysis: &'a Analysis<'a>) -> Search<'a> {
        use ObjectKind::{Module, Type};
        let (snapshot, tree) = (analysis.snapshot, analysis.graph.tree());
        let data = Data::new(analysis);
        let garbage = memsight_heap::garbage(snapshot).collected;
        let garbage = memsight_heap::Subset::new(snapshot.objects.len(), garbage);
        let fits = |id: &ObjectId| {
            snapshot.objects.flags[id.index()].has(ObjectFlags::TRACKED)
                && !matches!(object_kind(snapshot, *id), Module | Type)
                && !data.is_program(tree.node(*id))
                && !garbage.contains(*id)
        };
        Search { analysis, objects: snapshot.objects.ids().filter(fits).collect() }
    }

    fn run(&self) -> Vec<CycleRow> {
        let mut knots = Knots::new(self.analysis, &self.objects);
        let mut rows = self.loops(&mut knots);
        rows.extend(self.tangles(&mut knots));
        rows.sort_by(|a, b| (b.bytes, b.count).cmp(&(a.bytes, a.count)).then_with(|| a.cycle.cmp(&b.cycle)));
        rows
    }

    /// Whether all ways to `owner` lead through `target`: what the reference closes is a loop that only `target` leads
    /// into. When `target` is let go, the loop is all that holds it.
    fn leads_back(&self, owner: ObjectId, target: ObjectId) -> bool {
        let tree = self.analysis.graph.tree();
        tree.dominates(tree.node(target), tree.node(owner))
    }

    /// Loops with one way in: a reference from an object back to one that dominates it.
    fn loops(&self, knots: &mut Knots<'_>) -> Vec<CycleRow> {
        let snapshot = self.analysis.snapshot;
        let inside = memsight_heap::Subset::new(snapshot.objects.len(), self.objects.iter().copied());
        let mut shapes: HashMap<LoopKey, Loops> = HashMap::new();
        for &owner in &self.objects {
            for (target, label) in snapshot.references.of(owner) {
                let closes = label.is_collected() && inside.contains(target) && self.leads_back(owner, target);
                let Some(types) = closes.then(|| self.between(owner, target)).flatten() else { continue };
                let length = types.len() as u64;
                let loops = shapes.entry((knots.word(owner, label), types)).or_insert_with(|| Loops {
                    example: (target, owner, label),
                    starts: Vec::new(),
                    length,
                });
                loops.starts.push(self.analysis.graph.tree().node(target));
            }
        }
        shapes.into_values().filter_map(|loops| self.loop_row(loops, knots, &inside)).collect()
    }

    /// Types of the objects that every way from `start` to `last` passes, the ends included; `None` when one of them is
    /// a class or a module.
    fn between(&self, last: ObjectId, start: ObjectId) -> Option<Vec<u32>> {
        let tree = self.analysis.graph.tree();
        let (mut types, mut node, end) = (Vec::new(), tree.node(last), tree.node(start));
        while types.len() < DEPTH {
            let object = tree.object(node)?;
            if matches!(object_kind(self.analysis.snapshot, object), ObjectKind::Type | ObjectKind::Module) {
                return None;
            }
            types.push(self.analysis.group(object));
            if node == end {
                break;
            }
            node = tree.parent(node);
        }
        Some(types)
    }

    fn loop_row(&self, loops: Loops, knots: &Knots<'_>, inside: &memsight_heap::Subset) -> Option<CycleRow> {
        let Loops { example: (start, last, label), mut starts, length } = loops;
        starts.sort_unstable();
        starts.dedup();
        if (starts.len() as u64) < LEAST {
            return None;
        }
        let tree = self.analysis.graph.tree();
        let below = |id: ObjectId| inside.contains(id) && tree.dominates(tree.node(start), tree.node(id));
        let cycle = knots.closed_by(start, (last, label), below);
        let (times, bytes) = (starts.len() as u64, tree.retained_by_all(starts));
        Some(CycleRow::new(&cycle, times, times * length, bytes, advise(&cycle)))
    }

    /// What is left without those references: knots that several ways lead into.
    fn tangles(&self, knots: &mut Knots<'_>) -> Vec<CycleRow> {
        let snapshot = self.analysis.snapshot;
        let components = cyclic_components(snapshot, &self.objects, |owner, target| !self.leads_back(owner, target));
        let mut rows = Vec::new();
        for shape in knots.shapes(&components).into_iter().filter(|shape| shape.knots.len() as u64 >= LEAST) {
            let members: Vec<ObjectId> =
                shape.knots.iter().flat_map(|knot| components.get(*knot as usize)).copied().collect();
            let cycle = knots.cycle(components.get(shape.knots[0] as usize));
            let (times, bytes) = (shape.knots.len() as u64, self.analysis.retained_by(&members));
            rows.push(CycleRow::new(&cycle, times, members.len() as u64, bytes, advise(&cycle)));
        }
        rows
    }
}
