//! What the kernel has counted of the children of this process.

use crate::sys;

/// The largest RSS that a child of this process had that has ended and was waited for, or one of its own such children
/// (`ru_maxrss` of getrusage(2)); bytes. A child starts with the size that this process had: a smaller one is not told.
pub fn largest_child_bytes() -> u64 {
    sys::largest_child_bytes()
}
