//! What can go wrong in a use case: the errors of the stages as they are, and a few of our own.

use std::path::PathBuf;

use memsight_analysis::AnalysisError;
use memsight_cpython::PythonError;
use memsight_format::FormatError;
use memsight_model::Explain;
use memsight_target::TargetError;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The process could not be reached.
    #[error(transparent)]
    Target(TargetError),
    /// Its interpreter could not be read.
    #[error(transparent)]
    Python(PythonError),
    /// A snapshot could not be written or read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A view could not be made.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// A pid that no process can have.
    #[error("\"{text}\" is not a process id")]
    NotAPid {
        /// As the person wrote it.
        text: String,
    },
    /// Samples at a shorter distance than is possible.
    #[error("an interval of {interval:?} is too short")]
    Interval {
        /// As it was asked for.
        interval: std::time::Duration,
    },
    /// Nothing to sample.
    #[error("no process is named")]
    NoSubject,
    /// The interpreter's file has no USDT probes of the collector.
    #[error("Python {version} of this process was built without USDT probes")]
    NoProbes {
        /// Its version.
        version: String,
    },
    /// The kernel let no probe be put into the process.
    #[error("the kernel refuses probes: {source}")]
    ProbesRefused {
        /// Its reason.
        source: std::io::Error,
    },
    /// A core holds no interpreter that can be read, and is not whole.
    #[error("no interpreter can be read in the core {}: {source}; {}", path.display(), missing.join("; "))]
    Core {
        /// The core.
        path: PathBuf,
        /// What it lacks, in words with sizes.
        missing: Vec<String>,
        /// Why the interpreter could not be read.
        source: PythonError,
    },
    /// The memory could not be copied within the pause that is allowed.
    #[error("the memory of process {pid} cannot be copied in a pause of {limit:?}{}", because(reason.as_deref()))]
    PauseTooLong {
        /// The process.
        pid: u32,
        /// The longest pause that was allowed.
        limit: std::time::Duration,
        /// Why it was not forked.
        reason: Option<String>,
    },
    /// There is no recorder for this system.
    #[error("allocations are recorded on Linux on x86-64 only")]
    NoRecorder,
    /// The memory that a recorded program writes to could not be made or read.
    #[error("the memory for recording cannot be used: {source}")]
    NoRing {
        /// The system's reason.
        source: std::io::Error,
    },
    /// This process is no Python that can be recorded.
    #[error("the Python of this process cannot be recorded")]
    NotRecordable,
    /// Only one recording at a time.
    #[error("this process is being recorded already")]
    RecordedAlready,
    /// Others have set allocators of their own since an earlier recording, of the other kind.
    #[error("hooks of an earlier recording of another kind are still behind those of somebody else")]
    HooksInTheWay,
    /// Another memsight records the process.
    #[error("process {pid} is being recorded by another memsight")]
    OthersRecord {
        /// The process.
        pid: u32,
    },
    /// A thread was entered, and what it was to do has not come to pass.
    #[error("process {pid} has not answered: it may be stopped, or may not open what memsight has for it")]
    NoAnswer {
        /// The process.
        pid: u32,
    },
    /// No rule is called so.
    #[error("there is no rule \"{text}\"")]
    NoSuchRule {
        /// As the person wrote it.
        text: String,
    },
    /// Source that was named is not there.
    #[error("{} cannot be read: {source}", path.display())]
    NoSource {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be changed.
    #[error("{} cannot be written: {source}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Somebody else has changed a file since it was read.
    #[error("{} was changed by somebody else while memsight looked at it, and is left as it is", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// The person asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl Error {
    /// Whether the person asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled)
    }
}

