//! The dominator tree as rows.

use memsight_heap::Node;

use crate::views::{DominatorRow, DominatorsView};
use crate::{Analysis, limit};

/// Levels below the top ones that are shown.
const DEPTH: u32 = 3;
/// Children shown below each node.
const CHILDREN: usize = 3;
/// Parts of all bytes, and of its parent's, below which a child is left out.
const LEAST_OF_ALL: u64 = 200;
const LEAST_OF_PARENT: u64 = 20;

impl Analysis<'_> {
    /// The `top` objects that keep the most alive, each with its largest children for some levels.
    pub fn dominators(&self, top: usize) -> DominatorsView {
        let mut rows = Vec::new();
        let mut stack: Vec<(Node, u32)> = Vec::new();
        for node in self.largest(Node::ROOT, limit(top), 0) {
            stack.push((node, 0));
            while let Some((node, depth)) = stack.pop() {
                rows.extend(self.dominator(node, depth));
                if depth < DEPTH {
                    let tree = self.graph.tree();
                    let least = (tree.total_bytes() / LEAST_OF_ALL).max(tree.retained(node) / LEAST_OF_PARENT);
                    // The stack turns them round.
                    stack.extend(self.largest(node, CHILDREN, least).into_iter().rev().map(|child| (child, depth + 1)));
                }
            }
        }
        DominatorsView { header: self.header(), total_bytes: self.graph.tree().total_bytes(), dominators: rows }
    }

    /// The children that retain the most, at least `least` bytes each.
    fn largest(&self, node: Node, count: usize, least: u64) -> Vec<Node> {
        let tree = self.graph.tree();
        let mut children: Vec<Node> = tree.children(node).filter(|&child| tree.retained(child) >= least).collect();
        let key = |child: &Node| (std::cmp::Reverse(tree.retained(*child)), tree.object(*child));
        if children.len() > count {
            children.select_nth_unstable_by_key(count, key);
            children.truncate(count);
        }
        children.sort_by_key(key);
        children
    }

    fn dominator(&self, node: Node, depth: u32) -> Option<DominatorRow> {
        let object = self.node_ref(node)?;
        let share = self.share(object.retained_resident_bytes);
        Some(DominatorRow { object, depth, share, children: self.graph.tree().children(node).count() as u64 })
    }
}
