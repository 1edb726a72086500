//! The depth-first walk from the virtual root: numbers the objects, completes the roots, and gathers what the
//! search for dominators needs about each reference while it is at hand.
//!
//! Most objects of a heap refer to nothing: strings, numbers. Such *leaves* lead nowhere, so that the search has nothing to
//! do in them, and their dominator is the nearest common ancestor of those who hold them. They get no number until all
//! else has one.

use memsight_model::{ObjectFlags, ObjectId, ObjectTable, RootKind, Snapshot};

use crate::edges::Edges;
use crate::roots::{Origin, Roots};
use crate::search::{DepthFirst, Visitor};
use crate::sources;

/// Objects in depth-first order, numbered from 1; number 0 is the virtual root, which refers to every root.
/// All columns but `places` and `late` are indexed by these numbers.
pub(crate) struct Walk {
    /// Where the walk met each object.
    pub(crate) places: Vec<Place>,
    /// The object with each number.
    pub(crate) order: Vec<u32>,
    /// Number of the parent in the tree of the search.
    pub(crate) parent: Vec<u32>,
    /// What the search for dominators has to know of the references to each number.
    pub(crate) entries: Vec<Entry>,
    /// References from larger numbers to smaller ones, chained by [`Entry::late`].
    pub(crate) late: Vec<Late>,
    /// References to leaves that were met before.
    pub(crate) shared: Vec<Shared>,
    /// The roots, completed.
    pub(crate) roots: Roots,
    /// Objects that the virtual root refers to.
    rooted: Vec<bool>,
    /// Whether leaves are told apart.
    pub(crate) has_leaves: bool,
}

/// References to one number. Beside each other, because they are read together.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The smallest number that refers to it from above: a first bound of its semidominator.
    pub(crate) semi: u32,
    /// The last of the references from larger numbers, [`Late::END`] without one. Roots need none: whatever
    /// else refers to them, the virtual root is their dominator.
    pub(crate) late: u32,
}

/// A reference from a larger number.
#[derive(Clone, Copy)]
pub(crate) struct Late {
    /// The number that refers.
    pub(crate) from: u32,
    /// The next such reference to the same number.
    pub(crate) next: u32,
}

impl Late {
    /// Ends a chain.
    pub(crate) const END: u32 = u32::MAX;
}

/// A reference to a leaf that somebody else holds, too.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    /// The number that refers.
    pub(crate) from: u32,
    /// The leaf.
    pub(crate) object: u32,
}

/// Where the walk met an object: its number, or for a leaf the number of whoever was first seen to hold it. In one word,
/// because every reference looks one up, and no cache holds them all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    /// An object that the walk has not met.
    const UNMET: Place = Place(0);
    /// A leaf that it has not met.
    const UNMET_LEAF: Place = Place(u32::MAX);
    /// Marks a leaf. Where numbers could be as large, no object is taken for one.
    const LEAF: u32 = 1 << 31;

    pub(crate) fn of_leaf(holder: u32) -> Place {
        Place(Place::LEAF | holder)
    }

    /// As one word, and back.
    pub(crate) fn word(self) -> u32 {
        self.0
    }

    pub(crate) fn of(word: u32) -> Place {
        Place(word)
    }

    /// Whether the walk has met the object.
    pub(crate) fn is_met(self) -> bool {
        self != Place::UNMET && self != Place::UNMET_LEAF
    }

    /// Who holds a leaf that was met.
    pub(crate) fn holder(self) -> Option<u32> {
        (self.0 & Place::LEAF != 0 && self != Place::UNMET_LEAF).then_some(self.0 & !Place::LEAF)
    }
}

impl Visitor for Walk {
    fn meet(&mut self, from: u32, target: u32) -> Option<u32> {
        let place = *self.places.get(target as usize)?;
        if place == Place::UNMET {
            return Some(self.visit(from, target));
        }
        if self.has_leaves && place.0 & Place::LEAF != 0 {
            self.hold(from, target, place);
            return None;
        }
        let number = place.0;
        let entry = &mut self.entries[number as usize];
        if from < number {
            entry.semi = from.min(entry.semi);
        } else if from > number && entry.semi != 0 {
            let next = std::mem::replace(&mut entry.late, self.late.len() as u32);
            self.late.push(Late { from, next });
        }
        None
    }
}

