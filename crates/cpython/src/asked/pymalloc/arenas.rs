//! Arenas and pools: `struct arena_object` and `struct pool_header`, the same in 3.8 to 3.15.

use memsight_model::{Address, Arena, Pool, Pymalloc, ReadMemory};

use super::state::State;
use super::{ALIGNMENT, CLASSES, Missing};
use crate::walk::scene::Scene;

/// Bytes of a `struct arena_object`.
pub(super) const ENTRY: u64 = 48;
/// More arenas than a terabyte needs.
const ARENAS_CAP: u64 = 1 << 20;
/// Arenas have 64 pools, 128 with huge pages; unaligned ones have one less.
const POOLS_CAP: u32 = 1 << 10;
/// Pools of 4 KiB up to 3.9, of 16 KiB later.
const POOL_BYTES: std::ops::RangeInclusive<u64> = 1 << 12..=1 << 16;

/// A `struct arena_object` in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    address: Address,
    /// The next pool that was never used.
    next: Address,
    free_pools: u32,
    pools: u32,
    index: u32,
    interpreter: i64,
    /// As the head of its first pool tells; 0 before it has one.
    pool_bytes: u64,
}

/// What stands at a place of the array.
enum Place {
    /// An arena, in order.
    Arena(Entry),
    /// Unused, linked to another such.
    Unused { link: Address },
    /// Something else.
    Other,
}

fn place<M: ReadMemory>(scene: &Scene<M>, array: Address, index: u32, interpreter: i64) -> Place {
    let mut words = [0; 5];
    let Some(at) = array.checked_add(ENTRY * u64::from(index)) else { return Place::Other };
    if scene.memory.fill(at, &mut words).is_err() {
        return Place::Other;
    }
    let [address, next, counts, _, link] = words;
    if address == 0 {
        return Place::Unused { link: Address(link) };
    }
    let (free_pools, pools) = (counts as u32, (counts >> 32) as u32);
    let mut entry =
        Entry { address: Address(address), next: Address(next), free_pools, pools, index, interpreter, pool_bytes: 0 };
    let plausible = pools > 0 && pools <= POOLS_CAP && free_pools <= pools && address % *POOL_BYTES.start() == 0;
    // Nobody touches what lies before the first pool of an unaligned arena.
    let there = |at: u64| scene.slots.slot(Address(at)).is_some();
    if !plausible || next < address || !(there(address) || there(address.saturating_add(*POOL_BYTES.end()))) {
        return Place::Other;
    }
    let Some(bytes) = first_pool_bytes(scene, &entry) else { return Place::Other };
    entry.pool_bytes = bytes;
    Place::Arena(entry)
}

/// Bytes of a pool as the first one's head tells: the last offset of a block is a block before its end. 0 when no pool
/// was ever used, `None` when its head contradicts the arena.
fn first_pool_bytes<M: ReadMemory>(scene: &Scene<M>, entry: &Entry) -> Option<u64> {
    for bytes in [1 << 14, 1 << 12, 1 << 15, 1 << 13, 1 << 16] {
        let first = entry.address.0.checked_next_multiple_of(bytes)?;
        let Some(used) = entry.next.0.checked_sub(first).filter(|used| used % bytes == 0) else { continue };
        let used = used / bytes;
        if used > entry.pools.into() || used + u64::from(entry.free_pools) < entry.pools.into() {
            continue;
        }
        if used == 0 {
            return Some(0);
        }
        if Head::read(scene, Address(first)).is_some_and(|head| head.fits(entry.index, bytes)) {
            return Some(bytes);
        }
    }
    None
}

/// Whether an array of arenas begins at `at`: entries up to the first arena that its own pool names.
pub(super) fn is_table<M: ReadMemory>(scene: &Scene<M>, at: Address) -> bool {
    for index in 0..ARENAS_CAP as u32 {
        match place(scene, at, index, 0) {
            Place::Arena(entry) if entry.pool_bytes > 0 => return true,
            Place::Arena(_) => {}
            Place::Unused { link } if is_link(at, link) => {}
            _ => return false,
        }
    }
    false
}

/// Unused entries form a list.
fn is_link(array: Address, link: Address) -> bool {
    let offset = link.0.wrapping_sub(array.0);
    link.is_null() || (offset.is_multiple_of(ENTRY) && offset / ENTRY < ARENAS_CAP)
}

/// Number of arenas of an array whose length is not known.
pub(super) fn count<M: ReadMemory>(scene: &Scene<M>, state: &State) -> u64 {
    read(scene, state, &mut Missing::default()).len() as u64
}

