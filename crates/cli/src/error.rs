//! What can go wrong in the command itself, beside the errors of the engine.

mod run;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use memsight_engine::Error as EngineError;
use memsight_engine::analysis::AnalysisError;
use memsight_engine::format::FormatError;
use memsight_model::Explain;

pub use run::RunError;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine failed.
    #[error(transparent)]
    Engine(EngineError),
    /// Neither a pid nor a snapshot was given.
    #[error("no process and no snapshot was named")]
    NoSubject,
    /// The ending of a file names no form that is written.
    #[error("{} does not end in .heapsnapshot", path.display())]
    NoSuchForm {
        /// The file.
        path: PathBuf,
    },
    /// No user has that name.
    #[error("no user \"{user}\" is known here")]
    NoSuchUser {
        /// As it was given.
        user: String,
    },
    /// Both were given, or the pid twice.
    #[error("the process was named twice: \"{subject}\" and --pid {pid}")]
    TwoSubjects {
        /// The positional argument.
        subject: String,
        /// The option.
        pid: u32,
    },
    /// `--since` with a file or a view.
    #[error("--since compares looks at a process that runs, and has no other view")]
    Since,
    /// `--types-only` with a view that needs references.
    #[error("--types-only counts types, and keeps no references for another view")]
    TypesOnly,
    /// A program could not be recorded.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Standard output could not be written.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// Standard output was closed before the program began.
    #[error("standard output is closed: the result has nowhere to go")]
    NoOutput,
    /// The reader of stdout is gone: no failure.
    #[error("the reader of the result is gone")]
    BrokenPipe,
    /// The doctor found something in the way, and has said so.
    #[error("memsight cannot do its work there")]
    Unusable,
    /// The terminal does not do what a screen needs.
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
    /// No Python to run the demo with.
    #[error("no Python 3.8 or later was found to run the demo with{}", .tried.as_ref().map(|path| format!(": {}", path.display())).unwrap_or_default())]
    NoPython {
        /// What `--python` said.
        tried: Option<PathBuf>,
    },
    /// The demo's service failed.
    #[error("the demo's service failed: {what}")]
    Service {
        /// What happened, a clause.
        what: String,
    },
    /// The demo's leak was not found.
    #[error("the look at the demo's service did not name {wanted} as a suspect")]
    NoCulprit {
        /// What leaks.
        wanted: &'static str,
    },
    /// The demo's service counts other requests than were sent.
    #[error("the demo's service counted {counted} requests, but {sent} were sent")]
    Disturbed {
        /// Requests sent.
        sent: u64,
        /// Requests counted.
        counted: u64,
    },
    /// `watch` was given no process, no log and no command, or something that is none of them.
    #[error("{}", .subject.as_ref().map_or("nothing to watch was named".to_owned(), |subject| format!("\"{subject}\" is neither a process id nor a recorded log")))]
    NothingToWatch {
        /// What was given.
        subject: Option<String>,
    },
    /// The command to watch is not there.
    #[error("there is no command \"{program}\"")]
    NoSuchCommand {
        /// Its name.
        program: String,
    },
    /// The command to watch could not be started.
    #[error("the command \"{program}\" cannot be started: {source}")]
    CommandNotStarted {
        /// Its name.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The suffix of an output says no form that `watch` writes.
    #[error("the suffix of {} says no form that watch writes", path.display())]
    OutputKind {
        /// The output.
        path: PathBuf,
    },
    /// `watch` was given two places for a snapshot.
    #[error("a second place for the snapshot was named: {}", path.display())]
    SecondHeap {
        /// It.
        path: PathBuf,
    },
    /// A heap was asked for of a recording that is over.
    #[error("{} is a recording of figures, and holds no heap", path.display())]
    NoHeapInLog {
        /// The log.
        path: PathBuf,
    },
    /// A log holds no sample.
    #[error("{} holds no samples", path.display())]
    NothingRecorded {
        /// The log.
        path: PathBuf,
    },
    /// A picture could not be made.
    #[error(transparent)]
    Render(#[from] memsight_render::plot::RenderError),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gave no signals or no file for markers.
    #[error("cannot prepare the recording: {0}")]
    Setup(io::Error),
    /// The agent's port is taken.
    #[error("port {} on {} is in use by another program", address.port(), address.ip())]
    PortBusy {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The agent cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A setting of the push makes no sense.
    #[error("figures cannot be pushed: {reason}")]
    PushSetting {
        /// What is wrong.
        reason: &'static str,
    },
    /// A push failed.
    #[error("{reason}")]
    Push {
        /// What the receiver answered, or what kept us from asking.
        reason: String,
    },
    /// A push was not sent, since anybody may have taken it.
    #[error("the certificate of the receiver is not trusted: {reason}")]
    PushUntrusted {
        /// What is wrong with it.
        reason: String,
    },
    /// A thread does not start.
    #[error("a thread does not start: {source}")]
    Thread {
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the person asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Engine(error) if error.is_cancelled())
    }
}

impl Explain for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Engine(error) => error.code(),
            Error::Render(error) => error.code(),
            Error::NoSubject => "MS-E100",
            Error::NoSuchForm { .. } => "MS-E145",
            Error::NoSuchUser { .. } => "MS-E146",
            Error::TwoSubjects { .. } => "MS-E101",
            Error::Run(error) => error.code(),
            Error::Since => "MS-E099",
            Error::TypesOnly => "MS-E097",
            Error::Output(_) => "MS-E102",
            Error::NoOutput => "MS-E147",
            Error::BrokenPipe => "MS-E103",
            Error::Unusable => "MS-E104",
            Error::Terminal(_) => "MS-E140",
            Error::NoPython { .. } => "MS-E105",
            Error::Service { .. } => "MS-E106",
            Error::NoCulprit { .. } => "MS-E107",
            Error::Disturbed { .. } => "MS-E108",
            Error::NothingToWatch { .. } => "MS-E120",
            Error::NoSuchCommand { .. } => "MS-E121",
            Error::CommandNotStarted { .. } => "MS-E122",
            Error::OutputKind { .. } => "MS-E123",
            Error::NothingRecorded { .. } => "MS-E124",
            Error::File { .. } => "MS-E125",
            Error::SecondHeap { .. } => "MS-E127",
            Error::NoHeapInLog { .. } => "MS-E128",
            Error::Setup(_) => "MS-E126",
            Error::PortBusy { .. } => "MS-E130",
            Error::Listen { .. } => "MS-E131",
            Error::PushSetting { .. } => "MS-E132",
            Error::Thread { .. } => "MS-E133",
            Error::Push { .. } => "MS-E134",
            Error::PushUntrusted { .. } => "MS-E135",
        }
    }

    fn hint(&self) -> String {
        match self {
            Error::Engine(error) => error.hint(),
            Error::Render(error) => error.hint(),
            Error::NoSubject => {
                "Give a process id or the folder of a snapshot; `memsight ps` lists the Python processes.".into()
            }
            Error::Run(error) => error.hint(),
            Error::NoSuchForm { .. } => {
                "Chrome's DevTools take no other ending; for Parquet tables there is `memsight snapshot`.".into()
            }
            Error::NoSuchUser { .. } => {
                "Names are looked up in /etc/passwd; `id -u NAME` gives the number of any other.".into()
            }
            Error::TwoSubjects { .. } => "Leave one of them out.".into(),
            Error::Since => {
                "memsight heap PID --since 60s; two snapshots: memsight compare before.heap after.heap".into()
            }
            Error::TypesOnly => "memsight heap PID --types-only; or leave it out, for the other view".into(),
            Error::Output(_) => "Is the disk full?".into(),
            Error::NoOutput => "Open it, as with `> FILE`; what is not wanted goes to `> /dev/null`.".into(),
            Error::BrokenPipe | Error::Unusable => String::new(),
            Error::Terminal(_) => "Without a screen: `memsight top --json-lines`.".into(),
            Error::NoPython { .. } => "Install python3, or name one with `--python PROGRAM`.".into(),
            Error::Service { .. } => "Try another Python with `--python PROGRAM`.".into(),
            Error::NothingToWatch { .. } => {
                "Give a process id (`memsight ps` lists them), a log, or a command behind two dashes: \
                 memsight watch -- python app.py"
                    .into()
            }
            Error::NoSuchCommand { .. } => "Is it on PATH? Each word of it is an argument of its own.".into(),
            Error::CommandNotStarted { .. } => "Is it a program, and may it be executed?".into(),
            Error::OutputKind { .. } => "Write .jsonl, .csv, .parquet, .png, .svg, .json or .heap.".into(),
            Error::NothingRecorded { .. } => "The recording was stopped before its first sample; record again.".into(),
            Error::SecondHeap { .. } => {
                "Give one -o FILE.heap: crossings of a size get numbers, as FILE-1.heap.".into()
            }
            Error::NoHeapInLog { .. } => {
                "A heap is kept while a process is watched: memsight watch PID -o app.heap".into()
            }
            Error::File { .. } => "Is there room, and may the folder be written?".into(),
            Error::Setup(_) => "Are there open files and room in the folder of temporary files left?".into(),
            Error::PortBusy { address } => whose_port(*address),
            Error::Listen { .. } => {
                "Give an address of this machine, and a port above 1023 unless you are root.".into()
            }
            Error::PushSetting { .. } => {
                "See `--otlp-endpoint`, and the variables OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS and _TIMEOUT.".into()
            }
            Error::Push { .. } => {
                "Does the receiver run? Each push is tried again; scrapes and the history go on.".into()
            }
            Error::PushUntrusted { .. } => {
                "Add its authority to those of the machine, or start the agent with SSL_CERT_FILE=FILE.pem.".into()
            }
            Error::Thread { .. } => "Is the number of processes limited (`ulimit -u`)?".into(),
            Error::NoCulprit { .. } | Error::Disturbed { .. } => "This is a bug of memsight: please report it.".into(),
        }
    }
}

fn whose_port(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "Is an agent running already? `ss -ltnp sport = :{port}` says; or choose another port with `--listen {ip}:PORT`."
    )
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Error::Engine(error)
    }
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Self {
        Error::Engine(error.into())
    }
}

impl From<AnalysisError> for Error {
    fn from(error: AnalysisError) -> Self {
        Error::Engine(error.into())
    }
}

impl Error {
    /// A failure of stdout.
    pub(crate) fn of_output(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Error::BrokenPipe,
            _ => Error::Output(error),
        }
    }
}
