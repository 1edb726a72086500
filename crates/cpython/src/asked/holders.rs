//! What holds objects from outside the heap: counted references of the interpreter, and words of C memory that may be
//! references.
//!
//! C code tells nobody of its references. A word of its static data or of a thread's stack that equals the address of
//! a known object may be one: enough to say who may hold a reference that nothing else explains, never enough to say
//! that it does.

use std::collections::{BTreeMap, BTreeSet};

use memsight_model::{
    Address, Holder, HolderKind, NameId, ObjectFlags, ObjectId, ObjectKind, ObjectTable, ReadMemory, Root, RootKind,
    Snapshot, TypeRecord,
};

use crate::asked::places::{Place, readable};
use crate::layout::Layout;
use crate::object::dicts::DictView;
use crate::object::references::saved_stack;
use crate::object::text;
use crate::rows::emit::{Shared, intern};
use crate::walk::roots::{RootName, Seed};
use crate::walk::scene::Scene;
use crate::walk::slots::Slots;

/// Words looked at in memory that a word of a stack, of a module's state or of a capsule points to.
const STACK_REACH: u64 = 8;
const STATE_REACH: u64 = 64;

/// The bytes that a `PyBytesWriter` fills, which a word of a stack leads to while `os.read` and its kin wait (3.15 and
/// later; `Include/internal/pycore_bytesobject.h`): behind its small buffer.
pub(crate) fn written<M: ReadMemory>(memory: &M, layout: &Layout, writer: Address) -> Option<Address> {
    const OBJECT: i64 = 256;
    memory.pointer(writer.at(OBJECT)).ok().filter(|_| layout.minor >= 15)
}

/// Up to 3.11 the table of interned strings is a static variable: a dictionary of strings, each its own value.
pub(crate) fn interned_strings<M: ReadMemory>(scene: &Scene<M>, places: &[Place]) -> Option<Seed> {
    /// A program that runs has interned more.
    const LEAST: u64 = 256;
    /// Entries looked at.
    const SAMPLE: u64 = 64;
    let (memory, layout) = (scene.memory, scene.layout);
    if layout.minor >= 12 {
        return None;
    }
    let is_table = |dict: Address| {
        let Ok(view) = DictView::read(memory, layout, dict) else { return false };
        let (mut same, mut all) = (0, 0);
        let read = view.keys.count >= LEAST
            && view
                .each(memory, SAMPLE, |_, key, value| {
                    all += 1;
                    same += u64::from(key == value);
                })
                .is_ok();
        read && all > 0 && same == all
    };
    let mut found = None;
    for place in places.iter().filter(|place| place.kind == HolderKind::Variable || place.kind == HolderKind::State) {
        place.words(memory, |word| {
            if found.is_none() && scene.slots.slot(word).is_some() && is_table(word) {
                found = Some(word);
            }
        });
    }
    let name = RootName::Text("interned strings");
    found.map(|object| Seed { object, kind: RootKind::Interned, name, frame: None, thread: None, counted: true })
}

/// The holders of all mortal objects, sorted. Cost: a pass over the static data of all libraries and the stacks.
pub(crate) fn find<M: ReadMemory>(
    shared: &Shared<M>,
    snapshot: &Snapshot,
    seeds: &[Seed],
    places: &[Place],
) -> Vec<Holder> {
    let tables = Tables { types: &snapshot.types, objects: &snapshot.objects, roots: &snapshot.roots };
    let mut tally = Tally { shared, tables, found: BTreeMap::new() };
    for seed in seeds.iter().filter(|seed| seed.counted) {
        tally.note(seed.object, &Spot { kind: HolderKind::Counted, name: NameId(0), thread: seed.thread });
    }
    tally.note_kept();
    tally.note_special();
    tally.note_filter(seeds);
    tally.note_loose_keys();
    tally.note_greenlets();
    for place in places {
        let spot = Spot { kind: place.kind, name: intern(shared.names, &place.name), thread: place.thread };
        tally.scan(place, &spot);
    }
    let row = |((object, Spot { kind, name, thread }), count)| Holder { object, kind, count, name, thread };
    tally.found.into_iter().map(row).collect()
}

/// What is known of the objects by number.
#[derive(Clone, Copy)]
struct Tables<'a> {
    types: &'a [TypeRecord],
    objects: &'a ObjectTable,
    roots: &'a [Root],
}

