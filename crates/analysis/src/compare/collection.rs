//! What waits for the garbage collector: no growth while the collector is on.

use memsight_heap::garbage;
use memsight_model::{GcInterpreter, ObjectId, Snapshot};

use super::view::{Amount, Pending};
use crate::Analysis;

/// The oldest generation that collections by themselves come to.
const OLDEST: usize = 2;

/// What a full collection would free at one moment.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// All of it, ascending.
    freed: Vec<ObjectId>,
    amount: Amount,
}

impl Waiting {
    /// Cost: nothing where every object is reached; two passes over the references otherwise.
    pub(super) fn new(look: &Analysis<'_>) -> Waiting {
        let snapshot = look.snapshot;
        if snapshot.manifest.is_free_threaded() || look.graph.roots().unreachable().is_empty() {
            return Waiting::default();
        }
        let freed = garbage(snapshot).freed();
        let tree = look.graph.tree();
        let bytes = freed.iter().map(|id| tree.own(tree.node(*id))).sum();
        Waiting { amount: Amount { objects: freed.len() as u64, bytes }, freed }
    }

    pub(super) fn has(&self, object: ObjectId) -> bool {
        self.freed.binary_search(&object).is_ok()
    }
}

/// What both moments say of the collector; `None` for builds without its lists.
pub(super) fn pending(before: &Snapshot, then: &Waiting, after: &Snapshot, now: &Waiting) -> Option<Pending> {
    if after.manifest.is_free_threaded() {
        return None;
    }
    Some(Pending {
        then: then.amount,
        now: now.amount,
        full_collections: full_collections(after)
            .zip(full_collections(before))
            .and_then(|(now, then)| now.checked_sub(then)),
        automatic: automatic(&after.manifest.collectors),
    })
}

fn full_collections(snapshot: &Snapshot) -> Option<u64> {
    let collectors = &snapshot.manifest.collectors;
    let counts = collectors.iter().map(|gc| gc.generations.get(OLDEST).map(|generation| generation.collections));
    counts.sum::<Option<u64>>().filter(|_| !collectors.is_empty())
}

/// Whether every interpreter collects by itself: `gc.isenabled()`, and a threshold that is not 0.
fn automatic(collectors: &[GcInterpreter]) -> Option<bool> {
    let is_on = |gc: &GcInterpreter| gc.enabled && gc.generations.first().is_none_or(|young| young.threshold > 0);
    (!collectors.is_empty()).then(|| collectors.iter().all(is_on))
}
