//! The table as one Parquet file, written whole or not at all.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, TimestampNanosecondBuilder, UInt32Builder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use memsight_model::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::record::{FORMAT, Header, VERSION};
use super::table::{COLUMNS, Row, Rows, of_marker, of_sample};
use crate::FormatError;
use crate::sink::Sink;
use crate::whole::WholeFile;

/// Rows in memory before they become a row group.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// A Parquet file in the making, there only after [`ParquetTable::finish`]. Memory: one row group.
pub struct ParquetTable {
    writer: Option<ArrowWriter<Sink<File>>>,
    columns: Columns,
    origin: Timestamp,
    file: WholeFile,
}

impl ParquetTable {
    /// Begins the table of a recording with this header.
    ///
    /// # Errors
    /// [`FormatError::Exists`] unless `force`; [`FormatError::Io`], [`FormatError::NoSpace`].
    pub fn begin(output: &Path, header: &Header, force: bool) -> Result<ParquetTable, FormatError> {
        let (whole, file) = WholeFile::begin(output, force)?;
        let text = serde_json::to_string(header).unwrap_or_default();
        let about = [("format", FORMAT.to_owned()), ("schema_version", VERSION.to_string()), ("header", text)];
        let about = about.map(|(key, value)| KeyValue::new(format!("memsight.{key}"), value));
        let properties = WriterProperties::builder()
            .set_created_by(concat!("memsight ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::LZ4_RAW)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_key_value_metadata(Some(about.into()))
            .build();
        let mut table = ParquetTable { writer: None, columns: Columns::default(), origin: header.at, file: whole };
        let writer = ArrowWriter::try_new(Sink::new(file), schema(), Some(properties));
        table.writer = Some(writer.map_err(|error| table.failure(error))?);
        Ok(table)
    }

    /// Adds the rows of a record.
    ///
    /// # Errors
    /// [`FormatError::NoSpace`], [`FormatError::Io`].
    pub fn add(&mut self, rows: &Rows) -> Result<(), FormatError> {
        match rows {
            Rows::Sample(sample) => of_sample(sample).for_each(|row| self.columns.push(&row, self.origin)),
            Rows::Marker(marker) => self.columns.push(&of_marker(marker), self.origin),
        }
        if self.columns.rows >= ROW_GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    /// Writes what is left, waits for the disk and gives the file its name.
    ///
    /// # Errors
    /// As [`ParquetTable::add`]; what stood at the output is then as it was.
    pub fn finish(mut self) -> Result<(), FormatError> {
        self.flush()?;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut sink = writer.into_inner().map_err(|error| self.failure(error))?;
        if let Err(error) = sink.finish() {
            return Err(FormatError::io(self.file.path(), "write", sink.take_failure().unwrap_or(error)));
        }
        self.file.publish()
    }

    fn flush(&mut self) -> Result<(), FormatError> {
        let batch = self.columns.batch().map_err(|error| self.failure(error))?;
        match self.writer.as_mut().map_or(Ok(()), |writer| writer.write(&batch)) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// The operating system's error behind one of the library's.
    fn failure(&mut self, error: ParquetError) -> FormatError {
        match self.writer.as_mut().and_then(|writer| writer.inner_mut().take_failure()) {
            Some(source) => FormatError::io(self.file.path(), "write", source),
            None => FormatError::io(self.file.path(), "write", std::io::Error::other(error)),
        }
    }
}

fn schema() -> SchemaRef {
    let fields = COLUMNS.map(|name| match name {
        "elapsed_ns" => Field::new(name, DataType::UInt64, false),
        "unix_ns" => Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), false),
        "pid" | "parent" => Field::new(name, DataType::UInt32, true),
        "name" | "marker" => Field::new(name, DataType::Utf8, true),
        _ => Field::new(name, DataType::UInt64, true),
    });
    Arc::new(Schema::new(fields.to_vec()))
}

/// The rows of the next row group.
#[derive(Default)]
struct Columns {
    rows: usize,
    elapsed: UInt64Builder,
    time: Option<TimestampNanosecondBuilder>,
    pids: [UInt32Builder; 2],
    name: StringBuilder,
    numbers: [UInt64Builder; 11],
    marker: StringBuilder,
}

impl Columns {
    fn push(&mut self, row: &Row<'_>, origin: Timestamp) {
        self.rows += 1;
        self.elapsed.append_value(row.elapsed_ns(origin));
        let time = self.time.get_or_insert_with(|| TimestampNanosecondBuilder::new().with_timezone("UTC"));
        time.append_value(i64::try_from(row.at.unix_ns).unwrap_or(i64::MAX));
        for (column, value) in self.pids.iter_mut().zip([row.pid, row.parent]) {
            column.append_option(value);
        }
        self.name.append_option(row.name);
        let numbers = [
            row.rss_bytes,
            row.vms_bytes,
            row.shared_bytes,
            row.data_bytes,
            row.uss_bytes,
            row.pss_bytes,
            row.swap_bytes,
            row.cpu_ns,
            row.threads,
            row.minor_faults,
            row.major_faults,
        ];
        for (column, value) in self.numbers.iter_mut().zip(numbers) {
            column.append_option(value);
        }
        self.marker.append_option(row.marker);
    }

    fn batch(&mut self) -> Result<RecordBatch, ParquetError> {
        self.rows = 0;
        let time = self.time.get_or_insert_with(|| TimestampNanosecondBuilder::new().with_timezone("UTC"));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.elapsed.finish()), Arc::new(time.finish())];
        columns.extend(self.pids.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.name.finish()));
        columns.extend(self.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.marker.finish()));
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
