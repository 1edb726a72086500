//! Leak suspects: culprits are named, ordinary processes are not accused.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_analysis::views::Suspect;
use memsight_model::{LabelKind, ObjectId, Quiet, RootKind};

fn suspects(heap: Heap) -> Vec<Suspect> {
    Analysis::new(&heap.build(), &Quiet).suspects(0).suspects
}

/// `app.Session` objects with a dictionary and a list each, 1,000 bytes a piece.
fn session(heap: &mut Heap) -> ObjectId {
    let session = heap.object("app.Session", 48);
    let attributes = heap.object("dict", 100);
    let history = heap.object("list", 802);
    heap.named(session, LabelKind::Field, "__dict__", attributes);
    heap.item(attributes, "history", history);
    session
}

#[test]
fn a_process_that_only_imported_has_no_suspect() {
    let mut heap = Heap::default();
    heap.program(10_000_000);
    assert_eq!(suspects(heap), []);
}

#[test]
fn an_empty_heap_has_no_suspect() {
    assert_eq!(suspects(Heap::default()), []);
}

#[test]
fn names_shared_by_all_code_are_no_suspect() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let names: Vec<ObjectId> = (0..2000).map(|_| heap.object("str", 60)).collect();
    for module in 0..4 {
        let namespace = heap.module(&format!("more{module}"));
        for chunk in names.chunks(20) {
            let code = heap.object("code", 10);
            let tuple = heap.object("tuple", 10);
            heap.item(namespace, "code", code);
            heap.named(code, LabelKind::Field, "co_names", tuple);
            chunk.iter().enumerate().for_each(|(at, name)| heap.index(tuple, at as u32, *name));
        }
    }
    assert_eq!(suspects(heap), []);
}

#[test]
fn a_cache_in_a_module_variable() {
    let mut heap = Heap::default();
    heap.program(400_000);
    let app = heap.module("app.cache");
    let entries = heap.object("dict", 10_000);
    heap.item(app, "_entries", entries);
    for user in 0..1000 {
        let session = session(&mut heap);
        heap.item(entries, &format!("user:{user}"), session);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    let suspect = &found[0];
    assert_eq!(
        suspect.summary,
        "1,000 instances of app.Session, kept by app.cache._entries (dict), hold 1.0 MiB (71.4%)"
    );
    assert_eq!(suspect.path.join(" -> "), "module app.cache -> _entries (dict)");
    assert_eq!((suspect.type_name.as_str(), suspect.count), ("app.Session", 1000));
    assert_eq!(suspect.retained_bytes, 10_000 + 1000 * (950 + 50 + 50));
    assert_eq!(suspect.accumulation_point.as_ref().unwrap().name, "app.cache._entries");
    assert_eq!(suspect.holds[0].type_name, "app.Session");
    assert_eq!(suspect.holds[0].count, 1000);
    assert_eq!(suspect.keywords, ["Session", "app.cache", "_entries"]);
    assert_eq!(suspect.thread, None);
}

#[test]
fn callbacks_in_a_list_are_data() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let bus = heap.object("app.Bus", 48);
    let attributes = heap.object("dict", 104);
    let listeners = heap.object("list", 8000);
    heap.item(app, "bus", bus);
    heap.named(bus, LabelKind::Field, "__dict__", attributes);
    heap.item(attributes, "listeners", listeners);
    for at in 0..1000 {
        let function = heap.object("function", 160);
        let cells = heap.object("tuple", 48);
        heap.index(listeners, at, function);
        heap.named(function, LabelKind::Field, "__globals__", app);
        heap.named(function, LabelKind::Field, "__closure__", cells);
        let cell = heap.object("cell", 40);
        heap.index(cells, 0, cell);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].summary.starts_with("1,000 instances of function, kept by app.bus.listeners (list), hold "));
    assert_eq!(found[0].path.join(" -> "), "module app -> bus (Bus) -> listeners (list)");
}

#[test]
fn a_group_in_two_containers_is_kept_by_the_one_that_refers_to_it() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let by_id = heap.object("dict", 5000);
    let other = heap.module("audit");
    let log = heap.object("list", 5000);
    heap.item(app, "by_id", by_id);
    heap.item(other, "log", log);
    for at in 0..500 {
        let row = heap.object("str", 1000);
        heap.item(by_id, &at.to_string(), row);
        heap.index(log, at, row);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].summary.starts_with("500 instances of str, kept by app.by_id (dict), hold 488.3 KiB"));
}

