//! Containers: the room in their tables, and the room that their items need.

use memsight_model::{Fault, ObjectKind, ReadMemory, Slack};

use super::{Here, Walk};
use crate::layout::Layout;
use crate::object::dicts::DictView;
use crate::object::shapes::Shape;

impl<'a, M: ReadMemory> Walk<'a, M> {
    /// Notes a container that is empty or has more room than a new one with its items would.
    pub(super) fn table(&mut self, here: Here<'a>) {
        self.window.turn_to(here.at);
        if let Ok(Some(row)) = slack(&self.window, self.heap.scene.layout, here)
            && (row.used == 0 || row.saved_bytes() > 0)
        {
            self.found.slack.push(row);
        }
    }
}

/// The table of a container; `None` for the values of an instance and while a list is being sorted.
fn slack<M: ReadMemory>(memory: &M, layout: &Layout, here: Here<'_>) -> Result<Option<Slack>, Fault> {
    let word = |offset: u16| memory.word(here.at.at(offset.into()));
    let (used, allocated, table_bytes, fit_bytes) = match here.info.kind {
        // list_new_prealloc: a copy has room for its items and no more
        ObjectKind::List => {
            let (used, allocated) = (word(layout.object.length)?, word(layout.list.allocated)?);
            if allocated > 1 << 44 || used > allocated {
                return Ok(None);
            }
            (used, allocated, 8 * allocated, 8 * used)
        }
        ObjectKind::Dict => return dict(memory, layout, here),
        ObjectKind::Set => {
            let (used, slots) = (word(layout.set.used)?, word(layout.set.mask)?.saturating_add(1));
            let small = word(layout.set.table)? == here.at.at(layout.set.smalltable.into()).0;
            let bytes = if small { 0 } else { slots.saturating_mul(16) };
            (used, slots, bytes, set_fit(used))
        }
        ObjectKind::Deque => {
            let (table, used) = (&layout.deque, word(layout.object.length)?);
            let (len, size) = (u64::from(table.block_len.max(1)), u64::from(table.block_size));
            // deque_extend: into an empty deque from the second place of a block on
            let blocks = |index: u64| index.saturating_add(used).div_ceil(len);
            let (now, fresh) = (blocks(word(table.leftindex)?), blocks(1));
            (used, now.saturating_mul(len), now.saturating_mul(size), fresh.saturating_mul(size))
        }
        ObjectKind::ByteArray => {
            let (used, alloc) = (word(layout.object.length)?, word(layout.bytearray.alloc)?);
            // From 3.15 the final zero is part of a bytes object.
            let end = u64::from(layout.bytearray.bytes_object.is_none() && used > 0);
            (used, alloc, alloc, used.saturating_add(end))
        }
        _ => return Ok(None),
    };
    Ok(Some(Slack { object: here.id, used, allocated, table_bytes, fit_bytes }))
}

fn dict<M: ReadMemory>(memory: &M, layout: &Layout, here: Here<'_>) -> Result<Option<Slack>, Fault> {
    let view = DictView::read(memory, layout, here.at)?;
    let used = memory.word(here.at.at(layout.dict.used.into()))?;
    if view.values.is_some() || used > view.keys.usable {
        return Ok(None);
    }
    // The table of the empty dictionary is shared by all.
    let own = view.keys.refcount == 1 && view.keys.slots() > 1;
    // Up to 3.9 only `{}` shares it: what else is called to make a dictionary gets a table at once (`dict_new`).
    let called = layout.minor <= 9 && (here.info.is_heap() || !matches!(here.info.shape, Shape::Dict));
    let entries = used.max(u64::from(called));
    let (mut bytes, mut fit) = if own { (view.keys.size, view.keys.least_size(layout, entries)) } else { (0, 0) };
    if let Shape::OrderedDict = here.info.shape {
        // od_fast_nodes: a word for each slot of the table
        bytes += memory.word(here.at.at(layout.ordered_dict.fast_nodes_size.into()))?.min(1 << 40) * 8;
        fit += if used > 0 { 8 * crate::object::dicts::least_slots(used) } else { 0 };
    }
    let row = Slack { object: here.id, used, allocated: view.keys.usable, table_bytes: bytes, fit_bytes: fit };
    Ok(Some(row))
}

/// `set_merge` into an empty set (`Objects/setobject.c`): up to 4 members stay in the table of 8 inside the set, others
/// get a power of two above twice their number.
fn set_fit(used: u64) -> u64 {
    const SMALL: u64 = 8;
    match used {
        0..=4 => 0,
        _ => match used.saturating_mul(2).saturating_add(1).checked_next_power_of_two().unwrap_or(u64::MAX) {
            ..=SMALL => 0,
            slots => slots.saturating_mul(16),
        },
    }
}