/// Where a reference may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    kind: HolderKind,
    name: NameId,
    thread: Option<u32>,
}

struct Tally<'a, M> {
    shared: &'a Shared<'a, M>,
    tables: Tables<'a>,
    found: BTreeMap<(ObjectId, Spot), u32>,
}

impl<M: ReadMemory> Tally<'_, M> {
    fn type_of(&self, id: ObjectId) -> Option<&TypeRecord> {
        self.tables.types.get(self.tables.objects.types.get(id.index())?.0 as usize)
    }

    /// Notes a word when it is an object; whether it is one.
    fn note(&mut self, word: Address, spot: &Spot) -> bool {
        let id = self.shared.id_of(word);
        id.into_iter().for_each(|id| self.add(id, *spot));
        id.is_some()
    }

    fn add(&mut self, id: ObjectId, mut spot: Spot) {
        let flags = self.tables.objects.flags.get(id.index());
        if flags.is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL)) {
            return;
        }
        // Up to 3.10 the small ints are an array of the interpreter's, made at its start.
        let is_int = || self.type_of(id).is_some_and(|record| record.kind == ObjectKind::Int);
        if spot.kind == HolderKind::State && self.shared.scene.layout.minor <= 10 && is_int() {
            spot.kind = HolderKind::Permanent;
        }
        *self.found.entry((id, spot)).or_default() += 1;
    }

    /// The words of a place. Those of stacks and of modules' states that point to other memory of C are followed once:
    /// the start of a thread, the arrays of a module.
    fn scan(&mut self, place: &Place, spot: &Spot) {
        let memory = self.shared.scene.memory;
        let reach = match place.kind {
            HolderKind::Stack => STACK_REACH,
            HolderKind::Variable if place.is_state_of_module => STATE_REACH,
            _ => 0,
        };
        let mut followed = BTreeSet::new();
        place.words(memory, |word| {
            // What the state of a module itself refers to is the module's.
            let is_object =
                if place.is_state_of_module { self.shared.id_of(word).is_some() } else { self.note(word, spot) };
            let other = !is_object && reach > 0 && !place.contains(word);
            if other && word.0 % 8 == 0 && self.shared.scene.slots.slot(word).is_some() {
                followed.insert(word);
            }
        });
        for at in followed.into_iter().filter(|at| !self.shared.scene.is_static(*at)) {
            self.scan_words(at, reach, spot);
            if place.kind == HolderKind::Stack
                && let Some(bytes) = written(memory, self.shared.scene.layout, at)
            {
                self.note(bytes, spot);
            }
        }
    }

    fn scan_words(&mut self, at: Address, words: u64, spot: &Spot) {
        readable(self.shared.scene.memory, at, words, |word| {
            self.note(word, spot);
        });
    }

    /// Static objects, which live as long as their library, and strings interned for good.
    fn note_kept(&mut self) {
        let spot = |kind| Spot { kind, name: NameId(0), thread: None };
        for root in self.tables.roots {
            let is_str = || self.type_of(root.object).is_some_and(|record| record.kind == ObjectKind::Str);
            match root.kind {
                RootKind::Static => self.add(root.object, spot(HolderKind::Permanent)),
                RootKind::Interned if is_str() => self.add(root.object, spot(HolderKind::Counted)),
                _ => {}
            }
        }
    }

    /// In 3.8 the start of the interpreter forgets the name of the module of a filter of warnings, `__main__`
    /// (`create_filter` in `Python/_warnings.c`).
    fn note_filter(&mut self, seeds: &[Seed]) {
        const FILTERS: u64 = 64;
        const MODULE: i64 = 3;
        let (memory, layout) = (self.shared.scene.memory, self.shared.scene.layout);
        let is_list = |seed: &&Seed| seed.name == RootName::Text("warnings.filters");
        let Some(seed) = seeds.iter().find(is_list).filter(|_| layout.minor == 8) else { return };
        let items = memory.pointer(seed.object.at(layout.list.items.into())).unwrap_or_default();
        let mut filters = Vec::new();
        readable(memory, items, memory.word(layout.length_at(seed.object)).unwrap_or(0).min(FILTERS), |item| {
            filters.push(item)
        });
        for filter in filters {
            let module = memory.pointer(filter.at(i64::from(layout.tuple.items) + 8 * MODULE)).unwrap_or_default();
            if text::str_text(memory, layout, module, 16).as_deref() == Some("__main__") {
                self.note(module, &Spot { kind: HolderKind::Counted, name: NameId(0), thread: None });
                return;
            }
        }
    }

    /// Up to 3.10 instances may share a table of keys that their class has let go of: its names are its own.
    fn note_loose_keys(&mut self) {
        let shared = self.shared;
        let (memory, layout) = (shared.scene.memory, shared.scene.layout);
        if layout.minor > 10 {
            return;
        }
        let cached = |class: Address| memory.pointer(class.at(layout.heap_type.cached_keys.into())).ok();
        let classes = shared.types.infos.iter().filter(|info| info.is_heap());
        let mut owned: BTreeSet<Address> = classes.filter_map(|info| cached(info.address)).collect();
        for (id, at) in addresses(shared, self.tables.objects) {
            if self.type_of(id).is_none_or(|record| record.kind != ObjectKind::Dict) {
                continue;
            }
            let Ok(view) = DictView::read(memory, layout, at) else { continue };
            if view.values.is_some() && owned.insert(view.keys.at) {
                let names = view.keys.names(memory, view.keys.count).unwrap_or_default();
                let spot = Spot { kind: HolderKind::Counted, name: NameId(0), thread: None };
                names.into_iter().for_each(|name| {
                    self.note(name, &spot);
                });
            }
        }
    }

    /// What the structs of C interfaces in capsules hold, such as `datetime.datetime_CAPI`; and, in 3.8, a module that the
    /// start of the interpreter forgets (`_PyWarnings_Init` in `Python/pylifecycle.c`).
    fn note_special(&mut self) {
        const POINTER: i64 = 16;
        let shared = self.shared;
        let (memory, layout) = (shared.scene.memory, shared.scene.layout);
        let row = |wanted: &str| self.tables.types.iter().position(|record| record.name == wanted);
        let (capsule, module) = (row("PyCapsule"), row("module").filter(|_| layout.minor == 8));
        let name = intern(shared.names, "a capsule's struct");
        for (id, at) in addresses(shared, self.tables.objects) {
            let kind = self.tables.objects.types.get(id.index()).map(|kind| kind.0 as usize);
            if kind.is_some() && kind == capsule {
                let held = memory.pointer(at.at(POINTER)).unwrap_or_default();
                if !shared.scene.is_static(held) {
                    self.scan_words(held, STACK_REACH, &Spot { kind: HolderKind::Variable, name, thread: None });
                }
            } else if kind.is_some() && kind == module && !self.is_listed(id) {
                let text = memory.pointer(at.at(layout.module.name.into())).ok();
                let text = text.and_then(|text| text::str_text(memory, layout, text, 16));
                if text.as_deref() == Some("_warnings") {
                    self.add(id, Spot { kind: HolderKind::Counted, name: NameId(0), thread: None });
                }
            }
        }
    }

    /// What the C stacks of suspended greenlets hold.
    fn note_greenlets(&mut self) {
        let shared = self.shared;
        let (memory, layout) = (shared.scene.memory, shared.scene.layout);
        let is_greenlet: Vec<bool> = shared.types.infos.iter().map(|info| info.is_greenlet).collect();
        if !is_greenlet.contains(&true) {
            return;
        }
        let spot = Spot { kind: HolderKind::Stack, name: intern(shared.names, "a greenlet's C stack"), thread: None };
        for ((_, at), kind) in addresses(shared, self.tables.objects).zip(&self.tables.objects.types) {
            let row = (kind.0 as usize).checked_sub(1);
            if row.is_some_and(|row| is_greenlet.get(row) == Some(&true))
                && let Some((start, end)) = saved_stack(memory, layout, at)
            {
                Place::new(start, end, HolderKind::Stack).words(memory, |word| {
                    self.note(word, &spot);
                });
            }
        }
    }

    fn is_listed(&self, module: ObjectId) -> bool {
        self.tables.roots.iter().any(|root| root.kind == RootKind::Module && root.object == module)
    }
}

/// All objects, with their addresses.
pub(crate) fn addresses<'a, M: ReadMemory>(
    shared: &'a Shared<'a, M>,
    objects: &ObjectTable,
) -> impl Iterator<Item = (ObjectId, Address)> + use<'a, M> {
    let slots = shared.ranks.bits.ones(Slots::slots_of(0..shared.scene.slots.chunk_count()));
    objects.ids().zip(slots.map(|slot| shared.scene.slots.address(slot)))
}