#[test]
fn a_linked_list_is_one_suspect_at_its_head() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let head = heap.object("app.Node", 100);
    heap.item(app, "head", head);
    let mut last = head;
    for _ in 0..5000 {
        let next = heap.object("app.Node", 100);
        heap.named(last, LabelKind::Attribute, "next", next);
        last = next;
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].summary.starts_with("5,001 instances of app.Node, kept by app.head (Node), hold 488.4 KiB"));
}

#[test]
fn a_tree_is_one_suspect_at_its_top() {
    let mut heap = Heap::default();
    let app = heap.module("app");
    let nodes: Vec<ObjectId> = (0..1023).map(|_| heap.object("app.Node", 100)).collect();
    heap.item(app, "tree", nodes[0]);
    for (at, node) in nodes.iter().enumerate().take(511) {
        let attributes = heap.object("dict", 64);
        let children = heap.object("list", 64);
        heap.named(*node, LabelKind::Field, "__dict__", attributes);
        heap.item(attributes, "children", children);
        heap.index(children, 0, nodes[2 * at + 1]);
        heap.index(children, 1, nodes[2 * at + 2]);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].summary.starts_with("1,023 instances of app.Node, kept by app.tree (Node), hold"));
}

#[test]
fn unreachable_cycles_are_a_suspect_by_class() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let first = heap.object("app.Request", 600);
    for _ in 0..300 {
        let (left, right) = (heap.object("app.Request", 600), heap.object("app.Response", 400));
        heap.named(left, LabelKind::Attribute, "response", right);
        heap.named(right, LabelKind::Attribute, "request", left);
    }
    // The last one is still in use, which must not hide where the others are.
    let main = heap.module("__main__");
    heap.item(main, "last", first);
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].summary.starts_with(
            "301 instances of app.Request, 300 of them kept by unreachable cycles, 1 kept by __main__.__dict__ (dict), hold 293.6 KiB"
        ),
        "{}",
        found[0].summary
    );
    assert_eq!(found[0].path, ["unreachable cycle", "Request"]);
}

#[test]
fn scattered_instances_are_a_suspect_by_class() {
    let mut heap = Heap::default();
    heap.program(100_000);
    for module in 0..40 {
        let namespace = heap.module(&format!("plugin{module}"));
        let list = heap.object("list", 100);
        heap.item(namespace, "pending", list);
        for at in 0..10 {
            let task = heap.object("app.Task", 1000);
            heap.index(list, at, task);
        }
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].summary.starts_with("400 instances of app.Task, kept by many holders: 40 list, hold 390.6 KiB"));
}

#[test]
fn one_large_object_in_a_frame() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let thread = heap.thread(4242);
    let frame = heap.frame(thread, 0, "train", "/srv/app/model.py", 17);
    let array = heap.object("numpy.ndarray", 112);
    heap.external(array, 5_000_000);
    heap.local(frame, "weights", array);
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0]
            .summary
            .starts_with("1 instance of numpy.ndarray, kept by weights in train() (ndarray), holds 4.8 MiB")
    );
    assert_eq!(found[0].path, ["thread 4242 frame train() at model.py:17 local weights (ndarray)"]);
    assert_eq!(found[0].thread.as_deref(), Some("thread 4242 frame train() at model.py:17 local weights"));
    assert_eq!(found[0].keywords, ["ndarray", "train", "weights"]);
}

#[test]
fn a_mutable_default_is_found_in_the_function() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let function = heap.object("function", 160);
    let defaults = heap.object("tuple", 48);
    let seen = heap.object("dict", 20_000);
    heap.item(app, "lookup", function);
    heap.named(function, LabelKind::Field, "__defaults__", defaults);
    heap.index(defaults, 0, seen);
    for at in 0..500 {
        let value = heap.object("bytes", 200);
        heap.item(seen, &at.to_string(), value);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    let path = found[0].path.join(" -> ");
    assert_eq!(path, "module app -> lookup (function) -> __defaults__ (tuple) -> [0] -> dict");
    assert!(
        found[0].summary.starts_with(
            "500 instances of bytes (97.7 KiB) and 500 of str (24.4 KiB), kept by app.lookup.__defaults__[0] (dict), hold"
        ),
        "{}",
        found[0].summary
    );
}

