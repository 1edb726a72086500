//! What was written comes back equal, and looks the same to a query engine and to Arrow.

#![allow(clippy::disallowed_methods)] // looks at the files themselves

mod common;

use std::os::unix::fs::PermissionsExt;

use memsight_format::{FormatError, TABLES, WriteOptions, read, table, write};
use memsight_model::Explain;
use proptest::prelude::*;

fn come_back(snapshot: &memsight_model::Snapshot) -> memsight_model::Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    write(snapshot, &path, &WriteOptions::default()).unwrap();
    let back = read(&path).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing stays beside the snapshot");
    back
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_snapshot_comes_back_equal(seed: u64, objects in 0u32..400) {
        let snapshot = common::snapshot(seed, objects);
        prop_assert!(come_back(&snapshot) == snapshot);
    }
}

#[test]
fn a_snapshot_of_many_row_groups_comes_back_equal() {
    let snapshot = common::snapshot(7, 300_000);
    assert!(snapshot.references.len() > 3 << 18, "more than three row groups");
    assert!(come_back(&snapshot) == snapshot);
}

#[test]
fn files_belong_to_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    write(&common::snapshot(1, 10), &path, &WriteOptions::default()).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    // Optional tables stand there when the snapshot has them, as the manifest says; it is one more.
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(files.len(), manifest["tables"].as_object().unwrap().len() + 1);
    files.iter().for_each(|file| assert_eq!(mode(file), 0o600));
}

#[test]
fn tables_have_the_rows_and_columns_of_the_snapshot() {
    let snapshot = common::snapshot(3, 100);
    let objects = table(&snapshot, "objects").unwrap();
    assert_eq!(objects.num_rows(), 100);
    let names: Vec<_> = objects.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names[..6], ["id", "address", "type", "type_name", "shallow_bytes", "external_bytes"]);
    assert_eq!(table(&snapshot, "references").unwrap().num_rows(), snapshot.references.len());
    for name in TABLES {
        table(&snapshot, name).unwrap();
    }
    let error = table(&snapshot, "object").unwrap_err();
    assert!(matches!(error, FormatError::NoSuchTable { .. }));
    assert_eq!(error.code(), "MS-E058");
    assert!(error.hint().contains("objects"));
}

#[test]
fn a_snapshot_without_the_optional_tables_comes_back_equal() {
    let snapshot = memsight_model::Snapshot {
        pymalloc: None,
        holders: Vec::new(),
        code: Vec::new(),
        generators: Vec::new(),
        ..common::snapshot(4, 100)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    write(&snapshot, &path, &WriteOptions::default()).unwrap();
    assert!(!path.join("pools.parquet").exists());
    assert!(read(&path).unwrap() == snapshot);
    assert_eq!(table(&snapshot, "pools").unwrap().num_rows(), 0, "an empty table with its columns");
}
