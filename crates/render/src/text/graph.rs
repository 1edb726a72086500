//! The objects around one object, as two trees.

use std::collections::HashMap;

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{clean, plural, wrap_words};
use super::{header, heading};
use memsight_analysis::graph::{GraphEdge, GraphNode, GraphView};
use memsight_model::{Bytes, count};

/// Deeper objects are shown at this depth.
const DEEPEST: i32 = 12;

/// `memsight heap PID graph ADDRESS|TYPE`.
pub fn graph(view: &GraphView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let which = match view.matches {
        1 => String::new(),
        n => format!("; of {} the one that retains the most", plural(n, "object")),
    };
    let meaning = format!("to {} away{which}", plural(view.depth.into(), "reference"));
    out.push_str(&heading(&format!("Around {}", clean(&view.query)), &meaning, style));
    let Some(centre) = view.nodes.iter().find(|node| node.distance == Some(0)) else { return out };
    for root in &view.roots {
        let what = if root.on_path { "reached from" } else { "held by" };
        // What no object holds says so itself: `held by C code`.
        let label = clean(root.label.strip_prefix("held by ").filter(|_| !root.on_path).unwrap_or(&root.label));
        for (line, text) in wrap_words(&label, style.width.saturating_sub(what.len() + 3)).iter().enumerate() {
            let what = if line == 0 { what.to_owned() } else { " ".repeat(what.len()) };
            out.push_str(&format!("  {} {}\n", style.paint(Tone::Dim, &what), style.paint(Tone::Hint, text)));
        }
    }
    let sides =
        [(-1, "Refers to it", "each below what it refers to"), (1, "It refers to", "each below what refers to it")];
    for (side, title, meaning) in sides {
        out.push_str(&heading(title, meaning, style));
        out.push_str(&Tree::new(view, side).table(centre).render(style));
    }
    out
}

/// What refers to the centre (side -1), or what the centre refers to (side 1), each below the object next to it that
/// was found first.
struct Tree<'v> {
    side: i32,
    depth: i32,
    below: HashMap<&'v str, Vec<(&'v GraphEdge, &'v GraphNode)>>,
}

impl<'v> Tree<'v> {
    fn new(view: &'v GraphView, side: i32) -> Tree<'v> {
        let nodes: HashMap<&str, &GraphNode> =
            view.nodes.iter().map(|node| (node.object.address.as_str(), node)).collect();
        let mut edges: HashMap<&str, &GraphEdge> = HashMap::new();
        let ends = |edge: &'v GraphEdge| match side {
            1 => (edge.source.as_str(), edge.target.as_str()),
            _ => (edge.target.as_str(), edge.source.as_str()),
        };
        let distance = |address: &str| nodes.get(address).and_then(|node| node.distance);
        for edge in view.edges.iter().filter(|edge| !matches!(edge.kind.as_str(), "dominator" | "elided")) {
            let (near, far) = ends(edge);
            if let (Some(near), Some(here)) = (distance(near), distance(far))
                && here * side > 0
                && here == near + side
            {
                edges.entry(far).or_insert(edge);
            }
        }
        let depth = i32::try_from(view.depth).unwrap_or(i32::MAX);
        let mut tree = Tree { side, depth, below: HashMap::new() };
        for node in &view.nodes {
            if let Some(edge) = edges.get(node.object.address.as_str()) {
                tree.below.entry(ends(edge).0).or_default().push((edge, node));
            }
        }
        tree
    }

    fn table(&self, centre: &'v GraphNode) -> Table {
        let mut table =
            Table::new(2).giving("reference").text("type").text("address").numbers(&["shallow", "retained"]);
        self.rows(centre, 0, &mut table);
        table
    }

    /// Depth first; no deeper than the distances, so that no cycle goes on.
    fn rows(&self, above: &GraphNode, depth: i32, table: &mut Table) {
        let indent = "  ".repeat(depth.min(DEEPEST) as usize);
        for (edge, node) in self.below.get(above.object.address.as_str()).into_iter().flatten() {
            let object = &node.object;
            let more = if edge.count > 1 { format!(" + {} more", count(edge.count - 1)) } else { String::new() };
            let tone = if node.on_path { Tone::Strong } else { Tone::Hint };
            table.row([
                toned(tone, format!("{indent}{}{more}", clean(&edge.label))),
                cell(super::suspects::types_cell(&object.type_name)),
                toned(Tone::Dim, clean(&object.address)),
                cell(Bytes(object.shallow_bytes).to_string()),
                cell(Bytes(object.retained_bytes).to_string()),
            ]);
            self.rows(node, depth + 1, table);
        }
        let left = if self.side < 0 { above.referrers_left_out } else { above.referents_left_out };
        if left > 0 && depth < self.depth {
            table.row([toned(Tone::Dim, format!("{indent}+")), toned(Tone::Dim, format!("{} more", count(left)))]);
        } else if depth == 0 && !self.below.contains_key(above.object.address.as_str()) {
            table.row([toned(Tone::Dim, "nothing")]);
        }
    }
}
