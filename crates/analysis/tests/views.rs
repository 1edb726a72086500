//! The words and numbers of the other views.

mod common;

use common::Heap;
use memsight_analysis::graph::GraphView;
use memsight_analysis::views::PathsView;
use memsight_analysis::{Analysis, AnalysisError};
use memsight_model::{Explain, Label, LabelKind, ObjectFlags, ObjectId, Quiet, RootKind, Snapshot};

struct App {
    snapshot: Snapshot,
    session: ObjectId,
    history: ObjectId,
    entries: ObjectId,
    /// The session that the frame uses.
    used: ObjectId,
}

/// `app.cache._entries` with three sessions; a thread whose frame uses one of them.
fn app() -> App {
    let mut heap = Heap::default();
    let namespace = heap.module("app.cache");
    let entries = heap.object("dict", 1000);
    heap.item(namespace, "_entries", entries);
    let mut sessions = Vec::new();
    let mut histories = Vec::new();
    for user in 16..19 {
        let session = heap.object("app.Session", 48);
        let attributes = heap.object("dict", 100);
        let history = heap.object("list", 500);
        heap.named(session, LabelKind::Field, "__dict__", attributes);
        heap.item(attributes, "history", history);
        heap.item(entries, &format!("user:{user}"), session);
        sessions.push(session);
        histories.push(history);
    }
    let thread = heap.thread(1234);
    let outer = heap.frame(thread, 1, "main", "/srv/app.py", 3);
    let inner = heap.frame(thread, 0, "handle", "/srv/app.py", 17);
    let request = heap.object("app.Request", 300);
    let body = heap.object("bytes", 4000);
    heap.named(request, LabelKind::Attribute, "body", body);
    heap.local(inner, "request", request);
    heap.local(inner, "body", body);
    heap.local(inner, "session", sessions[2]);
    heap.local(outer, "again", request);
    let mut snapshot = heap.build();
    snapshot.manifest.values = true;
    App { snapshot, session: sessions[1], history: histories[1], entries, used: sessions[2] }
}

fn joined(view: &PathsView) -> Vec<String> {
    view.paths.iter().map(|row| format!("{} x {}", row.count, row.path.join(" -> "))).collect()
}

#[test]
fn a_path_reads_like_a_sentence() {
    let App { snapshot, history, .. } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.path(&Heap::address(history), 0).unwrap();
    let expected = "1 x module app.cache -> _entries (dict) -> 'user:17' -> Session -> history (list)";
    assert_eq!(joined(&view), [expected]);
    let names: Vec<&str> = view.paths[0].objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "app.cache",
            "app.cache.__dict__",
            "app.cache._entries",
            "app.cache._entries['user:17']",
            "app.cache._entries['user:17'].__dict__",
            "app.cache._entries['user:17'].history"
        ]
    );
    assert_eq!(view.matches, 1);
    let decimal = snapshot.objects.addresses.get(history).0.to_string();
    assert_eq!(analysis.path(&decimal, 0).unwrap().paths, view.paths);
}

#[test]
fn paths_of_a_type_are_merged() {
    let App { snapshot, .. } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    for query in ["app.Session", "Session"] {
        let view = analysis.path(query, 0).unwrap();
        assert_eq!(view.matches, 3);
        assert_eq!(
            joined(&view),
            [
                "2 x module app.cache -> _entries (dict) -> [*] -> Session",
                "1 x thread 1234 frame handle() at app.py:17 local session (Session)",
            ]
        );
    }
    assert_eq!(analysis.path("Session", 1).unwrap().paths.len(), 1);
    let lists = joined(&analysis.path("list", 0).unwrap());
    assert_eq!(lists[0], "2 x module app.cache -> _entries (dict) -> [*] -> Session -> history (list)");
}

#[test]
fn keys_without_texts_are_told_by_type() {
    let App { mut snapshot, session, .. } = app();
    snapshot.texts = Default::default();
    let view = Analysis::new(&snapshot, &Quiet).path(&Heap::address(session), 0).unwrap();
    assert_eq!(joined(&view), ["1 x module app.cache -> <str key> (dict) -> <str key> -> Session"]);
}

