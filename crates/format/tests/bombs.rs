//! Tables that would fill the memory of whoever opens them.

#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // tests play the person who makes such files, and tell

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, UInt32Array};
use memsight_format::{FormatError, Limits, Snapshot, WriteOptions, read, read_within, write};
use memsight_model::{Address, Label, LabelKind, ObjectFlags, ObjectId, TypeId};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

const OBJECTS: u32 = 5_000;
/// Memory of a process that opens a bomb: the least that is allowed without being asked for is 1 GiB.
const CHILD_BYTES: u64 = 1 << 30;

/// A snapshot of which somebody changes the table of texts.
struct Bomb {
    folder: tempfile::TempDir,
}

impl Bomb {
    fn path(&self) -> PathBuf {
        self.folder.path().join("app.heap")
    }

    /// With these texts, each so many times, for the objects from 0 on.
    fn new(properties: WriterPropertiesBuilder, texts: &[&str], times: usize) -> Bomb {
        let bomb = Bomb { folder: tempfile::tempdir().unwrap() };
        write(&common::snapshot(5, OBJECTS), &bomb.path(), &WriteOptions::default()).unwrap();
        let file = fs::File::create(bomb.file()).unwrap();
        let properties = properties.set_compression(Compression::LZ4_RAW).build();
        let batch = |start: usize, rows: usize| {
            let ids: ArrayRef = Arc::new(UInt32Array::from_iter_values((start..start + rows).map(|row| row as u32)));
            let rows = (start..start + rows).map(|row| texts[row / times]);
            let texts: ArrayRef = Arc::new(LargeStringArray::from_iter_values(rows));
            RecordBatch::try_from_iter([("object", ids), ("text", texts)]).unwrap()
        };
        let mut writer = ArrowWriter::try_new(file, batch(0, 0).schema(), Some(properties)).unwrap();
        let rows = texts.len() * times;
        (0..rows).step_by(10).for_each(|start| writer.write(&batch(start, (rows - start).min(10))).unwrap());
        writer.close().unwrap();
        bomb.bless(rows);
        bomb
    }

    fn file(&self) -> PathBuf {
        self.path().join("texts.parquet")
    }

    fn bless(&self, rows: usize) {
        let bytes = fs::read(self.file()).unwrap();
        assert!(bytes.len() < 9 << 20, "{} bytes are no bomb", bytes.len());
        let path = self.path().join("manifest.json");
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let crc = format!("{:08x}", crc32fast::hash(&bytes));
        manifest["tables"]["texts"] = serde_json::json!({"rows": rows, "bytes": bytes.len(), "crc32": crc});
        fs::write(path, manifest.to_string()).unwrap();
    }
}

/// A text of the dictionary, of 1 MiB, for so many rows.
fn dictionary(rows: usize) -> Bomb {
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(8 << 20);
    Bomb::new(properties, &["x".repeat(1 << 20).as_str()], rows)
}

/// A text that is packed to a 255th.
fn packed(bytes: usize) -> Bomb {
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    Bomb::new(properties, &["x".repeat(bytes).as_str()], 1)
}

/// A page whose header asks for 2 GiB.
fn lie() -> Bomb {
    let bomb = packed(160 << 20);
    let varint = |size: u64| (0..5).map(move |place| ((size * 2) >> (7 * place)) as u8 & 127 | [128, 0][place / 4]);
    let size = |size: u64| [0x15].into_iter().chain(varint(size)).collect::<Vec<u8>>();
    let mut bytes = fs::read(bomb.file()).unwrap();
    // with its length, and perhaps with levels of nulls
    let olds: Vec<_> = (4..20).map(|more| size((160 << 20) + more)).collect();
    let at = bytes.windows(6).position(|window| olds.iter().any(|old| window == old)).expect("the header of the page");
    let new = size(i32::MAX as u64);
    bytes[at..at + 6].copy_from_slice(&new);
    fs::write(bomb.file(), bytes).unwrap();
    bomb.bless(1);
    bomb
}

/// A file that says much of itself.
fn talkative() -> Bomb {
    let words = KeyValue::new("words".to_owned(), "x".repeat(8 << 20));
    Bomb::new(WriterProperties::builder().set_key_value_metadata(Some(vec![words])), &["x"], 1)
}

/// Each text is the one before, with one more letter.
fn copies() -> Bomb {
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let properties = properties.set_column_encoding(ColumnPath::from("text"), Encoding::DELTA_BYTE_ARRAY);
    Bomb::new(properties, &["x".repeat(1 << 20).as_str()], OBJECTS as usize)
}

