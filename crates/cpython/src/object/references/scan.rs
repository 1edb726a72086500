//! Objects of C types: by the layout's table of fields, else by a conservative scan of their own words.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::CType;
use crate::object::members::Member;
use crate::object::shapes::Shape;
use crate::object::types::{DictPlace, TypeInfo};

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
    ("_hmac.HMAC", "name", (14, 0)..=(15, 255)),
    ("_json.Scanner", "memo", (8, 0)..=(8, 255)),
    ("_multibytecodec.MultibyteIncrementalEncoder", "pending", (10, 0)..=(15, 255)),
    ("_multibytecodec.MultibyteStreamWriter", "pending", (10, 0)..=(15, 255)),
    ("MultibyteIncrementalEncoder", "pending", (8, 0)..=(9, 255)),
    ("MultibyteStreamWriter", "pending", (8, 0)..=(9, 255)),
    ("_pickle.Pickler", "memo", (8, 0)..=(11, 6)), // bpo-41422
    ("_pickle.Pickler", "memo", (12, 0)..=(12, 0)),
    ("_pickle.Unpickler", "buffer.obj", (8, 0)..=(15, 255)),
    ("_pickle.Unpickler", "memo", (8, 0)..=(11, 6)), // bpo-41422
    ("_pickle.Unpickler", "memo", (12, 0)..=(12, 0)),
    ("_sre.SRE_Scanner", "state.string", (8, 0)..=(15, 255)),
    ("_thread._local", "key", (8, 0)..=(15, 255)),
    ("_thread._local", "wr_callback", (8, 0)..=(15, 255)),
    ("ctypes.CField", "name", (14, 0)..=(15, 255)),
    ("enumerate", "one", (8, 0)..=(15, 255)),
    ("functools.partial", "placeholder", (8, 0)..=(15, 255)),
    ("operator.methodcaller", "name", (8, 0)..=(9, 255)),
    ("compression.zstd.ZstdDecompressor", "unused_data", (14, 0)..=(15, 255)),
    ("typing.ParamSpec", "name", (12, 0)..=(13, 4)),
    ("typing.TypeAliasType", "name", (12, 0)..=(13, 4)),
    ("typing.TypeVar", "name", (12, 0)..=(13, 4)),
    ("typing.TypeVarTuple", "name", (12, 0)..=(13, 4)),
    ("zlib.Compress", "unconsumed_tail", (8, 0)..=(15, 255)),
    ("zlib.Compress", "unused_data", (8, 0)..=(15, 255)),
    ("zlib._ZlibDecompressor", "unused_data", (12, 0)..=(15, 255)),
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
        for &(name, offset) in table.fields {
            if S::NAMED && BORROWED.contains(&(table.name, name)) {
                sink.edge(self.memory.pointer(at.at(offset.into()))?, Via::Weak(name), false);
                continue;
            }
            // Only the graph builder asks; the walk that marks objects need not know.
            let traversed = !S::NAMED || info.is_gc() && !self.leaves_out(table, name);
            self.field(at, offset, name, traversed, sink)?;
        }
        Ok(())
    }

    /// Whether the type's `tp_traverse` does not tell of a field.
    pub(super) fn leaves_out(&self, table: &CType, field: &str) -> bool {
        let is = |known: &(&str, &str, Versions)| (known.0, known.1) == (table.name, field);
        UNTRAVERSED.iter().any(|known| is(known) && known.2.contains(&self.version))
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
            Shape::NdArray(size) => i64::from(size) + i64::from(self.layout.object.size) - 16,
            _ => return Ok(()),
        };
        let known = |offset: i64| {
            let slot = |slot: &(u32, _)| i64::from(slot.0) == offset;
            offset == info.weaklistoffset || offset == info.dictoffset || info.slots.iter().any(slot)
        };
        for offset in (start..info.basicsize.min(1 << 12) as i64 - 7).step_by(8).filter(|offset| !known(*offset)) {
            self.scanned(at, offset, info, false, sink)?;
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
            let offset = offset as i64;
            // What a class of a `class` statement adds to the struct, its instances tell.
            let told = offset == info.weaklistoffset
                || info.dict == DictPlace::Offset(offset)
                || info.slots.iter().any(|slot| i64::from(slot.0) == offset);
            if offset == info.dictoffset && !told {
                sink.edge(self.memory.pointer(at.at(offset))?, Via::Field("__dict__"), true);
            } else if !told {
                self.scanned(at, offset, info, true, sink)?;
            }
        }
        Ok(())
    }

    /// A word of a struct that no table is about: what the type says it is, else an object if it could be one. A struct
    /// that points into itself holds nothing there: `m_self` of Cython's functions, or a buffer of numbers inside of it.
    fn scanned<S: Sink>(
        &self,
        at: Address,
        offset: i64,
        info: &TypeInfo,
        traversed: bool,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let via = match info.members.iter().find(|member| i64::from(member.offset) == offset) {
            Some(Member { object: None, .. }) => return Ok(()),
            Some(Member { object: Some(name), .. }) => Via::Field(name),
            None => Via::Inferred(offset as u64 / 8),
        };
        let word = self.memory.pointer(at.at(offset))?;
        if !(at..at.at(info.basicsize as i64)).contains(&word) {
            sink.edge(word, via, traversed);
        }
        Ok(())
    }
}
