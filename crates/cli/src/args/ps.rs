//! `memsight ps`.

use clap::{Args, ValueEnum};

/// `memsight ps`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "EXAMPLES\n  memsight ps\n  memsight ps --sort rss\n  memsight ps --filter gunicorn --user www-data\n  memsight ps --format json"
)]
pub struct Ps {
    /// Order of the list: the largest first, the oldest first; a figure that is sorted by has a column
    #[arg(long, value_name = "COLUMN", default_value = "pid", help_heading = "Output")]
    pub sort: PsSort,
    /// Only processes with this text in their command line, name or pid
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub filter: Option<String>,
    /// Only processes of this user: a name in /etc/passwd, or a number
    #[arg(long, value_name = "USER", help_heading = "Output")]
    pub user: Option<String>,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PsSort {
    /// Process id
    Pid,
    /// Resident set size
    Rss,
    /// Unique set size, read for this alone: it is dear
    Uss,
    /// CPU time so far
    Cpu,
    /// Time since it was created
    Age,
    /// Short name
    Name,
}
