//! numpy's structs: arrays, dtypes and scalars, of numpy 1.x and 2.x.
//!
//! Sources: `PyArrayObject_fields` and `PyArray_Descr` in `numpy/core/include/numpy/ndarraytypes.h` (1.x), the same with
//! `_PyArray_LegacyDescr` in `numpy/_core/include/numpy/ndarraytypes.h` (2.x). Offsets count as if the head of an object
//! had 16 bytes ([`Layout::fields`]).

use std::collections::BTreeSet;

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::Layout;
use crate::object::dicts::DictView;
use crate::object::text::small_int;

/// `NPY_MAXDIMS` of numpy 2.
const MAX_DIMENSIONS: u32 = 64;
/// Sizes larger than the address space are corrupt.
const CAP: u64 = 1 << 47;
/// Fields inside fields; numpy gives up far earlier.
const DEPTH: u32 = 32;
/// References in one item; more are corrupt.
const OBJECTS_CAP: usize = 1 << 12;
/// Python classes below a C type.
const BASES_CAP: u32 = 64;
/// `NPY_ARRAY_OWNDATA`.
const OWNDATA: i32 = 4;
/// `NPY_ITEM_REFCOUNT`: items hold references.
const ITEM_REFCOUNT: u8 = 1;
/// `NPY_OBJECT`, `NPY_VOID`, `NPY_VSTRING`.
const OBJECT: u32 = 17;
const VOID: u32 = 20;
const VSTRING: u32 = 2056;

/// Where a dtype keeps what: numpy 2 moved most of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// numpy 1.x: `PyArray_Descr` of 96 bytes.
    One,
    /// numpy 2.x: `PyArray_Descr` of 88 bytes, which the dtypes of numpy itself extend.
    Two,
}

impl Form {
    /// By the size of `numpy.dtype`, the oldest ancestor of the type of a dtype but for `object`.
    pub fn of<M: ReadMemory>(memory: &M, layout: &Layout, descr: Address) -> Result<Form, Fault> {
        let root = root_type(memory, layout, memory.pointer(descr.at(layout.object.type_.into()))?)?;
        let size = memory.word(root.at(layout.type_object.basicsize.into()))?;
        match size.saturating_sub(u64::from(layout.object.size) - 16) {
            96 => Ok(Form::One),
            88 => Ok(Form::Two),
            _ => Err(Fault { at: descr, len: 8 }),
        }
    }

    /// `elsize`: an int or a word.
    fn item_size<M: ReadMemory>(self, memory: &M, descr: Address) -> Result<u64, Fault> {
        match self {
            Form::One => Ok(memory.u32(descr.at(32))?.into()),
            Form::Two => memory.word(descr.at(40)),
        }
    }

    fn flags<M: ReadMemory>(self, memory: &M, descr: Address) -> Result<u8, Fault> {
        memory.u8(descr.at(if self == Form::One { 27 } else { 32 }))
    }

    /// `struct _arr_descr *subarray`: a dtype and the shape as a tuple. Only numpy's own dtypes have it and what follows.
    pub const fn subarray(self) -> u16 {
        if matches!(self, Form::One) { 40 } else { 88 }
    }

    /// The dictionary of fields, and the tuple of their names behind it.
    pub const fn fields(self) -> u16 {
        if matches!(self, Form::One) { 48 } else { 96 }
    }

    /// `metadata`.
    pub const fn metadata(self) -> u16 {
        if matches!(self, Form::One) { 72 } else { 56 }
    }

    /// Bytes of the struct of numpy's own dtypes.
    pub const fn own_size(self) -> u64 {
        if matches!(self, Form::One) { 96 } else { 120 }
    }
}

/// The oldest base of a type but for `object`: all arrays share theirs, and so do all dtypes.
pub(crate) fn root_type<M: ReadMemory>(memory: &M, layout: &Layout, type_: Address) -> Result<Address, Fault> {
    let base = |at: Address| memory.pointer(at.at(layout.type_object.base.into()));
    let (mut root, mut above) = (type_, base(type_)?);
    for _ in 0..BASES_CAP {
        let next = if above.is_null() { Address::NULL } else { base(above)? };
        if next.is_null() {
            return Ok(root);
        }
        (root, above) = (above, next);
    }
    Err(Fault { at: type_, len: 8 })
}

