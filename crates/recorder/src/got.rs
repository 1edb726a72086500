//! Taking the place of the malloc family in a program that runs already: in each object that is loaded, the addresses of these
//! functions stand in tables which the loader has filled (the global offset table and others), and are exchanged there.
//!
//! A slot is exchanged only if the loader is done with it: if it holds the address of the function itself, or one within the
//! object, where the loader is asked at the first call. It is put back by what the function is.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::elf::{self, Object};
use crate::function::Function;
use crate::sys;

/// Says, of the name of a function, where ours is and where the one that it calls.
type Pair = fn(&[u8]) -> Option<(usize, usize)>;

/// The [`Pair`], in a program that ran already when the library was loaded.
static PAIR: Function = Function::NONE;
/// How many objects had been loaded when slots were last exchanged; 0 while none are.
static LOADED: AtomicU64 = AtomicU64::new(0);

/// Whether this is how the malloc family is recorded, and not that the loader found ours first.
#[inline]
pub fn is_used() -> bool {
    PAIR.get().is_some()
}

/// Has the functions that `pair` knows recorded in this way.
pub fn use_it(pair: Pair) {
    PAIR.set(pair as *const () as *const core::ffi::c_void);
}

/// Has all objects call ours.
pub fn exchange() {
    LOADED.store(elf::count().max(1), Ordering::Relaxed);
    each_slot(&mut |object, slot, (ours, original)| {
        let there = slot.load(Ordering::Relaxed);
        if there == original || (there != ours && object.holds(there)) {
            put(object, slot, ours);
        }
    });
}

/// Does so in those that were loaded since.
#[cold]
pub fn follow() {
    let before = LOADED.load(Ordering::Relaxed);
    if before != 0 && before != elf::count() {
        exchange();
    }
}

/// Puts back what was there.
pub fn put_back() {
    LOADED.store(0, Ordering::Relaxed);
    each_slot(&mut |object, slot, (ours, original)| {
        if slot.load(Ordering::Relaxed) == ours {
            put(object, slot, original);
        }
    });
}

/// What is done with a slot of an object: see [`each_slot`].
type Work<'w> = dyn FnMut(&Object<'_>, &AtomicUsize, (usize, usize)) + 'w;

/// Each slot of the family, with our function and the original.
fn each_slot(work: &mut Work<'_>) {
    let Some(pair) = PAIR.get() else { return };
    // SAFETY: it was one when it was set.
    let pair: Pair = unsafe { core::mem::transmute(pair) };
    let own = exchange as *const () as usize;
    elf::each(&mut |object| {
        if object.is_loader() || object.holds(own) {
            return;
        }
        object.slots(&mut |name, slot| {
            if let Some(pair) = pair(name.to_bytes())
                && pair.1 != 0
                && slot % align_of::<AtomicUsize>() == 0
            {
                // SAFETY: a word of the object, which the loader keeps loaded during the walk.
                work(object, unsafe { AtomicUsize::from_ptr(slot as *mut usize) }, pair);
            }
        });
    });
}

/// Writes to a slot. One that the loader has sealed is opened for that moment; one that it has not sealed yet, since it is still
/// at work on the object, is left as it is.
fn put(object: &Object<'_>, slot: &AtomicUsize, value: usize) {
    let at = slot.as_ptr() as usize;
    // SAFETY: a word of this process; the page is that of slots, to which nobody else writes once it is sealed.
    unsafe {
        if !object.is_sealed(at) || sys::is_writable(at) {
            slot.store(value, Ordering::Release);
        } else if sys::protect(at, true) {
            slot.store(value, Ordering::Release);
            sys::protect(at, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_the_family_hold_the_originals() {
        use_it(crate::family::pair);
        let (mut originals, mut names) = (0, 0);
        each_slot(&mut |object, slot, (ours, original)| {
            let there = slot.load(Ordering::Relaxed);
            assert!(there != ours && ours != original);
            names += 1;
            originals += u32::from(there == original || object.holds(there));
        });
        assert!(originals >= 4 && originals == names, "{originals} of {names}");
    }
}
