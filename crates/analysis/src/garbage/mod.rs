//! What a full collection would free now, and the cycles that hold it.

mod finalisers;
mod hidden;
mod weights;

use std::cmp::Reverse;

use memsight_heap::{Components, Garbage as Found, cyclic_components, garbage};
use memsight_model::{GcInterpreter, LabelKind, ObjectId, RootKind};
use serde::Serialize;

use crate::cycles::CycleRow;
use crate::knots::{Knots, Shape, advise};
use crate::views::Header;
use crate::{Analysis, AnalysisError, limit};
pub use finalisers::{Finaliser, FinaliserRow};
pub use hidden::HiddenRow;
use weights::Weights;

/// `garbage`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GarbageView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// The garbage.
    pub garbage: Garbage,
    /// The collector of each interpreter; empty for a snapshot that does not tell.
    pub collectors: Vec<Collector>,
}

/// What a full collection would find.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Garbage {
    /// What `gc.collect()` would return: unreachable tracked objects, less those that are gone before it counts, with
    /// the weak references that are freed by their own callbacks.
    pub objects: u64,
    /// Shallow, external and native bytes of everything that would be freed.
    pub bytes: u64,
    /// Those of them that are in memory: RSS falls by no more.
    pub resident_bytes: u64,
    /// `objects` is certain: no code of the program runs in the collection, which may revive some of it or free more,
    /// nothing is `hidden`, and the look is not partial.
    pub certain: bool,
    /// Tracked objects that nothing outside of the garbage leads to.
    pub unreachable: u64,
    /// Those of `unreachable` that are freed when suspended generators are closed, before the collector counts.
    pub closed: u64,
    /// Objects freed with the unreachable ones that the collector does not count: strings, numbers, bytes.
    pub freed_with: u64,
    /// Weak references from outside whose callbacks the collector calls.
    pub callbacks: u64,
    /// Those of `callbacks` that take themselves out of the table that holds them, and so are counted as freed.
    pub callbacks_freed: u64,
    /// Distinct types; `types` may show fewer.
    pub type_count: u64,
    /// What would be freed by type, most bytes first.
    pub types: Vec<GarbageType>,
    /// Strongly connected components.
    pub knots: u64,
    /// Distinct shapes of them; `cycles` may show fewer.
    pub shape_count: u64,
    /// The shapes of cycles, most bytes first.
    pub cycles: Vec<CycleRow>,
    /// What runs when it is collected, by type.
    pub finalisers: Vec<FinaliserRow>,
    /// Objects in `gc.garbage`: found to be garbage before, and kept.
    pub uncollectable: u64,
    /// Bytes that these retain.
    pub uncollectable_bytes: u64,
    /// References to unreachable objects beyond their counts: what is inferred, not known.
    pub deficits: u64,
    /// Objects of C types that may be garbage as well: nobody known holds what leads to them, and what their own C memory
    /// refers to is not known. By type, most objects first.
    pub hidden: Vec<HiddenRow>,
    /// Objects that nothing leads to and that no collection frees: in cycles through types that do not tell the collector
    /// what they hold, such as arrays of objects of numpy, and what hangs from these.
    pub stuck: u64,
    /// Shallow, external and native bytes of these.
    pub stuck_bytes: u64,
}

/// Garbage of one type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GarbageType {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Those that `gc.collect()` would count.
    pub count: u64,
    /// Those that would be freed and not counted.
    pub freed_with: u64,
    /// Shallow and external bytes of both.
    pub bytes: u64,
}

/// The state of a collector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collector {
    /// Interpreter id, 0 for the main one.
    pub interpreter: i64,
    /// `gc.isenabled()`: collections happen by themselves.
    pub enabled: bool,
    /// `gc.DEBUG_SAVEALL` is set: what is found goes to `gc.garbage` instead of being freed.
    pub saves_all: bool,
    /// `gc.get_freeze_count()`: objects that no collection looks at; `None` when they could not be counted.
    pub frozen: Option<u64>,
    /// Of them, immortal ones: the interpreter puts these there itself (3.12).
    pub frozen_immortal: Option<u64>,
    /// `len(gc.garbage)`; `None` when it could not be read.
    pub garbage: Option<u64>,
}

impl Collector {
    fn of(gc: &GcInterpreter) -> Collector {
        Collector {
            interpreter: gc.id,
            enabled: gc.enabled,
            saves_all: gc.debug & GcInterpreter::DEBUG_SAVEALL != 0,
            frozen: gc.permanent,
            frozen_immortal: gc.permanent_immortal,
            garbage: gc.garbage,
        }
    }
}

