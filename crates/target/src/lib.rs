//! Processes of the operating system: list them, read their maps and memory, pause and resume them.
//!
//! ```text
//! Process::open ──> freeze ──> Frozen ──> capture ──> Image (packed copy, stays as it was)
//!        │                        └─────> resume
//!        └──────> memory ──> LiveMemory (each read sees the present)
//! ```
//!
//! Figures of memory that need no look into it are in [`figures`].
//!
//! Nothing of a target is changed: no signal, no write, no untouched page brought in. The bytes that come back
//! are foreign; this crate hands them on without believing any of them.
//!
//! Linux on x86-64. For the memory of your own process, use a pointer.

// this crate is the door that the lints guard
#![allow(clippy::disallowed_methods)]

mod alloc;
mod diagnose;
mod error;
pub mod figures;
mod freeze;
mod image;
mod live;
mod maps;
mod process;
mod procfs;
mod sys;

pub use alloc::LargePages;
pub use diagnose::{Check, Diagnosis, Subject, Verdict, diagnose};
pub use error::{Denial, TargetError};
pub use freeze::Frozen;
pub use image::Image;
pub use live::{LiveMemory, PinnedMemory};
pub use process::{Process, Usage, allow_reader, pids};
