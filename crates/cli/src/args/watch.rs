//! `memsight watch`: what a person may write.

use clap::Args;

/// `memsight watch`.
#[derive(Debug, Args)]
pub struct Watch {}
