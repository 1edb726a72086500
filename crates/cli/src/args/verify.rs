//! `memsight advise --verify`: what a person may write.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::time;

/// How fixes are verified.
#[derive(Debug, Args)]
pub struct Verify {
    /// Run the command behind -- with and without each fix, and keep those that save memory
    #[arg(long, requires = "command", help_heading = "Verifying")]
    pub verify: bool,
    /// What must be the same with a fix
    #[arg(long, value_name = "WHAT", default_value = "output", requires = "verify", help_heading = "Verifying")]
    pub compare: Same,
    /// How long a run may take
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time::lasting, requires = "verify", help_heading = "Verifying")]
    pub timeout: Duration,
    /// Runs with each fix, 4 or more
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(4..=100), requires = "verify", help_heading = "Verifying")]
    pub runs: u32,
    /// Rules whose fixes are kept although they save nothing
    #[arg(long, value_name = "RULES", value_delimiter = ',', requires = "verify", help_heading = "Verifying")]
    pub keep: Vec<String>,
    /// The folder that is copied to run the command in [default: that of the project]
    #[arg(long, value_name = "FOLDER", requires = "verify", help_heading = "Verifying")]
    pub tree: Option<PathBuf>,
    /// What the command reads from its standard input [default: nothing]
    #[arg(long, value_name = "FILE", requires = "verify", help_heading = "Verifying")]
    pub input: Option<PathBuf>,
    /// The command, which ends by itself: a script that ends in .py, -m and a module, or a program; with its arguments
    #[arg(last = true, value_name = "COMMAND", requires = "verify", help_heading = "Verifying")]
    pub command: Vec<OsString>,
}

/// What must be the same with a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Same {
    /// Nothing
    None,
    /// The exit code
    Exit,
    /// The exit code, the output and the error output
    Output,
}
