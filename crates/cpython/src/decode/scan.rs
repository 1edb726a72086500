//! Objects of C types: by the layout's table of fields, else by a conservative scan of their own words.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::CType;
use crate::shapes::Shape;
use crate::types::{TypeInfo, flag};

/// From one version to another, both included: minor, micro.
type Versions = std::ops::RangeInclusive<(u8, u8)>;

/// Fields that hold a reference but that the type's `tp_traverse` leaves out: `tp_name`, field, and the versions (minor,
/// micro) that do so.
#[rustfmt::skip]
const UNTRAVERSED: &[(&str, &str, Versions)] = &[
    ("_io.BufferedRWPair", "reader", (8, 0)..=(11, 255)),
    ("_io.BufferedRWPair", "writer", (8, 0)..=(11, 255)),
    ("_io.BytesIO", "buf", (8, 0)..=(11, 255)),
    ("_io.StringIO", "accu.small", (8, 0)..=(11, 255)),
    ("_io.StringIO", "accu.large", (8, 0)..=(11, 255)),
    ("_io.StringIO", "readnl", (8, 0)..=(11, 255)),
    ("_io.StringIO", "decoder", (8, 0)..=(11, 255)),
    ("_io.StringIO", "writenl", (8, 0)..=(11, 255)),
    ("_io.StringIO", "writer.buffer", (8, 0)..=(15, 255)),
    ("_json.Scanner", "memo", (8, 0)..=(8, 255)),
    ("_sre.SRE_Scanner", "state.string", (8, 0)..=(15, 255)),
    ("_thread._local", "key", (8, 0)..=(15, 255)),
    ("_thread._local", "wr_callback", (8, 0)..=(15, 255)),
    ("enumerate", "one", (8, 0)..=(15, 255)),
    ("functools.partial", "placeholder", (8, 0)..=(15, 255)),
    ("operator.methodcaller", "name", (8, 0)..=(9, 255)),
    ("typing.ParamSpec", "name", (12, 0)..=(13, 4)),
    ("typing.TypeAliasType", "name", (12, 0)..=(13, 4)),
    ("typing.TypeVar", "name", (12, 0)..=(13, 4)),
    ("typing.TypeVarTuple", "name", (12, 0)..=(13, 4)),
    ("zlib.Compress", "unconsumed_tail", (8, 0)..=(15, 255)),
    ("zlib.Compress", "unused_data", (8, 0)..=(15, 255)),
    ("zlib.Decompress", "unconsumed_tail", (8, 0)..=(15, 255)),
    ("zlib.Decompress", "unused_data", (8, 0)..=(15, 255)),
];

/// Fields that are not counted: `tp_name`, field.
const BORROWED: &[(&str, &str)] = &[("functools.partial", "placeholder")];

