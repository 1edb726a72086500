//! Strongly connected components: the knots of references that keep themselves alive.

use std::collections::HashMap;

use memsight_model::{Label, ObjectId, Snapshot};

/// Where the search stands in one object.
struct Frame {
    object: ObjectId,
    /// Next reference to follow, counted from the object's first.
    next: usize,
}

/// What Tarjan's algorithm knows of an object: when it was found, and the earliest one that it leads back to.
#[derive(Clone, Copy)]
struct Mark {
    index: u32,
    low: u32,
    on_stack: bool,
}

/// The components of `objects` that hold a cycle: of two objects or more, or one that refers to itself. References are
/// those that the collector traverses, inside `objects` alone. Each component ascending; the components in the order
/// of their first objects.
///
/// Source: R. Tarjan, Depth-first search and linear graph algorithms, 1972; without recursion. Cost: linear in the
/// objects and their references.
pub fn cyclic_components(snapshot: &Snapshot, objects: &[ObjectId]) -> Vec<Vec<ObjectId>> {
    let mut search =
        Search { snapshot, marks: HashMap::with_capacity(objects.len()), stack: Vec::new(), found: Vec::new() };
    let inside: std::collections::HashSet<ObjectId> = objects.iter().copied().collect();
    for &object in objects {
        if !search.marks.contains_key(&object) {
            search.run(object, &inside);
        }
    }
    search.found.sort_by_key(|component| component[0]);
    search.found
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    marks: HashMap<ObjectId, Mark>,
    stack: Vec<ObjectId>,
    found: Vec<Vec<ObjectId>>,
}

impl Search<'_> {
    fn run(&mut self, start: ObjectId, inside: &std::collections::HashSet<ObjectId>) {
        let mut path = vec![self.enter(start)];
        while let Some(frame) = path.last_mut() {
            let object = frame.object;
            let range = self.snapshot.references.range(object);
            let Some(at) = range.clone().nth(frame.next) else {
                path.pop();
                let low = self.leave(object);
                if let Some(above) = path.last() {
                    self.lower(above.object, low);
                }
                continue;
            };
            frame.next += 1;
            let (target, label) = (self.snapshot.references.targets[at], self.snapshot.references.labels[at]);
            if !label.is_collected() || !inside.contains(&target) {
                continue;
            }
            match self.marks.get(&target) {
                None => path.push(self.enter(target)),
                Some(mark) if mark.on_stack => self.lower(object, mark.index),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, object: ObjectId) -> Frame {
        let index = self.marks.len() as u32;
        self.marks.insert(object, Mark { index, low: index, on_stack: true });
        self.stack.push(object);
        Frame { object, next: 0 }
    }

    fn lower(&mut self, object: ObjectId, low: u32) {
        if let Some(mark) = self.marks.get_mut(&object) {
            mark.low = mark.low.min(low);
        }
    }

    /// Closes an object; takes its component off the stack when it is the component's first.
    fn leave(&mut self, object: ObjectId) -> u32 {
        let Some(&Mark { index, low, .. }) = self.marks.get(&object) else { return u32::MAX };
        if index != low {
            return low;
        }
        let start = self.stack.iter().rposition(|&other| other == object).unwrap_or(0);
        let mut component = self.stack.split_off(start);
        for member in &component {
            if let Some(mark) = self.marks.get_mut(member) {
                mark.on_stack = false;
            }
        }
        if component.len() > 1 || refers_to_itself(self.snapshot, object) {
            component.sort_unstable();
            self.found.push(component);
        }
        low
    }
}

fn refers_to_itself(snapshot: &Snapshot, object: ObjectId) -> bool {
    snapshot.references.of(object).any(|(target, label)| target == object && label.is_collected())
}

/// A shortest cycle through `start` inside a component: each step's reference and where it leads; the last one
/// closes the cycle at `start`. Empty when `start` is on no cycle there. Cost: linear in the component.
pub fn cycle_through(snapshot: &Snapshot, component: &[ObjectId], start: ObjectId) -> Vec<(Label, ObjectId)> {
    let mut from: HashMap<ObjectId, (ObjectId, Label)> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(object) = queue.pop_front() {
        for (target, label) in snapshot.references.of(object) {
            if !label.is_collected() || component.binary_search(&target).is_err() || from.contains_key(&target) {
                continue;
            }
            from.insert(target, (object, label));
            if target == start {
                return unwind(&from, start);
            }
            queue.push_back(target);
        }
    }
    Vec::new()
}

fn unwind(from: &HashMap<ObjectId, (ObjectId, Label)>, start: ObjectId) -> Vec<(Label, ObjectId)> {
    let (mut steps, mut here) = (Vec::new(), start);
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
