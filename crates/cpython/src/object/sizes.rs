//! Sizes: what `sys.getsizeof` says, and what an object owns outside of that.
//!
//! `sys.getsizeof` is `__sizeof__` plus the heads in front of the object (`_PySys_GetSizeOf`, `Python/sysmodule.c`).
//! Each rule names the `__sizeof__` that it follows. A `__sizeof__` written in Python is not followed.

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::{DictKeys, Layout};
use crate::object::buffers::Size;
use crate::object::dicts::{DictView, KeysView};
use crate::object::flag;
use crate::object::references::InterpreterFrame;
use crate::object::shapes::Shape;
use crate::object::text::{StrView, int_digits};
use crate::object::types::{DictPlace, TypeInfo};

/// No object is larger than the address space of a process.
const CAP: u64 = 1 << 47;

/// The sizes of an object. On a fault the object's type alone tells.
pub(crate) fn of<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<Size, Fault> {
    let own = own_size(memory, layout, at, info)?;
    let buffer = info.buffer.size(memory, layout, at)?;
    let shallow = own.saturating_add(buffer.shallow).saturating_add(head_size(memory, layout, at, info)?);
    let external = buffer.external.saturating_add(loose_values_size(memory, layout, at, info)?);
    if shallow > CAP || external > CAP {
        return Err(Fault { at, len: 8 });
    }
    Ok(Size { shallow, external })
}

/// Bytes in front of the object. Static types have no head of the collector, though `type` says so; 3.11 and 3.12 ask
/// the type alone (`_PyType_PreHeaderSize`) and count it all the same.
fn head_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let head = info.preheader(layout);
    if !matches!(info.shape, Shape::Type) || matches!(layout.minor, 11 | 12) {
        return Ok(head);
    }
    let heap = memory.word(at.at(layout.type_object.flags.into()))? & flag::HEAPTYPE != 0;
    Ok(if heap { head } else { 0 })
}

/// Attribute values that stand in no dictionary (3.11 and later): beside or behind the instance, counted by nobody.
pub(crate) fn loose_values_size<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    at: Address,
    info: &TypeInfo,
) -> Result<u64, Fault> {
    if info.dict != DictPlace::Managed || info.attribute_room == 0 {
        return Ok(0);
    }
    let word = memory.word(at.at(layout.managed_dict()))?;
    let loose = match layout.minor {
        ..=11 => memory.word(at.at(-32))? != 0,
        12 => word & 1 == 1,
        _ => info.has(flag::INLINE_VALUES) && word == 0,
    };
    if !loose {
        return Ok(0);
    }
    // _PyInlineValuesSize, new_values: a head with the order of insertion, rounded, and a word each.
    let capacity = info.attribute_room;
    let head = if layout.minor >= 13 { 4 } else { 2 };
    Ok((capacity + head).next_multiple_of(8) + 8 * capacity)
}

/// `__sizeof__()`.
fn own_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let fault = Fault { at, len: 8 };
    let word = |offset: u16| memory.word(at.at(offset.into()));
    Ok(match info.shape {
        // list.__sizeof__; -1 while list.sort() has taken the items away
        Shape::List => {
            let items = (word(layout.list.allocated)? as i64).saturating_mul(8);
            info.basicsize.saturating_add_signed(items)
        }
        // dict.__sizeof__: _PyDict_SizeOf
        Shape::Dict | Shape::DefaultDict => dict_size(memory, layout, at, info)?,
        Shape::OrderedDict => ordered_dict_size(memory, layout, at, info)?,
        // set.__sizeof__: the table when it is not the small one inside
        Shape::Set => {
            let small = at.at(layout.set.smalltable.into());
            let table = if word(layout.set.table)? == small.0 { 0 } else { word(layout.set.mask)?.saturating_add(1) };
            info.basicsize.saturating_add(table.saturating_mul(16))
        }
        Shape::Str => str_size(memory, layout, at)?,
        // int.__sizeof__
        Shape::Int => {
            let (digits, _) = int_digits(memory, layout, at).ok_or(fault)?;
            let least = u64::from(layout.minor >= 11);
            u64::from(layout.long.digits).saturating_add(4 * digits.min(CAP / 4).max(least))
        }
        Shape::ByteArray => byte_array_size(memory, layout, at, info)?,
        Shape::Type => type_size(memory, layout, at)?,
        Shape::Code => code_size(memory, layout, at, info)?,
        Shape::Frame => frame_size(memory, layout, at, info)?,
        Shape::Generator(_) => generator_size(memory, layout, at, info)?,
        // deque.__sizeof__: whole blocks
        Shape::Deque => {
            let used = word(layout.deque.leftindex)?.saturating_add(memory.word(layout.length_at(at))?);
            let blocks = used.div_ceil(u64::from(layout.deque.block_len.max(1)));
            info.basicsize.saturating_add(blocks.saturating_mul(layout.deque.block_size.into()))
        }
        _ => generic_size(memory, layout, at, info)?,
    })
}

