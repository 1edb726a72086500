//! What is asked for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What has to be equal with and without a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    None,
    /// The exit code.
    Exit,
    /// The exit code, the output and the error output.
    Output,
}

impl Compare {
    /// As it is written in options and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Compare::None => "none",
            Compare::Exit => "exit",
            Compare::Output => "output",
        }
    }
}

/// How fixes are verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The command.
    pub command: Vec<OsString>,
    /// The folder in which it runs.
    pub folder: PathBuf,
    /// The folder that is copied; none: that of the project.
    pub tree: Option<PathBuf>,
    /// What has to be equal.
    pub compare: Compare,
    /// How long one run may take.
    pub timeout: Duration,
    /// Runs of each form of the program, besides one to warm up and those with a trace.
    pub runs: usize,
    /// Rules, as in [`crate::advise::AdviseOptions::select`], of which fixes are kept although they save nothing.
    pub keep: Vec<String>,
    /// What the command reads; none: nothing.
    pub input: Option<PathBuf>,
    /// `PYTHONPATH`, as it is.
    pub python_path: Option<OsString>,
    /// `LD_PRELOAD`, as it is.
    pub preload: Option<OsString>,
}
