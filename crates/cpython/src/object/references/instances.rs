//! What classes add to an object: `__slots__` members and `__dict__`, wherever the version keeps it.
//!
//! Source: `subtype_traverse` (`Objects/typeobject.c`), `_PyObject_VisitInstanceAttributes` /
//! `PyObject_VisitManagedDict` (`Objects/dictobject.c`).

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::object::flag;
use crate::object::types::{DictPlace, TypeInfo};

impl<M: ReadMemory> Decoder<'_, M> {
    pub(super) fn instance<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        for &(offset, name) in &info.slots {
            sink.edge(self.memory.pointer(at.at(offset.into()))?, Via::Slot(name), info.is_gc());
        }
        match info.dict {
            DictPlace::None => Ok(()),
            DictPlace::Offset(offset) => {
                let offset = if offset < 0 { offset + self.end_of_items(at, info)? } else { offset };
                sink.edge(self.memory.pointer(at.at(offset))?, Via::Field("__dict__"), info.is_gc());
                Ok(())
            }
            DictPlace::Managed => self.managed_dict(at, info, sink),
        }
    }

    /// Bytes of an object with its items, rounded up to words: where a negative `tp_dictoffset` counts from.
    fn end_of_items(&self, at: Address, info: &TypeInfo) -> Result<i64, Fault> {
        let items = self.length(at)?.checked_mul(info.itemsize).filter(|bytes| *bytes < 1 << 40);
        let bytes = items.ok_or(Fault { at, len: 8 })? + info.basicsize;
        Ok(bytes.next_multiple_of(8) as i64)
    }

    fn managed_dict<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        let word = self.memory.word(at.at(self.layout.managed_dict()))?;
        match self.layout.minor {
            ..=11 => {
                // 3.11: the values at -32, the dictionary at -24.
                let values = self.memory.pointer(at.at(-32))?;
                if !values.is_null() {
                    self.values(values, info, sink, true)?;
                }
                sink.edge(Address(word), Via::Field("__dict__"), true);
            }
            // 3.12: one word, tagged when it points to values.
            12 if word & 1 == 1 => self.values(Address(word + 1), info, sink, true)?,
            12 => sink.edge(Address(word), Via::Field("__dict__"), true),
            _ => {
                let inline = info.has(flag::INLINE_VALUES) && self.inline_values(at, info, word == 0, sink)?;
                sink.edge(Address(word), Via::Field("__dict__"), !(inline && self.values_by_owner()));
            }
        }
        Ok(())
    }

    /// 3.13 and later: `_dictvalues` behind the object (capacity, size, embedded, valid; values from +8). Returns
    /// whether they are valid. With a dictionary they are reached through it, but for 3.13.0 to 3.13.4.
    fn inline_values<S: Sink>(&self, at: Address, info: &TypeInfo, alone: bool, sink: &mut S) -> Result<bool, Fault> {
        let head = at.at(info.basicsize as i64);
        let valid = self.memory.u8(head.at(3))? != 0;
        if valid && (alone || self.values_by_owner()) {
            self.values(head.at(8), info, sink, true)?;
        }
        Ok(valid)
    }

    /// Values named by the type's shared keys.
    fn values<S: Sink>(&self, first: Address, info: &TypeInfo, sink: &mut S, traversed: bool) -> Result<(), Fault> {
        const BLOCK: usize = 32;
        let mut words = [0u64; BLOCK];
        for (i, names) in info.attributes.chunks(BLOCK).enumerate() {
            let block = &mut words[..self.afford(names.len() as u64) as usize];
            self.memory.fill(first.at((8 * BLOCK * i) as i64), block)?;
            for (value, name) in block.iter().zip(names) {
                sink.edge(Address(*value), Via::Attribute(*name), traversed);
            }
        }
        Ok(())
    }
}
