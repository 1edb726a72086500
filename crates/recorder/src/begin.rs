//! Beginning to record, in whatever way the library came into the program.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::layout::{Layout, V38, V39, V310, V311, V312, V313, V314, V315};
use crate::{behind, elf, got, hooks, known, ring, sampling, sys, thread};

/// Set while this process is recorded by a call.
pub static RECORDS: AtomicBool = AtomicBool::new(false);

/// Records this process into the ring at `path`, unless another process does. False where that cannot be: see
/// [`hooks::are_in_the_way`].
pub fn record(path: &[u8], minor: u32) -> Option<bool> {
    let functions = functions_of(minor)?;
    let header = ring::open(path)?;
    let own = sys::process();
    match header.recorded.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
        // the same process by another program (exec) goes on
        Err(other) if other != own => return None,
        _ => header.python.store(minor, Ordering::Release),
    }
    sampling::start(header.mean, header.seed);
    if hooks::are_in_the_way() {
        return Some(false);
    }
    thread::prepare();
    at_fork();
    MINOR.store(minor, Ordering::Release);
    // SAFETY: the interpreter's version is that of the layout, and nothing of it has run yet, or it is one that runs.
    unsafe { (functions.start)() };
    Some(true)
}

/// Puts the allocators back that were there.
pub fn put_back() {
    if let Some(functions) = functions_of(MINOR.load(Ordering::Acquire)) {
        // SAFETY: the interpreter's version is that of the layout.
        unsafe { (functions.put_back)() };
    }
}

/// Whether this process was started to be recorded, and is.
pub fn is_recorded() -> bool {
    !got::is_used() && behind::events().is_some()
}

/// The minor version of the Python that is or was recorded; 0 while none was.
static MINOR: AtomicU32 = AtomicU32::new(0);

/// What is called for a layout.
#[derive(Clone, Copy)]
struct Functions {
    minor: u32,
    start: unsafe fn(),
    put_back: unsafe fn(),
}

/// Those of a minor version.
fn functions_of(minor: u32) -> Option<Functions> {
    fn of<L: Layout + 'static>() -> Functions {
        Functions { minor: L::MINOR, start: hooks::start::<L>, put_back: hooks::put_back::<L> }
    }
    let all =
        [of::<V38>(), of::<V39>(), of::<V310>(), of::<V311>(), of::<V312>(), of::<V313>(), of::<V314>(), of::<V315>()];
    all.into_iter().find(|each| each.minor == minor)
}

/// Has [`in_child`] called in every child that the program forks.
fn at_fork() {
    type Handler = Option<unsafe extern "C" fn()>;
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::AcqRel) {
        return;
    }
    let register = elf::find("__register_atfork");
    if register.is_null() {
        return;
    }
    // SAFETY: `int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *)`, which `pthread_atfork` calls
    // (glibc, nptl/register-atfork.c).
    unsafe {
        let register: unsafe extern "C" fn(Handler, Handler, Handler, *const c_void) -> c_int =
            core::mem::transmute(register);
        register(None, None, Some(in_child), ptr::null());
    }
}

/// A child shares its parent's chunks: it records nothing.
unsafe extern "C" fn in_child() {
    hooks::stop();
    RECORDS.store(false, Ordering::Release);
    known::after_fork();
    thread::after_fork();
}
