//! Following pointers through the memory of C code, breadth first, so that the nearest owner takes a block.
//!
//! Pointers to the first byte of a block are believed before those into its midst: what a struct keeps it mostly knows by
//! its start, and a stale word or a number that looks like an address seldom hits one.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::ops::Range;

use memsight_model::{Address, CBlocks, COwned, NativeParts, ObjectId, ReadMemory, Region};

use super::Ground;
use super::loose::Loose;
use super::trees;
use crate::asked::places::{Place, pages};
use crate::asked::unowned::Run;
use crate::object::types::AddressHasher;
use crate::rows::blocks::PoolIndex;
use crate::rows::claims::Claims;
use crate::rows::emit::Shared;
use crate::walk::mark::LOWEST_ADDRESS;

const PAGE: u64 = 4096;
const PAGE_WORDS: usize = PAGE as usize / 8;
/// Bytes at the end of a block that belong to the head of the next.
const HEAD: u64 = 16;
/// Blocks above this are data unless a sample of their pages holds pointers.
const SURE: u64 = 64 << 10;
/// Pages of a large block that are sampled, and how rare pointers may be among their words.
const SAMPLE: usize = 32;
const RARE: usize = 256;
/// Where an object begins in its block: behind the head of the collector and behind what else stands in front.
const HEADS: [u64; 4] = [0, 16, 32, 48];

/// Heads that libraries put before what they hold, with its size in the first word.
const OWN_HEADS: [u64; 2] = [8, 16];
/// Who points to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Object(ObjectId),
    /// A row of the places.
    Place(u32),
}

/// How a word leads to a block: to where what it holds begins, to what looks like the head of a library's own before that,
/// or into its midst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Start,
    Head,
    Inside,
}

/// Whose a block is by who handed it out.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Heap,
    Pymalloc,
    Mapping,
}

/// What an owner has got.
#[derive(Debug, Clone, Copy)]
pub(super) struct Got {
    pub owner: Owner,
    pub bytes: u64,
    pub untouched: u64,
    kind: Kind,
}

impl Got {
    /// Adds it to a sum.
    pub fn add_to(&self, parts: &mut NativeParts) {
        let blocks: &mut CBlocks = match self.kind {
            Kind::Heap => &mut parts.heap,
            Kind::Pymalloc => &mut parts.pymalloc,
            Kind::Mapping => &mut parts.mappings,
        };
        blocks.add(self.bytes, self.bytes - self.untouched.min(self.bytes));
    }
}

