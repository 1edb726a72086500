//! Memory of C code, and who owns it.
//!
//! C code allocates behind the backs of Python's objects: the state of a compressor, a parsed document, the storage of a
//! tensor. No table knows these structs, but pointers lead there. From every object of a C type they are followed through
//! blocks of the C heap, blocks of pymalloc that hold no object, and mappings of no allocator, breadth first; each block
//! counts once, for the nearest owner. What a variable of a library points to directly is the library's: an object that
//! points there, too, does not keep it; nor the syntax tree of a script, which is the interpreter's. What no object leads
//! to is then followed from those variables, and last from the stacks.
//!
//! A word that only looks like a pointer gives a block the wrong owner, never a block that is not there: sizes are the
//! allocator's own.

mod loose;
mod trees;
mod walk;

use std::collections::BTreeMap;

use memsight_model::{
    Address, CHeap, ExternalSizes, HolderKind, NativeMemory, NativeParts, NativePlace, NativeType, ObjectFlags,
    ObjectId, ObjectTable, Pymalloc, ReadMemory, Region, ThreadRecord, TypeId,
};

use crate::asked::places::Place;
use crate::object::buffers::Buffer;
use crate::object::extensions;
use crate::object::owned::each_buffer;
use crate::object::references::Decoder;
use crate::object::shapes::Shape;
use crate::object::types::TypeInfo;
use crate::rows::blocks::PoolIndex;
use crate::rows::claims::{Claims, Share, Source};
use crate::rows::emit::Shared;
use crate::rows::parts::Emitted;
use crate::rows::room::Held;
use crate::walk::scene::Settings;
use crate::walk::window::Window;

use loose::Loose;
use walk::{Got, Owner, Walk};

/// A C struct larger than this is data.
const STRUCT_CAP: u64 = 64 << 10;

/// What is known of memory beside the objects.
pub(crate) struct Ground<'a> {
    pub heap: &'a CHeap,
    pub pymalloc: &'a Pymalloc,
    pub pools: &'a PoolIndex<'a>,
    pub claims: &'a Claims<'a>,
    pub regions: &'a [Region],
    pub places: &'a [Place],
    pub threads: &'a [ThreadRecord],
}

/// Finds the owners: fills the columns of the objects, and gives the sums; `told` are the objects to which their memory leads.
/// Cost: a pass over static data and stacks, and over the memory of C code that holds pointers.
pub(crate) fn own<M: ReadMemory>(
    shared: &Shared<M>,
    settings: &Settings,
    ground: &Ground<'_>,
    emitted: &mut Emitted,
    told: &mut Vec<Held>,
) -> NativeMemory {
    let (window, budget) = (Window::new(shared.scene.memory), settings.budget());
    let decoder = &settings.decoder(shared.scene, &window, &budget);
    let stacks: Vec<u64> = ground.places.iter().filter(|place| is_stack(place)).map(|place| place.start.0).collect();
    let loose = match ground.pymalloc.allocator {
        // its segments hold objects, and are looked into by nobody yet
        memsight_model::Allocator::Mimalloc => Loose::default(),
        _ => Loose::new(ground.regions, ground.heap, ground.pymalloc, &stacks),
    };
    let mut walk = Walk::new(shared, ground, loose);
    let places = || (0u32..).zip(ground.places).filter(|(_, place)| !place.is_state_of_module);
    let statics = || places().filter(|(_, place)| !is_stack(place));
    statics().for_each(|(row, place)| walk.scan_starts(place, Owner::Place(row)));
    let later = walk.set_aside();
    emitted.data.drain(..).for_each(|data| walk.loose.know(data));
    let state = places().find(|(_, place)| place.kind == HolderKind::State).map(|(row, _)| row);
    for (row, place) in places().filter(|(_, place)| is_stack(place)) {
        walk.keep_trees(place, Owner::Place(state.unwrap_or(row)));
    }
    from_objects(&mut walk, shared, decoder, std::mem::take(&mut emitted.sources));
    walk.resume(later);
    statics().for_each(|(row, place)| walk.scan(place.start.0..place.end.0, Owner::Place(row)));
    walk.follow();
    for (row, place) in places().filter(|(_, place)| is_stack(place)) {
        walk.scan(place.start.0..place.end.0, Owner::Place(row));
    }
    walk.follow();
    *told = held(std::mem::take(&mut walk.held), shared, &emitted.objects);
    sum(walk.got, ground, &mut emitted.objects)
}

/// What the memory of objects holds whose struct no table knows: of the others the tables tell all.
fn held<M>(found: Vec<(ObjectId, ObjectId)>, shared: &Shared<'_, M>, objects: &ObjectTable) -> Vec<Held> {
    let info = |owner: ObjectId| {
        let info = shared.types.of(*objects.types.get(owner.index())?);
        info.filter(|info| matches!(info.shape, Shape::Scan))
    };
    let is_mortal =
        |target: ObjectId| objects.flags.get(target.index()).is_some_and(|flags| !flags.has(ObjectFlags::IMMORTAL));
    let one = |(owner, target)| {
        is_mortal(target).then_some(())?;
        let traversed = info(owner)?.is_gc() && extensions::tells_what_c_memory_holds(&info(owner)?.name);
        Some(Held { owner, target, traversed })
    };
    let mut held: Vec<Held> = found.into_iter().filter_map(one).collect();
    held.sort_unstable();
    held
}

