//! The C library's allocator in our own process, as psutil 7.2 shows it.

use super::types::HeapInfo;
use crate::error::TargetError;
use crate::sys;

/// What this process has of `malloc`. Only with glibc; before 2.33 its figures wrap at 4 GiB. Cost: it locks and walks
/// every arena.
pub fn heap_info() -> Result<HeapInfo, TargetError> {
    let (heap_used_bytes, mmap_used_bytes) = sys::heap_info().ok_or(NOT_GLIBC)?;
    Ok(HeapInfo { heap_used_bytes, mmap_used_bytes })
}

/// Gives memory that `malloc` keeps unused back to the system; whether there was any. Only with glibc. Cost: it locks and
/// walks every arena.
pub fn heap_trim() -> Result<bool, TargetError> {
    sys::heap_trim().ok_or(NOT_GLIBC)
}

const NOT_GLIBC: TargetError = TargetError::NotSupported { what: "the state of malloc", needs: "glibc" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_seen() {
        // with another C library there is nothing to see
        let Ok(before) = heap_info() else { return };
        let large = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = heap_info().expect("glibc");
        assert!(after.mmap_used_bytes >= before.mmap_used_bytes + large.len() as u64);
        assert!(after.heap_used_bytes > 0);
        heap_trim().expect("glibc");
    }
}
