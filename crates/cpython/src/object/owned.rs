//! Memory that an object owns apart from itself, small enough to be a block of pymalloc.
//!
//! What other objects may own as well (the keys of a split dictionary) is told by one of them alone.

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::Layout;
use crate::object::buffers::{self, Buffer};
use crate::object::dicts::DictView;
use crate::object::flag;
use crate::object::references::Decoder;
use crate::object::shapes::Shape;
use crate::object::text::StrView;
use crate::object::types::{DictPlace, TypeInfo};

/// Tells the addresses of the buffers of an object, each inside its block and most at its start; null ones, too.
pub(crate) fn each_buffer<M: ReadMemory>(
    decoder: &Decoder<M>,
    at: Address,
    info: &TypeInfo,
    tell: &mut impl FnMut(Address),
) -> Result<(), Fault> {
    let (memory, layout) = (decoder.memory, decoder.layout);
    let field = |offset: u16| memory.pointer(at.at(offset.into()));
    if info.dict == DictPlace::Managed {
        tell(loose_values(memory, layout, at)?);
    }
    match info.shape {
        Shape::List => tell(field(layout.list.items)?),
        Shape::Dict | Shape::DefaultDict => dict(memory, layout, at, tell)?,
        Shape::OrderedDict => ordered_dict(decoder, at, tell)?,
        Shape::Set => {
            let table = field(layout.set.table)?;
            // The small table is part of the set.
            tell(if table == at.at(layout.set.smalltable.into()) { Address::NULL } else { table });
        }
        Shape::Deque => deque(decoder, at, tell)?,
        Shape::Str => str_parts(memory, layout, at, tell)?,
        Shape::ByteArray => tell(field(layout.bytearray.bytes_object.unwrap_or(layout.bytearray.bytes))?),
        Shape::Type if memory.word(at.at(layout.type_object.flags.into()))? & flag::HEAPTYPE != 0 => {
            tell(field(layout.heap_type.cached_keys)?);
            // tp_doc, between tp_flags and tp_traverse.
            tell(field(layout.type_object.flags + 8)?);
        }
        Shape::Code => {
            let parts = [Some(layout.code.extra), layout.code.cached, layout.code.monitoring, layout.code.cell2arg];
            for part in parts.into_iter().flatten() {
                tell(field(part)?);
            }
        }
        Shape::Module => tell(field(layout.module.state)?),
        _ => {}
    }
    match info.buffer {
        Buffer::Element => element(memory, layout, at, tell)?,
        Buffer::CTypes => tell(buffers::owned_by_ctypes(memory, at, layout.fields(at))?),
        _ => {}
    }
    // An array of numpy that looks at another's data does not own it (flags 64, NPY_ARRAY_OWNDATA 4).
    let borrowed = info.buffer == Buffer::NdArray && memory.i32(layout.fields(at).at(64))? & 4 == 0;
    for offset in fields(info.buffer).iter().filter(|offset| !(borrowed && **offset == 16)) {
        tell(memory.pointer(layout.fields(at).at((*offset).into()))?);
    }
    Ok(())
}

/// The second part of an element, and its array of children.
fn element<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    at: Address,
    tell: &mut impl FnMut(Address),
) -> Result<(), Fault> {
    let extra = memory.pointer(layout.fields(at).at(40))?;
    tell(extra);
    if !extra.is_null() {
        tell(buffers::element_children(memory, extra)?);
    }
    Ok(())
}

/// Pointers to memory of the C types of [`Buffer`].
fn fields(buffer: Buffer) -> &'static [u16] {
    match buffer {
        // ob_item; s_codes; buf; data, and dimensions with strides
        Buffer::Array => &[24],
        Buffer::Struct => &[32],
        Buffer::StringIo => &[16],
        Buffer::Buffered => &[56],
        Buffer::NdArray => &[16, 32],
        // indices; indices and cycles
        Buffer::Product | Buffer::Combinations => &[24],
        Buffer::Permutations => &[24, 32],
        _ => &[],
    }
}

/// Attribute values beside the instance (3.11 and 3.12; later they are part of it).
fn loose_values<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<Address, Fault> {
    match layout.minor {
        11 => memory.pointer(at.at(-32)),
        // An odd word is the address of the values, less one.
        12 => Ok(Some(memory.pointer(at.at(-24))?)
            .filter(|word| word.0 & 1 == 1)
            .map_or(Address::NULL, |word| word.at(1))),
        _ => Ok(Address::NULL),
    }
}

fn dict<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, tell: &mut impl FnMut(Address)) -> Result<(), Fault> {
    let view = DictView::read(memory, layout, at)?;
    // Keys that are shared belong to the type (`ht_cached_keys`).
    if view.keys.refcount == 1 {
        tell(view.keys.at);
    }
    if let Some(values) = view.values.filter(|_| !view.embedded) {
        tell(values);
    }
    Ok(())
}

fn ordered_dict<M: ReadMemory>(decoder: &Decoder<M>, at: Address, tell: &mut impl FnMut(Address)) -> Result<(), Fault> {
    let (memory, table) = (decoder.memory, &decoder.layout.ordered_dict);
    dict(memory, decoder.layout, at, tell)?;
    tell(memory.pointer(at.at(table.fast_nodes.into()))?);
    let mut node = memory.pointer(at.at(table.first.into()))?;
    while !node.is_null() && decoder.afford(4) == 4 {
        tell(node);
        node = memory.pointer(node.at(table.node_next.into()))?;
    }
    Ok(())
}

/// The chain of blocks, from the left to the right.
fn deque<M: ReadMemory>(decoder: &Decoder<M>, at: Address, tell: &mut impl FnMut(Address)) -> Result<(), Fault> {
    let (memory, table) = (decoder.memory, &decoder.layout.deque);
    let mut block = memory.pointer(at.at(table.leftblock.into()))?;
    // A block that went back to the list of free ones keeps its link; no deque has more blocks than items and one.
    let mut left = memory.word(decoder.layout.length_at(at))? / u64::from(table.block_len.max(1)) + 2;
    while !block.is_null() && left > 0 && decoder.afford(1) == 1 {
        tell(block);
        block = memory.pointer(block.at(table.block_right.into()))?;
        left -= 1;
    }
    Ok(())
}

/// The characters of a string that is not compact, and its cached forms in UTF-8 and `wchar_t`.
fn str_parts<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    at: Address,
    tell: &mut impl FnMut(Address),
) -> Result<(), Fault> {
    let table = &layout.unicode;
    let Some(view) = StrView::read(memory, layout, at) else { return Ok(()) };
    if !view.compact {
        tell(view.data);
    }
    let cached = |offset: u16| Ok(Some(memory.pointer(at.at(offset.into()))?).filter(|form| *form != view.data));
    if !(view.compact && view.ascii) {
        tell(cached(table.utf8)?.unwrap_or_default());
    }
    if let Some(wstr) = table.wstr {
        tell(cached(wstr)?.unwrap_or_default());
    }
    Ok(())
}
