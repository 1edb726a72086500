//! The audit of reference counts as people see it. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::refcounts::{CountedObject, DeficitRow, HeldKind, HeldRow, RefcountsView, SurplusRow};
use memsight_analysis::views::{Header, ObjectRef};
use memsight_model::{Confidence, Finding, Mode, Severity};
use memsight_render::text::{self, Style};

fn counted(type_name: &str, refcount: u64, found: u64, places: &[&str]) -> CountedObject {
    CountedObject {
        object: ObjectRef {
            address: "0x7f3a1c0042d0".into(),
            type_name: type_name.into(),
            name: format!("{type_name} at 0x7f3a1c0042d0"),
            shallow_bytes: 48,
            external_bytes: 0,
            retained_bytes: 1_048,
            ..ObjectRef::default()
        },
        refcount,
        found,
        places: places.iter().map(|place| (*place).to_owned()).collect(),
    }
}

fn held(place: &str, kind: HeldKind, references: u64, types: &[&str]) -> HeldRow {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    HeldRow { place: place.into(), kind, objects: references, references, types }
}

fn view() -> RefcountsView {
    RefcountsView {
        header: Header {
            schema_version: 1,
            pid: 4242,
            python: "3.12.1".into(),
            created: "2026-11-22T06:30:00Z".into(),
            mode: Mode::Freeze,
            partial: vec![],
        },
        recorded: true,
        gil_held: false,
        looks: 1,
        confirmed: false,
        doubt: None,
        objects: 90_000,
        left_out: 30_000,
        exact: 59_780,
        surplus_references: 0,
        deficit_references: 0,
        verdict: "no reference is missing or left over, beyond 3 that variables of C code and the interpreter's state \
                  explain and 1 that running calls do"
            .into(),
        surplus: vec![],
        deficits: vec![],
        held: vec![
            held("state of the interpreter", HeldKind::Interpreter, 2, &["str", "method_descriptor"]),
            held("variables of _decimal.cpython-312-x86_64-linux-gnu.so", HeldKind::Variable, 1, &["decimal.Context"]),
            held("C stack of thread 1", HeldKind::Stack, 1, &["code"]),
        ],
        findings: vec![],
    }
}

fn leaking() -> RefcountsView {
    let finding = Finding {
        rule: "refcount-surplus".into(),
        severity: Severity::Warning,
        confidence: Confidence::High,
        message: "101 objects of app.Leaked with 200 references that no Python object holds".into(),
        place: "app.Leaked".into(),
        bytes: Some(4_848),
        advice: "C code keeps these references in memory of its own, or took them and never gave them back.".into(),
        evidence: vec!["0x7f3a1c0042d0: count 101, references found 1".into()],
    };
    RefcountsView {
        looks: 2,
        confirmed: true,
        surplus_references: 198,
        deficit_references: 2,
        verdict: "2 references missing (app.Robbed): a crash waits there; 200 references left over (app.Leaked)".into(),
        surplus: vec![SurplusRow {
            type_name: "app.Leaked".into(),
            objects: 101,
            references: 200,
            unexplained: 198,
            bytes: 4_848,
            examples: vec![counted("app.Leaked", 101, 1, &["C stack of thread 1"])],
        }],
        deficits: vec![DeficitRow {
            type_name: "app.Robbed".into(),
            objects: 1,
            references: 2,
            examples: vec![counted("app.Robbed", 1, 3, &[])],
        }],
        findings: vec![finding],
        ..view()
    }
}

fn check(name: &str, view: &RefcountsView) {
    for width in [60, 80, 120] {
        let text = text::refcounts(view, &Style::plain(width));
        let long: Vec<&str> = text.lines().filter(|line| width >= 80 && line.chars().count() > width).collect();
        assert!(long.is_empty(), "over {width} columns: {long:#?}");
        assert!(!text.lines().any(|line| line.ends_with(' ')), "blanks at the end of a line:\n{text}");
        insta::assert_snapshot!(format!("{name}_{width}"), text);
    }
}

/// What one look finds is not sure.
fn unsure() -> RefcountsView {
    RefcountsView {
        gil_held: true,
        looks: 1,
        confirmed: false,
        doubt: Some("it is what one look found".into()),
        verdict: "2 references may be missing (app.Robbed), which is not sure: it is what one look found".into(),
        surplus: vec![],
        findings: vec![],
        ..leaking()
    }
}

#[test]
fn a_deficit_that_is_not_sure() {
    check("refcounts_unsure", &unsure());
}

#[test]
fn a_clean_process() {
    check("refcounts_clean", &view());
}

#[test]
fn a_leak_and_a_deficit() {
    check("refcounts_leak", &leaking());
}
