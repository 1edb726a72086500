//! Children that are recorded, too: each takes a ring that the reader has ready, and writes to that one alone. What the first
//! process and they all see is the head of the first ring, where it stands which ones those are.
//!
//! A child by fork takes one with its first event, so that one which starts another program at once takes none.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use crate::wire::{self, HEADER_BYTES, Header};
use crate::{known, ring, sampling, switch, sys, unwind};

/// The head of the first ring; null where children are not recorded.
static FIRST: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());
/// The process whose ring this is, or in a child that has none yet that of the one it came from.
static OWNER: AtomicU32 = AtomicU32::new(0);
/// The minor version of its Python.
static MINOR: AtomicU32 = AtomicU32::new(0);
/// Set in a child by fork until its first event.
static IS_NEW: AtomicBool = AtomicBool::new(false);

/// The head of the ring at `path`, which stays mapped, when children are recorded there.
pub fn first(path: &[u8]) -> Option<&'static Header> {
    let head = sys::share(path, HEADER_BYTES)?;
    // SAFETY: a mapping of 4096 bytes, which is given back below where it is not kept.
    let header = unsafe { &*head.cast::<Header>() };
    if header.magic == wire::MAGIC && header.version == wire::VERSION && header.children.load(Ordering::Acquire) != 0 {
        FIRST.store(head.cast(), Ordering::Release);
        return Some(header);
    }
    FIRST.store(ptr::null_mut(), Ordering::Release);
    // SAFETY: nobody has it but we.
    unsafe { sys::give_back(head, HEADER_BYTES) };
    None
}

/// Whether children are recorded now.
pub fn are_recorded() -> bool {
    // SAFETY: it stays mapped.
    let first = unsafe { FIRST.load(Ordering::Acquire).as_ref() };
    first.is_some_and(|first| first.children.load(Ordering::Acquire) != 0)
}

/// This process records, into a ring of its own.
pub fn is_owner(minor: u32) {
    OWNER.store(sys::process(), Ordering::Relaxed);
    MINOR.store(minor, Ordering::Relaxed);
}

/// The nearest process that records: this one, or the one that it came from.
pub fn owner() -> u32 {
    OWNER.load(Ordering::Relaxed)
}

/// In a child by fork: its ring is due with the first event.
pub fn after_fork() {
    IS_NEW.store(true, Ordering::Release);
}

/// Takes the ring that is due; without one nothing is recorded here.
#[cold]
pub fn settle() {
    if !IS_NEW.load(Ordering::Acquire) || !IS_NEW.swap(false, Ordering::AcqRel) {
        return;
    }
    known::begin_anew();
    sampling::begin_anew();
    match take(owner(), MINOR.load(Ordering::Relaxed)) {
        Some(header) => unwind::start(header),
        None => switch::off(),
    }
}

/// Takes a ring for this process, which has come from the process `parent`.
pub fn take(parent: u32, minor: u32) -> Option<&'static Header> {
    // SAFETY: it stays mapped.
    let first = unsafe { FIRST.load(Ordering::Acquire).as_ref() }?;
    let own = sys::process();
    let taken = claim(first, own).or_else(|| {
        let is_there = |first: &Header| first.spares.iter().any(|spare| is_free(spare.load(Ordering::Relaxed)));
        // (of a parent that is idle nothing is read)
        while ring::wait(first, u64::MAX, is_there) {
            if let Some(file) = claim(first, own) {
                return Some(file);
            }
        }
        None
    });
    let header = taken.and_then(|file| {
        let reader = first.reader.load(Ordering::Relaxed);
        let mut path = [0; 64];
        write(&mut path, &[Part::Text(b"/proc/"), Part::Number(reader), Part::Text(b"/fd/"), Part::Number(file)])?;
        ring::open(&path)
    });
    let Some(header) = header else {
        first.left_out.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    header.parent.store(parent, Ordering::Relaxed);
    header.recorded.store(own, Ordering::Relaxed);
    header.python.store(minor, Ordering::Release);
    is_owner(minor);
    Some(header)
}

fn is_free(spare: u64) -> bool {
    spare != 0 && spare >> 32 == 0
}

/// The file of a free ring, which is ours from now on.
fn claim(first: &Header, own: u32) -> Option<u32> {
    first.spares.iter().find_map(|spare| {
        let file = spare.load(Ordering::Acquire);
        let taken = file | u64::from(own) << 32;
        let is_ours = is_free(file) && spare.compare_exchange(file, taken, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        is_ours.then_some(file as u32)
    })
}

/// A part of a text.
pub enum Part<'t> {
    Text(&'t [u8]),
    Number(u32),
}

/// Writes a text with a zero behind it; `None` without room for it.
pub fn write(out: &mut [u8], parts: &[Part<'_>]) -> Option<()> {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
        at += bytes.len();
        Some(())
    };
    for part in parts {
        match part {
            Part::Text(text) => put(text)?,
            Part::Number(number) => {
                let (mut digits, mut from, mut left) = ([0; 10], 10, *number);
                while left > 0 || from == 10 {
                    from -= 1;
                    digits[from] = b'0' + (left % 10) as u8;
                    left /= 10;
                }
                put(&digits[from..])?;
            }
        }
    }
    put(&[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_far_as_there_is_room() {
        let parts = [Part::Text(b"/proc/"), Part::Number(0), Part::Text(b"/fd/"), Part::Number(4_294_967_295)];
        let mut out = [7; 22];
        assert_eq!(write(&mut out, &parts), Some(()));
        assert_eq!(&out, b"/proc/0/fd/4294967295\0");
        assert_eq!(write(&mut out[..21], &parts), None);
    }
}
