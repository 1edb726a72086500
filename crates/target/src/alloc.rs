//! An allocator for a command that fills large arrays once and drops them: large pages, and nothing kept.
//!
//! First touch of fresh memory is the dear part of a look, above all on virtual machines; huge pages (where the
//! system offers them by `madvise`) make 1 fault of 512. And glibc keeps up to 32 MiB of freed memory in holes, while
//! a mapping of its own is gone when it is freed. Everything below 1 MiB is left to the system's allocator.

use std::alloc::{GlobalAlloc, Layout, System};

/// Allocations from this size on are mappings of their own.
const LARGE: usize = 1 << 20;
/// Mappings from this size on ask for huge pages. Smaller ones are often sparse (planes of bits): a huge page would
/// bring in all of what nobody touches.
const HUGE: usize = 4 << 20;

/// The allocator: `#[global_allocator] static A: LargePages = LargePages;` in a binary.
#[derive(Debug, Clone, Copy)]
pub struct LargePages;

fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= crate::sys::PAGE as usize
}

/// A zeroed mapping of its own; null when there is no memory.
fn map(size: usize) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory that is in use.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    if size >= HUGE {
        // SAFETY: the range was mapped just now; the advice changes no content, and a refusal costs but speed.
        unsafe { libc::madvise(at, size, libc::MADV_HUGEPAGE) };
    }
    at.cast()
}

// SAFETY: small requests go to `System` and large ones to `mmap`, told apart by the layout alone, which callers give
// back unchanged to `dealloc` and `realloc`; mappings are page-aligned and zeroed.
unsafe impl GlobalAlloc for LargePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promises for `alloc` are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: `at` came from `map` with this size, and the caller gives it up.
            unsafe { libc::munmap(at.cast(), layout.size()) };
        } else {
            // SAFETY: `at` came from `System` with this layout.
            unsafe { System.dealloc(at, layout) };
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size`, rounded up to the alignment, does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_large(layout), is_large(wanted)) {
            // SAFETY: `at` came from `System` with this layout and stays with it.
            (false, false) => unsafe { System.realloc(at, layout, size) },
            (true, true) => {
                // SAFETY: `at` is a mapping of this size of ours; the kernel may move it, and the old one is gone then.
                let moved = unsafe { libc::mremap(at.cast(), layout.size(), size, libc::MREMAP_MAYMOVE) };
                if moved == libc::MAP_FAILED { std::ptr::null_mut() } else { moved.cast() }
            }
            _ => {
                // SAFETY: a new block of `wanted`; both hold at least the smaller size and do not overlap.
                unsafe {
                    let new = self.alloc(wanted);
                    if !new.is_null() {
                        std::ptr::copy_nonoverlapping(at, new, layout.size().min(size));
                        self.dealloc(at, layout);
                    }
                    new
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_content_across_the_border_and_back() {
        let sizes = [100, LARGE - 1, LARGE, 5 * LARGE, 3 * LARGE, LARGE / 2, 10];
        let layout = |size| Layout::from_size_align(size, 8).expect("a layout");
        // SAFETY: the block is used within its size and freed once, with the layout that it has then.
        unsafe {
            let mut at = LargePages.alloc_zeroed(layout(sizes[0]));
            *at = 7;
            for pair in sizes.windows(2) {
                at = LargePages.realloc(at, layout(pair[0]), pair[1]);
                assert!(!at.is_null());
                assert_eq!(*at, 7);
                at.add(pair[1] - 1).write(1);
            }
            LargePages.dealloc(at, layout(10));
        }
    }
}