#[test]
fn several_holders_give_several_paths() {
    let mut heap = Heap::default();
    let namespace = heap.module("app");
    let (one, two) = (heap.object("list", 10), heap.object("tuple", 10));
    let shared = heap.object("app.Thing", 10);
    heap.item(namespace, "one", one);
    heap.item(namespace, "two", two);
    heap.index(one, 4, shared);
    heap.index(two, 0, shared);
    heap.refer(shared, shared, Label::new(LabelKind::Inferred, 2));
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).path(&Heap::address(shared), 0).unwrap();
    assert_eq!(
        joined(&view),
        ["1 x module app -> one (list) -> [4] -> Thing", "1 x module app -> two (tuple) -> [0] -> Thing"]
    );
}

#[test]
fn every_root_has_words() {
    let mut heap = Heap::default();
    let kinds = [
        (RootKind::Interpreter, "sys.modules", "dict", "interpreter sys.modules"),
        (RootKind::Static, "str", "type", "static type str"),
        (RootKind::Static, "Py_None", "NoneType", "static Py_None"),
        (RootKind::Thread, "context", "dict", "thread context (dict)"),
        (RootKind::Interned, "", "str", "interned strings -> str"),
        (RootKind::External, "", "list", "held by C code -> list"),
    ];
    for (kind, name, type_name, _) in kinds {
        let object = heap.object(type_name, 10);
        heap.root(object, kind, name);
    }
    let cycle = heap.object("app.Loop", 10);
    heap.named(cycle, LabelKind::Attribute, "me", cycle);
    let snapshot = heap.build();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let words = |id: u32| analysis.path(&Heap::address(ObjectId(id)), 1).unwrap().paths[0].path.join(" -> ");
    for (id, (_, _, _, expected)) in (0..).zip(kinds) {
        assert_eq!(words(id), expected);
    }
    assert_eq!(words(cycle.0), "unreachable cycle -> Loop");
}

#[test]
fn long_paths_lose_their_middle() {
    let mut heap = Heap::default();
    let namespace = heap.module("app");
    let head = heap.object("app.Node", 10);
    heap.item(namespace, "head", head);
    let mut last = head;
    for _ in 0..1000 {
        let next = heap.object("app.Node", 10);
        heap.named(last, LabelKind::Attribute, "next", next);
        last = next;
    }
    let snapshot = heap.build();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.path(&Heap::address(last), 0).unwrap();
    let path = &view.paths[0].path;
    assert_eq!(path[..3], ["module app", "head (Node)", "next (Node)"]);
    assert!(path.contains(&"... 982 more ...".to_owned()), "{path:?}");
    assert_eq!(path.len(), 21);
    let merged = joined(&analysis.path("Node", 0).unwrap());
    assert_eq!(
        merged,
        ["1000 x module app -> head (Node) -> next (Node) -> ... repeated ...", "1 x module app -> head (Node)"]
    );
}

#[test]
fn types_count_each_byte_once() {
    let mut heap = Heap::default();
    let namespace = heap.module("app");
    let outer = heap.object("list", 100);
    let inner = heap.object("list", 50);
    heap.item(namespace, "rows", outer);
    heap.index(outer, 0, inner);
    let array = heap.object("numpy.ndarray", 112);
    heap.external(array, 10_000);
    heap.index(inner, 0, array);
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).types(0);
    let row = |name: &str| view.types.iter().find(|row| row.type_name == name).unwrap();
    let lists = row("list");
    assert_eq!((lists.count, lists.shallow_bytes, lists.retained_bytes), (2, 150, 10_262));
    assert_eq!(lists.mean_retained_bytes, 5131);
    assert_eq!(row("numpy.ndarray").external_bytes, 10_000);
    assert_eq!(view.type_count, 5);
    assert_eq!(view.objects, snapshot.objects.len() as u64);
    assert_eq!(view.types[0].type_name, "module");
    assert!((view.types[0].share - 1.0).abs() < 1e-9);
    assert_eq!(Analysis::new(&snapshot, &Quiet).types(2).types.len(), 2);
}

