//! `memsight export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use memsight_engine::analysis::profile::At;

use super::trace::at;
use super::{Files, Look};

/// What another tool reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A heap, for Chrome's DevTools
    Heapsnapshot,
    /// A trace, for `go tool pprof`, Pyroscope, Parca, speedscope
    Pprof,
    /// A trace, for speedscope
    Speedscope,
    /// A trace, a line for each stack: for flamegraph.pl, inferno, speedscope
    Collapsed,
    /// A trace, a row for each thread and stack: for spreadsheets
    Csv,
    /// The same, for DuckDB, Polars, pandas
    Parquet,
}

impl Form {
    /// The ending of its files, and others that say it.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Form::Heapsnapshot => &["heapsnapshot"],
            Form::Pprof => &["pb.gz", "pprof"],
            Form::Speedscope => &["speedscope.json"],
            Form::Collapsed => &["collapsed", "folded"],
            Form::Csv => &["csv"],
            Form::Parquet => &["parquet"],
        }
    }
}

/// `memsight export`.
#[derive(Debug, Args)]
#[command(
    long_about = "Write a heap, or a trace of allocations, in the form of another tool.\n\n\
        A heap becomes a .heapsnapshot, which Chrome's DevTools open in their Memory panel: every object is a node with its \
        Python type, its shallow and external bytes and the names of its references; the retained sizes that DevTools work out \
        are those of memsight. For tables of a heap there is `memsight snapshot`.\n\
        A trace becomes what viewers of profiles read, or a table with a row for each thread and stack. The form is that of \
        --to, or of the ending of the file.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight export 4242 -o app.heapsnapshot              a process as it is now\n",
        "  memsight export app.heap                              a snapshot, into app.heapsnapshot\n",
        "  memsight export 4242 -o - | gzip > app.heapsnapshot.gz\n",
        "  memsight export 4242 -o app.heapsnapshot --values     with the contents of strings and numbers\n",
        "  memsight export app.trace --to pprof                  a trace, into app.pb.gz\n",
        "  memsight export app.trace -o app.speedscope.json --at end\n",
        "  memsight export app.trace -o app.parquet              for DuckDB, Polars, pandas"
    )
)]
pub struct Export {
    /// Process id, or the folder of a snapshot, or a core file, or a trace
    #[arg(value_name = "PID|FILE")]
    pub subject: String,
    /// The form [default: by the ending of the file; of a heap heapsnapshot]
    #[arg(long, value_name = "FORM")]
    pub to: Option<Form>,
    /// File to write, or - for stdout; a .heapsnapshot must end so (DevTools take no other) [default: memsight-PID.heapsnapshot,
    /// or the name of the snapshot or trace with the ending of the form]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long)]
    pub force: bool,
    /// Of a trace what is live: peak, end, a time after the start (300ms, 1.5s), or all: sums over the whole run [default: peak]
    #[arg(long, value_name = "WHEN", value_parser = at, help_heading = "Traces")]
    pub at: Option<At>,
    /// Of a trace only what this thread allocated
    #[arg(long, value_name = "ID", help_heading = "Traces")]
    pub thread: Option<u32>,
    /// Of a trace only stacks with a frame whose function or file contains this text
    #[arg(long, value_name = "TEXT", help_heading = "Traces")]
    pub filter: Option<String>,
    /// How to read
    #[command(flatten)]
    pub look: Look,
    /// Files of the process that a core is of
    #[command(flatten)]
    pub files: Files,
}
