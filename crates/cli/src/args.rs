//! What a person may write after `memsight`: parsing only, nothing is done here.

mod advise;
mod agent;
mod attach;
mod compare;
mod export;
mod files;
mod gc;
mod man;
mod ps;
mod run;
mod size;
mod time;
mod top;
mod trace;
mod watch;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use memsight_model::Mode;

pub use advise::Advise;
pub use agent::Agent;
pub use attach::{Attach, Detach};
pub use compare::Compare;
pub use export::Export;
pub use files::Files;
pub use gc::{Gc, PausesName};
pub use man::Man;
pub use ps::{Ps, PsSort};
pub use run::Run;
pub use top::{SortName, Top};
pub use trace::{Trace, TraceView};
pub use watch::Watch;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Explains the memory of a live Python process, from outside, without restarting or changing it.
#[derive(Debug, Parser)]
#[command(
    name = "memsight",
    version,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight ps                           which Python processes are there\n",
        "  memsight heap 4242                    what the memory of one is, and who holds it\n",
        "  memsight heap 4242 suspects           likely leaks\n",
        "  memsight snapshot 4242 -o app.heap    keep it for later\n",
        "  memsight demo                         see it at work on a service that leaks\n",
        "\n",
        "EXIT CODES\n",
        "  0  done (a suspect found is no failure)    2  usage, environment or target in the way\n",
        "  130  stopped with Ctrl-C"
    )
)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every verb takes; its own stand before them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Form of the result on stdout (and of an error on stderr)
    #[arg(long, global = true, display_order = 200, value_name = "FORM", default_value = "text")]
    pub format: Format,
    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, display_order = 201, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Show no progress (it is shown only on a terminal anyway)
    #[arg(long, global = true, display_order = 202)]
    pub no_progress: bool,
    /// Say less on stderr: errors only
    #[arg(short, long, global = true, display_order = 203, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on stderr: the time of every phase
    #[arg(short, long, global = true, display_order = 204)]
    pub verbose: bool,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For scripts: stable keys, sizes in bytes
    Json,
    /// For pipes: the same, one object a line
    Jsonl,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The verbs. A comment on one would be all that its `--help` says, and not `long_about` of its options: those have `about`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Verb {
    /// List the Python processes of this machine
    Ps(Ps),
    #[command(about = "Explain the heap of a process, or of a snapshot")]
    Heap(Heap),
    /// Write the heap of a process to a folder of Parquet tables
    Snapshot(Snapshot),
    #[command(about = "Say what has grown between two snapshots, and who holds it")]
    Compare(Compare),
    #[command(about = "Say which changes of a program's source need less memory")]
    Advise(Advise),
    #[command(about = "Write a heap in the form of another tool")]
    Export(Export),
    #[command(about = "Show who allocated the memory of a program that was recorded")]
    Trace(Trace),
    #[command(about = "Watch the memory of Python processes on the screen")]
    Top(Top),
    #[command(about = "Record the memory of a process and its children over time, and say whether it leaks")]
    Watch(Watch),
    #[command(about = "Run a program and record its allocations, each with its stack")]
    Run(Run),
    #[command(about = "Record the allocations of a running process, each with its stack")]
    Attach(Attach),
    #[command(about = "End the recording of a process, whoever began it")]
    Detach(Detach),
    #[command(about = "Watch the garbage collector: generations, collections, pauses, and what to change")]
    Gc(Gc),
    #[command(about = "Export the memory of Python processes to Prometheus and OpenTelemetry")]
    Agent(Agent),
    /// Say what stands between memsight and a process, and the one command that helps
    Doctor(Doctor),
    /// Start a service that leaks, drive it, explain it live and name the culprit
    Demo(Demo),
    /// Print the completions of a shell
    Completions(Completions),
    #[command(about = "Write the manual pages")]
    Man(Man),
}

/// `memsight heap`.
#[derive(Debug, Args)]
#[command(
    subcommand_precedence_over_arg = true,
    subcommand_value_name = "VIEW",
    subcommand_help_heading = "Views",
    disable_help_subcommand = true,
    override_usage = "memsight heap <PID|FILE> [VIEW] [OPTIONS]",
    long_about = "Explain the heap of a process, of a snapshot, or of a core file.\n\n\
        The process stands still for some milliseconds, while the kernel makes a copy of it; it is neither restarted nor changed.\n\
        Without a view: an overview of its memory, the top types, leak suspects and the cost of the look.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight heap 4242                              overview\n",
        "  memsight heap 4242 types --top 50               histogram\n",
        "  memsight heap 4242 --types-only                 counts and sizes alone, for large heaps\n",
        "  memsight heap 4242 path app.cache.Session       who holds the sessions\n",
        "  memsight heap 4242 --since 60s                  what grows within a minute\n",
        "  memsight heap 4242 object 0x7f3a1c0042d0        one object with its neighbours\n",
        "  memsight heap app.heap dominators --format json from a snapshot, for a script\n",
        "  memsight heap core.4242 suspects                from the core of a process that has ended"
    )
)]
pub struct Heap {
    /// Process id, the folder of a snapshot, or a core file
    #[arg(value_name = "PID|FILE")]
    pub subject: Option<String>,
    /// Process id
    #[arg(short, long, global = true, value_name = "PID")]
    pub pid: Option<u32>,
    /// How to read
    #[command(flatten)]
    pub look: Look,
    /// What belongs to a core
    #[command(flatten)]
    pub files: Files,
    /// Rows of a list; 0: all [default: 20, in the overview 10]
    #[arg(long, global = true, value_name = "N", help_heading = "Output")]
    pub top: Option<usize>,
    /// Look now, after half of this time and after all of it, and say what has grown (60s, 10m, 1h)
    #[arg(long, value_name = "TIME", value_parser = time::lasting, help_heading = "Reading")]
    pub since: Option<std::time::Duration>,
    /// Only the histogram of types, without references and so without retained sizes: about half the time
    #[arg(long, conflicts_with = "since", help_heading = "Reading")]
    pub types_only: bool,
    /// The view; none: the overview
    #[command(subcommand)]
    pub view: Option<View>,
}

