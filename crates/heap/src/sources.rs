//! Which objects stand for the unreachable part of the graph.

use memsight_model::{ObjectId, ObjectKind, Snapshot};

use crate::edges::Edges;
use crate::search::{DepthFirst, Visitor};
use crate::walk::Place;

/// Finishing order of a depth-first search among the objects that the walk did not reach.
struct Finishing<'a> {
    /// Where the walk met what it reached.
    places: &'a [Place],
    seen: Vec<bool>,
    finished: Vec<u32>,
}

impl Visitor for Finishing<'_> {
    fn meet(&mut self, _: u32, target: u32) -> Option<u32> {
        let unreached = self.places.get(target as usize).is_some_and(|place| !place.is_met());
        (unreached && !std::mem::replace(&mut self.seen[target as usize], true)).then_some(target)
    }
    fn leave(&mut self, tag: u32) {
        self.finished.push(tag);
    }
}

/// Unreached objects from which all unreached ones are reached: one of each strongly connected component that no
/// other leads into. Walked in the order given, each that is still unreached when its turn comes is needed.
///
/// The last to finish in a depth-first search lies in such a component, and so does, repeatedly, the last of what it
/// does not reach (Kosaraju; Aho, Hopcroft, Ullman: Data Structures and Algorithms, 1983). The search starts at
/// instances of Python classes, because the first start inside a component becomes its representative.
pub(crate) fn of_unreached(snapshot: &Snapshot, edges: &Edges<'_>, places: &[Place]) -> Vec<u32> {
    let (mut starts, others): (Vec<u32>, Vec<u32>) =
        (0..places.len() as u32).filter(|&id| !places[id as usize].is_met()).partition(|&id| is_instance(snapshot, id));
    starts.extend(others);
    if starts.is_empty() {
        return starts;
    }
    let mut finishing = Finishing { places, seen: vec![false; places.len()], finished: Vec::new() };
    let mut search = DepthFirst::default();
    for start in starts {
        if !std::mem::replace(&mut finishing.seen[start as usize], true) {
            search.run(edges, start, start, &mut finishing);
        }
    }
    let Finishing { mut seen, mut finished, .. } = finishing;
    finished.reverse();
    seen.fill(false);
    let mut reached = Finishing { places, seen, finished: Vec::new() };
    finished.retain(|&start| {
        let fresh = !std::mem::replace(&mut reached.seen[start as usize], true);
        if fresh {
            search.run(edges, start, start, &mut reached);
            reached.finished.clear();
        }
        fresh
    });
    finished
}

fn is_instance(snapshot: &Snapshot, object: u32) -> bool {
    snapshot.type_of(ObjectId(object)).is_some_and(|record| record.heap && record.kind == ObjectKind::Other)
}
