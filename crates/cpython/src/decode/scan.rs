//! Objects of C types: by the layout's table of fields, else by a conservative scan of their own words.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::CType;
use crate::types::TypeInfo;

/// Fields that hold a reference but that the type's `tp_traverse` leaves out (it holds a str, bytes or int, or the type
/// has no traverse): `(tp_name, field)`.
const UNTRAVERSED: &[(&str, &str)] = &[];

impl<M: ReadMemory> Decoder<'_, M> {
    pub(super) fn fields<S: Sink>(
        &self,
        at: Address,
        table: &'static CType,
        info: &TypeInfo,
        sink: &mut S,
    ) -> Result<(), Fault> {
        for &(name, offset) in table.fields {
            let traversed = info.is_gc() && !UNTRAVERSED.contains(&(table.name, name));
            self.field(at, offset, name, traversed, sink)?;
        }
        Ok(())
    }

    /// `Modules/_functoolsmodule.c`: the wrapper is itself the first link of a ring through `prev` and `next`.
    pub(super) fn lru_cache<S: Sink>(&self, at: Address, table: &'static CType, sink: &mut S) -> Result<(), Fault> {
        const LINK: [&str; 4] = ["prev", "next", "key", "result"];
        for &(name, offset) in table.fields.iter().filter(|(name, _)| !LINK.contains(name)) {
            self.field(at, offset, name, true, sink)?;
        }
        let offset = |field| table.fields.iter().find(|(name, _)| *name == field).map_or(0, |(_, offset)| *offset);
        let (next, key, result) = (offset("next"), offset("key"), offset("result"));
        let mut link = self.memory.pointer(at.at(next.into()))?;
        while link != at && !link.is_null() {
            if self.afford(4) < 4 {
                return Err(Fault { at, len: 8 });
            }
            self.field(link, key, "key", true, sink)?;
            self.field(link, result, "result", true, sink)?;
            if self.layout.minor >= 10 {
                sink.edge(self.memory.pointer(link.at(8))?, Via::Field("__class__"), true);
            }
            link = self.memory.pointer(link.at(next.into()))?;
        }
        Ok(())
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
        self.pointers(at.at(offset.into()), count, sink, Via::Index, true)
    }

    /// Every word between the head and the end of the object that could be a pointer. The sink drops those that are
    /// no known object. The list of weak references is no reference; the dictionary is told with its name.
    pub(super) fn scan<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        const HEAD: u64 = 16;
        /// A C struct larger than this is data.
        const CAP: u64 = 1 << 13;
        let items = match info.itemsize {
            0 => 0,
            size => self.length(at)?.saturating_mul(size),
        };
        let end = info.basicsize.saturating_add(items).min(CAP);
        for offset in (HEAD..end.saturating_sub(7)).step_by(8) {
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