/// How to read a process.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Reading")]
pub struct Look {
    /// fork: stop the process while the kernel makes a copy-on-write copy of it; freeze: while its memory is copied;
    /// live: read it as it runs (best effort, marked partial); auto: fork where that can be done, freeze otherwise
    #[arg(long, global = true, value_name = "MODE", default_value = "auto")]
    pub mode: ModeName,
    /// The longest that the process may stand still while its memory is copied (250ms, 5s); beyond it the look is given up
    /// [default: 1s where auto has come to that, no limit with `--mode freeze`]
    #[arg(long, global = true, value_name = "TIME", value_parser = time::time)]
    pub max_pause: Option<std::time::Duration>,
    /// Keep the contents of strings, bytes and numbers (left out otherwise: they may be secrets)
    #[arg(long, global = true)]
    pub values: bool,
    /// Memory that reading a snapshot may take, such as 32GiB [default: 512 times its files, from 1GiB to 16GiB]
    #[arg(long, global = true, value_name = "SIZE", value_parser = size::size)]
    pub max_memory: Option<u64>,
}

/// [`Mode`] as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ModeName {
    Auto,
    Fork,
    Freeze,
    Live,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Mode {
        match name {
            ModeName::Auto => Mode::Auto,
            ModeName::Fork => Mode::Fork,
            ModeName::Freeze => Mode::Freeze,
            ModeName::Live => Mode::Live,
        }
    }
}

/// The views of a heap.
#[derive(Debug, Clone, Subcommand)]
pub enum View {
    /// Everything at one glance
    #[command(
        override_usage = "memsight heap <PID|FILE> overview [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 overview --top 5"
    )]
    Overview,
    /// Histogram by type: count, shallow, external and retained size
    #[command(
        override_usage = "memsight heap <PID|FILE> types [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 types --top 0 --format json\n  memsight heap 4242 types --types-only"
    )]
    Types {
        /// Counts and sizes alone, in about half the time: no references are kept, so no retained sizes
        #[arg(long, visible_alias = "types-only")]
        shallow: bool,
    },
    /// Leak suspects: who retains 10% or more, where it gathers, how it is reached
    #[command(
        override_usage = "memsight heap <PID|FILE> suspects [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 suspects"
    )]
    Suspects,
    /// The objects that keep the most alive, with the largest below each
    #[command(
        override_usage = "memsight heap <PID|FILE> dominators [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 dominators --top 40"
    )]
    Dominators,
    /// Shortest paths from roots to an object, or to the instances of a type
    #[command(
        override_usage = "memsight heap <PID|FILE> path <ADDRESS|TYPE> [OPTIONS]",
        after_long_help = concat!(
            "EXAMPLES\n",
            "  memsight heap 4242 path 0x7f3a1c0042d0\n",
            "  memsight heap 4242 path app.cache.Session"
        )
    )]
    Path {
        /// Address (0x...) or type (module.qualname; built-ins bare)
        #[arg(value_name = "ADDRESS|TYPE")]
        query: String,
    },
    /// One object: type, reference count, sizes, generation, referents and referrers
    #[command(
        override_usage = "memsight heap <PID|FILE> object <ADDRESS> [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 object 0x7f3a1c0042d0 --values"
    )]
    Object {
        /// Address, 0x...
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// The objects around one: who refers to it and what it refers to, as a tree, or to be drawn with Graphviz
    #[command(
        override_usage = "memsight heap <PID|FILE> graph <ADDRESS|TYPE> [OPTIONS]",
        after_long_help = concat!(
            "EXAMPLES\n",
            "  memsight heap 4242 graph 0x7f3a1c0042d0\n",
            "  memsight heap 4242 graph app.cache.Session --depth 3 --top 80\n",
            "  memsight heap 4242 graph 0x7f3a1c0042d0 --dot | dot -Tsvg > graph.svg"
        )
    )]
    Graph {
        /// Address (0x...) or type (module.qualname; built-ins bare): of a type the instance that retains the most
        #[arg(value_name = "ADDRESS|TYPE")]
        query: String,
        /// References from the object, in each direction: 0 to 100
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=100))]
        depth: u32,
        /// Write DOT, the language of Graphviz, instead of text
        #[arg(long, conflicts_with = "format")]
        dot: bool,
    },
    /// Stacks of the Python threads, with what the locals of each frame retain
    #[command(
        override_usage = "memsight heap <PID|FILE> threads [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 threads"
    )]
    Threads,
    /// Tasks of asyncio: what they run, where they wait, who keeps those that are done
    #[command(
        override_usage = "memsight heap <PID|FILE> tasks [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 tasks\n  memsight heap app.heap tasks --top 0 --format json"
    )]
    Tasks,
    /// What a full collection would free now, and the cycles that hold it
    #[command(
        override_usage = "memsight heap <PID|FILE> garbage [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 garbage\n  memsight heap app.heap garbage --format json"
    )]
    Garbage,
    /// Live cycles worth breaking
    #[command(
        override_usage = "memsight heap <PID|FILE> cycles [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 cycles\n  memsight heap app.heap cycles --format json"
    )]
    Cycles,
    /// Reference counts against the references found: what C code holds, or has leaked
    #[command(
        override_usage = "memsight heap <PID|FILE> refcounts [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 refcounts\n  memsight heap app.heap refcounts --format json"
    )]
    Refcounts,
    /// Every byte of RSS: one account of objects, allocators, files, stacks, and what to do about each
    #[command(
        override_usage = "memsight heap <PID|FILE> rss [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 rss\n  memsight heap app.heap rss --format json"
    )]
    Rss,
    /// Bytes that the same program could do without: duplicates, slack, instance dictionaries
    #[command(
        override_usage = "memsight heap <PID|FILE> waste [OPTIONS]",
        after_long_help = "EXAMPLES\n  memsight heap 4242 waste\n  memsight heap app.heap waste --format json"
    )]
    Waste,
}