fn is_stack(place: &Place) -> bool {
    !place.is_known_to_hold()
}

/// Follows what the structs of objects of C types point to: first of those that own it, then of those that are part of another.
fn from_objects<M: ReadMemory>(
    walk: &mut Walk<'_, M>,
    shared: &Shared<M>,
    decoder: &Decoder<Window<'_, M>>,
    mut found: Vec<Source>,
) {
    let mut counts = vec![0u32; shared.types.infos.len() + 1];
    found.iter().for_each(|source| counts[source.type_.0 as usize] += 1);
    // what a table knows is counted already
    for (at, info) in found.iter().filter_map(|source| Some((source.at, shared.types.of(source.type_)?))) {
        if info.buffer != Buffer::None {
            let _ = each_buffer(decoder, at, info, &mut |buffer| walk.know(buffer));
        }
    }
    // of several that point to the same, what there are fewest of comes first
    found.sort_by_key(|source| (counts[source.type_.0 as usize], source.id));
    // by type: names are compared, and a document has hundreds of thousands of elements
    let is_part: Vec<bool> =
        shared.types.infos.iter().map(|info| extensions::is_part_of_another(info.shape, &info.name)).collect();
    let is_part = |source: &Source| (source.type_.0 as usize).checked_sub(1).is_some_and(|row| is_part[row]);
    let (parts, whole): (Vec<Source>, Vec<Source>) = found.into_iter().partition(is_part);
    for sources in [whole, parts] {
        from_structs(walk, shared, decoder, sources);
        walk.follow();
    }
}

/// Takes what the struct of each object points to.
fn from_structs<M: ReadMemory>(
    walk: &mut Walk<'_, M>,
    shared: &Shared<M>,
    decoder: &Decoder<Window<'_, M>>,
    sources: Vec<Source>,
) {
    for Source { type_, id, at } in sources {
        if let Some(info) = shared.types.of(type_) {
            if matches!(info.shape, Shape::Module)
                && let Ok((state, bytes)) = decoder.module_state(at)
                && !state.is_null()
            {
                walk.hold(state.0..state.0.saturating_add(bytes.min(STRUCT_CAP)), Owner::Object(id));
            }
            walk.scan(own_words(decoder, at, info), Owner::Object(id));
        }
    }
}

/// The words of an object behind its head.
fn own_words<M: ReadMemory>(decoder: &Decoder<M>, at: Address, info: &TypeInfo) -> std::ops::Range<u64> {
    // Items that are no whole words are no pointers, but two of them side by side may look like one: the code of a pattern of
    // `re`, of 4 bytes each, in a program that lies low.
    let items = match info.itemsize {
        size if size == 0 || !size.is_multiple_of(8) => 0,
        size => decoder.length(at).unwrap_or(0).saturating_mul(size),
    };
    let bytes = info.basicsize.saturating_add(items).min(STRUCT_CAP);
    let start = at.0.saturating_add(u64::from(decoder.layout.object.size));
    start..at.0.saturating_add(bytes).max(start)
}

/// The sums by object, type and place.
fn sum(got: Vec<Got>, ground: &Ground<'_>, objects: &mut ObjectTable) -> NativeMemory {
    let mut shares: BTreeMap<ObjectId, (u64, u64)> = BTreeMap::new();
    let mut types: BTreeMap<TypeId, NativeType> = BTreeMap::new();
    let mut places: BTreeMap<(HolderKind, String), NativeParts> = BTreeMap::new();
    for one in &got {
        match one.owner {
            Owner::Object(id) => {
                let type_ = objects.types.get(id.index()).copied().unwrap_or_default();
                let row = types.entry(type_).or_insert(NativeType { type_, ..NativeType::default() });
                let share = shares.entry(id).or_insert_with(|| {
                    row.objects += 1;
                    (0, 0)
                });
                *share = (share.0.saturating_add(one.bytes), share.1.saturating_add(one.untouched));
                one.add_to(&mut row.parts);
            }
            Owner::Place(row) => {
                let Some(place) = ground.places.get(row as usize) else { continue };
                one.add_to(places.entry((place.kind, name(place, ground.threads))).or_default());
            }
        }
    }
    objects.native = ExternalSizes(shares.iter().map(|(id, share)| (*id, share.0)).collect());
    let untouched = shares.iter().map(|(id, share)| (*id, share.1)).filter(|share| share.1 > 0);
    objects.untouched = joined(std::mem::take(&mut objects.untouched.0), untouched);
    let mut places: Vec<NativePlace> =
        places.into_iter().map(|((kind, name), parts)| NativePlace { kind, name, parts }).collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.parts.total().bytes));
    NativeMemory { types: types.into_values().collect(), places }
}

/// The library of a variable, the thread of a stack.
fn name(place: &Place, threads: &[ThreadRecord]) -> String {
    let thread = place.thread.and_then(|row| threads.get(row as usize));
    match thread {
        Some(thread) if is_stack(place) => thread.native_id.unwrap_or(thread.ident).to_string(),
        _ => place.name.clone(),
    }
}

/// Sums of both by object.
fn joined(some: Vec<Share>, others: impl Iterator<Item = Share>) -> ExternalSizes {
    let mut all: BTreeMap<ObjectId, u64> = BTreeMap::new();
    for (id, bytes) in some.into_iter().chain(others) {
        let sum = all.entry(id).or_default();
        *sum = sum.saturating_add(bytes);
    }
    ExternalSizes(all.into_iter().collect())
}
