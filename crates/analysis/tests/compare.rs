//! What is growth and what is none, on heaps built by hand: the collector's counters, timers, chance, paces.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_analysis::compare::{CompareOptions, CompareView, Outcome, State, compare};
use memsight_model::{GcGeneration, GcInterpreter, LabelKind, ObjectFlags, ObjectId, Quiet, RootKind, Snapshot};

const SECOND: u64 = 1_000_000_000;

fn compared(snapshots: &[Snapshot]) -> CompareView {
    let looks: Vec<Analysis<'_>> = snapshots.iter().map(|snapshot| Analysis::new(snapshot, &Quiet)).collect();
    let looks: Vec<&Analysis<'_>> = looks.iter().collect();
    compare(&looks, &CompareOptions::default(), &Quiet).expect("one process")
}

/// A program with what `add` gives it, looked at after so many seconds.
fn at(seconds: u64, add: impl FnOnce(&mut Heap)) -> Snapshot {
    let mut heap = Heap::default();
    heap.program(400_000);
    add(&mut heap);
    let mut snapshot = heap.build();
    let manifest = &mut snapshot.manifest;
    (manifest.pid, manifest.python) = (7, "3.12.1".to_owned());
    manifest.created = format!("2026-11-28T00:00:00.{seconds:09}Z");
    manifest.created_ns = Some(1 + seconds * SECOND);
    snapshot
}

/// A list `app.kept` with the items from `from` to `to` of those that were ever made.
fn kept(heap: &mut Heap, name: &str, from: u32, to: u32) {
    let namespace = heap.module("app");
    let list = heap.object("list", 56);
    heap.item(namespace, "kept", list);
    for _ in 0..from {
        let gap = heap.object("int", 0);
        heap.root(gap, RootKind::Static, "");
    }
    for number in from..to {
        let item = heap.object(name, 1000);
        heap.index(list, number - from, item);
    }
}

fn collector(snapshot: &mut Snapshot, enabled: bool, full: u64) {
    let generation = |collections| GcGeneration { collections, threshold: 700, ..GcGeneration::default() };
    let generations = vec![generation(900), generation(90), generation(full)];
    snapshot.manifest.collectors = vec![GcInterpreter { enabled, generations, ..GcInterpreter::default() }];
}

/// `number` cycles of two objects each that nothing holds.
fn cycles(heap: &mut Heap, number: u32) {
    for _ in 0..number {
        let (one, other) = (heap.object("app.Node", 500), heap.object("dict", 500));
        heap.named(one, LabelKind::Field, "__dict__", other);
        heap.item(other, "me", one);
    }
}

fn tracked(mut snapshot: Snapshot) -> Snapshot {
    let young = ObjectFlags(ObjectFlags::TRACKED).with_generation(2);
    let collected = |snapshot: &Snapshot, id: ObjectId| snapshot.type_of(id).is_some_and(|kind| kind.name != "str");
    for id in snapshot.objects.ids() {
        if collected(&snapshot, id) {
            snapshot.objects.flags[id.index()] = young;
        }
    }
    snapshot
}

#[test]
fn garbage_counts_as_growth_only_while_the_collector_is_off() {
    for (enabled, state, outcome) in
        [(true, State::Waiting, Outcome::Steady), (false, State::Garbage, Outcome::Growing)]
    {
        let mut looks = [0, 100, 200].map(|number| tracked(at(u64::from(number), |heap| cycles(heap, number))));
        looks.iter_mut().for_each(|look| collector(look, enabled, 3));
        let view = compared(&looks);
        assert_eq!((view.verdict.kind, view.suspects[0].state), (outcome, state), "{}", view.verdict.summary);
        let pending = view.pending.expect("of a build with the GIL");
        assert_eq!((pending.now.objects, pending.full_collections), (600, Some(0)), "with the keys");
        assert_eq!(pending.automatic, Some(enabled));
    }
}

#[test]
fn garbage_of_one_type_makes_up_for_that_of_another() {
    let mut looks = [
        tracked(at(0, |heap| cycles(heap, 200))),
        tracked(at(9, |heap| {
            for _ in 0..100 {
                let (one, other) = (heap.object("app.Other", 500), heap.object("list", 500));
                heap.named(one, LabelKind::Field, "items", other);
                heap.index(other, 0, one);
            }
        })),
    ];
    looks.iter_mut().for_each(|look| collector(look, true, 3));
    let view = compared(&looks);
    assert!(view.suspects.is_empty(), "{:?}", view.suspects[0].summary);
    assert_eq!(view.verdict.kind, Outcome::Steady);
}

