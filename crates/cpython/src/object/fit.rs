//! Which shape fits which C struct, by the `tp_name` of the type that brings it.

use memsight_model::{Address, ObjectKind, ReadMemory};

use crate::layout::{CType, Layout};
use crate::object::buffers::Buffer;
use crate::object::extensions;
use crate::object::shapes::{Coroutine, Shape, tp_name};

/// Types that every version lays out as the decoder knows them.
#[rustfmt::skip]
const SHAPES: &[(&str, Shape, ObjectKind)] = {
    use ObjectKind as K;
    &[
        ("object", Shape::Object, K::Other),
        ("NoneType", Shape::Leaf, K::None),
        ("ellipsis", Shape::Leaf, K::Other),
        ("NotImplementedType", Shape::Leaf, K::Other),
        ("bool", Shape::Int, K::Bool),
        ("int", Shape::Int, K::Int),
        ("float", Shape::Leaf, K::Float),
        ("complex", Shape::Leaf, K::Complex),
        ("str", Shape::Str, K::Str),
        ("bytes", Shape::Leaf, K::Bytes),
        ("bytearray", Shape::ByteArray, K::ByteArray),
        ("tuple", Shape::Tuple, K::Tuple),
        ("list", Shape::List, K::List),
        ("dict", Shape::Dict, K::Dict),
        ("frozendict", Shape::Dict, K::Dict),
        ("collections.OrderedDict", Shape::OrderedDict, K::Dict),
        ("collections.defaultdict", Shape::DefaultDict, K::Dict),
        ("set", Shape::Set, K::Set),
        ("frozenset", Shape::Set, K::Set),
        ("collections.deque", Shape::Deque, K::Deque),
        ("function", Shape::Function, K::Function),
        ("method", Shape::Method, K::Method),
        ("builtin_function_or_method", Shape::Builtin, K::Builtin),
        ("builtin_method", Shape::Builtin, K::Builtin),
        ("cell", Shape::Cell, K::Cell),
        ("module", Shape::Module, K::Module),
        ("type", Shape::Type, K::Type),
        ("frame", Shape::Frame, K::Frame),
        ("generator", Shape::Generator(Coroutine::No), K::Generator),
        ("coroutine", Shape::Generator(Coroutine::Yes), K::Generator),
        ("async_generator", Shape::Generator(Coroutine::AsyncGenerator), K::Generator),
        ("code", Shape::Code, K::Code),
        ("weakref", Shape::Weakref, K::Weakref),
        ("weakref.ReferenceType", Shape::Weakref, K::Weakref),
        ("weakproxy", Shape::Weakref, K::Weakref),
        ("weakref.ProxyType", Shape::Weakref, K::Weakref),
        ("weakcallableproxy", Shape::Weakref, K::Weakref),
        ("weakref.CallableProxyType", Shape::Weakref, K::Weakref),
        ("slice", Shape::Slice, K::Other),
        ("getset_descriptor", Shape::Descriptor, K::Other),
        ("member_descriptor", Shape::Descriptor, K::Other),
        ("method_descriptor", Shape::Descriptor, K::Other),
        ("wrapper_descriptor", Shape::Descriptor, K::Other),
        ("classmethod_descriptor", Shape::Descriptor, K::Other),
        ("traceback", Shape::Traceback, K::Traceback),
        ("xml.etree.ElementTree.Element", Shape::Element, K::Other),
        // Python/hamt.c: the arrays of the nodes, the same in 3.8 to 3.15.
        ("hamt_bitmap_node", Shape::Words(32), K::Other),
        ("hamt_collision_node", Shape::Words(32), K::Other),
        ("hamt_array_node", Shape::FixedWords(16, 32), K::Other),
        // Include/datetime.h, the same in 3.8 to 3.15.
        ("datetime.datetime", Shape::Zoned(40), K::Other),
        ("datetime.time", Shape::Zoned(32), K::Other),
        ("itertools._tee_dataobject", Shape::TeeData, K::Other),
        // Objects with state but no references to objects.
        ("_random.Random", Shape::Leaf, K::Other),
        ("array.array", Shape::Leaf, K::Other),
        ("_thread.lock", Shape::Leaf, K::Other),
        ("_thread.RLock", Shape::Leaf, K::Other),
        ("functools._lru_list_elem", Shape::LruLink, K::Other),
        ("EncodingMap", Shape::Leaf, K::Other),
    ]
};