impl<M: ReadMemory> Decoder<'_, M> {
    pub(super) fn fields<S: Sink>(
        &self,
        at: Address,
        table: &'static CType,
        info: &TypeInfo,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let left_out = |field: &str| {
            let version = self.version;
            UNTRAVERSED
                .iter()
                .any(|(name, known, versions)| (*name, *known) == (table.name, field) && versions.contains(&version))
        };
        for &(name, offset) in table.fields {
            if S::NAMED && BORROWED.contains(&(table.name, name)) {
                sink.edge(self.memory.pointer(at.at(offset.into()))?, Via::Weak(name), false);
                continue;
            }
            // Only the graph builder asks; the walk that marks objects need not know.
            let traversed = !S::NAMED || info.is_gc() && !left_out(name);
            self.field(at, offset, name, traversed, sink)?;
        }
        Ok(())
    }

    /// `Modules/_functoolsmodule.c`: the wrapper is itself the first link of a ring through `prev` and `next`.
    pub(super) fn lru_cache<S: Sink>(&self, at: Address, table: &'static CType, sink: &mut S) -> Result<(), Fault> {
        // lru_list_elem, behind the head: prev, next, hash, key, result
        let head = self.layout.object.size;
        let (next, key, result) = (i64::from(head + 8), head + 24, head + 32);
        for &(name, offset) in table.fields.iter().filter(|(_, offset)| *offset > result) {
            self.field(at, offset, name, true, sink)?;
        }
        let mut link = self.memory.pointer(at.at(next))?;
        while link != at && !link.is_null() {
            if self.afford(4) < 4 {
                return Err(Fault { at, len: 8 });
            }
            // The creation's reference is the list's (`lru_cache_append_link`).
            sink.edge(link, Via::Field("link"), false);
            self.field(link, key, "key", true, sink)?;
            self.field(link, result, "result", true, sink)?;
            let class = self.memory.pointer(link.at(self.layout.object.type_.into()))?;
            let heap = self.memory.word(class.at(self.layout.type_object.flags.into()))? & flag::HEAPTYPE != 0;
            if heap || self.layout.minor >= 10 {
                sink.edge(class, Via::Field("__class__"), self.layout.minor >= 10);
            }
            link = self.memory.pointer(link.at(next))?;
        }
        Ok(())
    }

    /// `Modules/_queuemodule.c`, 3.13 and later: a ring of `num_items` items from `get_idx` on.
    pub(super) fn simple_queue<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        let word = |offset: i64| self.memory.word(fields.at(offset));
        let (first, items, capacity, count) = (word(32)?, Address(word(40)?), word(48)?, word(56)?);
        if capacity == 0 || count > capacity {
            return Err(Fault { at, len: 8 });
        }
        for item in 0..self.afford(count) {
            let slot = items.at(8 * (first.wrapping_add(item) % capacity) as i64);
            sink.edge(self.memory.pointer(slot)?, Via::Index(item), true);
        }
        Ok(())
    }

    /// `ElementObject` in `Modules/_elementtree.c`, the same in 3.8 to 3.15: tag, text and tail (whose lowest bit is a
    /// mark), and a pointer to attributes and children.
    pub(super) fn element<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        for (offset, name) in [(16, "tag"), (24, "text"), (32, "tail")] {
            let word = self.memory.word(fields.at(offset))?;
            sink.edge(Address(word & !1), Via::Field(name), true);
        }
        let extra = self.memory.pointer(fields.at(40))?;
        if extra.is_null() {
            return Ok(());
        }
        sink.edge(self.memory.pointer(extra)?, Via::Field("attrib"), true);
        let (count, children) = (self.memory.word(extra.at(8))?, self.memory.pointer(extra.at(24))?);
        self.pointers(children, count, sink, Via::Index, true)
    }

    /// `count` (or `ob_size`) words that may each be an object.
    pub(super) fn words<S: Sink>(
        &self,
        at: Address,
        offset: u16,
        count: Option<u16>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let count = match count {
            Some(count) => u64::from(count),
            None => self.length(at)?.min(1 << 10),
        };
        self.pointers(self.layout.fields(at).at(offset.into()), count, sink, Via::Index, true)
    }

    /// What a C type adds behind the struct of the built-in type that it extends: its words are tested.
    pub(super) fn extension<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        let start = match info.shape {
            Shape::List => i64::from(self.layout.list.allocated) + 8,
            Shape::Dict => i64::from(self.layout.dict.size),
            Shape::Type => i64::from(self.layout.heap_type.size),
            _ => return Ok(()),
        };
        let known = |offset: i64| {
            let slot = |slot: &(u32, _)| i64::from(slot.0) == offset;
            offset == info.weaklistoffset || offset == info.dictoffset || info.slots.iter().any(slot)
        };
        for offset in (start..info.basicsize.min(1 << 12) as i64 - 7).step_by(8).filter(|offset| !known(*offset)) {
            sink.edge(self.memory.pointer(at.at(offset))?, Via::Inferred(offset as u64 / 8), false);
        }
        Ok(())
    }

    /// Every word between the head and the end of the object that could be a pointer. The sink drops those that are
    /// no known object. The list of weak references is no reference; the dictionary is told with its name.
    pub(super) fn scan<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        /// A C struct larger than this is data.
        const CAP: u64 = 1 << 13;
        let items = match info.itemsize {
            0 => 0,
            size => self.length(at)?.saturating_mul(size),
        };
        let end = info.basicsize.saturating_add(items).min(CAP);
        for offset in (u64::from(self.layout.object.size)..end.saturating_sub(7)).step_by(8) {
            if self.afford(1) == 0 {
                return Err(Fault { at, len: 8 });
            }
            let word = self.memory.pointer(at.at(offset as i64))?;
            let via = match offset as i64 {
                place if place == info.weaklistoffset => continue,
                place if place == info.dictoffset => Via::Field("__dict__"),
                _ => Via::Inferred(offset / 8),
            };
            sink.edge(word, via, true);
        }
        Ok(())
    }
}
