//! Interpreters, ready-handshake targets and fake memory for the tests of memsight.
//!
//! A truth test starts a [`Target`] on an [`Interpreter`], asks it for its [`Truth`], looks at it from outside and
//! lets [`compare`](compare::compare) say where the two differ. Not published; free to read files and to print.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests need files, clocks and printing")]

mod allocators;
mod busy;
pub mod compare;
mod core_file;
mod error;
mod fake;
pub mod frames;
mod interpreters;
mod kernel;
mod known;
mod live;
mod long;
mod scientific;
mod target;
mod truth;
mod twin;

pub use allocators::allocator;
pub use busy::{Busy, Progress};
pub use core_file::{CoreOptions, write_core};
pub use error::TestkitError;
pub use fake::FakeMemory;
pub use interpreters::{Build, EXPECTED, Expected, Interpreter, free_threaded, interpreters, missing};
pub use live::{ProcMemory, mapped_file, regions};
pub use long::{EVERYWHERE, runs_long};
pub use scientific::{environment, extended, old_scientific, scientific, with_packages};
pub use target::{TARGETS, Target, targets_dir};
pub use truth::{Generation, Held, Truth, TruthObject};
pub use twin::{FREE_THREADED, TwinObject, TwinTruth, build_twin};
