//! The optional table `native`: whose the memory of C code is.

use std::ops::Range;

use arrow_array::types::UInt64Type;
use arrow_array::{LargeStringArray, UInt32Array, UInt64Array};
use memsight_model::{CBlocks, HolderKind, NativeMemory, NativeParts, NativePlace, NativeType, TypeId};

use crate::FormatError;
use crate::holders::HOLDER_KINDS;
use crate::read::{Reader, optional_ids};
use crate::tables::{Columns, Table, Tables};

/// A part as three columns: blocks, bytes, bytes in memory.
type Part = ([&'static str; 3], fn(&mut NativeParts) -> &mut CBlocks);

const PARTS: [Part; 3] = [
    (["heap_blocks", "heap_bytes", "heap_resident_bytes"], |parts| &mut parts.heap),
    (["pymalloc_blocks", "pymalloc_bytes", "pymalloc_resident_bytes"], |parts| &mut parts.pymalloc),
    (["mapping_blocks", "mapping_bytes", "mapping_resident_bytes"], |parts| &mut parts.mappings),
];

/// A row: a type or a place.
struct Row<'a> {
    type_: Option<&'a NativeType>,
    place: Option<&'a NativePlace>,
    parts: NativeParts,
}

/// Number of rows.
pub(crate) fn rows(native: &NativeMemory) -> usize {
    native.types.len() + native.places.len()
}

fn row(native: &NativeMemory, number: usize) -> Option<Row<'_>> {
    let (type_, place) =
        (native.types.get(number), number.checked_sub(native.types.len()).and_then(|at| native.places.get(at)));
    let parts = type_.map(|row| row.parts).or(place.map(|row| row.parts))?;
    Some(Row { type_, place, parts })
}

impl Tables<'_> {
    pub(crate) fn native(&self, range: Range<usize>) -> Columns {
        let none = NativeMemory::default();
        let native = self.snapshot.native.as_ref().unwrap_or(&none);
        let rows: Vec<Row> = range.filter_map(|number| row(native, number)).collect();
        let kind = |row: &Row| row.place.map_or(HolderKind::Counted, |place| place.kind) as u8;
        let columns = Columns::default()
            .with_nulls("type", UInt32Array::from_iter(rows.iter().map(|row| row.type_.map(|type_| type_.type_.0))))
            .with("objects", words(&rows, |row| row.type_.map_or(0, |type_| type_.objects)))
            .with_words("kind", &HOLDER_KINDS, rows.iter().map(kind))
            .with("place", LargeStringArray::from_iter_values(rows.iter().map(|row| place_name(row))));
        PARTS.into_iter().fold(columns, |columns, ([blocks, bytes, resident], part)| {
            let of = |row: &Row| *part(&mut row.parts.clone());
            columns
                .with(blocks, words(&rows, |row| of(row).count))
                .with(bytes, words(&rows, |row| of(row).bytes))
                .with(resident, words(&rows, |row| of(row).resident_bytes))
        })
    }
}

fn place_name<'a>(row: &Row<'a>) -> &'a str {
    row.place.map_or("", |place| place.name.as_str())
}

fn words(rows: &[Row], get: impl Fn(&Row) -> u64) -> UInt64Array {
    UInt64Array::from_iter_values(rows.iter().map(get))
}

impl Reader<'_> {
    /// Whose the memory of C code is, where the snapshot says so.
    pub(crate) fn native(&self, types: usize) -> Result<Option<NativeMemory>, FormatError> {
        if !self.manifest.tables.contains_key(Table::Native.name()) {
            return Ok(None);
        }
        let mut native = NativeMemory::default();
        let parts = PARTS.iter().flat_map(|(names, _)| names).copied();
        let names: Vec<&str> = ["type", "objects", "kind", "place"].into_iter().chain(parts).collect();
        self.rows(Table::Native, &names)?.each(|batch| {
            let owners = optional_ids(batch, "type", types)?;
            let objects = batch.numbers::<UInt64Type>("objects")?;
            let kinds = batch.words("kind", &HOLDER_KINDS)?;
            let places = batch.texts("place")?;
            let mut sums = vec![NativeParts::default(); batch.len()];
            for ([blocks, bytes, resident], part) in PARTS {
                let count = batch.numbers::<UInt64Type>(blocks)?.iter();
                let figures =
                    count.zip(batch.numbers::<UInt64Type>(bytes)?).zip(batch.numbers::<UInt64Type>(resident)?);
                for (sum, ((&count, &bytes), &resident_bytes)) in sums.iter_mut().zip(figures) {
                    *part(sum) = CBlocks { count, bytes, resident_bytes };
                }
            }
            for (at, parts) in sums.into_iter().enumerate() {
                match owners[at] {
                    Some(type_) => {
                        native.types.push(NativeType { type_: TypeId(type_), objects: objects[at], parts });
                    }
                    None => native.places.push(NativePlace {
                        kind: HolderKind::ALL[usize::from(kinds[at])],
                        name: places.value(at).to_owned(),
                        parts,
                    }),
                }
            }
            Ok(())
        })?;
        Ok(Some(native))
    }
}