impl Walk {
    /// Walks the whole snapshot. Cost: every strong reference once.
    pub(crate) fn new(snapshot: &Snapshot) -> Walk {
        let edges = Edges::new(snapshot);
        let count = snapshot.objects.len();
        let has_leaves = count < Place::LEAF as usize;
        let unmet = |object: u32| match has_leaves && edges.range(object).is_empty() {
            true => Place::UNMET_LEAF,
            false => Place::UNMET,
        };
        let places: Vec<Place> = (0..count as u32).map(unmet).collect();
        let inner = places.iter().filter(|place| **place == Place::UNMET).count();
        let mut walk = Walk {
            places,
            has_leaves,
            order: Vec::with_capacity(inner + 1),
            parent: Vec::with_capacity(inner + 1),
            entries: Vec::with_capacity(inner + 1),
            late: Vec::new(),
            shared: Vec::new(),
            roots: Roots::new(snapshot.roots.len()),
            rooted: vec![false; count],
        };
        walk.push(0, 0, 0);
        let mut search = DepthFirst::default();
        let given = snapshot.roots.iter().map(|root| (root.object.0, root.kind == RootKind::Interned));
        let (strong, weak) = given
            .chain(edges.interned().map(|object| (object, true)))
            .partition::<Vec<_>, _>(|&(object, interned)| !interned || is_immortal(&snapshot.objects, object));
        let objects = |roots: Vec<(u32, bool)>| roots.into_iter().map(|root| root.0).collect();
        walk.reach(objects(strong), &edges, &mut search);
        walk.reach(objects(weak), &edges, &mut search);
        let external = walk.external(&snapshot.objects, &edges);
        external.iter().for_each(|&object| walk.roots.found(Origin::External, object));
        walk.reach(external, &edges, &mut search);
        let unreachable = sources::of_unreached(snapshot, &edges, &walk.places);
        unreachable.iter().for_each(|&object| walk.roots.found(Origin::Unreachable, object));
        walk.reach(unreachable, &edges, &mut search);
        walk.rooted = Vec::new();
        walk
    }

    /// The virtual root refers to those of `objects` that nothing has reached before: walks from them.
    fn reach(&mut self, mut objects: Vec<u32>, edges: &Edges<'_>, search: &mut DepthFirst) {
        objects.retain(|&object| self.places.get(object as usize).is_some_and(|place| !place.is_met()));
        for &object in &objects {
            self.rooted[object as usize] = true;
            if self.places[object as usize] == Place::UNMET_LEAF {
                self.places[object as usize] = Place::of_leaf(0);
            }
        }
        for object in objects {
            if self.places[object as usize] == Place::UNMET {
                let number = self.visit(0, object);
                search.run(edges, object, number, self);
            }
        }
    }

    /// Unreached objects that something outside the heap must hold.
    fn external(&self, objects: &ObjectTable, edges: &Edges<'_>) -> Vec<u32> {
        let mut unreached: Vec<u32> =
            (0..self.places.len() as u32).filter(|&id| !self.places[id as usize].is_met()).collect();
        if unreached.is_empty() {
            return unreached;
        }
        // Whoever refers to an unreached object is unreached itself.
        let mut found = vec![0u32; self.places.len()];
        for target in unreached.iter().flat_map(|&owner| edges.of(owner)) {
            if let Some(count) = found.get_mut(target as usize) {
                *count += 1;
            }
        }
        unreached.retain(|&object| {
            let refcount = objects.refcounts.get(ObjectId(object));
            is_immortal(objects, object) || refcount > found[object as usize]
        });
        unreached
    }

    /// Somebody holds a leaf. What the virtual root holds has no other dominator.
    fn hold(&mut self, from: u32, object: u32, place: Place) {
        match place.holder() {
            None => self.places[object as usize] = Place::of_leaf(from),
            Some(first) if first != 0 && first != from => self.shared.push(Shared { from, object }),
            Some(_) => {}
        }
    }

    fn visit(&mut self, parent: u32, object: u32) -> u32 {
        let number = self.order.len() as u32;
        self.places[object as usize] = Place(number);
        let semi = if self.rooted[object as usize] { 0 } else { parent };
        self.push(object, parent, semi);
        number
    }

    fn push(&mut self, object: u32, parent: u32, semi: u32) {
        self.order.push(object);
        self.parent.push(parent);
        self.entries.push(Entry { semi, late: Late::END });
    }
}

fn is_immortal(objects: &ObjectTable, object: u32) -> bool {
    objects.flags.get(object as usize).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL))
}
