//! Finding the arenas: `main_arena` inside the C library's data, by the shape of its bins, and the ring of the others.
//!
//! No symbol names `main_arena`. It is known by its 127 bins, each a ring of chunks that leads back to the bin itself;
//! empty ones, of which there are always many, point to themselves.

use std::ops::Range;

use memsight_model::{Address, ReadMemory};

/// Bins of an arena (`NBINS - 1`), two words each.
const BINS: u64 = 127;
/// Heaps of thread arenas are aligned to and at most as large as this (`HEAP_MAX_SIZE`, 64 bits).
pub(super) const HEAP_MAX: u64 = 64 << 20;
/// From the start of the bins to the fields behind them.
const NEXT: u64 = 16 * BINS + 16;
const ATTACHED: u64 = NEXT + 16;
const SYSTEM: u64 = NEXT + 24;
const END: u64 = NEXT + 40;
/// From the start of `malloc_state` to its bins: 2.27 and later, before, and without fastbins (2.43).
const HEADS: [u64; 4] = [112, 104, 24, 32];
/// More arenas than this are no arenas.
const CAP: usize = 1 << 14;

/// Where the parts of `malloc_state` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub address: Address,
    bins: u64,
}

impl State {
    fn new(address: u64, head: u64) -> State {
        State { address: Address(address), bins: address.wrapping_add(head) }
    }

    /// The chunk at the end (`top`).
    pub fn top(&self, memory: &impl ReadMemory) -> Option<u64> {
        memory.word(Address(self.bins.checked_sub(16)?)).ok().filter(|top| top % 16 == 0)
    }

    /// Where the heads of the fastbins are, in versions that have them.
    pub fn fastbins(&self) -> Option<u64> {
        (self.bins - self.address.0 >= 96).then(|| self.bins - 96)
    }

    /// Threads that allocate from it.
    pub fn threads(&self, memory: &impl ReadMemory) -> u64 {
        memory.word(Address(self.bins + ATTACHED)).unwrap_or(0)
    }

    /// Bytes from the system (`system_mem`).
    pub fn system_bytes(&self, memory: &impl ReadMemory) -> u64 {
        memory.word(Address(self.bins + SYSTEM)).unwrap_or(0)
    }

    /// One past its last byte.
    pub fn end(&self) -> u64 {
        self.bins + END
    }

    fn next(&self, memory: &impl ReadMemory) -> Option<u64> {
        memory.word(Address(self.bins.checked_add(NEXT)?)).ok()
    }
}

/// The arenas, the main one first; empty when it is not in `data`, the writable memory of the library.
pub(super) fn arenas(memory: &impl ReadMemory, data: &[Range<u64>]) -> Vec<State> {
    data.iter().find_map(|range| bins(memory, range.clone())).map_or_else(Vec::new, |bins| ring(memory, bins))
}

/// The start of the bins inside `range`.
fn bins(memory: &impl ReadMemory, range: Range<u64>) -> Option<u64> {
    let mut at = range.start.next_multiple_of(8);
    while at.checked_add(16 * BINS)? < range.end {
        if is_empty(memory, at) {
            let mut first = at;
            while first >= range.start + 16 && is_ring(memory, first - 16) {
                first -= 16;
            }
            let count = (0..=BINS).take_while(|bin| is_ring(memory, first + 16 * bin)).count() as u64;
            if count == BINS {
                return Some(first);
            }
        }
        at += 8;
    }
    None
}

/// Whether the words at `at` point to the chunk that a bin there pretends to be.
fn is_empty(memory: &impl ReadMemory, at: u64) -> bool {
    let own = Ok(at.wrapping_sub(16));
    memory.word(Address(at)) == own && memory.word(Address(at + 8)) == own
}

/// Whether the first and the last chunk of the bin at `at` point back to it.
fn is_ring(memory: &impl ReadMemory, at: u64) -> bool {
    let own = Ok(at.wrapping_sub(16));
    let back = |from: u64, field: i64| memory.word(Address(from).at(field)) == own;
    match (memory.word(Address(at)), memory.word(Address(at + 8))) {
        (Ok(first), Ok(last)) => back(first, 24) && back(last, 16),
        _ => false,
    }
}

/// The ring of arenas through the main one, whose bins are at `bins`: with that head in front of the bins with which it
/// closes.
fn ring(memory: &impl ReadMemory, bins: u64) -> Vec<State> {
    let closed = |head: &u64| {
        let mut arenas = vec![State::new(bins.checked_sub(*head)?, *head)];
        loop {
            let next = arenas.last()?.next(memory)?;
            if next == arenas.first()?.address.0 {
                return Some(arenas);
            }
            // an arena stands in its own first heap, whose head says so
            let heap = next & !(HEAP_MAX - 1);
            if arenas.len() >= CAP || next - heap > 4096 || memory.word(Address(heap)) != Ok(next) {
                return None;
            }
            arenas.push(State::new(next, *head));
        }
    };
    HEADS.iter().find_map(closed).unwrap_or_default()
}
