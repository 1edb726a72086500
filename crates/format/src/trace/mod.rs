//! Traces: every allocation of a program with its stack, in one file that grows by blocks.
//!
//! `docs/formats/trace.md` describes the format. A [`Writer`] appends blocks; each is whole and has a checksum, so that a file
//! whose writer was killed is read up to its last block. A [`Reader`] gives [`Record`]s one after the other, in memory that a
//! block bounds, and trusts nothing that it finds.
//!
//! [`Record`]: memsight_model::trace::Record

mod block;
mod columns;
mod numbers;
mod reader;
mod tables;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

#[cfg(test)]
mod tests;