#[test]
fn types_of_equal_name_are_one() {
    let mut heap = Heap::default();
    for _ in 0..2 {
        heap.object("app.Reloaded", 10);
    }
    let mut snapshot = heap.build();
    snapshot.types.push(snapshot.types[0].clone());
    snapshot.objects.types[1] = memsight_model::TypeId(1);
    let view = Analysis::new(&snapshot, &Quiet).types(0);
    assert_eq!((view.types.len(), view.types[0].count, view.types[0].retained_bytes), (1, 2, 20));
}

#[test]
fn an_object_and_its_neighbours() {
    let App { mut snapshot, session, entries, .. } = app();
    snapshot.objects.flags[session.index()] = ObjectFlags(ObjectFlags::INFERRED).with_generation(1);
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.object(&Heap::address(session), 0).unwrap();
    assert_eq!((view.refcount, view.immortal, view.generation, view.exact), (Some(1), false, Some(1), false));
    assert_eq!(view.object.retained_bytes, 48 + 100 + 500 + 50);
    assert_eq!((view.referent_count, view.referents[0].label.as_str()), (1, "__dict__"));
    assert_eq!(view.referrer_count, 1);
    assert_eq!((view.referrers[0].label.as_str(), view.referrers[0].kind.as_str()), ("'user:17'", "value"));
    assert_eq!(view.referrers[0].object.as_ref().unwrap().address, Heap::address(entries));
    let view = analysis.object(&Heap::address(entries), 2).unwrap();
    assert_eq!((view.referents.len(), view.referent_count), (2, 6));
    let shared = snapshot.roots.iter().find(|root| snapshot.names.get(root.name) == "session").unwrap();
    let view = analysis.object(&Heap::address(shared.object), 0).unwrap();
    let kinds: Vec<&str> = view.referrers.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["frame_local", "value"]);
    assert_eq!(view.referrers[0].label, "thread 1234 frame handle() at app.py:17 local session");
}

#[test]
fn threads_retain_each_byte_once() {
    let App { snapshot, .. } = app();
    let view = Analysis::new(&snapshot, &Quiet).threads(0);
    assert_eq!(view.threads.len(), 1);
    let thread = &view.threads[0];
    let functions: Vec<&str> = thread.frames.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(functions, ["handle", "main"], "innermost first");
    let locals: Vec<(&str, u64)> =
        thread.frames[0].locals.iter().map(|local| (local.variable.as_str(), local.object.retained_bytes)).collect();
    // The body is a local itself, so the request alone does not keep it.
    assert_eq!(locals, [("body", 4000), ("session", 698), ("request", 300)]);
    assert_eq!(thread.frames[0].retained_bytes, 4998);
    assert_eq!(thread.frames[1].retained_bytes, 300);
    assert_eq!(thread.retained_bytes, 4998);
    assert_eq!(Analysis::new(&snapshot, &Quiet).threads(1).threads[0].frames[0].locals.len(), 1);
}

#[test]
fn dominators_show_the_largest_children() {
    let App { snapshot, .. } = app();
    let view = Analysis::new(&snapshot, &Quiet).dominators(2);
    let rows: Vec<(u32, &str)> = view.dominators.iter().map(|row| (row.depth, row.object.name.as_str())).collect();
    assert_eq!(rows[0], (0, "body in handle()"));
    assert_eq!(rows[1], (0, "app.cache"));
    assert_eq!(rows[2], (1, "app.cache.__dict__"));
    assert_eq!(rows[3], (2, "app.cache._entries"));
    assert!(rows[4].1.starts_with("app.cache._entries['user:1"));
    assert_eq!(view.dominators[3].children, 5, "two sessions and three keys; the third session is also a local");
}

#[test]
fn the_longest_containers_and_largest_classes() {
    let App { snapshot, .. } = app();
    let view = Analysis::new(&snapshot, &Quiet).suspects(2);
    let containers: Vec<(&str, u64)> =
        view.containers.iter().map(|row| (row.object.name.as_str(), row.length)).collect();
    assert_eq!(containers, [("app.cache._entries", 3), ("app.cache.__dict__", 1)]);
    let classes: Vec<(&str, u64)> =
        view.instances.iter().map(|row| (row.type_name.as_str(), row.mean_retained_bytes)).collect();
    assert_eq!(classes, [("app.Session", 698), ("app.Request", 300)]);
}

