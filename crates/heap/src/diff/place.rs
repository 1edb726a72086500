//! Pairs by place: the same attribute, variable, key or tuple item of two objects that are a pair already.

use std::collections::HashMap;

use memsight_model::{Address, Label, LabelKind, NameId, ObjectId, ObjectKind, Root, RootKind, Snapshot, TypeId};

use super::{Link, Matching, Moments, NONE, kind};

/// What names and types of two snapshots have in common.
pub(super) struct Common {
    /// By name of the earlier snapshot: the same name in the later one.
    names: Vec<u32>,
    /// By type of the earlier snapshot: the first type of that name in the later one.
    types_then: Vec<u32>,
    /// By type of the later snapshot: the first type of that name there.
    types_now: Vec<u32>,
    /// By type of the earlier snapshot: the very type object in the later one.
    same: Vec<u32>,
}

/// Looks keep the first 40 characters of a key: longer texts, with their quotes, may be the beginning of several.
const WHOLE: usize = 41;

/// Where a container keeps something, told without ids of its own snapshot.
#[derive(PartialEq, Eq, Hash)]
enum Place<'s> {
    /// Kind of label and name in the later snapshot.
    Name(u8, u32),
    /// Text of a dictionary's key.
    Text(&'s str),
    /// A key without a text, in the later snapshot.
    Key(u32),
    /// Item of a tuple.
    Item(u32),
}

/// What an owner held at the earlier moment, by place, found out when it is asked for.
pub(super) struct Places<'s> {
    then: ObjectId,
    now: ObjectId,
    held: Option<HashMap<Place<'s>, ObjectId>>,
}

impl Places<'_> {
    /// Of an owner, as it was and is.
    pub(super) fn of(then: ObjectId, now: ObjectId) -> Self {
        Places { then, now, held: None }
    }
}

impl Common {
    pub(super) fn new(before: &Snapshot, after: &Snapshot) -> Common {
        let ids: HashMap<&str, u32> = after.names.iter().zip(0..).collect();
        let mut first: HashMap<&str, u32> = HashMap::new();
        let mut exact: HashMap<(&str, Address), u32> = HashMap::new();
        for (row, record) in (0..).zip(&after.types) {
            first.entry(&record.name).or_insert(row);
            exact.insert((&record.name, record.address), row);
        }
        let find = |found: Option<&u32>| found.copied().unwrap_or(NONE);
        Common {
            names: before.names.iter().map(|name| find(ids.get(name))).collect(),
            types_then: before.types.iter().map(|record| find(first.get(record.name.as_str()))).collect(),
            types_now: after.types.iter().map(|record| find(first.get(record.name.as_str()))).collect(),
            same: before.types.iter().map(|record| find(exact.get(&(record.name.as_str(), record.address)))).collect(),
        }
    }

    /// Whether two objects have the very same type object.
    pub(super) fn same_type_object(&self, before: &Snapshot, then: ObjectId, after: &Snapshot, now: ObjectId) -> bool {
        let (then, now) = (row(before, then), row(after, now));
        self.same.get(then.0 as usize).is_some_and(|&same| same == now.0)
    }

    /// Whether the types of two objects have one name.
    fn same_type_name(&self, then: TypeId, now: TypeId) -> bool {
        match (self.types_then.get(then.0 as usize), self.types_now.get(now.0 as usize)) {
            (Some(then), Some(now)) => then == now && *then != NONE,
            _ => false,
        }
    }
}

fn row(snapshot: &Snapshot, object: ObjectId) -> TypeId {
    snapshot.objects.types.get(object.index()).copied().unwrap_or(TypeId(NONE))
}

impl<'s> Moments<'s> {
    /// Pairs what is left on both sides, from roots of the same name and from all pairs on.
    pub(super) fn follow_places(&self, matching: &mut Matching) {
        let mut fresh: Vec<(ObjectId, ObjectId)> = Vec::new();
        self.pair_roots(matching, &mut fresh);
        for now in self.after.objects.ids() {
            if let Some(then) = matching.then(now).filter(|_| matching.link(now) != Link::Place) {
                self.follow(then, now, matching, &mut fresh);
            }
            while let Some((then, now)) = fresh.pop() {
                self.follow(then, now, matching, &mut fresh);
            }
        }
    }

    /// Whether `was` stood in the place where its pair by address stands now: not if another object of its type did. `None`
    /// where the place has no name, or was none of its type. Cost: once the references of the owner as it was.
    pub(super) fn stood(
        &self,
        places: &mut Places<'s>,
        label: Label,
        was: ObjectId,
        now: ObjectId,
        matching: &Matching,
    ) -> Option<bool> {
        let place = self.place_now(places.now, label, matching)?;
        let then = places.then;
        let held = places.held.get_or_insert_with(|| {
            let strong = self.before.references.of(then).filter(|(_, label)| label.is_strong());
            strong.filter_map(|(target, label)| Some((self.place_then(then, label, matching)?, target))).collect()
        });
        let stood = *held.get(&place)?;
        (stood == was || self.same_type_name(stood, now)).then_some(stood == was)
    }

