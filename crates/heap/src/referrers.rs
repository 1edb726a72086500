//! Who refers to an object: found by one pass over all references, which costs a few milliseconds for millions
//! and saves keeping every reference a second time, backwards.

use memsight_model::{Label, ObjectId, Snapshot};

use crate::edges;
use crate::entries::uncounted_table;

/// Calls `found` with every reference to `object`, weak ones included, in order of the owner. Cost: one pass over all
/// references.
pub fn referrers(snapshot: &Snapshot, object: ObjectId, mut found: impl FnMut(ObjectId, Label)) {
    let table = &snapshot.references;
    for (at, (target, label)) in (0..).zip(table.targets.iter().zip(&table.labels)) {
        if *target == object {
            found(edges::owner(table, at), *label);
        }
    }
}

/// An object that refers to many of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The holder.
    pub object: ObjectId,
    /// Strong references from it to the group.
    pub references: u64,
}

/// The objects with at least `least` strong references into the group that `member` tells, the most first, then by
/// id. Cost: one pass over all references.
pub fn common_holders(snapshot: &Snapshot, least: u64, member: impl Fn(ObjectId) -> bool) -> Vec<Holder> {
    let table = &snapshot.references;
    // The table of interned strings keeps nothing alive.
    let uncounted = uncounted_table(snapshot);
    let mut holders = Vec::new();
    for object in snapshot.objects.ids() {
        // A short row cannot hold enough: most rows need no look.
        if (table.range(object).len() as u64) < least || Some(object) == uncounted {
            continue;
        }
        let is_held = |(target, label): &(ObjectId, Label)| label.is_strong() && member(*target);
        let references = table.of(object).filter(is_held).count() as u64;
        if references >= least.max(1) {
            holders.push(Holder { object, references });
        }
    }
    holders.sort_by_key(|holder| (std::cmp::Reverse(holder.references), holder.object));
    holders
}
