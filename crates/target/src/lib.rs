//! Processes of the operating system: list them, read their maps and memory, pause and resume them.
//!
//! ```text
//! Process::open ──> freeze ──> Frozen ──> capture ──> Image (packed copy, stays as it was)
//!        │                        └─────> resume
//!        ├──────> fork ────> Fork::stop ──> Halt::fork ──> Forked ──> capture ──> Image
//!        └──────> memory ──> LiveMemory (each read sees the present)
//! ```
//!
//! The memory of a process that has ended is read from its core file: [`Core`], on any system.
//!
//! Figures of memory that need no look into it are in [`figures`].
//!
//! Nothing of a target is changed: no signal, no untouched page brought in, no write but for the 2 to 4 KiB (11 more with
//! AMX) below the stack pointer of a thread that forks it (`fork/way.rs`), where no program keeps anything. The bytes
//! that come back are foreign; this crate hands them on without believing any of them.
//!
//! Linux on x86-64; elsewhere the module `portable` has the same names, a few figures, and typed errors for the rest.
//! For the memory of your own process, use a pointer.

// this crate is the door that the lints guard
#![allow(clippy::disallowed_methods)]

#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod absent;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod alloc;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod calls;
mod core;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod diagnose;
mod diagnosis;
mod error;
pub mod figures;
#[cfg(all(target_os = "linux", not(memsight_portable), target_arch = "x86_64"))]
mod fork;
#[cfg(not(all(target_os = "linux", not(memsight_portable), target_arch = "x86_64")))]
#[path = "fork/elsewhere.rs"]
mod fork;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod freeze;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod image;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod live;
mod malloc;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod maps;
mod names;
#[cfg(any(not(target_os = "linux"), memsight_portable))]
mod portable;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod process;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod procfs;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod residence;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod short;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod start;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod sys;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod threads;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod turn;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
mod uprobe;
mod usage;

pub use self::core::{Core, CoreCause, CoreFiles, is_core};
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use alloc::LargePages;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use diagnose::diagnose;
pub use diagnosis::{Check, Diagnosis, Subject, Verdict};
pub use error::{Denial, FileCause, Obstacle, TargetError};
#[cfg(all(target_os = "linux", not(memsight_portable), target_arch = "x86_64"))]
pub use fork::Visit;
pub use fork::{Ended, Fork, Forked, Halt};
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use freeze::Frozen;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use image::Image;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use live::{LiveMemory, PinnedMemory};
pub use malloc::{c_heap, note_pointers};
pub use names::resolve_without_libraries;
#[cfg(any(not(target_os = "linux"), memsight_portable))]
pub use portable::{
    Frozen, Hit, Image, LargePages, LiveMemory, PinnedMemory, ProbeSite, Process, Uprobes, allow_reader, diagnose,
    figures::pids, stdout_was_closed,
};
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use process::{Process, allow_reader, pids};
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use start::stdout_was_closed;
#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub use uprobe::{Hit, ProbeSite, Uprobes};
pub use usage::Usage;
