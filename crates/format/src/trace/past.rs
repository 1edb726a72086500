//! What is known of the events before one, alike where they are written and read: by which most addresses need no number.
//!
//! Allocators give out again what came back last (`Objects/obmalloc.c`: the free list of a pool; glibc's `tcache`), or what lies
//! behind the block before: each class of sizes has the blocks that came back, and where the next would be. Programs give back
//! what they took shortly before, or one after the other what they took one after the other: a block that goes is told by which
//! allocation it was.

use memsight_model::trace::Domain;

/// Allocations that are remembered: 1 million. A block that goes later is told by its address.
const REMEMBERED: usize = 1 << 20;
/// Blocks that came back which are kept of each class; of more the older half is forgotten.
const KEPT: usize = 1024;
/// The last so many of them are told by their place.
pub(super) const PLACES: usize = 6;
/// Classes: 0 for all that are large, 1 to 32 of pymalloc (16 bytes apart), then those of malloc, 16 bytes apart, too.
const CLASSES: usize = 1 + 32 + 64;

/// A class of sizes.
#[derive(Debug, Clone, Default)]
struct Class {
    /// The address behind its last block.
    next: u64,
    /// Addresses that came back, the last one last.
    free: Vec<u64>,
}

/// Where the address of a new block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Behind the last of its class.
    Next,
    /// So many places from the last that came back; less than [`PLACES`].
    Back(usize),
    /// Elsewhere.
    Far,
}

/// What is known. Memory: 9 bytes for each of the allocations that are remembered, and 4 more where it is written.
#[derive(Debug)]
pub(super) struct Past {
    classes: Vec<Class>,
    /// By number of allocation, modulo [`REMEMBERED`].
    addresses: Vec<u64>,
    class_of: Vec<u8>,
    /// Where the next allocation will stand there.
    at: usize,
    /// Where the last block that went stands there.
    last: usize,
    /// The last addresses that were told by a number.
    freed: u64,
    pub bytes: u64,
    pub stack: u32,
    pub time: u64,
}

impl Past {
    pub(super) fn nothing() -> Past {
        Past {
            classes: vec![Class::default(); CLASSES],
            // (zeros are memory that is taken when it is written to)
            addresses: vec![0; REMEMBERED],
            class_of: vec![0; REMEMBERED],
            at: 0,
            last: 0,
            freed: 0,
            bytes: 0,
            stack: 0,
            time: 0,
        }
    }

    /// Where a new block of this class is.
    #[inline]
    pub(super) fn place(&self, class: u8, address: u64) -> Where {
        let class = &self.classes[class as usize];
        let free = class.free.iter().rev().take(PLACES);
        match free.copied().position(|free| free == address) {
            Some(0) => Where::Back(0),
            _ if address == class.next => Where::Next,
            Some(place) => Where::Back(place),
            None => Where::Far,
        }
    }

    /// From where the address of a new block of this class is counted.
    #[inline]
    pub(super) fn next(&self, class: u8) -> u64 {
        self.classes[class as usize].next
    }

    /// The address at such a place; `None` where none came back.
    #[inline]
    pub(super) fn back(&self, class: u8, place: usize) -> Option<u64> {
        let free = &self.classes[class as usize].free;
        free.get(free.len().checked_sub(place + 1)?).copied()
    }

    /// A block was allocated; where it stands among those that are remembered.
    #[inline]
    pub(super) fn allocated(&mut self, class_number: u8, place: Where, address: u64) -> usize {
        let class = &mut self.classes[class_number as usize];
        if let Where::Back(place) = place
            && let Some(place) = class.free.len().checked_sub(place + 1)
        {
            class.free.remove(place);
        }
        class.next = address.wrapping_add(width(class_number));
        let at = self.at;
        (self.addresses[at], self.class_of[at]) = (address, class_number);
        self.at = (at + 1) % REMEMBERED;
        at
    }

    /// How many allocations ago one was, 0 for the last.
    #[inline]
    pub(super) fn age(&self, at: usize) -> usize {
        (self.at + REMEMBERED - 1 - at) % REMEMBERED
    }

