//! tcmalloc of gperftools: spans, found through the map from pages to them.
//!
//! ```text
//! root[page >> 18] -> leaf[page] -> span: first page, pages, next, prev, free blocks, bits (in use 16, class 8, place 2)
//! ```
//! The root is a part of a static variable without a name. It is known by a leaf whose first span says that it begins at the
//! very page at whose place it stands.
//!
//! Source: `span.h`, `pagemap.h`, `common.h`, `thread_cache.h`, `central_freelist.h` of gperftools 2.8 to 2.16, with pages of
//! 8 KiB.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use memsight_model::{Address, CAllocator, CArena, ReadMemory};

use super::statics::{Scene, Statics};
use super::tally::{Kind, Tally};
use super::{Cached, Found};

/// `kPageShift`.
const SHIFT: u64 = 13;
const LEAF: u64 = 1 << 18;
const ROOT: u64 = 1 << 17;
/// `kClassSizesMax`.
const CLASSES: usize = 128;
/// Sizes of the first classes, which every build has.
const FIRST: [u32; 4] = [0, 8, 16, 32];
/// Size of the last class (`kMaxSize`).
const LARGEST: u32 = 256 << 10;
/// Bytes of a `ThreadCache::FreeList`: list, length, low water, longest, overages, size of blocks.
const LIST: u64 = 32;
/// `kMaxNumTransferEntries`.
const SLOTS: u64 = 64;
/// Blocks of one list; more are a loop.
const CAP: usize = 1 << 24;

/// Pages that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u64,
    pages: u64,
    free: u64,
    bits: u64,
}

impl Span {
    fn read<M: ReadMemory>(scene: &Scene<'_, M>, at: u64) -> Option<Span> {
        let [first, pages, _, _, free, bits]: [u64; 6] = scene.array(at)?;
        let fits = pages > 0 && first.checked_add(pages)? <= LEAF * ROOT;
        fits.then_some(Span { first, pages, free, bits })
    }

    fn start(&self) -> u64 {
        self.first << SHIFT
    }

    fn bytes(&self) -> u64 {
        self.pages << SHIFT
    }

    fn range(&self) -> Range<u64> {
        self.start()..self.start() + self.bytes()
    }

    /// Blocks taken from it.
    fn taken(&self) -> u64 {
        self.bits & 0xffff
    }

    fn class(&self) -> usize {
        (self.bits >> 16 & 0xff) as usize
    }

    /// `IN_USE`.
    fn is_used(&self) -> bool {
        self.bits >> 24 & 3 == 0
    }
}

/// The start of the map that the word at `at` is a part of, if it points to a leaf.
pub(super) fn root<M: ReadMemory>(scene: &Scene<'_, M>, statics: &Statics, at: u64, leaf: u64) -> Option<u64> {
    let range = leaf..leaf.checked_add(8 * LEAF)?;
    if !leaf.is_multiple_of(8) || !scene.anonymous.holds(&range) {
        return None;
    }
    let (place, entry) = scene.first(range)?;
    let span = Span::read(scene, entry)?;
    let root = at.checked_sub(8 * (span.first / LEAF))?;
    let fits = span.first % LEAF == (place - leaf) / 8 && statics.range.contains(&root);
    (fits && scene.anonymous.area(span.start()).is_some()).then_some(root)
}

/// The heap of the map at `root`.
pub(super) fn walk<M: ReadMemory>(scene: &Scene<'_, M>, root: u64, statics: &Statics) -> Found {
    let mut places: BTreeSet<u64> = BTreeSet::new();
    let mut spans: Vec<Span> = Vec::new();
    for (at, leaf) in scene.words(root..root.saturating_add(8 * ROOT)) {
        let (range, key) = (leaf..leaf.saturating_add(8 * LEAF), (at - root) / 8 * LEAF);
        if !scene.anonymous.holds(&range) {
            continue;
        }
        for (at, place) in scene.words(range) {
            places.insert(at & !4095);
            // a span stands at its first and its last page, one of blocks at each
            let page = key + (at - leaf) / 8;
            if let Some(span) = Span::read(scene, place).filter(|span| span.first == page) {
                if !scene.anonymous.holds(&span.range()) {
                    continue;
                }
                places.insert(place & !4095);
                spans.push(span);
            }
        }
    }
    let mut end = 0;
    spans.retain(|span| {
        let apart = span.start() >= end;
        end = if apart { span.range().end } else { end };
        apart
    });
    let arena =
        CArena { allocator: CAllocator::Tcmalloc, library: statics.path.clone(), main: true, ..CArena::default() };
    let mut tally = Tally::new(scene.pages, arena);
    let mut found = Found::default();
    match Sizes::find(scene, statics) {
        Some(sizes) => {
            let (cached, caches) = sizes.cached(scene, statics);
            places.extend(caches);
            spans.iter().for_each(|span| add(scene, &mut tally, span, &sizes, &cached));
        }
        None => {
            found.missing.push("tcmalloc's table of sizes was not found, so that its blocks cannot be read".to_owned());
            spans.iter().for_each(|span| {
                tally.heap(&span.range());
                tally.piece(Kind::Unread, span.start(), span.bytes());
            });
        }
    }
    overhead(scene, &mut tally, &spans, &places);
    found.add(tally);
    found
}

