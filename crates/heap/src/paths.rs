//! Shortest paths from the roots.

use std::cmp::Reverse;

use memsight_model::{FrameRecord, Label, ObjectId, RootKind, Snapshot};

use crate::edges::{self, Edges};
use crate::roots::{Origin, Roots};

/// An object that no search has reached.
const NONE: u32 = u32::MAX;
/// One that refers to nothing, so that no search goes on from there.
const NONE_LEAF: u32 = NONE - 1;
/// The first root; the others count down from it.
const FIRST_ROOT: u32 = NONE - 2;

/// How each object is reached on a shortest path, 4 bytes each: the number of a reference, or of a root.
///
/// Roots join the search in an order of preference, so that a path starts where a person would start. A module's
/// attribute is one step for a person but two references (the module's dictionary lies between), so local
/// variables start two levels after modules, and what says least (interpreter state, static types) after them.
/// The table of interned strings, what holds from outside the heap, and unreachable cycles explain only what no
/// other root reaches.
#[derive(Debug)]
pub struct ShortestPaths {
    /// Reference number; counted down from [`FIRST_ROOT`]: number of a root; [`NONE`] and [`NONE_LEAF`].
    via: Vec<u32>,
}

/// One reference of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Who refers.
    pub owner: ObjectId,
    /// What the reference is called.
    pub label: Label,
    /// To whom.
    pub target: ObjectId,
}

/// A way from a root to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The root.
    pub origin: Origin,
    /// The object that the root holds.
    pub first: ObjectId,
    /// The references from there on.
    pub steps: Vec<Step>,
}

impl Path {
    /// The object at the end.
    pub fn last(&self) -> ObjectId {
        self.steps.last().map_or(self.first, |step| step.target)
    }

    /// The objects passed, the root's first.
    pub fn objects(&self) -> impl DoubleEndedIterator<Item = ObjectId> + '_ {
        std::iter::once(self.first).chain(self.steps.iter().map(|step| step.target))
    }
}

/// A level that no search reaches: roots of this level join when nothing else is left.
const LATE: u32 = 1 << 31;

/// Level at which roots of a kind join the search, and among equals their order.
fn preference(kind: RootKind) -> (u32, u8) {
    use RootKind::*;
    match kind {
        Module => (0, 0),
        FrameLocal => (2, 1),
        FrameStack => (2, 2),
        Thread => (3, 3),
        Frame => (3, 4),
        Interpreter => (3, 5),
        Static => (3, 6),
        Interned => (LATE, 7),
        External => (LATE + 1, 8),
        NobodyKnown => (LATE + 1, 9),
        Unreachable => (LATE + 2, 10),
    }
}

impl ShortestPaths {
    /// Searches breadth first from all roots together. Cost: every strong reference once.
    pub(crate) fn new(snapshot: &Snapshot, roots: &Roots) -> ShortestPaths {
        let edges = Edges::with_interned(snapshot);
        let unmet = |object| if edges.range(object).is_empty() { NONE_LEAF } else { NONE };
        let mut paths = ShortestPaths { via: (0..snapshot.objects.len() as u32).map(unmet).collect() };
        let starts = starts(snapshot, roots);
        let mut waiting = starts.as_slice();
        let (mut level, mut current, mut next) = (0, Vec::new(), Vec::new());
        loop {
            if current.is_empty() {
                level = level.max(waiting.first().map_or(0, |start| start.level));
            }
            let ready = waiting.partition_point(|start| start.level <= level);
            let (joining, rest) = waiting.split_at(ready);
            waiting = rest;
            for start in joining {
                paths.reach(start.object, FIRST_ROOT - start.root, &mut current);
            }
            if current.is_empty() && waiting.is_empty() {
                return paths;
            }
            for &owner in &current {
                for at in edges.range(owner) {
                    if let Some(target) = edges.strong(at) {
                        paths.reach(target, at, &mut next);
                    }
                }
            }
            current.clear();
            std::mem::swap(&mut current, &mut next);
            level += 1;
        }
    }

    fn reach(&mut self, object: u32, via: u32, queue: &mut Vec<u32>) {
        let Some(slot) = self.via.get_mut(object as usize) else { return };
        match *slot {
            NONE => queue.push(object),
            NONE_LEAF => {}
            _ => return,
        }
        *slot = via;
    }

    /// The last step of the shortest path to `object`, or the root that holds it.
    pub fn last_step(&self, snapshot: &Snapshot, roots: &Roots, object: ObjectId) -> Option<Result<Step, Origin>> {
        let via = *self.via.get(object.index())?;
        if via >= NONE_LEAF {
            return None;
        }
        match snapshot.references.labels.get(via as usize) {
            Some(&label) => {
                let owner = edges::owner(&snapshot.references, via);
                Some(Ok(Step { owner, label, target: object }))
            }
            None => Some(Err(roots.origin(FIRST_ROOT - via))),
        }
    }

    /// The shortest path to `object`; `None` for an object that is not there. Cost: its length.
    pub fn to(&self, snapshot: &Snapshot, roots: &Roots, object: ObjectId) -> Option<Path> {
        let (mut steps, mut here) = (Vec::new(), object);
        loop {
            match self.last_step(snapshot, roots, here)? {
                Ok(step) => {
                    steps.push(step);
                    here = step.owner;
                }
                Err(origin) => {
                    steps.reverse();
                    return Some(Path { origin, first: here, steps });
                }
            }
        }
    }
}

struct Start {
    level: u32,
    order: u8,
    /// Frames of libraries last, then by thread and frame, the outermost first: what a caller hands on is the caller's, and
    /// `self` of a thread its own `run`'s, not that of `threading`, which calls it.
    frame: (bool, Option<u32>, Reverse<Option<u32>>),
    root: u32,
    object: u32,
}

fn starts(snapshot: &Snapshot, roots: &Roots) -> Vec<Start> {
    let given = (0..).zip(snapshot.roots.iter().map(|root| root.object));
    let mut starts: Vec<Start> = given
        .chain(roots.completed())
        .map(|(root, object)| {
            let (level, order) = preference(roots.origin(root).kind(snapshot));
            let record = roots.origin(root).record(snapshot);
            let (thread, frame) = record.map_or((None, None), |root| (root.thread, root.frame));
            let code = frame.and_then(|frame| snapshot.frames.get(frame as usize));
            let frame = (code.is_some_and(FrameRecord::is_of_a_library), thread, Reverse(frame));
            Start { level, order, frame, root, object: object.0 }
        })
        .collect();
    starts.sort_by_key(|start| (start.level, start.order, start.frame, start.root));
    starts
}
