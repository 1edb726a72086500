//! Snapshots that were cut, changed, swapped or made by somebody else.

#![allow(clippy::disallowed_methods)] // tests play the person who changes files

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use memsight_format::{FormatError, Limits, Snapshot, TABLES, WriteOptions, read, read_within, write};
use memsight_model::{Explain, Label, LabelKind, NameId, ObjectId};

struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn new(snapshot: &Snapshot) -> Written {
        let folder = tempfile::tempdir().unwrap();
        write(snapshot, &folder.path().join("app.heap"), &WriteOptions::default()).unwrap();
        Written { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.heap")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn edit_manifest(&self, edit: impl Fn(&mut serde_json::Value)) {
        let path = self.file("manifest.json");
        let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(&mut manifest);
        fs::write(path, manifest.to_string()).unwrap();
    }

    /// Whether its manifest knows the table: optional ones stand there when the snapshot has them.
    fn has(&self, table: &str) -> bool {
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(self.file("manifest.json")).unwrap()).unwrap();
        manifest["tables"].get(table).is_some()
    }

    /// Makes the manifest agree with a file that was changed, as somebody who means harm would.
    fn bless(&self, table: &str) {
        let bytes = fs::read(self.file(&format!("{table}.parquet"))).unwrap();
        self.edit_manifest(|manifest| {
            manifest["tables"][table]["bytes"] = bytes.len().into();
            manifest["tables"][table]["crc32"] = format!("{:08x}", crc32fast::hash(&bytes)).into();
        });
    }
}

fn damaged(path: &Path) -> (PathBuf, String) {
    match read(path) {
        Err(error @ FormatError::Damaged { .. }) => {
            assert_eq!(error.code(), "MS-E055");
            let FormatError::Damaged { file, reason } = error else { unreachable!() };
            (file, reason)
        }
        other => panic!("expected damage, got {:?}", other.map(|_| "a snapshot")),
    }
}

#[test]
fn every_file_cut_or_changed_or_missing_is_named() {
    for table in TABLES {
        let written = Written::new(&common::snapshot(5, 200));
        let file = written.file(&format!("{table}.parquet"));
        if !written.has(table) {
            continue;
        }
        let whole = fs::read(&file).unwrap();

        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(damaged(&written.path()).0, file);

        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(&file, &changed).unwrap();
        let (named, reason) = damaged(&written.path());
        assert!(named == file && reason.contains("checksum"), "{reason}");

        fs::remove_file(&file).unwrap();
        assert!(damaged(&written.path()).1.contains("missing"));
    }
}

