//! The depth-first walk from the virtual root: numbers the objects, completes the roots, and gathers what the
//! search for dominators needs about each reference while it is at hand.

use memsight_model::{ObjectFlags, ObjectId, ObjectTable, RootKind, Snapshot};

use crate::edges::Edges;
use crate::roots::{Origin, Roots};
use crate::search::{DepthFirst, Visitor};
use crate::sources;

/// Objects in depth-first order, numbered from 1; number 0 is the virtual root, which refers to every root.
/// All columns but `number` and `late` are indexed by these numbers.
pub(crate) struct Walk {
    /// Number of each object, 0 while unreached; indexed by object.
    number: Vec<u32>,
    /// The object with each number.
    pub(crate) order: Vec<u32>,
    /// Number of the parent in the tree of the search.
    pub(crate) parent: Vec<u32>,
    /// What the search for dominators has to know of the references to each number.
    pub(crate) entries: Vec<Entry>,
    /// References from larger numbers to smaller ones, chained by [`Entry::late`].
    pub(crate) late: Vec<Late>,
    /// The roots, completed.
    pub(crate) roots: Roots,
    /// Objects that the virtual root refers to.
    rooted: Vec<bool>,
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

impl Visitor for Walk {
    fn meet(&mut self, from: u32, target: u32) -> Option<u32> {
        let number = *self.number.get(target as usize)?;
        if number == 0 {
            return Some(self.visit(from, target));
        }
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
        let mut walk = Walk {
            number: vec![0; count],
            order: Vec::with_capacity(count + 1),
            parent: Vec::with_capacity(count + 1),
            entries: Vec::with_capacity(count + 1),
            late: Vec::new(),
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
        let unreachable = sources::of_unreached(snapshot, &edges, &walk.number);
        unreachable.iter().for_each(|&object| walk.roots.found(Origin::Unreachable, object));
        walk.reach(unreachable, &edges, &mut search);
        walk.number = Vec::new();
        walk.rooted = Vec::new();
        walk
    }

    /// The virtual root refers to those of `objects` that nothing has reached before: walks from them.
    fn reach(&mut self, mut objects: Vec<u32>, edges: &Edges<'_>, search: &mut DepthFirst) {
        objects.retain(|&object| self.number.get(object as usize) == Some(&0));
        for &object in &objects {
            self.rooted[object as usize] = true;
        }
        for object in objects {
            if self.number[object as usize] == 0 {
                let number = self.visit(0, object);
                search.run(edges, object, number, self);
            }
        }
    }

    /// Unreached objects that something outside the heap must hold.
    fn external(&self, objects: &ObjectTable, edges: &Edges<'_>) -> Vec<u32> {
        let mut unreached: Vec<u32> =
            (0..self.number.len() as u32).filter(|&id| self.number[id as usize] == 0).collect();
        if unreached.is_empty() {
            return unreached;
        }
        // Whoever refers to an unreached object is unreached itself.
        let mut found = vec![0u32; self.number.len()];
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

    fn visit(&mut self, parent: u32, object: u32) -> u32 {
        let number = self.order.len() as u32;
        self.number[object as usize] = number;
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
