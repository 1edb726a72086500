//! `memsight top`: what a person may write.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::time::time;

/// `memsight top`.
#[derive(Debug, Args)]
#[command(
    long_about = "Watch the memory of Python processes on the screen.\n\n\
        Without a process: all Python processes of the machine; with one: it and its children. Press ? for the keys. \
        When stdout is no terminal, or with --json-lines, a line of JSON a reading; with --format json one reading.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight top                             every Python process\n",
        "  memsight top 4242 --interval 200ms       one service and its workers\n",
        "  memsight top --sort uss --filter gunicorn\n",
        "  memsight top -n 10 --json-lines > top.jsonl\n",
        "\n",
        "EXIT CODES\n",
        "  0 after q, after --iterations, and in a pipe when the process has ended; 130 after Ctrl-C; 128 + n when \n",
        "  signal n ended it; 2 if something was in the way"
    )
)]
pub struct Top {
    /// Process id; none: every Python process
    #[arg(value_name = "PID")]
    pub subject: Option<u32>,
    /// Process id
    #[arg(short, long, value_name = "PID", conflicts_with = "subject")]
    pub pid: Option<u32>,
    /// Time between two readings, 1ms or more
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = time, help_heading = "Reading")]
    pub interval: Duration,
    /// End after so many readings
    #[arg(short = 'n', long, value_name = "N", help_heading = "Reading", value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: Option<u64>,
    /// Order of the list; largest first where that makes sense
    #[arg(long, value_name = "COLUMN", default_value = "rss", help_heading = "Output")]
    pub sort: SortName,
    /// Only processes with this text in their command line or pid
    #[arg(long, value_name = "TEXT", default_value = "", help_heading = "Output", hide_default_value = true)]
    pub filter: String,
    /// Draw with ASCII characters only
    #[arg(long, help_heading = "Output")]
    pub ascii_only: bool,
    /// A line of JSON a reading, also on a terminal; the same as --format jsonl
    #[arg(long, help_heading = "Output")]
    pub json_lines: bool,
    /// Keep command lines in JSON (left out otherwise: they may hold secrets)
    #[arg(long, help_heading = "Output")]
    pub arguments: bool,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortName {
    /// Process id
    Pid,
    /// Resident set size
    Rss,
    /// Proportional set size
    Pss,
    /// Unique set size
    Uss,
    /// Resident anonymous memory
    Anon,
    /// Growth of rss
    Trend,
    /// Garbage collections a second
    Gc,
    /// Use of the container's limit
    Limit,
    /// Version of Python
    Python,
    /// Command line
    Command,
}
