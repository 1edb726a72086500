//! `memsight run`: what a person may write.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use memsight_engine::record::Options;

use super::size::size;

/// `memsight run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "memsight run [OPTIONS] <SCRIPT.py> [ARGS]...\n       memsight run [OPTIONS] -m <MODULE> [ARGS]...\n       \
        memsight run [OPTIONS] [--] <COMMAND> [ARGS]...",
    long_about = "Run a program and record its allocations, each with the stack of Python frames that made it.\n\n\
        The program keeps its input, its output, its exit code and its signals. By default a sample is recorded, in which \
        each byte has the same small chance, which costs little. With --exact every allocation is there, with its end. \
        Of the processes that it starts the first Python is recorded, with --subprocesses all of them: each into a file beside \
        it that has its process id in its name.",
    after_long_help = concat!(
        "WHAT IS RECORDED\n",
        "  CPython 3.8 to 3.15 with the GIL, on Linux on x86-64 with glibc 2.14 or later.\n",
        "  Python's own allocators and the malloc family, each block once; not mmap.\n",
        "  In the file: addresses, sizes, times; functions, files, lines. No values, arguments or environment.\n",
        "\n",
        "EXAMPLES\n",
        "  memsight run app.py                          by the `python3` of this environment\n",
        "  memsight run -o app.trace -m pytest -x       a module with its arguments\n",
        "  memsight run --exact -- python3.12 etl.py    every allocation\n",
        "  memsight run --sample 64KiB -- uvicorn app:api\n",
        "  memsight run --subprocesses -o app.trace -- gunicorn app:api\n",
        "  memsight run --native train.py               with the frames of C, C++ and Rust\n",
        "  memsight run --live app.py                   its biggest lines now, on a screen\n",
        "  memsight trace app.trace                     what made its peak, line by line\n",
        "  memsight trace app.trace --process all       of all its processes together\n",
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
    /// Record the Python processes that it starts, too, and theirs: FILE.trace, FILE.PID.trace
    #[arg(long, help_heading = "Recording")]
    pub subprocesses: bool,
    /// Show the lines that hold most now; the program's output is kept, and written when the screen is closed
    #[arg(long, help_heading = "Output")]
    pub live: bool,
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
    /// Record native frames, too: those of C, C++, Rust and Cython
    #[arg(long, help_heading = "Recording")]
    pub native: bool,
}

impl Sampling {
    /// What of the program is recorded.
    pub fn options(&self) -> Options {
        Options { sample_bytes: if self.exact { 0 } else { self.sample }, native: self.native }
    }
}

fn sample(text: &str) -> Result<u64, String> {
    match size(text)? {
        0..1024 => Err("the smallest is 1KiB; --exact records every allocation".to_owned()),
        bytes => Ok(bytes),
    }
}