#[test]
fn the_overview_adds_up() {
    let App { snapshot, .. } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.overview(0);
    assert_eq!(view.objects, snapshot.objects.len() as u64);
    assert_eq!(view.tracked, view.objects);
    assert_eq!(view.shallow_bytes + view.external_bytes, analysis.graph().tree().total_bytes());
    let again = Analysis::over(&snapshot, analysis.graph());
    assert_eq!(again.overview(0), view);
}

#[test]
fn questions_without_answer_explain_themselves() {
    let App { snapshot, .. } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let error = analysis.path("app.Sesion", 0).unwrap_err();
    assert_eq!(error.code(), "MS-E071");
    assert_eq!(error.to_string(), "no live object of a type named 'app.Sesion'");
    assert_eq!(error.hint(), "did you mean app.Session?");
    let error = analysis.object("0x7f0000000001", 0).unwrap_err();
    assert_eq!(error.code(), "MS-E070");
    assert_eq!(error.to_string(), "no object at 0x7f0000000001");
    assert!(error.hint().contains("0x7f0000000000"));
    for query in ["", "0xzz", "12ab"] {
        assert!(matches!(analysis.path(query, 0), Err(AnalysisError::BadQuery { .. })), "{query}");
    }
    assert_eq!(analysis.object("dict", 0).unwrap_err().code(), "MS-E072");
}

#[test]
fn a_graph_has_the_path_the_neighbours_and_what_is_left_out() {
    let App { snapshot, session, history, entries, used } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.around(&Heap::address(session), 1, 0).unwrap();
    assert_eq!((view.centre.as_str(), view.matches), (Heap::address(session).as_str(), 1));
    let node = |object| view.nodes.iter().find(|node| node.object.address == Heap::address(object));
    assert_eq!(view.nodes.iter().filter(|node| node.on_path).count(), 4, "module, namespace, entries, session");
    assert_eq!(node(session).map(|node| (node.distance, node.referrers_left_out)), Some((Some(0), 0)));
    // Two other sessions, three keys, and nobody else knows the table.
    let table = node(entries).unwrap();
    assert_eq!((table.distance, table.referents_left_out, table.referrers_left_out), (Some(-1), 5, 0));
    assert!(node(history).is_none(), "two references away");

    let edge = |view: &GraphView, source, target| {
        let ends = (Heap::address(source), Heap::address(target));
        let edge = view.edges.iter().find(|edge| (&edge.source, &edge.target) == (&ends.0, &ends.1));
        edge.map(|edge| (edge.label.clone(), edge.kind.clone(), edge.count, edge.dominates, edge.on_path))
    };
    assert_eq!(edge(&view, entries, session), Some(("'user:17'".into(), "value".into(), 1, true, true)));
    assert_eq!(view.roots.len(), 1);
    assert_eq!((view.roots[0].label.as_str(), view.roots[0].on_path), ("module app.cache", true));

    // A frame holds the third session beside the table: no dominator, and a root of its own.
    let view = analysis.around(&Heap::address(used), 1, 0).unwrap();
    assert_eq!(edge(&view, entries, used).map(|edge| edge.3), Some(false));
    assert!(view.roots.iter().any(|root| root.kind == "frame_local"), "{:?}", view.roots);
}

#[test]
fn the_graph_of_a_type_is_around_its_largest_instance() {
    let App { snapshot, session, .. } = app();
    let analysis = Analysis::new(&snapshot, &Quiet);
    let view = analysis.around("Session", 2, 0).unwrap();
    let name = |object: &ObjectId| snapshot.type_of(*object).is_some_and(|record| record.name == "app.Session");
    let first = snapshot.objects.ids().find(name).unwrap();
    assert_ne!(first, session);
    assert_eq!((view.matches, view.centre), (3, Heap::address(first)), "the first of equal ones");
    assert!(analysis.around("Sesion", 2, 0).is_err());
}