#[test]
fn a_list_in_a_closure_is_named_as_python_would() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let handler = heap.object("function", 160);
    let closure = heap.object("tuple", 48);
    let cell = heap.object("cell", 40);
    let seen = heap.object("list", 20_000);
    heap.item(app, "handler", handler);
    heap.named(handler, LabelKind::Field, "__closure__", closure);
    heap.index(closure, 0, cell);
    heap.named(cell, LabelKind::Cell, "seen", seen);
    for at in 0..500 {
        let value = heap.object("bytes", 200);
        heap.index(seen, at, value);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    let start = "500 instances of bytes, kept by app.handler.__closure__[0].cell_contents (list), hold";
    assert!(found[0].summary.starts_with(start), "{}", found[0].summary);
    assert!(found[0].path.iter().any(|step| step.contains("free variable seen")), "{:?}", found[0].path);
}

#[test]
fn what_has_no_name_is_told_from_the_root() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let render = heap.object("functools._lru_cache_wrapper", 160);
    let cache = heap.object("dict", 20_000);
    heap.item(app, "render", render);
    heap.named(render, LabelKind::Field, "cache", cache);
    for at in 0..500 {
        let value = heap.object("bytes", 200);
        heap.item(cache, &at.to_string(), value);
    }
    let found = suspects(heap);
    let start = "500 instances of bytes (97.7 KiB) and 500 of str (24.4 KiB), kept by module app -> render \
                 (_lru_cache_wrapper) -> cache (dict), hold";
    assert!(found[0].summary.starts_with(start), "{}", found[0].summary);
}

#[test]
fn the_attributes_of_a_c_type_are_no_step() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let future = heap.object("_asyncio.Future", 160);
    let attributes = heap.object("dict", 100);
    let children = heap.object("list", 20_000);
    heap.item(app, "future", future);
    heap.named(future, LabelKind::Field, "dict", attributes);
    heap.item(attributes, "_children", children);
    for at in 0..500 {
        let value = heap.object("bytes", 200);
        heap.index(children, at, value);
    }
    let found = suspects(heap);
    assert_eq!(found[0].path.join(" -> "), "module app -> future (Future) -> _children (list)");
    let start = "500 instances of bytes, kept by app.future._children (list), hold";
    assert!(found[0].summary.starts_with(start), "{}", found[0].summary);
}

#[test]
fn a_little_data_in_each_of_many_modules_is_no_suspect() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let modules = heap.object("dict", 1_000);
    heap.root(modules, RootKind::Interpreter, "sys.modules");
    for at in 0..100 {
        let module = heap.object("module", 100);
        let namespace = heap.object("dict", 100);
        heap.item(modules, &format!("m{at}"), module);
        heap.named(module, LabelKind::Field, "md_dict", namespace);
        let table = heap.object("list", 2_000);
        heap.item(namespace, "table", table);
    }
    assert_eq!(suspects(heap), []);
}

#[test]
fn suspects_of_one_place_say_so() {
    let mut heap = Heap::default();
    let app = heap.module("app");
    let state = heap.object("app.State", 48);
    heap.item(app, "state", state);
    for name in ["first", "second"] {
        let list = heap.object("list", 1000);
        heap.named(state, LabelKind::Attribute, name, list);
        for at in 0..100 {
            let item = heap.object("bytes", if name == "first" { 300 } else { 200 });
            heap.index(list, at, item);
        }
    }
    let found = suspects(heap);
    let names: Vec<&str> =
        found.iter().map(|suspect| suspect.accumulation_point.as_ref().unwrap().name.as_str()).collect();
    assert_eq!(names, ["app.state.first", "app.state.second"]);
    assert_eq!(found[1].shares_path_with, [0]);
    assert_eq!(found[0].shares_path_with, []);
}

#[test]
fn c_code_holds_what_has_more_references_than_found() {
    let mut heap = Heap::default();
    heap.program(100_000);
    for _ in 0..100 {
        let handle = heap.object("lib.Handle", 1000);
        heap.root(handle, RootKind::Module, "gone");
    }
    let mut snapshot = heap.build();
    snapshot.roots.retain(|root| snapshot.names.get(root.name) != "gone");
    let found = Analysis::new(&snapshot, &Quiet).suspects(0).suspects;
    assert!(found[0].summary.starts_with("100 instances of lib.Handle, kept by C code, hold"), "{}", found[0].summary);
    assert_eq!(found[0].path, ["held by C code", "Handle"]);
}

