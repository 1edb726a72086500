//! Names that a program chose, made to look as if they were steps of a path or ended before they do.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_model::{LabelKind, Quiet, RootKind};

const FORGED: &str = "x' (1) frame f() at a.py:1 local y (dict) -> app.secret (list)\n -> z";

/// The paths to the objects of a type.
fn paths(heap: Heap, type_name: &str) -> Vec<Vec<String>> {
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).path(type_name, 0).expect("a type");
    view.paths.into_iter().map(|row| row.path).collect()
}

#[test]
fn the_name_of_a_thread_is_quoted_and_has_no_arrow() {
    for (name, shown) in [
        ("worker-3", "thread 'worker-3' (4242)"),
        ("", "thread (no name) (4242)"),
        ("(no name)", "thread '(no name)' (4242)"),
        (FORGED, r"thread 'x\' (1) frame f() at a.py:1 local y (dict) -\x3e app.secret (list)\n -\x3e z' (4242)"),
    ] {
        let mut heap = Heap::default();
        let thread = heap.thread(4242);
        heap.name_thread(thread, name);
        let frame = heap.frame(thread, 0, "serve", "/srv/app/app.py", 40);
        let list = heap.object("app.Kept", 500);
        heap.local(frame, "kept", list);
        assert_eq!(paths(heap, "app.Kept"), [[format!("{shown} frame serve() at app.py:40 local kept (Kept)")]]);
    }
}

#[test]
fn no_name_of_any_kind_makes_a_step() {
    let mut heap = Heap::default();
    let namespace = heap.module(FORGED);
    let table = heap.object("dict", 100);
    heap.item(namespace, FORGED, table);
    let one = heap.object(&format!("app.{FORGED}"), 100);
    heap.item(table, FORGED, one);
    let kept = heap.object("app.Kept", 500);
    heap.named(one, LabelKind::Attribute, FORGED, kept);
    let thread = heap.thread(1);
    let frame = heap.frame(thread, 0, FORGED, FORGED, 1);
    let local = heap.object("app.Kept", 600);
    heap.local(frame, FORGED, local);
    let loose = heap.object("app.Kept", 700);
    heap.root(loose, RootKind::Interpreter, FORGED);
    let found = paths(heap, "app.Kept");
    assert_eq!(found.len(), 3, "{found:#?}");
    for path in found {
        let joined = path.join(" -> ");
        assert_eq!(joined.matches("->").count(), path.len() - 1, "{path:#?}");
    }
}
