//! `memsight watch`: what a person may write.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::size::size;
use super::time::time;

/// The longest interval.
const MAX_INTERVAL: Duration = Duration::from_secs(3600);

/// `memsight watch`.
#[derive(Debug, Args)]
#[command(
    override_usage = "memsight watch [OPTIONS] <PID|LOG>\n       memsight watch [OPTIONS] -- <COMMAND>...",
    long_about = "Record the memory of a process and its children over time, and say whether it leaks.\n\n\
        Ends when the process does, after --duration, or with Ctrl-C: with the peak of the sum and of each process, \
        the growth per minute with its confidence interval, a plain verdict and a plot. A command keeps its own input \
        and output, and memsight ends with its exit code; the summary goes to stderr then.",
    after_long_help = concat!(
        "MARKERS\n",
        "  The command finds a file in MEMSIGHT_MARKERS: each line it appends is a marker in the plot and the log.\n",
        "    echo 'index loaded' >> \"$MEMSIGHT_MARKERS\"\n",
        "  SIGUSR1 to memsight sets one, too.\n",
        "\n",
        "FILES\n",
        "  .jsonl  the log: a line a sample, appended at once; what was written survives kill -9\n",
        "  .csv    a row a process and a sample, appended at once\n",
        "  .parquet .png .svg .json  the same table, the plot, the summary; written at the end\n",
        "  .heap   the folder of a snapshot at the peak: `memsight heap FILE.heap suspects` says who held it\n",
        "\n",
        "EXAMPLES\n",
        "  memsight watch -- python train.py               run it, then say what it took\n",
        "  memsight watch 4242 -d 10m                      does it leak?\n",
        "  memsight watch 4242 -o app.jsonl -o app.png     record, and draw\n",
        "  memsight watch -o app.heap -- python batch.py   keep the heap at its peak: who was it?\n",
        "  memsight watch 4242 --snapshot-above 2GiB       keep the heap when a process grows beyond that\n",
        "  memsight watch app.jsonl -o app.parquet         a recording: its summary again, and another form\n",
        "\n",
        "EXIT CODES\n",
        "  with a command its own: 128 + n if signal n ended it, 127 if there is no such command\n",
        "  without one 0, and 130 after Ctrl-C\n",
        "  2 if something was in the way"
    )
)]
pub struct Watch {
    /// Process id, or a log that `-o FILE.jsonl` wrote
    #[arg(value_name = "PID|LOG")]
    pub subject: Option<String>,
    /// Process id
    #[arg(short, long, value_name = "PID", conflicts_with = "subject")]
    pub pid: Option<u32>,
    /// A command to run and record, behind `--`
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["subject", "pid"])]
    pub command: Vec<OsString>,
    /// Time between two samples: 1ms to 1h
    #[arg(short, long, value_name = "TIME", default_value = "100ms", value_parser = interval, help_heading = "Sampling")]
    pub interval: Duration,
    /// Stop recording after this time (a command runs on)
    #[arg(short, long, value_name = "TIME", value_parser = time, help_heading = "Sampling")]
    pub duration: Option<Duration>,
    /// Leave out the children of the process
    #[arg(long, help_heading = "Sampling")]
    pub no_children: bool,
    /// Time between two readings of USS and PSS, which are dear; or `never`
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = rollup, help_heading = "Sampling")]
    pub rollup: Rollup,
    /// Read the counters of the garbage collector, too
    #[arg(long, help_heading = "Sampling")]
    pub gc: bool,
    /// A file whose new lines are markers [default for a command: a file of its own]
    #[arg(long, value_name = "FILE", help_heading = "Sampling")]
    pub markers: Option<PathBuf>,
    /// Write a file: .jsonl (or - for stdout), .csv, .parquet, .png, .svg, .json, .heap; may be given several times
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Vec<PathBuf>,
    /// Keep a snapshot of the largest process at its peak: a new one, in place of the last, when it has grown by 10% and
    /// 16 MiB since [default folder: memsight-PID.heap]
    #[arg(long, help_heading = "Snapshots")]
    pub snapshot_at_peak: bool,
    /// Keep a snapshot when the RSS of a process grows beyond this size; again once it was 10% below [default folders:
    /// memsight-PID-1.heap, ...]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Snapshots")]
    pub snapshot_above: Option<u64>,
    /// Snapshots that --snapshot-above keeps, the first ones: 1 to 100
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100), requires = "snapshot_above", help_heading = "Snapshots")]
    pub snapshots: u32,
    /// Replace files that are there already
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Keep the arguments of the command in the log (left out otherwise: they may be secrets)
    #[arg(long, help_heading = "Output")]
    pub arguments: bool,
    /// Draw the plot with ASCII characters
    #[arg(long, help_heading = "Output")]
    pub ascii_only: bool,
    /// No plot in the terminal
    #[arg(long, help_heading = "Output")]
    pub no_plot: bool,
}

/// Time between two readings of USS and PSS; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollup(pub Option<Duration>);

/// A shorter one is refused by the pacer, for every verb alike.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    if interval > MAX_INTERVAL { Err("the longest is 1h".to_owned()) } else { Ok(interval) }
}

fn rollup(text: &str) -> Result<Rollup, String> {
    match text {
        "never" => Ok(Rollup(None)),
        text => time(text).map(|time| Rollup(Some(time))),
    }
}
