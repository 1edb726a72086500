//! `memsight compare`.

use clap::Args;

/// `memsight compare`.
#[derive(Debug, Args)]
#[command(after_long_help = "EXAMPLES\n  memsight compare before.heap after.heap\n  memsight compare before.heap 4242")]
pub struct Compare {
    /// The earlier snapshot
    #[arg(value_name = "BEFORE")]
    pub before: String,
    /// The later snapshot, or the id of the process as it is now
    #[arg(value_name = "AFTER")]
    pub after: String,
    /// Rows of a list; 0: all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
}
