//! Addresses of blocks that something is known of: those of code objects. At every free it is asked whether a block is one of
//! them, so the answer "no" is one bit of a small table.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::lock::Lock;
use crate::sys;

/// 16,384 bits, 2 KiB: they stay in the first cache of a core.
const BITS: u32 = 14;
/// Entries are taken from memory by so many bytes at a time; they are never given back.
const PIECE: usize = 1 << 20;

static FILTER: [AtomicU64; 1 << (BITS - 6)] = [const { AtomicU64::new(0) }; 1 << (BITS - 6)];
static TABLE: Lock<Table> = Lock::new(Table {
    buckets: [ptr::null_mut(); 1 << BITS],
    unused: ptr::null_mut(),
    left: 0,
    fresh: ptr::null_mut(),
});

/// A known block.
struct Entry {
    next: *mut Entry,
    block: usize,
    number: u64,
}

struct Table {
    buckets: [*mut Entry; 1 << BITS],
    unused: *mut Entry,
    fresh: *mut Entry,
    left: usize,
}

#[inline]
fn hash(block: usize) -> usize {
    ((block >> 4) as u32).wrapping_mul(0x9E37_79B1) as usize >> (32 - BITS)
}

/// Whether `block` may be known.
#[inline]
pub fn may_be(block: usize) -> bool {
    let hash = hash(block);
    FILTER[hash >> 6].load(Ordering::Relaxed) >> (hash & 63) & 1 == 1
}

/// What is known of `block`, or what `make` then says of it. `None` when there is no memory to keep that.
pub fn number_of(block: usize, make: impl FnOnce() -> u64) -> Option<u64> {
    TABLE.with(|table| {
        let hash = hash(block);
        let mut entry = table.buckets[hash];
        // SAFETY: entries are never given back, and all changes are made under the lock.
        while let Some(known) = unsafe { entry.as_ref() } {
            if known.block == block {
                return Some(known.number);
            }
            entry = known.next;
        }
        let place = table.entry()?;
        let number = make();
        // SAFETY: an entry that nobody else has.
        unsafe { place.write(Entry { next: table.buckets[hash], block, number }) };
        table.buckets[hash] = place;
        FILTER[hash >> 6].fetch_or(1 << (hash & 63), Ordering::Relaxed);
        Some(number)
    })
}

/// Forgets `block`; whether it was known.
#[cold]
pub fn forget(block: usize) -> bool {
    TABLE.with(|table| {
        let hash = hash(block);
        let mut link = &raw mut table.buckets[hash];
        let mut found = false;
        // SAFETY: as in `number_of`; `link` is a place in the table or in an entry.
        unsafe {
            while !(*link).is_null() {
                let entry = *link;
                if (*entry).block != block {
                    link = &raw mut (*entry).next;
                    continue;
                }
                *link = (*entry).next;
                (*entry).next = table.unused;
                table.unused = entry;
                found = true;
            }
        }
        if table.buckets[hash].is_null() {
            FILTER[hash >> 6].fetch_and(!(1 << (hash & 63)), Ordering::Relaxed);
        }
        found
    })
}

/// In a child: no other thread is left that could have the lock.
pub fn after_fork() {
    TABLE.free();
}

impl Table {
    fn entry(&mut self) -> Option<*mut Entry> {
        if !self.unused.is_null() {
            let entry = self.unused;
            // SAFETY: an entry that was in use.
            self.unused = unsafe { (*entry).next };
            return Some(entry);
        }
        if self.left == 0 {
            self.fresh = sys::fresh(PIECE)?.cast();
            self.left = PIECE / size_of::<Entry>();
        }
        let entry = self.fresh;
        self.left -= 1;
        // SAFETY: at most at the end of the piece.
        self.fresh = unsafe { entry.add(1) };
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_known_until_it_is_forgotten() {
        let blocks: Vec<usize> = (1..50_000).map(|index| 0x7f00_0000_0000 + index * 4096).collect();
        for &block in &blocks {
            assert_eq!(number_of(block, || block as u64 >> 12), Some(block as u64 >> 12));
            assert!(may_be(block));
        }
        assert_eq!(number_of(blocks[7], || panic!("it is known")), Some(blocks[7] as u64 >> 12));
        for &block in &blocks {
            assert!(forget(block) && !forget(block));
        }
        assert!(!blocks.iter().any(|&block| may_be(block)));
    }
}
