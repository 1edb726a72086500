//! The second walk: rows and named references, written in order of address by both cores.

use std::ops::Range;
use std::sync::Mutex;

use memsight_model::{Address, Counts, Label, LabelKind, NameId, Names, ObjectFlags, ObjectId, ReadMemory, TypeId};

use crate::layout::Layout;
use crate::object::buffers::Size;
use crate::object::head::Head;
use crate::object::references::{Decoder, Sink, Via};
use crate::object::shapes::Shape;
use crate::object::sizes;
use crate::object::text;
use crate::object::types::{AddressMap, TypeTable};
use crate::rows::blocks::{Blocks, PoolIndex};
use crate::rows::claims::{Claims, Share, Source, data};
use crate::walk::generations::{GC_HEAD, PREV_FINALIZED, Tracked};
use crate::walk::scene::Scene;
use crate::walk::slots::{Bits, Ranks, Slot, Slots};
use crate::walk::window::Window;

/// Characters kept of names of attributes and variables.
const NAME_CAP: u64 = 120;

/// What all workers share.
pub(crate) struct Shared<'a, M> {
    pub scene: &'a Scene<'a, M>,
    pub types: &'a TypeTable,
    pub ranks: &'a Ranks,
    /// Until the second walk is done.
    pub tracked: Tracked,
    /// The str objects that name closure cells, by the cell's address.
    pub cells: AddressMap<Address>,
    pub names: &'a Mutex<Names>,
    /// Where small objects are, when their blocks are to be counted.
    pub pools: Option<&'a PoolIndex<'a>>,
    /// The C heap's blocks, when those of objects are to be claimed, and what else is noted of C memory then.
    pub claims: Option<&'a Claims<'a>>,
}

/// An object that has to do with code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded {
    pub id: ObjectId,
    pub at: Address,
    pub role: Role,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Code,
    /// A function, where code does not know its qualified name.
    Function,
    Generator,
}

impl Role {
    /// The role of the instances of a type.
    pub fn of(shape: &Shape, layout: &Layout) -> Option<Role> {
        match shape {
            Shape::Code => Some(Role::Code),
            Shape::Generator(_) => Some(Role::Generator),
            Shape::Function if layout.code.qualname.is_none() => Some(Role::Function),
            _ => None,
        }
    }
}

/// What a worker found beside what it wrote in place.
#[derive(Default)]
pub(crate) struct Rows {
    /// Sizes that need more than 32 bits.
    pub large: Vec<(ObjectId, u64)>,
    pub external: Vec<(ObjectId, u64)>,
    /// Reference counts that need more than a byte.
    pub counts: Vec<(ObjectId, u32)>,
    /// Strings that will never be freed, for they are interned for good.
    pub interned: Vec<ObjectId>,
    /// Code, and what runs it.
    pub coded: Vec<Coded>,
    /// Objects of which something could not be read.
    pub partial: u64,
    /// Blocks of pymalloc that objects and their buffers take.
    pub blocks: Blocks,
    /// Bytes of objects that are not in memory.
    pub untouched: Vec<Share>,
    /// Objects from which C memory is found.
    pub sources: Vec<Source>,
    /// Data of objects that is no block of an allocator.
    pub data: Vec<Range<u64>>,
}

/// Where a worker writes its references: its part of the big arrays.
pub(crate) struct Part<'r> {
    pub chunks: std::ops::Range<usize>,
    /// Number of the part's first object and of its first reference.
    pub first_object: u32,
    pub first_edge: u32,
    /// Rows of the part's objects; `ends` is where the references of each end.
    pub ends: &'r mut [u32],
    pub types: &'r mut [TypeId],
    pub shallow: &'r mut [u32],
    pub refcounts: &'r mut [u8],
    pub flags: &'r mut [ObjectFlags],
    pub targets: &'r mut [ObjectId],
    pub labels: &'r mut [Label],
}