    /// Which one was so many allocations ago.
    #[inline]
    pub(super) fn of_age(&self, age: usize) -> usize {
        (self.at + REMEMBERED - 1 - age % REMEMBERED) % REMEMBERED
    }

    /// How many allocations behind the last one that went this one stands; before it where the number is negative.
    #[inline]
    pub(super) fn step(&self, at: usize) -> i64 {
        let step = ((at + REMEMBERED - self.last) % REMEMBERED) as i64;
        if step < REMEMBERED as i64 / 2 { step } else { step - REMEMBERED as i64 }
    }

    /// Which one is such a step away.
    #[inline]
    pub(super) fn of_step(&self, step: i64) -> usize {
        (self.last as i64).wrapping_add(step).rem_euclid(REMEMBERED as i64) as usize
    }

    /// The block of an allocation went; its address.
    #[inline]
    pub(super) fn freed(&mut self, at: usize) -> u64 {
        let address = self.addresses[at];
        let free = &mut self.classes[self.class_of[at] as usize].free;
        if free.len() == KEPT {
            free.drain(..KEPT / 2);
        }
        free.push(address);
        self.last = at;
        address
    }

    /// A block went that is not remembered. From where its address is counted.
    #[inline]
    pub(super) fn freed_far(&mut self, address: u64) {
        self.freed = address;
    }

    /// From where the address of a block is counted that went and is not remembered.
    #[inline]
    pub(super) fn last_far(&self) -> u64 {
        self.freed
    }
}

/// The class of a block.
#[inline]
pub(super) fn class(domain: Domain, bytes: u64) -> u8 {
    match domain {
        Domain::Object | Domain::Memory if bytes <= 512 => bytes.max(1).div_ceil(16) as u8,
        // (with the word in front that glibc's blocks have)
        _ if bytes <= 63 * 16 => 32 + (bytes + 8).div_ceil(16) as u8,
        _ => 0,
    }
}

/// Bytes from a block of a class to the one behind it.
#[inline]
fn width(class: u8) -> u64 {
    16 * u64::from(if class > 32 { class - 32 } else { class })
}

/// Where the last allocations at addresses stand among those that are remembered: for the writer. Of two whose places here are the
/// same, the older is forgotten.
#[derive(Debug)]
pub(super) struct Index(Vec<u32>);

impl Index {
    pub(super) fn new() -> Index {
        Index(vec![0; REMEMBERED])
    }

    #[inline]
    pub(super) fn put(&mut self, address: u64, at: usize) {
        self.0[slot(address)] = at as u32;
    }

    /// The allocation at this address.
    #[inline]
    pub(super) fn get(&self, past: &Past, address: u64) -> Option<usize> {
        let at = self.0[slot(address)] as usize;
        (past.addresses[at] == address).then_some(at)
    }
}

/// The upper bits of a product with 2^64 by the golden ratio are spread.
#[inline]
fn slot(address: u64) -> usize {
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - REMEMBERED.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_a_class() {
        for bytes in [0, 1, 16, 17, 512, 513, 1007, 1008, 1009, u64::MAX] {
            for domain in [Domain::Object, Domain::Memory, Domain::Raw] {
                let class = class(domain, bytes);
                assert!((class as usize) < CLASSES);
                assert!(class == 0 || width(class) >= bytes, "{domain:?} {bytes}: {class}");
            }
        }
    }

    #[test]
    fn what_is_far_apart_meets() {
        let mut past = Past::nothing();
        for address in 0..REMEMBERED as u64 + 5 {
            past.allocated(1, Where::Far, address);
        }
        assert_eq!((past.age(4), past.of_age(0), past.of_age(REMEMBERED)), (0, 4, 4));
        past.freed(4);
        assert_eq!((past.step(4), past.step(REMEMBERED - 1), past.of_step(-5)), (0, -5, REMEMBERED - 1));
        assert_eq!(past.of_step(i64::MIN) % REMEMBERED, past.of_step(i64::MIN));
    }
}
