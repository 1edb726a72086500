//! What keeps objects alive from outside the graph.

use memsight_model::{ObjectId, Root, RootKind, Snapshot};

/// The roots of a snapshot, completed so that every object is reached.
///
/// Given roots come first. An interned string is held only by those who use it (the table of interned strings does
/// not count its references: a dictionary that is a root of kind [`RootKind::Interned`] keeps nothing alive), so a
/// mortal one is a root only if nothing else reaches it. Then:
///
/// 1. objects still unreached that are immortal, or whose reference count is larger than the number of strong
///    references found to them, are [`RootKind::External`]: something that no decoder sees holds them;
/// 2. what is then still unreached is garbage: of each group of objects that reach each other and that no other
///    group reaches, one is [`RootKind::Unreachable`]; an instance of a Python class is chosen before others.
#[derive(Debug, Default, Clone)]
pub struct Roots {
    given: u32,
    external: Vec<ObjectId>,
    unreachable: Vec<ObjectId>,
}

/// A root: a row of [`Snapshot::roots`], or one that was found by completing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Row of [`Snapshot::roots`].
    Given(u32),
    /// Held from outside the Python heap.
    External,
    /// Held by nothing but its own cycle.
    Unreachable,
}

impl Origin {
    /// The row of the snapshot, for a given root.
    pub fn record(self, snapshot: &Snapshot) -> Option<&Root> {
        match self {
            Origin::Given(row) => snapshot.roots.get(row as usize),
            _ => None,
        }
    }

    /// The kind of the root.
    pub fn kind(self, snapshot: &Snapshot) -> RootKind {
        match self {
            Origin::Given(_) => self.record(snapshot).map_or(RootKind::External, |root| root.kind),
            Origin::External => RootKind::External,
            Origin::Unreachable => RootKind::Unreachable,
        }
    }
}

impl Roots {
    pub(crate) fn new(given: usize) -> Roots {
        Roots { given: given as u32, ..Default::default() }
    }

    pub(crate) fn found(&mut self, origin: Origin, object: u32) {
        match origin {
            Origin::External => self.external.push(ObjectId(object)),
            Origin::Unreachable => self.unreachable.push(ObjectId(object)),
            Origin::Given(_) => {}
        }
    }

    /// Objects held from outside the Python heap that the decoder did not name, ascending.
    pub fn external(&self) -> &[ObjectId] {
        &self.external
    }

    /// One object of each unreachable cycle.
    pub fn unreachable(&self) -> &[ObjectId] {
        &self.unreachable
    }

    /// Number of all roots: the given ones, then external, then unreachable ones.
    pub fn len(&self) -> usize {
        self.given as usize + self.external.len() + self.unreachable.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the `index`-th of all roots is.
    pub(crate) fn origin(&self, index: u32) -> Origin {
        match index.checked_sub(self.given) {
            None => Origin::Given(index),
            Some(rest) if (rest as usize) < self.external.len() => Origin::External,
            Some(_) => Origin::Unreachable,
        }
    }

    /// The found roots with their number among all roots.
    pub(crate) fn completed(&self) -> impl Iterator<Item = (u32, ObjectId)> + '_ {
        (self.given..).zip(self.external.iter().chain(&self.unreachable).copied())
    }
}
