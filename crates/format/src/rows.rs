//! Rows of a table's file, checked before anybody looks at them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrowPrimitiveType, BooleanArray, PrimitiveArray, RecordBatch, StringViewArray};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::limits::Budget;
use crate::manifest::ManifestFile;
use crate::tables::Table;
use crate::{FormatError, pages, regular, widths};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Memory of a row of a batch in one column: as it is unpacked, and as it is taken apart.
const CELL_BYTES: u64 = 32;

/// Memory for each byte of a file's own description (columns, row groups, where each begins) while it is parsed: three bytes
/// are a column without a name. Ours are some KiB, and 3 MiB for a billion references.
const FOOTER_RATIO: u64 = 256;

/// The file of a table, whole as its manifest describes it.
pub(crate) struct Rows<'a> {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its rows; at most `u32::MAX`, for ids are 32 bits.
    pub(crate) count: u32,
    /// Its length, an honest bound for what to reserve in advance.
    bytes: u64,
    file: File,
    about: ArrowReaderMetadata,
    /// Memory that `about` takes.
    about_bytes: u64,
    mask: ProjectionMask,
    budget: &'a Budget,
}

impl<'a> Rows<'a> {
    /// Opens the file of `table`, having compared length, checksum and number of rows with the manifest.
    pub(crate) fn open(
        folder: &Path,
        manifest: &ManifestFile,
        budget: &'a Budget,
        table: Table,
        columns: &[&str],
    ) -> Result<Rows<'a>, FormatError> {
        let path = folder.join(table.file());
        let known = manifest.tables.get(table.name());
        let known = known.ok_or_else(|| FormatError::damaged(&path, "the manifest does not know it"))?;
        let count = u32::try_from(known.rows).map_err(|_| FormatError::damaged(&path, "it has too many rows"))?;
        // a table is never smaller in memory than on disk
        budget.has_room(&path, known.bytes)?;
        let file = open_table(&path)?;
        verify(&file, &path, known.bytes, &known.crc32)?;

        let about_bytes = footer_bytes(&file, &path)?.saturating_mul(FOOTER_RATIO);
        budget.has_room(&path, about_bytes)?;
        let damaged = |error: ParquetError| FormatError::damaged(&path, error.to_string());
        let about = describe(&file).map_err(damaged)?;
        let rows = about.metadata().file_metadata().num_rows();
        if rows != i64::from(count) {
            return Err(FormatError::damaged(&path, format!("it has {rows} rows, the manifest says {count}")));
        }
        let mask = ProjectionMask::columns(about.parquet_schema(), columns.iter().copied());
        flat(&about, &mask, columns.len()).map_err(|reason| FormatError::damaged(&path, reason))?;
        budget.keep(&path, u64::from(count).saturating_mul(widths::row_bytes(table)))?;
        Ok(Rows { path, count, bytes: known.bytes, file, about, about_bytes, mask, budget })
    }

    /// Room to reserve for a column: its rows, but no more than a file of this length plausibly has.
    pub(crate) fn capacity(&self) -> usize {
        u64::from(self.count).min(self.bytes.saturating_mul(8)) as usize
    }

    /// Calls `take` with every batch.
    pub(crate) fn each(self, mut take: impl FnMut(&Batch) -> Result<(), FormatError>) -> Result<(), FormatError> {
        let damaged = |error: &dyn std::fmt::Display| FormatError::damaged(&self.path, error.to_string());
        let mut rows = 0u64;
        for group in 0..self.about.metadata().num_row_groups() {
            self.check(group)?;
            let file = self.file.try_clone().map_err(|error| FormatError::io(&self.path, "read", error))?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.about.clone());
            let builder = builder.with_projection(self.mask.clone()).with_batch_size(BATCH_ROWS);
            for batch in builder.with_row_groups(vec![group]).build().map_err(|error| damaged(&error))? {
                let batch = batch.map_err(|error| damaged(&error))?;
                rows += batch.num_rows() as u64;
                if rows > u64::from(self.count) {
                    return Err(damaged(&format!("more than its {} rows are there", self.count)));
                }
                take(&Batch { path: &self.path, batch, budget: self.budget })?;
            }
        }
        match rows == u64::from(self.count) {
            true => Ok(()),
            false => Err(damaged(&format!("{rows} of {} rows are there", self.count))),
        }
    }

    /// Whether there is room to unpack a row group. Cost: a small read for each of its pages.
    fn check(&self, group: usize) -> Result<(), FormatError> {
        let leaves = leaves(&self.about, &self.mask);
        let batch = u64::from(self.count).min(BATCH_ROWS as u64).saturating_mul(leaves.len() as u64 * CELL_BYTES);
        let pages = pages::group_bytes(&self.file, self.about.metadata().row_group(group), &leaves);
        let pages = pages.map_err(|reason| FormatError::damaged(&self.path, reason))?;
        self.budget.has_room(&self.path, self.about_bytes.saturating_add(batch).saturating_add(pages))
    }
}

