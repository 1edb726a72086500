//! Whether what has the same address is still in the same hands.
//!
//! pymalloc hands out the address that was freed last, so that in a busy process a newcomer of the same type often stands
//! where another object stood: in other hands. What is reached from a root along references that are there at both
//! moments has kept its place; a newcomer in the very same container, at the address of what it replaced, is the one
//! mistake that is left, and costs nothing where growth is counted.
//!
//! What C code holds, and garbage, is reached from no root at either moment: the hands are the same, nobody's that is
//! known. There an object vouches for itself, by its count of references and by what it refers to.

use std::collections::HashSet;

use memsight_model::{ObjectId, RootKind, Snapshot};

use super::{Link, Matching, Moments, NONE};

/// References of the earlier object that are looked for among those of the later one.
const SAMPLE: usize = 8;
/// References of the later object among which they are looked for.
const LOOKED_AT: usize = 4096;

/// The walk along what both moments have in common.
struct Hands<'m> {
    before: &'m Snapshot,
    after: &'m Snapshot,
    /// By object of the later moment: reached.
    held: Vec<bool>,
    waiting: Vec<ObjectId>,
    /// The last owner, by object of the earlier moment, that was seen to refer to it.
    owner: Vec<u32>,
}

impl Hands<'_> {
    fn reach(&mut self, now: ObjectId) {
        if let Some(held) = self.held.get_mut(now.index()).filter(|held| !**held) {
            *held = true;
            self.waiting.push(now);
        }
    }

    fn walk(&mut self, matching: &Matching) {
        while let Some(now) = self.waiting.pop() {
            let Some(then) = matching.then(now) else { continue };
            for (target, _) in self.before.references.of(then) {
                if let Some(place) = self.owner.get_mut(target.index()) {
                    *place = now.0;
                }
            }
            for (target, _) in self.after.references.of(now) {
                if matching.then(target).is_some_and(|was| self.owner[was.index()] == now.0) {
                    self.reach(target);
                }
            }
        }
    }
}

impl Moments<'_> {
    /// Parts the pairs that no path of references common to both moments reaches, but those that no root reaches at
    /// either moment and that vouch for themselves. Cost: the references of both, twice where there are any of these.
    pub(super) fn part_strangers(&self, matching: &mut Matching) {
        let mut hands = Hands {
            before: self.before,
            after: self.after,
            held: vec![false; self.after.objects.len()],
            waiting: Vec::new(),
            owner: vec![NONE; self.before.objects.len()],
        };
        let roots_then = rooted(self.before);
        for root in self.after.roots.iter() {
            if matching.then(root.object).is_some_and(|then| roots_then[then.index()] & bit(root.kind) != 0) {
                hands.reach(root.object);
            }
        }
        hands.walk(matching);
        self.reach_unrooted(&mut hands, matching);
        for now in self.after.objects.ids().filter(|now| !hands.held[now.index()]) {
            if matching.link(now) == Link::Likely {
                matching.part(now);
            }
        }
    }

    /// Reaches what no root leads to at either moment.
    fn reach_unrooted(&self, hands: &mut Hands<'_>, matching: &Matching) {
        let open = |hands: &Hands<'_>, now: &ObjectId| !hands.held[now.index()] && matching.link(*now) == Link::Likely;
        if !self.after.objects.ids().any(|now| open(hands, &now)) {
            return;
        }
        let (known_then, known_now) = (reachable(self.before), reachable(self.after));
        for now in self.after.objects.ids() {
            let Some(then) = matching.then(now).filter(|_| open(hands, &now)) else { continue };
            if !known_then[then.index()] && !known_now[now.index()] && self.vouches(then, now) {
                hands.reach(now);
                hands.walk(matching);
            }
        }
    }

    /// Whether two objects at one address have the same count, and the later one still most of what the earlier referred
    /// to.
    fn vouches(&self, then: ObjectId, now: ObjectId) -> bool {
        let count = |snapshot: &Snapshot, id| snapshot.objects.refcounts.get(id);
        if count(self.before, then) != count(self.after, now) {
            return false;
        }
        let targets = |snapshot: &Snapshot, id| -> Vec<_> {
            let targets = snapshot.references.of(id).take(LOOKED_AT);
            targets.map(|(target, _)| snapshot.objects.addresses.get(target)).collect()
        };
        let (old, new) = (targets(self.before, then), targets(self.after, now));
        let new: HashSet<_> = new.into_iter().collect();
        let sample = old.iter().take(SAMPLE);
        let kept = sample.clone().filter(|address| new.contains(address)).count();
        kept * 2 >= sample.len()
    }
}

/// What the roots of a snapshot lead to, along references of any kind. Cost: every reference once.
fn reachable(snapshot: &Snapshot) -> Vec<bool> {
    let mut reached = vec![false; snapshot.objects.len()];
    let mut waiting: Vec<ObjectId> = snapshot.roots.iter().map(|root| root.object).collect();
    while let Some(object) = waiting.pop() {
        if let Some(place) = reached.get_mut(object.index()).filter(|reached| !**reached) {
            *place = true;
            waiting.extend(snapshot.references.of(object).map(|(target, _)| target));
        }
    }
    reached
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
