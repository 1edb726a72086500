//! Suspects of several types, and of several holders: nothing is told of one that belongs to another.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_analysis::views::Suspect;
use memsight_model::{Quiet, RootKind};

fn suspects(heap: Heap) -> Vec<Suspect> {
    Analysis::new(&heap.build(), &Quiet).suspects(0).suspects
}

#[test]
fn each_type_in_a_container_of_mixed_contents_has_its_own_bytes() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let cache = heap.object("list", 1_000);
    heap.item(app, "cache", cache);
    for at in 0..600 {
        let session = heap.object("app.Session", 1_000);
        heap.index(cache, at, session);
    }
    for (type_name, number, bytes) in [("bytes", 400, 1_000), ("set", 80, 500), ("dict", 60, 500)] {
        for at in 0..number {
            let object = heap.object(type_name, bytes);
            heap.index(cache, 600 + at, object);
        }
    }
    let found = suspects(heap);
    assert_eq!(found.len(), 1, "{found:#?}");
    let start =
        "600 instances of app.Session (585.9 KiB) and 400 of bytes (390.6 KiB) and 140 of other types (68.4 KiB)";
    let start = start.replacen(" and", ",", 1) + ", kept by app.cache (list), hold 1.0 MiB (";
    assert!(found[0].summary.starts_with(&start), "{}", found[0].summary);
    let inside: Vec<_> = found[0].inside.iter().map(|row| (row.type_name.as_str(), row.count, row.bytes)).collect();
    assert_eq!(
        inside,
        [("app.Session", 600, 600_000), ("bytes", 400, 400_000), ("set", 80, 40_000), ("dict", 60, 30_000)]
    );
    assert_eq!(found[0].retained_bytes, 1_071_000);
}

#[test]
fn a_table_and_its_keys_beside_one_type_are_not_told_apart() {
    let mut heap = Heap::default();
    let app = heap.module("app");
    let cache = heap.object("dict", 10_000);
    heap.item(app, "cache", cache);
    for at in 0..100 {
        let row = heap.object("app.Row", 1_000);
        heap.item(cache, &at.to_string(), row);
    }
    let found = suspects(heap);
    assert!(found[0].summary.starts_with("100 instances of app.Row, kept by"), "{}", found[0].summary);
    assert_eq!(found[0].inside, []);
}

#[test]
fn who_holds_the_others_is_said() {
    let mut heap = Heap::default();
    heap.program(100_000);
    let app = heap.module("app");
    let most = heap.object("list", 5_000);
    heap.item(app, "most", most);
    for at in 0..600 {
        let row = heap.object("app.Row", 1_000);
        heap.index(most, at, row);
        let again = heap.module(&format!("twin{}", at % 2));
        heap.item(again, &format!("row_{at}"), row);
    }
    for module in 0..40 {
        let namespace = heap.module(&format!("plugin{module}"));
        let list = heap.object("list", 100);
        heap.item(namespace, "pending", list);
        for at in 0..10 {
            let row = heap.object("app.Row", 1_000);
            heap.index(list, at, row);
        }
    }
    let found = suspects(heap);
    let said =
        "1,000 instances of app.Row, 600 of them kept by app.most (list), 400 kept by many holders: 40 list, hold ";
    assert!(found[0].summary.starts_with(said), "{}", found[0].summary);
    assert_eq!((found[0].count, found[0].kept_count), (1_000, Some(600)));
}

#[test]
fn no_type_of_holders_and_no_root_is_left_out() {
    let mut heap = Heap::default();
    heap.program(100_000);
    for module in 0..40 {
        let namespace = heap.module(&format!("plugin{module}"));
        for (name, type_name) in [("a", "list"), ("b", "set"), ("c", "dict"), ("d", "tuple")] {
            let holder = heap.object(type_name, 100);
            heap.item(namespace, name, holder);
            for at in 0..if type_name == "list" { 4 } else { 2 } {
                let task = heap.object("app.Task", 1_000);
                heap.index(holder, at, task);
            }
        }
        let task = heap.object("app.Task", 1_000);
        heap.root(task, RootKind::Static, "");
    }
    let found = suspects(heap);
    let said = "440 instances of app.Task, kept by many holders: ";
    assert!(found[0].summary.starts_with(said), "{}", found[0].summary);
    assert!(found[0].summary.contains("80 of other types, roots (40 of 440)"), "{}", found[0].summary);
}
