//! Writing a snapshot.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use memsight_model::{SCHEMA_VERSION, Snapshot, visible_json};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::FormatError;
use crate::folder::{self, Staging};
use crate::manifest::{FORMAT, MANIFEST, ManifestFile, TableFile};
use crate::pymalloc::PymallocHead;
use crate::sink::{Sink, Storage};
use crate::tables::{Table, Tables};

/// Rows turned into Arrow at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Rows of a row group: what a query engine hands to one thread, and all that is in memory while writing.
const ROW_GROUP_ROWS: usize = 1 << 18;

/// Columns whose values run upwards or lie close to their neighbours: stored as differences.
const RUNNING: [&str; 9] = ["id", "address", "source", "target", "number", "object", "start", "end", "ident"];

/// How to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Replace a snapshot (or a plain file) that stands at the output. A folder with other files is never replaced.
    pub force: bool,
}

/// Writes `snapshot` as the folder `to` (mode 0700, files 0600), whole or not at all.
///
/// Cost: linear in objects and references; memory: one row group a table, some 10 MiB, whatever the snapshot's size.
///
/// # Errors
/// [`FormatError::Exists`] and [`FormatError::NotReplaced`] before anything is written; [`FormatError::NoSpace`] and
/// [`FormatError::Io`] leave `to` as it was.
pub fn write(snapshot: &Snapshot, to: &Path, options: &WriteOptions) -> Result<(), FormatError> {
    write_through(snapshot, to, options, &|file| file)
}

/// Whether [`write()`] would refuse `to`: asked before the costly look at a process, not only after it.
///
/// # Errors
/// As [`write()`].
pub fn check_output(to: &Path, options: &WriteOptions) -> Result<(), FormatError> {
    folder::check(to, options.force)
}

/// [`write()`] with every file wrapped, so that tests can let the disk fill up at any byte.
fn write_through<W: Storage>(
    snapshot: &Snapshot,
    to: &Path,
    options: &WriteOptions,
    wrap: &(impl Fn(File) -> W + Sync),
) -> Result<(), FormatError> {
    folder::check(to, options.force)?;
    let staging = Staging::begin(to)?;
    let tables = Tables::of(snapshot);
    let write = |table: &Table| Ok((table.name().to_owned(), write_table(&tables, *table, &staging, wrap)?));
    // the references are the larger half of every heap: written beside all the rest
    let there = Table::ALL.into_iter().filter(|table| table.is_in(snapshot));
    let (large, rest): (Vec<Table>, Vec<Table>) = there.partition(|table| *table == Table::References);
    let files: Result<_, FormatError> = std::thread::scope(|scope| {
        let large = scope.spawn(|| large.iter().map(write).collect::<Result<Vec<_>, _>>());
        let rest = rest.iter().map(write).collect::<Result<Vec<_>, _>>();
        let large = large.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(rest?.into_iter().chain(large?).collect())
    });
    let mut look = snapshot.manifest.clone();
    look.schema_version = SCHEMA_VERSION;
    let pymalloc = snapshot.pymalloc.as_ref().map(PymallocHead::of);
    let c_heap = snapshot.c_heap.clone();
    let manifest = ManifestFile { format: FORMAT.to_owned(), look, pymalloc, c_heap, tables: files? };
    write_manifest(&manifest, &staging, wrap)?;
    staging.publish(options.force)
}

fn write_table<W: Storage>(
    tables: &Tables,
    table: Table,
    staging: &Staging,
    wrap: &(impl Fn(File) -> W + Sync),
) -> Result<TableFile, FormatError> {
    let path = staging.file(&table.file());
    let file = staging.create(&table.file()).map_err(|error| FormatError::io(&path, "create", error))?;
    let mut sink = Sink::new(wrap(file));
    let rows = tables.rows(table);
    match encode(tables, table, rows, &mut sink) {
        Ok(()) => {
            let (bytes, crc) = sink.summary();
            Ok(TableFile { rows: rows as u64, bytes, crc32: format!("{crc:08x}") })
        }
        Err(Failure::Table(error)) => Err(error),
        Err(Failure::Parquet(error)) => Err(match sink.take_failure() {
            Some(failure) => FormatError::io(&path, "write", failure),
            None => FormatError::Inconsistent { table: table.name(), reason: error.to_string() },
        }),
    }
}

