//! Leak suspects: what holds so much that it explains the heap.

mod apart;
mod describe;
mod find;
mod variables;

use memsight_heap::{DominatorTree, Node};
use memsight_model::ObjectId;

use crate::views::Suspect;
use crate::{Analysis, limit};

/// Part of all bytes from which something is a suspect.
///
/// The rule, after Eclipse MAT's leak suspects. Weights are bytes *in memory* (a large array that nobody has touched takes
/// none) of *data* (everything but modules, classes,
/// functions, code and their constants), so that a process that only imported much has no suspect.
///
/// - Follow the dominator tree down from the roots while a child keeps at least the threshold. Where what an object
///   keeps falls apart into small pieces that together reach the threshold, the bytes gather: that is the
///   *accumulation point*, and one suspect. If instances of one type make up at least half of it, the suspect is named
///   after them ("250,000 instances of Session, kept by app.cache._entries (dict)") and counts everything that the
///   accumulation point keeps; otherwise after the object itself. Where more than [`ASIDE`] of the bytes are not theirs,
///   each type is told with its own. What hangs above or below is not reported again.
/// - In a recursive structure, such as a linked list or a tree, there is no such point: its first object is the
///   suspect.
/// - Under a module or class, and at the very top, what belongs to different owners meets by chance, so the pieces are
///   grouped by type, and a group of built-in objects counts only if one object refers to at least half of it. Where that
///   object is the dictionary of a module's or class's variables, a suspect is told for each variable.
/// - Objects of one type that nobody known holds, or that the table of interned strings alone holds, and that together
///   reach the threshold, are a suspect, whatever their type.
/// - Instances of one class that together reach the threshold while none of the above explains them (scattered over
///   many holders, or in unreachable cycles) are a suspect too.
pub const THRESHOLD: f64 = 0.1;

/// Part of a suspect's bytes up to which those of other types than the one that names it are not told apart: the table of a
/// container and its keys.
const ASIDE: f64 = 0.2;

/// Objects of one type directly below an accumulation point, with what they keep.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// The group of types.
    group: u32,
    count: u64,
    bytes: u64,
}

/// A suspect before it is put into words.
struct Culprit {
    /// Where the bytes gather; the virtual root for a group without a common dominator.
    node: Node,
    /// The object to name: the suspect itself, or whoever keeps the group; `None` when many do.
    keeper: Option<ObjectId>,
    /// The group of types that names it.
    group: u32,
    /// Instances; 1 for an object.
    count: u64,
    /// Bytes kept.
    retained: u64,
    /// The subtrees that hold the bytes, ascending and disjoint.
    parts: Vec<Node>,
    /// Of an accumulation point that is named after what is in it: all that is, the most bytes first. Empty elsewhere,
    /// where all bytes are those of the group.
    inside: Vec<Group>,
    /// Members of the group that the keeper does not refer to, ascending.
    others: Vec<Node>,
}

impl Culprit {
    /// Of a group, or an object, that all the bytes belong to.
    fn new(
        node: Node,
        keeper: Option<ObjectId>,
        (group, count): (u32, u64),
        retained: u64,
        parts: Vec<Node>,
    ) -> Culprit {
        Culprit { node, keeper, group, count, retained, parts, inside: Vec::new(), others: Vec::new() }
    }

    /// Whether much of what gathers is of other types than the one that names it.
    fn is_mixed(&self) -> bool {
        let own = self.inside.first().map_or(self.retained, |first| first.bytes);
        (own as f64) < self.retained as f64 * (1.0 - ASIDE)
    }

    /// Bytes kept that are in memory. Cost: see [`untouched`].
    fn resident(&self, tree: &DominatorTree) -> u64 {
        self.retained.saturating_sub(untouched(tree, &self.parts))
    }
}

/// Bytes in some subtrees, ascending and disjoint, that are not in memory. Cost: a search for each object with such bytes.
fn untouched(tree: &DominatorTree, parts: &[Node]) -> u64 {
    let is_inside = |node: Node| {
        let next = parts.partition_point(|part| *part <= node);
        next.checked_sub(1).and_then(|last| parts.get(last)).is_some_and(|part| node < tree.end(*part))
    };
    tree.untouched().filter(|(node, _)| is_inside(*node)).map(|(_, bytes)| bytes).fold(0, u64::saturating_add)
}

impl Analysis<'_> {
    /// Suspects, largest first. Cost: a few passes over the objects, and one over the references for each group.
    pub(crate) fn find_suspects(&self, top: usize) -> Vec<Suspect> {
        let mut culprits = find::Finder::new(self).run();
        culprits.truncate(limit(top));
        self.describe_all(&culprits)
    }
}
