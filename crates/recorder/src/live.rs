//! How recording begins and ends in a program that runs: by calls of these functions.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::Ordering;

use crate::begin::{self, RECORDS};
use crate::words::words;
use crate::{family, got, hooks, known, python, ring, thread};

/// Recording has begun.
pub const BEGUN: c_int = 0;
/// There is no Python in this process that can be recorded.
pub const NO_PYTHON: c_int = -1;
/// The ring cannot be used, or another process records into it.
pub const NO_RING: c_int = -2;
/// This process is recorded already.
pub const RECORDED: c_int = -3;
/// What others have set in front of our hooks is still there, and they are of the other kind (all, or a sample).
pub const IN_THE_WAY: c_int = -4;

/// Records this process into the ring at `path` from now on: all threads, without a stop. Called by a thread that is at a point
/// where any function may be called.
///
/// # Safety
/// `path` is a text that ends with a zero.
#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
pub unsafe extern "C" fn memsight_recorder_start(path: *const c_char) -> c_int {
    // SAFETY: as above.
    let path = unsafe { CStr::from_ptr(path) };
    if begin::is_recorded() || RECORDS.swap(true, Ordering::AcqRel) {
        return RECORDED;
    }
    let begun = start(path);
    if begun != BEGUN {
        RECORDS.store(false, Ordering::Release);
    }
    begun
}

fn start(path: &CStr) -> c_int {
    let Some(minor) = python::find() else { return NO_PYTHON };
    got::use_it(family::pair);
    // what was left behind those of others, which may be gone by now; or by a parent
    begin::put_back();
    family::is_settled();
    // in a child, the thread that forked was told to record nothing
    // SAFETY: the words of this thread.
    unsafe { (*words()).gone = 0 };
    known::forget_all();
    thread::next_epoch();
    match begin::record(path.to_bytes_with_nul(), minor) {
        None => NO_RING,
        Some(false) => IN_THE_WAY,
        Some(true) => {
            got::exchange();
            BEGUN
        }
    }
}

/// Records no more, also what was recorded from the start of the program, and puts back what was there. The library stays loaded: a thread may be in it.
#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
pub extern "C" fn memsight_recorder_stop() -> c_int {
    if !RECORDS.swap(false, Ordering::AcqRel) && !begin::is_recorded() {
        return NO_RING;
    }
    hooks::stop();
    got::put_back();
    begin::put_back();
    ring::ended();
    BEGUN
}

/// Has this thread record nothing of its own, for as long as it runs: one of ours, which reads the ring.
#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
pub extern "C" fn memsight_recorder_leave_out() {
    // SAFETY: the words of this thread.
    unsafe { (*words()).inner += 1 };
}