/// The walk.
pub(super) struct Walk<'a, M> {
    pub shared: &'a Shared<'a, M>,
    pub pools: &'a PoolIndex<'a>,
    pub claims: &'a Claims<'a>,
    pub loose: Loose,
    /// Threads by their numbers, which are addresses in their memory: a lock that notes who has it owns nothing of that.
    threads: HashSet<u64>,
    /// Blocks of pymalloc that are taken, or free.
    small: HashSet<u64, BuildHasherDefault<AddressHasher>>,
    /// Pools whose free blocks are known.
    sifted: HashSet<u64, BuildHasherDefault<AddressHasher>>,
    queue: VecDeque<(Range<u64>, Owner)>,
    /// Words that lead to heads, and those that lead into the midst, of blocks that nobody has taken, in the order in which
    /// they were met.
    heads: Vec<(u64, Owner)>,
    inner: Vec<(u64, Owner)>,
    /// Whether such words are believed.
    believes_heads: bool,
    believes_inner: bool,
    /// What is taken hangs from such a word.
    is_doubtful: bool,
    /// Words are those of C memory, not of the object that owns it.
    is_outside: bool,
    /// Objects to which C memory that an object owns leads.
    pub held: Vec<(ObjectId, ObjectId)>,
    pub got: Vec<Got>,
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    pub fn new(shared: &'a Shared<'a, M>, ground: &Ground<'a>, loose: Loose) -> Self {
        let (pools, claims) = (ground.pools, ground.claims);
        let threads = ground.threads.iter().map(|thread| thread.ident).collect();
        Walk {
            shared,
            pools,
            claims,
            loose,
            threads,
            small: HashSet::default(),
            sifted: HashSet::default(),
            queue: VecDeque::new(),
            heads: Vec::new(),
            inner: Vec::new(),
            believes_heads: false,
            believes_inner: false,
            is_doubtful: false,
            is_outside: false,
            held: Vec::new(),
            got: Vec::new(),
        }
    }

    /// Takes what the words of a range point to, to be followed later.
    pub fn scan(&mut self, range: Range<u64>, owner: Owner) {
        pages(self.shared.scene.memory, range, |words| {
            (0..words.len()).for_each(|place| self.take(words, place, owner))
        });
    }

    /// Gives an owner the block that begins with a range, of which only the range holds something.
    pub fn hold(&mut self, range: Range<u64>, owner: Owner) {
        self.keep(Address(range.start), owner);
        self.scan(range, owner);
    }

    /// Gives an owner the block at an address, which leads nowhere.
    fn keep(&mut self, at: Address, owner: Owner) {
        if let Some((block, kind)) = self.target(&[at.0], 0, owner) {
            self.give(&block, kind, owner);
        }
    }

    /// Gives an owner the syntax trees to which the words of a stack lead.
    pub fn keep_trees(&mut self, stack: &Place, owner: Owner) {
        let (memory, shared) = (self.shared.scene.memory, self.shared);
        self.believes_inner = true; // debug hooks put a head before each block
        stack.words(memory, |word| {
            let blocks = trees::blocks(memory, word, |at| shared.id_of(at).is_some());
            blocks.into_iter().for_each(|block| self.keep(block, owner));
        });
        self.believes_inner = false;
    }

    /// Puts what was taken up to now away, to be followed later.
    pub fn set_aside(&mut self) -> VecDeque<(Range<u64>, Owner)> {
        std::mem::take(&mut self.queue)
    }

    /// Takes up again what was put away.
    pub fn resume(&mut self, later: VecDeque<(Range<u64>, Owner)>) {
        self.queue.extend(later);
    }

    /// Notes that the block that holds `at` is known: nobody else takes it.
    pub fn know(&mut self, at: Address) {
        if let Some((start, _)) = self.pools.block(at) {
            self.small.insert(start.0);
        } else if let Some(number) = self.claims.blocks.find(at) {
            self.claims.take(number);
        }
    }

    /// Follows everything taken up to now, then what leads to heads of what nobody has, for a number may look like a head.
    /// Then the words that lead into the midst of what is left: all that are as far from their owners before the next.
    pub fn follow(&mut self) {
        self.follow_sure();
        self.is_doubtful = true;
        while !self.inner.is_empty() {
            self.believes_inner = true;
            for (word, owner) in std::mem::take(&mut self.inner) {
                self.take(&[word], 0, owner);
            }
            self.believes_inner = false;
            self.follow_sure();
        }
        self.is_doubtful = false;
    }

    fn follow_sure(&mut self) {
        self.follow_queue();
        while !self.heads.is_empty() {
            self.believes_heads = true;
            for (word, owner) in std::mem::take(&mut self.heads) {
                self.take(&[word], 0, owner);
            }
            self.believes_heads = false;
            self.follow_queue();
        }
    }

    fn follow_queue(&mut self) {
        while let Some((range, owner)) = self.queue.pop_front() {
            let parts = if range.end - range.start > SURE { self.claims.present(range) } else { vec![range] };
            let large = parts.iter().map(|part| part.end - part.start).sum::<u64>() > SURE;
            if !large || self.holds_pointers(&parts) {
                self.is_outside = true;
                parts.into_iter().for_each(|part| self.scan(part, owner));
                self.is_outside = false;
            }
        }
    }

    /// Gives a word of C memory its owner, when it leads to memory that nobody has taken.
    fn take(&mut self, words: &[u64], place: usize, owner: Owner) {
        let Some((range, kind)) = self.target(words, place, owner) else { return };
        self.give(&range, kind, owner);
        self.queue.push_back((range, owner));
    }

    fn give(&mut self, range: &Range<u64>, kind: Kind, owner: Owner) {
        // A library seldom writes to all of a large block, which the two pages that its ends share with others do not tell.
        let bytes = range.end - range.start;
        let untouched = if bytes > 2 * PAGE { self.claims.absent(range.clone()) } else { 0 };
        self.got.push(Got { owner, bytes, untouched, kind });
    }

    /// Notes the free blocks of the pool that holds `at`: they still hold what they held.
    fn sift(&mut self, at: Address) {
        let Some(pool) = self.pools.pool_of(at).filter(|pool| pool.used < pool.capacity) else { return };
        if self.sifted.insert(pool.address.0)
            && let Some(run) = Run::of_pool(self.shared.scene.memory, pool, (0, 0))
        {
            self.small.extend(run.free_blocks(self.shared.scene.memory).iter().map(|free| free.0));
            let fresh = run.count..pool.capacity.into();
            self.small.extend(fresh.map(|block| run.start.0.saturating_add(u64::from(block) * u64::from(run.bytes))));
        }
    }

    fn target(&mut self, words: &[u64], place: usize, owner: Owner) -> Option<(Range<u64>, Kind)> {
        let at = Address(*words.get(place)?);
        if !self.is_there(at) || self.threads.contains(&at.0) {
            return None;
        }
        if let Some(target) = self.shared.id_of(at) {
            self.hold_object(target, owner);
            return None;
        }
        if let Some((start, bytes)) = self.pools.block(at) {
            self.sift(at);
            let way = self.way(start.0..start.0 + bytes, at);
            if !self.believes(way) {
                self.doubt(at, way, owner, self.small.contains(&start.0));
                return None;
            }
            let free = self.small.insert(start.0) && !self.holds_object(start.0..start.0 + bytes);
            return free.then_some((start.0..start.0 + bytes, Kind::Pymalloc));
        }
        if let Some(number) = self.claims.blocks.find(at) {
            let block = self.claims.blocks.get(number)?;
            // glibc's own lists lead to the heads of free blocks, which begin in the last bytes of the block before
            if at.0.saturating_add(HEAD) >= block.end && block.end - block.start > HEAD {
                return None;
            }
            let way = self.way(block.clone(), at);
            if !self.believes(way) {
                self.doubt(at, way, owner, self.claims.is_taken(number));
                return None;
            }
            let free = self.claims.take(number) && !self.holds_object(block.clone());
            return free.then_some((block, Kind::Heap));
        }
        if self.shared.scene.is_static(at) {
            return None;
        }
        self.loose.take(words, place).map(|range| (range, Kind::Mapping))
    }

    /// Notes an object to which C memory leads. Blocks that a doubtful word led to say nothing of objects.
    fn hold_object(&mut self, target: ObjectId, owner: Owner) {
        if let Owner::Object(owner) = owner
            && self.is_outside
            && !self.is_doubtful
            && owner != target
        {
            self.held.push((owner, target));
        }
    }

    fn believes(&self, way: Way) -> bool {
        match way {
            Way::Start => true,
            Way::Head => self.believes_heads || self.believes_inner,
            Way::Inside => self.believes_inner,
        }
    }

    /// Puts a word away whose turn comes later.
    fn doubt(&mut self, at: Address, way: Way, owner: Owner, is_taken: bool) {
        if !is_taken {
            let later = if way == Way::Head { &mut self.heads } else { &mut self.inner };
            later.push((at.0, owner));
        }
    }

    /// Whether a word leads to the first byte of a block. In programs that lie low many a number is the address of some byte
    /// of the heap; few are that of a block.
    fn is_start(&self, at: Address) -> bool {
        // Most words lead to code and constants.
        if self.shared.scene.slots.slot(at).is_none() {
            return false;
        }
        let heap = self.claims.blocks.find(at).and_then(|number| self.claims.blocks.get(number));
        let small = || self.pools.block(at).map(|(start, bytes)| start.0..start.0 + bytes);
        heap.or_else(small).is_some_and(|block| self.way(block, at) != Way::Inside)
    }

    /// How a word leads to a block. What it holds begins at its first byte, or behind a head of the library's own that says
    /// how much it holds. Whoever keeps such a block knows it by where the head ends (SQLite's `sqlite3MemMalloc`, 8 bytes;
    /// `expat_malloc` from 2.7.2 on, 16), and a word that leads to the head itself is most often a stale one.
    fn way(&self, block: Range<u64>, at: Address) -> Way {
        let inside = at.0 - block.start;
        if inside != 0 && !OWN_HEADS.contains(&inside) {
            return Way::Inside;
        }
        let (bytes, said) = (block.end - block.start, self.shared.scene.memory.word(Address(block.start)).unwrap_or(0));
        let fits = |head: u64| {
            let rest = bytes.checked_sub(head).and_then(|room| room.checked_sub(said));
            // a small number in a small block is most often a count
            said >= bytes / 2 && rest.is_some_and(|rest| rest <= slack(bytes))
        };
        match inside {
            0 if OWN_HEADS.into_iter().any(fits) => Way::Head,
            0 => Way::Start,
            head if fits(head) => Way::Start,
            _ => Way::Inside,
        }
    }

    /// Takes the blocks to whose first bytes the words of a range lead.
    pub fn scan_starts(&mut self, place: &Place, owner: Owner) {
        let memory = self.shared.scene.memory;
        place.words(memory, |word| {
            if self.is_start(word) {
                self.take(&[word.0], 0, owner);
            }
        });
    }

    /// Whether private memory is there that may be written. Blocks begin in memory that nobody has touched, too, of which
    /// the slots know nothing.
    fn is_there(&self, at: Address) -> bool {
        if !(LOWEST_ADDRESS..1 << 47).contains(&at.0) {
            return false;
        }
        self.shared.scene.slots.slot(Address(at.0 & !7)).is_some() || {
            let region = Region::find(self.shared.scene.regions, at);
            region.is_some_and(|region| region.read && region.write && !region.shared)
        }
    }

    /// Whether a block is that of a Python object, as its start tells.
    fn holds_object(&self, block: Range<u64>) -> bool {
        let starts = HEADS.iter().map(|head| block.start + head).take_while(|start| *start < block.end);
        starts.into_iter().any(|start| self.shared.id_of(Address(start)).is_some())
    }

    /// Whether pointers are not rare among the words of large memory: arrays of numbers and texts are not followed.
    fn holds_pointers(&self, parts: &[Range<u64>]) -> bool {
        let pages: u64 = parts.iter().map(|part| (part.end - part.start).div_ceil(PAGE)).sum();
        let step = (pages / SAMPLE as u64).max(1);
        let starts = parts.iter().flat_map(|part| (part.start..part.end).step_by(PAGE as usize));
        let (mut all, mut pointers) = (0, 0);
        let mut words = [0u64; PAGE_WORDS];
        for start in starts.step_by(step as usize) {
            let block = &mut words[..((PAGE - start % PAGE) / 8) as usize];
            if self.shared.scene.memory.fill(Address(start.next_multiple_of(8)), block).is_err() {
                continue;
            }
            all += block.len();
            pointers += block.iter().filter(|word| self.is_there(Address(**word))).count();
        }
        pointers.saturating_mul(RARE) >= all && pointers > 0
    }
}

/// Bytes by which a block may be larger than was asked for: rounding and the head of the next; in larger ones, in which a
/// number is no such size by chance, a rest too small for a block of its own; a page in a mapping.
fn slack(bytes: u64) -> u64 {
    match bytes {
        ..256 => 23,
        256..SURE => 55,
        _ => PAGE + 23,
    }
}

/// From this size on, parts of a block may not be in memory.
const _: () = assert!(COwned::LARGE <= SURE);