/// The arenas of a state.
pub(super) fn read<M: ReadMemory>(scene: &Scene<M>, state: &State, missing: &mut Missing) -> Vec<Entry> {
    let mut entries = Vec::new();
    if state.arenas.is_null() {
        return entries;
    }
    let limit = state.maxarenas.unwrap_or(u32::MAX).min(ARENAS_CAP as u32);
    let mut odd = 0;
    for index in 0..limit {
        match place(scene, state.arenas, index, state.interpreter) {
            Place::Arena(entry) => entries.push(entry),
            Place::Unused { link } if state.maxarenas.is_some() || is_link(state.arenas, link) => {}
            _ if state.maxarenas.is_some() => odd += 1,
            _ => break,
        }
    }
    missing.note(odd, "arenas are not in order");
    if let Some(allocated) = state.allocated.filter(|allocated| *allocated != entries.len() as u64 + odd) {
        missing.0.push(format!("{} of {allocated} arenas were found", entries.len()));
    }
    entries
}

/// The head of a pool.
struct Head {
    used: u32,
    arena: u32,
    class: u32,
    next: u32,
    last: u32,
}

impl Head {
    fn read<M: ReadMemory>(scene: &Scene<M>, at: Address) -> Option<Head> {
        let mut words = [0; 6];
        scene.memory.fill(at, &mut words).ok()?;
        let halves = |word: u64| (word as u32, (word >> 32) as u32);
        let ((used, _), (arena, class), (next, last)) = (halves(words[0]), halves(words[4]), halves(words[5]));
        Some(Head { used, arena, class, next, last })
    }

    fn block_bytes(&self) -> u32 {
        (self.class + 1) * ALIGNMENT
    }

    /// Whether it is of that arena, and of a pool of that size.
    fn fits(&self, arena: u32, pool_bytes: u64) -> bool {
        self.arena == arena
            && self.class < CLASSES
            && u64::from(self.last) + u64::from(self.block_bytes()) == pool_bytes
    }

    /// The pool, when its numbers agree.
    fn pool(&self, address: Address, pool_bytes: u64) -> Option<Pool> {
        let room = pool_bytes - Pymalloc::POOL_HEAD;
        let block = u64::from(self.block_bytes());
        let touched = u64::from(self.next).checked_sub(Pymalloc::POOL_HEAD)?;
        let (capacity, carved) = (room / block, touched / block);
        if touched % block != 0 || u64::from(self.used) > carved || carved > capacity {
            return None;
        }
        Some(Pool {
            address,
            block_bytes: self.block_bytes() as u16,
            used: u16::try_from(self.used).ok()?,
            capacity: u16::try_from(capacity).ok()?,
            fresh: (capacity - carved) as u16,
        })
    }
}

/// Walks the pools of arenas.
pub(super) fn walk<M: ReadMemory>(scene: &Scene<M>, mut entries: Vec<Entry>, missing: &mut Missing) -> Pymalloc {
    let pool_bytes = entries.iter().map(|entry| entry.pool_bytes).find(|bytes| *bytes > 0).unwrap_or(0);
    let mut pymalloc = Pymalloc { pool_bytes, ..Pymalloc::default() };
    if pool_bytes == 0 {
        return pymalloc;
    }
    entries.sort_by_key(|entry| entry.address);
    let (mut end, mut overlapping, mut odd) = (0, 0, 0);
    for entry in entries {
        let own = entry.pool_bytes == 0 || entry.pool_bytes == pool_bytes;
        let Some(arena) = entry.arena(pool_bytes).filter(|arena| own && arena.address.0 >= end) else {
            overlapping += 1;
            continue;
        };
        end = arena.address.0.saturating_add(arena.bytes);
        let before = pymalloc.pools.len();
        odd += pools(scene, &entry, pool_bytes, &mut pymalloc.pools);
        let found = (pymalloc.pools.len() - before) as u32;
        odd += u64::from(found + arena.free_pools < arena.pools);
        pymalloc.arenas.push(arena);
    }
    missing.note(overlapping, "arenas overlap others");
    missing.note(odd, "pools are not in order");
    pymalloc
}

impl Entry {
    fn arena(&self, pool_bytes: u64) -> Option<Arena> {
        // An arena that does not begin with a pool loses one.
        let lost = u64::from(!self.address.0.is_multiple_of(pool_bytes));
        let bytes = (u64::from(self.pools) + lost) * pool_bytes;
        self.address.checked_add(bytes)?;
        let Entry { address, pools, free_pools, interpreter, .. } = *self;
        Some(Arena { address, bytes, pools, free_pools, interpreter })
    }
}

/// Appends the pools in use of an arena; how many are not in order.
fn pools<M: ReadMemory>(scene: &Scene<M>, entry: &Entry, pool_bytes: u64, found: &mut Vec<Pool>) -> u64 {
    let first = entry.address.0.next_multiple_of(pool_bytes);
    let used = entry.next.0.saturating_sub(first) / pool_bytes;
    let mut odd = 0;
    for number in 0..used.min(entry.pools.into()) {
        let at = Address(first + number * pool_bytes);
        match Head::read(scene, at) {
            // A pool without a block has gone back to its arena; what else its head says is stale.
            Some(head) if head.used == 0 => {}
            Some(head) if head.fits(entry.index, pool_bytes) => match head.pool(at, pool_bytes) {
                Some(pool) => found.push(pool),
                None => odd += 1,
            },
            _ => odd += 1,
        }
    }
    odd
}
