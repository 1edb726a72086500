//! The interpreter in a process: where it is, which version, and whether now is a good moment to look at it.
//!
//! ```text
//! regions ──> elf: symbols ──┐
//!        └──> cookie in memory ──> locate: runtime, version ──> debug_offsets: corrected table ──> Python ──> moment
//! ```
//! A table fits when `sys.hexversion`, read through it, says the version that it is for: that is why this wing reads a
//! dictionary, a str and an int with [`crate::object::text`].

pub(crate) mod debug_offsets;
pub(crate) mod elf;
pub(crate) mod entry;
pub(crate) mod locate;
pub(crate) mod moment;