impl<M: ReadMemory> Shared<'_, M> {
    /// Fills a part, and marks the objects that are keys of dictionaries in `keys`.
    pub fn fill(
        &self,
        part: Part<'_>,
        keys: &mut Bits,
        window: &Window<'_, M>,
        decoder: &Decoder<Window<'_, M>>,
    ) -> Rows {
        let mut found = Rows::default();
        let mut writer = Writer {
            shared: self,
            used: 0,
            targets: part.targets,
            labels: part.labels,
            keys,
            broken: false,
            inferred: false,
            str_names: AddressMap::default(),
            field_names: AddressMap::default(),
        };
        for (row, slot) in self.ranks.bits.ones(Slots::slots_of(part.chunks)).enumerate() {
            let (Some(end), Some(type_), Some(shallow), Some(refcount), Some(flags)) = (
                part.ends.get_mut(row),
                part.types.get_mut(row),
                part.shallow.get_mut(row),
                part.refcounts.get_mut(row),
                part.flags.get_mut(row),
            ) else {
                break;
            };
            let id = ObjectId(part.first_object + row as u32);
            window.turn_to(self.scene.slots.address(slot));
            let object = self.object(slot, decoder, &mut writer);
            found.note(id, self.scene.slots.address(slot), &object);
            self.note_blocks(&mut found, decoder, id, self.scene.slots.address(slot), &object);
            (*type_, *flags) = (object.type_, object.flags);
            *refcount = Counts::byte(object.refcount);
            *shallow = object.size.shallow.min(u64::from(u32::MAX)) as u32;
            // Memory that changed between the walks (never a frozen copy) leaves references out; none is invented.
            *end = part.first_edge + writer.used as u32;
        }
        found
    }

    fn object(&self, slot: Slot, decoder: &Decoder<Window<'_, M>>, writer: &mut Writer<'_, '_, M>) -> Object {
        let (memory, layout) = (decoder.memory, self.scene.layout);
        let at = self.scene.slots.address(slot);
        let head = Head::read(memory, layout, at).ok();
        let kind = head.and_then(|head| self.types.known(head.type_));
        let (refcount, immortal) = head.map_or((0, false), |head| (head.refcount(), head.is_immortal()));
        let mut flags = ObjectFlags(if immortal { ObjectFlags::IMMORTAL } else { 0 });
        if let Some(generation) = self.tracked.generation(slot).or_else(|| head?.generation()) {
            flags = flags.with_generation(generation);
            // A free-threaded build has no links: the head of the object tells.
            let finalised = match head.filter(|_| layout.is_free_threaded()) {
                Some(head) => head.is_finalised(),
                None => memory.word(at.at(8 - GC_HEAD as i64)).is_ok_and(|link| link & PREV_FINALIZED != 0),
            };
            flags.0 |= if finalised { ObjectFlags::FINALIZED } else { 0 };
        }
        (writer.broken, writer.inferred) = (kind.is_none(), false);
        let (mut size, mut interned, mut role) = (Size::default(), false, None);
        if let Some(row) = kind {
            let info = &self.types.infos[row as usize];
            decoder.references(at, info, writer);
            writer.inferred |= !info.exact;
            size = sizes::of(memory, layout, at, info).unwrap_or_else(|_| {
                writer.broken = true;
                Size { shallow: info.basicsize, external: 0 }
            });
            role = Role::of(&info.shape, layout);
            let is_str = matches!(info.shape, Shape::Str);
            interned = is_str && (immortal || self.interned_for_good(memory, at)) && !self.scene.is_static(at);
            if let Shape::Generator(kind) = info.shape
                && decoder.stays_open(at, kind).unwrap_or(false)
            {
                flags.0 |= ObjectFlags::STAYS_OPEN;
            }
        }
        flags.0 |= if writer.inferred { ObjectFlags::INFERRED } else { 0 };
        flags.0 |= if writer.broken { ObjectFlags::PARTIAL } else { 0 };
        // Row 0 of the types is "unknown".
        Object { type_: TypeId(kind.map_or(0, |row| row + 1)), size, refcount, flags, interned, role }
    }

    /// Counts the blocks of an object; what of its buffers cannot be read is nobody's.
    fn note_blocks(
        &self,
        found: &mut Rows,
        decoder: &Decoder<Window<'_, M>>,
        id: ObjectId,
        at: Address,
        object: &Object,
    ) {
        let type_ = object.type_;
        let Some(info) = self.types.of(type_) else { return };
        if let Some(pools) = self.pools.filter(|pools| !pools.is_enough(info, object.size)) {
            let whole = || if self.scene.is_static(at) { 0 } else { object.size.shallow };
            let _ = found.blocks.note(pools, decoder, (id, type_), at, (info, whole));
        }
        let Some(claims) = self.claims else { return };
        let untouched = claims.note(decoder, at, info, object.size).unwrap_or(0);
        found.untouched.extend((untouched > 0).then_some((id, untouched)));
        found.sources.extend(claims.may_own(type_).then_some(Source { type_, id, at }));
        found.data.extend(data(decoder, at, info, object.size.external));
    }

    /// Up to 3.11 a string says that it is interned for good, and has one reference more for that
    /// (`PyUnicode_InternImmortal`); later it is immortal.
    fn interned_for_good(&self, memory: &Window<'_, M>, str: Address) -> bool {
        const STATE: u32 = 3;
        const IMMORTAL: u32 = 2;
        let layout = self.scene.layout;
        layout.minor <= 11
            && memory.u32(str.at(layout.unicode.state.into())).is_ok_and(|state| state & STATE == IMMORTAL)
    }

    /// The number of the object at an address.
    pub fn id_of(&self, address: Address) -> Option<ObjectId> {
        self.id_at(self.scene.slots.slot(address)?)
    }

    /// The number of the object at a slot.
    pub fn id_at(&self, slot: Slot) -> Option<ObjectId> {
        self.ranks.rank(slot).map(ObjectId)
    }

    /// Numbers of the objects in a range of addresses.
    pub fn objects_between(&self, start: Address, end: Address) -> impl Iterator<Item = ObjectId> {
        let range = self.scene.slots.between(start, end);
        let range = range.start & !63..range.end.next_multiple_of(64);
        self.ranks
            .bits
            .ones(range)
            .filter(move |slot| (start..end).contains(&self.scene.slots.address(*slot)))
            .filter_map(|slot| self.id_at(slot))
    }
}

