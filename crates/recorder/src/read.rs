//! Reading the program's own memory.

/// The word at `at`.
///
/// # Safety
/// There are 8 bytes that may be read. They may change meanwhile: what a thread reads of its own frames does not.
#[inline(always)]
pub unsafe fn word_at(at: usize) -> usize {
    // SAFETY: the caller has seen to it.
    unsafe { (at as *const usize).read_volatile() }
}

/// The 4 bytes at `at`.
///
/// # Safety
/// There are 4 bytes that may be read.
#[inline(always)]
pub unsafe fn u32_at(at: usize) -> u32 {
    // SAFETY: the caller has seen to it.
    unsafe { (at as *const u32).read_volatile() }
}

/// The byte at `at`.
///
/// # Safety
/// There is a byte that may be read.
#[inline(always)]
pub unsafe fn u8_at(at: usize) -> u8 {
    // SAFETY: the caller has seen to it.
    unsafe { (at as *const u8).read_volatile() }
}
