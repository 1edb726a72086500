//! Whether what has the same address is still in the same hands.
//!
//! pymalloc hands out the address that was freed last, so that in a busy process a newcomer of the same type often stands
//! where another object stood: in other hands. What is reached from a root along references that are there at both
//! moments has kept its place; a newcomer in the very same container, at the address of what it replaced, is the one
//! mistake that is left, and costs nothing where growth is counted.

use memsight_model::{ObjectId, RootKind, Snapshot};

use super::{Link, Matching, Moments, NONE};

impl Moments<'_> {
    /// Parts the pairs that no path of references common to both moments reaches. Cost: the references of both.
    pub(super) fn part_strangers(&self, matching: &mut Matching) {
        let mut held = vec![false; self.after.objects.len()];
        let mut waiting: Vec<ObjectId> = Vec::new();
        let mut reach = |now: ObjectId, waiting: &mut Vec<ObjectId>| {
            if let Some(held) = held.get_mut(now.index()).filter(|held| !**held) {
                *held = true;
                waiting.push(now);
            }
        };
        let roots_then = rooted(self.before);
        for root in self.after.roots.iter() {
            if matching.then(root.object).is_some_and(|then| roots_then[then.index()] & bit(root.kind) != 0) {
                reach(root.object, &mut waiting);
            }
        }
        // The last owner, by object of the earlier moment, that was seen to refer to it.
        let mut owner = vec![NONE; self.before.objects.len()];
        while let Some(now) = waiting.pop() {
            let Some(then) = matching.then(now) else { continue };
            for (target, _) in self.before.references.of(then) {
                if let Some(place) = owner.get_mut(target.index()) {
                    *place = now.0;
                }
            }
            for (target, _) in self.after.references.of(now) {
                if matching.then(target).is_some_and(|was| owner[was.index()] == now.0) {
                    reach(target, &mut waiting);
                }
            }
        }
        for now in self.after.objects.ids().filter(|now| !held[now.index()]) {
            if matching.link(now) == Link::Likely {
                matching.part(now);
            }
        }
    }
}

fn bit(kind: RootKind) -> u16 {
    1 << kind as u16
}

/// The kinds of root that hold each object.
fn rooted(snapshot: &Snapshot) -> Vec<u16> {
    let mut kinds = vec![0; snapshot.objects.len()];
    for root in &snapshot.roots {
        if let Some(place) = kinds.get_mut(root.object.index()) {
            *place |= bit(root.kind);
        }
    }
    kinds
}
