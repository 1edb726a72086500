//! Containers: tuple, list, dict and its kin, set, deque.

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::object::dicts::DictView;
use crate::object::types::TypeInfo;

impl<M: ReadMemory> Decoder<'_, M> {
    /// `Objects/tupleobject.c`; struct sequences have hidden items behind the visible ones.
    pub(super) fn tuple<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        let visible = self.length(at)?;
        let count = info.sequence_fields.map_or(visible, |fields| fields.max(visible));
        self.pointers(at.at(self.layout.tuple.items.into()), count, sink, Via::Index, true)
    }

    /// `Objects/listobject.c`.
    pub(super) fn list<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let count = self.length(at)?;
        let allocated = self.memory.word(at.at(self.layout.list.allocated.into()))?;
        if count == 0 {
            return Ok(());
        }
        if count > allocated {
            return Err(Fault { at, len: 8 });
        }
        self.pointers(self.memory.pointer(at.at(self.layout.list.items.into()))?, count, sink, Via::Index, true)
    }

    /// `Objects/dictobject.c`: the collector sees the values, and the keys of tables that hold other keys than str.
    pub(super) fn dict<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let view = DictView::read(self.memory, self.layout, at)?;
        if view.embedded && self.values_by_owner() {
            return Ok(());
        }
        let split = view.values.is_some();
        let general = !split && self.traverses_keys(&view)?;
        let count = self.afford(2 * view.keys.count) / 2;
        view.each(self.memory, count, |index, key, value| {
            sink.edge(value, Via::Value(key), true);
            // The names of a split table belong to the type (`ht_cached_keys`).
            if !split {
                sink.edge(key, Via::Key(index), general);
            }
        })?;
        if count < view.keys.count { Err(Fault { at, len: 8 }) } else { Ok(()) }
    }

    /// Whether `dict_traverse` reports the keys. From 3.11 the table says its kind; before, `dk_lookup` tells, which
    /// is known only by what it does: a table with a key that is no exact str uses the general lookup.
    fn traverses_keys(&self, view: &DictView) -> Result<bool, Fault> {
        use crate::layout::DictKeys;
        const DK_LOOKUP: i64 = 16;
        match self.layout.dict_keys {
            DictKeys::Bytes { .. } => Ok(!view.keys.unicode),
            DictKeys::Words { .. } => Ok(self.memory.word(view.keys.at.at(DK_LOOKUP))? == self.general_lookup),
        }
    }

    /// `Objects/odictobject.c`: nodes hold the keys a second time.
    pub(super) fn ordered_dict<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.ordered_dict;
        self.dict(at, sink)?;
        self.field(at, table.inst_dict, "__dict__", true, sink)?;
        let mut node = self.memory.pointer(at.at(table.first.into()))?;
        let mut index = 0;
        while !node.is_null() {
            if self.afford(4) < 4 {
                return Err(Fault { at, len: 8 });
            }
            sink.edge(self.memory.pointer(node.at(table.node_key.into()))?, Via::Key(index), true);
            node = self.memory.pointer(node.at(table.node_next.into()))?;
            index += 1;
        }
        Ok(())
    }

    /// `Modules/_collectionsmodule.c`.
    pub(super) fn default_dict<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        self.field(at, self.layout.default_factory, "default_factory", true, sink)?;
        self.dict(at, sink)
    }

    /// `Objects/setobject.c`: entries of key and hash; a dummy has hash -1.
    pub(super) fn set<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.set;
        let slots = self.memory.word(at.at(table.mask.into()))?.saturating_add(1);
        let entries = self.memory.pointer(at.at(table.table.into()))?;
        let granted = self.afford(slots.saturating_mul(2)) / 2;
        for index in 0..granted {
            let entry = entries.at(16 * index as i64);
            let key = self.memory.pointer(entry)?;
            if !key.is_null() && self.memory.signed(entry.at(8))? != -1 {
                sink.edge(key, Via::Member(index), true);
            }
        }
        if granted < slots { Err(Fault { at, len: 8 }) } else { Ok(()) }
    }

    /// `Modules/_collectionsmodule.c`: blocks linked to the right, items from `leftindex` on.
    pub(super) fn deque<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let table = &self.layout.deque;
        let count = self.length(at)?;
        let mut block = self.memory.pointer(at.at(table.leftblock.into()))?;
        let mut index = self.memory.word(at.at(table.leftindex.into()))?;
        for item in 0..count {
            if index >= u64::from(table.block_len) {
                block = self.memory.pointer(block.at(table.block_right.into()))?;
                index = 0;
            }
            if self.afford(1) == 0 {
                return Err(Fault { at, len: 8 });
            }
            let slot = block.at(i64::from(table.block_data) + 8 * index as i64);
            sink.edge(self.memory.pointer(slot)?, Via::Index(item), true);
            index += 1;
        }
        Ok(())
    }
}
