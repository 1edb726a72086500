//! Files: the heap snapshot as a folder of Parquet tables and a `manifest.json`; the monitor's log ([`monitor`]).
//!
//! The format is described in `docs/formats/snapshot.md`. [`write()`] puts a [`Snapshot`] into a new folder, whole or
//! not at all; [`read`] gives an equal one back and trusts nothing that it finds; [`table`] gives one table as an
//! Arrow batch with the same columns as its file.
//!
//! Who only wants to query a snapshot needs none of this: DuckDB, Polars, pandas and Spark read the folder as it is.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // this crate is the door to snapshot files

mod code;
mod contents;
mod error;
mod folder;
pub mod heapsnapshot;
pub mod history;
mod holders;
mod limits;
mod manifest;
pub mod monitor;
mod native;
mod output;
mod pages;
mod panics;
mod platform;
mod pymalloc;
mod read;
pub mod regular;
mod residence;
mod rows;
mod sink;
mod tables;
pub mod trace;
mod whole;
mod widths;
mod write;

pub use arrow_array::RecordBatch;
pub use error::FormatError;
pub use limits::Limits;
pub use memsight_model::Snapshot;
pub use panics::silence_caught_panics;
pub use read::{read, read_within};
pub use tables::{TABLES, table};
pub use write::{WriteOptions, check_output, write};
