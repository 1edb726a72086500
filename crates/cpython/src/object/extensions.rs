//! The C types of packages outside of the standard library, as far as their structs are known.
//!
//! Such a type is recognised by its name and by the size of its struct: another size is another version of the package,
//! whose instances are scanned. Offsets and sizes count as if the head of an object had 16 bytes ([`Layout::fields`]).

use memsight_model::{Address, ReadMemory};

use crate::layout::Layout;
use crate::object::buffers::Buffer;
use crate::object::numpy::root_type;
use crate::object::shapes::{Extension, Shape, tp_name};

/// Fields of a type all of which its `tp_traverse` tells, if it has one.
const fn told(name: &'static str, size: u16, fields: &'static [(&'static str, u16)]) -> Extension {
    Extension { name, size, fields, untraversed: &[] }
}

const CDATA: u16 = 40;

#[rustfmt::skip]
static EXTENSIONS: &[Extension] = &[
    // numpy: arrayscalars.h, `PyArrayIterObject` in ndarraytypes.h
    told("numpy.object_", 24, &[("obval", 16)]),
    told("numpy.flatiter", 2632, &[("base", 1320)]),
    // lxml 5 and 6: src/lxml/etree.pyx
    told("lxml.etree._Element", 40, &[("_doc", 16), ("_tag", 32)]),
    told("lxml.etree._Comment", 48, &[("_doc", 16), ("_tag", 32)]),
    told("lxml.etree._ProcessingInstruction", 48, &[("_doc", 16), ("_tag", 32)]),
    told("lxml.etree._Entity", 48, &[("_doc", 16), ("_tag", 32)]),
    told("lxml.etree._ElementTree", 40, &[("_doc", 24), ("_context_node", 32)]),
    told("lxml.etree._Attrib", 24, &[("_element", 16)]),
    told("lxml.etree.QName", 40, &[("text", 16), ("localname", 24), ("namespace", 32)]),
    Extension {
        name: "lxml.etree._Document",
        size: 56,
        fields: &[("_prefix_tail", 32), ("_parser", 48)],
        untraversed: &["_prefix_tail"],
    },
    // pandas 1.5 to 3.1: pandas/_libs/internals.pyx
    told("pandas._libs.internals.BlockPlacement", 56, &[("_as_slice", 24), ("_as_array", 32)]),
    told("pandas._libs.internals.BlockValuesRefs", 40, &[("referenced_blocks", 24)]),
    // cffi: src/c/_cffi_backend.c, minibuffer.h
    Extension {
        name: "_cffi_backend.CType",
        size: 96,
        fields: &[("ct_itemdescr", 24), ("ct_stuff", 32), ("ct_unique_key", 56)],
        untraversed: &["ct_unique_key"],
    },
    // `cf_next` is not counted: the dictionary of fields holds each (`_add_field`)
    told("_cffi_backend.CField", 48, &[("type", 16)]),
    told("_cffi_backend.buffer", 48, &[("mb_keepalive", 32)]),
    Extension { name: "_cffi_backend._CDataBase", size: CDATA, fields: &[("c_type", 16)], untraversed: &["c_type"] },
    Extension {
        name: "_cffi_backend.__CDataGCP",
        size: 64,
        fields: &[("c_type", 16), ("origobj", 48), ("destructor", 56)],
        untraversed: &["c_type"],
    },
];

/// C types whose instances point into what an object of another type owns, which frees it: a statement of SQL into its
/// connection, an element into its document.
const PARTS: [&str; 9] = [
    "sqlite3.Statement",
    "sqlite3.Cursor",
    "sqlite3.Blob",
    "_ssl._SSLSocket",
    "_ssl.SSLSession",
    "lxml.etree._Element",
    "lxml.etree._Comment",
    "lxml.etree._ProcessingInstruction",
    "lxml.etree._Entity",
];

/// Whether memory to which objects of a type lead is another's, if another leads there, too. `name` is the type's own.
pub(crate) fn is_part_of_another(shape: Shape, name: &str) -> bool {
    let name = match shape {
        Shape::Extension(extension) => extension.name,
        _ => name,
    };
    PARTS.contains(&name)
}

/// Whether the `tp_traverse` of such a type tells the collector of what it holds in C memory of its own. Those of pydantic-core
/// do (`src/py_gc.rs`).
pub(crate) fn tells_what_c_memory_holds(name: &str) -> bool {
    name.starts_with("pydantic_core._pydantic_core.")
}

/// The shape of a C type of a package, and the memory that its instances own; `None` when nothing is known of it.
pub(crate) fn shape_of<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    solid: Address,
    name: &str,
    basicsize: i64,
) -> Option<(Shape, Buffer)> {
    let size = u64::try_from(basicsize).ok()?.checked_sub(u64::from(layout.object.size) - 16)?;
    let buffer = Buffer::of(name);
    let known = EXTENSIONS.iter().find(|known| known.name == name && u64::from(known.size) == size);
    if let Some(extension) = known {
        return Some((Shape::Extension(extension), buffer));
    }
    match (name, size) {
        ("numpy.void", 64 | 56) => return Some((Shape::NumpyVoid, buffer)),
        ("numpy.ufunc", 216..=240) => return Some((Shape::Ufunc, buffer)),
        ("numpy.nditer", 104 | 160) => return Some((Shape::NdIter, buffer)),
        ("_cffi_backend.__CDataOwn", 40) => return Some((Shape::CffiOwn, Buffer::CffiOwn)),
        ("_cffi_backend.__CDataOwnGC", 48) => return Some((Shape::CffiOwnGc, buffer)),
        ("_cffi_backend.__CDataFromBuf", 56) => return Some((Shape::CffiFromBuffer, buffer)),
        _ if matches!(buffer, Buffer::NumpyScalar(_)) => return Some((Shape::Leaf, buffer)),
        _ => {}
    }
    let root = root_type(memory, layout, solid).ok().and_then(|root| tp_name(memory, layout, root))?;
    match root.as_str() {
        "numpy.ndarray" if size >= 80 => Some((Shape::NdArray(nd_array_size(size)), Buffer::NdArray)),
        "numpy.dtype" if size >= 88 => {
            let strings = name == "numpy.dtypes.StringDType" && size == 144;
            Some((Shape::NumpyDtype, if strings { Buffer::StringArena } else { Buffer::None }))
        }
        _ => None,
    }
}

/// `PyArrayObject_fields` grew twice; a class of C that extends it may be of any size.
fn nd_array_size(size: u64) -> u16 {
    match size {
        ..88 => 80,
        88..96 => 88,
        _ => 96,
    }
}
