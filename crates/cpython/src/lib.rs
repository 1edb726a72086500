//! Decodes the memory of CPython 3.8 to 3.15 (x86-64, with the GIL or, from 3.13, free-threaded) out of bytes.
//!
//! No I/O: everything is read through [`memsight_model::ReadMemory`], so a live process, a frozen copy, a core file
//! and a random image of the fuzzer share this decoder. Every byte is foreign: lengths are capped by one budget for the
//! whole walk, pointers are followed only to objects whose type has been verified, and what could not be
//! decoded is said in the manifest's `partial`.
//!
//! [`locate`] finds the interpreter, [`Python::moment`] tells whether now is a good time to look,
//! [`Python::decode`] turns memory into a [`memsight_model::Snapshot`].
#![forbid(unsafe_code)]

mod buffers;
mod build;
mod contents;
mod debug_offsets;
mod decode;
mod dicts;
mod elf;
mod emit;
mod error;
mod extensions;
mod gc;
mod generations;
mod head;
mod holders;
mod layout;
mod linetable;
mod locate;
mod mark;
mod members;
mod moment;
mod names;
mod native;
mod numpy;
mod parts;
mod places;
mod pymalloc;
mod room;
mod roots;
mod shapes;
mod sizes;
mod slots;
mod stacks;
mod statics;
mod tally;
mod text;
mod texts;
mod types;
mod unowned;
mod window;
mod workers;

pub use build::DecodeOptions;
pub use error::PythonError;
pub use gc::{GcProbeSite, GcRecord, GcRing, GcRingsSeen, Operand, gc_probe_sites};
pub use generations::Listed;
pub use locate::{Python, Version, locate};
pub use moment::Moment;
