//! Objects that nothing known refers to and that no list of the collector has: blocks that the allocators have given out
//! and that are nobody's.
//!
//! ```text
//! runs of blocks ──> no known object inside ──> head of a verified type ──> its fields hold ──> nobody's buffer ──> object
//! ```
//!
//! A reference that C code leaks keeps a str, an int or a tuple of such alive, and nothing in the heap tells of it. Its
//! block does. Wrong blocks are many more than right ones (tables of dictionaries, items of lists, C structs over what is
//! left of dead objects), so each test is one that they fail.

mod check;
mod mimalloc;
mod runs;

use std::collections::HashSet;

use memsight_model::{Address, Allocator, HolderKind, Pymalloc, ReadMemory};

use crate::asked::holders::written;
use crate::asked::places::Place;
use crate::find::locate::Python;
use crate::object::head::Head;
use crate::object::owned::each_buffer;
use crate::object::references::Decoder;
use crate::object::types::{TypeIx, TypeTable};
use crate::options::DecodeOptions;
use crate::walk::generations::PREV_FINALIZED;
use crate::walk::mark::{LOWEST_ADDRESS, Marker};
use crate::walk::scene::Scene;
use crate::walk::slots::{SharedBits, Slot};
use crate::walk::window::Window;
use crate::walk::workers::joined;
use check::{Candidate, Verdict, fields};
pub(crate) use runs::{Run, Runs};

impl Python {
    /// The blocks of the allocators that are known, and whether all that hold objects are among them. Who counts objects alone
    /// does not look for what nobody holds.
    pub(crate) fn runs<'a, M: ReadMemory>(
        &self,
        scene: &Scene<M>,
        interpreters: &[Address],
        pymalloc: &Pymalloc,
        options: &DecodeOptions<'a>,
    ) -> (Runs<'a>, bool) {
        if !options.references {
            return (Runs::default(), false);
        }
        if self.layout.is_free_threaded() {
            let (pools, whole) = self.mimalloc_runs(scene, interpreters);
            return (Runs { pools, ..Runs::default() }, whole);
        }
        let hooked = pymalloc.allocator == Allocator::PymallocDebug;
        let heap = options.c_heap.map(|heap| &heap.blocks);
        (Runs { pools: Run::of_pools(scene.memory, pymalloc, hooked), heap, hooked }, true)
    }
}

/// What may be missing in a build whose collector has no lists. `whole`: the heaps of all threads were read.
pub(crate) fn without_lists(whole: bool) -> &'static str {
    match whole {
        true => "free-threaded build: objects that nothing reaches are not found in memory of threads that have ended",
        false => "free-threaded build: objects that nothing reaches are not found",
    }
}

/// Words of a block that are looked at: the most that stands before an object, and its head.
const WORDS: usize = 8;

/// Marks the objects in blocks that are nobody's, with what they lead to; those to which none of the others refers.
///
/// Cost: a count of marks for each run, and some 20 ns for each block in which no known object is.
pub(crate) fn adopt<M: ReadMemory + Sync>(
    scene: &Scene<M>,
    marker: &mut Marker<'_, M>,
    decoder: &Decoder<Window<M>>,
    runs: &Runs<'_>,
    threads: usize,
) -> Vec<Address> {
    let mut found = search(scene, marker.objects(), marker.types(), runs, threads);
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_unstable_by_key(|candidate| candidate.start);
    let mut rows = Vec::new();
    found.retain(|candidate| {
        let row = verified(marker, decoder, candidate);
        rows.extend(row);
        row.is_some()
    });
    let objects = found.iter().map(|candidate| candidate.object);
    let owners: Vec<(Address, TypeIx)> = marker.owners().iter().copied().chain(objects.zip(rows)).collect();
    drop_buffers(scene, marker, decoder, &owners, &mut found);
    marker.adopt(&found.iter().map(|candidate| candidate.object).collect::<Vec<_>>(), decoder)
}

