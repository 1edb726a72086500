//! The shapes of objects: how the fields of a C struct are laid out, and so which decoder reads them.

use memsight_model::{Address, ReadMemory};

use crate::layout::{CType, Layout};

/// The kinds of generator: what their field `origin_or_finalizer` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coroutine {
    /// A plain generator does not use it, and up to 3.10 does not have it.
    No,
    /// Where the coroutine was made: tuples of str and int, left out by the collector.
    Yes,
    /// The finalizer hook.
    AsyncGenerator,
}

/// A struct of another package: every field that holds a `PyObject *`.
#[derive(Debug)]
pub(crate) struct Extension {
    /// `tp_name`.
    pub name: &'static str,
    pub size: u16,
    pub fields: &'static [(&'static str, u16)],
    /// Fields that `tp_traverse` leaves out, if the type has one: Cython leaves out what cannot be part of a cycle.
    pub untraversed: &'static [&'static str],
}

/// How the fields of an object are laid out, beyond those that classes of a `class` statement add.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// No references: str, bytes, float, None ...
    Leaf,
    /// `object` itself: no fields.
    Object,
    Int,
    Str,
    /// The bytes, from 3.15 on an object of their own, belong to nobody else and count as its own.
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
    Generator(Coroutine),
    Code,
    Weakref,
    Slice,
    Descriptor,
    Traceback,
    /// `BaseException` and the fields that the built-in subclass adds.
    Exception(Option<&'static CType>),
    /// A link of such a cache: key, result and type are told by the cache, as the collector is told.
    LruLink,
    /// `functools.lru_cache`: fields, and a ring of links that hold keys and results.
    LruCache(&'static CType),
    /// A capsule with a `traverse_func` (3.13 and later): the struct that it hands out may hold objects.
    Capsule,
    /// `io.StringIO` from 3.14 on: fields, and the text that is being written.
    StringIo(&'static CType),
    /// `queue.SimpleQueue` from 3.13 on.
    SimpleQueue,
    /// `pickle.Pickler`: fields, and a memo.
    Pickler(&'static CType),
    /// `pickle.Unpickler`: fields, and a memo.
    Unpickler(&'static CType),
    /// A parser of `xml.parsers.expat`, with the bytes of its struct.
    XmlParser(u16),
    /// `xml.etree.ElementTree.Element` of C.
    Element,
    /// `numpy.ndarray`, with the bytes of its struct: dtype, base, and the items of the data that it owns.
    NdArray(u16),
    /// Any dtype of numpy.
    NumpyDtype,
    /// `numpy.void`: a record.
    NumpyVoid,
    /// `numpy.ufunc`.
    Ufunc,
    /// `numpy.nditer`.
    NdIter,
    /// cdata of `ffi.new`.
    CffiOwn,
    /// A handle or callback of cffi.
    CffiOwnGc,
    /// cdata of `ffi.from_buffer`.
    CffiFromBuffer,
    /// A C struct whose `PyObject *` fields the layout lists.
    Fields(&'static CType),
    /// One of another package.
    Extension(&'static Extension),
    /// `ob_size` words from this offset on, which counts as if the head had 16 bytes (nodes of context variables' tries).
    Words(u16),
    /// This many words from this offset on.
    FixedWords(u16, u16),
    /// `datetime` and `time`: the time zone, which is there only if a flag says so, is at this offset, which counts as if
    /// the head had 16 bytes.
    Zoned(u16),
    /// What the iterators of one `itertools.tee` share.
    TeeData,
    /// Unknown: its own words are tested against the known objects.
    Scan,
}

impl Shape {
    /// Whether instances hold no references of their own: nothing is gained by walking them.
    pub fn is_leaf(self) -> bool {
        matches!(self, Shape::Leaf | Shape::LruLink | Shape::Int | Shape::Str | Shape::ByteArray)
    }

    /// Whether every reference is found where a table says it is.
    pub fn is_exact(self) -> bool {
        !matches!(self, Shape::Scan | Shape::Words(_) | Shape::FixedWords(..))
    }
}

/// `tp_name`.
pub(crate) fn tp_name<M: ReadMemory>(memory: &M, layout: &Layout, type_: Address) -> Option<String> {
    memory.c_string(memory.pointer(type_.at(layout.type_object.name.into())).ok()?, 256).ok()
}
