//! `memsight man`.

use std::path::PathBuf;

use clap::Args;

/// `memsight man`.
#[derive(Debug, Args)]
#[command(
    long_about = "Write the manual pages: memsight.1 and one a verb, as memsight-heap.1.\n\nWithout a folder memsight.1 goes to stdout.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight man | man -l -                          read it\n",
        "  memsight man ~/.local/share/man/man1             then: man memsight-heap"
    )
)]
pub struct Man {
    /// Folder to write into; it is made if need be
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
