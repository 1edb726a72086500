//! The objects around one object: who refers to it, and what it refers to, for a few steps.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_model::{ObjectId, Snapshot};

use crate::subset::Subset;

/// How far a neighbourhood goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// References from the centre, in each direction.
    pub depth: u32,
    /// Objects in all, beside the centre and those of the path; at most half of them lead to the centre.
    pub objects: usize,
    /// Objects on one side of one object.
    pub fan: usize,
}

/// An object of a neighbourhood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The object.
    pub object: ObjectId,
    /// References between it and the centre: below 0 on ways to the centre, above 0 on ways from it; `None` for an
    /// object of the path that no shown way leads to.
    pub distance: Option<i32>,
}

/// Objects next to one that are not shown, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Objects that refer to it.
    pub referrers: u64,
    /// Objects that it refers to.
    pub referents: u64,
}

/// The objects on ways of at most `reach.depth` references to `centre`, then those on ways from it, and those of
/// `path` in any case. Where there are more than may be shown, the largest by `weight` come first: of the neighbours
/// of one object, then of all objects at one distance. Weak references count as any other. Cost: one pass over all
/// references for each step.
pub fn neighbourhood(
    snapshot: &Snapshot,
    centre: ObjectId,
    path: &[ObjectId],
    reach: Reach,
    weight: impl Fn(ObjectId) -> u64,
) -> Vec<Neighbour> {
    let mut search = Search { snapshot, reach, weight, left: 0, found: Vec::new(), places: HashMap::new() };
    path.iter().for_each(|&object| search.place(object, None));
    search.place(centre, Some(0));
    search.left = reach.objects / 2;
    search.walk(centre, -1);
    search.left += reach.objects - reach.objects / 2;
    search.walk(centre, 1);
    search.found
}

struct Search<'s, W> {
    snapshot: &'s Snapshot,
    reach: Reach,
    weight: W,
    /// Objects that may still be added.
    left: usize,
    found: Vec<Neighbour>,
    /// Where each object stands in `found`.
    places: HashMap<ObjectId, usize>,
}

impl<W: Fn(ObjectId) -> u64> Search<'_, W> {
    /// Adds an object, or tells the distance of one of the path.
    fn place(&mut self, object: ObjectId, distance: Option<i32>) {
        let place = *self.places.entry(object).or_insert(self.found.len());
        match self.found.get_mut(place) {
            Some(neighbour) => neighbour.distance = neighbour.distance.or(distance),
            None => self.found.push(Neighbour { object, distance }),
        }
    }

    fn has_distance(&self, object: ObjectId) -> bool {
        self.places.get(&object).is_some_and(|&place| self.found[place].distance.is_some())
    }

    /// Breadth first against the references (`direction` -1) or along them (1).
    fn walk(&mut self, centre: ObjectId, direction: i32) {
        let mut level = vec![centre];
        for step in 1..=i32::try_from(self.reach.depth).unwrap_or(i32::MAX) {
            let mut next = if direction < 0 { self.referrers(&level) } else { self.referents(&level) };
            next.retain(|&object| !self.has_distance(object));
            next.sort_unstable();
            next.dedup();
            self.largest_first(&mut next, usize::MAX);
            level.clear();
            for object in next {
                if !self.places.contains_key(&object) {
                    let Some(left) = self.left.checked_sub(1) else { continue };
                    self.left = left;
                }
                self.place(object, Some(direction * step));
                level.push(object);
            }
            if level.is_empty() {
                return;
            }
        }
    }

    fn referents(&self, level: &[ObjectId]) -> Vec<ObjectId> {
        let mut all = Vec::new();
        for &owner in level {
            let mut row = targets(self.snapshot, owner);
            self.largest_first(&mut row, self.reach.fan);
            all.append(&mut row);
        }
        all
    }

    fn referrers(&self, level: &[ObjectId]) -> Vec<ObjectId> {
        let targets = Subset::new(self.snapshot.objects.len(), level.iter().copied());
        let mut rows = vec![Vec::new(); targets.len()];
        each_into(self.snapshot, &targets, |owner, rank| rows[rank].push(owner));
        rows.iter_mut().for_each(|row| self.largest_first(row, self.reach.fan));
        rows.concat()
    }

    /// The `most` largest, the largest first; equal ones by id.
    fn largest_first(&self, objects: &mut Vec<ObjectId>, most: usize) {
        let key = |object: &ObjectId| (Reverse((self.weight)(*object)), *object);
        if objects.len() > most {
            objects.select_nth_unstable_by_key(most, key);
            objects.truncate(most);
        }
        objects.sort_unstable_by_key(key);
    }
}

/// The objects that `owner` refers to, each once.
fn targets(snapshot: &Snapshot, owner: ObjectId) -> Vec<ObjectId> {
    let all = snapshot.references.of(owner).map(|(target, _)| target);
    // A file may say anything.
    let mut targets: Vec<ObjectId> = all.filter(|target| target.index() < snapshot.objects.len()).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Calls `found` with each object that refers to a member of `targets`, and the member's rank: once, however many
/// references there are.
fn each_into(snapshot: &Snapshot, targets: &Subset, mut found: impl FnMut(ObjectId, usize)) {
    let mut last = vec![None; targets.len()];
    for owner in snapshot.objects.ids() {
        for target in &snapshot.references.targets[snapshot.references.range(owner)] {
            if let Some(rank) = targets.rank(*target)
                && last[rank] != Some(owner)
            {
                last[rank] = Some(owner);
                found(owner, rank);
            }
        }
    }
}

/// How much around each of `shown` is not among them, in their order. Cost: one pass over all references.
pub fn left_out(snapshot: &Snapshot, shown: &[ObjectId]) -> Vec<LeftOut> {
    let members = Subset::new(snapshot.objects.len(), shown.iter().copied());
    let mut referrers = vec![0; members.len()];
    each_into(snapshot, &members, |owner, rank| referrers[rank] += u64::from(!members.contains(owner)));
    let around = |&object: &ObjectId| {
        let referrers = members.rank(object).map_or(0, |rank| referrers[rank]);
        let others = targets(snapshot, object).into_iter().filter(|&target| !members.contains(target));
        LeftOut { referrers, referents: others.count() as u64 }
    };
    shown.iter().map(around).collect()
}
