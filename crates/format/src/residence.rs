//! The optional tables of what was in memory and whose the C heap is: `resident`, `resident_pages`, `c_blocks`, `c_large`.
//! The C library's own account stands in the manifest.

use std::ops::Range;

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{UInt32Array, UInt64Array};
use memsight_model::{
    Address, COwned, COwnedType, ObjectId, OwnedBlock, PageRuns, Residence, ResidentMapping, Rollup, Snapshot, TypeId,
};

use crate::FormatError;
use crate::read::Reader;
use crate::tables::{Columns, Table, Tables};

/// A figure of [`Rollup`] as a column.
type Figure = (&'static str, fn(&mut Rollup) -> &mut u64);

/// The columns of `resident` that come from `/proc/PID/smaps`.
const FIGURES: [Figure; 17] = [
    ("rss_bytes", |pages| &mut pages.rss_bytes),
    ("pss_bytes", |pages| &mut pages.pss_bytes),
    ("shared_clean_bytes", |pages| &mut pages.shared_clean_bytes),
    ("shared_dirty_bytes", |pages| &mut pages.shared_dirty_bytes),
    ("private_clean_bytes", |pages| &mut pages.private_clean_bytes),
    ("private_dirty_bytes", |pages| &mut pages.private_dirty_bytes),
    ("referenced_bytes", |pages| &mut pages.referenced_bytes),
    ("anonymous_bytes", |pages| &mut pages.anonymous_bytes),
    ("lazy_free_bytes", |pages| &mut pages.lazy_free_bytes),
    ("anon_huge_pages_bytes", |pages| &mut pages.anon_huge_pages_bytes),
    ("shmem_huge_pages_bytes", |pages| &mut pages.shmem_huge_pages_bytes),
    ("file_huge_pages_bytes", |pages| &mut pages.file_huge_pages_bytes),
    ("shared_hugetlb_bytes", |pages| &mut pages.shared_hugetlb_bytes),
    ("private_hugetlb_bytes", |pages| &mut pages.private_hugetlb_bytes),
    ("swap_bytes", |pages| &mut pages.swap_bytes),
    ("swap_pss_bytes", |pages| &mut pages.swap_pss_bytes),
    ("locked_bytes", |pages| &mut pages.locked_bytes),
];

/// Whether `snapshot` has `table`, one of this module's.
pub(crate) fn is_in(snapshot: &Snapshot, table: Table) -> bool {
    match table {
        Table::Resident | Table::ResidentPages => snapshot.residence.is_some(),
        _ => snapshot.c_owned.is_some(),
    }
}

/// Rows of `table`, one of this module's.
pub(crate) fn rows(snapshot: &Snapshot, table: Table) -> usize {
    let (residence, owned) = (snapshot.residence.as_ref(), snapshot.c_owned.as_ref());
    match table {
        Table::Resident => residence.map_or(0, |residence| residence.mappings.len()),
        Table::ResidentPages => residence.map_or(0, |residence| residence.pages.len()),
        Table::CBlocks => owned.map_or(0, |owned| owned.types.len()),
        _ => owned.map_or(0, |owned| owned.large.len()),
    }
}

fn words<T>(rows: &[T], get: impl Fn(&T) -> u64) -> UInt64Array {
    UInt64Array::from_iter_values(rows.iter().map(get))
}

impl Tables<'_> {
    /// The rows `range` of `table`, one of this module's.
    pub(crate) fn residence(&self, table: Table, range: Range<usize>) -> Columns {
        let (no_residence, no_owned) = (Residence::default(), COwned::default());
        let residence = self.snapshot.residence.as_ref().unwrap_or(&no_residence);
        let owned = self.snapshot.c_owned.as_ref().unwrap_or(&no_owned);
        match table {
            Table::Resident => mappings(residence.mappings.get(range).unwrap_or_default()),
            Table::ResidentPages => {
                let runs: Vec<_> = residence.pages.iter().skip(range.start).take(range.len()).collect();
                Columns::default()
                    .with("start", words(&runs, |run| run.start))
                    .with("bytes", words(&runs, |run| run.end - run.start))
            }
            Table::CBlocks => self.c_blocks(owned.types.get(range).unwrap_or_default()),
            _ => {
                let rows = owned.large.get(range).unwrap_or_default();
                Columns::default()
                    .with("address", words(rows, |row| row.address.0))
                    .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
                    .with("bytes", words(rows, |row| row.bytes))
            }
        }
    }

    fn c_blocks(&self, rows: &[COwnedType]) -> Columns {
        Columns::default()
            .with("type", UInt32Array::from_iter_values(rows.iter().map(|row| row.type_.0)))
            .with_nulls("type_name", self.type_names(rows.iter().map(|row| row.type_)))
            .with("objects", words(rows, |row| row.objects))
            .with("object_bytes", words(rows, |row| row.object_bytes))
            .with("buffers", words(rows, |row| row.buffers))
            .with("buffer_bytes", words(rows, |row| row.buffer_bytes))
    }
}

