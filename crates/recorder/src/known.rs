//! Addresses of blocks that something is known of: those of code objects, and those in a sample. At every free it is asked whether
//! a block is one of them, so the answer "no" is one bit of a small table.

use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::lock::Lock;
use crate::sys;

/// 16,384 bits, 2 KiB: they stay in the first cache of a core.
const BITS: u32 = 14;
/// Entries are taken from memory by so many bytes at a time; they are never given back.
const PIECE: usize = 1 << 20;

/// Counts how often numbers of code objects became invalid.
static GENERATION: AtomicU32 = AtomicU32::new(0);
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
    what: What,
}

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// It is the code object of this number.
    Code(u64),
    /// It is in the sample, with this size.
    Sampled(usize),
}

/// What was known of a block that is forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// It was a code object.
    pub code: bool,
    /// It was in the sample, with this size.
    pub sampled: Option<usize>,
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

/// Changes when a code object that was told is freed, or must be told anew.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has all threads forget which numbers code objects have.
pub fn next_generation() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Whether `block` may be known.
#[inline]
pub fn may_be(block: usize) -> bool {
    let hash = hash(block);
    FILTER[hash >> 6].load(Ordering::Relaxed) >> (hash & 63) & 1 == 1
}

/// The number of the code object in `block`, or what `make` then says of it. `None` when there is no memory to keep that.
pub fn number_of(block: usize, make: impl FnOnce() -> u64) -> Option<u64> {
    TABLE.with(|table| {
        let mut entry = table.buckets[hash(block)];
        // SAFETY: entries are never given back, and all changes are made under the lock.
        while let Some(known) = unsafe { entry.as_ref() } {
            match known.what {
                What::Code(number) if known.block == block => return Some(number),
                _ => entry = known.next,
            }
        }
        let place = table.entry()?;
        let number = make();
        table.enter(place, block, What::Code(number));
        Some(number)
    })
}

/// Has `block` in the sample; false without memory to keep that.
pub fn sample(block: usize, size: usize) -> bool {
    TABLE.with(|table| {
        let place = table.entry();
        if let Some(place) = place {
            table.enter(place, block, What::Sampled(size));
        }
        place.is_some()
    })
}

/// Forgets `block`, and says what was known of it.
#[cold]
pub fn forget(block: usize) -> Forgotten {
    TABLE.with(|table| {
        let hash = hash(block);
        let mut link = &raw mut table.buckets[hash];
        let mut forgotten = Forgotten::default();
        // SAFETY: as in `number_of`; `link` is a place in the table or in an entry.
        unsafe {
            while !(*link).is_null() {
                let entry = *link;
                if (*entry).block != block {
                    link = &raw mut (*entry).next;
                    continue;
                }
                match (*entry).what {
                    What::Code(_) => forgotten.code = true,
                    What::Sampled(size) => forgotten.sampled = Some(size),
                }
                *link = (*entry).next;
                (*entry).next = table.unused;
                table.unused = entry;
            }
        }
        if table.buckets[hash].is_null() {
            FILTER[hash >> 6].fetch_and(!(1 << (hash & 63)), Ordering::Relaxed);
        }
        forgotten
    })
}

/// Forgets which code objects have which number: they are told anew, by other numbers.
#[cold]
pub fn forget_codes() {
    TABLE.with(|table| {
        for bucket in &mut table.buckets {
            let mut link = &raw mut *bucket;
            // SAFETY: as in `forget`.
            while let Some(entry) = unsafe { link.read().as_mut() } {
                match entry.what {
                    What::Code(_) => {
                        // SAFETY: `link` leads to the entry, which is unused from here on.
                        unsafe { link.write(entry.next) };
                        entry.next = table.unused;
                        table.unused = entry;
                    }
                    What::Sampled(_) => link = &raw mut entry.next,
                }
            }
        }
    });
    next_generation();
}

/// Forgets everything: another recording begins.
pub fn forget_all() {
    TABLE.with(|table| {
        for bucket in &mut table.buckets {
            while !bucket.is_null() {
                let entry = *bucket;
                // SAFETY: as in `forget`; the entry is unused from here on.
                unsafe {
                    *bucket = (*entry).next;
                    (*entry).next = table.unused;
                }
                table.unused = entry;
            }
        }
    });
    next_generation();
}

/// In a child: no other thread is left that could have the lock.
pub fn after_fork() {
    TABLE.free();
}

impl Table {
    fn enter(&mut self, place: *mut Entry, block: usize, what: What) {
        let hash = hash(block);
        // SAFETY: an entry that nobody else has.
        unsafe { place.write(Entry { next: self.buckets[hash], block, what }) };
        self.buckets[hash] = place;
        FILTER[hash >> 6].fetch_or(1 << (hash & 63), Ordering::Relaxed);
    }

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
        assert!(sample(blocks[7], 99));
        assert_eq!(number_of(blocks[7], || panic!("it is known")), Some(blocks[7] as u64 >> 12));
        assert_eq!(forget(blocks[7]), Forgotten { code: true, sampled: Some(99) });
        for &block in &blocks {
            assert_eq!(forget(block).code, block != blocks[7]);
            assert_eq!(forget(block), Forgotten::default());
        }
        assert!(!blocks.iter().any(|&block| may_be(block)));
        assert!(number_of(64, || 1).is_some() && sample(64, 5) && number_of(128, || 2).is_some());
        forget_codes();
        assert_eq!(forget(64), Forgotten { code: false, sampled: Some(5) });
        assert_eq!(number_of(128, || 3), Some(3));
        forget(128);
    }
}
