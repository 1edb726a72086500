//! Figures of memory: of a process, its container, the machine. No memory of a process is read for them.
//!
//! ```text
//! Handle (one process, by pid and start time) ──> memory, stat, rollup, status, maps, oom_score
//! Container (its memory controller, v1 or v2) ──> sample
//! machine, virtual_memory, swap_memory, pressure
//! pids, parents, last_pid, pid_exists
//! ```
//!
//! Definitions are psutil's where psutil has the figure, the kernel's name otherwise.

#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod linux;
mod types;

#[cfg(any(not(target_os = "linux"), memsight_portable))]
pub use crate::portable::figures::*;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use linux::*;
pub use types::{HeapInfo, Ids, MapFigures, MapGroup, Name, ProcessStat};

#[cfg(any(not(target_os = "linux"), memsight_portable))]
use crate::portable::figures::ticks_a_second;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
use crate::sys::ticks_a_second;
