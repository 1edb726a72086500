//! The first walk: which addresses are objects.
//!
//! It starts at the collector's lists and the roots and follows every reference. An address counts as an object when
//! its type is verified, its reference count is possible, and, for a type with GC, it is on the collector's lists or
//! says that it is untracked. The references of each chunk of memory are counted, so that the second walk writes into
//! place.

use memsight_model::{Address, ReadMemory};

use crate::layout::{DictKeys, Layout};
use crate::object::dicts::DictView;
use crate::object::flag;
use crate::object::head::Head;
use crate::object::references::{Decoder, Sink, Via};
use crate::object::shapes::Shape;
use crate::object::types::{TypeIx, TypeTable};
use crate::walk::generations::{GC_HEAD, Tracked};
use crate::walk::scene::Scene;
use crate::walk::slots::{Bits, SharedBits, Slots};
use crate::walk::tally::Tally;
use crate::walk::window::Window;

/// Linux maps nothing below (`vm.mmap_min_addr`).
pub(crate) const LOWEST_ADDRESS: u64 = 1 << 16;
/// The largest pools of pymalloc (3.10 and later).
const POOL: u64 = 1 << 14;

/// What a worker found beside the marks.
pub(crate) struct Found {
    /// References of the objects of each chunk.
    pub edges: Vec<u64>,
    /// `dk_lookup` of dictionaries with other keys than str (up to 3.10).
    pub general_lookup: u64,
    /// Closure cells and the str objects that name them.
    pub cells: Vec<(Address, Address)>,
    /// Every type met.
    pub types: TypeTable,
    /// Objects with memory of their own that may hold anything.
    pub owners: Vec<(Address, TypeIx)>,
    /// The objects that this worker marked, counted by its rows of types, where that was asked for.
    pub tally: Option<Tally>,
}

/// The walk of one worker.
pub(crate) struct Marker<'a, M> {
    scene: &'a Scene<'a, M>,
    tracked: &'a Tracked,
    objects: &'a SharedBits,
    edges: Vec<u64>,
    general_lookup: u64,
    types: TypeTable,
    pending: Vec<(Address, TypeIx)>,
    targets: Targets,
    owners: Vec<(Address, TypeIx)>,
    /// Objects to which no reference is known so far, while such are adopted.
    unheld: Option<Bits>,
    /// Where objects are counted by whoever marks them.
    tally: Option<Tally>,
}

/// The references of one object, by address alone, and the names of all closure cells met.
#[derive(Default)]
struct Targets {
    found: Vec<Address>,
    cells: Vec<(Address, Address)>,
}

impl Sink for Targets {
    const NAMED: bool = false;
    #[inline]
    fn edge(&mut self, target: Address, _: Via, _: bool) {
        if !target.is_null() {
            self.found.push(target);
        }
    }
    fn free_variable(&mut self, cell: Address, name: Address) {
        self.cells.push((cell, name));
    }
    fn inexact(&mut self) {}
    fn partial(&mut self) {}
}

impl<'a, M: ReadMemory> Marker<'a, M> {
    /// `objects` is shared by all workers and starts with the tracked objects; the rest is the worker's own. With `counting`
    /// each object is counted once, by the worker that marks it, a tracked one by the worker that walks its chunk.
    pub fn new(
        scene: &'a Scene<'a, M>,
        tracked: &'a Tracked,
        objects: &'a SharedBits,
        types: TypeTable,
        counting: bool,
    ) -> Self {
        Marker {
            scene,
            tracked,
            objects,
            edges: vec![0; scene.slots.chunk_count()],
            general_lookup: 0,
            types,
            pending: Vec::new(),
            targets: Targets::default(),
            owners: Vec::new(),
            unheld: None,
            tally: counting.then(Tally::default),
        }
    }

