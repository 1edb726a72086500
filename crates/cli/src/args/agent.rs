//! `memsight agent`: what a person may write.

use clap::Args;

/// `memsight agent`.
#[derive(Debug, Args)]
pub struct Agent {}
