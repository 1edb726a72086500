//! From memory to tables: the order of the walks.
//!
//! 1. The collector's lists give the tracked objects.
//! 2. A first walk from them and from the roots marks everything reachable ([`crate::walk::mark`]).
//!    Blocks of the allocators that are then nobody's, and objects all the same, are walked from as well
//!    ([`crate::asked::unowned`]).
//! 3. Ranks number the marked addresses.
//! 4. A second walk in order of address writes rows and references ([`crate::rows::emit`]), a part of memory per core
//!    ([`crate::rows::parts`]).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use memsight_model::{
    Address, Blocks, Manifest, Names, ObjectId, Progress, Pymalloc, ReadMemory, Region, Root, RootKind, SCHEMA_VERSION,
    Snapshot, TypeSum,
};

use crate::asked::contents;
use crate::asked::holders;
use crate::asked::native::{self, Ground};
use crate::asked::places::Place;
use crate::asked::unowned::{self, Runs};
use crate::error::PythonError;
use crate::find::elf::static_memory;
use crate::find::locate::Python;
use crate::object::statics::StaticTypes;
use crate::object::text;
use crate::object::types::{AddressMap, TypeTable};
use crate::options::DecodeOptions;
use crate::rows::blocks::PoolIndex;
use crate::rows::claims::Claims;
use crate::rows::code;
use crate::rows::emit::Shared;
use crate::rows::parts::emit;
use crate::rows::room;
use crate::rows::temporaries;
use crate::rows::texts;
use crate::rows::threads;
use crate::walk::generations::{Listed, Tracked};
use crate::walk::mark::{Found, Marker};
use crate::walk::roots::{RootName, Seed};
use crate::walk::scene::{Scene, Settings};
use crate::walk::slots::{Bits, Ranks, SharedBits};
use crate::walk::stacks::Stacks;
use crate::walk::tally::Tally;
use crate::walk::window::Window;
use crate::walk::workers::joined;

