//! The optional tables `code` and `generators`: what code is called, and where generators stand.

use std::ops::Range;

use arrow_array::UInt32Array;
use arrow_array::types::UInt32Type;
use memsight_model::{CodeRecord, GeneratorRecord, NameId, ObjectId};

use crate::FormatError;
use crate::contents::Ascending;
use crate::read::{Reader, RootBounds};
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
        let (mut code, mut order) = (Vec::new(), Ascending(None));
        if !self.manifest.tables.contains_key(Table::Code.name()) {
            return Ok(code);
        }
        self.rows(Table::Code, &["object", "name_number", "file_number", "line"])?.each(|batch| {
            let names = batch.numbers::<UInt32Type>("name_number")?;
            let files = batch.numbers::<UInt32Type>("file_number")?;
            let lines = batch.numbers::<UInt32Type>("line")?;
            for (row, &object) in batch.numbers::<UInt32Type>("object")?.iter().enumerate() {
                code.push(CodeRecord {
                    object: ObjectId(order.next(batch, "object", object, bounds.objects)?),
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
        let (mut generators, mut order) = (Vec::new(), Ascending(None));
        if !self.manifest.tables.contains_key(Table::Generators.name()) {
            return Ok(generators);
        }
        self.rows(Table::Generators, &["object", "line"])?.each(|batch| {
            let lines = batch.numbers::<UInt32Type>("line")?;
            for (&object, &line) in batch.numbers::<UInt32Type>("object")?.iter().zip(lines) {
                let object = ObjectId(order.next(batch, "object", object, bounds.objects)?);
                generators.push(GeneratorRecord { object, line });
            }
            Ok(())
        })?;
        Ok(generators)
    }
}
