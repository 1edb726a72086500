//! What `gc.collect()` would free now, computed as CPython computes it.
//!
//! Source: `deduce_unreachable` in `Modules/gcmodule.c` (3.8 to 3.12) and `Python/gc.c`: each collected object's count
//! less the references from other collected objects; who has some left is held from outside, and so is everything
//! it leads to. The rest is garbage. The permanent generation is never collected.

use std::collections::HashSet;

use memsight_model::{Label, LabelKind, NameId, ObjectFlags, ObjectId, ObjectKind, Snapshot};

/// Generation of frozen objects (`gc.freeze`).
const PERMANENT: u8 = 3;

/// What a full collection would find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Garbage {
    /// Tracked objects that no reference from outside leads to, ascending: what the collector finds unreachable.
    pub collected: Vec<ObjectId>,
    /// Objects that only those hold, such as their strings: freed with them, ascending.
    pub freed_with: Vec<ObjectId>,
    /// Those of `collected` that are freed when the collector closes a suspended generator or coroutine, before it
    /// counts: what only its frame holds. Ascending.
    pub closed: Vec<ObjectId>,
    /// Weak references from outside to garbage, with callbacks: the collector calls these. Ascending.
    pub called: Vec<ObjectId>,
    /// References to collected objects beyond their counts: of inferred types, borrowed ones of suspended frames (3.14 and
    /// later), or a count that is too low.
    pub deficits: u64,
}

impl Garbage {
    /// Everything that is freed, ascending.
    pub fn freed(&self) -> Vec<ObjectId> {
        let mut all = [&self.collected[..], &self.freed_with[..]].concat();
        all.sort_unstable();
        all
    }
}

/// Finds the garbage. Cost: two passes over the references, about 5 bytes an object.
pub fn garbage(snapshot: &Snapshot) -> Garbage {
    let mut search = Search::new(snapshot);
    let deficits = search.subtract();
    search.keep_reachable();
    let collected: Vec<ObjectId> = snapshot.objects.ids().filter(|id| search.is_garbage(*id)).collect();
    let called = called(snapshot, &search.suspect);
    drop(search);
    let mut cascade = Cascade::new(snapshot);
    cascade.close(&collected);
    let closed = cascade.freed();
    let mut cascade = Cascade::new(snapshot);
    cascade.free(&collected);
    Garbage { freed_with: cascade.freed(), collected, closed, called, deficits }
}

/// Whether a full collection looks at an object: a tracked one that is not frozen.
pub fn is_looked_at(flags: ObjectFlags) -> bool {
    flags.has(ObjectFlags::TRACKED) && flags.generation().is_some_and(|generation| generation < PERMANENT)
}

/// Live weak references with a callback whose object is garbage.
fn called(snapshot: &Snapshot, garbage: &[bool]) -> Vec<ObjectId> {
    let is_garbage = |id: ObjectId| garbage.get(id.index()).copied().unwrap_or(false);
    let weakrefs: Vec<bool> = snapshot.types.iter().map(|record| record.kind == ObjectKind::Weakref).collect();
    let is_weakref =
        |id: &ObjectId| weakrefs.get(snapshot.objects.types[id.index()].0 as usize).copied().unwrap_or(false);
    let calls = |id: &ObjectId| {
        let mut references = snapshot.references.of(*id);
        references.any(|(target, label)| label.kind() == LabelKind::Weak && is_garbage(target))
            && snapshot.references.of(*id).any(|(_, label)| is_field(snapshot, label, &["__callback__"]))
    };
    snapshot.objects.ids().filter(|id| is_weakref(id) && !is_garbage(*id) && calls(id)).collect()
}

