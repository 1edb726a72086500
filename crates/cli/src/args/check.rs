//! `memsight check`.

use std::path::PathBuf;

use clap::Args;

/// `memsight check`.
#[derive(Debug, Args)]
#[command(
    long_about = "Hold a trace, a recording of the monitor, or a snapshot against a budget.\n\n\
        A budget is a file of limits: on the peak, on what was allocated, on what is left at the end, of all or of single lines, \
        functions, files and modules; on the resident set of a recording; on objects and bytes of types of a snapshot; each as it \
        is, or on its growth since a baseline. Of what is over its limit, the lines or types that have most of it are named.\n\
        Figures of a sample are intervals: a limit is broken only if the whole interval is above it. Where it lies within, that \
        is said, and is no failure without --strict.\n\
        Besides those that every verb has, --format takes junit (XML for reports of tests) and github (annotations of a pull \
        request).",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight check app.trace --budget budget.toml\n",
        "  memsight check app.trace --budget budget.toml --baseline main.trace     and what has grown\n",
        "  memsight check app.heap --budget budget.toml --format junit > check.xml\n",
        "  memsight check watch.jsonl --budget budget.toml --format github\n",
        "\n",
        "A BUDGET\n",
        "  [trace]\n",
        "  peak = \"64 MiB\"                  also: allocated, allocations, leaks\n",
        "  growth.peak = \"10%\"              since the baseline; [\"10%\", \"1 MiB\"]: by the larger of both\n",
        "  [[trace.places]]\n",
        "  file = \"app/data.py\"             also: line, function, module; own = true: without what they called\n",
        "  leaks = \"1 MiB\"\n",
        "  [recording]\n",
        "  rss_peak = \"500 MiB\"             also: rss_growth, rss_per_hour\n",
        "  [snapshot]\n",
        "  bytes = \"200 MiB\"                also: objects\n",
        "  [[snapshot.types]]\n",
        "  type = \"app.*\"\n",
        "  count = 10_000                   also: bytes\n",
        "\n",
        "EXIT CODES\n",
        "  0  within the budget    1  over it    2  it could not be checked"
    )
)]
pub struct Check {
    /// A trace (`memsight run`), a recording (`memsight watch`), or a snapshot (`memsight snapshot`)
    #[arg(value_name = "FILE")]
    pub subject: PathBuf,
    /// The limits, a TOML file
    #[arg(long, value_name = "FILE")]
    pub budget: PathBuf,
    /// An earlier trace, recording or snapshot, for limits on growth
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Fail, too, where it is not known whether a limit is broken
    #[arg(long)]
    pub strict: bool,
}