/// The fields of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NdArray {
    pub data: Address,
    pub dimensions: u32,
    /// The shape, with the strides behind it.
    pub shape: Address,
    pub strides: Address,
    pub base: Address,
    pub descr: Address,
    /// It frees its data, and what the items refer to.
    pub owns: bool,
}

impl NdArray {
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<NdArray, Fault> {
        let at = layout.fields(at);
        let dimensions = memory.u32(at.at(24))?;
        if dimensions > MAX_DIMENSIONS {
            return Err(Fault { at, len: 8 });
        }
        Ok(NdArray {
            data: memory.pointer(at.at(16))?,
            dimensions,
            shape: memory.pointer(at.at(32))?,
            strides: memory.pointer(at.at(40))?,
            base: memory.pointer(at.at(48))?,
            descr: memory.pointer(at.at(56))?,
            owns: memory.i32(at.at(64))? & OWNDATA != 0,
        })
    }

    /// Length and stride of each dimension.
    pub fn axes<M: ReadMemory>(&self, memory: &M) -> Result<Vec<(u64, i64)>, Fault> {
        let axis = |i: i64| Ok((memory.word(self.shape.at(8 * i))?, memory.signed(self.strides.at(8 * i))?));
        (0..i64::from(self.dimensions)).map(axis).collect()
    }

    /// Items: the product of the shape.
    pub fn count<M: ReadMemory>(&self, memory: &M) -> Result<u64, Fault> {
        let fault = Fault { at: self.shape, len: 8 };
        let length = |i: i64| memory.word(self.shape.at(8 * i));
        (0..i64::from(self.dimensions))
            .try_fold(1u64, |count, i| count.checked_mul(length(i)?).filter(|count| *count < CAP).ok_or(fault))
    }

    /// Bytes of all items, `nbytes`.
    pub fn bytes<M: ReadMemory>(&self, memory: &M, layout: &Layout) -> Result<u64, Fault> {
        let size = item_size(memory, layout, self.descr)?;
        let bytes = self.count(memory)?.checked_mul(size).filter(|bytes| *bytes < CAP);
        bytes.ok_or(Fault { at: self.shape, len: 8 })
    }
}

/// `itemsize` of a dtype.
pub(crate) fn item_size<M: ReadMemory>(memory: &M, layout: &Layout, descr: Address) -> Result<u64, Fault> {
    Form::of(memory, layout, descr)?.item_size(memory, layout.fields(descr))
}

/// What the items of a dtype hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Items {
    /// Bytes of an item.
    pub size: u64,
    /// Where in an item references are, ascending.
    pub objects: Vec<u64>,
    /// Items may hold references where no table tells: a dtype of another package.
    pub unknown: bool,
}

impl Items {
    /// Whether items hold references.
    pub fn refer(&self) -> bool {
        self.unknown || !self.objects.is_empty()
    }

    pub fn of<M: ReadMemory>(memory: &M, layout: &Layout, descr: Address) -> Result<Items, Fault> {
        let form = Form::of(memory, layout, descr)?;
        let mut found = Gathered { memory, layout, form, objects: BTreeSet::new(), unknown: false };
        found.gather(descr, 0, 0)?;
        let Gathered { objects, unknown, .. } = found;
        let size = form.item_size(memory, layout.fields(descr))?;
        Ok(Items { size, objects: objects.into_iter().collect(), unknown })
    }
}

/// The walk through fields and subarrays.
struct Gathered<'m, M> {
    memory: &'m M,
    layout: &'m Layout,
    form: Form,
    /// A field with a title stands twice in the dictionary; references never overlap
    /// (`_validate_object_field_overlap` in `descriptor.c`).
    objects: BTreeSet<u64>,
    unknown: bool,
}