impl Analysis<'_> {
    /// What the collector would free, who holds it, and what runs then. Cost: linear in objects and references, about
    /// 6 bytes an object and 50 for each that is garbage.
    ///
    /// # Errors
    /// [`AnalysisError::FreeThreaded`] for a build without the GIL: nothing leads to garbage there, the collector's lists
    /// neither.
    pub fn garbage(&self, top: usize) -> Result<GarbageView, AnalysisError> {
        if self.snapshot.manifest.is_free_threaded() {
            let what = "objects that nothing reaches are not found there, and garbage is nothing else";
            return Err(AnalysisError::FreeThreaded { python: self.snapshot.manifest.python.clone(), what });
        }
        let found = garbage(self.snapshot);
        Ok(GarbageView {
            header: self.header(),
            garbage: self.explain(&found, limit(top)),
            collectors: self.snapshot.manifest.collectors.iter().map(Collector::of).collect(),
        })
    }

    fn explain(&self, found: &Found, top: usize) -> Garbage {
        let leaving = self.leaving(&found.called);
        let (finalisers, unseen) = (self.finalisers(found, &leaving), self.unseen(found));
        let mut types = self.garbage_types(found, &leaving);
        let (type_count, bytes) = (types.len() as u64, types.iter().map(|row| row.bytes).sum());
        let objects = types.iter().map(|row| row.count).sum();
        types.truncate(top);
        let components = cyclic_components(self.snapshot, &found.collected, |_, _| true);
        let (cycles, shape_count) = self.garbage_cycles(found, &components, top);
        let kept = self.uncollectable();
        Garbage {
            objects,
            bytes,
            resident_bytes: bytes - self.untouched(found).min(bytes),
            certain: self.snapshot.manifest.partial.is_empty()
                && unseen.hidden.is_empty()
                && finalisers.iter().all(|row| row.what == Finaliser::C),
            unreachable: found.collected.len() as u64,
            closed: found.closed.len() as u64,
            freed_with: found.freed_with.len() as u64,
            callbacks: found.called.len() as u64,
            callbacks_freed: leaving.len() as u64,
            type_count,
            types,
            knots: components.len() as u64,
            shape_count,
            cycles,
            finalisers,
            uncollectable: kept.len() as u64,
            uncollectable_bytes: self.retained_by(&kept),
            deficits: found.deficits,
            hidden: unseen.hidden,
            stuck: unseen.stuck,
            stuck_bytes: unseen.stuck_bytes,
        }
    }

    /// Bytes of everything freed that are not in memory.
    fn untouched(&self, found: &Found) -> u64 {
        let is_freed =
            |id: &ObjectId| found.collected.binary_search(id).is_ok() || found.freed_with.binary_search(id).is_ok();
        let untouched = &self.snapshot.objects.untouched.0;
        untouched.iter().filter(|(id, _)| is_freed(id)).fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// Everything freed by type, most bytes first.
    fn garbage_types(&self, found: &Found, leaving: &[ObjectId]) -> Vec<GarbageType> {
        let mut counters = vec![(0u64, 0u64, 0u64); self.group_count()];
        let mut count = |id: ObjectId, counted: bool| {
            let (counts, others, bytes) = &mut counters[self.group(id) as usize];
            *(if counted { counts } else { others }) += 1;
            *bytes = bytes.saturating_add(self.own_bytes(id));
        };
        let is_closed = |id: &ObjectId| found.closed.binary_search(id).is_ok();
        found.collected.iter().for_each(|id| count(*id, !is_closed(id)));
        found.freed_with.iter().for_each(|id| count(*id, false));
        leaving.iter().for_each(|id| count(*id, true));
        let used = (0..).zip(counters).filter(|(_, (counts, others, _))| counts + others > 0);
        let row = |(group, (count, freed_with, bytes))| GarbageType {
            type_name: self.group_name(group).to_owned(),
            count,
            freed_with,
            bytes,
        };
        let mut rows: Vec<GarbageType> = used.map(row).collect();
        rows.sort_by(|a, b| (b.bytes, b.count).cmp(&(a.bytes, a.count)).then_with(|| a.type_name.cmp(&b.type_name)));
        rows
    }

    /// The heaviest shapes of cycles with what goes with each, and how many shapes there are.
    fn garbage_cycles(&self, found: &Found, components: &Components, top: usize) -> (Vec<CycleRow>, u64) {
        let weights = Weights::new(self, &found.freed(), components);
        let mut knots = Knots::new(self, &found.collected);
        let mut shapes: Vec<(Shape, u64)> = knots
            .shapes(components)
            .into_iter()
            .map(|shape| {
                let bytes = shape.knots.iter().map(|knot| weights.bytes(*knot)).sum();
                (shape, bytes)
            })
            .collect();
        shapes.sort_by_key(|(shape, bytes)| (Reverse(*bytes), shape.knots[0]));
        let count = shapes.len() as u64;
        shapes.truncate(top);
        let row = |(shape, bytes): (Shape, u64)| {
            let cycle = knots.cycle(components.get(shape.knots[0] as usize));
            let objects = shape.knots.iter().map(|knot| components.get(*knot as usize).len() as u64).sum();
            CycleRow::new(&cycle, shape.knots.len() as u64, objects, bytes, advise(&cycle))
        };
        (shapes.into_iter().map(row).collect(), count)
    }

    /// The objects in `gc.garbage`.
    fn uncollectable(&self) -> Vec<ObjectId> {
        let named = |name| self.snapshot.names.get(name) == "gc.garbage";
        let lists = self.snapshot.roots.iter().filter(|root| root.kind == RootKind::Interpreter && named(root.name));
        let items = lists.flat_map(|root| self.snapshot.references.of(root.object));
        items.filter(|(_, label)| label.kind() == LabelKind::Index).map(|(item, _)| item).collect()
    }

    /// Bytes that objects retain together.
    pub(crate) fn retained_by(&self, objects: &[ObjectId]) -> u64 {
        let tree = self.graph.tree();
        tree.retained_by_all(objects.iter().map(|id| tree.node(*id)).collect())
    }

    /// Shallow and external bytes of an object.
    fn own_bytes(&self, id: ObjectId) -> u64 {
        self.graph.tree().own(self.graph.tree().node(id))
    }
}