fn open_table(path: &Path) -> Result<File, FormatError> {
    regular::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => FormatError::damaged(path, "it is missing"),
        ErrorKind::IsADirectory => FormatError::damaged(path, "it is a folder, not a file"),
        ErrorKind::InvalidInput => FormatError::damaged(path, error.to_string()),
        _ => FormatError::io(path, "read", error),
    })
}

/// The length of what a Parquet file says of itself: four bytes, before the four at its end.
fn footer_bytes(file: &File, path: &Path) -> Result<u64, FormatError> {
    let end = file.len().checked_sub(8).and_then(|at| file.get_bytes(at, 4).ok());
    let length = end.and_then(|bytes| Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?)));
    let length = length.map(u64::from).filter(|length| *length <= file.len() - 8);
    length.ok_or_else(|| FormatError::damaged(path, "it is no valid Parquet file"))
}

/// What the file says of itself. Texts are read as views: where a dictionary has one for a million rows, it stays one.
fn describe(file: &File) -> Result<ArrowReaderMetadata, ParquetError> {
    let about = ArrowReaderMetadata::load(file, ArrowReaderOptions::new().with_skip_arrow_metadata(true))?;
    let fields = about.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(Arc::clone(about.metadata()), ArrowReaderOptions::new().with_schema(schema))
}

/// The columns that are read, by number.
fn leaves(about: &ArrowReaderMetadata, mask: &ProjectionMask) -> Vec<usize> {
    (0..about.parquet_schema().num_columns()).filter(|leaf| mask.leaf_included(*leaf)).collect()
}

/// Refuses columns of lists and the like, values of any width, and a name that stands there twice.
fn flat(about: &ArrowReaderMetadata, mask: &ProjectionMask, most: usize) -> Result<(), String> {
    let leaves = leaves(about, mask);
    if leaves.len() > most {
        return Err("a column stands there twice".to_owned());
    }
    for leaf in leaves {
        let column = about.parquet_schema().column(leaf);
        let name = column.path().string();
        let kind = about.schema().field_with_name(&name).map(|field| field.data_type().clone());
        match kind {
            Ok(kind) if column.max_rep_level() == 0 && (kind.is_integer() || is_small(&kind)) => {}
            _ => return Err(format!("column {name} has an unexpected type")),
        }
    }
    Ok(())
}

fn is_small(kind: &DataType) -> bool {
    matches!(kind, DataType::Boolean | DataType::Utf8View)
}

/// Compares a file with what the manifest says of it.
fn verify(mut file: &File, path: &Path, bytes: u64, crc32: &str) -> Result<(), FormatError> {
    let failed = |error: std::io::Error| FormatError::io(path, "read", error);
    let length = file.metadata().map_err(failed)?.len();
    if length != bytes {
        return Err(FormatError::damaged(path, format!("it has {length} bytes, the manifest says {bytes}")));
    }
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut left = bytes;
    while left > 0 {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            read => {
                crc.update(buffer.get(..read).unwrap_or_default());
                left = left.saturating_sub(read as u64);
            }
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
    budget: &'a Budget,
}

impl Batch<'_> {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Takes memory for as long as the snapshot is there.
    pub(crate) fn keep(&self, bytes: u64) -> Result<(), FormatError> {
        self.budget.keep(self.path, bytes)
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

    /// A column of texts, which are going to be copied.
    pub(crate) fn texts(&self, name: &str) -> Result<&StringViewArray, FormatError> {
        let texts = self.whole(name, self.column(name)?.as_string_view_opt())?;
        // the lower half of a view is the length; a text may grow to twice its size in a list of them
        let bytes = texts.views().iter().fold(0u64, |sum, view| sum.saturating_add(u64::from(*view as u32)));
        self.keep(bytes.saturating_mul(2))?;
        Ok(texts)
    }

    /// A column of texts that the first files do not have.
    pub(crate) fn later_texts(&self, name: &str) -> Result<Option<&StringViewArray>, FormatError> {
        self.batch.column_by_name(name).map(|_| self.texts(name)).transpose()
    }

    /// A column of words, as their places in `vocabulary`.
    pub(crate) fn words(&self, name: &str, vocabulary: &[&str]) -> Result<Vec<u8>, FormatError> {
        let array = self.whole(name, self.column(name)?.as_string_view_opt())?;
        // up to 12 bytes, as each of our words is, a text stands in its view: one comparison
        let known = StringViewArray::from_iter_values(vocabulary);
        let place = |view: &u128| {
            let place = known.views().iter().position(|word| word == view);
            place.map(|place| place as u8).ok_or_else(|| self.damaged(format!("column {name} has an unknown word")))
        };
        array.views().iter().map(place).collect()
    }
}
