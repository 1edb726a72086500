//! Strong references, read so that no table, however broken, can lead outside itself.

use std::ops::Range;

use memsight_model::{ObjectId, ReferenceTable, Snapshot};

use crate::entries::uncounted_table;

/// A view of a [`ReferenceTable`] that follows only references which keep alive: strong ones, and not those of the
/// table of interned strings, which CPython does not count.
pub(crate) struct Edges<'a> {
    offsets: &'a [u32],
    targets: &'a [ObjectId],
    /// One bit a reference: searches jump about, and the labels themselves would be one more cache miss an object.
    weak: Vec<u64>,
    /// The table of interned strings.
    interned: Option<u32>,
}

impl<'a> Edges<'a> {
    /// Cost: one pass over the labels.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Edges<'a> {
        Edges { interned: uncounted_table(snapshot).map(|table| table.0), ..Edges::with_interned(snapshot) }
    }

    /// Follows the table of interned strings like any other object. Cost: one pass over the labels.
    pub(crate) fn with_interned(snapshot: &'a Snapshot) -> Edges<'a> {
        let table = &snapshot.references;
        let end = table.targets.len().min(table.labels.len()).min(u32::MAX as usize);
        let weak = table.labels[..end]
            .chunks(64)
            .map(|labels| labels.iter().rev().fold(0, |bits, label| bits << 1 | u64::from(!label.is_strong())))
            .collect();
        Edges { offsets: &table.offsets, targets: &table.targets[..end], weak, interned: None }
    }

    /// The objects in the table of interned strings.
    pub(crate) fn interned(&self) -> impl Iterator<Item = u32> + '_ {
        self.interned.into_iter().flat_map(|table| self.row(table)).filter_map(|at| self.strong(at))
    }

    /// Numbers of the references of `owner`; never past the end of the table.
    pub(crate) fn range(&self, owner: u32) -> Range<u32> {
        if self.interned == Some(owner) { 0..0 } else { self.row(owner) }
    }

    fn row(&self, owner: u32) -> Range<u32> {
        let end = self.targets.len() as u32;
        match (self.offsets.get(owner as usize), self.offsets.get(owner as usize + 1)) {
            (Some(&from), Some(&to)) => from.min(end)..to.min(end),
            _ => 0..0,
        }
    }

    /// The object that reference `at` keeps alive; `None` for a weak one.
    pub(crate) fn strong(&self, at: u32) -> Option<u32> {
        let target = self.targets.get(at as usize)?;
        let weak = self.weak.get(at as usize / 64)? >> (at % 64) & 1;
        (weak == 0).then_some(target.0)
    }

    /// The objects that `owner` keeps alive directly.
    pub(crate) fn of(&self, owner: u32) -> impl Iterator<Item = u32> + '_ {
        self.range(owner).filter_map(|at| self.strong(at))
    }
}

/// The owner of reference `at`. Cost: a binary search.
pub(crate) fn owner(table: &ReferenceTable, at: u32) -> ObjectId {
    ObjectId(table.offsets.partition_point(|&start| start <= at).saturating_sub(1) as u32)
}
