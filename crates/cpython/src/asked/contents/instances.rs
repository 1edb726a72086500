//! Instances of classes: what their attributes take in a `__dict__` or in inline values, and would take in slots.
//!
//! Source: `type_new_slots`, `_PyType_PreHeaderSize` (`Objects/typeobject.c`), `new_values`, `_PyInlineValuesSize`
//! (`Objects/dictobject.c`).

use std::collections::HashMap;

use memsight_model::{Address, Fault, InstanceLayout, ObjectKind, ReadMemory, TypeId};

use super::{Heap, Here, Walk};
use crate::layout::Layout;
use crate::object::dicts::DictView;
use crate::object::flag;
use crate::object::head::Head;
use crate::object::shapes::Shape;
use crate::object::sizes;
use crate::object::types::{DictPlace, TypeInfo};

/// What the instances of each class have in common, by row of the type table.
#[derive(Default)]
pub(super) struct Layouts(HashMap<u32, Sum>);

/// Instances of one class added up.
#[derive(Clone, Copy)]
struct Sum {
    instances: u64,
    bytes: u64,
    attributes: Attributes,
    weakly_referenced: bool,
    /// All instances alike so far.
    uniform: bool,
}

/// The attributes of an instance: how many, and a sum over their names, which are interned.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Attributes {
    count: u32,
    names: u64,
}

impl Attributes {
    fn add(&mut self, name: Address) {
        self.count += 1;
        self.names = self.names.wrapping_add(name.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    }
}

impl Layouts {
    fn add(&mut self, row: u32, one: Sum) {
        self.0.entry(row).and_modify(|sum| sum.merge(one)).or_insert(one);
    }

    pub(super) fn merge(&mut self, other: Layouts) {
        other.0.into_iter().for_each(|(row, sum)| self.add(row, sum));
    }

