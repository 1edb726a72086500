//! Strongly connected components: the knots of references that keep themselves alive.

use std::collections::HashMap;

use memsight_model::{Label, ObjectId, Snapshot};

use crate::Subset;

/// Components in one array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components {
    members: Vec<ObjectId>,
    /// One past the last member of each component.
    ends: Vec<u32>,
}

impl Components {
    /// Number of components.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The members of component `at`, ascending; nothing for one that is not there.
    pub fn get(&self, at: usize) -> &[ObjectId] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        &self.members[start as usize..end as usize]
    }

    /// All components.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[ObjectId]> {
        (0..self.len()).map(|at| self.get(at))
    }

    fn push(&mut self, members: impl Iterator<Item = ObjectId>) {
        self.members.extend(members);
        self.ends.push(self.members.len() as u32);
    }

    /// The same in the order of first members.
    fn sorted(self) -> Components {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by_key(|&at| self.get(at).first().copied());
        let mut sorted =
            Components { members: Vec::with_capacity(self.members.len()), ends: Vec::with_capacity(self.ends.len()) };
        order.into_iter().for_each(|at| sorted.push(self.get(at).iter().copied()));
        sorted
    }
}

/// The components of `objects` (ascending) that hold a cycle: of two objects or more, or one that refers to itself.
/// References are those inside `objects` that the collector follows and that `follows` accepts (owner, target). Each
/// component ascending; the components in the order of their first objects.
///
/// Source: R. Tarjan, Depth-first search and linear graph algorithms, 1972; without recursion. Cost: linear in the
/// objects and their references; 20 bytes an object at most.
pub fn cyclic_components(
    snapshot: &Snapshot,
    objects: &[ObjectId],
    follows: impl Fn(ObjectId, ObjectId) -> bool,
) -> Components {
    let inside = Subset::new(snapshot.objects.len(), objects.iter().copied());
    let mut search = Search {
        snapshot,
        objects,
        inside,
        follows,
        number: vec![UNSEEN; objects.len()],
        low: vec![UNSEEN; objects.len()],
        next: 0,
        open: Vec::new(),
        found: Components::default(),
    };
    for start in 0..objects.len() as u32 {
        if search.number[start as usize] == UNSEEN {
            search.run(start);
        }
    }
    search.found.sorted()
}

const UNSEEN: u32 = 0;
/// Number of an object whose component is complete: it lowers nobody.
const CLOSED: u32 = u32::MAX;

/// Where the search stands in one object, by its rank, and in the reference table.
struct Frame {
    object: u32,
    references: std::ops::Range<usize>,
}

struct Search<'a, F> {
    snapshot: &'a Snapshot,
    objects: &'a [ObjectId],
    inside: Subset,
    follows: F,
    /// When each object was found, from 1 on.
    number: Vec<u32>,
    /// The earliest object on the stack that each one leads back to.
    low: Vec<u32>,
    next: u32,
    /// Objects whose components are not complete.
    open: Vec<u32>,
    found: Components,
}

impl<F: Fn(ObjectId, ObjectId) -> bool> Search<'_, F> {
    fn run(&mut self, start: u32) {
        let mut path = vec![self.enter(start)];
        while let Some(frame) = path.last_mut() {
            let owner = frame.object;
            let Some(at) = frame.references.next() else {
                path.pop();
                self.leave(owner);
                if let Some(above) = path.last() {
                    self.lower(above.object, self.low[owner as usize]);
                }
                continue;
            };
            let Some(target) = self.target(owner, at) else { continue };
            match self.number[target as usize] {
                UNSEEN => path.push(self.enter(target)),
                number => self.lower(owner, number),
            }
        }
    }

    /// The rank of what a reference leads to, if it is followed.
    fn target(&self, owner: u32, at: usize) -> Option<u32> {
        let references = &self.snapshot.references;
        let (target, label) = (references.targets[at], references.labels[at]);
        let rank = self.inside.rank(target).filter(|_| label.is_collected())?;
        (self.follows)(self.objects[owner as usize], target).then_some(rank as u32)
    }

    fn enter(&mut self, object: u32) -> Frame {
        self.next += 1;
        self.number[object as usize] = self.next;
        self.low[object as usize] = self.next;
        self.open.push(object);
        Frame { object, references: self.snapshot.references.range(self.objects[object as usize]) }
    }

    fn lower(&mut self, object: u32, low: u32) {
        let own = &mut self.low[object as usize];
        *own = (*own).min(low);
    }

    /// Closes an object; takes its component off the stack when it is the component's first.
    fn leave(&mut self, object: u32) {
        if self.number[object as usize] != self.low[object as usize] {
            return;
        }
        let start = self.open.iter().rposition(|&other| other == object).unwrap_or(0);
        let mut component = self.open.split_off(start);
        for &member in &component {
            self.number[member as usize] = CLOSED;
        }
        self.low[object as usize] = CLOSED;
        if component.len() > 1 || self.refers_to_itself(object) {
            component.sort_unstable();
            self.found.push(component.into_iter().map(|member| self.objects[member as usize]));
        }
    }

    fn refers_to_itself(&self, object: u32) -> bool {
        self.snapshot.references.range(self.objects[object as usize]).any(|at| self.target(object, at) == Some(object))
    }
}

/// A shortest cycle through `start` inside a component: each step's reference and where it leads; the last one
/// closes the cycle at `start`. Empty when `start` is on no cycle there. Cost: linear in the component.
pub fn cycle_through(snapshot: &Snapshot, component: &[ObjectId], start: ObjectId) -> Vec<(Label, ObjectId)> {
    shortest(snapshot, start, start, |target| component.binary_search(&target).is_ok())
}

/// A shortest way from `start` to `end` over references that the collector follows, through objects that `inside`
/// accepts: each step's reference and where it leads. At least one step; empty when there is no way. Cost: linear in
/// what is nearer than `end`.
pub fn shortest(
    snapshot: &Snapshot,
    start: ObjectId,
    end: ObjectId,
    inside: impl Fn(ObjectId) -> bool,
) -> Vec<(Label, ObjectId)> {
    let mut from: HashMap<ObjectId, (ObjectId, Label)> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(object) = queue.pop_front() {
        for (target, label) in snapshot.references.of(object) {
            if !label.is_collected() || from.contains_key(&target) || !inside(target) {
                continue;
            }
            from.insert(target, (object, label));
            if target == end {
                return unwind(&from, start, end);
            }
            queue.push_back(target);
        }
    }
    Vec::new()
}

fn unwind(from: &HashMap<ObjectId, (ObjectId, Label)>, start: ObjectId, end: ObjectId) -> Vec<(Label, ObjectId)> {
    let (mut steps, mut here) = (Vec::new(), end);
    while let Some(&(owner, label)) = from.get(&here) {
        steps.push((label, here));
        here = owner;
        if here == start {
            break;
        }
    }
    steps.reverse();
    steps
}