fn refusal(path: &Path, limits: Limits) -> String {
    match read_within(path, limits) {
        Ok(_) => "a snapshot".to_owned(),
        Err(error @ (FormatError::TooLarge { .. } | FormatError::Damaged { .. })) => {
            error.to_string().replace(path.to_str().unwrap(), "")
        }
        Err(error) => format!("{error:?}"),
    }
}

/// The most memory that this process has had, KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    const NAME: &str = "bombs_are_refused_before_they_are_unpacked";
    if let Some(path) = std::env::var_os("MEMSIGHT_TEST_BOMB") {
        let limit = rustix::process::Rlimit { current: Some(CHILD_BYTES), maximum: Some(CHILD_BYTES) };
        rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
        let memory = std::env::var("MEMSIGHT_TEST_LIMIT").ok().map(|bytes| bytes.parse().unwrap());
        let limits = Limits { memory };
        println!("said: {}\npeak: {}", refusal(Path::new(&path), limits), peak());
        return;
    }
    let least = "of memory or more; 1.0 GiB is the limit";
    let cases = [
        (dictionary(OBJECTS as usize), None, "reading /texts.parquet takes 9.8 GiB ", least),
        (lie(), None, "reading /texts.parquet takes 2.0 GiB ", least),
        (packed(512 << 20), Some(256 << 20), "reading /texts.parquet takes 51", "256.0 MiB is the limit"),
        (talkative(), Some(1u64 << 30), "reading /texts.parquet takes 2.", least),
        (copies(), None, "/texts.parquet is damaged: a page of column ", " has a header that cannot be true"),
    ];
    for (bomb, memory, words, end) in cases {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", NAME, "--nocapture"]).env("MEMSIGHT_TEST_BOMB", bomb.path());
        child.envs(memory.map(|bytes| ("MEMSIGHT_TEST_LIMIT", bytes.to_string())));
        let output = child.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default();
        assert!(output.status.success(), "{words}: {text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(line("said: ").starts_with(words), "{words}: {text}");
        assert!(line("said: ").ends_with(end), "{words}: {text}");
        assert!(line("peak: ").parse::<u64>().unwrap() < 64 << 10, "{words}: {text}");
    }
}

#[test]
fn what_is_only_well_packed_can_be_read_by_who_asks_for_it() {
    let (text, bomb) = ("x".repeat(1 << 20), dictionary(600));
    assert!(matches!(read(&bomb.path()), Err(FormatError::TooLarge { .. })));
    let snapshot = read_within(&bomb.path(), Limits { memory: Some(8 << 30) }).unwrap();
    assert_eq!(snapshot.texts.len(), 600);
    assert!(snapshot.texts.iter().all(|(_, found)| found == text));
}

/// As regular as a heap can be: one list of floats that lie one behind the other, pool after pool. Each of its rows is a
/// fraction of a byte in the files.
#[test]
fn the_most_regular_heap_fits() {
    const FLOATS: u32 = 4_000_000;
    let mut snapshot = Snapshot { types: common::snapshot(5, 10).types, ..Snapshot::default() };
    snapshot.references.offsets.push(0);
    let addresses = (0..FLOATS)
        .map(|number| 0x7f00_0000_0000 + u64::from(number / 680) * 16_384 + 48 + u64::from(number % 680) * 24);
    for (number, address) in [0x1000].into_iter().chain(addresses).enumerate() {
        let is_list = number == 0;
        snapshot.objects.addresses.push(Address(address));
        snapshot.objects.types.push(TypeId(u32::from(is_list)));
        snapshot.objects.shallow.push(if is_list { 8 * u64::from(FLOATS) + 56 } else { 24 });
        snapshot.objects.refcounts.push(1);
        snapshot.objects.flags.push(ObjectFlags::default());
        snapshot.references.offsets.push(FLOATS);
    }
    for number in 0..FLOATS {
        snapshot.references.targets.push(ObjectId(number + 1));
        snapshot.references.labels.push(Label::new(LabelKind::Index, number));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    write(&snapshot, &path, &WriteOptions::default()).unwrap();
    let bytes: u64 = fs::read_dir(&path).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    // what would be allowed by its size alone, without the 1 GiB that everybody may take
    let limit = bytes * 512;
    println!("{bytes} bytes of files, {} of memory allowed", limit);
    let back = read_within(&path, Limits { memory: Some(limit) }).unwrap();
    assert!(back.objects == snapshot.objects && back.references == snapshot.references);
}
