//! What can go wrong in the command itself, beside the errors of the engine.

use std::io;
use std::path::PathBuf;

use memsight_engine::Error as EngineError;
use memsight_engine::analysis::AnalysisError;
use memsight_engine::format::FormatError;
use memsight_model::Explain;

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
    /// Both were given, or the pid twice.
    #[error("the process was named twice: {subject:?} and --pid {pid}")]
    TwoSubjects {
        /// The positional argument.
        subject: String,
        /// The option.
        pid: u32,
    },
    /// Standard output could not be written.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// The reader of stdout is gone: no failure.
    #[error("the reader of the result is gone")]
    BrokenPipe,
    /// The doctor found something in the way, and has said so.
    #[error("memsight cannot do its work there")]
    Unusable,
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
            Error::NoSubject => "MS-E100",
            Error::TwoSubjects { .. } => "MS-E101",
            Error::Output(_) => "MS-E102",
            Error::BrokenPipe => "MS-E103",
            Error::Unusable => "MS-E104",
            Error::NoPython { .. } => "MS-E105",
            Error::Service { .. } => "MS-E106",
            Error::NoCulprit { .. } => "MS-E107",
            Error::Disturbed { .. } => "MS-E108",
        }
    }

    fn hint(&self) -> String {
        match self {
            Error::Engine(error) => error.hint(),
            Error::NoSubject => {
                "Give a process id or the folder of a snapshot; `memsight ps` lists the Python processes.".into()
            }
            Error::TwoSubjects { .. } => "Leave one of them out.".into(),
            Error::Output(_) => "Is the disk full?".into(),
            Error::BrokenPipe | Error::Unusable => String::new(),
            Error::NoPython { .. } => "Install python3, or name one with `--python PROGRAM`.".into(),
            Error::Service { .. } => "Try another Python with `--python PROGRAM`.".into(),
            Error::NoCulprit { .. } | Error::Disturbed { .. } => "This is a bug of memsight: please report it.".into(),
        }
    }
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
