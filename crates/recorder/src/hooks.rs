//! Setting the hooks that Python's allocators are replaced by: each calls the one that was there, with what that one is handed, and
//! writes down what it did. The hooks ignore what they are handed themselves, so that a thread which just reads function and
//! context one after the other may see one of each.

use core::ffi::c_void;
use core::ptr;

use crate::behind::{self, Events};
use crate::function::Function;
use crate::layout::Layout;
use crate::python::{self, Allocator, MEMORY, OBJECT};
use crate::{event, exact, sampled, sampling};

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
    // SAFETY: as above.
    unsafe { install::<L>() };
    behind::set_events(const { &<L as Layouts>::EVENTS });
}

/// Records no more: what comes is handed on as it was before.
pub fn stop() {
    behind::set_events(ptr::null());
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
    let (exact, exact_other) = (exact::all::<L, DOMAIN, true>(), exact::all::<L, DOMAIN, false>());
    let (sampled, sampled_other) = (sampled::small::<L, DOMAIN>(), sampled::all::<L, DOMAIN>());
    let Some(there) = python::allocator(DOMAIN) else { return };
    let ours = [&exact, &exact_other, &sampled, &sampled_other];
    if ours.iter().any(|ours| ptr::fn_addr_eq(there.malloc, ours.malloc)) {
        return;
    }
    let hooks = match (sampling::is_on(), PYMALLOC.is(&there)) {
        (false, true) => exact,
        (false, false) => exact_other,
        (true, true) => sampled,
        (true, false) => sampled_other,
    };
    // SAFETY: the hooks hand each block to the allocator that made it.
    unsafe {
        behind::keep_original(DOMAIN, there);
        python::set_allocator(DOMAIN, &Allocator { ctx: there.ctx, ..hooks });
    }
}

/// pymalloc: what is in the domain of objects before anything is set, unless the interpreter was built without it.
static PYMALLOC: Pymalloc = Pymalloc(Function::NONE);

struct Pymalloc(Function);

impl Pymalloc {
    fn note(&self) {
        let of = |domain| python::allocator(domain).map(|there| there.malloc as *const c_void);
        if let (Some(raw), Some(object)) = (of(python::RAW), of(OBJECT))
            && raw != object
        {
            self.0.set(object);
        }
    }

    fn is(&self, allocator: &Allocator) -> bool {
        self.0.get() == Some(allocator.malloc as *const c_void)
    }
}