    /// The classes whose instances are all alike.
    pub(super) fn finish<M>(self, heap: &Heap<M>) -> Vec<InstanceLayout> {
        let alike = self.0.into_iter().filter(|(_, sum)| sum.uniform);
        let mut rows: Vec<InstanceLayout> = alike
            .filter_map(|(row, sum)| {
                let info = heap.types.infos.get(row.checked_sub(1)? as usize)?;
                let each = slots_size(info, heap.scene.layout, sum.attributes.count, sum.weakly_referenced);
                Some(InstanceLayout {
                    type_id: TypeId(row),
                    instances: sum.instances,
                    attributes: sum.attributes.count,
                    weakly_referenced: sum.weakly_referenced,
                    bytes: sum.bytes,
                    slots_bytes: each.saturating_mul(sum.instances),
                })
            })
            .collect();
        rows.sort_unstable_by_key(|row| row.type_id);
        rows
    }
}

impl Sum {
    fn merge(&mut self, other: Sum) {
        self.uniform &= other.uniform && self.attributes == other.attributes;
        self.instances += other.instances;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.weakly_referenced |= other.weakly_referenced;
    }
}

/// An instance of a class with `__slots__`: heads, the struct without the dictionary's pointer, a word an attribute.
fn slots_size(info: &TypeInfo, layout: &Layout, attributes: u32, weakly_referenced: bool) -> u64 {
    const WORD: u64 = 8;
    // `PyGC_Head`: every class of a `class` statement has the collector's flag, with slots or without.
    let head = if layout.is_free_threaded() { 0 } else { 16 };
    let dict = if matches!(info.dict, DictPlace::Offset(_)) { WORD } else { 0 };
    let managed = layout.minor >= 12;
    let weakref = if !managed && info.weaklistoffset > 0 && !weakly_referenced { WORD } else { 0 };
    let body = info.basicsize.saturating_sub(dict + weakref) + WORD * u64::from(attributes);
    let preheader = if managed && weakly_referenced { 16 } else { 0 };
    head + preheader + body
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    /// Adds an instance of a class that extends nothing but `object` and has a `__dict__`.
    pub(super) fn instance(&mut self, here: Here<'a>) {
        let plain = matches!(here.info.shape, Shape::Object) && here.info.itemsize == 0;
        if !plain || here.info.dict == DictPlace::None || matches!(here.info.dict, DictPlace::Offset(..=0)) {
            return;
        }
        self.window.turn_to(here.at);
        let mut attributes = Attributes::default();
        let storage = self.storage(here, &mut attributes);
        let weakrefs = self.heap.scene.layout.managed_weakrefs();
        let weak = match here.info.weaklistoffset {
            _ if self.heap.scene.layout.minor >= 12 => {
                here.info.has(flag::MANAGED_WEAKREF)
                    && self.window.word(here.at.at(weakrefs)).is_ok_and(|list| list != 0)
            }
            1.. => self.window.word(here.at.at(here.info.weaklistoffset)).is_ok_and(|list| list != 0),
            _ => false,
        };
        let shallow = self.heap.objects.shallow.get(here.id);
        let sum = Sum {
            instances: 1,
            bytes: shallow.saturating_add(storage.unwrap_or(0)),
            attributes,
            weakly_referenced: weak,
            uniform: storage.is_ok(),
        };
        if let Some(row) = self.heap.objects.types.get(here.id.index()) {
            self.found.layouts.add(row.0, sum);
        }
    }

    /// Bytes that hold the attributes beside the instance. A fault for what slots could not stand in for.
    fn storage(&self, here: Here<'a>, attributes: &mut Attributes) -> Result<u64, Fault> {
        let (memory, at, info) = (&self.window, here.at, here.info);
        let minor = self.heap.scene.layout.minor;
        if let DictPlace::Offset(offset) = info.dict {
            return self.dict(memory.pointer(at.at(offset))?, attributes);
        }
        let word = memory.word(at.at(self.heap.scene.layout.managed_dict()))?;
        let loose = match minor {
            ..=11 => memory.word(at.at(-32))?,
            12 if word & 1 == 1 => word + 1,
            _ => 0,
        };
        if loose != 0 {
            self.values(Address(loose), info.attributes.len() as u64, info, attributes)?;
            return self.loose_size(Address(loose), info);
        }
        if minor < 13 || !info.has(flag::INLINE_VALUES) {
            return self.dict(Address(word), attributes);
        }
        // `_dictvalues` behind the object: capacity, size, embedded, valid
        let values = at.at(info.basicsize as i64);
        let (capacity, valid) = (u64::from(memory.u8(values)?), memory.u8(values.at(3))? != 0);
        let inline = capacity.next_multiple_of(8) + 8 * (capacity + 1);
        if valid && word == 0 {
            self.values(values.at(8), capacity, info, attributes)?;
            return Ok(inline);
        }
        Ok(inline + self.dict(Address(word), attributes)?)
    }

    /// Bytes of values that stand on their own (3.11, 3.12). The room shrinks while the first instances are made; what
    /// is left of it then is the size of the head, which tells it to 8 values: the least is taken.
    fn loose_size(&self, values: Address, info: &TypeInfo) -> Result<u64, Fault> {
        let head = u64::from(self.window.u8(values.at(-1))?);
        let least = (head + 1).saturating_sub(2 + 8);
        Ok(head + 8 * info.attribute_room.max(least))
    }

    /// Attributes in values named by the type's shared keys.
    fn values(&self, first: Address, room: u64, info: &TypeInfo, attributes: &mut Attributes) -> Result<(), Fault> {
        for (index, name) in info.attributes.iter().enumerate().take(room as usize) {
            if self.window.word(first.at(8 * index as i64))? != 0 {
                attributes.add(*name);
            }
        }
        Ok(())
    }

    /// Bytes of an instance's dictionary that stand nowhere else. A fault when it has another holder, too.
    fn dict(&self, dict: Address, attributes: &mut Attributes) -> Result<u64, Fault> {
        if dict.is_null() {
            return Ok(0);
        }
        let (memory, layout) = (self.heap.scene.memory, self.heap.scene.layout);
        let fault = Fault { at: dict, len: 8 };
        let head = Head::read(memory, layout, dict)?;
        let info = self.heap.types.known(head.type_).and_then(|row| self.heap.types.infos.get(row as usize));
        let info = info.filter(|info| info.kind == ObjectKind::Dict && !info.is_heap()).ok_or(fault)?;
        if head.refcount() != 1 {
            return Err(fault);
        }
        let view = DictView::read(memory, layout, dict)?;
        if view.keys.count > 1 << 12 {
            return Err(fault);
        }
        view.each(memory, view.keys.count, |_, name, _| attributes.add(name))?;
        let size = sizes::of(memory, layout, dict, info)?.shallow;
        Ok(match (view.values.is_some(), view.embedded) {
            (true, true) => size.saturating_sub(8 * view.keys.capacity),
            // `dict.__sizeof__` leaves out what stands before the values.
            (true, false) => size + prefix(view.keys.capacity, layout.minor),
            _ => size,
        })
    }
}

/// Bytes around loose values: the order in which they were set, and its length.
fn prefix(room: u64, minor: u8) -> u64 {
    match minor {
        ..=10 => 0,
        11 | 12 => (room + 2).next_multiple_of(8),
        _ => room.next_multiple_of(8) + 8,
    }
}