#[test]
fn a_pace_is_told_for_ten_times_the_time_watched() {
    for (seconds, unit) in [
        (4, None),
        (9, None),
        (10, Some("a minute")),
        (359, Some("a minute")),
        (360, Some("an hour")),
        (8639, Some("an hour")),
        (8640, Some("a day")),
    ] {
        let looks = [(0, 0), (seconds, 100)].map(|(time, to)| at(time, |heap| kept(heap, "app.Session", 0, to)));
        let summary = compared(&looks).verdict.summary;
        assert_eq!(summary.contains("at this pace"), unit.is_some(), "{seconds}: {summary}");
        assert!(unit.is_none_or(|unit| summary.contains(unit)), "{seconds}: {summary}");
    }
}

#[test]
fn timers_that_are_not_due_are_undecided() {
    for (last, outcome, state) in [(200, Outcome::Undecided, State::InFlight), (100, Outcome::WarmedUp, State::Stopped)]
    {
        let looks = [(0, 0), (60, 100), (120, last)];
        let view = compared(&looks.map(|(time, to)| at(time, |heap| kept(heap, "asyncio.events.TimerHandle", 0, to))));
        assert_eq!((view.verdict.kind, view.suspects[0].state), (outcome, state));
    }
}

#[test]
fn entries_that_come_and_go_by_chance_are_no_growth() {
    // 100 are gone; of the new ones 30 more are less than three times the root of 230, 100 more are not
    for (to, outcome, state) in [(230, Outcome::Steady, State::Turnover), (300, Outcome::Growing, State::Growing)] {
        let looks = [(0, 0, 100), (60, 100, to)];
        let view = compared(&looks.map(|(time, from, to)| at(time, |heap| kept(heap, "app.Job", from, to))));
        assert_eq!((view.verdict.kind, view.suspects[0].state), (outcome, state), "{}", view.verdict.summary);
    }
}

#[test]
fn what_c_code_holds_is_the_same_while_nothing_happens() {
    let leaked = |heap: &mut Heap| {
        let holder = heap.object("dict", 232);
        for number in 0..50 {
            let (node, text) = (heap.object("app.Node", 48), heap.object("bytes", 70));
            heap.named(node, LabelKind::Attribute, "text", text);
            heap.item(holder, &format!("key {number}"), node);
        }
    };
    let again = |seconds| {
        let mut snapshot = at(seconds, leaked);
        let is_holder =
            |id: &ObjectId| snapshot.objects.refcounts.get(*id) == 0 && snapshot.references.of(*id).len() > 50;
        let holder = snapshot.objects.ids().find(is_holder);
        snapshot.objects.refcounts.set(holder.expect("the holder"), 1);
        snapshot
    };
    let view = compared(&[again(0), again(60)]);
    assert_eq!((view.turnover.new.objects, view.turnover.gone.objects, view.identity.moved), (0, 0, 0));
    let mut changed = again(60);
    let node = changed.types.iter().position(|record| record.name == "app.Node").expect("a type");
    let first = changed.objects.ids().find(|id| changed.objects.types[id.index()].0 as usize == node).expect("a node");
    changed.objects.refcounts.set(first, 2);
    assert_eq!(compared(&[again(0), changed]).turnover.new.objects, 0, "who holds it vouches for it");
}

#[test]
fn strings_that_the_table_of_interned_strings_alone_holds_grow() {
    for immortal in [true, false] {
        let look = |seconds, number: u32| {
            let mut snapshot = at(seconds, |heap| {
                for _ in 0..number {
                    let text = heap.object("str", 100);
                    heap.root(text, RootKind::Interned, "");
                }
            });
            if immortal {
                let interned = snapshot.roots.iter().filter(|root| root.kind == RootKind::Interned);
                for id in interned.map(|root| root.object) {
                    snapshot.objects.flags[id.index()] = ObjectFlags(ObjectFlags::IMMORTAL);
                    snapshot.objects.refcounts.set(id, u32::MAX);
                }
            }
            snapshot
        };
        let view = compared(&[look(0, 0), look(60, 500), look(120, 1000)]);
        assert_eq!(view.verdict.kind, Outcome::Growing, "{}", view.verdict.summary);
    }
}

#[test]
fn growth_of_rss_that_no_look_explains_is_said() {
    let mut looks = [at(0, |_| ()), at(60, |_| ())];
    (looks[0].manifest.rss_bytes, looks[1].manifest.rss_bytes) = (50 << 20, 90 << 20);
    let view = compared(&looks);
    assert_eq!(view.verdict.kind, Outcome::Undecided);
    assert!(view.verdict.summary.contains("40.0 MiB"), "{}", view.verdict.summary);
    assert!(view.memory.is_empty() && view.verdict.notes.iter().any(|note| note.contains("not known")));
}
