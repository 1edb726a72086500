//! Blocks of the C heap that tables know: those of large objects and of their buffers.
//!
//! They are claimed while the objects are written, so that what C code points to later is nobody else's.

use std::sync::atomic::{AtomicU64, Ordering};

use memsight_model::{
    Address, Allocator, Blocks, CHeap, COwned, Fault, ObjectId, ObjectKind, PageRuns, Pymalloc, ReadMemory, TypeId,
};

use crate::object::buffers::Buffer;
use crate::object::buffers::Size;
use crate::object::owned::each_buffer;
use crate::object::references::Decoder;
use crate::object::shapes::Shape;
use crate::object::types::{TypeInfo, TypeTable};
use crate::rows::blocks::SMALL;

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
        let owners = std::iter::once(false).chain(types.infos.iter().map(may_own)).collect();
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
        match data(decoder, at, info, bytes) {
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

/// An object that may own C memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub type_: TypeId,
    pub id: ObjectId,
    pub at: Address,
}

/// The data of an object that may lie outside of the C heap: whoever else points there does not own it.
pub(crate) fn data<M: ReadMemory>(
    decoder: &Decoder<M>,
    at: Address,
    info: &TypeInfo,
    bytes: u64,
) -> Option<std::ops::Range<u64>> {
    /// `PyArrayObject_fields.data`, `mmap_object.data`.
    const DATA: i64 = 16;
    if bytes == 0 || !matches!(info.buffer, Buffer::NdArray | Buffer::Mmap) {
        return None;
    }
    let data = decoder.memory.pointer(decoder.layout.fields(at).at(DATA)).ok()?;
    Some(data.0..data.0.saturating_add(bytes))
}

/// Whether objects of a type may own memory that no table knows: those whose struct is C code's.
fn may_own(info: &TypeInfo) -> bool {
    let known = matches!(info.buffer, Buffer::NdArray | Buffer::Mmap)
        || matches!(info.shape, Shape::Element | Shape::SimpleQueue);
    let struct_of_c = matches!(
        info.shape,
        Shape::Scan
            | Shape::Fields(_)
            | Shape::Extension(_)
            | Shape::Leaf
            | Shape::Module
            | Shape::NdIter
            | Shape::Capsule
            | Shape::StringIo(_)
            | Shape::Pickler(_)
            | Shape::Unpickler(_)
            | Shape::XmlParser(_)
    );
    struct_of_c && !known && matches!(info.kind, ObjectKind::Other | ObjectKind::Module) && info.basicsize > 16
}
