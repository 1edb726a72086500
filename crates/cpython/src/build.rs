//! From memory to tables: the order of the walks.
//!
//! 1. The collector's lists give the tracked objects. 2. A first walk from them and from the roots marks everything
//! reachable ([`crate::mark`]). 3. Ranks number the marked addresses. 4. A second walk in order of address writes rows
//! and references ([`crate::emit`]), a part of memory per core.

use std::cell::Cell;
use std::sync::Mutex;

use memsight_model::{
    Address, ExternalSizes, Label, Manifest, Names, ObjectId, Progress, ReadMemory, ReferenceTable, Region, Root,
    RootKind, SCHEMA_VERSION, Snapshot, TypeRecord,
};

use crate::decode::Decoder;
use crate::elf::Image;
use crate::emit::{Part, Rows, Shared};
use crate::error::PythonError;
use crate::generations::Tracked;
use crate::layout::Layout;
use crate::locate::Python;
use crate::mark::{Marked, Marker};
use crate::roots::{RootName, Seed};
use crate::slots::{Bits, Slots};
use crate::stacks::Stacks;
use crate::statics::StaticTypes;
use crate::text;
use crate::texts;
use crate::types::TypeTable;

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Keep the texts of strings, bytes and numbers, not only of dictionary keys.
    pub values: bool,
    /// Threads of the second walk.
    pub threads: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions { values: false, threads: 2 }
    }
}

/// What every stage of decoding looks at.
pub(crate) struct Scene<'a, M> {
    pub memory: &'a M,
    pub layout: &'a Layout,
    pub slots: &'a Slots,
    /// Writable mappings of files, sorted: where static objects are.
    pub files: Vec<(Address, Address)>,
}

impl<M> Scene<'_, M> {
    /// Whether an address lies in a mapping of an executable or library.
    pub fn is_static(&self, at: Address) -> bool {
        let index = self.files.partition_point(|(start, _)| *start <= at);
        index.checked_sub(1).is_some_and(|index| at < self.files[index].1)
    }
}

impl Python {
    /// Decodes the heap of every interpreter of the process.
    ///
    /// The memory must not change meanwhile (a frozen copy); if it does, references are lost but nothing breaks. Fills
    /// all of the snapshot but what only the operating system knows (pid, RSS, pause, time of the look). Cost: two
    /// walks over all objects, about 30 bytes a object and 8 a reference beside the copy.
    pub fn decode<M: ReadMemory + Sync>(
        &self,
        memory: &M,
        regions: &[Region],
        options: &DecodeOptions,
        progress: &dyn Progress,
    ) -> Result<Snapshot, PythonError> {
        let interpreters = self.interpreters(memory)?;
        let slots = Slots::new(regions);
        let scene = Scene { memory, layout: &self.layout, slots: &slots, files: file_mappings(memory, regions) };
        progress.phase("walking the collector's lists", None);
        let tracked = self.tracked(memory, &slots)?;
        let stacks = self.stacks(memory, &interpreters);
        let mut seeds: Vec<Seed> =
            interpreters.iter().rev().flat_map(|interpreter| self.interpreter_roots(memory, *interpreter)).collect();
        seeds.extend(stacks.seeds.iter().cloned());
        let main = *interpreters.last().ok_or(PythonError::NotReady)?;
        let statics = StaticTypes::find(memory, &self.layout, main);
        let types = TypeTable::new(self.subtype_traverse(memory, main), statics.clone());

        let budget = Cell::new(slots.words().saturating_mul(4).saturating_add(1 << 20));
        let decoder = Decoder {
            memory,
            layout: &self.layout,
            statics: &statics,
            budget: &budget,
            general_lookup: 0,
            values_by_owner: self.values_by_owner(),
        };
        let marked = mark(&scene, &tracked, types, &seeds, &decoder, progress)?;
        let Marked { objects, edges, types, general_lookup } = marked;
        let ranks = objects.ranked();
        progress.phase("decoding objects", Some(ranks.count.into()));
        let names = Mutex::new(Names::default());
        let shared = Shared { scene: &scene, types: &types, ranks: &ranks, tracked: &tracked, names: &names };
        let settings = Settings {
            statics: &statics,
            words: slots.words(),
            general_lookup,
            values_by_owner: self.values_by_owner(),
            threads: options.threads,
        };
        let mut emitted = emit(&shared, &edges, &settings);
        if progress.cancelled() {
            return Err(PythonError::Cancelled);
        }
        let mut snapshot = Snapshot {
            manifest: self.manifest(options, interpreters.len(), emitted.partial, budget.get() == 0),
            ..Snapshot::default()
        };
        let keys = std::mem::replace(&mut emitted.keys, Bits::default());
        snapshot.texts = texts::collect(&shared, &keys, options.values);
        snapshot.roots = roots(&shared, &mut emitted, &seeds);
        snapshot.types = type_records(&shared);
        snapshot.objects = emitted.objects;
        snapshot.objects.addresses = texts::addresses(&shared);
        snapshot.references = emitted.references;
        let Stacks { threads, frames, .. } = stacks;
        (snapshot.threads, snapshot.frames) = (threads, frames);
        snapshot.names = names.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        snapshot.maps = regions.to_vec();
        Ok(snapshot)
    }

