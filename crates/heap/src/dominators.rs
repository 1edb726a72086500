//! Immediate dominators, by semi-NCA.
//!
//! L. Georgiadis, R. E. Tarjan, R. F. Werneck: *Finding Dominators in Practice*, Journal of Graph Algorithms and
//! Applications 10(1), 2006, section 2.3; semidominators as in T. Lengauer, R. E. Tarjan: *A Fast Algorithm for
//! Finding Dominators in a Flowgraph*, TOPLAS 1(1), 1979, with simple path compression: O(m log n).
//!
//! Three things differ from the paper. Only the *value* of a semidominator is ever compared, so labels are values
//! and not vertices. And the last step, the nearest common ancestor, climbs by skip pointers (E. W. Myers: *An
//! Applicative Random-Access Stack*, 1983) where the paper climbs step by step, which is quadratic on a long
//! linked list whose nodes share their values with a second container. And leaves, which lead nowhere, take no part:
//! the dominator of each is the nearest common ancestor of those who hold it.

use crate::walk::{Entry, Late, Place, Shared, Walk};

/// Immediate dominators.
pub(crate) struct Immediate {
    /// The object with each number of the walk; nothing for number 0, the virtual root.
    pub(crate) order: Vec<u32>,
    /// The dominator of each number, which is smaller; 0 for number 0.
    pub(crate) idom: Vec<u32>,
    /// The number of each object, for a leaf that of its dominator.
    pub(crate) places: Vec<Place>,
    /// Whether there may be leaves.
    pub(crate) has_leaves: bool,
}

/// Immediate dominators, those of the leaves last.
pub(crate) fn immediate(walk: Walk) -> Immediate {
    let Walk { places, order, parent, mut entries, late, shared, has_leaves, .. } = walk;
    let links = semidominators(&parent, &mut entries, late);
    let (idom, skips) = nearest_common_ancestors(parent, &entries, links);
    let places = of_leaves(&idom, &skips, places, shared);
    Immediate { order, idom, places, has_leaves }
}

/// Puts the nearest common ancestor of all holders of each leaf in the place of the first.
fn of_leaves(idom: &[u32], skips: &[Skip], mut places: Vec<Place>, shared: Vec<Shared>) -> Vec<Place> {
    for Shared { from, object } in shared {
        let place = &mut places[object as usize];
        if let Some(holder) = place.holder() {
            *place = Place::of_leaf(common_ancestor(idom, skips, holder, from));
        }
    }
    places
}

/// The nearest common ancestor of two vertices, each of which has a larger number than those above it.
fn common_ancestor(idom: &[u32], skips: &[Skip], mut one: u32, mut other: u32) -> u32 {
    while one != other {
        let low = one.min(other);
        let mut above = one.max(other);
        while above > low {
            let jump = skips[above as usize].jump;
            above = if jump >= low { jump } else { idom[above as usize] };
        }
        (one, other) = (low, above);
    }
    one
}

/// A vertex of the forest that path compression flattens. Beside each other, because they are read together.
#[derive(Clone, Copy)]
struct Link {
    ancestor: u32,
    label: u32,
}

/// Turns the bounds in `entries` into semidominators. The links are given back for their memory.
fn semidominators(parent: &[u32], entries: &mut [Entry], late: Vec<Late>) -> Vec<Link> {
    let mut links: Vec<Link> = parent.iter().map(|&ancestor| Link { ancestor, label: 0 }).collect();
    let mut chain = Vec::new();
    for vertex in (1..parent.len()).rev() {
        let Entry { mut semi, late: mut at } = entries[vertex];
        while semi != 0 && at != Late::END {
            let Late { from, next } = late[at as usize];
            semi = semi.min(evaluate(&mut links, from, vertex as u32, &mut chain));
            at = next;
        }
        entries[vertex].semi = semi;
        links[vertex].label = semi;
    }
    links
}

/// The smallest semidominator on the way from `vertex` up to the child of its tree's root. Vertices larger than
/// `current` are linked to their parents, others are roots of trees.
fn evaluate(links: &mut [Link], vertex: u32, current: u32, chain: &mut Vec<u32>) -> u32 {
    let mut top = vertex;
    while links[top as usize].ancestor > current {
        chain.push(top);
        top = links[top as usize].ancestor;
    }
    let Link { ancestor, mut label } = links[top as usize];
    while let Some(below) = chain.pop() {
        let link = &mut links[below as usize];
        label = label.min(link.label);
        *link = Link { ancestor, label };
    }
    label
}

/// Skip pointers of a dominator tree that grows downwards: a jump leads up to O(log depth) jumps from anywhere to
/// anywhere above.
#[derive(Clone, Copy)]
struct Skip {
    jump: u32,
    depth: u32,
}

/// The immediate dominator is the nearest ancestor, in the dominator tree so far, of the parent that is not larger
/// than the semidominator.
fn nearest_common_ancestors(mut idom: Vec<u32>, entries: &[Entry], links: Vec<Link>) -> (Vec<u32>, Vec<Skip>) {
    // The allocation of `links` is used again.
    let mut skips: Vec<Skip> = links.into_iter().map(|_| Skip { jump: 0, depth: 0 }).collect();
    for vertex in 1..idom.len() {
        let (mut above, semi) = (idom[vertex], entries[vertex].semi);
        while above > semi {
            let jump = skips[above as usize].jump;
            above = if jump > semi { jump } else { idom[above as usize] };
        }
        idom[vertex] = above;
        let Skip { jump, depth } = skips[above as usize];
        let far = skips[jump as usize];
        let even = depth - far.depth == far.depth - skips[far.jump as usize].depth;
        skips[vertex] = Skip { jump: if even { far.jump } else { above }, depth: depth + 1 };
    }
    (idom, skips)
}