#[test]
fn something_else_is_told_apart_from_damage() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(&folder.path().join("none")), Err(FormatError::NotFound { .. })));
    assert!(matches!(read(folder.path()), Err(FormatError::Foreign { .. })));
    fs::write(folder.path().join("file"), "x").unwrap();
    assert!(matches!(read(&folder.path().join("file")), Err(FormatError::Foreign { .. })));
    fs::write(folder.path().join("manifest.json"), r#"{"format": "other", "schema_version": 1}"#).unwrap();
    assert!(matches!(read(folder.path()), Err(FormatError::Foreign { .. })));
    fs::write(folder.path().join("manifest.json"), r#"{"a": 1}"#).unwrap();
    assert!(matches!(read(folder.path()), Err(FormatError::Foreign { .. })));
    fs::write(folder.path().join("manifest.json"), r#"{"format": "memsight-heap""#).unwrap();
    assert!(matches!(read(folder.path()), Err(FormatError::Damaged { .. })));
    fs::write(folder.path().join("manifest.json"), r#"{"format": "memsight-heap", "schema_version": 99}"#).unwrap();
    let error = read(folder.path()).unwrap_err();
    assert!(matches!(error, FormatError::Version { found: 99, known: 1, .. }));
    assert!(error.hint().contains("upgrade"), "{}", error.hint());
}

#[test]
fn a_manifest_that_lies_about_rows_is_caught() {
    let written = Written::new(&common::snapshot(5, 200));
    written.edit_manifest(|manifest| manifest["tables"]["objects"]["rows"] = 201.into());
    assert!(damaged(&written.path()).1.contains("rows"));
    written.edit_manifest(|manifest| manifest["tables"]["objects"]["rows"] = u64::MAX.into());
    assert!(damaged(&written.path()).1.contains("too many"));
    written.edit_manifest(|manifest| drop(manifest["tables"].as_object_mut().unwrap().remove("objects")));
    assert!(damaged(&written.path()).1.contains("manifest does not know"));
}

/// Writes a snapshot that contradicts itself and returns what reading it says.
fn contradiction(edit: impl Fn(&mut Snapshot)) -> (String, String) {
    let mut snapshot = common::snapshot(11, 200);
    edit(&mut snapshot);
    let (file, reason) = damaged(&Written::new(&snapshot).path());
    (file.file_name().unwrap().to_str().unwrap().to_owned(), reason)
}

#[test]
fn ids_out_of_range_are_refused() {
    let (file, reason) = contradiction(|snapshot| snapshot.references.targets[3] = ObjectId(200));
    assert_eq!((file.as_str(), reason.as_str()), ("references.parquet", "target 200 is out of range (there are 200)"));
    let named = Label::new(LabelKind::Attribute, 5000);
    assert_eq!(contradiction(|snapshot| snapshot.references.labels[0] = named).0, "references.parquet");
    let keyed = Label::new(LabelKind::Value, 5000);
    assert_eq!(contradiction(|snapshot| snapshot.references.labels[0] = keyed).0, "references.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.objects.types[7].0 = 999).0, "objects.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.types[0].object = Some(ObjectId(200))).0, "types.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.roots[0].object = ObjectId(u32::MAX)).0, "roots.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.roots[0].name = NameId(999)).0, "roots.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.roots[0].frame = Some(999)).0, "roots.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.texts.push(ObjectId(300), "late")).0, "texts.parquet");
    assert_eq!(contradiction(|snapshot| snapshot.texts.push(ObjectId(0), "unordered")).0, "texts.parquet");
}

#[test]
fn tables_that_run_backwards_are_refused() {
    let (file, reason) = contradiction(|snapshot| {
        let mut addresses = memsight_model::AddressColumn::default();
        snapshot.objects.ids().for_each(|id| addresses.push(snapshot.objects.addresses.get(ObjectId(id.0 ^ 1))));
        snapshot.objects.addresses = addresses;
    });
    assert!(file == "objects.parquet" && reason.contains("not above"), "{reason}");

    // the references of a larger snapshot under a smaller one: owners that are not there
    let (small, large) = (Written::new(&common::snapshot(1, 50)), Written::new(&common::snapshot(2, 500)));
    fs::copy(large.file("references.parquet"), small.file("references.parquet")).unwrap();
    small.bless("references");
    let rows = common::snapshot(2, 500).references.len();
    small.edit_manifest(|manifest| manifest["tables"]["references"]["rows"] = rows.into());
    assert!(damaged(&small.path()).1.contains("out of range"));
}

#[test]
fn tables_under_the_wrong_name_are_refused() {
    let written = Written::new(&common::snapshot(5, 200));
    fs::copy(written.file("threads.parquet"), written.file("maps.parquet")).unwrap();
    written.bless("maps");
    let rows = common::snapshot(5, 200).threads.len();
    written.edit_manifest(|manifest| manifest["tables"]["maps"]["rows"] = rows.into());
    assert!(damaged(&written.path()).1.contains("column"));
}

