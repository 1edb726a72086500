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
    slots: u64,
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
        /// Every field of either shape stands in the first five words.
        const HEAD: usize = 5;
        let mut head = [0u64; HEAD];
        memory.fill(at, &mut head)?;
        let word = |offset: u16| head.get(usize::from(offset) / 8).copied().unwrap_or(0);
        let byte = |offset: u16| (word(offset) >> (8 * (offset % 8))) as u8;
        let fault = Fault { at, len: 8 };
        let (slots, width, entry, count, free) = match layout.dict_keys {
            DictKeys::Words { size, usable, nentries, indices } => {
                let slots = word(size);
                let width = match slots {
                    0..=0xff => 1,
                    0x100..=0xffff => 2,
                    0x1_0000..=0xffff_ffff => 4,
                    _ => 8,
                };
                let table = slots.checked_mul(width).ok_or(fault)?;
                (slots, u64::from(indices).saturating_add(table), (24, 8, true), word(nentries), word(usable))
            }
            DictKeys::Bytes { log2_size, log2_index_bytes, kind, usable, nentries, indices } => {
                let (slots, bytes) = (byte(log2_size), byte(log2_index_bytes));
                if slots > 40 || bytes > 43 {
                    return Err(fault);
                }
                let entry = if byte(kind) == 0 { (24, 8, false) } else { (16, 0, true) };
                (1 << slots, u64::from(indices) + (1 << bytes), entry, word(nentries), word(usable))
            }
        };
        if slots > 1 << 40 || count > slots {
            return Err(fault);
        }
        let (stride, key_at, unicode) = entry;
        let usable = (slots << 1) / 3;
        Ok(KeysView {
            at,
            entries: at.checked_add(width).ok_or(fault)?,
            count,
            usable,
            capacity: count.saturating_add(free).min(slots),
            slots,
            stride,
            key_at,
            unicode,
            refcount: head[0] as i64,
            size: width + stride * usable,
        })
    }

    /// Tells key and own value of the entries in `range` (the values of a split table are elsewhere).
    fn each<M: ReadMemory>(
        &self,
        memory: &M,
        range: std::ops::Range<u64>,
        mut tell: impl FnMut(u64, Address, Address),
    ) -> Result<(), Fault> {
        const BLOCK: u64 = 32;
        let step = (self.stride / 8) as usize;
        let mut words = [0u64; 3 * BLOCK as usize];
        let mut first = range.start;
        while first < range.end {
            let count = BLOCK.min(range.end - first);
            let block = &mut words[..step * count as usize];
            memory.fill(self.entries.at((first * self.stride) as i64), block)?;
            for (i, entry) in block.chunks_exact(step).enumerate() {
                let key = (self.key_at / 8) as usize;
                tell(first + i as u64, Address(entry[key]), Address(entry[key + 1]));
            }
            first += count;
        }
        Ok(())
    }

    /// Slots of the index table.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// Bytes of the least table of the same kind that takes that many entries (`calculate_log2_keysize`); none for an
    /// empty dictionary, which shares one.
    pub fn least_size(&self, layout: &Layout, entries: u64) -> u64 {
        if entries == 0 {
            return 0;
        }
        let head = match layout.dict_keys {
            DictKeys::Words { indices, .. } | DictKeys::Bytes { indices, .. } => u64::from(indices),
        };
        let slots = least_slots(entries);
        let width = match slots {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        };
        head + slots * width + self.stride * ((slots << 1) / 3)
    }

    /// The keys of the first `count` entries, null where there is none.
    pub fn names<M: ReadMemory>(&self, memory: &M, count: u64) -> Result<Vec<Address>, Fault> {
        let mut names = Vec::new();
        self.each(memory, 0..count.min(self.count), |_, key, _| names.push(key))?;
        Ok(names)
    }
}

/// Slots of the least table that takes that many entries: `PyDict_MINSIZE` or more, two thirds of which can be used.
pub(crate) fn least_slots(entries: u64) -> u64 {
    const LEAST: u64 = 8;
    let mut slots = LEAST;
    while (slots << 1) / 3 < entries && slots < 1 << 60 {
        slots <<= 1;
    }
    slots
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
        // ma_keys and ma_values stand side by side in every version.
        let mut pointers = [0; 2];
        memory.fill(dict.at(layout.dict.keys.into()), &mut pointers)?;
        let mut keys = KeysView::read(memory, layout, Address(pointers[0]))?;
        let values = Address(pointers[1]);
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

    /// Tells key and value of the first `count` entries that hold a value, with the number of the entry.
    pub fn each<M: ReadMemory>(
        &self,
        memory: &M,
        count: u64,
        mut tell: impl FnMut(u64, Address, Address),
    ) -> Result<(), Fault> {
        let count = count.min(self.keys.count);
        let Some(values) = self.values else {
            return self.keys.each(memory, 0..count, |index, key, value| {
                if !value.is_null() {
                    tell(index, key, value);
                }
            });
        };
        let mut fault = None;
        self.keys.each(memory, 0..count, |index, key, _| match memory.pointer(values.at(8 * index as i64)) {
            Ok(value) if !value.is_null() => tell(index, key, value),
            Ok(_) => {}
            Err(error) => fault = Some(error),
        })?;
        fault.map_or(Ok(()), Err)
    }
}
