//! Setting the hooks that Python's allocators are replaced by: each calls the one that was there, with what that one is handed, and
//! writes down what it did. The hooks ignore what they are handed themselves, so that a thread which just reads function and
//! context one after the other may see one of each.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::behind::{self, Events};
use crate::function::Function;
use crate::layout::Layout;
use crate::python::{self, Allocator, MEMORY, OBJECT};
use crate::{event, exact, got, sampled, sampling};

trait Layouts: Layout {
    const EVENTS: Events;
}

impl<L: Layout> Layouts for L {
    const EVENTS: Events = Events { allocated: event::allocated::<L>, install: install::<L> };
}

/// Records from now on, an interpreter of the layout.
///
/// # Safety
/// The interpreter is of the layout, and has no second thread yet.
pub unsafe fn start<L: Layout + 'static>() {
    PYMALLOC.note();
    event::tell_ending(python::runtime().wrapping_byte_add(L::FINALIZING).cast());
    // SAFETY: as above.
    unsafe { install::<L>() };
    behind::set_events(const { &<L as Layouts>::EVENTS });
}

/// Records no more: what comes is handed on as it was before.
pub fn stop() {
    behind::set_events(ptr::null());
}

/// Puts back what was in front of which the hooks were set, where nobody has set other ones in front of them since: those call
/// the hooks, which then hand on.
///
/// # Safety
/// As of [`start`]; nothing is recorded.
pub unsafe fn put_back<L: Layout>() {
    // SAFETY: as above.
    unsafe {
        put_back_in::<L, MEMORY>();
        put_back_in::<L, OBJECT>();
    }
}

unsafe fn put_back_in<L: Layout, const DOMAIN: usize>() {
    if !SET[DOMAIN].load(Ordering::Relaxed) {
        return;
    }
    let is_ours = python::allocator(DOMAIN).is_some_and(|there| is_ours::<L, DOMAIN>(&there));
    if is_ours && SET[DOMAIN].swap(false, Ordering::Relaxed) {
        // SAFETY: what was there before.
        unsafe { python::set_allocator(DOMAIN, behind::original::<DOMAIN>()) };
    }
}

/// Whether hooks are set, perhaps behind those of others.
static SET: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
/// Whether they are those of a sample.
static SAMPLED: AtomicBool = AtomicBool::new(false);

/// Whether hooks of the other kind are still set, behind those of others.
pub fn are_in_the_way() -> bool {
    SET.iter().any(|set| set.load(Ordering::Relaxed)) && SAMPLED.load(Ordering::Relaxed) != sampling::is_on()
}

fn is_ours<L: Layout, const DOMAIN: usize>(there: &Allocator) -> bool {
    let ours = [
        exact::all::<L, DOMAIN, true>(),
        exact::all::<L, DOMAIN, false>(),
        sampled::small::<L, DOMAIN>(),
        sampled::all::<L, DOMAIN>(),
    ];
    ours.iter().any(|ours| ptr::fn_addr_eq(there.malloc, ours.malloc))
}

/// Sets the hooks in the domains where they are not.
///
/// # Safety
/// As of [`start`].
unsafe fn install<L: Layout>() {
    // SAFETY: as above.
    unsafe {
        install_in::<L, MEMORY>();
        install_in::<L, OBJECT>();
    }
}

unsafe fn install_in<L: Layout, const DOMAIN: usize>() {
    let Some(there) = python::allocator(DOMAIN) else { return };
    // In a program that runs, hooks that are set once stay set behind those of others: twice they would call each other.
    if is_ours::<L, DOMAIN>(&there) || (got::is_used() && SET[DOMAIN].load(Ordering::Relaxed)) {
        return;
    }
    let hooks = match (sampling::is_on(), PYMALLOC.is(&there)) {
        (false, true) => exact::all::<L, DOMAIN, true>(),
        (false, false) => exact::all::<L, DOMAIN, false>(),
        (true, true) => sampled::small::<L, DOMAIN>(),
        (true, false) => sampled::all::<L, DOMAIN>(),
    };
    SET[DOMAIN].store(true, Ordering::Relaxed);
    SAMPLED.store(sampling::is_on(), Ordering::Relaxed);
    // SAFETY: the hooks hand each block to the allocator that made it.
    unsafe {
        behind::keep_original(DOMAIN, there);
        python::set_allocator(DOMAIN, &Allocator { ctx: there.ctx, ..hooks });
    }
}

/// pymalloc: one function in both of Python's own domains, which is handed nothing and is not malloc. The debug hooks and those
/// of others are handed something, and mimalloc has two.
static PYMALLOC: Pymalloc = Pymalloc(Function::NONE);

struct Pymalloc(Function);

impl Pymalloc {
    fn note(&self) {
        let of = |domain| {
            let there = python::allocator(domain)?;
            Some((there.malloc as *const c_void, there.ctx.is_null()))
        };
        if let (Some(raw), Some(memory), Some(object)) = (of(python::RAW), of(MEMORY), of(OBJECT))
            && raw != object
            && memory == object
            && object.1
        {
            self.0.set(object.0);
        }
    }

    fn is(&self, allocator: &Allocator) -> bool {
        self.0.get() == Some(allocator.malloc as *const c_void)
    }
}