fn is_field(snapshot: &Snapshot, label: Label, names: &[&str]) -> bool {
    label.kind() == LabelKind::Field && names.contains(&snapshot.names.get(NameId(label.payload())))
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    /// Objects that a full collection looks at and has not found alive.
    suspect: Vec<bool>,
    /// References that nobody has accounted for yet.
    unexplained: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(snapshot: &'a Snapshot) -> Search<'a> {
        let objects = &snapshot.objects;
        Search {
            snapshot,
            suspect: objects.flags.iter().map(|flags| is_looked_at(*flags)).collect(),
            unexplained: objects.ids().map(|id| objects.refcounts.get(id)).collect(),
        }
    }

    fn is_garbage(&self, id: ObjectId) -> bool {
        self.suspect.get(id.index()).copied().unwrap_or(false)
    }

    /// Takes off the references among the suspects; how many were too many.
    fn subtract(&mut self) -> u64 {
        let (snapshot, mut deficits) = (self.snapshot, 0);
        for id in snapshot.objects.ids() {
            if !self.is_garbage(id) {
                continue;
            }
            for (target, label) in snapshot.references.of(id) {
                if label.is_collected() && self.is_garbage(target) {
                    let left = &mut self.unexplained[target.index()];
                    deficits += u64::from(*left == 0);
                    *left = left.saturating_sub(1);
                }
            }
        }
        deficits
    }

    /// Clears everybody who is held from outside, and whom they hold.
    fn keep_reachable(&mut self) {
        let snapshot = self.snapshot;
        let held = |id: &ObjectId| self.is_garbage(*id) && self.unexplained[id.index()] > 0;
        let mut stack: Vec<ObjectId> = snapshot.objects.ids().filter(held).collect();
        stack.iter().for_each(|id| self.suspect[id.index()] = false);
        while let Some(id) = stack.pop() {
            for (target, label) in snapshot.references.of(id) {
                if label.is_collected() && self.is_garbage(target) {
                    self.suspect[target.index()] = false;
                    stack.push(target);
                }
            }
        }
    }
}

/// Whether a reference of a generator goes when it is closed. `outlives`: its frame object does not.
fn goes_with_frame(snapshot: &Snapshot, label: Label, outlives: bool) -> bool {
    const FRAME: [&str; 6] = ["gi_frame", "f_func", "f_locals", "exc_type", "exc_value", "exc_traceback"];
    let variable = matches!(label.kind(), LabelKind::Local | LabelKind::Stack);
    is_field(snapshot, label, &["frame_obj"]) || !outlives && (variable || is_field(snapshot, label, &FRAME))
}

/// What loses its last reference when others are freed.
struct Cascade<'a> {
    snapshot: &'a Snapshot,
    gone: Vec<bool>,
    /// References left to the objects that lost some.
    left: Vec<u32>,
    pending: Vec<ObjectId>,
    found: Vec<ObjectId>,
    /// Generators that were closed.
    closed: HashSet<ObjectId>,
}

impl<'a> Cascade<'a> {
    fn new(snapshot: &'a Snapshot) -> Cascade<'a> {
        let objects = &snapshot.objects;
        Cascade {
            snapshot,
            gone: vec![false; objects.len()],
            left: objects.ids().map(|id| objects.refcounts.get(id)).collect(),
            pending: Vec::new(),
            found: Vec::new(),
            closed: HashSet::new(),
        }
    }

    /// Frees `objects`, which do not count as found.
    fn free(&mut self, objects: &[ObjectId]) {
        objects.iter().for_each(|id| self.gone[id.index()] = true);
        self.pending.extend(objects);
        self.run();
    }

    /// Closes the suspended generators among `objects`: what their frames hold is let go.
    fn close(&mut self, objects: &[ObjectId]) {
        for &generator in objects {
            let kind = self.snapshot.type_of(generator).map(|record| record.kind);
            let flags = self.snapshot.objects.flags[generator.index()];
            let stays = flags.has(ObjectFlags::FINALIZED) || flags.has(ObjectFlags::STAYS_OPEN);
            if kind == Some(ObjectKind::Generator) && !stays {
                self.close_one(generator);
            }
        }
        self.run();
    }

    fn close_one(&mut self, generator: ObjectId) {
        self.closed.insert(generator);
        let snapshot = self.snapshot;
        let outlives = self.frame_outlives(generator);
        for (target, label) in snapshot.references.of(generator) {
            if label.is_strong() && goes_with_frame(snapshot, label, outlives) {
                self.release(target);
            }
        }
    }

    /// Whether somebody else holds the frame object of a generator: it then takes over all that the frame holds.
    fn frame_outlives(&self, generator: ObjectId) -> bool {
        let mut references = self.snapshot.references.of(generator);
        let frame = references.find(|(_, label)| is_field(self.snapshot, *label, &["frame_obj"]));
        frame.is_some_and(|(frame, _)| self.snapshot.objects.refcounts.get(frame) > 1)
    }

    fn run(&mut self) {
        let snapshot = self.snapshot;
        while let Some(id) = self.pending.pop() {
            // What went when a generator was closed does not go again with the generator.
            let closed = self.closed.contains(&id).then(|| self.frame_outlives(id));
            for (target, label) in snapshot.references.of(id).filter(|(_, label)| label.is_strong()) {
                if !closed.is_some_and(|outlives| goes_with_frame(snapshot, label, outlives)) {
                    self.release(target);
                }
            }
        }
    }

    /// Takes one reference off an object.
    fn release(&mut self, target: ObjectId) {
        let Some(false) = self.gone.get(target.index()) else { return };
        let left = &mut self.left[target.index()];
        if *left == u32::MAX {
            return; // immortal
        }
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.gone[target.index()] = true;
            self.found.push(target);
            self.pending.push(target);
        }
    }

    fn freed(mut self) -> Vec<ObjectId> {
        self.found.sort_unstable();
        self.found
    }
}
