//! Memory that objects of C types own beside their struct, where `__sizeof__` counts it or where nothing does.
//!
//! These structs are the same in 3.8 to 3.15: `Modules/arraymodule.c`, `Modules/_io/bufferedio.c`, `stringio.c`,
//! `bytesio.c`, `Modules/_struct.c`, `Modules/mmapmodule.c`, `Modules/itertoolsmodule.c`; numpy's in `ndarraytypes.h` (1.x and 2.x). The
//! offsets here count as if the head of an object had 16 bytes ([`Layout::fields`]).

use memsight_model::{Address, Fault, ReadMemory};

use crate::head::Head;
use crate::layout::Layout;
use crate::sizes::Size;

/// `NPY_MAXDIMS` of numpy 2.
const MAX_DIMENSIONS: u32 = 64;
/// Sizes larger than the address space are corrupt.
const CAP: u64 = 1 << 47;

/// Which struct owns memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buffer {
    None,
    Array,
    Buffered,
    BytesIo,
    StringIo,
    Struct,
    Mmap,
    Product,
    Combinations,
    Permutations,
    SimpleQueue,
    NdArray,
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
            "_io.BytesIO" => Buffer::BytesIo,
            "_io.StringIO" => Buffer::StringIo,
            "Struct" | "_struct.Struct" => Buffer::Struct,
            "itertools.product" => Buffer::Product,
            "itertools.combinations" | "itertools.combinations_with_replacement" => Buffer::Combinations,
            "itertools.permutations" => Buffer::Permutations,
            "_queue.SimpleQueue" => Buffer::SimpleQueue,
            "mmap.mmap" => Buffer::Mmap,
            "numpy.ndarray" => Buffer::NdArray,
            _ => numpy_scalar(tp_name),
        }
    }

    /// The bytes: `shallow` what `__sizeof__` counts, `external` what it leaves out. An array of numpy is the one
    /// exception: its `__sizeof__` counts the data, which memsight shows as external.
    pub fn size<M: ReadMemory>(self, memory: &M, layout: &Layout, at: Address) -> Result<Size, Fault> {
        let at = layout.fields(at);
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
            Buffer::BytesIo => counted(own_bytes(memory, layout, Address(word(16)?))?),
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
            // nd 24: array_sizeof counts the shape and the strides, a word for each dimension
            Buffer::NdArray => Size {
                shallow: 16 * u64::from(memory.u32(at.at(24))?.min(MAX_DIMENSIONS)),
                external: nd_array_bytes(memory, layout, at)?,
            },
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

/// `bytesio.__sizeof__` counts its bytes object while nobody else holds it.
fn own_bytes<M: ReadMemory>(memory: &M, layout: &Layout, bytes: Address) -> Result<u64, Fault> {
    if bytes.is_null() || Head::read(memory, layout, bytes)?.refcount() != 1 {
        return Ok(0);
    }
    Ok(memory.word(layout.length_at(bytes))?.saturating_add(u64::from(layout.bytes.value) + 1))
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

/// Data that a numpy array owns: the product of its shape and its item size.
/// `PyArrayObject_fields` and `PyArray_Descr` (`numpy/_core/include/numpy/ndarraytypes.h`, numpy 1.x and 2.x).
fn nd_array_bytes<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<u64, Fault> {
    const ND: i64 = 24;
    const DIMENSIONS: i64 = 32;
    const DESCR: i64 = 56;
    const FLAGS: i64 = 64;
    const OWNDATA: i32 = 4;
    let fault = Fault { at, len: 8 };
    if memory.i32(at.at(FLAGS))? & OWNDATA == 0 {
        return Ok(0);
    }
    let descr = layout.fields(memory.pointer(at.at(DESCR))?);
    let dimensions = memory.pointer(at.at(DIMENSIONS))?;
    let count = memory.u32(at.at(ND))?;
    if count > MAX_DIMENSIONS {
        return Err(fault);
    }
    let mut bytes = nd_item_size(memory, descr)?;
    for i in 0..i64::from(count) {
        bytes = bytes.checked_mul(memory.word(dimensions.at(8 * i))?).filter(|bytes| *bytes < CAP).ok_or(fault)?;
    }
    Ok(bytes)
}

/// `elsize`: an int at 32 in numpy 1.x, where 40 holds `subarray` (null in the dtype of an array); 2.x put flags at 32
/// and made it a word at 40.
fn nd_item_size<M: ReadMemory>(memory: &M, descr: Address) -> Result<u64, Fault> {
    match memory.word(descr.at(40))? {
        0 => Ok(memory.u32(descr.at(32))?.into()),
        bytes => Ok(bytes),
    }
}
