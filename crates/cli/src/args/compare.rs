//! `memsight compare`.

use clap::Args;

use super::Look;

/// `memsight compare`.
#[derive(Debug, Args)]
#[command(
    override_usage = "memsight compare <BEFORE> [BETWEEN]... <AFTER> [OPTIONS]",
    long_about = "Say what has grown between two snapshots, and who holds it.\n\n\
        Objects of one process are matched by address and type, and whatever else can be compared; the result says how\n\
        sure that is. A snapshot from between the two tells whether the growth goes on. They may be given in any order.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight compare before.heap after.heap\n",
        "  memsight compare before.heap 4242              against the process as it is now\n",
        "  memsight compare 9h.heap 12h.heap 15h.heap     has the growth slowed down?\n",
        "  memsight compare old.heap new.heap --runs      two runs of one program, by type and place\n",
        "  memsight heap 4242 --since 60s                 looks, waits, looks again"
    )
)]
pub struct Compare {
    /// Folders of snapshots, or ids of processes as they are now: two or more
    #[arg(value_name = "PID|FILE", num_args = 2.., required = true)]
    pub subjects: Vec<String>,
    /// Allow two processes: runs of one program are compared by type and place
    #[arg(long)]
    pub runs: bool,
    /// Rows of a list; 0: all
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Output")]
    pub top: usize,
    /// How to read a process
    #[command(flatten)]
    pub look: Look,
}