/// Without the objects that a call of C has in hand, as far as that can be: a word on a thread's stack says so. Words on
/// stacks outlive what they meant, so for a type of which there are others they say nothing.
pub(crate) fn without_passing<M: ReadMemory>(
    scene: &Scene<M>,
    types: &TypeTable,
    places: &[Place],
    unheld: Vec<Address>,
) -> Vec<Address> {
    let mut on_stacks = HashSet::new();
    if !unheld.is_empty() {
        let stacks = places.iter().filter(|place| place.kind == HolderKind::Stack);
        stacks.for_each(|stack| {
            from_the_top(scene, stack, |word| {
                on_stacks.extend(unheld.binary_search(&word));
                if word.0 % 8 == 0 && scene.slots.slot(word).is_some() {
                    let bytes = written(scene.memory, scene.layout, word);
                    on_stacks.extend(bytes.and_then(|bytes| unheld.binary_search(&bytes).ok()));
                }
            });
        });
    }
    let kind_at = scene.layout.object.type_;
    let type_of = |object: &Address| types.known(scene.memory.pointer(object.at(kind_at.into())).ok()?);
    let others = unheld.iter().enumerate().filter(|(index, _)| !on_stacks.contains(index));
    let leaked: HashSet<Option<TypeIx>> = others.map(|(_, object)| type_of(object)).collect();
    unheld.iter().copied().filter(|object| leaked.contains(&type_of(object))).collect()
}

/// Tells the words of a stack from its top down, as far as it is there.
fn from_the_top<M: ReadMemory>(scene: &Scene<M>, stack: &Place, mut tell: impl FnMut(Address)) {
    const PAGE: u64 = 4096;
    /// Calls of C that hold objects are no deeper.
    const MOST: u64 = 1 << 20;
    let mut words = [0u64; (PAGE / 8) as usize];
    let bottom = stack.start.0.max(stack.end.0.saturating_sub(MOST));
    let mut end = stack.end.0;
    while end > bottom {
        let start = ((end - 1) & !(PAGE - 1)).max(bottom);
        let Some(page) = words.get_mut(..((end - start) / 8) as usize) else { return };
        if scene.memory.fill(Address(start), page).is_err() {
            return;
        }
        page.iter().for_each(|word| tell(Address(*word)));
        end = start;
    }
}

/// The blocks that have the head of an object where one would be.
fn search<M: ReadMemory + Sync>(
    scene: &Scene<M>,
    objects: &SharedBits,
    types: &TypeTable,
    runs: &Runs<'_>,
    threads: usize,
) -> Vec<Candidate> {
    let shares = runs.shares();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut searcher = Searcher { scene, objects, types, found: Vec::new() };
        loop {
            let share = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if share >= shares {
                break;
            }
            runs.share(share, |run| searcher.run(run));
        }
        searcher.found
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        joined(workers)
    });
    parts.into_iter().flatten().collect()
}

struct Searcher<'a, M> {
    scene: &'a Scene<'a, M>,
    objects: &'a SharedBits,
    types: &'a TypeTable,
    found: Vec<Candidate>,
}

