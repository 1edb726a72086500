//! The second walk, shared out: memory and the arrays are cut into parts of about equal work, and joined again.

use std::sync::{Mutex, PoisonError};

use memsight_model::{
    Counts, ExternalSizes, Label, ObjectFlags, ObjectId, ObjectTable, ReadMemory, ReferenceTable, Sizes, TypeId,
};

use crate::rows::blocks::Blocks;
use crate::rows::claims::Source;
use crate::rows::emit::{Coded, Part, Rows, Shared};
use crate::walk::scene::Settings;
use crate::walk::slots::{Bits, Slots};
use crate::walk::window::Window;
use crate::walk::workers::joined;

/// The result of the second walk.
pub(crate) struct Emitted {
    pub objects: ObjectTable,
    pub references: ReferenceTable,
    pub keys: Bits,
    pub blocks: Blocks,
    pub interned: Vec<ObjectId>,
    pub coded: Vec<Coded>,
    pub partial: u64,
    pub exhausted: bool,
    pub sources: Vec<Source>,
    pub data: Vec<std::ops::Range<u64>>,
}

/// The arrays that the workers fill, each its part.
struct Arrays {
    offsets: Vec<u32>,
    types: Vec<TypeId>,
    shallow: Vec<u32>,
    refcounts: Vec<u8>,
    flags: Vec<ObjectFlags>,
    targets: Vec<ObjectId>,
    labels: Vec<Label>,
}

/// Parts of memory for each worker. What a part takes is not known before: whoever is done takes the next.
const PARTS: usize = 4;

/// What one worker found in its parts.
struct Found {
    /// With the number of the part.
    rows: Vec<(usize, Rows)>,
    keys: Bits,
    exhausted: bool,
}

/// The second walk, by several workers.
pub(crate) fn emit<M: ReadMemory + Sync>(shared: &Shared<M>, edges: &[u64], settings: &Settings) -> Emitted {
    let objects = shared.ranks.count as usize;
    let all = edges.iter().sum::<u64>().min(u64::from(u32::MAX)) as usize;
    let mut arrays = Arrays {
        offsets: vec![0; objects + 1],
        types: wrapped(vec![0; objects], TypeId),
        shallow: vec![0; objects],
        refcounts: vec![0; objects],
        flags: wrapped(vec![0; objects], ObjectFlags),
        targets: wrapped(vec![0; all], ObjectId),
        labels: wrapped(vec![0; all], Label),
    };
    let parts = Mutex::new(split(shared, edges, settings.threads * PARTS, &mut arrays).into_iter().enumerate());
    let found: Vec<Found> = std::thread::scope(|scope| {
        let work = || run(shared, &parts, settings);
        joined((0..settings.threads).map(|_| scope.spawn(work)).collect())
    });
    drop(parts);
    collect(found, arrays)
}

/// Wraps zeros. `vec![wrap(0); count]` would write all of them, on this one core; plain zeros are fresh memory of the
/// system, which whoever fills them is the first to touch. Wrapping them in place changes no byte, and costs nothing.
fn wrapped<N, T>(zeros: Vec<N>, wrap: impl Fn(N) -> T) -> Vec<T> {
    zeros.into_iter().map(wrap).collect()
}

fn run<'r, M: ReadMemory + Sync>(
    shared: &Shared<M>,
    parts: &Mutex<impl Iterator<Item = (usize, Part<'r>)>>,
    settings: &Settings,
) -> Found {
    let (window, budget) = (Window::new(shared.scene.memory), settings.budget());
    let decoder = settings.decoder(shared.scene, &window, &budget);
    let mut found = Found { rows: Vec::new(), keys: shared.scene.slots.plane(), exhausted: false };
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some((number, part)) = next() {
        found.rows.push((number, shared.fill(part, &mut found.keys, &window, &decoder)));
    }
    found.exhausted = budget.get() == 0;
    found
}