impl Python {
    /// Decodes the heap of every interpreter of the process.
    ///
    /// The memory must not change meanwhile (a frozen copy); if it does, references are lost but nothing breaks. It is
    /// taken by value, so that a copy is let go as soon as it is read; a reference does as well. Fills all of the
    /// snapshot but what only the operating system knows (pid, RSS, pause, time of the look). Cost: two walks over all
    /// objects, about 20 bytes an object and 8 a reference beside the copy.
    pub fn decode<M: ReadMemory + Send + Sync>(
        &self,
        memory: M,
        regions: &[Region],
        options: &DecodeOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<Snapshot, PythonError> {
        let listed = self.listed(&memory, regions, options.best_effort, progress)?;
        self.decode_listed(memory, regions, listed, options, progress)
    }

    /// [`Python::decode`] from its first step on.
    pub fn decode_listed<M: ReadMemory + Send + Sync>(
        &self,
        memory: M,
        regions: &[Region],
        listed: Listed,
        options: &DecodeOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<Snapshot, PythonError> {
        let Listed { slots, tracked, torn } = listed;
        let files = static_memory(&memory, regions);
        let scene = Scene { memory: &memory, layout: &self.layout, slots: &slots, regions, files };
        let (mut snapshot, ranks) = self.read_heap(&scene, (tracked, torn), options, progress)?;
        progress.phase("numbering objects", None);
        std::thread::scope(|scope| {
            // To give a copy back takes as long as to number what was in it.
            scope.spawn(|| drop(memory));
            if options.references {
                snapshot.objects.addresses = texts::addresses(&slots, &ranks);
            }
        });
        snapshot.maps = regions.to_vec();
        Ok(snapshot)
    }

    /// Everything that needs the memory: the tables without the addresses, and the numbers of the objects.
    fn read_heap<M: ReadMemory + Sync>(
        &self,
        scene: &Scene<M>,
        (tracked, mut torn): (Tracked, Vec<String>),
        options: &DecodeOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Snapshot, Ranks), PythonError> {
        let (memory, regions) = (scene.memory, scene.regions);
        let interpreters = self.interpreters(memory)?;
        let main = *interpreters.last().ok_or(PythonError::NotReady)?;
        let stacks = self.stacks(memory, &interpreters, scene.slots.words());
        let mut seeds: Vec<Seed> =
            interpreters.iter().rev().flat_map(|interpreter| self.interpreter_roots(memory, *interpreter)).collect();
        seeds.extend(stacks.seeds.iter().cloned());
        let places = self.places(memory, regions, &interpreters, &stacks, &seeds);
        seeds.extend(holders::interned_strings(scene, &places));
        let statics = StaticTypes::find(memory, &self.layout, main);
        seeds.extend(statics.elsewhere(memory, main, &interpreters).into_iter().map(Seed::of_static_types));
        let types = TypeTable::new(self.subtype_traverse(memory, main), statics.clone());
        let settings = Settings {
            statics,
            words: scene.slots.words(),
            general_lookup: 0,
            version: (self.layout.minor, self.version().micro()),
            threads: options.threads.clamp(1, 64),
        };
        let pymalloc = self.pymalloc(scene, &interpreters, options);
        let (runs, whole) = self.runs(scene, &interpreters, &pymalloc, options);
        torn.extend(self.layout.is_free_threaded().then(|| unowned::without_lists(whole).to_owned()));
        let starts = Starts { seeds: &seeds, places: &places, runs: &runs, counting: !options.references };
        let marked = mark(scene, &tracked, types, &starts, settings, progress)?;
        seeds.extend(marked.unheld.iter().map(|object| Seed::held_by_nobody_known(*object)));
        let walked = Walked { interpreters, tracked, torn, stacks, seeds, places, pymalloc, marked };
        match options.references {
            true => self.rows(scene, walked, options, progress),
            false => Ok((self.sums(walked, options)?, Ranks::default())),
        }
    }

    /// The objects by type, without a row of their own.
    fn sums(&self, walked: Walked, options: &DecodeOptions<'_>) -> Result<Snapshot, PythonError> {
        let Marked { types, tally, .. } = walked.marked;
        let Tally { mut sums, partial } = tally.unwrap_or_default();
        options.accept(partial)?;
        let types = types.records(|_| None);
        sums.resize(types.len(), TypeSum::default());
        Ok(Snapshot {
            manifest: self.manifest(options, walked.interpreters.len(), partial, false, walked.torn),
            types,
            sums,
            ..Snapshot::default()
        })
    }

    /// The tables, by the second walk.
    fn rows<M: ReadMemory + Sync>(
        &self,
        scene: &Scene<M>,
        walked: Walked,
        options: &DecodeOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Snapshot, Ranks), PythonError> {
        let Walked { interpreters, tracked, torn, mut stacks, mut seeds, places, mut pymalloc, marked } = walked;
        let Marked { objects, edges, types, cells, settings, .. } = marked;
        let ranks = objects.ranked();
        progress.phase("decoding objects", Some(ranks.count.into()));
        let (names, unknown) = (Mutex::new(Names::default()), Blocks::default());
        let pools = PoolIndex::new(&pymalloc, options.c_heap.map_or(&unknown, |heap| &heap.blocks), options.sums);
        let claims = options.c_heap.map(|heap| Claims::new(heap, options.pages, &pymalloc, &types));
        let mut shared = Shared {
            scene,
            types: &types,
            ranks: &ranks,
            tracked,
            cells,
            names: &names,
            pools: options.account.then_some(&pools),
            claims: claims.as_ref(),
        };
        let mut emitted = emit(&shared, &edges, &settings);
        shared.tracked = Tracked::default();
        options.accept(emitted.partial).and_then(|()| check(progress))?;
        progress.phase("collecting names and roots", None);
        let types = types.records(|address| shared.id_of(address));
        let (mut native, mut held) = (None, Vec::new());
        if let (Some(heap), Some(claims)) = (options.c_heap, &claims) {
            progress.phase("following pointers of C", None);
            let (pymalloc, pools, threads) = (&pymalloc, &pools, stacks.threads.as_slice());
            let ground = Ground { heap, pymalloc, pools, claims, regions: scene.regions, places: &places, threads };
            native = Some(native::own(&shared, &settings, &ground, &mut emitted, &mut held));
        }
        room::make(&shared, &types, &mut emitted, &seeds, &held, settings.threads);
        seeds.extend(temporaries::find(&shared, &stacks.open, &seeds, &emitted, settings.threads));
        let (code, generators) = code::collect(&shared, &emitted.coded);
        threads::name(&shared, &settings, &seeds, &mut stacks.threads);
        let mut snapshot = Snapshot {
            manifest: self.manifest(options, interpreters.len(), emitted.partial, emitted.exhausted, torn),
            texts: texts::collect(&shared, emitted.keys, options.values),
            roots: roots(&shared, &emitted.interned, &seeds),
            types,
            objects: emitted.objects,
            references: emitted.references,
            threads: stacks.threads,
            frames: stacks.frames,
            native,
            code,
            generators,
            ..Snapshot::default()
        };
        if options.holders {
            snapshot.holders = holders::find(&shared, &snapshot, &seeds, &places);
        }
        if options.contents {
            let (contents, whole) = contents::read(&shared, &snapshot, settings.threads, progress);
            snapshot.contents = Some(contents);
            snapshot.manifest.partial.extend((!whole).then(|| contents::TOO_MUCH.to_owned()));
        }
        snapshot.manifest.collectors = self.collectors(scene.memory);
        snapshot.c_owned = options.account.then(|| emitted.blocks.finish(&mut pymalloc));
        snapshot.pymalloc = options.account.then_some(pymalloc);
        snapshot.names = names.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok((snapshot, ranks))
    }

    /// `subtype_traverse`, as the `tp_traverse` of a class that every interpreter has: `importlib`'s `ModuleSpec`.
    fn subtype_traverse<M: ReadMemory>(&self, memory: &M, interpreter: Address) -> u64 {
        let find = || {
            let importlib = memory.pointer(interpreter.at(self.layout.interpreter.importlib.into())).ok()?;
            let dict = memory.pointer(importlib.at(self.layout.module.dict.into())).ok()?;
            let class = text::lookup(memory, &self.layout, dict, "ModuleSpec")?;
            memory.word(class.at(self.layout.type_object.traverse.into())).ok()
        };
        find().unwrap_or(0)
    }

    fn manifest(
        &self,
        options: &DecodeOptions<'_>,
        interpreters: usize,
        partial: u64,
        exhausted: bool,
        torn: Vec<String>,
    ) -> Manifest {
        let mut reasons = Vec::new();
        if partial > 0 {
            reasons.push(format!("{partial} objects could not be decoded whole"));
        }
        if exhausted {
            reasons.push("containers claim more items than the process has memory".to_owned());
        }
        reasons.extend(torn);
        Manifest {
            schema_version: SCHEMA_VERSION,
            memsight: env!("CARGO_PKG_VERSION").to_owned(),
            python: self.version().to_string(),
            values: options.values,
            interpreters: interpreters as u32,
            partial: reasons,
            ..Manifest::default()
        }
    }
}

/// What the first walk found.
struct Marked {
    objects: Bits,
    edges: Vec<u64>,
    types: TypeTable,
    cells: AddressMap<Address>,
    /// Objects that nothing known refers to.
    unheld: Vec<Address>,
    /// The objects by type, where they are only counted.
    tally: Option<Tally>,
    settings: Settings,
}

/// Where the first walk begins, beside the collector's lists.
struct Starts<'a> {
    seeds: &'a [Seed],
    places: &'a [Place],
    /// Blocks of the allocators.
    runs: &'a Runs<'a>,
    /// Whether objects are only counted.
    counting: bool,
}

/// What there is to be decoded: from the lists of the collector, the roots, and the first walk.
struct Walked {
    interpreters: Vec<Address>,
    tracked: Tracked,
    /// Lists that did not hold together.
    torn: Vec<String>,
    stacks: Stacks,
    seeds: Vec<Seed>,
    places: Vec<Place>,
    pymalloc: Pymalloc,
    marked: Marked,
}

/// The first walk: whoever marks an object decodes it.
fn mark<M: ReadMemory + Sync>(
    scene: &Scene<M>,
    tracked: &Tracked,
    types: TypeTable,
    starts: &Starts<'_>,
    mut settings: Settings,
    progress: &dyn Progress,
) -> Result<Marked, PythonError> {
    let objects = tracked.shared();
    let mut found = mark_listed(scene, tracked, (&objects, starts.counting), &types, &settings, progress)?;
    let (window, budget) = (Window::new(scene.memory), settings.budget());
    let decoder = settings.decoder(scene, &window, &budget);
    let mut marker = Marker::new(scene, tracked, &objects, types, starts.counting);
    starts.seeds.iter().for_each(|seed| marker.walk_root(seed.object, &decoder));
    settings.statics.all(scene.memory).into_iter().for_each(|known| marker.walk_root(known, &decoder));
    // What only C code holds is on no list when it is untracked. Static objects have other ways to be found: a word
    // that leads into static data is more often part of a table of C.
    let tell = |place: &Place| {
        place.words(scene.memory, |word| {
            if !scene.is_static(word) {
                marker.walk_root(word, &decoder);
            }
        });
    };
    starts.places.iter().filter(|place| place.is_known_to_hold()).for_each(tell);
    // Types are on no list when they are static; each worker met its own.
    for met in found.iter().flat_map(|found| &found.types.infos) {
        marker.meet(met.address);
    }
    marker.walk_types(&decoder);
    found.iter_mut().for_each(|found| marker.take(found));
    let unheld = unowned::adopt(scene, &mut marker, &decoder, starts.runs, settings.threads);
    let unheld = unowned::without_passing(scene, marker.types(), starts.places, unheld);
    let Found { mut edges, mut general_lookup, cells, types, tally, .. } = marker.finish();
    let mut cells: AddressMap<Address> = cells.into_iter().map(|(cell, name)| (cell.0, name)).collect();
    for part in found {
        edges.iter_mut().zip(part.edges).for_each(|(sum, edges)| *sum += edges);
        cells.extend(part.cells.into_iter().map(|(cell, name)| (cell.0, name)));
        general_lookup = if general_lookup == 0 { part.general_lookup } else { general_lookup };
    }
    settings.general_lookup = general_lookup;
    Ok(Marked { objects: objects.into_bits(), edges, types, cells, unheld, tally, settings })
}

/// What the lists of the collector lead to: workers take chunks from one counter.
fn mark_listed<M: ReadMemory + Sync>(
    scene: &Scene<M>,
    tracked: &Tracked,
    (objects, counting): (&SharedBits, bool),
    types: &TypeTable,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<Found>, PythonError> {
    let chunks = scene.slots.chunk_count();
    progress.phase("finding objects", Some(chunks as u64));
    let next = AtomicUsize::new(0);
    let work = |types: TypeTable| {
        let (window, budget) = (Window::new(scene.memory), settings.budget());
        let decoder = settings.decoder(scene, &window, &budget);
        let mut marker = Marker::new(scene, tracked, objects, types, counting);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks || progress.cancelled() {
                break marker.finish();
            }
            marker.walk_chunk(chunk, &window, &decoder);
            progress.advance(chunk as u64);
        }
    };
    let found = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..settings.threads).map(|_| scope.spawn(|| work(types.clone()))).collect();
        joined(workers)
    });
    check(progress).map(|()| found)
}

