//! `memsight top`: what a person may write.

use clap::Args;

/// `memsight top`.
#[derive(Debug, Args)]
pub struct Top {}