/// The row of an object.
struct Object {
    type_: TypeId,
    size: Size,
    refcount: u32,
    flags: ObjectFlags,
    interned: bool,
    role: Option<Role>,
}

impl Rows {
    /// Keeps what is rare.
    fn note(&mut self, id: ObjectId, at: Address, object: &Object) {
        self.coded.extend(object.role.map(|role| Coded { id, at, role }));
        if object.size.shallow >= u64::from(u32::MAX) {
            self.large.push((id, object.size.shallow));
        }
        if Counts::byte(object.refcount) == Counts::LARGE {
            self.counts.push((id, object.refcount));
        }
        if object.size.external > 0 {
            self.external.push((id, object.size.external));
        }
        if object.interned {
            self.interned.push(id);
        }
        self.partial += u64::from(object.flags.has(ObjectFlags::PARTIAL));
    }
}

/// Turns the references of a part's objects into targets and labels.
struct Writer<'s, 'r, M> {
    shared: &'s Shared<'s, M>,
    used: usize,
    targets: &'r mut [ObjectId],
    labels: &'r mut [Label],
    keys: &'r mut Bits,
    broken: bool,
    inferred: bool,
    str_names: AddressMap<NameId>,
    /// By address and length, which is dearer to look up by content.
    field_names: AddressMap<NameId>,
}

impl<M: ReadMemory> Sink for Writer<'_, '_, M> {
    const NAMED: bool = true;

    fn edge(&mut self, target: Address, via: Via, traversed: bool) {
        let Some(target) = (!target.is_null()).then(|| self.shared.id_of(target)).flatten() else { return };
        let label = self.label(via);
        let label = if traversed { label } else { label.untraversed() };
        if let (Some(to), Some(name)) = (self.targets.get_mut(self.used), self.labels.get_mut(self.used)) {
            (*to, *name) = (target, label);
            self.used += 1;
        }
    }

    fn inexact(&mut self) {
        self.inferred = true;
    }

    fn partial(&mut self) {
        self.broken = true;
    }
}

impl<M: ReadMemory> Writer<'_, '_, M> {
    fn label(&mut self, via: Via) -> Label {
        let number = |kind, index: u64| Label::new(kind, u32::try_from(index).unwrap_or(u32::MAX));
        match via {
            Via::Field(name) => Label::new(LabelKind::Field, self.field_name(name).0),
            Via::Slot(name) => Label::new(LabelKind::Attribute, self.field_name(name).0),
            Via::Weak(name) => Label::new(LabelKind::Weak, self.field_name(name).0),
            Via::Attribute(name) => Label::new(LabelKind::Attribute, self.str_name(name).0),
            Via::Local(name) => Label::new(LabelKind::Local, self.str_name(name).0),
            Via::Cell(cell) => match self.shared.cells.get(&cell.0) {
                Some(name) => Label::new(LabelKind::Cell, self.str_name(*name).0),
                None => Label::new(LabelKind::Field, self.field_name("cell_contents").0),
            },
            Via::Index(index) => number(LabelKind::Index, index),
            Via::Key(index) => number(LabelKind::Key, index),
            Via::Member(index) => number(LabelKind::Member, index),
            Via::Stack(depth) => number(LabelKind::Stack, depth),
            Via::Value(key) => self.value_label(key),
            Via::Inferred(word) => {
                self.inferred = true;
                number(LabelKind::Inferred, word)
            }
        }
    }

    fn value_label(&mut self, key: Address) -> Label {
        let slot = self.shared.scene.slots.slot(key);
        let id = slot.and_then(|slot| self.shared.ranks.rank(slot));
        if let (Some(slot), Some(_)) = (slot, id) {
            self.keys.set(slot);
        }
        Label::new(LabelKind::Value, id.unwrap_or(u32::MAX))
    }

    fn field_name(&mut self, name: &'static str) -> NameId {
        let names = self.shared.names;
        let key = (name.as_ptr() as u64) ^ (name.len() as u64) << 56;
        *self.field_names.entry(key).or_insert_with(|| intern(names, name))
    }

    fn str_name(&mut self, name: Address) -> NameId {
        if name.is_null() {
            return NameId(0);
        }
        let shared = self.shared;
        *self.str_names.entry(name.0).or_insert_with(|| {
            let text = text::str_text(shared.scene.memory, shared.scene.layout, name, NAME_CAP);
            text.map_or(NameId(0), |text| intern(shared.names, &text))
        })
    }
}

pub(crate) fn intern(names: &Mutex<Names>, name: &str) -> NameId {
    names.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).intern(name)
}
