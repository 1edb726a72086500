//! The second walk, shared out: memory and the arrays are cut into parts of about equal work, and joined again.

use memsight_model::{
    Counts, ExternalSizes, Label, ObjectFlags, ObjectId, ObjectTable, ReadMemory, ReferenceTable, Sizes, TypeId,
};

use crate::build::Settings;
use crate::emit::{Part, Rows, Shared};
use crate::native::Source;
use crate::pymalloc::Blocks;
use crate::slots::{Bits, Slots};
use crate::window::Window;
use crate::workers::joined;

/// The result of the second walk.
pub(crate) struct Emitted {
    pub objects: ObjectTable,
    pub references: ReferenceTable,
    pub keys: Bits,
    pub blocks: Blocks,
    pub interned: Vec<ObjectId>,
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

/// The second walk: parts of memory with about equal work, a worker each.
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
    let parts = split(shared, edges, settings.threads, &mut arrays);
    let found: Vec<Rows> = std::thread::scope(|scope| {
        let workers: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || run(shared, part, settings))).collect();
        joined(workers)
    });
    collect(found, arrays)
}

/// Wraps zeros. `vec![wrap(0); count]` would write all of them, on this one core; plain zeros are fresh memory of the
/// system, which whoever fills them is the first to touch. Wrapping them in place changes no byte, and costs nothing.
fn wrapped<N, T>(zeros: Vec<N>, wrap: impl Fn(N) -> T) -> Vec<T> {
    zeros.into_iter().map(wrap).collect()
}

fn run<M: ReadMemory + Sync>(shared: &Shared<M>, part: Part<'_>, settings: &Settings) -> Rows {
    let (window, budget) = (Window::new(shared.scene.memory), settings.budget());
    let mut rows = shared.fill(part, &window, &settings.decoder(shared.scene, &window, &budget));
    rows.exhausted = budget.get() == 0;
    rows
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
            keys: shared.scene.slots.plane(),
        });
        first_object += rows as u32;
        first_edge += count as u32;
        start = end;
    }
    cut
}

/// Joins what the workers found with what they wrote.
fn collect(found: Vec<Rows>, arrays: Arrays) -> Emitted {
    let external = found.iter().map(|part| part.external.len()).sum::<usize>();
    let mut found = found.into_iter();
    // the first is not copied but grown: a large one is moved by the kernel
    let mut joined = found.next().unwrap_or_default();
    joined.external.reserve_exact(external - joined.external.len());
    for mut part in found {
        joined.large.extend(part.large);
        joined.counts.extend(part.counts);
        joined.external.append(&mut part.external);
        joined.interned.extend(part.interned);
        joined.partial += part.partial;
        joined.exhausted |= part.exhausted;
        joined.keys.merge(part.keys);
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
        keys: joined.keys,
        blocks: joined.blocks,
        interned: joined.interned,
        partial: joined.partial,
        exhausted: joined.exhausted,
        sources: joined.sources,
        data: joined.data,
    }
}
