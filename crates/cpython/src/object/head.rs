//! The head of an object: its type, its reference count, and in a free-threaded build what the collector notes there.
//!
//! Sources: `Include/object.h`, `Include/refcount.h`, `_PyGC_BITS_*` in `pycore_gc.h`; PEP 683, PEP 703.

use memsight_model::{Address, Fault, ReadMemory};

use crate::layout::{Layout, SplitHead};

/// `_PyGC_BITS_*`.
mod gc_bit {
    pub const TRACKED: u8 = 1;
    pub const FINALIZED: u8 = 2;
    pub const FROZEN: u8 = 8;
    pub const DEFERRED: u8 = 64;
}

/// A count that is not all in the object: threads hold references that they do not count there. It stands above every
/// count that references could explain.
pub(crate) const DEFERRED: u32 = u32::MAX - 1;

/// The words of a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The first word: up to 3.13 the count, in a free-threaded build the owning thread.
    pub first: u64,
    /// `ob_type`.
    pub type_: Address,
    count: Count,
    gc_bits: u8,
}

/// What the words say of references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// No live object has such a count: freed memory, or none.
    Impossible,
    Counted(u32),
    Immortal,
}

impl Head {
    /// Reads a head: two words, four in a free-threaded build.
    #[inline]
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Result<Head, Fault> {
        match &layout.object.split {
            None => {
                let mut words = [0; 2];
                memory.fill(at, &mut words)?;
                Ok(Head::of_whole(words, layout))
            }
            Some(split) => {
                let mut words = [0; 4];
                memory.fill(at, &mut words)?;
                Ok(Head::of_split(words, split, layout))
            }
        }
    }

    /// Whether the first word of an object can be this, in builds with the GIL.
    pub fn may_count(first: u64, layout: &Layout) -> bool {
        whole(first, layout.minor) != Count::Impossible
    }

    /// The head that words from memory are, when there are enough of them.
    pub fn of_words(words: &[u64], layout: &Layout) -> Option<Head> {
        match &layout.object.split {
            None => words.first_chunk().map(|words| Head::of_whole(*words, layout)),
            Some(split) => words.first_chunk().map(|words| Head::of_split(*words, split, layout)),
        }
    }

    fn of_whole([first, type_]: [u64; 2], layout: &Layout) -> Head {
        Head { first, type_: Address(type_), count: whole(first, layout.minor), gc_bits: 0 }
    }

    fn of_split(words: [u64; 4], split: &SplitHead, layout: &Layout) -> Head {
        let word = |offset: u16| words.get(usize::from(offset) / 8).copied().unwrap_or(0) >> (8 * (offset % 8));
        let gc_bits = word(split.gc_bits) as u8;
        let local = word(split.local) as u32;
        // Above the two bits of state; less than none where this thread let go of what another one counts.
        let shared = word(split.shared) as i64 >> 2;
        let count = match i64::from(local).saturating_add(shared) {
            _ if local == u32::MAX => Count::Immortal,
            _ if gc_bits & gc_bit::DEFERRED != 0 => Count::Counted(DEFERRED),
            sum @ 1..=0xffff_fffe => Count::Counted(sum as u32),
            _ => Count::Impossible,
        };
        Head { first: words[0], type_: Address(word(layout.object.type_)), count, gc_bits }
    }

    /// Whether the count can be that of a live object: freed blocks hold a pointer or zero there.
    pub fn is_possible(&self) -> bool {
        self.count != Count::Impossible
    }

    /// References counted; `u32::MAX` for an immortal object, [`DEFERRED`] where they are not all counted here.
    pub fn refcount(&self) -> u32 {
        match self.count {
            Count::Impossible => (self.first.min(u64::from(u32::MAX) - 1)) as u32,
            Count::Counted(count) => count,
            Count::Immortal => u32::MAX,
        }
    }

    /// The count is none (PEP 683).
    pub fn is_immortal(&self) -> bool {
        self.count == Count::Immortal
    }

    /// In a free-threaded build: whether the collector knows the object, as generation 0, or 3 when it is frozen.
    pub fn generation(&self) -> Option<u8> {
        let frozen = self.gc_bits & gc_bit::FROZEN != 0;
        (self.gc_bits & gc_bit::TRACKED != 0).then_some(if frozen { 3 } else { 0 })
    }

    /// In a free-threaded build: the finaliser has run.
    pub fn is_finalised(&self) -> bool {
        self.gc_bits & gc_bit::FINALIZED != 0
    }
}

/// A count that stands in one word, or in half of one.
fn whole(word: u64, minor: u8) -> Count {
    let possible = match minor {
        // Py_ssize_t; 3.12 and 3.13 use the lower half, all ones when immortal.
        ..=13 => word != 0 && word < 1 << 32,
        // u32 count, u16 overflow, u16 flags (Include/refcount.h).
        _ => word as u32 != 0 && (word >> 32) as u16 == 0,
    };
    match minor {
        _ if !possible => Count::Impossible,
        ..=11 => Count::Counted((word as u32).min(u32::MAX - 1)),
        _ if (word as i32) < 0 => Count::Immortal,
        _ => Count::Counted(word as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout;

    fn split(gc_bits: u8, local: u32, shared: i64) -> Head {
        let words = [1, u64::from(gc_bits) << 24 | u64::from(local) << 32, shared as u64, 0x7000];
        let layout = layout::free_threaded(14).expect("a table");
        Head::of_split(words, layout.object.split.as_ref().expect("a split head"), layout)
    }

    #[test]
    fn counts_of_two_parts_are_added() {
        const MERGED: i64 = 3;
        assert_eq!(split(0, 3, 0).refcount(), 3);
        assert_eq!(split(0, 3, 5 << 2).refcount(), 8);
        // Another thread dropped two of the references that the owner counted.
        assert_eq!(split(0, 3, -2 << 2).refcount(), 1);
        assert_eq!(split(0, 0, 4 << 2 | MERGED).refcount(), 4);
        assert!(!split(0, 0, MERGED).is_possible() && !split(0, 1, -1 << 2).is_possible());
        assert_eq!(split(1, 1, 0).type_, Address(0x7000));
    }

    #[test]
    fn immortal_and_deferred_counts_are_no_counts() {
        let immortal = split(64, u32::MAX, 0);
        assert!(immortal.is_immortal() && immortal.is_possible());
        // 3.14 adds an eighth of the largest number to a deferred count, 3.13 only a bit and one reference.
        for shared in [(i64::MAX / 8) << 2, 2] {
            let deferred = split(65, 1, shared);
            assert!(!deferred.is_immortal() && deferred.refcount() == DEFERRED);
        }
    }

    #[test]
    fn the_collector_notes_what_it_knows_in_the_head() {
        let state = |bits| (split(bits, 1, 0).generation(), split(bits, 1, 0).is_finalised());
        assert_eq!(state(0), (None, false));
        assert_eq!(state(1), (Some(0), false));
        assert_eq!(state(1 | 2), (Some(0), true));
        assert_eq!(state(1 | 8), (Some(3), false));
    }

    #[test]
    fn a_count_of_one_word() {
        for (minor, word, expected) in [
            (8, 5, Count::Counted(5)),
            (8, 0, Count::Impossible),
            (8, 0x7f00_0000_1000, Count::Impossible),
            (12, 0xffff_ffff, Count::Immortal),
            (14, 0x0005_0000_c000_0000, Count::Immortal),
            (14, 7, Count::Counted(7)),
            (14, 0x7f00_0000_1000, Count::Impossible),
        ] {
            assert_eq!(whole(word, minor), expected, "3.{minor}: {word:#x}");
        }
    }
}