    /// Walks from the tracked objects of a chunk.
    pub fn walk_chunk(&mut self, chunk: usize, window: &Window<M>, decoder: &Decoder<Window<M>>) {
        let tracked = self.tracked;
        for slot in tracked.ones(Slots::slots_of(chunk..chunk + 1)) {
            let object = self.scene.slots.address(slot);
            window.turn_to(object);
            let kind = window.pointer(object.at(self.scene.layout.object.type_.into())).ok();
            let row = kind.and_then(|kind| self.types.meet(self.scene.memory, self.scene.layout, kind));
            self.count(window, object, row);
            if let Some(row) = row {
                self.pending.push((object, row));
                self.walk(decoder);
            }
        }
    }

    /// Walks from a root.
    pub fn walk_root(&mut self, object: Address, decoder: &Decoder<Window<M>>) {
        self.reach(decoder.memory, object);
        self.walk(decoder);
    }

    /// Takes note of a type that another worker met.
    pub fn meet(&mut self, type_: Address) {
        self.types.meet(self.scene.memory, self.scene.layout, type_);
    }

    /// Walks from every type met, until no new one turns up: static types are on no list.
    pub fn walk_types(&mut self, decoder: &Decoder<Window<M>>) {
        let mut row = 0;
        while let Some(info) = self.types.infos.get(row) {
            self.walk_root(info.address, decoder);
            row += 1;
        }
    }

    /// What the walk found.
    pub fn finish(self) -> Found {
        let cells = self.targets.cells;
        let Marker { edges, general_lookup, types, owners, tally, .. } = self;
        Found { edges, general_lookup, cells, types, owners, tally }
    }

