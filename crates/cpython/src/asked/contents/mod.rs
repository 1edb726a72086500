//! What could be held in less: a walk over all objects that reads what they hold.
//!
//! ```text
//! objects ──> leaves: a keyed hash of the content ──> classes ──> tuples, inner ones first
//!        ├──> containers: room in their tables against what their items need
//!        ├──> instances: attributes and what `__slots__` would take, added up by class
//!        ├──> long lists and tuples of numbers
//!        └──> arrays and memoryviews that look at other objects' memory
//! ```
//! The hash is SipHash-1-3 with a key made at random for each look, 127 bits of it: a target cannot make contents that
//! meet, and for 50 million objects the chance that any two unequal ones do is below 10^-22. Hashes and key go with
//! the walk: what stays is which objects are equal.

mod boxed;
mod instances;
mod leaves;
mod tables;
mod tuples;
mod views;

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use memsight_model::{
    Contents, ObjectId, ObjectKind, ObjectTable, Progress, ReadMemory, ReferenceTable, Snapshot, TypeId,
};
use siphasher::sip128::SipHasher13;

use crate::object::types::{TypeInfo, TypeTable};
use crate::rows::emit::Shared;
use crate::walk::scene::Scene;
use crate::walk::slots::{Ranks, Slots};
use crate::walk::window::Window;
use crate::walk::workers::joined;
use instances::Layouts;
use leaves::{BUCKETS, Entry};

/// What the walk looks at: the heap as decoded, with the memory behind it.
struct Heap<'a, M> {
    scene: &'a Scene<'a, M>,
    types: &'a TypeTable,
    ranks: &'a Ranks,
    objects: &'a ObjectTable,
    references: &'a ReferenceTable,
    /// What is being written in a `StringIO`: its own, and changed in place, so that nothing can be shared or saved.
    drafts: HashSet<ObjectId>,
}

/// An object on the walk.
#[derive(Clone, Copy)]
struct Here<'a> {
    id: ObjectId,
    at: memsight_model::Address,
    info: &'a TypeInfo,
}

/// What one worker found.
#[derive(Default)]
struct Found {
    leaves: Vec<Vec<Entry>>,
    tuples: Vec<ObjectId>,
    slack: Vec<memsight_model::Slack>,
    boxed: Vec<memsight_model::Boxed>,
    views: Vec<memsight_model::View>,
    layouts: Layouts,
}

/// What is said of a snapshot when not all contents were read.
pub(crate) const TOO_MUCH: &str = "strings claim more bytes than the process has memory";

/// Reads the contents of all objects; whether everything could be read within the budget. Cost: a walk over the
/// objects by all threads, 20 bytes for each string or number and 4 for each object while it lasts.
pub(crate) fn read<M: ReadMemory + Sync>(
    shared: &Shared<M>,
    snapshot: &Snapshot,
    threads: usize,
    progress: &dyn Progress,
) -> (Contents, bool) {
    let mut heap = Heap {
        scene: shared.scene,
        types: shared.types,
        ranks: shared.ranks,
        objects: &snapshot.objects,
        references: &snapshot.references,
        drafts: HashSet::new(),
    };
    heap.drafts = heap.drafts();
    let heap = &heap;
    let chunks = heap.scene.slots.chunk_count();
    progress.phase("comparing contents", Some(chunks as u64));
    let (state, next) = ((RandomState::new(), RandomState::new()), AtomicUsize::new(0));
    let hasher = SipHasher13::new_with_keys(state.0.hash_one(0u8), state.1.hash_one(1u8));
    let work = || {
        let mut walk = Walk::new(heap, hasher);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks || progress.cancelled() {
                break (walk.found, walk.budget.get() > 0);
            }
            walk.chunk(chunk);
            progress.advance(chunk as u64);
        }
    };
    let done: Vec<(Found, bool)> = parallel(threads, work);
    let whole = done.iter().all(|(_, whole)| *whole);
    (join(heap, done.into_iter().map(|(found, _)| found).collect(), hasher, threads), whole)
}

/// The same work on every thread.
fn parallel<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        joined(workers)
    })
}

/// Joins what the workers found: classes of leaves, then of tuples, in order of their first object.
fn join<M: ReadMemory + Sync>(heap: &Heap<M>, mut found: Vec<Found>, hasher: SipHasher13, threads: usize) -> Contents {
    let canon: Vec<AtomicU32> = (0..heap.objects.len() as u32).map(AtomicU32::new).collect();
    let leaves: Vec<Vec<Vec<Entry>>> = found.iter_mut().map(|part| std::mem::take(&mut part.leaves)).collect();
    let mut classes = leaves::classes(heap.objects, leaves, &canon, threads);
    let canon: Vec<u32> = canon.into_iter().map(AtomicU32::into_inner).collect();
    let tuples: Vec<ObjectId> = found.iter_mut().flat_map(|part| std::mem::take(&mut part.tuples)).collect();
    classes.append(tuples::classes(heap, &tuples, canon, &hasher));
    let mut layouts = Layouts::default();
    let (mut slack, mut boxed, mut views) = (Vec::new(), Vec::new(), Vec::new());
    for part in found {
        slack.extend(part.slack);
        boxed.extend(part.boxed);
        views.extend(part.views);
        layouts.merge(part.layouts);
    }
    slack.sort_unstable_by_key(|row| row.object);
    boxed.sort_unstable_by_key(|row| row.object);
    views.sort_unstable_by_key(|row| row.object);
    Contents { equals: classes.sorted(), slack, boxed, layouts: layouts.finish(heap), views }
}

