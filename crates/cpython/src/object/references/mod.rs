//! The references of an object: one function a shape, told to a [`Sink`].

mod containers;
mod executing;
mod extensions;
mod greenlet;
mod instances;
mod library;
mod numpy;
mod runtime;
mod scan;

use std::cell::Cell;

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::Layout;
use crate::object::shapes::Shape;
use crate::object::statics::StaticTypes;
use crate::object::types::{DictPlace, TypeInfo};

pub(crate) use executing::{Held, InterpreterFrame, generator_frame, variable_name};
pub(crate) use greenlet::saved_stack;
pub(crate) use numpy::LastItems;

/// What a reference is called, in terms of the target; the graph builder turns it into a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// A field of a C struct.
    Field(&'static str),
    /// An attribute; the name is a str object of the target.
    Attribute(Address),
    /// A `__slots__` member.
    Slot(&'static str),
    Index(u64),
    Key(u64),
    /// The value of a dictionary entry, by its key object.
    Value(Address),
    Member(u64),
    /// A local variable; the name is a str object of the target.
    Local(Address),
    Stack(u64),
    /// What the closure cell at this address holds.
    Cell(Address),
    Weak(&'static str),
    /// A word of the object found by scanning.
    Inferred(u64),
}

/// Receives the references of one object.
pub(crate) trait Sink {
    /// One reference. Null and wild targets are the sink's to drop. `traversed`: CPython's `tp_traverse` reports it.
    fn edge(&mut self, target: Address, via: Via, traversed: bool);
    /// A closure cell and the str object that names its variable: the function knows, the cell does not. Told to walks
    /// that do not name references, for the walk that does.
    fn free_variable(&mut self, _cell: Address, _name: Address) {}
    /// The object may hold more references than tables tell.
    fn inexact(&mut self);
    /// Part of the object could not be read.
    fn partial(&mut self);
    /// Whether references are named: a walk that only marks objects saves the work.
    const NAMED: bool;
}

/// Reads the references of objects out of memory.
pub(crate) struct Decoder<'a, M> {
    pub memory: &'a M,
    pub layout: &'a Layout,
    pub statics: &'a StaticTypes,
    /// Words of items that may still be read: no healthy heap holds more item words than it has memory, so a corrupt
    /// one cannot make the walk long.
    pub budget: &'a Cell<u64>,
    /// `dk_lookup` of tables with other keys than str (up to 3.10); 0 when no such table was seen.
    pub general_lookup: u64,
    /// Minor version and patch release, for what changed between patch releases.
    pub version: (u8, u8),
    pub last_items: LastItems,
}

impl<M: ReadMemory> Decoder<'_, M> {
    /// Tells every reference of `object`, of type `info`, to `sink`.
    pub fn references<S: Sink>(&self, object: Address, info: &TypeInfo, sink: &mut S) {
        if self.own_references(object, info, sink).is_err() {
            sink.partial();
        }
        if info.is_heap() && !matches!(info.shape, Shape::LruLink) {
            // Before 3.9 only classes of a `class` statement told the collector of their type.
            let traversed = info.is_gc() && (self.layout.minor >= 9 || info.python_class);
            sink.edge(info.address, Via::Field("__class__"), traversed);
        }
        if info.is_greenlet && self.greenlet(object, sink).is_err() {
            sink.partial();
        }
        if (info.python_class || info.dict != DictPlace::None) && self.instance(object, info, sink).is_err() {
            sink.partial();
        }
    }

    fn own_references<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        if !info.exact {
            self.extension(at, info, sink)?;
        }
        match info.shape {
            Shape::Leaf | Shape::LruLink | Shape::Object | Shape::Int | Shape::Str | Shape::ByteArray => Ok(()),
            Shape::Tuple => self.tuple(at, info, sink),
            Shape::List => self.list(at, sink),
            Shape::Dict => self.dict(at, sink),
            Shape::OrderedDict => self.ordered_dict(at, sink),
            Shape::DefaultDict => self.default_dict(at, sink),
            Shape::Set => self.set(at, sink),
            Shape::Deque => self.deque(at, sink),
            Shape::Function => self.function(at, sink),
            Shape::Method => self.method(at, sink),
            Shape::Builtin => self.builtin(at, sink),
            Shape::Cell => {
                sink.edge(self.memory.pointer(at.at(self.layout.cell.ref_.into()))?, Via::Cell(at), true);
                Ok(())
            }
            Shape::Module => self.module(at, sink),
            Shape::Type => self.type_object(at, sink),
            Shape::Frame => self.frame_object(at, sink),
            Shape::Generator(kind) => self.generator(at, kind, sink),
            Shape::Code => self.code(at, info.is_gc(), sink),
            Shape::Weakref => self.weakref(at, sink),
            Shape::Slice => self.slice(at, sink),
            Shape::Descriptor => self.descriptor(at, sink),
            Shape::Traceback => self.traceback(at, sink),
            Shape::Exception(extra) => self.exception(at, extra, sink),
            Shape::Capsule => self.capsule(at, sink),
            Shape::SimpleQueue => self.simple_queue(at, sink),
            Shape::XmlParser(size) => self.xml_parser(at, size, sink),
            Shape::Element => self.element(at, sink),
            Shape::LruCache(fields) => self.lru_cache(at, fields, sink),
            Shape::NdArray(size) => self.nd_array(at, size, sink),
            Shape::NumpyDtype => self.numpy_dtype(at, info, sink),
            Shape::NumpyVoid => self.numpy_void(at, sink),
            Shape::Ufunc => self.ufunc(at, info, sink),
            Shape::NdIter => self.nditer(at, sink),
            Shape::CffiOwn => self.cffi_own(at, sink),
            Shape::CffiOwnGc => self.cffi_own_gc(at, sink),
            Shape::CffiFromBuffer => self.cffi_from_buffer(at, sink),
            Shape::Extension(known) => self.extension_fields(at, known, info, sink),
            Shape::Fields(table) => self.fields(at, table, info, sink),
            Shape::StringIo(table) => self.fields(at, table, info, sink).and_then(|()| self.text_writer(at, sink)),
            Shape::Pickler(table) => {
                self.fields(at, table, info, sink).and_then(|()| self.pickler_memo(at, table, sink))
            }
            Shape::Unpickler(table) => {
                self.fields(at, table, info, sink).and_then(|()| self.unpickler_memo(at, table, sink))
            }
            Shape::Words(offset) => self.words(at, offset, None, sink),
            Shape::FixedWords(offset, count) => self.words(at, offset, Some(count), sink),
            Shape::Zoned(offset) => self.zoned(at, offset, sink),
            Shape::TeeData => self.tee_data(at, sink),
            Shape::Scan => self.scan(at, info, sink),
        }
    }

    /// One pointer field.
    fn field<S: Sink>(
        &self,
        object: Address,
        offset: u16,
        name: &'static str,
        traversed: bool,
        sink: &mut S,
    ) -> Result<(), Fault> {
        sink.edge(self.memory.pointer(object.at(offset.into()))?, Via::Field(name), traversed);
        Ok(())
    }

    /// 3.13.0 to 3.13.4 traverse values inside an instance through the instance even when it has a dictionary.
    fn values_by_owner(&self) -> bool {
        ((13, 0)..(13, 5)).contains(&self.version)
    }

    /// Takes `words` from the budget; what is left of them.
    pub fn afford(&self, words: u64) -> u64 {
        let granted = words.min(self.budget.get());
        self.budget.set(self.budget.get() - granted);
        granted
    }

    /// Tells `count` pointers from `first` on.
    fn pointers<S: Sink>(
        &self,
        first: Address,
        count: u64,
        sink: &mut S,
        via: impl Fn(u64) -> Via,
        traversed: bool,
    ) -> Result<(), Fault> {
        const BLOCK: u64 = 64;
        let granted = self.afford(count);
        let mut words = [0u64; BLOCK as usize];
        let mut done = 0;
        while done < granted {
            let block = &mut words[..BLOCK.min(granted - done) as usize];
            self.memory.fill(first.at(8 * done as i64), block)?;
            for (i, word) in block.iter().enumerate() {
                sink.edge(Address(*word), via(done + i as u64), traversed);
            }
            done += block.len() as u64;
        }
        if granted < count { Err(Fault { at: first, len: 8 }) } else { Ok(()) }
    }

    /// `ob_size` of an object, as a length.
    pub fn length(&self, object: Address) -> Result<u64, Fault> {
        Ok(self.memory.signed(self.layout.length_at(object))?.unsigned_abs())
    }
}
