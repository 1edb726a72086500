//! Following pointers through the memory of C code, breadth first, so that the nearest owner takes a block.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::ops::Range;

use memsight_model::{Address, CBlocks, COwned, NativeParts, ObjectId, ReadMemory};

use super::claims::Claims;
use super::loose::Loose;
use crate::emit::Shared;
use crate::places::Place;
use crate::pymalloc::PoolIndex;
use crate::types::AddressHasher;

const PAGE: u64 = 4096;
/// Linux maps nothing below (`vm.mmap_min_addr`).
const LOWEST: u64 = 1 << 16;
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

/// Who points to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Object(ObjectId),
    /// A row of the places.
    Place(u32),
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
    /// Blocks of pymalloc that are taken.
    small: HashSet<u64, BuildHasherDefault<AddressHasher>>,
    queue: VecDeque<(Range<u64>, Owner)>,
    pub got: Vec<Got>,
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    pub fn new(shared: &'a Shared<'a, M>, pools: &'a PoolIndex<'a>, claims: &'a Claims<'a>, loose: Loose) -> Self {
        Walk { shared, pools, claims, loose, small: HashSet::default(), queue: VecDeque::new(), got: Vec::new() }
    }

    /// Takes what the words of a range point to, to be followed later.
    pub fn scan(&mut self, range: Range<u64>, owner: Owner) {
        let memory = self.shared.scene.memory;
        let mut words = [0u64; PAGE_WORDS];
        let mut at = range.start.next_multiple_of(8);
        while at < range.end {
            let next = (at / PAGE + 1).saturating_mul(PAGE).min(range.end);
            let block = &mut words[..((next - at) / 8) as usize];
            if memory.fill(Address(at), block).is_ok() {
                for place in 0..block.len() {
                    self.take(block, place, owner);
                }
            }
            at = next;
        }
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

    /// Follows everything taken up to now.
    pub fn follow(&mut self) {
        while let Some((range, owner)) = self.queue.pop_front() {
            let parts = if range.end - range.start > SURE { self.claims.present(range) } else { vec![range] };
            let large = parts.iter().map(|part| part.end - part.start).sum::<u64>() > SURE;
            if !large || self.holds_pointers(&parts) {
                parts.into_iter().for_each(|part| self.scan(part, owner));
            }
        }
    }

    /// Gives a word of C memory its owner, when it leads to memory that nobody has taken.
    fn take(&mut self, words: &[u64], place: usize, owner: Owner) {
        let Some((range, kind)) = self.target(words, place) else { return };
        let untouched = self.claims.untouched(range.clone());
        self.got.push(Got { owner, bytes: range.end - range.start, untouched, kind });
        self.queue.push_back((range, owner));
    }

    fn target(&mut self, words: &[u64], place: usize) -> Option<(Range<u64>, Kind)> {
        let at = Address(*words.get(place)?);
        if !self.is_there(at) || self.shared.id_of(at).is_some() {
            return None;
        }
        if let Some((start, bytes)) = self.pools.block(at) {
            let free = self.small.insert(start.0) && !self.holds_object(start.0..start.0 + bytes);
            return free.then_some((start.0..start.0 + bytes, Kind::Pymalloc));
        }
        if let Some(number) = self.claims.blocks.find(at) {
            let block = self.claims.blocks.get(number)?;
            // glibc's own lists lead to the heads of free blocks, which begin in the last bytes of the block before
            if at.0.saturating_add(HEAD) >= block.end && block.end - block.start > HEAD {
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

    /// Whether a word leads to the first byte of a block. In programs that lie low many a number is the address of some byte
    /// of the heap; few are that of a block.
    fn is_start(&self, at: Address) -> bool {
        let heap = self.claims.blocks.holding(at).is_some_and(|(start, _)| start == at);
        heap || self.pools.block(at).is_some_and(|(start, _)| start == at)
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
        if !(LOWEST..1 << 47).contains(&at.0) {
            return false;
        }
        self.shared.scene.slots.slot(Address(at.0 & !7)).is_some() || {
            let regions = self.shared.scene.regions;
            let next = regions.partition_point(|region| region.start <= at);
            let region = next.checked_sub(1).and_then(|last| regions.get(last));
            region.is_some_and(|region| region.contains(at) && region.read && region.write && !region.shared)
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

/// From this size on, parts of a block may not be in memory.
const _: () = assert!(COwned::LARGE <= SURE);
