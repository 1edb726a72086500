//! `memsight gc`: what a person may write.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::time::time;

/// `memsight gc`.
#[derive(Debug, Args)]
#[command(
    long_about = "Watch the garbage collector: generations, collections, pauses, and what to change.\n\n\
        On a terminal the view stays and follows the process until Ctrl-C; into a pipe, a file or as JSON it is one \
        look, unless --duration says how long to watch. The process is neither stopped nor changed.",
    after_long_help = concat!(
        "PAUSES\n",
        "  auto     Python 3.15 keeps a record of its pauses: exact. Older ones: sampled\n",
        "  usdt     exact in builds with probes (Debian, Ubuntu, Fedora); needs root, and the kernel puts breakpoints\n",
        "           into the process while it is watched, a few us for each collection\n",
        "  sampled  the collector's state is looked at up to 5,000 times a second; short pauses are counted, not timed\n",
        "\n",
        "EXAMPLES\n",
        "  memsight gc 4242                                live\n",
        "  memsight gc 4242 -d 30s --budget 10ms           exit code 1 if a collection took longer than 10 ms\n",
        "  memsight gc 4242 --format json                  one look, for a script\n",
        "  memsight gc 4242 -d 1m --format jsonl           a line a collection, and a summary at the end\n",
        "\n",
        "EXIT CODES\n",
        "  0  done    1  a pause was over --budget    2  something was in the way    130  stopped with Ctrl-C"
    )
)]
pub struct Gc {
    /// Process id
    #[arg(value_name = "PID", required_unless_present = "pid")]
    pub subject: Option<u32>,
    /// Process id
    #[arg(short, long, value_name = "PID", conflicts_with = "subject")]
    pub pid: Option<u32>,
    /// Time between two readings: 10ms to 1h
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub interval: Duration,
    /// Stop after this time
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    pub duration: Option<Duration>,
    /// One look, also on a terminal
    #[arg(long, conflicts_with = "duration")]
    pub once: bool,
    /// How to measure pauses
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub pauses: PausesName,
    /// The longest pause that is in order; a longer one is a finding, and exit code 1
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub budget: Option<Duration>,
    /// Most processor time for looking at the collector, in percent of one processor; 100 is no limit
    #[arg(long, value_name = "PERCENT", default_value = "3", value_parser = percent)]
    pub max_cpu: f64,
}

/// How to measure pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum PausesName {
    Auto,
    Usdt,
    Sampled,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    number.filter(|percent| (0.1..=100.0).contains(percent)).ok_or_else(|| "it must be between 0.1 and 100".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    if (Duration::from_millis(10)..=Duration::from_secs(3_600)).contains(&interval) {
        Ok(interval)
    } else {
        Err("it must be between 10ms and 1h".to_owned())
    }
}