/// `memsight snapshot`.
#[derive(Debug, Args)]
#[command(after_long_help = concat!(
    "The folder holds Parquet tables and a manifest.json, readable by DuckDB, Polars, pandas and Spark.\n",
    "It appears whole or not at all; its files can be read by their owner only.\n",
    "\n",
    "EXAMPLES\n",
    "  memsight snapshot 4242                     into memsight-4242.heap\n",
    "  memsight snapshot 4242 -o app.heap\n",
    "  memsight heap app.heap suspects\n",
    "  memsight snapshot core.4242 -o app.heap    keep what matters of a core: a tenth of its size or less"
))]
pub struct Snapshot {
    /// Process id, or a core file
    #[arg(value_name = "PID|FILE", required_unless_present = "pid")]
    pub subject: Option<String>,
    /// Process id
    #[arg(short, long, value_name = "PID", conflicts_with = "subject")]
    pub pid: Option<u32>,
    /// Folder to write [default: memsight-PID.heap, or the name of the core with .heap]
    #[arg(short, long, value_name = "FILE", value_parser = files::folder())]
    pub output: Option<PathBuf>,
    /// Replace a snapshot that is there already
    #[arg(long)]
    pub force: bool,
    /// How to read
    #[command(flatten)]
    pub look: Look,
    /// What belongs to a core
    #[command(flatten)]
    pub files: Files,
}

/// `memsight doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = "EXAMPLES\n  memsight doctor\n  memsight doctor 4242")]
pub struct Doctor {
    /// Process id; none: this machine as a whole
    #[arg(value_name = "PID")]
    pub subject: Option<u32>,
    /// Process id
    #[arg(short, long, value_name = "PID", conflicts_with = "subject")]
    pub pid: Option<u32>,
}

/// `memsight demo`.
#[derive(Debug, Args)]
#[command(after_long_help = "EXAMPLES\n  memsight demo\n  memsight demo --python /usr/bin/python3.11")]
pub struct Demo {
    /// The Python to run the service with [default: python3, then python, on PATH]
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<PathBuf>,
    /// Requests to send
    #[arg(long, value_name = "N", default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(600..=1_000_000))]
    pub requests: u32,
}

/// `memsight completions`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "EXAMPLES\n  memsight completions bash > ~/.local/share/bash-completion/completions/memsight"
)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// A heading goes on behind the group that sets it: an option there names its own.
    #[test]
    fn what_stands_under_a_heading_belongs_there() {
        let mut cli = Cli::command();
        cli.build();
        for verb in cli.get_subcommands() {
            let under = |heading: &str| {
                let all = verb.get_arguments().filter(move |arg| arg.get_help_heading() == Some(heading));
                all.map(|arg| arg.get_id().as_str().to_owned()).collect::<Vec<_>>()
            };
            let core = under("Core files");
            assert!(core.is_empty() || core == ["exe", "sysroot"], "{}: {core:?}", verb.get_name());
        }
        let heap = cli.find_subcommand("heap").expect("a verb");
        for id in ["since", "types_only"] {
            let arg = heap.get_arguments().find(|arg| arg.get_id() == id).expect("an option");
            assert_eq!(arg.get_help_heading(), Some("Reading"), "{id}");
        }
    }
}
