//! The object graph: reachability, dominators, retained sizes, paths.
//!
//! ```text
//! Snapshot ──> Walk (depth-first numbers, roots completed) ──> semidominators ──> DominatorTree
//!         └──> ShortestPaths (breadth-first, when first asked for)
//! ```
//! Everything stands in flat arrays of 32-bit numbers. For `n` objects and `m` references the peak beside the
//! snapshot is about `32 n` bytes plus 8 for every reference that leads back or across in the depth-first
//! search; what stays is `24 n` ([`DominatorTree`]) and `4 n` ([`ShortestPaths`]).
//!
//! Weak references are shown elsewhere but never followed here. Bytes are foreign: a reference table that
//! points outside itself loses those references and harms nothing.
#![forbid(unsafe_code)]

mod components;
mod diff;
mod dominators;
mod edges;
mod entries;
mod garbage;
mod neighbourhood;
mod paths;
mod referrers;
mod roots;
mod search;
mod sources;
mod subset;
mod tree;
mod walk;

pub use components::{Components, cycle_through, cyclic_components, shortest};
pub use diff::{Evidence, Link, Matching, Moments};
pub use entries::uncounted_table;
pub use garbage::{Garbage, garbage, is_looked_at};
pub use neighbourhood::{LeftOut, Neighbour, Reach, left_out, neighbourhood};
pub use paths::{Path, ShortestPaths, Step};
pub use referrers::{Holder, common_holders, referrers};
pub use roots::{Origin, Roots};
pub use subset::Subset;
pub use tree::{DominatorTree, Node};

use std::sync::OnceLock;

use memsight_model::{Progress, Snapshot};

use walk::Walk;

/// The graph of a snapshot: who keeps whom alive. Owns its arrays and may outlive the borrow of the snapshot, but
/// answers only for that snapshot.
#[derive(Debug)]
pub struct Graph {
    roots: Roots,
    tree: DominatorTree,
    paths: OnceLock<ShortestPaths>,
}

impl Graph {
    /// Completes the roots, finds the dominators and sums up retained sizes. Cost: near linear, about 0.1 us an
    /// object.
    pub fn new(snapshot: &Snapshot, progress: &dyn Progress) -> Graph {
        progress.phase("walking references", None);
        let mut walk = Walk::new(snapshot);
        progress.phase("finding dominators", None);
        let roots = std::mem::take(&mut walk.roots);
        let tree = DominatorTree::new(&snapshot.objects, dominators::immediate(walk));
        Graph { roots, tree, paths: OnceLock::new() }
    }

    /// The dominator tree with retained sizes.
    pub fn tree(&self) -> &DominatorTree {
        &self.tree
    }

    /// What holds the graph from outside, completed.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Shortest paths from the roots. Cost: the first call searches the graph once.
    pub fn paths(&self, snapshot: &Snapshot) -> &ShortestPaths {
        self.paths.get_or_init(|| ShortestPaths::new(snapshot, &self.roots))
    }
}
