//! Entries that were replaced by their like are no growth, wherever the allocator put the new ones.

mod common;

use common::Heap;
use memsight_analysis::Analysis;
use memsight_analysis::compare::{CompareOptions, CompareView, Outcome, State, compare};
use memsight_model::{ObjectId, Quiet, Snapshot};

/// Tables of different sizes in `app.store`, by place: how many rows each has.
const SIZES: [u32; 5] = [10, 400, 50, 900, 200];

/// Where the tables are put, and from which of the spare addresses on their rows.
struct Put {
    tables: [usize; 5],
    rows: usize,
    /// The keys of the store, and whether it is a list.
    name: fn(usize) -> Option<String>,
}

/// A program whose store holds tables of these sizes; addresses are handed out as `put` says.
fn look(seconds: u64, sizes: [u32; 5], put: &Put) -> Snapshot {
    let mut heap = Heap::default();
    heap.program(400_000);
    let namespace = heap.module("app");
    let is_list = (put.name)(0).is_none();
    let store = heap.object(if is_list { "list" } else { "dict" }, 100);
    heap.item(namespace, "store", store);
    let keys: Vec<ObjectId> = (0..5).map(|at| heap.text(&(put.name)(at).unwrap_or_default())).collect();
    // At the addresses that are free stands something else.
    let table = |at| if put.tables.contains(&at) { ("list", 100) } else { ("int", 0) };
    let tables: Vec<ObjectId> = (0..8).map(table).map(|(name, bytes)| heap.object(name, bytes)).collect();
    let used = put.rows..put.rows + sizes.iter().sum::<u32>() as usize;
    let row = |at| if used.contains(&at) { ("app.Row", 1000) } else { ("int", 0) };
    let rows: Vec<ObjectId> = (0..5000).map(row).map(|(name, bytes)| heap.object(name, bytes)).collect();
    let mut rows = rows.into_iter().skip(put.rows);
    for (place, number) in sizes.into_iter().enumerate() {
        let table = tables[put.tables[place]];
        match is_list {
            true => heap.index(store, place as u32, table),
            false => heap.keyed(store, keys[place], table),
        }
        (0..number).zip(&mut rows).for_each(|(at, row)| heap.index(table, at, row));
    }
    let mut snapshot = heap.build();
    let manifest = &mut snapshot.manifest;
    (manifest.pid, manifest.python) = (7, "3.12.1".to_owned());
    manifest.created = format!("2026-11-28T00:00:00.{seconds:09}Z");
    manifest.created_ns = Some(1 + seconds * 1_000_000_000);
    snapshot
}

fn compared(snapshots: &[Snapshot]) -> CompareView {
    let looks: Vec<Analysis<'_>> = snapshots.iter().map(|snapshot| Analysis::new(snapshot, &Quiet)).collect();
    let looks: Vec<&Analysis<'_>> = looks.iter().collect();
    compare(&looks, &CompareOptions::default(), &Quiet).expect("one process")
}

fn key(at: usize) -> Option<String> {
    Some(format!("table {at}"))
}

/// A key of which a look keeps the beginning alone.
fn long_key(at: usize) -> Option<String> {
    Some(format!("/srv/app/a/very/long/path/to/the/packages/{at}")[..40].to_owned())
}

const HERE: [usize; 5] = [0, 1, 2, 3, 4];
/// Some at addresses where others of the store were, some at fresh ones.
const THERE: [usize; 5] = [5, 0, 6, 1, 7];

#[test]
fn tables_that_trade_addresses_have_not_grown() {
    for name in [key, |_| None] {
        let put = |tables, rows| Put { tables, rows, name };
        let looks = [(0, HERE, 0), (60, THERE, 1600), (120, HERE, 3100)];
        for looks in [&looks[..2], &looks[..]] {
            let looks = looks.iter().map(|&(time, tables, rows)| look(time, SIZES, &put(tables, rows)));
            let view = compared(&looks.collect::<Vec<_>>());
            assert_eq!(view.verdict.kind, Outcome::Steady, "{}", view.verdict.summary);
            assert_eq!(view.suspects, [], "{:#?}", view.suspects);
            assert!(view.paths.iter().all(|path| path.growth_bytes == 0), "{:#?}", view.paths);
        }
    }
}

/// The same with one table that has grown: this and no other is told.
#[test]
fn growth_among_replaced_tables_is_that_of_its_place() {
    let put = |tables, rows| Put { tables, rows, name: key };
    let grown = [10, 400, 250, 900, 200];
    let view = compared(&[look(0, SIZES, &put(HERE, 0)), look(60, grown, &put(THERE, 1600))]);
    assert_eq!(view.suspects.len(), 1, "{:#?}", view.suspects);
    assert_eq!((view.suspects[0].growth_bytes, view.suspects[0].count), (200_000, 200), "{:#?}", view.suspects[0]);
    assert_eq!(view.suspects[0].state, State::Growing);
}

#[test]
fn the_beginning_of_a_key_is_no_place() {
    let put = Put { tables: HERE, rows: 0, name: long_key };
    let view = compared(&[look(0, SIZES, &put), look(60, SIZES, &put)]);
    assert_eq!((view.turnover.new.objects, view.turnover.gone.objects), (0, 0));
}
