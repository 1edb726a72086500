//! Tuples: equal when each item is the same object or an equal one, found from the innermost out.

use std::collections::HashMap;
use std::hash::Hasher;

use memsight_model::{ObjectFlags, ObjectId, ReadMemory};
use siphasher::sip128::SipHasher13;

use super::Heap;
use super::leaves::{Classes, finish};

/// In place of a tuple's first equal: not looked at yet, and being looked at (a tuple inside itself).
const PENDING: u32 = u32::MAX;
const OPEN: u32 = u32::MAX - 1;

/// Classes of equal tuples. `canon` has for every object the first that is equal to it; tuples itself. Cost: a step for
/// every item.
pub(super) fn classes<M: ReadMemory>(
    heap: &Heap<M>,
    tuples: &[ObjectId],
    mut canon: Vec<u32>,
    hasher: &SipHasher13,
) -> Classes {
    tuples.iter().for_each(|id| canon[id.index()] = PENDING);
    let mut search = Search { heap, canon, hasher, firsts: HashMap::new(), copies: Vec::new() };
    tuples.iter().for_each(|id| search.visit(*id));
    let mut copies = search.copies;
    copies.sort_unstable();
    let (mut classes, mut members) = (Classes::default(), Vec::new());
    for class in copies.chunk_by(|a, b| a.0 == b.0) {
        members.clear();
        members.extend(class.first().map(|(first, _)| *first).into_iter().chain(class.iter().map(|(_, id)| *id)));
        let is_settled = |id: &ObjectId| {
            let flags = heap.objects.flags.get(id.index());
            flags.is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL)) || heap.items(*id).next().is_none()
        };
        members.sort_by_key(|id| !is_settled(id));
        classes.add(heap.objects, &members, members.iter().take_while(|id| is_settled(id)).count());
    }
    classes
}

struct Search<'a, M> {
    heap: &'a Heap<'a, M>,
    canon: Vec<u32>,
    hasher: &'a SipHasher13,
    /// The first tuple of each content.
    firsts: HashMap<u128, u32>,
    /// Every other one, with its first.
    copies: Vec<(ObjectId, ObjectId)>,
}

impl<M: ReadMemory> Search<'_, M> {
    /// Finds the class of a tuple and of the tuples in it.
    fn visit(&mut self, start: ObjectId) {
        let mut stack = vec![(start, 0)];
        while let Some((tuple, done)) = stack.pop() {
            if done == 0 {
                if self.canon[tuple.index()] != PENDING {
                    continue;
                }
                self.canon[tuple.index()] = OPEN;
            }
            let is_pending = |target: &ObjectId| self.canon.get(target.index()) == Some(&PENDING);
            let inner = self.heap.items(tuple).enumerate().skip(done).find(|(_, target)| is_pending(target));
            match inner {
                Some((at, inner)) => stack.extend([(tuple, at + 1), (inner, 0)]),
                None => self.settle(tuple),
            }
        }
    }

    fn settle(&mut self, tuple: ObjectId) {
        let mut hasher = *self.hasher;
        for item in self.heap.items(tuple) {
            let first = self.canon.get(item.index()).copied().filter(|first| *first < OPEN);
            hasher.write_u32(first.unwrap_or(item.0));
        }
        let content = finish(&hasher).into();
        let first = *self.firsts.entry(content).or_insert(tuple.0);
        self.canon[tuple.index()] = first;
        if first != tuple.0 {
            self.copies.push((ObjectId(first), tuple));
        }
    }
}
