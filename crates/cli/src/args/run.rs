//! `memsight run`: what a person may write.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::size::size;

/// `memsight run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "memsight run [OPTIONS] <SCRIPT.py> [ARGS]...\n       memsight run [OPTIONS] -m <MODULE> [ARGS]...\n       \
        memsight run [OPTIONS] [--] <COMMAND> [ARGS]...",
    long_about = "Run a program and record its allocations, each with the stack of Python frames that made it.\n\n\
        The program keeps its input, its output, its exit code and its signals. By default a sample is recorded, in which \
        each byte has the same small chance, which costs little. With --exact every allocation is there, with its end. \
        Of the processes that it starts the first Python is recorded; its children are not.",
    after_long_help = concat!(
        "WHAT IS RECORDED\n",
        "  CPython 3.8 to 3.15 with the GIL, on Linux on x86-64 with glibc 2.14 or later.\n",
        "  Python's own allocators and the malloc family, each block once; not mmap, and no stacks of C.\n",
        "  In the file: addresses, sizes, times; functions, files, lines. No values, arguments or environment.\n",
        "\n",
        "EXAMPLES\n",
        "  memsight run app.py                          by the `python3` of this environment\n",
        "  memsight run -o app.trace -m pytest -x       a module with its arguments\n",
        "  memsight run --exact -- python3.12 etl.py    every allocation\n",
        "  memsight run --sample 64KiB -- uvicorn app:api\n",
        "  memsight trace app.trace                     what made its peak, line by line\n",
        "\n",
        "EXIT CODES\n",
        "  those of the program: 128 + n if signal n ended it, 127 if there is none of that name\n",
        "  2 if something was in the way"
    )
)]
pub struct Run {
    /// Write the trace here [default: memsight-NAME.trace, by the name of the program]
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Which allocations.
    #[command(flatten)]
    pub sampling: Sampling,
    /// A script that ends in .py, `-m` and a module, or a command; with its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Which allocations are recorded.
#[derive(Debug, Args)]
pub struct Sampling {
    /// Record every allocation, not a sample
    #[arg(long, conflicts_with = "sample", help_heading = "Recording")]
    pub exact: bool,
    /// Bytes between samples in the mean: 1KiB or more
    #[arg(long, value_name = "SIZE", default_value = "512KiB", value_parser = sample, help_heading = "Recording")]
    pub sample: u64,
}

impl Sampling {
    /// Bytes between samples in the mean; 0 for every allocation.
    pub fn bytes(&self) -> u64 {
        if self.exact { 0 } else { self.sample }
    }
}

fn sample(text: &str) -> Result<u64, String> {
    match size(text)? {
        0..1024 => Err("the smallest is 1KiB; --exact records every allocation".to_owned()),
        bytes => Ok(bytes),
    }
}