#[test]
fn no_change_of_a_byte_makes_the_reader_crash() {
    let snapshot = common::snapshot(5, 100);
    let written = Written::new(&snapshot);
    let mut dice = common::Dice(1);
    for table in TABLES {
        let file = written.file(&format!("{table}.parquet"));
        if !written.has(table) {
            continue;
        }
        let whole = fs::read(&file).unwrap();
        for _ in 0..150 {
            let mut changed = whole.clone();
            for _ in 0..1 + dice.below(4) {
                let at = dice.below(whole.len() as u32) as usize;
                changed[at] = dice.roll() as u8;
            }
            if dice.odds(4) {
                changed.truncate(dice.below(whole.len() as u32) as usize);
            }
            fs::write(&file, &changed).unwrap();
            written.bless(table);
            // a change may hit bytes that say nothing, such as statistics; all else is damage, or too large, and never a
            // crash
            match read(&written.path()) {
                Ok(_) | Err(FormatError::Damaged { .. } | FormatError::TooLarge { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        fs::write(&file, &whole).unwrap();
        written.bless(table);
    }
    assert!(read(&written.path()).unwrap() == snapshot);
}

/// What reading says of a folder that would take too much: the file, what it needs and what is allowed.
fn too_large(path: &Path, limits: Limits) -> (String, u64, u64) {
    match read_within(path, limits) {
        Err(error @ FormatError::TooLarge { .. }) => {
            assert!(error.code() == "MS-E062" && error.hint().contains("--max-memory"), "{}", error.hint());
            let FormatError::TooLarge { path, needed, limit } = error else { unreachable!() };
            (path.file_name().unwrap().to_str().unwrap().to_owned(), needed, limit)
        }
        other => panic!("expected too much, got {:?}", other.map(|_| "a snapshot")),
    }
}

#[test]
fn honest_snapshots_fit_and_a_limit_can_be_set() {
    let snapshot = common::snapshot(5, 20_000);
    let written = Written::new(&snapshot);
    assert!(read_within(&written.path(), Limits::NONE).unwrap() == snapshot);
    assert!(read_within(&written.path(), Limits { memory: Some(64 << 20) }).unwrap() == snapshot);
    let (_, needed, limit) = too_large(&written.path(), Limits { memory: Some(1 << 20) });
    assert!(needed > limit && limit == 1 << 20);
    assert_eq!(too_large(&written.path(), Limits { memory: Some(1) }).0, "manifest.json");
}

#[cfg(target_os = "linux")]
#[test]
fn a_table_that_is_no_plain_file_is_refused_at_once() {
    use std::os::unix::fs::symlink;
    let written = Written::new(&common::snapshot(5, 200));
    let (table, manifest) = (written.file("objects.parquet"), written.file("manifest.json"));
    let (device, kernel) = ("it is a pipe or a device, not a file", "it is a file of the kernel, not of a disk");
    let kept = fs::read(&manifest).unwrap();
    let cases = [("/dev/zero", device), ("/proc/self/mem", kernel), ("/proc/self/maps", kernel), ("fifo", device)];
    for (target, reason) in cases {
        for file in [&table, &manifest] {
            fs::remove_file(file).unwrap();
            match target {
                "fifo" => common::fifo(file),
                target => symlink(target, file).unwrap(),
            }
            match (file == &table, read(&written.path())) {
                (true, Err(FormatError::Damaged { file: named, reason: found })) => {
                    assert_eq!((named, found.as_str()), (table.clone(), reason), "{target}");
                }
                (false, Err(FormatError::Foreign { reason: found, .. })) => {
                    assert_eq!(found, format!("of its manifest.json: {reason}"), "{target}");
                }
                (_, other) => panic!("{target}: {:?}", other.map(|_| "a snapshot")),
            }
            fs::remove_file(&manifest).unwrap();
            fs::write(&manifest, &kept).unwrap();
        }
    }
    fs::remove_file(&table).unwrap();
    fs::create_dir(&table).unwrap();
    assert_eq!(damaged(&written.path()), (table, "it is a folder, not a file".to_owned()));
}

#[test]
fn a_sparse_giant_is_refused_at_once() {
    const GIANT: u64 = 1 << 40;
    let written = Written::new(&common::snapshot(5, 200));
    let grow = |name: &str| fs::File::options().write(true).open(written.file(name)).unwrap().set_len(GIANT).unwrap();
    grow("objects.parquet");
    assert!(damaged(&written.path()).1.starts_with("it has 1099511627776 bytes, the manifest says"));
    written.edit_manifest(|manifest| manifest["tables"]["objects"]["bytes"] = GIANT.into());
    let (file, needed, limit) = too_large(&written.path(), Limits::default());
    assert!(file == "objects.parquet" && needed > GIANT && limit == 16 << 30, "{file}, {needed}, {limit}");
    grow("manifest.json");
    assert_eq!(
        damaged(&written.path()),
        (written.file("manifest.json"), "it is larger than 16777216 bytes".to_owned())
    );
}
