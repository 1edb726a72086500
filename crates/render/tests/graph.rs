//! The graph around an object, as text at several widths and as DOT. Accept a wanted change with
//! `INSTA_UPDATE=always`.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests start Graphviz and print")]

use std::io::Write;
use std::process::{Command, Stdio};

use layout::gv::DotParser;
use layout::gv::parser::ast::{Graph, Stmt};
use memsight_analysis::graph::{GraphEdge, GraphNode, GraphRoot, GraphView};
use memsight_analysis::views::{Header, ObjectRef};
use memsight_model::Mode;
use memsight_render::dot;
use memsight_render::text::{self, Style};

/// Everything that means something to DOT, to a terminal or to XML.
const HOSTILE: &str = "\"];\n}\u{1b}[31m \\N \\ &lt;b&gt; <script> {|} \u{202e}\\";

fn node(at: u64, distance: Option<i32>, type_name: &str, name: &str) -> GraphNode {
    let address = format!("{:#x}", 0x7f3a_1c00_4000 + at * 0x40);
    let name = if name.is_empty() { format!("{type_name} at {address}") } else { name.into() };
    GraphNode {
        object: ObjectRef {
            address,
            type_name: type_name.into(),
            name,
            shallow_bytes: 64,
            external_bytes: at % 2 * 1_000_000,
            retained_bytes: 120_000_000 >> at,
            ..ObjectRef::default()
        },
        distance,
        on_path: distance.is_none_or(|distance| distance <= 0),
        referrers_left_out: 0,
        referents_left_out: 0,
    }
}

fn edge(nodes: &[GraphNode], ends: (usize, usize), label: &str, kind: &str) -> GraphEdge {
    GraphEdge {
        source: nodes[ends.0].object.address.clone(),
        target: nodes[ends.1].object.address.clone(),
        label: label.into(),
        kind: kind.into(),
        count: 1,
        dominates: kind != "weak",
        on_path: nodes[ends.1].on_path && kind != "weak",
    }
}

fn view() -> GraphView {
    let mut nodes = vec![
        node(0, None, "module", "app.cache"),
        node(1, Some(-1), "dict", "app.cache._entries"),
        node(2, Some(0), "app.cache.Session", "app.cache._entries['user:17']"),
        node(3, Some(1), "list", "app.cache._entries['user:17'].history"),
        node(4, Some(2), "package.module.with.a.long.path.AVeryLongNameOfAClass", ""),
        node(5, Some(2), HOSTILE, HOSTILE),
    ];
    nodes[1].referrers_left_out = 3;
    nodes[2].referrers_left_out = 1;
    nodes[3].referents_left_out = 1_312;
    nodes[4].referents_left_out = 7;
    let mut edges = vec![
        edge(&nodes, (0, 1), "", "elided"),
        edge(&nodes, (1, 2), "'user:17'", "value"),
        edge(&nodes, (2, 3), "history", "attribute"),
        edge(&nodes, (3, 4), "[0]", "index"),
        edge(&nodes, (3, 5), HOSTILE, "value"),
        edge(&nodes, (4, 2), "weak wr_object", "weak"),
        edge(&nodes, (2, 5), "", "dominator"),
    ];
    (edges[0].count, edges[3].count) = (1_234, 2);
    let root = |label: &str, kind: &str, target: usize, on_path| GraphRoot {
        label: label.into(),
        kind: kind.into(),
        target: nodes[target].object.address.clone(),
        on_path,
    };
    GraphView {
        header: Header {
            schema_version: 1,
            pid: 4242,
            python: "3.12.1".into(),
            created: "2026-11-22T06:30:00Z".into(),
            mode: Mode::Fork,
            partial: vec![],
        },
        query: "Session".into(),
        matches: 250_000,
        centre: nodes[2].object.address.clone(),
        depth: 2,
        roots: vec![
            root("module app.cache", "module", 0, true),
            root("thread 17 frame handle() at app.py:17 local session", "frame_local", 2, false),
        ],
        nodes,
        edges,
    }
}

#[test]
fn trees_at_several_widths() {
    for width in [60, 80, 120] {
        insta::assert_snapshot!(format!("graph_{width}"), text::graph(&view(), &Style::plain(width)));
    }
}

#[test]
fn the_dot_of_a_graph() {
    insta::assert_snapshot!("graph_dot", dot::graph(&view()));
}

fn parse(text: &str) -> Graph {
    let mut parser = DotParser::new(text);
    parser.process().unwrap_or_else(|error| {
        parser.print_error();
        panic!("{error}\n{text}")
    })
}

/// A name breaks out of nothing: there are as many statements of each kind as nodes and edges.
#[test]
fn hostile_names_stay_in_their_labels() {
    let plain = view();
    let mut hostile = plain.clone();
    hostile.query = HOSTILE.into();
    hostile.header.python = HOSTILE.into();
    hostile.roots.iter_mut().for_each(|root| root.label = HOSTILE.into());
    hostile
        .nodes
        .iter_mut()
        .for_each(|node| (node.object.type_name, node.object.name) = (HOSTILE.into(), HOSTILE.into()));
    hostile.edges.iter_mut().for_each(|edge| edge.label = HOSTILE.into());
    let statements = |view: &GraphView| -> Vec<&str> {
        let text = dot::graph(view);
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        let kind = |statement: &Stmt| match statement {
            Stmt::Node(_) => "node",
            Stmt::Edge(_) => "edge",
            _ => "other",
        };
        parse(&text).list.list.iter().map(kind).collect()
    };
    let found = statements(&hostile);
    assert_eq!(found, statements(&plain));
    let count = |kind| found.iter().filter(|found| **found == kind).count();
    // Beside the objects: two roots, and three times "+ n more", each with an edge of its own.
    assert_eq!((count("node"), count("edge")), (plain.nodes.len() + 5, plain.edges.len() + 5));
}

#[test]
fn graphviz_draws_it() {
    let run =
        Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = run else { return eprintln!("skipped: no `dot` of Graphviz on this machine") };
    child.stdin.take().unwrap().write_all(dot::graph(&view()).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (svg, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !said.contains("syntax"), "{said}");
    assert_eq!(svg.matches("class=\"node\"").count(), 11);
    // What the drawing shows is what the name was, with its control characters spelled out.
    assert!(svg.contains("&amp;lt;b&amp;gt; &lt;script&gt; {|}") && svg.contains("\\u{1b}[31m \\N \\"), "{svg}");
}