enum Failure {
    Table(FormatError),
    Parquet(ParquetError),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Failure {
        Failure::Parquet(error)
    }
}

/// Streams the rows of `table` into `sink` as Parquet.
fn encode<W: Storage>(tables: &Tables, table: Table, rows: usize, sink: &mut Sink<W>) -> Result<(), Failure> {
    let batch = |range| tables.batch(table, range).map_err(Failure::Table);
    let schema = batch(0..0)?.schema();
    let mut writer = ArrowWriter::try_new(&mut *sink, Arc::clone(&schema), Some(properties(&schema)))?;
    for start in (0..rows).step_by(BATCH_ROWS) {
        writer.write(&batch(start..rows.min(start + BATCH_ROWS))?)?;
    }
    writer.close()?;
    sink.finish().map_err(|error| Failure::Parquet(error.into()))
}

fn properties(schema: &arrow_schema::Schema) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("memsight ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(8 << 20)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        if RUNNING.contains(&field.name().as_str()) && field.data_type().is_integer() {
            let column = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

fn write_manifest<W: Storage>(
    manifest: &ManifestFile,
    staging: &Staging,
    wrap: &impl Fn(File) -> W,
) -> Result<(), FormatError> {
    let path = staging.file(MANIFEST);
    let failed = |error| FormatError::io(&path, "write", error);
    let mut text = visible_json(serde_json::to_string_pretty(manifest).map_err(|error| failed(error.into()))?);
    text.push('\n');
    let mut sink = Sink::new(wrap(staging.create(MANIFEST).map_err(failed)?));
    sink.write_all(text.as_bytes())
        .and_then(|()| sink.finish())
        .map_err(|error| failed(sink.take_failure().unwrap_or(error)))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A disk with room for so many more bytes, shared by all files.
    struct Filling {
        file: File,
        room: Arc<AtomicI64>,
    }

    impl Write for Filling {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            match self.room.fetch_sub(buffer.len() as i64, Ordering::Relaxed) >= buffer.len() as i64 {
                true => self.file.write(buffer),
                false => Err(io::ErrorKind::StorageFull.into()),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl Storage for Filling {
        fn sync(&mut self) -> io::Result<()> {
            match self.room.load(Ordering::Relaxed) >= 0 {
                true => Ok(()),
                false => Err(io::ErrorKind::StorageFull.into()),
            }
        }
    }

    fn sample() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.references.offsets.push(0);
        for i in 0..2000 {
            snapshot.names.intern(&format!("name {i}"));
        }
        snapshot
    }

    #[test]
    fn a_disk_that_fills_up_at_any_byte_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.heap");
        let snapshot = sample();
        let disk = |room: &Arc<AtomicI64>| {
            let room = Arc::clone(room);
            move |file| Filling { file, room: Arc::clone(&room) }
        };
        let used = Arc::new(AtomicI64::new(1 << 30));
        write_through(&snapshot, &path, &WriteOptions::default(), &disk(&used)).unwrap();
        let total = (1 << 30) - used.load(Ordering::Relaxed);
        assert!(crate::read(&path).unwrap().names == snapshot.names);

        let options = WriteOptions { force: true };
        for room in (0..total).step_by(total as usize / 150) {
            let result = write_through(&snapshot, &path, &options, &disk(&Arc::new(AtomicI64::new(room))));
            assert!(matches!(result, Err(FormatError::NoSpace { .. })), "{result:?} with room for {room} of {total}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            assert!(crate::read(&path).unwrap().names == snapshot.names, "the old one is as it was");
        }
    }
}
