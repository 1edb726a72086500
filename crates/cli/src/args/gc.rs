//! `memsight gc`: what a person may write.

use clap::Args;

/// `memsight gc`.
#[derive(Debug, Args)]
pub struct Gc {}