/// A worker of the walk.
struct Walk<'a, M> {
    heap: &'a Heap<'a, M>,
    window: Window<'a, M>,
    hasher: SipHasher13,
    /// Bytes that may still be hashed: objects do not overlap, so that more than there is memory are a corrupt heap's.
    budget: Cell<u64>,
    buffer: Vec<u8>,
    found: Found,
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    fn new(heap: &'a Heap<'a, M>, hasher: SipHasher13) -> Walk<'a, M> {
        Walk {
            heap,
            window: Window::new(heap.scene.memory),
            hasher,
            budget: Cell::new(heap.scene.slots.words().saturating_mul(8).saturating_add(1 << 20)),
            buffer: Vec::new(),
            found: Found { leaves: (0..BUCKETS).map(|_| Vec::new()).collect(), ..Found::default() },
        }
    }

    /// Looks at the objects of a chunk of memory.
    fn chunk(&mut self, chunk: usize) {
        let heap = self.heap;
        let mut slots = heap.ranks.bits.ones(Slots::slots_of(chunk..chunk + 1)).peekable();
        let Some(first) = slots.peek().and_then(|slot| heap.ranks.rank(*slot)) else { return };
        for (id, slot) in (first..).map(ObjectId).zip(slots) {
            let Some(&TypeId(row)) = heap.objects.types.get(id.index()) else { return };
            // Row 0 is "unknown".
            let info = row.checked_sub(1).and_then(|row| heap.types.infos.get(row as usize));
            if let Some(info) = info {
                self.object(Here { id, at: heap.scene.slots.address(slot), info });
            }
        }
    }

    fn object(&mut self, here: Here<'a>) {
        use ObjectKind::*;
        if self.heap.drafts.contains(&here.id) {
            return;
        }
        let exact = !here.info.is_heap();
        match here.info.kind {
            Str | Bytes | Int | Float | Complex if exact => self.leaf(here),
            Tuple if exact => {
                self.tuple(here);
                self.numbers(here);
            }
            List | Dict | Set | Deque | ByteArray => {
                self.table(here);
                if here.info.kind == List && exact {
                    self.numbers(here);
                }
            }
            _ => {}
        }
        self.view(here);
        if here.info.python_class {
            self.instance(here);
        }
    }

    /// An exact tuple, unless it is half made: then some of its items are no references.
    fn tuple(&mut self, here: Here<'a>) {
        self.window.turn_to(here.at);
        let items = self.heap.items(here.id).count() as u64;
        if self.window.word(self.heap.scene.layout.length_at(here.at)).is_ok_and(|length| length == items) {
            self.found.tuples.push(here.id);
        }
    }
}

impl<M> Heap<'_, M> {
    /// Cost: one pass over the types of the objects.
    fn drafts(&self) -> HashSet<ObjectId> {
        // Row 0 is "unknown".
        let is_writer: Vec<bool> =
            std::iter::once(false).chain(self.types.infos.iter().map(|info| info.name == "_io.StringIO")).collect();
        let writers = (0..).map(ObjectId).zip(&self.objects.types);
        let writers = writers.filter(|(_, row)| is_writer.get(row.0 as usize) == Some(&true)).map(|(id, _)| id);
        let is_field = |label: memsight_model::Label| label.kind() == memsight_model::LabelKind::Field;
        let is_draft =
            |id: &ObjectId| self.info(*id).is_some_and(|info| matches!(info.kind, ObjectKind::Str | ObjectKind::List));
        let fields = writers.flat_map(|id| self.references.of(id));
        fields.filter(|(_, label)| is_field(*label)).map(|(target, _)| target).filter(is_draft).collect()
    }

    /// The items of a list or tuple.
    fn items(&self, object: ObjectId) -> impl Iterator<Item = ObjectId> + '_ {
        let is_item = |label: memsight_model::Label| label.kind() == memsight_model::LabelKind::Index;
        self.references.of(object).filter(move |(_, label)| is_item(*label)).map(|(target, _)| target)
    }

    /// What the decoder knows of the type of an object.
    fn info(&self, object: ObjectId) -> Option<&TypeInfo> {
        let TypeId(row) = *self.objects.types.get(object.index())?;
        self.types.infos.get(row.checked_sub(1)? as usize)
    }
}