#[test]
fn the_middle_of_a_long_path_is_one_edge() {
    let mut heap = Heap::default();
    let chain: Vec<ObjectId> = (0..40).map(|_| heap.object("list", 10)).collect();
    chain.windows(2).for_each(|pair| heap.index(pair[0], 0, pair[1]));
    // The last two hold an object together: what dominates it is the one before them.
    let (last, shared, other) = (chain[39], heap.object("tuple", 5), heap.object("set", 7));
    heap.index(last, 1, other);
    heap.index(last, 0, shared);
    heap.index(other, 0, shared);
    heap.named(other, LabelKind::Weak, "wr_object", last);
    heap.root(chain[0], RootKind::Module, "app");
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).around(&Heap::address(shared), 1, 0).unwrap();
    let kinds = |kind: &str| view.edges.iter().filter(|edge| edge.kind == kind).collect::<Vec<_>>();
    let [gap] = kinds("elided")[..] else { panic!("{:?}", view.edges) };
    assert_eq!((gap.count, gap.on_path), (29, true), "41 objects, 6 at each end shown");
    assert_eq!((gap.source.clone(), gap.target.clone()), (Heap::address(chain[5]), Heap::address(chain[35])));
    assert_eq!(kinds("weak").len(), 1);
    let view = Analysis::new(&snapshot, &Quiet).around(&Heap::address(chain[39]), 1, 0).unwrap();
    assert!(view.edges.iter().any(|edge| edge.target == Heap::address(shared) && edge.dominates));
}

#[test]
fn a_dominator_without_a_reference_is_drawn() {
    let mut heap = Heap::default();
    let (top, shared) = (heap.object("list", 10), heap.object("tuple", 5));
    let holders = [heap.object("set", 7), heap.object("set", 7)];
    for (at, &holder) in (0..).zip(&holders) {
        heap.index(top, at, holder);
        heap.index(holder, 0, shared);
    }
    heap.root(top, RootKind::Module, "app");
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).around(&Heap::address(top), 2, 0).unwrap();
    let dominators: Vec<_> = view.edges.iter().filter(|edge| edge.kind == "dominator").collect();
    let [edge] = dominators[..] else { panic!("{:?}", view.edges) };
    assert_eq!((edge.source.clone(), edge.target.clone()), (Heap::address(top), Heap::address(shared)));
    assert!(edge.dominates);
}

#[test]
fn constants_that_all_share_are_held_by_no_frame() {
    let mut heap = Heap::default();
    let thread = heap.thread(4242);
    let frame = heap.frame(thread, 0, "handle", "app.py", 17);
    let (code, constants, inner) = (heap.object("code", 400), heap.object("tuple", 64), heap.object("tuple", 64));
    heap.index(constants, 9, inner);
    heap.root(code, RootKind::Static, "code");
    heap.named(code, LabelKind::Field, "co_consts", constants);
    let shared = [("NoneType", 16), ("bool", 28), ("ellipsis", 16), ("int", 28), ("str", 60), ("tuple", 56)];
    for (at, (type_name, bytes)) in (0..).zip(shared) {
        let object = heap.object(type_name, bytes);
        heap.local(frame, type_name, object);
        match type_name {
            "int" => heap.root(object, RootKind::Static, "small_ints"),
            "str" | "tuple" => heap.index(inner, at, object),
            _ => {}
        }
    }
    for (name, type_name, bytes) in [("text", "str", 500), ("number", "int", 32), ("rows", "list", 1000)] {
        let object = heap.object(type_name, bytes);
        heap.local(frame, name, object);
    }
    let snapshot = heap.build();
    let view = Analysis::new(&snapshot, &Quiet).threads(0);
    let locals = &view.threads[0].frames[0].locals;
    let held: Vec<(&str, u64)> =
        locals.iter().map(|local| (local.variable.as_str(), local.object.retained_bytes)).collect();
    assert_eq!(held[..3], [("rows", 1000), ("text", 500), ("number", 32)]);
    assert!(held[3..].iter().all(|(_, bytes)| *bytes == 0) && held.len() == 9, "{held:?}");
    assert_eq!((view.threads[0].retained_bytes, view.threads[0].frames[0].retained_bytes), (1532, 1532));
}
