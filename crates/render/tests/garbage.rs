//! The views of garbage and cycles, at several widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::cycles::{CycleRow, CycleStep, CyclesView, LEAST};
use memsight_analysis::garbage::{Collector, Finaliser, FinaliserRow, Garbage, GarbageType, GarbageView, HiddenRow};
use memsight_analysis::views::Header;
use memsight_model::Mode;
use memsight_render::text::{self, Style};

fn header() -> Header {
    Header {
        schema_version: 1,
        pid: 4242,
        python: "3.12.1".into(),
        created: "2026-11-22T06:30:00Z".into(),
        mode: Mode::Freeze,
        partial: vec![],
    }
}

fn step(address: &str, type_name: &str, reference: &str) -> CycleStep {
    CycleStep { address: address.into(), type_name: type_name.into(), reference: reference.into() }
}

fn cycle(count: u64, bytes: u64) -> CycleRow {
    CycleRow {
        cycle: "Node.children -> list[*] -> Node.parent -> Node".into(),
        steps: ["Node.children", "list[*]", "Node.parent"].map(Into::into).into(),
        count,
        objects: count * 3,
        bytes,
        advice:
            "make `Node.parent` weak (`weakref.ref`, `weakref.proxy`), or set it to None where the object is done with \
                 (`close()`, `__exit__`)"
                .into(),
        rule: "cycle-back-reference".into(),
        example: vec![
            step("0x7f3a1c0042d0", "app.tree.Node", ".children"),
            step("0x7f3a1c004340", "list", "[0]"),
            step("0x7f3a1c0043b0", "app.tree.Node", ".parent"),
        ],
        left_out: 0,
    }
}

fn hostile() -> CycleRow {
    let name = "\u{1b}[31mred\nand broken";
    CycleRow {
        cycle: format!("dict[*] -> {name}.me -> dict"),
        example: vec![step("0x10", name, name)],
        ..cycle(1, 640)
    }
}

fn found() -> Garbage {
    let row = |name: &str, count, freed_with, bytes| GarbageType { type_name: name.into(), count, freed_with, bytes };
    let finaliser =
        |name: &str, what, count, finalised| FinaliserRow { type_name: name.into(), what, count, finalised };
    Garbage {
        objects: 300_012,
        bytes: 48_000_000,
        resident_bytes: 47_000_000,
        certain: false,
        unreachable: 300_015,
        closed: 5,
        freed_with: 100_000,
        callbacks: 3,
        callbacks_freed: 2,
        type_count: 31,
        types: vec![
            row("dict", 100_000, 0, 23_200_000),
            row("app.tree.Node", 200_000, 0, 11_200_000),
            row("str", 0, 100_000, 5_300_000),
            row("package.module.with.a.long.path.ATypeWhoseNameIsEvenLonger", 12, 5, 2_048),
        ],
        knots: 100_001,
        shape_count: 9,
        cycles: vec![cycle(100_000, 47_000_000), hostile()],
        finalisers: vec![
            finaliser("app.tree.Node", Finaliser::Python, 3, 0),
            finaliser("generator", Finaliser::Generator, 2, 0),
            finaliser("_io.FileIO", Finaliser::C, 0, 1),
            finaliser("weakref.ReferenceType", Finaliser::Callback, 1, 0),
        ],
        uncollectable: 7,
        uncollectable_bytes: 1_200,
        deficits: 1,
        hidden: vec![],
        stuck: 8_000,
        stuck_bytes: 64_000,
    }
}

fn nothing() -> Garbage {
    Garbage {
        objects: 0,
        bytes: 0,
        resident_bytes: 0,
        certain: true,
        unreachable: 0,
        closed: 0,
        freed_with: 0,
        callbacks: 0,
        callbacks_freed: 0,
        type_count: 0,
        types: vec![],
        knots: 0,
        shape_count: 0,
        cycles: vec![],
        finalisers: vec![],
        uncollectable: 0,
        uncollectable_bytes: 0,
        deficits: 0,
        hidden: vec![],
        stuck: 0,
        stuck_bytes: 0,
    }
}

fn check(name: &str, show: impl Fn(&Style) -> String) {
    for width in [60, 80, 120] {
        let text = show(&Style::plain(width));
        let long: Vec<&str> = text.lines().filter(|line| width >= 80 && line.chars().count() > width).collect();
        assert!(long.is_empty(), "over {width} columns: {long:#?}");
        assert!(!text.lines().any(|line| line.ends_with(' ')), "blanks at the end of a line:\n{text}");
        insta::assert_snapshot!(format!("{name}_{width}"), text);
    }
}

#[test]
fn the_garbage() {
    let collector = |interpreter| Collector {
        interpreter,
        enabled: false,
        saves_all: true,
        frozen: Some(40_375),
        frozen_immortal: Some(375),
        garbage: Some(7),
    };
    let collectors = vec![collector(0), Collector { saves_all: false, frozen: None, ..collector(1) }];
    let view = GarbageView { header: header(), garbage: found(), collectors };
    check("garbage", |style| text::garbage(&view, style));
}

#[test]
fn no_garbage() {
    let view = GarbageView { header: header(), garbage: nothing(), collectors: vec![] };
    insta::assert_snapshot!("garbage_none", text::garbage(&view, &Style::plain(80)));
}

#[test]
fn hidden_garbage() {
    let row = |name: &str, count| HiddenRow { type_name: name.into(), count };
    let hidden = vec![row("multidict.MultiDict", 50_000), row("a.B", 3), row("c.D", 2), row("e.\u{1b}F", 1)];
    let garbage = Garbage { hidden, certain: false, ..nothing() };
    let view = GarbageView { header: header(), garbage, collectors: vec![] };
    insta::assert_snapshot!("garbage_hidden", text::garbage(&view, &Style::plain(80)));
}

#[test]
fn the_cycles() {
    let cycles = vec![cycle(100_000, 47_000_000), hostile()];
    let view = CyclesView { header: header(), least: LEAST, shape_count: 5, cycles, findings: vec![] };
    check("cycles", |style| text::cycles(&view, style));
}

#[test]
fn no_cycles() {
    let view = CyclesView { header: header(), least: LEAST, shape_count: 0, cycles: vec![], findings: vec![] };
    insta::assert_snapshot!("cycles_none", text::cycles(&view, &Style::plain(80)));
}
