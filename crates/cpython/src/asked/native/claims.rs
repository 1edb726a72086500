//! Blocks of the C heap that tables know: those of large objects and of their buffers.
//!
//! They are claimed while the objects are written, so that what C code points to later is nobody else's.

use std::sync::atomic::{AtomicU64, Ordering};

use memsight_model::{
    Address, Allocator, Blocks, CHeap, COwned, Fault, ObjectId, PageRuns, Pymalloc, ReadMemory, TypeId,
};

use crate::asked::pymalloc::{SMALL, each_buffer};
use crate::object::references::Decoder;
use crate::object::sizes::Size;
use crate::object::types::{TypeInfo, TypeTable};

/// Which blocks are taken.
#[derive(Debug)]
pub(crate) struct Claims<'a> {
    pub blocks: &'a Blocks,
    pages: Option<&'a PageRuns>,
    taken: Vec<AtomicU64>,
    /// Objects of fewer bytes are in no block of the C heap.
    least: u64,
    /// Types whose objects may own C memory, by number.
    owners: Vec<bool>,
}

impl<'a> Claims<'a> {
    /// None are taken yet.
    pub fn new(heap: &'a CHeap, pages: Option<&'a PageRuns>, pymalloc: &Pymalloc, types: &TypeTable) -> Claims<'a> {
        let owners = std::iter::once(false).chain(types.infos.iter().map(super::may_own)).collect();
        let taken = (0..heap.blocks.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let least = if pymalloc.allocator == Allocator::Malloc { 0 } else { SMALL };
        Claims { blocks: &heap.blocks, pages, taken, least, owners }
    }

    /// Whether objects of a type may own C memory.
    pub fn may_own(&self, type_: TypeId) -> bool {
        self.owners.get(type_.0 as usize).is_some_and(|owner| *owner)
    }

    /// Takes a block; whether nobody had.
    pub fn take(&self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        self.taken.get(number / 64).is_some_and(|word| word.fetch_or(bit, Ordering::Relaxed) & bit == 0)
    }

    /// Whether somebody has taken a block.
    pub fn is_taken(&self, number: usize) -> bool {
        self.taken.get(number / 64).is_some_and(|word| word.load(Ordering::Relaxed) & 1 << (number % 64) != 0)
    }

    /// Takes the blocks of an object and of its buffers, when it is large; of its bytes those that are not in memory.
    pub fn note<M: ReadMemory>(
        &self,
        decoder: &Decoder<M>,
        at: Address,
        info: &TypeInfo,
        size: Size,
    ) -> Result<u64, Fault> {
        let bytes = size.shallow.saturating_add(size.external);
        if bytes <= self.least {
            return Ok(0);
        }
        let mut untouched = self.note_block(at.at(-(info.preheader(decoder.layout) as i64)));
        each_buffer(decoder, at, info, &mut |buffer| untouched = untouched.saturating_add(self.note_block(buffer)))?;
        if size.external >= COwned::LARGE {
            untouched = untouched.saturating_add(self.note_data(decoder, at, info, size.external));
        }
        Ok(untouched.min(bytes))
    }

    /// Takes the block that holds `at`; of its bytes those that are not in memory, when it is large.
    fn note_block(&self, at: Address) -> u64 {
        let Some(number) = self.blocks.find(at) else { return 0 };
        if !self.take(number) {
            return 0;
        }
        self.blocks.get(number).map_or(0, |block| self.untouched(block))
    }

    /// Data that is no block of the C heap: what `mmap` gave, and allocators that are not looked into.
    fn note_data<M: ReadMemory>(&self, decoder: &Decoder<M>, at: Address, info: &TypeInfo, bytes: u64) -> u64 {
        match super::data(decoder, at, info, bytes) {
            Some(data) if self.blocks.find(Address(data.start)).is_none() => self.untouched(data),
            _ => 0,
        }
    }

    /// Bytes of a range of an object that are not in private memory; the pages of what is small are not worth a search.
    fn untouched(&self, range: std::ops::Range<u64>) -> u64 {
        if range.end.saturating_sub(range.start) < COwned::LARGE { 0 } else { self.absent(range) }
    }

    /// Bytes of a range that are not in private memory.
    pub fn absent(&self, range: std::ops::Range<u64>) -> u64 {
        let bytes = range.end.saturating_sub(range.start);
        self.pages.map_or(0, |pages| bytes - pages.within(range).min(bytes))
    }

    /// The parts of a range that are in memory.
    pub fn present(&self, range: std::ops::Range<u64>) -> Vec<std::ops::Range<u64>> {
        match self.pages {
            Some(pages) => pages.parts(range).collect(),
            None => vec![range],
        }
    }
}

/// An object and a number of bytes.
pub(crate) type Share = (ObjectId, u64);