/// Takes the first `count` elements off a slice, or as many as there are.
fn take<'r, T>(rest: &mut &'r mut [T], count: usize) -> &'r mut [T] {
    let all = std::mem::take(rest);
    let (own, behind) = all.split_at_mut(count.min(all.len()));
    *rest = behind;
    own
}

/// Cuts memory and the arrays into parts.
fn split<'r, M: ReadMemory>(shared: &Shared<M>, edges: &[u64], parts: usize, arrays: &'r mut Arrays) -> Vec<Part<'r>> {
    let objects_of = |chunk: usize| shared.ranks.bits.count(Slots::slots_of(chunk..chunk + 1));
    let objects: Vec<usize> = (0..edges.len()).map(objects_of).collect();
    let work = |chunk: usize| edges[chunk] + objects[chunk] as u64;
    let share = (0..edges.len()).map(work).sum::<u64>() / parts as u64 + 1;
    let (mut ends, mut types, mut shallow) = (&mut arrays.offsets[1..], &mut arrays.types[..], &mut arrays.shallow[..]);
    let (mut refcounts, mut flags) = (&mut arrays.refcounts[..], &mut arrays.flags[..]);
    let (mut targets, mut labels) = (&mut arrays.targets[..], &mut arrays.labels[..]);
    let (mut first_object, mut first_edge, mut start) = (0u32, 0u32, 0);
    let mut cut = Vec::new();
    while start < edges.len() {
        let (mut end, mut sum) = (start, 0);
        while end < edges.len() && (sum < share || cut.len() + 1 == parts) {
            sum += work(end);
            end += 1;
        }
        let rows = objects[start..end].iter().sum();
        let count = (edges[start..end].iter().sum::<u64>() as usize).min(targets.len());
        cut.push(Part {
            chunks: start..end,
            first_object,
            first_edge,
            ends: take(&mut ends, rows),
            types: take(&mut types, rows),
            shallow: take(&mut shallow, rows),
            refcounts: take(&mut refcounts, rows),
            flags: take(&mut flags, rows),
            targets: take(&mut targets, count),
            labels: take(&mut labels, count),
        });
        first_object += rows as u32;
        first_edge += count as u32;
        start = end;
    }
    cut
}

/// Joins what the workers found with what they wrote.
fn collect(found: Vec<Found>, arrays: Arrays) -> Emitted {
    let exhausted = found.iter().any(|worker| worker.exhausted);
    let (mut rows, mut keys) = (Vec::new(), Bits::default());
    for worker in found {
        rows.extend(worker.rows);
        keys.merge(worker.keys);
    }
    rows.sort_unstable_by_key(|(number, _)| *number);
    let external = rows.iter().map(|(_, part)| part.external.len()).sum::<usize>();
    let mut rows = rows.into_iter().map(|(_, part)| part);
    // the first is not copied but grown: a large one is moved by the kernel
    let mut joined = rows.next().unwrap_or_default();
    joined.external.reserve_exact(external - joined.external.len());
    for mut part in rows {
        joined.large.extend(part.large);
        joined.counts.extend(part.counts);
        joined.external.append(&mut part.external);
        joined.interned.extend(part.interned);
        joined.coded.append(&mut part.coded);
        joined.partial += part.partial;
        joined.blocks.join(part.blocks);
        joined.untouched.append(&mut part.untouched);
        joined.sources.append(&mut part.sources);
        joined.data.append(&mut part.data);
    }
    Emitted {
        objects: ObjectTable {
            types: arrays.types,
            shallow: Sizes::from_parts(arrays.shallow, joined.large),
            external: ExternalSizes(joined.external),
            untouched: ExternalSizes(joined.untouched),
            refcounts: Counts::from_parts(arrays.refcounts, joined.counts),
            flags: arrays.flags,
            ..ObjectTable::default()
        },
        references: ReferenceTable { offsets: arrays.offsets, targets: arrays.targets, labels: arrays.labels },
        keys,
        blocks: joined.blocks,
        interned: joined.interned,
        coded: joined.coded,
        partial: joined.partial,
        exhausted,
        sources: joined.sources,
        data: joined.data,
    }
}