fn mappings(rows: &[ResidentMapping]) -> Columns {
    let columns = Columns::default()
        .with("start", words(rows, |row| row.start.0))
        .with("end", words(rows, |row| row.end.0))
        .with("stacks", UInt32Array::from_iter_values(rows.iter().map(|row| row.stacks)));
    FIGURES
        .into_iter()
        .fold(columns, |columns, (name, figure)| columns.with(name, words(rows, |row| *figure(&mut row.pages.clone()))))
}

impl Reader<'_> {
    /// What was in memory, where the snapshot says so.
    pub(crate) fn residence(&self) -> Result<Option<Residence>, FormatError> {
        if !self.manifest.tables.contains_key(Table::Resident.name()) {
            return Ok(None);
        }
        let mut mappings: Vec<ResidentMapping> = Vec::new();
        let names: Vec<&str> = ["start", "end", "stacks"].into_iter().chain(FIGURES.map(|figure| figure.0)).collect();
        self.rows(Table::Resident, &names)?.each(|batch| {
            let (starts, ends) = (batch.numbers::<UInt64Type>("start")?, batch.numbers::<UInt64Type>("end")?);
            let stacks = batch.numbers::<UInt32Type>("stacks")?;
            let first = mappings.len();
            for row in 0..batch.len() {
                let last = mappings.last().map_or(0, |last| last.end.0);
                if starts[row] < last || ends[row] <= starts[row] {
                    return Err(batch.damaged(format!("mapping {row} is not behind the one before")));
                }
                let (start, end) = (Address(starts[row]), Address(ends[row]));
                mappings.push(ResidentMapping { start, end, stacks: stacks[row], pages: Rollup::default() });
            }
            for (name, figure) in FIGURES {
                let column = batch.numbers::<UInt64Type>(name)?;
                for (mapping, value) in mappings.iter_mut().skip(first).zip(column) {
                    *figure(&mut mapping.pages) = *value;
                }
            }
            Ok(())
        })?;
        Ok(Some(Residence { mappings, pages: self.resident_pages()? }))
    }

    fn resident_pages(&self) -> Result<PageRuns, FormatError> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        self.rows(Table::ResidentPages, &["start", "bytes"])?.each(|batch| {
            let bytes = batch.numbers::<UInt64Type>("bytes")?;
            for (&start, &bytes) in batch.numbers::<UInt64Type>("start")?.iter().zip(bytes) {
                let last = runs.last().map_or(0, |last| last.end);
                let end = start.checked_add(bytes).filter(|end| start >= last && *end > start);
                runs.push(start..end.ok_or_else(|| batch.damaged(format!("pages at {start:#x} are out of order")))?);
            }
            Ok(())
        })?;
        Ok(PageRuns::new(runs))
    }

    /// What of the C heap belongs to objects, where the snapshot says so.
    pub(crate) fn c_owned(&self, objects: usize, types: usize) -> Result<Option<COwned>, FormatError> {
        if !self.manifest.tables.contains_key(Table::CBlocks.name()) {
            return Ok(None);
        }
        let mut owned = COwned::default();
        let names = ["type", "objects", "object_bytes", "buffers", "buffer_bytes"];
        self.rows(Table::CBlocks, &names)?.each(|batch| {
            let word = |name| batch.numbers::<UInt64Type>(name);
            let (counts, bytes) = (word("objects")?, word("object_bytes")?);
            let (buffers, buffer_bytes) = (word("buffers")?, word("buffer_bytes")?);
            for (row, &type_) in batch.numbers::<UInt32Type>("type")?.iter().enumerate() {
                owned.types.push(COwnedType {
                    type_: TypeId(batch.below("type", type_, types)?),
                    objects: counts[row],
                    object_bytes: bytes[row],
                    buffers: buffers[row],
                    buffer_bytes: buffer_bytes[row],
                });
            }
            Ok(())
        })?;
        self.rows(Table::CLarge, &["address", "object", "bytes"])?.each(|batch| {
            let (owners, bytes) = (batch.numbers::<UInt32Type>("object")?, batch.numbers::<UInt64Type>("bytes")?);
            for (row, &address) in batch.numbers::<UInt64Type>("address")?.iter().enumerate() {
                let object = ObjectId(batch.below("object", owners[row], objects)?);
                owned.large.push(OwnedBlock { object, address: Address(address), bytes: bytes[row] });
            }
            Ok(())
        })?;
        Ok(Some(owned))
    }
}