/// Adds a span.
fn add<M: ReadMemory>(scene: &Scene<'_, M>, tally: &mut Tally<'_>, span: &Span, sizes: &Sizes, cached: &Cached) {
    tally.heap(&span.range());
    if !span.is_used() {
        return tally.piece(Kind::Free, span.start(), span.bytes());
    }
    let size = match span.class() {
        // one large block, of the pages that were asked for
        0 => span.bytes(),
        class => sizes.0.get(class).map_or(0, |size| u64::from(*size)),
    };
    if size == 0 || size > span.bytes() {
        return tally.piece(Kind::Unread, span.start(), span.bytes());
    }
    let count = span.bytes() / size;
    // the count of blocks taken has 16 bits
    if count > 1 << 16 || !scene.afford(count) {
        return tally.piece(Kind::Unread, span.start(), span.bytes());
    }
    let free = if span.class() == 0 { HashSet::new() } else { chain(scene, span.free, &span.range(), count as usize) };
    let told = span.class() == 0 || span.taken().checked_add(free.len() as u64) == Some(count);
    for block in (span.start()..).step_by(size as usize).take(count as usize) {
        let kind = match () {
            () if free.contains(&block) => Kind::Free,
            () if cached.contains(&block) => Kind::Cached,
            // a list that is not whole says nothing of the others
            () if !told => Kind::Unread,
            () => Kind::Used,
        };
        tally.piece(kind, block, size);
    }
    tally.rest(Kind::Overhead, span.start() + count * size, span.bytes() - count * size);
}

/// The blocks of a list through their first words.
fn chain<M: ReadMemory>(scene: &Scene<'_, M>, mut at: u64, within: &Range<u64>, most: usize) -> HashSet<u64> {
    let mut found = HashSet::new();
    while within.contains(&at) && found.len() < most && found.insert(at) {
        at = scene.memory.word(Address(at)).unwrap_or(0);
    }
    found
}

/// What it keeps beside its spans: between them in the memory that grows by `brk`, which is its alone, and elsewhere the
/// pages known to be its own.
fn overhead<M: ReadMemory>(scene: &Scene<'_, M>, tally: &mut Tally<'_>, spans: &[Span], places: &BTreeSet<u64>) {
    let mut own: Vec<Range<u64>> = Vec::new();
    let brk = scene.brk.clone().filter(|brk| spans.iter().any(|span| brk.contains(&span.start())));
    if let Some(brk) = &brk {
        let mut at = brk.start;
        for span in spans.iter().map(Span::range).filter(|span| brk.contains(&span.start)) {
            own.push(at..span.start.max(at));
            at = span.end;
        }
        own.push(at..brk.end.max(at));
    }
    let next = |at: &u64| spans.partition_point(|span| span.start() <= *at);
    let in_span = |at: &u64| {
        next(at).checked_sub(1).and_then(|last| spans.get(last)).is_some_and(|span| span.range().contains(at))
    };
    let elsewhere = places.iter().filter(|at| !brk.as_ref().is_some_and(|brk| brk.contains(at)) && !in_span(at));
    own.extend(elsewhere.map(|at| *at..at + 4096));
    for range in own.into_iter().filter(|range| range.start < range.end) {
        tally.heap(&range);
        tally.piece(Kind::Overhead, range.start, range.end - range.start);
    }
}

/// Bytes of the blocks of each class (`class_to_size_`).
struct Sizes(Vec<u32>);

impl Sizes {
    /// The table begins with the sizes that every build has, and ascends.
    fn find<M: ReadMemory>(scene: &Scene<'_, M>, statics: &Statics) -> Option<Sizes> {
        let wanted = u64::from(FIRST[2]) | u64::from(FIRST[3]) << 32;
        for (at, word) in scene.words(statics.range.clone()) {
            // the table need not begin with a word: its third and fourth entry are one, or parts of two
            let starts = [(word == wanted).then(|| at - 8), (word >> 32 == u64::from(FIRST[2])).then(|| at - 4)];
            for start in starts.into_iter().flatten() {
                if let Some(sizes) = Sizes::read(scene, start) {
                    return Some(sizes);
                }
            }
        }
        None
    }

