//! The optional table `holders`: what holds objects from outside the Python heap.

use std::ops::Range;

use arrow_array::UInt32Array;
use arrow_array::types::UInt32Type;
use memsight_model::{Holder, HolderKind, NameId, ObjectId};

use crate::FormatError;
use crate::read::{Reader, RootBounds, optional_ids};
use crate::tables::{Columns, Table, Tables};

/// Names of [`HolderKind`] in files, indexed by its number. Part of the format: never changed, only added to.
pub(crate) const HOLDER_KINDS: [&str; 6] = ["counted", "state", "variable", "temporary", "stack", "permanent"];

impl Tables<'_> {
    pub(crate) fn holders(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.holders.get(range).unwrap_or_default();
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
            .with_words("kind", &HOLDER_KINDS, rows.iter().map(|row| row.kind as u8))
            .with("count", UInt32Array::from_iter_values(rows.iter().map(|row| row.count)))
            .with("number", UInt32Array::from_iter_values(rows.iter().map(|row| row.name.0)))
            .with_nulls("name", self.name_texts(rows.iter().map(|row| Some(row.name))))
            .with_nulls("thread", UInt32Array::from_iter(rows.iter().map(|row| row.thread)))
    }
}

impl Reader<'_> {
    /// The holders, none for a snapshot that does not tell.
    pub(crate) fn holders(&self, bounds: &RootBounds) -> Result<Vec<Holder>, FormatError> {
        let mut holders: Vec<Holder> = Vec::new();
        if !self.manifest.tables.contains_key(Table::Holders.name()) {
            return Ok(holders);
        }
        self.rows(Table::Holders, &["object", "kind", "count", "number", "thread"])?.each(|batch| {
            let objects = batch.numbers::<UInt32Type>("object")?;
            let kinds = batch.words("kind", &HOLDER_KINDS)?;
            let counts = batch.numbers::<UInt32Type>("count")?;
            let names = batch.numbers::<UInt32Type>("number")?;
            let threads = optional_ids(batch, "thread", bounds.threads)?;
            for row in 0..batch.len() {
                let object = ObjectId(batch.below("object", objects[row], bounds.objects)?);
                if holders.last().is_some_and(|last| last.object > object) {
                    return Err(batch.damaged(format!("object {} is below the one before", object.0)));
                }
                holders.push(Holder {
                    object,
                    kind: HolderKind::ALL[usize::from(kinds[row])],
                    count: counts[row],
                    name: NameId(batch.below("number", names[row], bounds.names)?),
                    thread: threads[row],
                });
            }
            Ok(())
        })?;
        Ok(holders)
    }
}
