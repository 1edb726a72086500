//! Memory that objects of C types own beside their struct, where `__sizeof__` counts it or where nothing does.
//!
//! These structs are the same in 3.8 to 3.15: `Modules/arraymodule.c`, `Modules/_io/bufferedio.c`, `stringio.c`,
//! `Modules/_struct.c`, `Modules/mmapmodule.c`, `Modules/itertoolsmodule.c`, `Modules/_elementtree.c`,
//! `Modules/_ctypes/ctypes.h`; numpy's are in [`crate::object::numpy`]. The offsets here count as if the head of an object had 16 bytes ([`Layout::fields`]).

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::Layout;
use crate::object::numpy::{self, NdArray};

/// Shallow and external size of an object, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Size {
    pub shallow: u64,
    pub external: u64,
}

/// Sizes larger than the address space are corrupt.
const CAP: u64 = 1 << 47;

/// Which struct owns memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buffer {
    None,
    Array,
    Buffered,
    StringIo,
    Struct,
    Mmap,
    Product,
    Combinations,
    Permutations,
    SimpleQueue,
    Element,
    /// ctypes: the memory of a structure, array or number.
    CTypes,
    /// cffi: data behind the struct.
    CffiOwn,
    NdArray,
    /// `numpy.dtypes.StringDType`: the characters of an array.
    StringArena,
    /// A scalar of numpy of that many bytes.
    NumpyScalar(u8),
    NumpyVoid,
}

impl Buffer {
    /// By the `tp_name` of the solid base.
    pub fn of(tp_name: &str) -> Buffer {
        match tp_name {
            "array.array" => Buffer::Array,
            "_io.BufferedReader" | "_io.BufferedWriter" | "_io.BufferedRandom" => Buffer::Buffered,
            "_io.StringIO" => Buffer::StringIo,
            "Struct" | "_struct.Struct" => Buffer::Struct,
            "itertools.product" => Buffer::Product,
            "itertools.combinations" | "itertools.combinations_with_replacement" => Buffer::Combinations,
            "itertools.permutations" => Buffer::Permutations,
            "_queue.SimpleQueue" => Buffer::SimpleQueue,
            "mmap.mmap" => Buffer::Mmap,
            "xml.etree.ElementTree.Element" => Buffer::Element,
            "_ctypes.Structure" | "_ctypes.Union" | "_ctypes.Array" | "_ctypes._Pointer" | "_ctypes._SimpleCData" => {
                Buffer::CTypes
            }
            _ => numpy_scalar(tp_name),
        }
    }

    /// The bytes: `shallow` what `__sizeof__` counts, `external` what it leaves out. An array of numpy is the one
    /// exception: its `__sizeof__` counts the data, which memsight shows as external.
    pub fn size<M: ReadMemory>(self, memory: &M, layout: &Layout, at: Address) -> Result<Size, Fault> {
        let (object, at) = (at, layout.fields(at));
        let word = |offset: i64| memory.word(at.at(offset));
        let counted = |shallow: u64| Size { shallow, external: 0 };
        let left_out = |external: u64| Size { shallow: 0, external };
        let size = match self {
            Buffer::None => Size::default(),
            Buffer::Array => {
                // ob_item 24, allocated 32, ob_descr 40; arraydescr.itemsize (an int) 4
                let item = memory.u32(memory.pointer(at.at(40))?.at(4))?;
                counted(word(32)?.saturating_mul(item.into()))
            }
            // buffer 56, buffer_size 120
            Buffer::Buffered => counted(if word(56)? == 0 { 0 } else { word(120)? }),
            // buf 16 (Py_UCS4), buf_size 40
            Buffer::StringIo => left_out(if word(16)? == 0 { 0 } else { word(40)?.saturating_mul(4) }),
            Buffer::Struct => counted(struct_codes(memory, Address(word(32)?))?),
            // data 16, size 24
            Buffer::Mmap => left_out(if word(16)? == 0 { 0 } else { word(24)? }),
            // An index for each pool (pools 16), each place (r 40), or each item and place (pool 16, r 48)
            Buffer::Product => counted(length(memory, layout, Address(word(16)?))?.saturating_mul(8)),
            Buffer::Combinations => counted(word(40)?.saturating_mul(8)),
            Buffer::Permutations => {
                counted(length(memory, layout, Address(word(16)?))?.saturating_add(word(48)?).saturating_mul(8))
            }
            // items_cap 48, from 3.13 on; 3.15 brought a __sizeof__
            Buffer::SimpleQueue if layout.minor < 13 => Size::default(),
            Buffer::SimpleQueue if layout.minor < 15 => left_out(word(48)?.saturating_mul(8)),
            Buffer::SimpleQueue => counted(word(48)?.saturating_mul(8)),
            Buffer::Element => counted(element_bytes(memory, Address(word(40)?))?),
            // b_ptr 16, b_size 40: PyCData_MallocBuffer; small values stand in the object
            Buffer::CTypes => left_out(if owned_by_ctypes(memory, object, at)?.is_null() { 0 } else { word(40)? }),
            Buffer::CffiOwn => left_out(cffi_bytes(memory, layout, at)?),
            Buffer::NdArray => nd_array_size(memory, layout, object)?,
            Buffer::StringArena => left_out(numpy::arena_bytes(memory, layout, object)?),
            // gentype_sizeof counts the value a second time
            Buffer::NumpyScalar(bytes) => counted(bytes.into()),
            Buffer::NumpyVoid => counted(word(16)?),
        };
        if size.shallow > CAP || size.external > CAP { Err(Fault { at, len: 8 }) } else { Ok(size) }
    }
}

