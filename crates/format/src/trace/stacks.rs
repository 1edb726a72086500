//! Sums of a trace by thread and stack, as a table: CSV, Parquet and Arrow have the same columns.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use memsight_model::visible;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::FormatError;
use crate::sink::Sink;
use crate::whole::WholeFile;

/// The columns of numbers, in the order of [`StackRow::numbers`].
pub const STACK_NUMBERS: [&str; 10] = [
    "bytes",
    "blocks",
    "error_bytes",
    "allocated_bytes",
    "allocations",
    "allocated_error_bytes",
    "peak_bytes",
    "peak_blocks",
    "end_bytes",
    "end_blocks",
];

/// What one thread allocated with one stack. Foreign text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackRow {
    /// Id of the thread in the operating system.
    pub thread: u32,
    /// The function of the newest frame.
    pub function: String,
    /// Its file; absent where no Python code ran.
    pub file: Option<String>,
    /// Its line; absent where it is not known.
    pub line: Option<u32>,
    /// All frames, the oldest first, as `function (file:line)`, with semicolons between them.
    pub stack: String,
    /// By [`STACK_NUMBERS`].
    pub numbers: [u64; 10],
}

/// The table as one batch of Arrow. Cost: linear in the texts.
pub fn stacks_table(rows: &[StackRow]) -> Result<RecordBatch, FormatError> {
    let field = |name: &str, kind, nullable| Field::new(name, kind, nullable);
    let mut fields = vec![
        field("thread", DataType::UInt32, false),
        field("function", DataType::Utf8, false),
        field("file", DataType::Utf8, true),
        field("line", DataType::UInt32, true),
        field("stack", DataType::Utf8, false),
    ];
    fields.extend(STACK_NUMBERS.map(|name| field(name, DataType::UInt64, false)));
    let texts =
        |text: fn(&StackRow) -> Option<&str>| Arc::new(rows.iter().map(text).collect::<StringArray>()) as ArrayRef;
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.thread).collect::<UInt32Array>()),
        texts(|row| Some(&row.function)),
        texts(|row| row.file.as_deref()),
        Arc::new(rows.iter().map(|row| row.line).collect::<UInt32Array>()),
        texts(|row| Some(&row.stack)),
    ];
    for at in 0..STACK_NUMBERS.len() {
        let column = rows.iter().map(|row| row.numbers.get(at).copied().unwrap_or_default());
        columns.push(Arc::new(UInt64Array::from_iter_values(column)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| FormatError::io(Path::new("stacks"), "build", std::io::Error::other(error)))
}

/// The table as CSV (RFC 4180).
pub fn stacks_csv(rows: &[StackRow]) -> String {
    let mut text = ["thread", "function", "file", "line", "stack"].join(",");
    STACK_NUMBERS.iter().for_each(|name| text.extend([",", name]));
    text.push('\n');
    for row in rows {
        let line = row.line.map(|line| line.to_string()).unwrap_or_default();
        let words = [row.function.as_str(), row.file.as_deref().unwrap_or_default()].map(cell);
        text.push_str(&format!("{},{},{line},{}", row.thread, words.join(","), cell(&row.stack)));
        row.numbers.iter().for_each(|number| text.push_str(&format!(",{number}")));
        text.push('\n');
    }
    text
}

fn cell(text: &str) -> String {
    format!("\"{}\"", visible(text, |_| false).replace('"', "\"\""))
}

/// Writes the table as a Parquet file, whole or not at all.
///
/// # Errors
/// [`FormatError::Exists`] unless `force`; [`FormatError::Io`], [`FormatError::NoSpace`].
pub fn write_stacks(rows: &[StackRow], output: &Path, force: bool) -> Result<(), FormatError> {
    let batch = stacks_table(rows)?;
    let (whole, file) = WholeFile::begin(output, force)?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("memsight ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::LZ4_RAW)
        .build();
    let failed = |error: ParquetError| FormatError::io(whole.path(), "write", std::io::Error::other(error));
    let mut writer = ArrowWriter::try_new(Sink::new(file), batch.schema(), Some(properties)).map_err(failed)?;
    if let Err(error) = writer.write(&batch) {
        let source = writer.inner_mut().take_failure().unwrap_or_else(|| std::io::Error::other(error));
        return Err(FormatError::io(whole.path(), "write", source));
    }
    let mut sink = writer.into_inner().map_err(failed)?;
    if let Err(error) = sink.finish() {
        return Err(FormatError::io(whole.path(), "write", sink.take_failure().unwrap_or(error)));
    }
    whole.publish()
}
