//! Whether what has the same address is still in the same hands.
//!
//! pymalloc hands out the address that was freed last, so that in a busy process a newcomer of the same type often stands
//! where another object stood: in other hands. What is reached from a root along references that are there at both
//! moments has kept its place. Where all entries of a container are replaced by their like, a newcomer often stands where
//! another entry of it stood: the attribute or key under which it is found says so, and of items without a name what they
//! hold. A newcomer under the very same name, at the address of what it replaced, is the one mistake that is left, and
//! costs nothing where growth is counted.
//!
//! What C code holds, and garbage, is reached from no root at either moment: the hands are the same, nobody's that is
//! known. There an object vouches for itself, by its count of references and by what it refers to.

use std::collections::HashSet;

use memsight_model::{Address, ObjectId, ObjectKind, RootKind, Snapshot};

use super::place::{Places, root_key};
use super::{Link, Matching, Moments, NONE, kind};

/// References of the earlier object that are looked for among those of the later one.
const SAMPLE: usize = 8;
/// References of the later object among which they are looked for.
const LOOKED_AT: usize = 4096;

/// Roots of one name beyond which the name says nothing: temporaries of deep recursion.
const NAMED: usize = 64;

/// The walk along what both moments have in common.
struct Hands<'m, 's> {
    moments: &'m Moments<'s>,
    /// By object of the later moment: reached.
    held: Vec<bool>,
    waiting: Vec<ObjectId>,
    /// The last owner, by object of the earlier moment, that was seen to refer to it.
    owner: Vec<u32>,
}

impl<'s> Hands<'_, 's> {
    fn is_held(&self, now: ObjectId) -> bool {
        self.held.get(now.index()).copied().unwrap_or(true)
    }

    fn reach(&mut self, now: ObjectId) {
        if let Some(held) = self.held.get_mut(now.index()).filter(|held| !**held) {
            *held = true;
            self.waiting.push(now);
        }
    }

    fn walk(&mut self, matching: &Matching) {
        let Moments { before, after, .. } = *self.moments;
        while let Some(now) = self.waiting.pop() {
            let Some(then) = matching.then(now) else { continue };
            for (target, _) in before.references.of(then) {
                if let Some(place) = self.owner.get_mut(target.index()) {
                    *place = now.0;
                }
            }
            let mut places: Places<'s> = Places::of(then, now);
            for (target, label) in after.references.of(now) {
                let was = matching.then(target).filter(|was| self.owner[was.index()] == now.0);
                let Some(was) = was.filter(|_| !self.is_held(target)) else { continue };
                // Only what holds something is mistaken for another at a cost.
                let holds = matching.link(target) == Link::Likely && !before.references.range(was).is_empty();
                let mut stood = || self.moments.stood(&mut places, label, was, target, matching);
                if !holds || stood().unwrap_or_else(|| self.moments.goes_on(was, target)) {
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
            moments: self,
            held: vec![false; self.after.objects.len()],
            waiting: Vec::new(),
            owner: vec![NONE; self.before.objects.len()],
        };
        let (roots_then, named_then) = (rooted(self.before), self.named_roots());
        for root in self.after.roots.iter() {
            let then = matching.then(root.object).filter(|then| roots_then[then.index()] & bit(root.kind) != 0);
            let others = || named_then.get(&root_key(self.after, root)).filter(|all| all.len() <= NAMED);
            let others = || others().map_or(&[][..], Vec::as_slice);
            let is_another = |then: ObjectId| {
                let others = others();
                !others.contains(&then) && others.iter().any(|other| self.same_type_name(*other, root.object))
            };
            if then.is_some_and(|then| !is_another(then)) {
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
    fn reach_unrooted(&self, hands: &mut Hands<'_, '_>, matching: &Matching) {
        let open =
            |hands: &Hands<'_, '_>, now: &ObjectId| !hands.held[now.index()] && matching.link(*now) == Link::Likely;
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
        let (old, new) = (self.before.references.of(then), self.targets(now));
        self.kept(old.take(SAMPLE).map(|(target, _)| target), &new)
    }

    /// Whether a container that stands in no place of a name can be the one that was at its address: it is as long as that
    /// was, or most of the first or of the last entries are still in it.
    fn goes_on(&self, then: ObjectId, now: ObjectId) -> bool {
        use ObjectKind::{Dict, List, Set};
        let (was, is) = (self.before.references.range(then).len(), self.after.references.range(now).len());
        if !matches!(kind(self.after, now), Dict | List | Set) || was == is {
            return true;
        }
        let (old, new) = (self.before.references.of(then), self.targets(now));
        let old: Vec<ObjectId> = old.map(|(target, _)| target).collect();
        let first = old.iter().take(SAMPLE).copied();
        self.kept(first, &new) || self.kept(old.iter().rev().take(SAMPLE).copied(), &new)
    }

    /// Addresses of what an object of the later moment refers to.
    fn targets(&self, now: ObjectId) -> HashSet<Address> {
        let targets = self.after.references.of(now).take(LOOKED_AT);
        targets.map(|(target, _)| self.after.objects.addresses.get(target)).collect()
    }

    /// Whether at least half of some objects of the earlier moment stand where the later one has `new`.
    fn kept(&self, old: impl ExactSizeIterator<Item = ObjectId>, new: &HashSet<Address>) -> bool {
        let all = old.len();
        2 * old.filter(|target| new.contains(&self.before.objects.addresses.get(*target))).count() >= all
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
