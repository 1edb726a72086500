//! A few words of each thread, in memory that the loader sets aside for it: no call and no lock on the way to them, as
//! `thread_local!` of a library that is loaded has (`__tls_get_addr`).

use core::arch::{asm, global_asm};
use core::ffi::c_void;

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 8",
    ".globl memsight_recorder_words",
    ".hidden memsight_recorder_words",
    ".type memsight_recorder_words,@object",
    ".size memsight_recorder_words,40",
    "memsight_recorder_words:",
    ".zero 40",
    ".popsection",
);

/// What a thread has. All of it begins as zeros.
#[repr(C)]
pub struct Words {
    /// The rest, once the thread has recorded something.
    pub thread: *mut c_void,
    /// Set while an allocator of Python is at work, whose own calls of malloc are a part of it.
    pub inner: u32,
    /// Set when the thread ends: what it frees then is not recorded.
    pub gone: u32,
    /// Bytes up to the next sample of the malloc family.
    pub left: i64,
    /// Set once `left` was drawn.
    pub drawn: u64,
    /// The block that Python's allocator is freeing.
    pub freeing: *mut c_void,
}

/// Those of the thread that runs. They may be read and written by it alone, and are there as long as it runs.
#[inline(always)]
pub fn words() -> *mut Words {
    let at: *mut Words;
    // SAFETY: the offset of our words from the thread's pointer is in a place that the loader has filled (initial-exec model:
    // "ELF Handling For Thread-Local Storage", Drepper, section 4.4.6); fs:0 holds that pointer on x86-64.
    unsafe {
        asm!(
            "mov {0}, qword ptr [rip + memsight_recorder_words@GOTTPOFF]",
            "add {0}, qword ptr fs:[0]",
            out(reg) at,
            options(nostack, readonly),
        );
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_has_its_own() {
        let mine = words();
        // SAFETY: the words of this thread.
        unsafe { (*mine).inner = 7 };
        let other = std::thread::spawn(|| {
            let theirs = words();
            // SAFETY: the words of that thread.
            (theirs as usize, unsafe { (*theirs).inner })
        });
        let (theirs, inner) = other.join().unwrap();
        assert!(theirs != mine as usize && inner == 0);
        assert_eq!(words(), mine);
        // SAFETY: the words of this thread.
        unsafe { (*mine).inner = 0 };
    }
}