impl<M: ReadMemory> Searcher<'_, M> {
    fn run(&mut self, run: &Run) {
        if run.used == 0 {
            return;
        }
        // Most runs hold known objects and nothing else.
        let first = self.first_slot(run);
        let known = first.map_or(0, |(first, last)| self.objects.count(first, last));
        if known == run.used {
            return;
        }
        let before = self.found.len();
        for (start, end) in run.blocks() {
            let at = ((start.0 - run.start.0) / 8) as usize;
            let known = |front: u64| match first {
                Some((first, _)) => self.objects.get(Slot(first.0 + at + front as usize / 8)),
                None => self.is_known(start.at(front as i64)),
            };
            if check::STARTS.iter().any(|front| start.0 + front < end.0 && known(*front)) {
                continue;
            }
            if let Some(object) = self.object_in(start, end) {
                self.found.push(Candidate { start, end, object, coarse: run.coarse });
            }
        }
        if self.found.len() > before {
            let free = run.free_blocks(self.scene.memory);
            let new = self.found.split_off(before);
            self.found.extend(new.into_iter().filter(|candidate| free.binary_search(&candidate.start).is_err()));
        }
    }

    /// The slots of the first word of a run and of its last. `None` when it lies in two chunks that are no neighbours.
    fn first_slot(&self, run: &Run) -> Option<(Slot, Slot)> {
        let (first, last) = (self.scene.slots.slot(run.start)?, self.scene.slots.slot(run.last_word())?);
        (last.0.wrapping_sub(first.0) as u64 * 8 == run.last_word().0 - run.start.0).then_some((first, last))
    }

    fn is_known(&self, at: Address) -> bool {
        self.scene.slots.slot(at).is_some_and(|slot| self.objects.get(slot))
    }

    /// Where in a block an object begins, as its head and what stands in front say.
    fn object_in(&self, start: Address, end: Address) -> Option<Address> {
        if !self.scene.layout.is_free_threaded() && self.is_nothing(start, end) {
            return None;
        }
        let mut words = [0u64; WORDS];
        let words = words.get_mut(..((end.0 - start.0) / 8).min(WORDS as u64) as usize)?;
        self.scene.memory.fill(start, words).ok()?;
        let begins = |front: &&u64| self.begins(words, **front as usize / 8);
        check::STARTS.iter().find(begins).map(|front| start.at(*front as i64))
    }

    /// Whether the words that an object would have first, a count or empty links, are neither: three words tell of most
    /// blocks, and cost less than to read all.
    fn is_nothing(&self, start: Address, end: Address) -> bool {
        let mut words = [1u64; 3];
        let held = (((end.0 - start.0) / 8) as usize).min(words.len());
        if self.scene.memory.fill(start, &mut words[..held]).is_err() {
            return true;
        }
        let is_address = |word: u64| word.is_multiple_of(8) && (LOWEST_ADDRESS..1 << 47).contains(&word);
        let is_object = Head::may_count(words[0], self.scene.layout) && is_address(words[1]);
        !is_object && words[0] != 0 && words[2] != 0
    }

    /// Whether a word that would be a count leads to memory instead, in programs that lie low: what C code holds in a block may
    /// begin with a pointer, with the type of an object that was freed there still behind it. The first word of an object of a
    /// free-threaded build is an address anyway.
    fn is_pointer(&self, word: u64) -> bool {
        word >= LOWEST_ADDRESS
            && !self.scene.layout.is_free_threaded()
            && self.scene.slots.slot(Address(word & !7)).is_some()
    }

    /// Whether an object begins at a word of a block.
    fn begins(&self, words: &[u64], front: usize) -> bool {
        let layout = self.scene.layout;
        // Untracked links: no next, no previous.
        let links = front.checked_sub(2).and_then(|at| words.get(at..front)).unwrap_or(&[0, 0]);
        let untracked = links[0] == 0 && links[1] & !PREV_FINALIZED == 0;
        let head = words.get(front..).filter(|_| layout.is_free_threaded() || untracked);
        let head = head.and_then(|head| Head::of_words(head, layout)).filter(Head::is_possible);
        head.is_some_and(|head| {
            // A list of objects begins with one, whose address may be a small number.
            let is_type = self.types.may_be(head.type_).unwrap_or_else(|| self.is_known(head.type_));
            is_type && !self.is_known(Address(head.first)) && !self.is_pointer(head.first)
        })
    }
}

/// The type of a candidate whose fields hold.
fn verified<M: ReadMemory>(
    marker: &mut Marker<'_, M>,
    decoder: &Decoder<Window<M>>,
    candidate: &Candidate,
) -> Option<TypeIx> {
    let row = marker.candidate(decoder.memory, candidate.object)?;
    let info = marker.types().infos.get(row as usize)?;
    match fields(decoder, candidate, info) {
        Verdict::No => None,
        Verdict::Holds => Some(row),
        Verdict::IfObjects(targets) => targets.into_iter().all(|target| marker.may_be_object(target)).then_some(row),
    }
}

/// Drops the candidates that lie in the buffer of an object.
fn drop_buffers<M: ReadMemory>(
    scene: &Scene<M>,
    marker: &Marker<'_, M>,
    decoder: &Decoder<Window<M>>,
    owners: &[(Address, TypeIx)],
    found: &mut Vec<Candidate>,
) {
    let mut taken = scene.slots.plane();
    let mut inside = scene.slots.plane();
    // Blocks do not overlap: together they are no larger than the memory, whatever damaged heads say.
    let mut left = scene.slots.words();
    found.retain(|candidate| {
        let words = (candidate.end.0 - candidate.start.0) / 8;
        let fits = words <= left;
        left -= if fits { words } else { 0 };
        fits
    });
    for candidate in found.iter() {
        let words = (candidate.start.0..candidate.end.0).step_by(8);
        words.filter_map(|at| scene.slots.slot(Address(at))).for_each(|slot| {
            inside.set(slot);
        });
    }
    for (owner, row) in owners {
        let Some(info) = marker.types().infos.get(*row as usize) else { continue };
        // What cannot be read of a buffer is nobody's.
        let _ = each_buffer(decoder, *owner, info, &mut |buffer: Address| {
            let Some(slot) = scene.slots.slot(Address(buffer.0 & !7)).filter(|slot| inside.get(*slot)) else { return };
            let at = scene.slots.address(slot);
            let index = found.partition_point(|candidate| candidate.start <= at);
            let whole = index.checked_sub(1).and_then(|index| found.get(index));
            if let Some(slot) = whole.and_then(|candidate| scene.slots.slot(candidate.object)) {
                taken.set(slot);
            }
        });
    }
    found.retain(|candidate| !scene.slots.slot(candidate.object).is_some_and(|slot| taken.get(slot)));
}