/// As many tables in one module as there are sizes, none of them a tenth of all but for what is beside them.
fn tables(sizes: &[u64]) -> Vec<Suspect> {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    for (at, bytes) in sizes.iter().enumerate() {
        let table = heap.object("dict", 100);
        heap.item(app, &format!("table_{at}"), table);
        for key in 0..10 {
            let row = heap.object("bytes", *bytes / 10);
            heap.item(table, &key.to_string(), row);
        }
    }
    suspects(heap)
}

#[test]
fn tables_that_meet_in_one_module_are_no_one_suspect() {
    let mut sizes = vec![50_000; 12];
    sizes[3] = 60_000;
    sizes[4] = 1_000;
    let found = tables(&sizes);
    assert_eq!(found.len(), 10, "{found:#?}");
    assert!(
        found[0].summary.starts_with("1 instance of dict, kept by app.table_3 (dict), holds 59."),
        "{}",
        found[0].summary
    );
    assert!(found.iter().all(|suspect| suspect.count == 1 && suspect.path[0] == "module app"));
    assert!(found.iter().all(|suspect| !suspect.summary.contains("table_4 ") && !suspect.summary.contains("__dict__")));
}

#[test]
fn variables_that_a_program_fills_are_a_table() {
    let found = tables(&[5_000; 150]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].summary.starts_with("150 instances of dict, kept by app.__dict__ (dict), hold"),
        "{}",
        found[0].summary
    );
}

#[test]
fn variables_of_many_types_are_told_one_by_one() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    for at in 0..14 {
        let table = heap.object(&format!("lib.Kind{at}"), 50_000);
        heap.item(app, &format!("table_{at}"), table);
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 10, "{found:#?}");
    assert!(found.iter().all(|suspect| suspect.summary.contains("kept by app.table_")), "{found:#?}");
}

#[test]
fn what_two_variables_share_is_told_of_one_of_them() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    for pair in 0..3 {
        let (left, right) = (heap.object("list", 100), heap.object("list", 100));
        heap.item(app, &format!("left_{pair}"), left);
        heap.item(app, &format!("right_{pair}"), right);
        for at in 0..10 {
            let row = heap.object("app.Row", 5_000);
            heap.index(left, at, row);
            heap.index(right, at, row);
        }
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|suspect| suspect.summary.starts_with("10 instances of app.Row, kept by app.left_")));
}

#[test]
fn a_caller_goes_before_its_callee_and_threads_have_names() {
    let mut heap = Heap::default();
    let thread = heap.thread(4242);
    heap.name_thread(thread, "worker-3");
    let callee = heap.frame(thread, 0, "handle", "/srv/app/app.py", 17);
    let caller = heap.frame(thread, 1, "serve", "/srv/app/app.py", 40);
    let list = heap.object("list", 5_000_000);
    heap.local(callee, "given", list);
    heap.local(caller, "kept", list);
    let found = suspects(heap);
    assert_eq!(found[0].path, ["thread 'worker-3' (4242) frame serve() at app.py:40 local kept (list)"]);
}

#[test]
fn classes_that_would_stand_as_nothing_are_not_listed() {
    let mut heap = Heap::default();
    let namespace = heap.module("app");
    for (key, type_name, bytes) in [("large", "app.Large", 5_000_000), ("small", "app.Small", 100)] {
        let object = heap.object(type_name, bytes);
        heap.item(namespace, key, object);
    }
    let view = Analysis::new(&heap.build(), &Quiet).suspects(0);
    let listed: Vec<&str> = view.instances.iter().map(|row| row.type_name.as_str()).collect();
    assert_eq!(listed, ["app.Large"]);
}

#[test]
fn containers_without_a_name_are_called_by_their_path() {
    let mut heap = Heap::default();
    let thread = heap.thread(4242);
    let frame = heap.frame(thread, 0, "serve", "/srv/app/app.py", 40);
    let (connection, list, item) =
        (heap.object("app.Connection", 48), heap.object("list", 100), heap.object("str", 60));
    heap.local(frame, "connection", connection);
    heap.named(connection, LabelKind::Field, "buffer", list);
    heap.index(list, 0, item);
    let view = Analysis::new(&heap.build(), &Quiet).suspects(0);
    let path = "thread 4242 frame serve() at app.py:40 local connection (Connection) -> buffer (list)";
    assert_eq!(view.containers[0].object.name, path);
}