/// Flags of the subclasses of built-in types (`Include/object.h`), and the shape that C types with them extend.
const EXTENDED: &[(u64, Shape, ObjectKind)] = &[
    (1 << 25, Shape::List, ObjectKind::List),
    (1 << 26, Shape::Tuple, ObjectKind::Tuple),
    (1 << 28, Shape::Str, ObjectKind::Str),
    (1 << 29, Shape::Dict, ObjectKind::Dict),
    (1 << 31, Shape::Type, ObjectKind::Type),
];
const BASE_EXC_SUBCLASS: u64 = 1 << 30;
const TUPLE_SUBCLASS: u64 = 1 << 26;

/// The decoder that fits a solid base.
pub(crate) struct Fit {
    pub shape: Shape,
    pub kind: ObjectKind,
    pub buffer: Buffer,
    /// The shape tells of every reference; a C type that extends a built-in one may have more.
    pub exact: bool,
}

impl Fit {
    /// Nothing is known of the struct.
    pub fn is_scan(&self) -> bool {
        matches!(self.shape, Shape::Scan)
    }
}

/// The shape of a solid base: by its name, by the built-in type that it extends, else by scanning.
pub(crate) fn shape_of<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    solid: Address,
    flags: u64,
    basicsize: i64,
) -> Option<Fit> {
    let name = tp_name(memory, layout, solid)?;
    let buffer = Buffer::of(&name);
    let fit = |shape: Shape, kind| Some(Fit { shape, kind, buffer, exact: shape.is_exact() });
    if let Some((_, shape, kind)) = SHAPES.iter().find(|(known, ..)| *known == name) {
        return fit(*shape, *kind);
    }
    if flags & BASE_EXC_SUBCLASS != 0 {
        return fit(Shape::Exception(exception_fields(memory, layout, solid)), ObjectKind::Exception);
    }
    // Structs of extension modules move between patch releases: another size is another struct.
    let fields = layout.c_types.iter().find(|known| known.name == name && i64::from(known.size) == basicsize);
    if let Some(fields) = fields {
        let shape = match name.as_str() {
            "functools._lru_cache_wrapper" => Shape::LruCache(fields),
            "_queue.SimpleQueue" if layout.minor >= 13 => Shape::SimpleQueue,
            "_io.StringIO" if layout.minor >= 14 => Shape::StringIo(fields),
            "PyCapsule" if layout.minor >= 13 => Shape::Capsule,
            "_pickle.Pickler" => Shape::Pickler(fields),
            "_pickle.Unpickler" => Shape::Unpickler(fields),
            _ => Shape::Fields(fields),
        };
        return fit(shape, ObjectKind::Other);
    }
    let size = u16::try_from(basicsize).unwrap_or(0).saturating_sub(layout.object.size - 16);
    if name == "pyexpat.xmlparser" && matches!(size, 72 | 80 | 88) {
        return fit(Shape::XmlParser(size), ObjectKind::Other);
    }
    if let Some((shape, buffer)) = extensions::shape_of(memory, layout, solid, &name, basicsize) {
        // A class of C that extends numpy's array has fields of its own.
        let exact = shape.is_exact() && !(matches!(shape, Shape::NdArray(_)) && name != "numpy.ndarray");
        return Some(Fit { shape, kind: ObjectKind::Other, buffer, exact });
    }
    match EXTENDED.iter().find(|(flag, ..)| flags & flag != 0) {
        // Struct sequences are tuples all through.
        Some((_, shape, kind)) => Some(Fit { shape: *shape, kind: *kind, buffer, exact: flags & TUPLE_SUBCLASS != 0 }),
        None => fit(Shape::Scan, ObjectKind::Other),
    }
}

/// The fields of the nearest built-in base that adds some (`class MyError(C)` of a C extension included).
fn exception_fields<M: ReadMemory>(memory: &M, layout: &Layout, solid: Address) -> Option<&'static CType> {
    let mut at = solid;
    for _ in 0..16 {
        let name = tp_name(memory, layout, at)?;
        if let Some(fields) = layout.exception.subclasses.iter().find(|known| known.name == name) {
            return Some(fields);
        }
        at = memory.pointer(at.at(layout.type_object.base.into())).ok().filter(|base| !base.is_null())?;
    }
    None
}
