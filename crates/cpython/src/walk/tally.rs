//! Where objects are only counted and sized: sums by type, made by the walk that finds them. No second walk, no rows.

use memsight_model::{Address, ReadMemory, TypeSum};

use crate::layout::Layout;
use crate::object::buffers::Size;
use crate::object::sizes;
use crate::object::types::{TypeInfo, TypeIx};

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By row of the snapshot's types: row 0 is for objects whose type is unknown.
    pub sums: Vec<TypeSum>,
    /// Objects of which something could not be read.
    pub partial: u64,
}

impl Tally {
    /// Counts an object, whose type is not known when it has no row. Cost: a read of the words that tell its size.
    pub fn add<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, at: Address, known: Option<(TypeIx, &TypeInfo)>) {
        let size = known.and_then(|(_, info)| sizes::of(memory, layout, at, info).ok());
        self.partial += u64::from(size.is_none());
        let least = Size { shallow: known.map_or(0, |(_, info)| info.basicsize), external: 0 };
        let Size { shallow, external } = size.unwrap_or(least);
        let row = known.map_or(0, |(row, _)| row as usize + 1);
        self.join(row, TypeSum { count: 1, shallow_bytes: shallow, external_bytes: external });
    }

    /// Adds what another worker counted; `rows` are ours of its types.
    pub fn take(&mut self, other: &Tally, rows: &[Option<TypeIx>]) {
        self.partial += other.partial;
        for (number, sum) in other.sums.iter().enumerate() {
            let row = number.checked_sub(1).and_then(|row| *rows.get(row)?).map_or(0, |row| row as usize + 1);
            self.join(row, *sum);
        }
    }

    fn join(&mut self, row: usize, sum: TypeSum) {
        if self.sums.len() <= row {
            self.sums.resize(row + 1, TypeSum::default());
        }
        self.sums[row].join(sum);
    }
}