    fn read<M: ReadMemory>(scene: &Scene<'_, M>, at: u64) -> Option<Sizes> {
        let mut sizes = Vec::new();
        for class in 0..CLASSES as u64 {
            let size = scene.memory.u32(Address(at + 4 * class)).ok()?;
            if class > 0 && sizes.last().is_some_and(|last| size <= *last) {
                break;
            }
            sizes.push(size);
        }
        (sizes.starts_with(&FIRST) && sizes.last() == Some(&LARGEST)).then_some(Sizes(sizes))
    }

    /// The blocks that threads keep, and those on their way between threads; and where the caches of threads are.
    fn cached<M: ReadMemory>(&self, scene: &Scene<'_, M>, statics: &Statics) -> (Cached, Vec<u64>) {
        let mut cached = Cached::default();
        let mut caches: BTreeSet<u64> = BTreeSet::new();
        for (at, word) in scene.words(statics.range.clone()) {
            if word.is_multiple_of(8) && scene.anonymous.area(word).is_some() && self.is_cache(scene, word) {
                self.thread(scene, word, &mut caches, &mut cached);
            } else if word == 1 {
                self.central(scene, at, &mut cached);
            }
        }
        (cached, caches.into_iter().flat_map(|cache| [cache & !4095, (cache & !4095) + 4096]).collect())
    }

    /// Whether a `ThreadCache` begins at `at`: its lists, the first member, say the sizes of their blocks.
    fn is_cache<M: ReadMemory>(&self, scene: &Scene<'_, M>, at: u64) -> bool {
        let says = |class: usize| scene.memory.u32(Address(at.saturating_add(LIST * class as u64 + 24))).ok();
        self.0.iter().enumerate().all(|(class, size)| says(class) == Some(*size))
    }

    /// The caches of all threads, which are a list (`next_`, at the end of each), from one of them on.
    fn thread<M: ReadMemory>(&self, scene: &Scene<'_, M>, at: u64, seen: &mut BTreeSet<u64>, cached: &mut Cached) {
        let mut next = vec![at];
        while let Some(cache) = next.pop() {
            if seen.len() >= CAP || !seen.insert(cache) {
                continue;
            }
            for class in 0..self.0.len() as u64 {
                if let Some([head, lengths]) = scene.array::<2>(cache + LIST * class) {
                    list(scene, head, lengths & 0xffff_ffff, cached);
                }
            }
            let end = cache + LIST * CLASSES as u64;
            // its neighbours in the list are the words behind that point to caches
            let links = scene.array::<24>(end).into_iter().flatten();
            next.extend(links.filter(|link| {
                link.is_multiple_of(8) && scene.anonymous.area(*link).is_some() && self.is_cache(scene, *link)
            }));
        }
    }

    /// The blocks in the slots of central lists (`central_cache_`), when the list of class 1 has its class at `at`: the
    /// others follow at equal distances.
    fn central<M: ReadMemory>(&self, scene: &Scene<'_, M>, at: u64, cached: &mut Cached) {
        // from the class on: it, two spans, spans and blocks in them, then the slots and how many of them are used
        const HEAD: u64 = 8 + 48 + 48 + 8 + 8;
        let class = |at: u64| scene.memory.word(Address(at)).ok();
        let count = self.0.len() as u64;
        let is_stride = |stride: &u64| (2..count).all(|number| class(at + stride * (number - 1)) == Some(number));
        let Some(stride) = (HEAD + 16 * SLOTS..HEAD + 16 * SLOTS + 192).step_by(8).find(is_stride) else { return };
        for number in 0..count - 1 {
            let slots = at + stride * number + HEAD;
            let used = scene.memory.u32(Address(slots + 16 * SLOTS)).unwrap_or(0);
            for slot in 0..u64::from(used).min(SLOTS) {
                let head = scene.memory.word(Address(slots + 16 * slot)).unwrap_or(0);
                list(scene, head, u64::MAX, cached);
            }
        }
    }
}

/// The blocks of a list through their first words, `most` at most.
fn list<M: ReadMemory>(scene: &Scene<'_, M>, mut at: u64, most: u64, cached: &mut Cached) {
    for _ in 0..most.min(CAP as u64) {
        if scene.anonymous.area(at).is_none() || !cached.insert(at) {
            return;
        }
        at = scene.memory.word(Address(at)).unwrap_or(0);
    }
}
