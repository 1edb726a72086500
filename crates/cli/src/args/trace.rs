//! `memsight trace`: what a person may write.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use memsight_engine::analysis::profile::At;

use super::time::time;

/// `memsight trace`.
#[derive(Debug, Args)]
#[command(
    subcommand_precedence_over_arg = true,
    subcommand_value_name = "VIEW",
    subcommand_help_heading = "Views",
    disable_help_subcommand = true,
    override_usage = "memsight trace <FILE> [VIEW] [OPTIONS]\n       memsight trace <BEFORE> <AFTER> [OPTIONS]",
    long_about = "Show who allocated the memory of a program that was recorded.\n\n\
        Without a view: the peak, what was live at the end, and the lines with the most.\n\
        A block counts for its newest Python frame. With two files: what the lines of the later one have more or less.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight trace app.trace                            the peak, and the lines behind it\n",
        "  memsight trace app.trace lines --filter /srv/app/   by the newest frame in files of yours\n",
        "  memsight trace app.trace tree                       who called whom\n",
        "  memsight trace app.trace leaks                      what is live at the end\n",
        "  memsight trace app.trace functions --at 1.5s        a second and a half after the start\n",
        "  memsight trace app.trace source app/data.py         bytes beside the lines of a file\n",
        "  memsight trace app.trace flamegraph -o peak.svg     a picture of all stacks\n",
        "  memsight trace before.trace after.trace             what has grown, line by line"
    )
)]
pub struct Trace {
    /// A trace; two of them are compared, the earlier one first
    #[arg(value_name = "FILE", num_args = 1..=2, required = true)]
    pub files: Vec<PathBuf>,
    /// What to show: peak, end, a time after the start (300ms, 1.5s), or all: sums over the whole run
    /// [default: peak; of leaks end]
    #[arg(long, global = true, value_name = "WHEN", value_parser = at)]
    pub at: Option<At>,
    /// Only what this thread allocated
    #[arg(long, global = true, value_name = "ID")]
    pub thread: Option<u32>,
    /// Only blocks with a frame whose function or file contains this text; they count for the newest such frame
    #[arg(long, global = true, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Lists in the order of what a place and all that it called allocated
    #[arg(long, global = true)]
    pub inclusive: bool,
    /// Rows of a list; 0: all
    #[arg(long, global = true, value_name = "N", default_value_t = 20, help_heading = "Output")]
    pub top: usize,
    /// Write a picture: .svg, of a timeline also .png
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace a picture that is there already
    #[arg(long, global = true, help_heading = "Output")]
    pub force: bool,
    /// The view; none: a summary
    #[command(subcommand)]
    pub view: Option<TraceView>,
}

/// The views of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TraceView {
    /// The peak, what was live at the end, and the lines with the most
    #[command(
        override_usage = "memsight trace <FILE> summary [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace summary --top 5"
    )]
    Summary,
    /// Bytes by line
    #[command(
        override_usage = "memsight trace <FILE> lines [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace lines --top 0 --format json"
    )]
    Lines,
    /// Bytes by function
    #[command(
        override_usage = "memsight trace <FILE> functions [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace functions --inclusive"
    )]
    Functions,
    /// Bytes by file
    #[command(
        override_usage = "memsight trace <FILE> files [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace files --at all"
    )]
    Files,
    /// Bytes by module
    #[command(
        override_usage = "memsight trace <FILE> modules [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace modules"
    )]
    Modules,
    /// Who called whom: all with a hundredth of the bytes or more
    #[command(
        override_usage = "memsight trace <FILE> tree [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace tree\n  memsight trace app.trace tree --filter load_rows"
    )]
    Tree,
    /// What is live at the end, by the newest frames of its stack
    #[command(
        override_usage = "memsight trace <FILE> leaks [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace leaks\n  memsight trace app.trace leaks --filter /srv/app/"
    )]
    Leaks,
    /// Blocks that were free again before the next allocation but one
    #[command(
        override_usage = "memsight trace <FILE> temporary [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace temporary"
    )]
    Temporary,
    /// What was allocated over the whole run, and how much of it lived at the peak
    #[command(
        override_usage = "memsight trace <FILE> churn [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace churn"
    )]
    Churn,
    /// Bytes by the thread that allocated them
    #[command(
        override_usage = "memsight trace <FILE> threads [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace threads"
    )]
    Threads,
    /// What was live over time, beside the resident set
    #[command(
        override_usage = "memsight trace <FILE> timeline [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace timeline\n  memsight trace app.trace timeline -o app.png"
    )]
    Timeline,
    /// Bytes beside the lines of a source file
    #[command(
        override_usage = "memsight trace <FILE> source <FILE.py> [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight trace app.trace source app/data.py"
    )]
    Source {
        /// The file: its path, or the end of it
        #[arg(value_name = "FILE.py")]
        file: String,
    },
    /// All stacks: a picture with -o, otherwise a line for each, as other tools read them
    #[command(
        override_usage = "memsight trace <FILE> flamegraph [OPTIONS]",
        after_long_help = concat!(
            "EXAMPLES\n",
            "  memsight trace app.trace flamegraph -o peak.svg\n",
            "  memsight trace app.trace flamegraph --at all > app.collapsed"
        )
    )]
    Flamegraph,
}

/// Reads a moment.
fn at(text: &str) -> Result<At, String> {
    match text {
        "peak" => Ok(At::Peak),
        "end" => Ok(At::End),
        "all" => Ok(At::All),
        text => {
            let after = time(text).map_err(|_| "write peak, end, all, or a time such as 300ms or 1.5s".to_owned())?;
            u64::try_from(after.as_nanos()).map(At::Time).map_err(|_| "it is too long".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        let moments = [
            ("peak", At::Peak),
            ("end", At::End),
            ("all", At::All),
            ("1.5s", At::Time(1_500_000_000)),
            ("300ms", At::Time(300_000_000)),
        ];
        for (text, moment) in moments {
            assert_eq!(at(text), Ok(moment), "{text}");
        }
        assert!(at("noon").is_err() && at("99999999d").is_err());
    }
}
