//! `memsight attach`: what a person may write.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::run::Sampling;
use super::time::time;

/// `memsight detach`.
#[derive(Debug, Args)]
#[command(
    long_about = "End the recording of a process, whoever began it: a memsight that was killed may have left it.\n\n\
        What was set in it is put back. A trace that is being written ends with what was recorded up to now.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight detach 4242\n",
        "\n",
        "EXIT CODES\n",
        "  0 also when it was not recorded; 2 if something was in the way"
    )
)]
pub struct Detach {
    /// Process id
    #[arg(value_name = "PID")]
    pub pid: String,
}

/// `memsight attach`.
#[derive(Debug, Args)]
#[command(
    long_about = "Record the allocations of a running process from now on, each with the stack of Python frames that made it.\n\n\
        One of its own threads loads the recorder, at a moment at which any function may be called; no Python code runs for \
        that, and nothing stands still but that thread, for a moment. At the end (Ctrl-C, --duration, or its \
        own) all is put back; the recorder's library stays mapped, and is used again the next time.",
    after_long_help = concat!(
        "WHAT IS RECORDED\n",
        "  As of `memsight run`, from now on: of blocks from before nothing is known, nor that they are freed.\n",
        "  What is alive and who holds it: `memsight heap PID`.\n",
        "\n",
        "EXAMPLES\n",
        "  memsight attach 4242 -d 30s                 half a minute of it, a sample\n",
        "  memsight attach 4242 --exact -o app.trace   every allocation, until Ctrl-C\n",
        "  memsight trace app.trace leaks              what was allocated meanwhile and is still there\n",
        "\n",
        "EXIT CODES\n",
        "  0 also after Ctrl-C; 2 if something was in the way"
    )
)]
pub struct Attach {
    /// Process id
    #[arg(value_name = "PID")]
    pub pid: String,
    /// Write the trace here [default: memsight-PID.trace]
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Which allocations.
    #[command(flatten)]
    pub sampling: Sampling,
    /// Stop recording after this time (the process runs on)
    #[arg(short, long, value_name = "TIME", value_parser = time, help_heading = "Recording")]
    pub duration: Option<Duration>,
}
