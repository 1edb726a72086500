//! Rows of a table's file, checked before anybody looks at them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, ArrowPrimitiveType, BooleanArray, LargeStringArray, PrimitiveArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::FormatError;
use crate::manifest::ManifestFile;
use crate::tables::Table;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

/// The file of a table, whole as its manifest describes it.
pub(crate) struct Rows {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its rows; at most `u32::MAX`, for ids are 32 bits.
    pub(crate) count: u32,
    /// Its length, an honest bound for what to reserve in advance.
    bytes: u64,
    reader: ParquetRecordBatchReader,
}

impl Rows {
    /// Opens the file of `table`, having compared length, checksum and number of rows with the manifest.
    pub(crate) fn open(
        folder: &Path,
        manifest: &ManifestFile,
        table: Table,
        columns: &[&str],
    ) -> Result<Rows, FormatError> {
        let path = folder.join(table.file());
        let known = manifest.tables.get(table.name());
        let known = known.ok_or_else(|| FormatError::damaged(&path, "the manifest does not know it"))?;
        let count = u32::try_from(known.rows).map_err(|_| FormatError::damaged(&path, "it has too many rows"))?;
        verify(&path, known.bytes, &known.crc32)?;

        let damaged = |error: parquet::errors::ParquetError| FormatError::damaged(&path, error.to_string());
        let file = File::open(&path).map_err(|error| FormatError::io(&path, "read", error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
        let rows = builder.metadata().file_metadata().num_rows();
        if rows != i64::from(count) {
            return Err(FormatError::damaged(&path, format!("it has {rows} rows, the manifest says {count}")));
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        let reader = builder.build().map_err(damaged)?;
        Ok(Rows { path, count, bytes: known.bytes, reader })
    }

    /// Room to reserve for a column: its rows, but no more than a file of this length plausibly has.
    pub(crate) fn capacity(&self) -> usize {
        u64::from(self.count).min(self.bytes.saturating_mul(8)) as usize
    }

    /// Calls `take` with every batch.
    pub(crate) fn each(self, mut take: impl FnMut(&Batch) -> Result<(), FormatError>) -> Result<(), FormatError> {
        let mut rows = 0u64;
        for batch in self.reader {
            let batch = batch.map_err(|error| FormatError::damaged(&self.path, error.to_string()))?;
            rows += batch.num_rows() as u64;
            take(&Batch { path: &self.path, batch })?;
        }
        match rows == u64::from(self.count) {
            true => Ok(()),
            false => Err(FormatError::damaged(&self.path, format!("{rows} of {} rows are there", self.count))),
        }
    }
}

/// Compares a file with what the manifest says of it.
fn verify(path: &Path, bytes: u64, crc32: &str) -> Result<(), FormatError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => FormatError::damaged(path, "it is missing"),
        _ => FormatError::io(path, "read", error),
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(FormatError::damaged(path, "it is not a file"));
    }
    if about.len() != bytes {
        return Err(FormatError::damaged(path, format!("it has {} bytes, the manifest says {bytes}", about.len())));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            read => crc.update(buffer.get(..read).unwrap_or_default()),
        }
    }
    let found = format!("{:08x}", crc.finalize());
    match found == crc32 {
        true => Ok(()),
        false => Err(FormatError::damaged(path, format!("its checksum is {found}, the manifest says {crc32}"))),
    }
}

/// Some rows, with typed access to their columns.
pub(crate) struct Batch<'a> {
    path: &'a Path,
    batch: RecordBatch,
}

impl Batch<'_> {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// An error of this table.
    pub(crate) fn damaged(&self, reason: impl Into<String>) -> FormatError {
        FormatError::damaged(self.path, reason)
    }

    /// The number in column `name`, below `limit`.
    pub(crate) fn below(&self, name: &str, number: u32, limit: usize) -> Result<u32, FormatError> {
        match (number as usize) < limit {
            true => Ok(number),
            false => Err(self.damaged(format!("{name} {number} is out of range (there are {limit})"))),
        }
    }

    fn column(&self, name: &str) -> Result<&dyn Array, FormatError> {
        let column = self.batch.column_by_name(name);
        column.map(|column| column.as_ref()).ok_or_else(|| self.damaged(format!("column {name} is missing")))
    }

    fn wrong(&self, name: &str) -> FormatError {
        self.damaged(format!("column {name} has an unexpected type"))
    }

    fn whole<'b, A: Array>(&self, name: &str, array: Option<&'b A>) -> Result<&'b A, FormatError> {
        let array = array.ok_or_else(|| self.wrong(name))?;
        match array.null_count() {
            0 => Ok(array),
            _ => Err(self.damaged(format!("column {name} has nulls"))),
        }
    }

    /// A column of numbers without nulls.
    pub(crate) fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&[T::Native], FormatError> {
        let array = self.whole(name, self.column(name)?.as_primitive_opt::<T>())?;
        Ok(array.values())
    }

    /// A column of numbers, some of them null.
    pub(crate) fn optional<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&PrimitiveArray<T>, FormatError> {
        self.column(name)?.as_primitive_opt::<T>().ok_or_else(|| self.wrong(name))
    }

    /// A column of truth values.
    pub(crate) fn flags(&self, name: &str) -> Result<&BooleanArray, FormatError> {
        self.whole(name, self.column(name)?.as_boolean_opt())
    }

    /// A column of numbers that the first files do not have; none then.
    pub(crate) fn later_numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&[T::Native], FormatError> {
        self.batch.column_by_name(name).map(|_| self.numbers::<T>(name)).transpose().map(Option::unwrap_or_default)
    }

    /// A column of truth values that the first files do not have.
    pub(crate) fn later_flags(&self, name: &str) -> Result<Option<&BooleanArray>, FormatError> {
        self.batch.column_by_name(name).map(|_| self.flags(name)).transpose()
    }

    /// A column of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<&LargeStringArray, FormatError> {
        self.whole(name, self.column(name)?.as_string_opt::<i64>())
    }

    /// A column of words, as their places in `vocabulary`.
    pub(crate) fn words(&self, name: &str, vocabulary: &[&str]) -> Result<Vec<u8>, FormatError> {
        let array = self.column(name)?.as_dictionary_opt::<UInt8Type>();
        let array = array.ok_or_else(|| self.wrong(name))?;
        let values = array.values().as_string_opt::<i64>().ok_or_else(|| self.wrong(name))?;
        let places: Vec<Option<u8>> = values
            .iter()
            .map(|value| vocabulary.iter().position(|word| Some(*word) == value).map(|place| place as u8))
            .collect();
        let place = |key: Option<u8>| {
            key.and_then(|key| *places.get(usize::from(key))?)
                .ok_or_else(|| self.damaged(format!("column {name} has an unknown word")))
        };
        array.keys().iter().map(place).collect()
    }
}
