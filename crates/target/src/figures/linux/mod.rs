//! Figures out of `/proc` and `/sys`.
//!
//! The parsers are our own and not those of the `procfs` crate: that one gives a map of strings for every mapping and
//! each rollup, fails as a whole on one line that it does not know, and has no way to read a file again without opening
//! it, which is most of the cost of [`Handle::memory`].

mod allocator;
mod cgroup;
mod children;
mod field;
mod handle;
#[cfg(test)]
mod hostile;
mod kept;
mod listing;
mod machine;
mod pressure;
mod rollup;
mod smaps;
mod stat;
mod statm;
mod status;
mod thread;

pub use allocator::{heap_info, heap_trim};
pub use cgroup::Container;
pub use children::largest_child_bytes;
pub use handle::Handle;
pub use kept::{kept_files, raise_file_limit};
pub use listing::{is_guard, is_of_a_look, last_pid, parents, pid_exists, pids, stat_of};
pub use machine::{boot_time, machine, swap_memory, virtual_memory};
pub use pressure::pressure;
pub use smaps::group_by_path;
pub(crate) use smaps::parse as parse_smaps;
pub use thread::{thread_cpu_ns, wake_promptly};

use memsight_model::Timestamp;

use super::types;
use crate::sys;

/// Now, by both clocks. Cost: two calls that do not enter the kernel.
pub fn now() -> Timestamp {
    Timestamp { monotonic_ns: sys::clock(libc::CLOCK_MONOTONIC), unix_ns: sys::clock(libc::CLOCK_REALTIME) }
}
