//! What `gc.collect()` would free now, computed as CPython computes it.
//!
//! Source: `deduce_unreachable` in `Modules/gcmodule.c` (3.8 to 3.12) and `Python/gc.c`: each collected object's count
//! less the references from other collected objects; who has some left is held from outside, and so is everything
//! it leads to. The rest is garbage. The permanent generation is never collected.

use memsight_model::{ObjectFlags, ObjectId, Snapshot};

/// Generation of frozen objects (`gc.freeze`).
const PERMANENT: u8 = 3;

/// What a full collection would find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Garbage {
    /// Tracked objects that no reference from outside leads to, ascending: what the collector counts as collected.
    pub collected: Vec<ObjectId>,
    /// Objects that only those hold, such as their strings: freed with them, ascending.
    pub freed_with: Vec<ObjectId>,
    /// References to collected objects beyond their counts: of inferred types, borrowed ones of suspended frames (3.14 and
    /// later), or a count that is too low.
    pub deficits: u64,
}

/// Finds the garbage. Cost: two passes over the references, about 5 bytes an object.
pub fn garbage(snapshot: &Snapshot) -> Garbage {
    let mut search = Search::new(snapshot);
    let deficits = search.subtract();
    search.keep_reachable();
    let collected: Vec<ObjectId> = snapshot.objects.ids().filter(|id| search.is_garbage(*id)).collect();
    let freed_with = freed_with(snapshot, &collected);
    Garbage { collected, freed_with, deficits }
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
        let is_collected = |flags: &ObjectFlags| {
            flags.has(ObjectFlags::TRACKED) && flags.generation().is_some_and(|generation| generation < PERMANENT)
        };
        Search {
            snapshot,
            suspect: objects.flags.iter().map(is_collected).collect(),
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

/// Objects whose last reference goes with `freed`: their counts, less every strong reference of what is freed.
fn freed_with(snapshot: &Snapshot, freed: &[ObjectId]) -> Vec<ObjectId> {
    let mut gone = vec![false; snapshot.objects.len()];
    freed.iter().for_each(|id| gone[id.index()] = true);
    let mut left: std::collections::HashMap<ObjectId, u32> = Default::default();
    let (mut pending, mut found) = (freed.to_vec(), Vec::new());
    while let Some(id) = pending.pop() {
        for (target, label) in snapshot.references.of(id) {
            let Some(false) = gone.get(target.index()) else { continue };
            let count = snapshot.objects.refcounts.get(target);
            if !label.is_strong() || is_immortal(snapshot, target) {
                continue;
            }
            let left = left.entry(target).or_insert(count);
            *left = left.saturating_sub(1);
            if *left == 0 {
                gone[target.index()] = true;
                found.push(target);
                pending.push(target);
            }
        }
    }
    found.sort_unstable();
    found
}

fn is_immortal(snapshot: &Snapshot, id: ObjectId) -> bool {
    snapshot.objects.flags.get(id.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL))
}