/// `object.__sizeof__`: basicsize and items.
fn generic_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    if info.itemsize == 0 {
        return Ok(info.basicsize);
    }
    Ok(info.basicsize.saturating_add(memory.signed(layout.length_at(at))?.unsigned_abs().saturating_mul(info.itemsize)))
}

fn dict_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let view = DictView::read(memory, layout, at)?;
    let mut size = info.basicsize;
    if view.values.is_some() {
        // Up to 3.10 all that fit; later those that the shared keys can still take.
        let capacity = match layout.dict_keys {
            DictKeys::Words { .. } => view.keys.usable,
            DictKeys::Bytes { .. } => view.keys.capacity,
        };
        size += 8 * capacity;
    }
    if view.keys.refcount == 1 {
        size = size.saturating_add(view.keys.size);
    }
    Ok(size)
}

/// `odict_sizeof` (`Objects/odictobject.c`).
fn ordered_dict_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let table = &layout.ordered_dict;
    let fast = memory.word(at.at(table.fast_nodes_size.into()))?.saturating_mul(8);
    let nodes = if memory.word(at.at(table.first.into()))? == 0 {
        0
    } else {
        memory.word(at.at(layout.dict.used.into()))?.saturating_mul(table.node_size.into())
    };
    Ok(dict_size(memory, layout, at, info)?.saturating_add(fast).saturating_add(nodes))
}

/// `unicode_sizeof` (`Objects/unicodeobject.c`), with the cached UTF-8 and wchar_t forms.
fn str_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<u64, Fault> {
    let fault = Fault { at, len: 8 };
    let view = StrView::read(memory, layout, at).ok_or(fault)?;
    let table = &layout.unicode;
    let word = |offset: u16| memory.word(at.at(offset.into()));
    let characters = (view.length + 1) * u64::from(view.kind);
    let mut size = match (view.compact, view.ascii) {
        (true, true) => u64::from(table.ascii_size) + view.length + 1,
        (true, false) => u64::from(table.compact_size) + characters,
        (false, _) => u64::from(table.size) + if view.data.is_null() { 0 } else { characters },
    };
    if let (Some(wstr), Some(length)) = (table.wstr, table.wstr_length) {
        let wstr = word(wstr)?;
        if wstr != 0 && (view.kind == 0 || wstr != view.data.0) {
            let length = if view.compact && view.ascii { view.length } else { word(length)? };
            size = size.saturating_add(length.saturating_add(1).saturating_mul(4));
        }
    }
    if !(view.compact && view.ascii) {
        let utf8 = word(table.utf8)?;
        if utf8 != 0 && utf8 != view.data.0 {
            size = size.saturating_add(word(table.utf8_length)?).saturating_add(1);
        }
    }
    Ok(size)
}

