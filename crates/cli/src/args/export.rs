//! `memsight export`.

use std::path::PathBuf;

use clap::Args;

use super::{Files, Look};

/// `memsight export`.
#[derive(Debug, Args)]
#[command(
    long_about = "Write a heap as a .heapsnapshot, which Chrome's DevTools open in their Memory panel.\n\n\
        Every object is a node with its Python type, its shallow and external bytes and the names of its references; the \
        retained sizes that DevTools work out are those of memsight. Two files of one process can be compared there. For \
        tables, for DuckDB, Polars, pandas or Spark, there is `memsight snapshot`.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight export 4242 -o app.heapsnapshot              a process as it is now\n",
        "  memsight export app.heap                              a snapshot, into app.heapsnapshot\n",
        "  memsight export 4242 -o - | gzip > app.heapsnapshot.gz\n",
        "  memsight export 4242 -o app.heapsnapshot --values     with the contents of strings and numbers"
    )
)]
pub struct Export {
    /// Process id, or the folder of a snapshot, or a core file
    #[arg(value_name = "PID|FILE")]
    pub subject: String,
    /// File to write, ending in .heapsnapshot (DevTools take no other), or - for stdout [default: memsight-PID.heapsnapshot,
    /// or the name of the snapshot with .heapsnapshot]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long)]
    pub force: bool,
    /// How to read
    #[command(flatten)]
    pub look: Look,
    /// Files of the process that a core is of
    #[command(flatten)]
    pub files: Files,
}
