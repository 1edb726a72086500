//! C types of the standard library that keep objects in structs or arrays behind their own.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::layout::CType;
use crate::object::flag;

impl<M: ReadMemory> Decoder<'_, M> {
    /// `Modules/_io/stringio.c`: from 3.14 on what is being written is in a `PyUnicodeWriter` of its own, which begins with
    /// the str that it fills (`_PyUnicodeWriter` in `Include/cpython/unicodeobject.h`).
    pub(super) fn text_writer<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        const WRITER: i64 = 56;
        let writer = self.memory.pointer(self.layout.fields(at).at(WRITER))?;
        if !writer.is_null() {
            sink.edge(self.memory.pointer(writer)?, Via::Field("writer.buffer"), false);
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

    /// `PyDateTime_DateTime` and `PyDateTime_Time` in `Include/datetime.h`: without a time zone the object ends before the
    /// field.
    pub(super) fn zoned<S: Sink>(&self, at: Address, offset: u16, sink: &mut S) -> Result<(), Fault> {
        const HAS_ZONE: i64 = 24;
        let fields = self.layout.fields(at);
        if self.memory.u8(fields.at(HAS_ZONE))? != 0 {
            sink.edge(self.memory.pointer(fields.at(offset.into()))?, Via::Field("tzinfo"), false);
        }
        Ok(())
    }

    /// `teedataobject` in `Modules/itertoolsmodule.c`, the same in 3.8 to 3.15: only the first `numread` of its values
    /// are set.
    pub(super) fn tee_data<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        /// `LINKCELLS`.
        const CELLS: u64 = 57;
        let fields = self.layout.fields(at);
        sink.edge(self.memory.pointer(fields.at(16))?, Via::Field("it"), true);
        sink.edge(self.memory.pointer(fields.at(32))?, Via::Field("nextlink"), true);
        let count = u64::try_from(self.memory.i32(fields.at(24))?).unwrap_or(0).min(CELLS);
        self.pointers(fields.at(40), count, sink, Via::Index, true)
    }

    /// `PyMemoTable` in `Modules/_pickle.c`, the same in 3.8 to 3.15: mask, number of entries, room, and the room: each
    /// object that was written, with its number.
    pub(super) fn pickler_memo<S: Sink>(&self, at: Address, table: &CType, sink: &mut S) -> Result<(), Fault> {
        const MEMO: i64 = 16;
        let memo = self.memory.pointer(self.layout.fields(at).at(MEMO))?;
        if memo.is_null() {
            return Ok(());
        }
        let (room, entries) = (self.memory.word(memo.at(16))?, self.memory.pointer(memo.at(24))?);
        let traversed = !self.leaves_out(table, "memo");
        for entry in 0..self.afford(room) {
            let key = self.memory.pointer(entries.at(16 * entry as i64))?;
            sink.edge(key, Via::Field("memo"), traversed);
        }
        Ok(())
    }

    /// `UnpicklerObject` in `Modules/_pickle.c`, the same in 3.8 to 3.15: behind its stack an array of what was read, by
    /// number, and its length.
    pub(super) fn unpickler_memo<S: Sink>(&self, at: Address, table: &CType, sink: &mut S) -> Result<(), Fault> {
        const MEMO: i64 = 24;
        let memo = self.layout.fields(at).at(MEMO);
        let (items, room) = (self.memory.pointer(memo)?, self.memory.word(memo.at(8))?);
        let traversed = !self.leaves_out(table, "memo");
        self.pointers(items, room, sink, |_| Via::Field("memo"), traversed)
    }

    /// `xmlparseobject` in `Modules/pyexpat.c`: its last two words are the table of interned names, which `tp_traverse`
    /// leaves out, and an array of a handler for each kind of event. The longest form (3.13.8) has the parent parser, too.
    pub(super) fn xml_parser<S: Sink>(&self, at: Address, size: u16, sink: &mut S) -> Result<(), Fault> {
        /// `handler_info`, the same in 3.8 to 3.15.
        const EVENTS: u64 = 22;
        const WITH_PARENT: u16 = 88;
        let (fields, size) = (self.layout.fields(at), i64::from(size));
        if size == i64::from(WITH_PARENT) {
            sink.edge(self.memory.pointer(fields.at(24))?, Via::Field("parent"), true);
        }
        sink.edge(self.memory.pointer(fields.at(size - 16))?, Via::Field("intern"), false);
        let handlers = self.memory.pointer(fields.at(size - 8))?;
        if handlers.is_null() {
            Ok(())
        } else {
            self.pointers(handlers, EVENTS, sink, |_| Via::Field("handlers"), true)
        }
    }
}
