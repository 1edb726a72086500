//! Decodes the memory of CPython 3.8 to 3.15 (x86-64, with the GIL or, from 3.13, free-threaded) out of bytes.
//!
//! No I/O: everything is read through [`memsight_model::ReadMemory`], so a live process, a frozen copy, a core file
//! and a random image of the fuzzer share this decoder. Every byte is foreign: lengths are capped by one budget for the
//! whole walk, pointers are followed only to objects whose type has been verified, and what could not be
//! decoded is said in the manifest's `partial`.
//!
//! Six wings, in the order in which data goes through them; each tells its rooms in its `mod.rs`:
//!
//! ```text
//! find ──> layout ──> object ──> walk ──> rows ──> asked
//!                    build: calls them one after another
//! ```
//!
//! [`locate`] finds the interpreter, [`Python::moment`] tells whether now is a good time to look,
//! [`Python::decode`] turns memory into a [`memsight_model::Snapshot`].
#![forbid(unsafe_code)]

mod asked;
mod build;
mod error;
mod find;
#[doc(hidden)] // for those who compile offsets in, which are held against these
pub mod layout;
mod object;
mod options;
mod rows;
mod walk;

pub use asked::gc::{GcProbeSite, GcRecord, GcRing, GcRingsSeen, Operand, gc_probe_sites};
pub use error::PythonError;
pub use find::entry::{Entry, entry, function};
pub use find::locate::{Python, Version, locate};
pub use find::moment::Moment;
pub use options::DecodeOptions;
pub use walk::generations::Listed;
pub use walk::linetable::line_of;
