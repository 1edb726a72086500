//! Nothing but dependencies.
//!
//! Cargo builds a dependency with the features that the chosen packages ask for, and whatever stands on it again when that
//! choice changes: the tests, the command alone and the Python module would each build nearly everything anew. The few
//! dependencies of dependencies of which they ask different features are asked here for all of them.
//! `cargo xtask layers` compares what is chosen and names what is missing.

#![forbid(unsafe_code)]
