//! Graphviz: the objects around one, as a drawing for `dot -Tsvg`.
//!
//! Names come from the target. In a quoted label of DOT a quote ends the label, a backslash begins an escape and an
//! ampersand begins an entity: these three are escaped, after [`clean`] has made control characters visible.

use std::fmt::Write;

use memsight_analysis::graph::{GraphEdge, GraphNode, GraphRoot, GraphView};
use memsight_model::{Bytes, count};

use crate::text::{clean, shorten};

/// Columns of the first line of a text, of the lines below it, and of an edge's label.
const FIRST: usize = 120;
const LINE: usize = 40;
const LABEL: usize = 28;

const CENTRE: &str = "fillcolor=\"#ffe08a\", penwidth=2";
const ON_PATH: &str = "fillcolor=\"#dbe9f6\"";
const PATH_COLOR: &str = "#1f6fb2";

/// The graph in DOT. The centre is yellow, the path from a root blue; weak references are dashed, an edge from the
/// immediate dominator is bold, and dotted where no reference goes along it.
pub fn graph(view: &GraphView) -> String {
    let mut out = String::from("digraph memsight {\n");
    let title = format!(
        "{} in Python {}, pid {}, looked at {}",
        view.query, view.header.python, view.header.pid, view.header.created
    );
    let _ =
        writeln!(out, "  graph [rankdir=LR, labelloc=t, fontname=\"sans-serif\", label={}]", quoted([title.as_str()]));
    out.push_str(
        "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\", fontsize=10]\n",
    );
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=9]\n");
    for (at, root) in view.roots.iter().enumerate() {
        self::root(at, root, &mut out);
    }
    for item in &view.nodes {
        node(item, view, &mut out);
    }
    for item in &view.edges {
        edge(item, &mut out);
    }
    out.push_str("}\n");
    out
}

fn root(at: usize, root: &GraphRoot, out: &mut String) {
    let color = if root.on_path { PATH_COLOR } else { "gray40" };
    let label = quoted([root.label.as_str()]);
    let _ = writeln!(out, "  root{at} [shape=box, style=filled, fillcolor=\"#d9ead3\", label={label}]");
    let _ = writeln!(out, "  root{at} -> {} [color=\"{color}\"]", quoted([root.target.as_str()]));
}

fn node(node: &GraphNode, view: &GraphView, out: &mut String) {
    let object = &node.object;
    let external = match object.external_bytes {
        0 => String::new(),
        bytes => format!(", external {}", Bytes(bytes)),
    };
    // What has no name of its own is called by type and address, which stand there anyway.
    let name = if object.name.ends_with(&object.address) { "" } else { &object.name };
    let sizes = format!("shallow {}{external}", Bytes(object.shallow_bytes));
    let retained = format!("retained {}", Bytes(object.retained_bytes));
    let beyond = match (goes_on(node, view, 1), node.referents_left_out) {
        (true, _) | (_, 0) => String::new(),
        (false, left) => format!("refers to {} more", count(left)),
    };
    let lines = [name, &object.type_name, &object.address, &sizes, &retained, &beyond];
    let id = quoted([object.address.as_str()]);
    let look = match (object.address == view.centre, node.on_path) {
        (true, _) => format!(", {CENTRE}"),
        (false, true) => format!(", {ON_PATH}"),
        (false, false) => String::new(),
    };
    let _ = writeln!(out, "  {id} [label={}{look}]", quoted(lines.into_iter().filter(|line| !line.is_empty())));
    let sides = [("before", -1, node.referrers_left_out), ("after", 1, node.referents_left_out)];
    for (side, direction, left) in sides {
        if left == 0 || !goes_on(node, view, direction) {
            continue;
        }
        let more = quoted([format!("{side} {}", object.address).as_str()]);
        let label = quoted([format!("+ {} more", count(left)).as_str()]);
        let _ = writeln!(out, "  {more} [shape=plaintext, style=\"\", fontcolor=gray40, label={label}]");
        let (source, target) = if side == "before" { (&more, &id) } else { (&id, &more) };
        let _ = writeln!(out, "  {source} -> {target} [color=gray70, arrowsize=0.5]");
    }
}

/// Whether the objects next to this one, on the side away from the centre, belong to the neighbourhood: then it is told
/// how many of them are missing.
fn goes_on(node: &GraphNode, view: &GraphView, direction: i32) -> bool {
    let depth = i32::try_from(view.depth).unwrap_or(i32::MAX);
    node.distance.is_some_and(|distance| (0..depth).contains(&(distance * direction)))
}

fn edge(edge: &GraphEdge, out: &mut String) {
    let mut label = shorten(&clean(&edge.label), LABEL);
    match edge.kind.as_str() {
        "elided" => label = format!("... {} more ...", count(edge.count)),
        _ if edge.count > 1 => label.push_str(&format!(" + {} more", count(edge.count - 1))),
        _ => {}
    }
    let style = match edge.kind.as_str() {
        "weak" => "dashed",
        "dominator" | "elided" => "dotted",
        _ if edge.dominates => "bold",
        _ => "solid",
    };
    let color = match (edge.on_path, edge.dominates) {
        (true, _) => PATH_COLOR,
        (false, true) => "black",
        (false, false) => "gray50",
    };
    let ends = (quoted([edge.source.as_str()]), quoted([edge.target.as_str()]));
    // A dominator without a reference says nothing of distance.
    let free = if edge.kind == "dominator" { ", constraint=false" } else { "" };
    let label = quoted([label.as_str()]);
    let _ = writeln!(out, "  {} -> {} [label={label}, style={style}, color=\"{color}\"{free}]", ends.0, ends.1);
}

/// A quoted string of DOT, a line each; text of the target harms nothing in it.
fn quoted<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.into_iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "\\n" });
        for c in shorten(&clean(line), if at == 0 { FIRST } else { LINE }).chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '&' => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
    }
    out.push('"');
    out
}