impl<M: ReadMemory> Gathered<'_, M> {
    fn gather(&mut self, descr: Address, offset: u64, depth: u32) -> Result<(), Fault> {
        let (memory, at) = (self.memory, self.layout.fields(descr));
        if self.form.flags(memory, at)? & ITEM_REFCOUNT == 0 {
            return Ok(());
        }
        if depth > DEPTH || offset > CAP || self.objects.len() > OBJECTS_CAP {
            return Err(Fault { at: descr, len: 8 });
        }
        match memory.u32(at.at(28))? {
            OBJECT => {
                self.objects.insert(offset);
                Ok(())
            }
            VOID => {
                let subarray = memory.pointer(at.at(self.form.subarray().into()))?;
                if subarray.is_null() {
                    self.fields(at, offset, depth)
                } else {
                    self.subarray(at, subarray, offset, depth)
                }
            }
            // Strings are no references, though numpy has to free them.
            VSTRING => Ok(()),
            _ => {
                self.unknown = true;
                Ok(())
            }
        }
    }

    fn subarray(&mut self, at: Address, subarray: Address, offset: u64, depth: u32) -> Result<(), Fault> {
        let base = self.memory.pointer(subarray)?;
        let size = self.form.item_size(self.memory, self.layout.fields(base))?;
        let count = self.form.item_size(self.memory, at)?.checked_div(size).unwrap_or(0);
        for index in 0..count.min(OBJECTS_CAP as u64 + 1) {
            self.gather(base, offset + index * size, depth + 1)?;
        }
        Ok(())
    }

    /// A dictionary from names (and titles) to tuples of dtype, offset and perhaps title.
    fn fields(&mut self, at: Address, offset: u64, depth: u32) -> Result<(), Fault> {
        let (memory, layout) = (self.memory, self.layout);
        let names = memory.pointer(at.at(i64::from(self.form.fields()) + 8))?;
        if names.is_null() {
            self.unknown = true;
            return Ok(());
        }
        let view = DictView::read(memory, layout, memory.pointer(at.at(self.form.fields().into()))?)?;
        let mut tuples = Vec::new();
        view.each(memory, view.keys.count.min(OBJECTS_CAP as u64), |_, _, tuple| tuples.push(tuple))?;
        for tuple in tuples {
            let items = tuple.at(layout.tuple.items.into());
            let place = small_int(memory, layout, memory.pointer(items.at(8))?);
            let place = place.and_then(|place| u64::try_from(place).ok()).ok_or(Fault { at: tuple, len: 8 })?;
            self.gather(memory.pointer(items)?, offset.saturating_add(place), depth + 1)?;
        }
        Ok(())
    }
}

/// Bytes of an array's strings of variable width that stand in no arena: those that were replaced by longer ones.
/// `numpy/_core/src/multiarray/stringdtype/static_string.c`.
pub(crate) fn loose_strings<M: ReadMemory>(memory: &M, layout: &Layout, array: &NdArray) -> Result<u64, Fault> {
    const ITEM: u64 = 16;
    const OUTSIDE: u64 = 0x20;
    const INITIALIZED: u64 = 0x40;
    const MISSING: u64 = 0x80;
    /// Items looked at; beyond, the sum is that of the first.
    const ITEMS: u64 = 1 << 26;
    if !array.owns || memory.u32(layout.fields(array.descr).at(28))? != VSTRING {
        return Ok(0);
    }
    let mut sum = 0u64;
    for index in 0..array.count(memory)?.min(ITEMS) {
        let word = memory.word(array.data.at((ITEM * index + 8) as i64))?;
        let (flags, size) = (word >> 56 & 0xf0, word & ((1 << 56) - 1));
        // A short string is marked "outside" and nothing else; its bytes stand in the item.
        let short = flags == INITIALIZED | OUTSIDE;
        if flags & OUTSIDE != 0 && flags & MISSING == 0 && !short {
            sum = sum.saturating_add(size);
        }
    }
    Ok(sum)
}

/// Bytes of the arena of a `StringDType`: `npy_string_allocator` holds three functions, then cursor, size and memory.
pub(crate) fn arena_bytes<M: ReadMemory>(memory: &M, layout: &Layout, descr: Address) -> Result<u64, Fault> {
    let allocator = memory.pointer(layout.fields(descr).at(136))?;
    if allocator.is_null() { Ok(0) } else { memory.word(allocator.at(32)) }
}