    pub(super) fn same_type_name(&self, then: ObjectId, now: ObjectId) -> bool {
        self.common.same_type_name(row(self.before, then), row(self.after, now))
    }

    /// What roots of a name held at the earlier moment.
    pub(super) fn named_roots(&self) -> HashMap<(RootKind, &'s str, &'s str), Vec<ObjectId>> {
        let mut named: HashMap<_, Vec<ObjectId>> = HashMap::new();
        for root in self.before.roots.iter().filter(|root| !self.before.names.get(root.name).is_empty()) {
            named.entry(root_key(self.before, root)).or_default().push(root.object);
        }
        named
    }

    fn pair_roots(&self, matching: &mut Matching, fresh: &mut Vec<(ObjectId, ObjectId)>) {
        let mut old: HashMap<(RootKind, &str, &str), ObjectId> = HashMap::new();
        let keyed =
            |snapshot: &'s Snapshot| snapshot.roots.iter().map(move |root| (root_key(snapshot, root), root.object));
        for (key, object) in keyed(self.before) {
            old.entry(key).or_insert(object);
        }
        for (key, now) in keyed(self.after) {
            if let Some(then) = old.remove(&key) {
                self.pair_place(then, now, matching, fresh);
            }
        }
    }

    /// Pairs what two counterparts hold in the same places.
    fn follow(&self, then: ObjectId, now: ObjectId, matching: &mut Matching, fresh: &mut Vec<(ObjectId, ObjectId)>) {
        let strong = |snapshot: &'s Snapshot, id| {
            snapshot.references.of(id).filter(|(_, label): &(ObjectId, Label)| label.is_strong())
        };
        if strong(self.after, now).all(|(target, _)| matching.then(target).is_some()) {
            return;
        }
        let left = strong(self.before, then).filter(|(target, _)| matching.now(*target).is_none());
        let old: HashMap<Place<'s>, ObjectId> =
            left.filter_map(|(target, label)| Some((self.place_then(then, label, matching)?, target))).collect();
        if old.is_empty() {
            return;
        }
        for (target, label) in strong(self.after, now) {
            let Some(place) = self.place_now(now, label, matching) else { continue };
            if let Some(&before) = old.get(&place) {
                self.pair_place(before, target, matching, fresh);
            }
        }
    }

    fn pair_place(
        &self,
        then: ObjectId,
        now: ObjectId,
        matching: &mut Matching,
        fresh: &mut Vec<(ObjectId, ObjectId)>,
    ) {
        let known = now.index() < self.after.objects.len() && then.index() < self.before.objects.len();
        let free = known && matching.then(now).is_none() && matching.now(then).is_none();
        if free && self.same_type_name(then, now) {
            matching.pair(then, now, Link::Place);
            fresh.push((then, now));
        }
    }

    fn place_then(&self, owner: ObjectId, label: Label, matching: &Matching) -> Option<Place<'s>> {
        let name = |id: u32| self.common.names.get(id as usize).copied().filter(|&id| id != NONE);
        place(self.before, owner, label, name, |key| matching.now(key))
    }

    fn place_now(&self, owner: ObjectId, label: Label, matching: &Matching) -> Option<Place<'s>> {
        place(self.after, owner, label, Some, |key| matching.then(key).map(|_| key))
    }

    /// What the counterpart of an owner held where the owner now holds something; `None` for a place that was not there
    /// or that has no name. Cost: the references of the counterpart.
    pub fn held_then(&self, matching: &Matching, now: ObjectId, label: Label) -> Option<ObjectId> {
        let then = matching.then(now)?;
        let place = self.place_now(now, label, matching)?;
        let mut row = self.before.references.of(then);
        row.find(|(_, old)| self.place_then(then, *old, matching).as_ref() == Some(&place)).map(|(target, _)| target)
    }
}

/// What a root is called at both moments.
pub(super) fn root_key<'s>(snapshot: &'s Snapshot, root: &Root) -> (RootKind, &'s str, &'s str) {
    let frame = root.frame.and_then(|row| snapshot.frames.get(row as usize));
    (root.kind, snapshot.names.get(root.name), frame.map_or("", |frame| frame.function.as_str()))
}

fn place<'s>(
    snapshot: &'s Snapshot,
    owner: ObjectId,
    label: Label,
    name: impl Fn(u32) -> Option<u32>,
    counterpart: impl Fn(ObjectId) -> Option<ObjectId>,
) -> Option<Place<'s>> {
    use LabelKind::*;
    match label.kind() {
        Field | Attribute | Local | Cell => {
            let named = !snapshot.names.get(NameId(label.payload())).is_empty();
            name(label.payload()).filter(|_| named).map(|id| Place::Name(label.kind() as u8, id))
        }
        Value => {
            let key = ObjectId(label.payload());
            let object = || counterpart(key).map(|key| Place::Key(key.0));
            let whole = snapshot.texts.get(key).filter(|text| text.chars().nth(WHOLE).is_none());
            whole.map(Place::Text).or_else(object)
        }
        Index if kind(snapshot, owner) == ObjectKind::Tuple => Some(Place::Item(label.payload())),
        _ => None,
    }
}