/// `bytearray_sizeof` (`Objects/bytearrayobject.c`).
fn byte_array_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let alloc = memory.word(at.at(layout.bytearray.alloc.into()))?;
    // From 3.15 the memory is that of a bytes object, head and final zero included.
    let head = match layout.bytearray.bytes_object {
        Some(_) if alloc > 0 => u64::from(layout.bytes.value) + 1,
        _ => 0,
    };
    Ok(info.basicsize.saturating_add(alloc).saturating_add(head))
}

/// `type___sizeof__` (`Objects/typeobject.c`).
fn type_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<u64, Fault> {
    if memory.word(at.at(layout.type_object.flags.into()))? & flag::HEAPTYPE == 0 {
        return Ok(layout.type_object.size.into());
    }
    let keys = memory.pointer(at.at(layout.heap_type.cached_keys.into()))?;
    let keys = if keys.is_null() { 0 } else { KeysView::read(memory, layout, keys)?.size };
    Ok(u64::from(layout.heap_type.size).saturating_add(keys))
}

/// `code_sizeof` (`Objects/codeobject.c`).
fn code_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    // _PyObject_VAR_SIZE rounds up to words
    let mut size = generic_size(memory, layout, at, info)?.min(CAP).next_multiple_of(8);
    if let (Some(cell2arg), Some(cellvars)) = (layout.code.cell2arg, layout.code.cellvars)
        && memory.word(at.at(cell2arg.into()))? != 0
    {
        let cells = memory.pointer(at.at(cellvars.into()))?;
        size = size.saturating_add(memory.word(layout.length_at(cells))?.saturating_mul(8));
    }
    if layout.minor <= 10 {
        size = size.saturating_add(opcache_size(memory, layout, at)?);
    }
    Ok(size)
}

/// The cache of hot code up to 3.10: a byte a code unit (`co_opcache_map`), and 32 bytes an entry.
fn opcache_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<u64, Fault> {
    // co_opcache 160, co_opcache_size (a byte) 172: Include/cpython/code.h
    let Some(code) = layout.code.code.filter(|_| memory.word(at.at(160)).is_ok_and(|cache| cache != 0)) else {
        return Ok(0);
    };
    let units = memory.word(memory.pointer(at.at(code.into()))?.at(16))? / 2;
    Ok(units.saturating_add(32 * u64::from(memory.u8(at.at(172))?)))
}

/// `frame_sizeof` (`Objects/frameobject.c`).
fn frame_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let (Some(pointer), Some(data)) = (layout.frame_object.frame, layout.frame_object.frame_data) else {
        // The first variable is part of the struct.
        let variables = InterpreterFrame::read(memory, layout, at).ok_or(Fault { at, len: 8 })?;
        let stack = memory.u32(variables.code.at(layout.code.stacksize.into()))?;
        return Ok(info.basicsize + 8 * (variables.locals + u64::from(stack)).saturating_sub(1));
    };
    let frame = memory.pointer(at.at(pointer.into()))?;
    Ok(u64::from(data) + u64::from(layout.frame.localsplus) + variables_size(memory, layout, frame)?)
}

/// `gen_sizeof` (`Objects/genobject.c`, 3.11 and later).
fn generator_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    match layout.generator.iframe {
        None => generic_size(memory, layout, at, info),
        Some(offset) => {
            let variables = variables_size(memory, layout, at.at(offset.into()))?;
            Ok(u64::from(offset) + u64::from(layout.frame.localsplus) + variables)
        }
    }
}

/// Room for the variables and the value stack of a frame of 3.11 or later.
fn variables_size<M: ReadMemory>(memory: &M, layout: &Layout, frame: Address) -> Result<u64, Fault> {
    let word = memory.word(frame.at(layout.frame.code.into()))?;
    let code = Address(if layout.frame.tagged { word & !3 } else { word });
    let Some(variables) = layout.code.nlocalsplus else { return Ok(0) };
    let variables = memory.u32(code.at(variables.into()))?;
    let stack = memory.u32(code.at(layout.code.stacksize.into()))?;
    Ok(8 * (u64::from(variables) + u64::from(stack)))
}
