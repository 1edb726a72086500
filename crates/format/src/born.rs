//! The optional tables `births` and `birth_frames`: which lines made the objects.

use std::ops::Range;

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{BooleanArray, UInt32Array, UInt64Array};
use memsight_model::{Birth, BirthFrame, NameId, ObjectId};

use crate::FormatError;
use crate::read::{Reader, RootBounds};
use crate::tables::{Columns, Table, Tables};

impl Tables<'_> {
    pub(crate) fn births(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.births.get(range).unwrap_or_default();
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
            .with("buffer", BooleanArray::from_iter(rows.iter().map(|row| Some(row.is_buffer()))))
            .with("bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.bytes())))
            .with("frame", UInt32Array::from_iter_values(rows.iter().map(|row| row.frame)))
    }

    pub(crate) fn birth_frames(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.birth_frames.get(range).unwrap_or_default();
        Columns::default()
            .with("caller", UInt32Array::from_iter_values(rows.iter().map(|row| row.caller)))
            .with("function_number", UInt32Array::from_iter_values(rows.iter().map(|row| row.function.0)))
            .with_nulls("function", self.name_texts(rows.iter().map(|row| Some(row.function))))
            .with("file_number", UInt32Array::from_iter_values(rows.iter().map(|row| row.file.0)))
            .with_nulls("file", self.name_texts(rows.iter().map(|row| Some(row.file))))
            .with("line", UInt32Array::from_iter_values(rows.iter().map(|row| row.line)))
    }
}

impl Reader<'_> {
    /// Who made objects, nothing for a snapshot that does not tell.
    pub(crate) fn births(&self, bounds: &RootBounds) -> Result<(Vec<Birth>, Vec<BirthFrame>), FormatError> {
        let has = |table: Table| self.manifest.tables.contains_key(table.name());
        let mut frames: Vec<BirthFrame> = Vec::new();
        if has(Table::BirthFrames) {
            self.rows(Table::BirthFrames, &["caller", "function_number", "file_number", "line"])?.each(|batch| {
                let callers = batch.numbers::<UInt32Type>("caller")?;
                let functions = batch.numbers::<UInt32Type>("function_number")?;
                let files = batch.numbers::<UInt32Type>("file_number")?;
                let lines = batch.numbers::<UInt32Type>("line")?;
                for (row, &caller) in callers.iter().enumerate() {
                    frames.push(BirthFrame {
                        // (so that every way to the oldest frame ends)
                        caller: batch.below("caller", caller, frames.len() + 1)?,
                        function: NameId(batch.below("function_number", functions[row], bounds.names)?),
                        file: NameId(batch.below("file_number", files[row], bounds.names)?),
                        line: lines[row],
                    });
                }
                Ok(())
            })?;
        }
        let mut births: Vec<Birth> = Vec::new();
        if has(Table::Births) {
            self.rows(Table::Births, &["object", "buffer", "bytes", "frame"])?.each(|batch| {
                let objects = batch.numbers::<UInt32Type>("object")?;
                let buffers = batch.flags("buffer")?;
                let bytes = batch.numbers::<UInt64Type>("bytes")?;
                let numbers = batch.numbers::<UInt32Type>("frame")?;
                for row in 0..batch.len() {
                    let object = ObjectId(batch.below("object", objects[row], bounds.objects)?);
                    if births.last().is_some_and(|last| last.object > object) {
                        return Err(batch.damaged(format!("object {} is below the one before", object.0)));
                    }
                    let frame = batch.below("frame", numbers[row], frames.len() + 1)?;
                    births.push(Birth::new(object, frame, bytes[row], buffers.value(row)));
                }
                Ok(())
            })?;
        }
        Ok((births, frames))
    }
}
