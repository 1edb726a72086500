//! The view of waste over heaps made at random, against sums that are made the slow way.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Heap;
use memsight_analysis::waste::WasteRule;
use memsight_analysis::{Analysis, AnalysisError};
use memsight_model::{Boxed, Contents, LabelKind, ObjectId, Quiet, Slack, Snapshot, View};
use proptest::prelude::*;

/// A str or an int: its value, its size, and which list holds it (3 for none).
type Leaf = (bool, u8, u8, u8);

fn leaves() -> impl Strategy<Value = Vec<Leaf>> {
    prop::collection::vec((any::<bool>(), 0..5u8, 1..4u8, 0..4u8), 0..60)
}

/// Three lists of a module, with leaves in them and beside them; the lists are columns and have room to spare.
fn heap(leaves: &[Leaf], boxed: [bool; 3], spare: [u8; 3]) -> Snapshot {
    let mut heap = Heap::default();
    let module = heap.module("app");
    let lists = [0, 1, 2].map(|number| {
        let list = heap.object("list", 56 + 8 * (leaves.len() as u64 + u64::from(spare[number])));
        heap.item(module, &format!("list{number}"), list);
        list
    });
    let mut contents = Contents::default();
    let mut classes: BTreeMap<(bool, u8), Vec<ObjectId>> = BTreeMap::new();
    for (at, &(text, value, size, place)) in leaves.iter().enumerate() {
        let object = heap.object(if text { "str" } else { "int" }, 24 + 8 * u64::from(size));
        match lists.get(usize::from(place)) {
            Some(list) => heap.index(*list, at as u32, object),
            None => heap.item(module, &format!("leaf{at}"), object),
        }
        classes.entry((text, value)).or_default().push(object);
    }
    classes.into_values().for_each(|members| contents.equals.push(&members));
    for (number, object) in lists.into_iter().enumerate() {
        let (used, spare) = (leaves.len() as u64, u64::from(spare[number]));
        let table_bytes = 8 * (used + spare);
        contents.slack.push(Slack { object, used, allocated: used + spare, table_bytes, fit_bytes: 8 * used });
        if boxed[number] {
            contents.boxed.push(Boxed { object, code: 'q', array_bytes: 80 });
        }
    }
    let mut snapshot = heap.build();
    snapshot.contents = Some(contents);
    snapshot
}

proptest! {
    #[test]
    fn no_byte_is_counted_twice(leaves in leaves(), boxed: [bool; 3], spare in prop::array::uniform3(0..9u8)) {
        let snapshot = heap(&leaves, boxed, spare);
        let view = Analysis::new(&snapshot, &Quiet).waste(0).expect("contents");
        let saved = |rule| view.kinds.iter().find(|kind| kind.rule == rule).map_or(0, |kind| kind.saved_bytes);
        let contents = snapshot.contents.as_ref().expect("contents");
        let size = |object: ObjectId| snapshot.objects.shallow.get(object);

        // Columns: the list and its items, each with one reference here, less the array.
        let (mut gone, mut columns, mut taken) = (BTreeSet::new(), 0, BTreeSet::new());
        for row in &contents.boxed {
            // Strings that are copies are counted with the strings already.
            let is_copy = |id: &ObjectId| {
                let text = snapshot.type_of(*id).is_some_and(|kind| kind.name == "str");
                text && contents.equals.iter().any(|class| class[1..].contains(id))
            };
            let items = snapshot.references.of(row.object).map(|(item, _)| item).filter(|item| !is_copy(item));
            let items: Vec<ObjectId> = items.collect();
            let freed = size(row.object) + items.iter().map(|item| size(*item)).sum::<u64>();
            if freed > row.array_bytes {
                columns += freed - row.array_bytes;
                gone.extend(items);
                taken.insert(row.object);
            }
        }
        prop_assert_eq!(saved(WasteRule::BoxedNumbers), columns);

        let mut expected = BTreeMap::from([("str", 0), ("int", 0)]);
        for class in contents.equals.iter() {
            let name = snapshot.type_of(class[0]).map_or("", |kind| kind.name.as_str());
            let left: Vec<&ObjectId> = class.iter().filter(|id| name == "str" || !gone.contains(id)).collect();
            *expected.entry(if name == "str" { "str" } else { "int" }).or_default() +=
                left.iter().skip(1).map(|id| size(**id)).sum::<u64>();
        }
        prop_assert_eq!(saved(WasteRule::DuplicateStrings), expected["str"]);
        prop_assert_eq!(saved(WasteRule::DuplicateNumbers), expected["int"]);

        let rows = contents.slack.iter().filter(|row| !taken.contains(&row.object));
        prop_assert_eq!(saved(WasteRule::OverallocatedLists), rows.map(Slack::saved_bytes).sum::<u64>());

        prop_assert_eq!(view.saved_bytes, view.kinds.iter().map(|kind| kind.saved_bytes).sum::<u64>());
        prop_assert!(view.saved_bytes <= view.total_bytes);
        for kind in &view.kinds {
            prop_assert_eq!(kind.saved_bytes, kind.places.iter().map(|place| place.saved_bytes).sum::<u64>());
            prop_assert_eq!(kind.objects, kind.places.iter().map(|place| place.count).sum::<u64>());
            let values = kind.values.iter().map(|value| value.saved_bytes).sum::<u64>();
            prop_assert!(kind.values.is_empty() || kind.saved_bytes == values);
        }
        let findings = view.findings.iter().filter_map(|finding| finding.bytes).sum::<u64>();
        prop_assert!(findings <= view.saved_bytes);
    }
}