    /// The marks.
    pub fn objects(&self) -> &'a SharedBits {
        self.objects
    }

    /// The types met.
    pub fn types(&self) -> &TypeTable {
        &self.types
    }

    /// Objects with memory of their own that may hold anything.
    pub fn owners(&self) -> &[(Address, TypeIx)] {
        &self.owners
    }

    /// Takes over those of another worker, and what it counted: its rows of types are its own.
    pub fn take(&mut self, found: &mut Found) {
        let infos = &found.types.infos;
        let rows: Vec<Option<TypeIx>> =
            infos.iter().map(|info| self.types.meet(self.scene.memory, self.scene.layout, info.address)).collect();
        if let (Some(tally), Some(other)) = (&mut self.tally, &found.tally) {
            tally.take(other, &rows);
        }
        let owners = std::mem::take(&mut found.owners);
        self.owners
            .extend(owners.into_iter().filter_map(|(object, row)| Some((object, rows.get(row as usize).copied()??))));
    }

    /// Whether an address is an object, or could be one.
    pub fn may_be_object(&mut self, object: Address) -> bool {
        let Some(slot) = self.scene.slots.slot(object) else { return false };
        self.objects.get(slot) || self.candidate(self.scene.memory, object).is_some()
    }

    /// Marks objects that nobody led to, and what they lead to; those to which none of them refers, ascending.
    pub fn adopt(&mut self, objects: &[Address], decoder: &Decoder<Window<M>>) -> Vec<Address> {
        let slots = self.scene.slots;
        let mut unheld = slots.plane();
        objects.iter().filter_map(|object| slots.slot(*object)).for_each(|slot| {
            unheld.set(slot);
        });
        self.unheld = Some(unheld);
        for &object in objects {
            if let (Some(slot), Some(row)) = (slots.slot(object), self.candidate(decoder.memory, object))
                && self.objects.set(slot)
            {
                self.count(decoder.memory, object, Some(row));
                self.pending.push((object, row));
                self.walk(decoder);
            }
        }
        let unheld = self.unheld.take().unwrap_or_default();
        let alone = |object: &Address| slots.slot(*object).is_some_and(|slot| unheld.get(slot));
        objects.iter().copied().filter(alone).collect()
    }

    fn type_of(&mut self, object: Address) -> Option<TypeIx> {
        let kind = self.scene.memory.pointer(object.at(self.scene.layout.object.type_.into())).ok()?;
        self.types.meet(self.scene.memory, self.scene.layout, kind)
    }

    /// Decodes what is pending.
    fn walk(&mut self, decoder: &Decoder<Window<M>>) {
        while let Some((object, row)) = self.pending.pop() {
            let info = &self.types.infos[row as usize];
            if info.owns_data() {
                self.owners.push((object, row));
            }
            self.targets.found.clear();
            decoder.references(object, info, &mut self.targets);
            if matches!(info.shape, Shape::Dict) && self.general_lookup == 0 {
                self.learn_lookup(object);
            }
            let targets = std::mem::take(&mut self.targets.found);
            let found = targets.iter().filter(|target| self.reach(decoder.memory, **target)).count();
            self.targets.found = targets;
            if let Some(slot) = self.scene.slots.slot(object) {
                self.edges[Slots::chunk_of(slot)] += found as u64;
            }
        }
    }

    /// Marks an address when it is an object; whether it is one.
    fn reach(&mut self, memory: &Window<M>, object: Address) -> bool {
        let Some(slot) = self.scene.slots.slot(object) else { return false };
        if let Some(unheld) = &mut self.unheld {
            unheld.clear(slot);
        }
        if self.objects.get(slot) {
            return true;
        }
        memory.visit(object);
        let Some(row) = self.candidate(memory, object) else { return false };
        if !self.objects.set(slot) {
            return true;
        }
        self.count(memory, object, Some(row));
        let info = &self.types.infos[row as usize];
        if !info.shape.is_leaf() || info.is_heap() || info.owns_data() {
            self.pending.push((object, row));
        }
        true
    }

    fn count(&mut self, memory: &impl ReadMemory, object: Address, row: Option<TypeIx>) {
        if let Some(tally) = &mut self.tally {
            let known = row.and_then(|row| Some((row, self.types.infos.get(row as usize)?)));
            tally.add(memory, self.scene.layout, object, known);
        }
    }

    /// The type of an address that is not on the collector's lists, when it can be an object.
    pub fn candidate(&mut self, memory: &impl ReadMemory, object: Address) -> Option<TypeIx> {
        let layout = self.scene.layout;
        let head = Head::read(memory, layout, object).ok().filter(Head::is_possible)?;
        // A table of types, such as `PyDateTime_CAPI`, looks like an object of its second where programs lie low.
        if head.first >= LOWEST_ADDRESS && self.types.meet(memory, layout, Address(head.first)).is_some() {
            return None;
        }
        // A freed block of pymalloc begins with the address of the next one of its pool: less than 2^32 in such programs.
        if head.first.abs_diff(object.0) < POOL && !self.scene.is_static(object) {
            return None;
        }
        let row = self.types.meet(memory, layout, head.type_)?;
        let info = &self.types.infos[row as usize];
        // Static types have no head of the collector, wherever an extension puts them.
        let headless = || matches!(info.shape, Shape::Type) && !is_heap_type(memory, layout, object);
        let listed = !layout.is_free_threaded() && info.is_gc();
        if listed && !self.scene.is_static(object) && !headless() {
            // On a list, it would be marked; with links and on no list it is dying, or was freed.
            let links = memory.word(object.checked_sub(GC_HEAD)?).ok()?;
            if links != 0 {
                return None;
            }
        }
        Some(row)
    }

    /// Up to 3.10 the lookup function tells whether `dict_traverse` reports keys; a table with a key that is no str
    /// shows which function is the general one.
    fn learn_lookup(&mut self, dict: Address) {
        const DK_LOOKUP: i64 = 16;
        const KEYS_LOOKED_AT: u64 = 16;
        let (memory, layout) = (self.scene.memory, self.scene.layout);
        if !matches!(layout.dict_keys, DictKeys::Words { .. }) {
            return;
        }
        let Ok(view) = DictView::read(memory, layout, dict) else { return };
        let mut general = false;
        let read = view.each(memory, KEYS_LOOKED_AT, |_, key, _| {
            let row = self.type_of(key);
            general |= row.is_some_and(|row| !matches!(self.types.infos[row as usize].shape, Shape::Str));
        });
        if read.is_ok() && general {
            self.general_lookup = memory.word(view.keys.at.at(DK_LOOKUP)).unwrap_or(0);
        }
    }
}

fn is_heap_type<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> bool {
    memory.word(at.at(layout.type_object.flags.into())).is_ok_and(|flags| flags & flag::HEAPTYPE != 0)
}
