//! Use cases: look at a process, list processes, open a snapshot. Prints nothing.
//!
//! [`look`] is the one that matters: it finds the interpreter while the process runs, waits for a good moment,
//! stops the process only while its memory is copied, and decodes the copy after the process runs again.
#![forbid(unsafe_code)]

pub mod advise;
pub mod agent;
mod clock;
pub mod compare;
mod core;
mod doctor;
mod error;
pub mod export;
pub mod gc;
mod look;
mod moment;
pub mod monitor;
mod pause;
mod processes;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
pub mod record;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable))))]
#[path = "record/absent.rs"]
pub mod record;
mod refcounts;
mod trace;

pub use self::core::open_core;
pub use doctor::diagnose;
pub use error::Error;
pub use look::{LookOptions, look, open, open_file, open_with};
pub use memsight_analysis as analysis;
pub use memsight_format as format;
pub use memsight_target::figures;
pub use memsight_target::{
    Check, CoreFiles, Diagnosis, LargePages, Subject, Verdict, allow_reader, resolve_without_libraries,
    stdout_was_closed,
};
pub use processes::{PythonProcess, processes, rss_bytes};
pub use refcounts::refcounts;
pub use trace::{open_trace, source_text};
