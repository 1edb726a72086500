//! The optional tables `code` and `generators`: what code is called, and where generators stand.

use std::ops::Range;

use arrow_array::UInt32Array;
use arrow_array::types::UInt32Type;
use memsight_model::{CodeRecord, GeneratorRecord, NameId, ObjectId};

use crate::FormatError;
use crate::read::{Reader, RootBounds};
use crate::rows::Batch;
use crate::tables::{Columns, Table, Tables};

impl Tables<'_> {
    pub(crate) fn code(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.code.get(range).unwrap_or_default();
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
            .with("name_number", UInt32Array::from_iter_values(rows.iter().map(|row| row.name.0)))
            .with_nulls("name", self.name_texts(rows.iter().map(|row| Some(row.name))))
            .with("file_number", UInt32Array::from_iter_values(rows.iter().map(|row| row.file.0)))
            .with_nulls("file", self.name_texts(rows.iter().map(|row| Some(row.file))))
            .with("line", UInt32Array::from_iter_values(rows.iter().map(|row| row.line)))
    }

    pub(crate) fn generators(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.generators.get(range).unwrap_or_default();
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
            .with("line", UInt32Array::from_iter_values(rows.iter().map(|row| row.line)))
    }
}

impl Reader<'_> {
    /// What code is called, nothing for a snapshot that does not tell.
    pub(crate) fn code(&self, bounds: &RootBounds) -> Result<Vec<CodeRecord>, FormatError> {
        let mut code: Vec<CodeRecord> = Vec::new();
        if !self.manifest.tables.contains_key(Table::Code.name()) {
            return Ok(code);
        }
        self.rows(Table::Code, &["object", "name_number", "file_number", "line"])?.each(|batch| {
            let names = batch.numbers::<UInt32Type>("name_number")?;
            let files = batch.numbers::<UInt32Type>("file_number")?;
            let lines = batch.numbers::<UInt32Type>("line")?;
            let objects = ascending(batch, code.last().map(|last| last.object), bounds.objects)?;
            for (row, object) in objects.into_iter().enumerate() {
                code.push(CodeRecord {
                    object,
                    name: NameId(batch.below("name_number", names[row], bounds.names)?),
                    file: NameId(batch.below("file_number", files[row], bounds.names)?),
                    line: lines[row],
                });
            }
            Ok(())
        })?;
        Ok(code)
    }

    /// Where generators stand, nothing for a snapshot that does not tell.
    pub(crate) fn generators(&self, bounds: &RootBounds) -> Result<Vec<GeneratorRecord>, FormatError> {
        let mut generators: Vec<GeneratorRecord> = Vec::new();
        if !self.manifest.tables.contains_key(Table::Generators.name()) {
            return Ok(generators);
        }
        self.rows(Table::Generators, &["object", "line"])?.each(|batch| {
            let lines = batch.numbers::<UInt32Type>("line")?;
            let objects = ascending(batch, generators.last().map(|last| last.object), bounds.objects)?;
            generators.extend(objects.into_iter().zip(lines).map(|(object, &line)| GeneratorRecord { object, line }));
            Ok(())
        })?;
        Ok(generators)
    }
}

/// The column `object`, whose ids are above each other and above `last`.
fn ascending(batch: &Batch, mut last: Option<ObjectId>, limit: usize) -> Result<Vec<ObjectId>, FormatError> {
    let mut objects = Vec::with_capacity(batch.len());
    for &object in batch.numbers::<UInt32Type>("object")? {
        let object = ObjectId(batch.below("object", object, limit)?);
        if last.is_some_and(|last| last >= object) {
            return Err(batch.damaged(format!("object {} is not above the one before", object.0)));
        }
        last = Some(object);
        objects.push(object);
    }
    Ok(objects)
}
