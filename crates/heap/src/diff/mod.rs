//! Two snapshots beside each other: which objects are the same, and which stand in the place of another.
//!
//! Objects of one process are the same when they have the same address and type and nothing speaks against it. An
//! address that was freed can be taken again by an object of the same type and size, so that each match says what it
//! rests on ([`Link`]). What is then left on both sides is paired by place: the same attribute, variable or key of two
//! objects that are already paired. Such a pair is not one object but a value and its successor; in two runs of a
//! program it is all there is.

mod held;
mod join;
mod place;

use memsight_model::{ObjectId, ObjectKind, Snapshot};

use place::Common;

const NONE: u32 = u32::MAX;

/// What a pair of objects rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Link {
    /// No counterpart.
    #[default]
    None,
    /// Same address, type and size, in the same hands, and nothing that speaks against it.
    Likely,
    /// Its content is the same too, or it never dies.
    Confirmed,
    /// Not the same object, but one of its type in the same place.
    Place,
}

/// How many pairs rest on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// [`Link::Likely`].
    pub likely: u64,
    /// [`Link::Confirmed`].
    pub confirmed: u64,
    /// [`Link::Place`].
    pub placed: u64,
    /// Addresses held at both moments by objects that cannot be the same: type, size, content or age differ.
    pub reused: u64,
    /// Same address, type and size, but in other hands: moved, or another object.
    pub elsewhere: u64,
}

/// Two snapshots whose names and types are known to each other.
pub struct Moments<'s> {
    before: &'s Snapshot,
    after: &'s Snapshot,
    common: Common,
}

/// The pairs of two snapshots. 9 bytes an object.
#[derive(Debug)]
pub struct Matching {
    /// By object of the later snapshot.
    then: Vec<u32>,
    links: Vec<Link>,
    /// By object of the earlier snapshot.
    now: Vec<u32>,
    /// What the pairs rest on.
    pub evidence: Evidence,
}

impl<'s> Moments<'s> {
    /// Cost: linear in names and types.
    pub fn new(before: &'s Snapshot, after: &'s Snapshot) -> Moments<'s> {
        Moments { before, after, common: Common::new(before, after) }
    }

    /// Pairs the objects of two looks at one process. Cost: one pass over both address columns, three over the references
    /// of what has a counterpart.
    pub fn by_address(&self) -> Matching {
        let mut matching = Matching::none(self);
        self.join(&mut matching);
        self.part_strangers(&mut matching);
        self.follow_places(&mut matching);
        matching
    }

    /// Pairs the objects of two runs of one program: from roots of the same name on, along attributes, variables and
    /// keys. Cost: one pass over the references.
    pub fn by_place(&self) -> Matching {
        let mut matching = Matching::none(self);
        self.follow_places(&mut matching);
        matching
    }
}

impl Matching {
    fn none(moments: &Moments<'_>) -> Matching {
        let (before, after) = (moments.before.objects.len(), moments.after.objects.len());
        Matching {
            then: vec![NONE; after],
            links: vec![Link::None; after],
            now: vec![NONE; before],
            evidence: Evidence::default(),
        }
    }

    fn pair(&mut self, then: ObjectId, now: ObjectId, link: Link) {
        self.then[now.index()] = then.0;
        self.links[now.index()] = link;
        self.now[then.index()] = now.0;
        match link {
            Link::Likely => self.evidence.likely += 1,
            Link::Confirmed => self.evidence.confirmed += 1,
            Link::Place => self.evidence.placed += 1,
            Link::None => {}
        }
    }

    /// Takes a likely pair back.
    fn part(&mut self, now: ObjectId) {
        if let Some(then) = self.then(now) {
            self.now[then.index()] = NONE;
            self.then[now.index()] = NONE;
            self.links[now.index()] = Link::None;
            self.evidence.likely = self.evidence.likely.saturating_sub(1);
            self.evidence.elsewhere += 1;
        }
    }

    /// The counterpart in the earlier snapshot of an object of the later one.
    pub fn then(&self, now: ObjectId) -> Option<ObjectId> {
        self.then.get(now.index()).filter(|&&id| id != NONE).map(|&id| ObjectId(id))
    }

    /// The counterpart in the later snapshot of an object of the earlier one.
    pub fn now(&self, then: ObjectId) -> Option<ObjectId> {
        self.now.get(then.index()).filter(|&&id| id != NONE).map(|&id| ObjectId(id))
    }

    /// What the pair of an object of the later snapshot rests on.
    pub fn link(&self, now: ObjectId) -> Link {
        self.links.get(now.index()).copied().unwrap_or_default()
    }
}

fn kind(snapshot: &Snapshot, object: ObjectId) -> ObjectKind {
    snapshot.type_of(object).map_or(ObjectKind::Other, |record| record.kind)
}
