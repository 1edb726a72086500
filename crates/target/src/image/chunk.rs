//! Memory of ours for the packed pages: mapped, not allocated, so that it can be huge pages, is never moved, and
//! goes back to the system when it is let go.

use std::ptr::NonNull;

/// Bytes of a chunk: one huge page.
pub(crate) const CHUNK: usize = 2 << 20;

/// 2 MiB of memory, aligned to that.
#[derive(Debug)]
pub(crate) struct Chunk {
    start: NonNull<u8>,
}

// SAFETY: a chunk owns its mapping alone and gives out references by the usual rules, as a `Box<[u8]>` does.
unsafe impl Send for Chunk {}
// SAFETY: as above: `&Chunk` gives `&[u8]` only.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// New memory, all zeros; `None` when the system has no more.
    pub fn new() -> Option<Chunk> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses; no memory in use is touched.
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 2 * CHUNK, rights, flags, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let before = mapped.align_offset(CHUNK);
        let start = mapped.wrapping_byte_add(before);
        unmap(mapped, before);
        unmap(start.wrapping_byte_add(CHUNK), CHUNK - before);
        // SAFETY: advice about a mapping of ours; it changes no contents, and its failure changes nothing.
        unsafe { libc::madvise(start, CHUNK, libc::MADV_HUGEPAGE) };
        NonNull::new(start.cast()).map(|start| Chunk { start })
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `start` begins a readable mapping of `CHUNK` initialised bytes that lives as long as `self`, and
        // nobody can write to it while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), CHUNK) }
    }

    /// Its bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), CHUNK) }
    }

    /// Gives back the pages behind the first `used` bytes; reads find zeros there.
    pub fn trim(&mut self, used: usize) {
        let from = used.next_multiple_of(super::page::PAGE_BYTES).min(CHUNK);
        let rest = &mut self.bytes_mut()[from..];
        // SAFETY: whole pages of a mapping of ours that is borrowed exclusively; they read as zeros from then on, which
        // are bytes like any other, and a refusal changes nothing.
        unsafe { libc::madvise(rest.as_mut_ptr().cast(), rest.len(), libc::MADV_DONTNEED) };
    }

    /// Touches every page, so that later writes need no fault.
    pub fn touch(&mut self) {
        for page in self.bytes_mut().chunks_mut(super::page::PAGE_BYTES) {
            // a write that the compiler cannot take away as useless
            if let Some(first) = std::hint::black_box(page).first_mut() {
                *first = 0;
            }
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        unmap(self.start.as_ptr().cast(), CHUNK);
    }
}

/// Gives `len` bytes of a mapping of ours back; nothing when `len` is 0.
fn unmap(start: *mut libc::c_void, len: usize) {
    if len > 0 {
        // SAFETY: called only by `Chunk::new` for the parts of its fresh mapping outside the chunk, and by `drop`
        // for the chunk itself, to which no reference is left.
        unsafe { libc::munmap(start, len) };
    }
}
