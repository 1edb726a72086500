//! `memsight export`.

use std::path::PathBuf;

use clap::Args;

use super::Look;

/// `memsight export`.
#[derive(Debug, Args)]
#[command(after_long_help = "EXAMPLES\n  memsight export app.heap -o app.heapsnapshot")]
pub struct Export {
    /// Process id, or the folder of a snapshot
    #[arg(value_name = "PID|FILE")]
    pub subject: String,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// How to read
    #[command(flatten)]
    pub look: Look,
}