impl Explain for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Target(error) => error.code(),
            Error::Python(error) => error.code(),
            Error::Format(error) => error.code(),
            Error::Analysis(error) => error.code(),
            Error::NotAPid { .. } => "MS-E091",
            Error::Interval { .. } => "MS-E095",
            Error::NoSubject => "MS-E096",
            Error::Cancelled => "MS-E092",
            Error::NoSuchRule { .. } => "MS-E195",
            Error::NoSource { .. } => "MS-E196",
            Error::NotWritten { .. } => "MS-E197",
            Error::ChangedMeanwhile { .. } => "MS-E198",
            Error::PauseTooLong { .. } => "MS-E168",
            Error::NoProbes { .. } => "MS-E093",
            Error::NoRecorder => "MS-E170",
            Error::NoRing { .. } => "MS-E171",
            Error::NotRecordable => "MS-E173",
            Error::RecordedAlready => "MS-E174",
            Error::HooksInTheWay => "MS-E175",
            Error::NoAnswer { .. } => "MS-E177",
            Error::OthersRecord { .. } => "MS-E178",
            Error::Core { .. } => "MS-E098",
            Error::ProbesRefused { .. } => "MS-E094",
        }
    }

    fn hint(&self) -> String {
        match self {
            Error::Target(error) => error.hint(),
            Error::Python(error) => error.hint(),
            Error::Format(error) => error.hint(),
            Error::Analysis(error) => error.hint(),
            Error::NotAPid { .. } => "`memsight ps` lists the Python processes with their ids.".into(),
            Error::Interval { .. } => "The shortest is 1 ms; 10 ms is enough for nearly everything.".into(),
            Error::NoSubject => "`memsight ps` lists the Python processes with their ids.".into(),
            Error::NoSuchRule { .. } => "`memsight advise --rules` lists all of them.".into(),
            Error::NoSource { .. } => "Name files or folders of Python code, or - for the standard input.".into(),
            Error::NotWritten { .. } => "Files that were written before it stay changed; `--diff` shows changes without making them.".into(),
            Error::ChangedMeanwhile { .. } => "Try again.".into(),
            Error::NoRecorder => "`memsight watch -- COMMAND` records how its memory moves, on every system.".into(),
            Error::NotRecordable => "It takes CPython 3.8 to 3.15 with the GIL, linked against glibc.".into(),
            Error::RecordedAlready => "Stop the other Tracker first; there is one at a time in a process.".into(),
            Error::OthersRecord { pid } => format!("Wait for its end, or end it: memsight detach {pid}"),
            Error::NoAnswer { .. } => {
                "memsight and the process must have the same user, and be in the same container.".into()
            }
            Error::HooksInTheWay => "Stop what began meanwhile, such as tracemalloc; or record as before.".into(),
            Error::NoRing { .. } => {
                "It needs a memfd: see whether the limit of open files, of memory or the sysctl vm.memfd_noexec is in \
                 the way."
                    .into()
            }
            Error::NoProbes { .. } => {
                "Leave out `--pauses usdt`. Debian's, Ubuntu's and Fedora's builds have probes (--with-dtrace).".into()
            }
            Error::ProbesRefused { .. } => {
                "Probes need root or CAP_PERFMON and a kernel with CONFIG_UPROBE_EVENTS. Leave out `--pauses usdt`."
                    .into()
            }
            Error::Core { .. } => {
                "Give the files of the process with --exe or --sysroot; a core that was cut off has to be written again, \
                 with more room."
                    .into()
            }
            Error::PauseTooLong { .. } => {
                "It runs as before. Allow a longer pause with `--max-pause 10s`, or read it as it runs with `--mode live`.".into()
            }
            Error::Cancelled => "Nothing was left behind; the process runs as before.".into(),
        }
    }
}

/// Why the pause is needed.
fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(", which is needed because it cannot be forked: {reason}"))
}

impl From<PythonError> for Error {
    fn from(error: PythonError) -> Self {
        match error {
            PythonError::Cancelled => Error::Cancelled,
            error => Error::Python(error),
        }
    }
}

impl From<TargetError> for Error {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Cancelled { .. } => Error::Cancelled,
            error => Error::Target(error),
        }
    }
}
