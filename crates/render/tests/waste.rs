//! The view of waste at several widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::views::{Header, ObjectRef};
use memsight_analysis::waste::{EqualValue, WasteKind, WastePlace, WasteRule, WasteView};
use memsight_model::{Confidence, Finding, Mode, Severity};
use memsight_render::text::{self, Style};

fn example(type_name: &str, shallow: u64) -> ObjectRef {
    ObjectRef {
        address: "0x7f3a1c0042d0".into(),
        type_name: type_name.into(),
        name: "app.cache._entries['user:17'].name".into(),
        shallow_bytes: shallow,
        external_bytes: 0,
        retained_bytes: shallow,
        ..ObjectRef::default()
    }
}

fn place(type_name: &str, count: u64, saved: u64, table: Option<(u64, u64)>) -> WastePlace {
    let (used, allocated) = table.unzip();
    WastePlace {
        type_name: type_name.into(),
        count,
        saved_bytes: saved,
        used,
        allocated,
        views: None,
        path: ["module app.cache", "_entries (dict)", "[*]", "Session", "history\x1b (list)"].map(Into::into).into(),
        example: example(type_name, 120),
        text: None,
    }
}

fn kind(rule: WasteRule, saved: u64, places: Vec<WastePlace>) -> WasteKind {
    let objects = places.iter().map(|place| place.count).sum();
    let place_count = places.len() as u64 + 7;
    WasteKind { rule, saved_bytes: saved, objects, places, place_count, values: vec![], value_count: 0 }
}

fn view() -> WasteView {
    let value = |value: Option<&str>| EqualValue {
        type_name: "str".into(),
        copies: 12_000,
        saved_bytes: 700_000,
        value: value.map(Into::into),
        path: vec!["module app.cache".into()],
        example: example("str", 58),
    };
    let mut strings = kind(WasteRule::DuplicateStrings, 8_400_000, vec![place("str", 140_000, 8_400_000, None)]);
    (strings.values, strings.value_count) = (vec![value(None), value(Some("'a value\u{1b}[2J'"))], 2);
    let lists = vec![place("list", 25_000, 2_200_000, Some((100_000, 400_000)))];
    let mut classes = vec![place("app.cache.Session", 25_000, 1_200_000, None)];
    classes[0].used = Some(4);
    let finding = Finding {
        rule: "duplicate-strings".into(),
        severity: Severity::Warning,
        confidence: Confidence::High,
        message: "140,000 str objects are equal to others".into(),
        place: "module app.cache -> _entries (dict)".into(),
        bytes: Some(8_400_000),
        advice: "Let equal strings be one object where they are made: sys.intern().".into(),
        evidence: vec!["10.5% of the heap".into(), "for example 0x7f3a1c0042d0".into()],
    };
    WasteView {
        header: Header {
            schema_version: 1,
            pid: 4242,
            python: "3.12.1".into(),
            created: "2026-11-22T06:30:00Z".into(),
            mode: Mode::Fork,
            partial: vec![],
        },
        total_bytes: 80_000_000,
        resident_bytes: 80_000_000,
        saved_bytes: 11_800_000,
        share: 0.1475,
        kinds: vec![
            strings,
            kind(WasteRule::OverallocatedLists, 2_200_000, lists),
            kind(WasteRule::InstanceDicts, 1_200_000, classes),
        ],
        findings: vec![finding],
    }
}

#[test]
fn waste_by_kind_and_place() {
    for width in [60, 80, 120] {
        let text = text::waste(&view(), &Style::plain(width));
        let long: Vec<&str> = text.lines().filter(|line| width >= 80 && line.chars().count() > width).collect();
        assert!(long.is_empty(), "over {width} columns: {long:#?}");
        assert!(!text.contains('\x1b') && !text.lines().any(|line| line.ends_with(' ')), "{text}");
        insta::assert_snapshot!(format!("waste_{width}"), text);
    }
}

#[test]
fn what_views_keep_is_told_in_bytes() {
    let mut arrays = place("numpy.ndarray", 20, 290_000_000, Some((1_638_400, 293_601_280)));
    arrays.views = Some(40);
    let kinds = vec![kind(WasteRule::SmallViews, 290_000_000, vec![arrays])];
    let text = text::waste(&WasteView { kinds, ..view() }, &Style::plain(120));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert!(text.lines().any(|line| words(line).ends_with("count views show bytes saved")), "{text}");
    assert!(text.lines().any(|line| words(line).ends_with("20 40 1.6 MiB 280.0 MiB 276.6 MiB")), "{text}");
}

#[test]
fn no_waste_is_an_answer() {
    let none = WasteView { saved_bytes: 0, share: 0.0, kinds: vec![], findings: vec![], ..view() };
    insta::assert_snapshot!("no_waste_80", text::waste(&none, &Style::plain(80)));
}
