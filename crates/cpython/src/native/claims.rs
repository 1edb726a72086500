//! Blocks of the C heap that tables know: those of large objects and of their buffers.
//!
//! They are claimed while the objects are written, so that what C code points to later is nobody else's.

use std::sync::atomic::{AtomicU64, Ordering};

use memsight_model::{Address, Allocator, Blocks, CHeap, COwned, Fault, ObjectId, PageRuns, Pymalloc, ReadMemory};

use crate::buffers::Buffer;
use crate::decode::Decoder;
use crate::pymalloc::each_buffer;
use crate::sizes::Size;
use crate::types::TypeInfo;

/// pymalloc serves what is smaller (`SMALL_REQUEST_THRESHOLD` in `Include/internal/pycore_obmalloc.h`), less what the
/// debug hooks add.
const SMALL: u64 = 512 - 32;

/// Which blocks are taken.
#[derive(Debug)]
pub(crate) struct Claims<'a> {
    pub blocks: &'a Blocks,
    pages: Option<&'a PageRuns>,
    taken: Vec<AtomicU64>,
    /// Objects of fewer bytes are in no block of the C heap.
    least: u64,
}

impl<'a> Claims<'a> {
    /// None are taken yet.
    pub fn new(heap: &'a CHeap, pages: Option<&'a PageRuns>, pymalloc: &Pymalloc) -> Claims<'a> {
        let taken = (0..heap.blocks.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let least = if pymalloc.allocator == Allocator::Malloc { 0 } else { SMALL };
        Claims { blocks: &heap.blocks, pages, taken, least }
    }

    /// Takes a block; whether nobody had.
    pub fn take(&self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        self.taken.get(number / 64).is_some_and(|word| word.fetch_or(bit, Ordering::Relaxed) & bit == 0)
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
            untouched = untouched.saturating_add(self.note_data(decoder, at, info, size.external)?);
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
    fn note_data<M: ReadMemory>(
        &self,
        decoder: &Decoder<M>,
        at: Address,
        info: &TypeInfo,
        bytes: u64,
    ) -> Result<u64, Fault> {
        /// `PyArrayObject_fields.data`, `mmap_object.data`.
        const DATA: i64 = 16;
        if !matches!(info.buffer, Buffer::NdArray | Buffer::Mmap) {
            return Ok(0);
        }
        let data = decoder.memory.pointer(decoder.layout.fields(at).at(DATA))?;
        Ok(match self.blocks.find(data) {
            Some(_) => 0,
            None => self.untouched(data.0..data.0.saturating_add(bytes)),
        })
    }

    /// Bytes of a range that are not in private memory; the pages of what is small are not worth a search.
    pub fn untouched(&self, range: std::ops::Range<u64>) -> u64 {
        let bytes = range.end.saturating_sub(range.start);
        match self.pages {
            Some(pages) if bytes >= COwned::LARGE => bytes - pages.within(range).min(bytes),
            _ => 0,
        }
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