    /// 3.13.0 to 3.13.4 traverse inline values through their owner (see `decode::instances`).
    fn values_by_owner(&self) -> bool {
        self.layout.minor == 13 && self.version().micro() < 5
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

    fn manifest(&self, options: &DecodeOptions, interpreters: usize, partial: u64, exhausted: bool) -> Manifest {
        let mut reasons = Vec::new();
        if partial > 0 {
            reasons.push(format!("{partial} objects could not be decoded whole"));
        }
        if exhausted {
            reasons.push("containers claim more items than the process has memory".to_owned());
        }
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

/// Writable private mappings of files and the zeroed memory (.bss) right behind them, sorted. An arena of objects may
/// lie right behind a .bss, in the same line of the maps: the image's own header says where the .bss ends.
fn file_mappings<M: ReadMemory>(memory: &M, regions: &[Region]) -> Vec<(Address, Address)> {
    let mut files: Vec<(Address, Address)> = Vec::new();
    let mut image_end = None;
    for region in regions {
        if region.inode != 0 && region.offset == 0 {
            image_end = Image::at(memory, region).map(|image| image.end());
        }
        if !region.write || region.shared {
            continue;
        }
        let bss = region.path.is_empty() && files.last().is_some_and(|(_, end)| *end == region.start);
        let end = image_end.filter(|_| bss).map_or(region.end, |end| region.end.min(end));
        if (region.inode != 0 || bss) && end > region.start {
            files.push((region.start, end));
        }
    }
    files.sort_unstable();
    files
}

/// The first walk.
fn mark<M: ReadMemory>(
    scene: &Scene<M>,
    tracked: &Tracked,
    types: TypeTable,
    seeds: &[Seed],
    decoder: &Decoder<M>,
    progress: &dyn Progress,
) -> Result<Marked, PythonError> {
    progress.phase("finding objects", Some(scene.slots.chunk_count() as u64));
    let mut marker = Marker::new(scene, tracked, types);
    for chunk in 0..scene.slots.chunk_count() {
        marker.walk_chunk(chunk, decoder);
        progress.advance(chunk as u64);
        if progress.cancelled() {
            return Err(PythonError::Cancelled);
        }
    }
    for seed in seeds {
        marker.walk_root(seed.object, decoder);
    }
    for static_type in decoder.statics.all(scene.memory) {
        marker.walk_root(static_type, decoder);
    }
    marker.walk_types(decoder);
    Ok(marker.finish())
}

/// What the second walk's workers need besides what they share.
struct Settings<'a> {
    statics: &'a StaticTypes,
    words: u64,
    general_lookup: u64,
    values_by_owner: bool,
    threads: usize,
}

/// The result of the second walk.
struct Emitted {
    objects: memsight_model::ObjectTable,
    references: ReferenceTable,
    keys: Bits,
    interned: Vec<ObjectId>,
    partial: u64,
}

/// The second walk: parts of memory with about equal numbers of references, a worker each.
fn emit<M: ReadMemory + Sync>(shared: &Shared<M>, edges: &[u64], settings: &Settings) -> Emitted {
    let total: u64 = edges.iter().sum::<u64>().min(u64::from(u32::MAX));
    let mut references = ReferenceTable {
        offsets: vec![0; shared.ranks.count as usize + 1],
        targets: vec![ObjectId(0); total as usize],
        labels: vec![Label(0); total as usize],
    };
    let parts = split(shared, edges, settings.threads.clamp(1, 64), &mut references);
    let results: Vec<(Rows, Bits)> = std::thread::scope(|scope| {
        let workers: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || run(shared, part, settings))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    collect(results, references)
}

fn run<M: ReadMemory + Sync>(shared: &Shared<M>, part: Part<'_>, settings: &Settings) -> (Rows, Bits) {
    let budget = Cell::new(settings.words.saturating_mul(4).saturating_add(1 << 20));
    let decoder = Decoder {
        memory: shared.scene.memory,
        layout: shared.scene.layout,
        statics: settings.statics,
        budget: &budget,
        general_lookup: settings.general_lookup,
        values_by_owner: settings.values_by_owner,
    };
    shared.fill(part, &decoder)
}

/// Cuts memory and the reference arrays into parts.
fn split<'r, M: ReadMemory>(
    shared: &Shared<M>,
    edges: &[u64],
    parts: usize,
    references: &'r mut ReferenceTable,
) -> Vec<Part<'r>> {
    let objects_of = |chunk: usize| shared.ranks.bits.ones(Slots::slots_of(chunk..chunk + 1)).count();
    let work: Vec<u64> = edges.iter().enumerate().map(|(chunk, edges)| edges + objects_of(chunk) as u64).collect();
    let share = work.iter().sum::<u64>() / parts as u64 + 1;
    let (_, mut ends) = references.offsets.split_at_mut(1);
    let (mut targets, mut labels) = (&mut references.targets[..], &mut references.labels[..]);
    let (mut first_object, mut first_edge, mut start) = (0u32, 0u32, 0);
    let mut cut = Vec::new();
    while start < edges.len() {
        let (mut end, mut sum) = (start, 0);
        while end < edges.len() && (sum < share || cut.len() + 1 == parts) {
            sum += work[end];
            end += 1;
        }
        let objects: usize = (start..end).map(objects_of).sum();
        let count = edges[start..end].iter().sum::<u64>().min(targets.len() as u64) as usize;
        let (own_ends, rest_ends) = ends.split_at_mut(objects.min(ends.len()));
        let (own_targets, rest_targets) = targets.split_at_mut(count);
        let (own_labels, rest_labels) = labels.split_at_mut(count);
        (ends, targets, labels) = (rest_ends, rest_targets, rest_labels);
        let keys = shared.scene.slots.plane();
        cut.push(Part {
            chunks: start..end,
            first_object,
            first_edge,
            ends: own_ends,
            targets: own_targets,
            labels: own_labels,
            keys,
        });
        first_object += objects as u32;
        first_edge += count as u32;
        start = end;
    }
    cut
}

/// Joins the rows of all parts.
fn collect(results: Vec<(Rows, Bits)>, references: ReferenceTable) -> Emitted {
    let mut emitted = Emitted {
        objects: memsight_model::ObjectTable::default(),
        references,
        keys: Bits::default(),
        interned: Vec::new(),
        partial: 0,
    };
    for (rows, keys) in results {
        emitted.objects.types.extend(rows.types);
        emitted.objects.shallow.append(&rows.shallow);
        let ExternalSizes(external) = &mut emitted.objects.external;
        external.extend(rows.external);
        emitted.objects.refcounts.extend(rows.refcounts);
        emitted.objects.flags.extend(rows.flags);
        emitted.interned.extend(rows.interned);
        emitted.partial += rows.partial;
        emitted.keys.merge(&keys);
    }
    emitted
}

/// Roots by number: those of interpreters and threads, static objects, strings interned for good.
fn roots<M: ReadMemory>(shared: &Shared<M>, emitted: &mut Emitted, seeds: &[Seed]) -> Vec<Root> {
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
    roots.extend(emitted.interned.drain(..).map(|object| root(object, RootKind::Interned, empty)));
    roots
}

/// The types as the model has them; row 0 is for objects whose type could not be read.
fn type_records<M: ReadMemory>(shared: &Shared<M>) -> Vec<TypeRecord> {
    let unknown = TypeRecord { name: "<unknown>".to_owned(), ..TypeRecord::default() };
    let known = shared.types.infos.iter().map(|info| TypeRecord {
        name: info.name.clone(),
        address: info.address,
        object: shared.id_of(info.address),
        kind: info.kind,
        heap: info.is_heap(),
        exact: info.exact,
    });
    std::iter::once(unknown).chain(known).collect()
}
