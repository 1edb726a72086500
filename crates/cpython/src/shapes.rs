//! Which decoder fits which C struct, by the `tp_name` of the type that brings it.

use memsight_model::{Address, ObjectKind, ReadMemory};

use crate::layout::{CType, Layout};

/// How the fields of an object are laid out, beyond those that classes of a `class` statement add.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// No references: str, bytes, float, None ...
    Leaf,
    /// `object` itself: no fields.
    Object,
    Int,
    Str,
    ByteArray,
    Tuple,
    List,
    Dict,
    OrderedDict,
    DefaultDict,
    Set,
    Deque,
    Function,
    Method,
    Builtin,
    Cell,
    Module,
    Type,
    Frame,
    Generator,
    Code,
    Weakref,
    Slice,
    Descriptor,
    Traceback,
    /// `BaseException` and the fields that the built-in subclass adds.
    Exception(Option<&'static CType>),
    /// A C struct whose `PyObject *` fields the layout lists.
    Fields(&'static CType),
    /// `ob_size` words from this offset on (nodes of context variables' tries).
    Words(u16),
    /// This many words from this offset on.
    FixedWords(u16, u16),
    /// numpy's `ndarray`.
    NdArray,
    /// Unknown: its own words are tested against the known objects.
    Scan,
}

impl Shape {
    /// Whether instances hold no references of their own: nothing is gained by walking them.
    pub fn is_leaf(self) -> bool {
        matches!(self, Shape::Leaf | Shape::Int | Shape::Str)
    }

    /// Whether every reference is found where a table says it is.
    pub fn is_exact(self) -> bool {
        !matches!(self, Shape::Scan | Shape::NdArray | Shape::Words(_) | Shape::FixedWords(..))
    }
}

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
        ("generator", Shape::Generator, K::Generator),
        ("coroutine", Shape::Generator, K::Generator),
        ("async_generator", Shape::Generator, K::Generator),
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
        // Python/hamt.c: the arrays of the nodes, the same in 3.8 to 3.15.
        ("hamt_bitmap_node", Shape::Words(32), K::Other),
        ("hamt_collision_node", Shape::Words(32), K::Other),
        ("hamt_array_node", Shape::FixedWords(16, 32), K::Other),
        ("numpy.ndarray", Shape::NdArray, K::Other),
        // Objects with state but no references to objects.
        ("_random.Random", Shape::Leaf, K::Other),
        ("_thread.lock", Shape::Leaf, K::Other),
        ("_thread.RLock", Shape::Leaf, K::Other),
        ("PyCapsule", Shape::Leaf, K::Other),
        ("EncodingMap", Shape::Leaf, K::Other),
    ]
};

/// Flag of subclasses of `BaseException`.
const BASE_EXC_SUBCLASS: u64 = 1 << 30;
const TUPLE_SUBCLASS: u64 = 1 << 26;

/// The shape of a solid base: by its name, its base for exceptions and struct sequences, else by scanning.
pub(crate) fn shape_of<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    solid: Address,
    flags: u64,
) -> Option<(Shape, ObjectKind)> {
    let name = tp_name(memory, layout, solid)?;
    if let Some((_, shape, kind)) = SHAPES.iter().find(|(known, ..)| *known == name) {
        return Some((*shape, *kind));
    }
    if flags & BASE_EXC_SUBCLASS != 0 {
        return Some((Shape::Exception(exception_fields(memory, layout, solid)), ObjectKind::Exception));
    }
    if let Some(fields) = layout.c_types.iter().find(|known| known.name == name) {
        return Some((Shape::Fields(fields), ObjectKind::Other));
    }
    if flags & TUPLE_SUBCLASS != 0 {
        return Some((Shape::Tuple, ObjectKind::Tuple));
    }
    Some((Shape::Scan, ObjectKind::Other))
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

fn tp_name<M: ReadMemory>(memory: &M, layout: &Layout, type_: Address) -> Option<String> {
    memory.c_string(memory.pointer(type_.at(layout.type_object.name.into())).ok()?, 256).ok()
}