#[test]
fn a_snapshot_without_contents_says_so() {
    let mut snapshot = heap(&[], [false; 3], [0; 3]);
    snapshot.contents = None;
    assert_eq!(Analysis::new(&snapshot, &Quiet).waste(0), Err(AnalysisError::NoContents));
}

#[test]
fn texts_are_shown_only_where_the_look_kept_values() {
    let leaf = (true, 0, 1, 3);
    let mut snapshot = heap(&[leaf, leaf], [false; 3], [0; 3]);
    let value = |snapshot: &Snapshot| {
        let view = Analysis::new(snapshot, &Quiet).waste(0).expect("contents");
        let kind = view.kinds.iter().find(|kind| kind.rule == WasteRule::DuplicateStrings).cloned();
        kind.expect("two equal strings").values[0].value.clone()
    };
    let kept = snapshot.contents.as_ref().and_then(|contents| contents.equals.iter().next()).expect("a class")[0];
    let mut texts = memsight_model::TextTable::default();
    for (id, text) in snapshot.texts.iter() {
        if id < kept {
            texts.push(id, text);
        }
    }
    texts.push(kept, "'secret'");
    snapshot.texts = texts;
    assert_eq!(value(&snapshot), None);
    snapshot.manifest.values = true;
    assert_eq!(value(&snapshot).as_deref(), Some("'secret'"));
}

#[test]
fn small_views_that_alone_keep_an_array_are_waste() {
    let mut heap = Heap::default();
    let module = heap.module("app");
    let parts = heap.object("list", 200);
    heap.item(module, "parts", parts);
    let mut views = Vec::new();
    // An array of 100,000 bytes each; views of it, and whether a variable keeps it as well.
    for (at, (shown, own)) in
        [(&[1_000u64, 2_000][..], false), (&[1_000], false), (&[50_100], false), (&[1_000], true)].iter().enumerate()
    {
        let base = heap.object("numpy.ndarray", 100_000);
        if *own {
            heap.item(module, "base", base);
        }
        for (index, bytes) in shown.iter().enumerate() {
            let view = heap.object("numpy.ndarray", 112);
            heap.index(parts, (10 * at + index) as u32, view);
            heap.named(view, LabelKind::Field, "base", base);
            views.push(View { object: view, base, holder: view, bytes: *bytes });
        }
    }
    let mut snapshot = heap.build();
    snapshot.contents = Some(Contents { views, ..Contents::default() });
    let view = Analysis::new(&snapshot, &Quiet).waste(0).expect("contents");
    let kind = view.kinds.iter().find(|kind| kind.rule == WasteRule::SmallViews).expect("arrays that views keep");
    assert_eq!((kind.objects, kind.saved_bytes), (2, 97_000 + 99_000));
    let place = &kind.places[0];
    assert_eq!((place.used, place.allocated, place.views), (Some(4_000), Some(200_000), Some(3)));
    let finding = view.findings.iter().find(|finding| finding.rule == "small-views").expect("a finding");
    assert_eq!(finding.message, "3 views of 3.9 KiB keep 2 ndarray objects of 195.3 KiB");
}