/// Whether to go on.
fn check(progress: &dyn Progress) -> Result<(), PythonError> {
    if progress.cancelled() { Err(PythonError::Cancelled) } else { Ok(()) }
}

/// Roots by number: those of interpreters and threads, static objects, strings interned for good.
fn roots<M: ReadMemory>(shared: &Shared<M>, interned: &[ObjectId], seeds: &[Seed]) -> Vec<Root> {
    let mut names = shared.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let scene = shared.scene;
    let mut roots = Vec::new();
    for seed in seeds {
        let Some(object) = shared.id_of(seed.object) else { continue };
        let name = match &seed.name {
            RootName::Text(text) => names.intern(text),
            RootName::Owned(text) => names.intern(text),
            RootName::Str(at) => {
                let text = text::str_text(scene.memory, scene.layout, *at, 120);
                names.intern(text.as_deref().unwrap_or("?"))
            }
        };
        roots.push(Root { object, kind: seed.kind, name, frame: seed.frame, thread: seed.thread });
    }
    let root = |object, kind, name| Root { object, kind, name, frame: None, thread: None };
    for info in shared.types.infos.iter().filter(|info| !info.is_heap()) {
        if let Some(object) = shared.id_of(info.address) {
            roots.push(root(object, RootKind::Static, names.intern(&info.name)));
        }
    }
    let empty = names.intern("");
    for (start, end) in &scene.files {
        for object in shared.objects_between(*start, *end) {
            roots.push(root(object, RootKind::Static, empty));
        }
    }
    roots.extend(interned.iter().map(|object| root(*object, RootKind::Interned, empty)));
    roots
}