/// Scalars of numpy by `tp_name`, 1.x and 2.x.
fn numpy_scalar(tp_name: &str) -> Buffer {
    let Some(name) = tp_name.strip_prefix("numpy.") else { return Buffer::None };
    Buffer::NumpyScalar(match name {
        "bool" | "bool_" | "int8" | "uint8" => 1,
        "int16" | "uint16" | "float16" => 2,
        "int32" | "uint32" | "float32" | "intc" | "uintc" => 4,
        "int64" | "uint64" | "float64" | "complex64" | "longlong" | "ulonglong" | "datetime64" | "timedelta64" => 8,
        "longdouble" | "float128" | "complex128" => 16,
        "clongdouble" | "complex256" => 32,
        "void" => return Buffer::NumpyVoid,
        _ => return Buffer::None,
    })
}

/// `ob_size` of a tuple; 0 when there is none.
fn length<M: ReadMemory>(memory: &M, layout: &Layout, tuple: Address) -> Result<u64, Fault> {
    if tuple.is_null() { Ok(0) } else { memory.word(layout.length_at(tuple)) }
}

/// `s_sizeof`: `formatcode`s of 32 bytes up to the one without a `fmtdef`, that one included.
fn struct_codes<M: ReadMemory>(memory: &M, codes: Address) -> Result<u64, Fault> {
    const CODE: u64 = 32;
    const CODES_CAP: u64 = 1 << 16;
    let mut count = 0;
    while count < CODES_CAP && memory.word(codes.at((CODE * count) as i64))? != 0 {
        count += 1;
    }
    Ok(CODE * (count + 1))
}

/// `element_sizeof` (`Modules/_elementtree.c`): `ElementObjectExtra` of 64 bytes, with room for four children; more stand
/// elsewhere.
fn element_bytes<M: ReadMemory>(memory: &M, extra: Address) -> Result<u64, Fault> {
    const EXTRA: u64 = 64;
    if extra.is_null() {
        return Ok(0);
    }
    let children = element_children(memory, extra)?;
    let allocated = if children.is_null() { 0 } else { memory.word(extra.at(16))? };
    Ok(allocated.saturating_mul(8).saturating_add(EXTRA))
}

/// The array of an element's children, null when there is none of its own.
pub(crate) fn element_children<M: ReadMemory>(memory: &M, extra: Address) -> Result<Address, Fault> {
    const OWN_CHILDREN: i64 = 32;
    let children = memory.pointer(extra.at(24))?;
    Ok(if children == extra.at(OWN_CHILDREN) { Address::NULL } else { children })
}

/// Memory that `PyCData_clear` frees (`Modules/_ctypes/_ctypes.c`): it is marked `b_needsfree`, and not in the object
/// itself. `fields` are those of `object` as if its head had 16 bytes.
pub(crate) fn owned_by_ctypes<M: ReadMemory>(memory: &M, object: Address, fields: Address) -> Result<Address, Fault> {
    /// Room that `CDataObject` and its subclasses take.
    const OWN: u64 = 1 << 8;
    let (data, needs_free) = (memory.pointer(fields.at(16))?, memory.u32(fields.at(24))? != 0);
    let inside = (object.0..object.0.saturating_add(OWN)).contains(&data.0);
    Ok(if needs_free && !inside { data } else { Address::NULL })
}

/// Bytes of what `ffi.new` made (`cdataowning_size_bytes` in `_cffi_backend.c`): of the item that a pointer points to, of
/// the items of an array, of a struct. A struct that is pointed to has an object of its own.
fn cffi_bytes<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<u64, Fault> {
    const POINTER: u32 = 0x10;
    const ARRAY: u32 = 0x20;
    const IS_POINTER_TO_OWNED: u32 = 0x1_0000;
    // ct_itemdescr 24, ct_size 64, ct_length 72, ct_flags 80
    let kind = layout.fields(memory.pointer(at.at(16))?);
    let item_size = || memory.word(layout.fields(memory.pointer(kind.at(24))?).at(64));
    match memory.u32(kind.at(80))? {
        flags if flags & IS_POINTER_TO_OWNED != 0 => Ok(0),
        flags if flags & POINTER != 0 => item_size(),
        flags if flags & ARRAY != 0 => {
            let fixed = memory.signed(kind.at(72))?;
            // an array of open length keeps it behind the common struct
            let length = if fixed < 0 { memory.word(at.at(40))? } else { fixed as u64 };
            Ok(length.saturating_mul(item_size()?))
        }
        _ => memory.word(kind.at(64)),
    }
}

/// `array_sizeof` counts the shape and the strides, a word for each dimension, and the data that the array owns.
fn nd_array_size<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<Size, Fault> {
    let array = NdArray::read(memory, layout, at)?;
    let external = match array.owns {
        true => array.bytes(memory, layout)?.saturating_add(numpy::loose_strings(memory, layout, &array)?),
        false => 0,
    };
    Ok(Size { shallow: 16 * u64::from(array.dimensions), external })
}
