//! Dictionaries (`Objects/dictobject.c`): where the entries are, whichever shape the table has.

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::{DictKeys, Layout};

/// A keys object (`PyDictKeysObject`) as read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeysView {
    /// The keys object.
    pub at: Address,
    /// First entry.
    entries: Address,
    /// Used entries, deleted ones included.
    pub count: u64,
    /// Entries that fit before the table must grow, used ones included (`USABLE_FRACTION`).
    pub usable: u64,
    /// Entries used or usable (`shared_keys_usable_size`).
    pub capacity: u64,
    stride: u64,
    key_at: u64,
    /// All keys are exact str, and the table knows it.
    pub unicode: bool,
    /// `dk_refcnt`.
    pub refcount: i64,
    /// Bytes of the whole object (`_PyDict_KeysSize`).
    pub size: u64,
}

impl KeysView {
    /// Reads the head of a keys object. Wild sizes end up as a fault or a small table, never as a long walk.
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<KeysView, Fault> {
        let fault = Fault { at, len: 8 };
        let refcount = memory.signed(at)?;
        match layout.dict_keys {
            DictKeys::Words { size, usable, nentries, indices } => {
                let slots = memory.word(at.at(size.into()))?;
                let free = memory.word(at.at(usable.into()))?;
                let count = memory.word(at.at(nentries.into()))?;
                let width = match slots {
                    0..=0xff => 1,
                    0x100..=0xffff => 2,
                    0x1_0000..=0xffff_ffff => 4,
                    _ => 8,
                };
                if slots > 1 << 40 || count > slots {
                    return Err(fault);
                }
                let (head, usable) = (u64::from(indices) + slots * width, (slots << 1) / 3);
                let (entries, size) = (at.checked_add(head).ok_or(fault)?, head + 24 * usable);
                let capacity = count.saturating_add(free).min(slots);
                Ok(KeysView {
                    at,
                    entries,
                    count,
                    usable,
                    capacity,
                    stride: 24,
                    key_at: 8,
                    unicode: true,
                    refcount,
                    size,
                })
            }
            DictKeys::Bytes { log2_size, log2_index_bytes, kind, usable, nentries, indices } => {
                let (slots, bytes) = (memory.u8(at.at(log2_size.into()))?, memory.u8(at.at(log2_index_bytes.into()))?);
                let general = memory.u8(at.at(kind.into()))? == 0;
                let free = memory.word(at.at(usable.into()))?;
                let count = memory.word(at.at(nentries.into()))?;
                if slots > 40 || bytes > 43 || count > 1 << slots {
                    return Err(fault);
                }
                let (head, usable) = (u64::from(indices) + (1 << bytes), (2u64 << slots) / 3);
                let (stride, key_at) = if general { (24, 8) } else { (16, 0) };
                let (entries, size) = (at.checked_add(head).ok_or(fault)?, head + stride * usable);
                let capacity = count.saturating_add(free).min(1 << slots);
                Ok(KeysView { at, entries, count, usable, capacity, stride, key_at, unicode: !general, refcount, size })
            }
        }
    }

    /// Key and own value of entry `index` (the value of a split table is elsewhere).
    pub fn entry<M: ReadMemory>(&self, memory: &M, index: u64) -> Result<(Address, Address), Fault> {
        let at = self.entries.at((index * self.stride + self.key_at) as i64);
        Ok((memory.pointer(at)?, memory.pointer(at.at(8))?))
    }
}

/// A dictionary as read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DictView {
    pub keys: KeysView,
    /// First value of a split table.
    pub values: Option<Address>,
    /// The values stand inside the instance that the dictionary belongs to (3.13 and later).
    pub embedded: bool,
}

impl DictView {
    /// Reads the head of a dictionary.
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, dict: Address) -> Result<DictView, Fault> {
        let keys = memory.pointer(dict.at(layout.dict.keys.into()))?;
        let mut keys = KeysView::read(memory, layout, keys)?;
        let values = memory.pointer(dict.at(layout.dict.values.into()))?;
        if values.is_null() {
            return Ok(DictView { keys, values: None, embedded: false });
        }
        // 3.13 put a head of 8 bytes (capacity, size, embedded, valid) before the values.
        let headed = layout.minor >= 13;
        let mut embedded = false;
        if headed {
            let capacity = memory.u8(values)?;
            embedded = memory.u8(values.at(2))? != 0;
            keys.count = keys.count.min(u64::from(capacity));
        }
        let values = if headed { values.at(8) } else { values };
        Ok(DictView { keys, values: Some(values), embedded })
    }

    /// Key and value of entry `index`; a null value means that the entry is free.
    pub fn entry<M: ReadMemory>(&self, memory: &M, index: u64) -> Result<(Address, Address), Fault> {
        let (key, value) = self.keys.entry(memory, index)?;
        match self.values {
            Some(values) => Ok((key, memory.pointer(values.at(8 * index as i64))?)),
            None => Ok((key, value)),
        }
    }
}
