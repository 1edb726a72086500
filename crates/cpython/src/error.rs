//! What can go wrong between bytes and objects.

use memsight_model::{Address, Explain, Fault};

/// Why an interpreter could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// No interpreter in the process.
    #[error("the process runs no Python interpreter that memsight can see")]
    NotPython,
    /// PyPy, GraalPy and the like.
    #[error("the process runs {implementation}, not CPython")]
    OtherImplementation {
        /// Its name.
        implementation: &'static str,
    },
    /// A process of 32 bits.
    #[error("the process runs a 32-bit Python; memsight reads those of 64 bits")]
    Narrow,
    /// A version without a layout table.
    #[error("the process runs Python {version}, which this memsight cannot read")]
    UnknownVersion {
        /// As the target says it.
        version: String,
    },
    /// `Py_DEBUG` or `Py_TRACE_REFS`.
    #[error("the process runs a debug build of Python {version}, whose objects are laid out differently")]
    DebugBuild {
        /// Version.
        version: String,
    },
    /// Before `Py_Initialize` or after `Py_Finalize`.
    #[error("the interpreter is not running: it is starting up or shutting down")]
    NotReady,
    /// The runtime was found but what it says contradicts the layout tables.
    #[error("the interpreter state at {at} does not look like Python {version}: {what}")]
    Unrecognised {
        /// Where.
        at: Address,
        /// Version tried.
        version: String,
        /// What contradicts.
        what: &'static str,
    },
    /// A list of the collector does not close: the moment was torn, or memory is corrupt.
    #[error("the collector's list at {head} is not in order after {objects} objects")]
    TornList {
        /// Head of the list.
        head: Address,
        /// Objects walked before.
        objects: u64,
    },
    /// A collection runs; objects are on lists that only the collector knows.
    #[error("a garbage collection was running")]
    Collecting,
    /// Objects in the midst of being changed, such as a list whose items are just being moved to a larger place.
    #[error("{objects} objects could not be read whole at a moment when Python code ran")]
    HalfBuilt {
        /// How many.
        objects: u64,
    },
    /// The collector wrote its statistics whenever they were read.
    #[error("the collector's statistics changed at each of {attempts} attempts to read them")]
    TornStatistics {
        /// Reads tried.
        attempts: u32,
    },
    /// A read that must work did not.
    #[error("the memory of the interpreter could not be read: {0}")]
    Unreadable(#[from] Fault),
    /// The person asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl PythonError {
    /// Whether another look a moment later may well succeed.
    pub fn is_transient(&self) -> bool {
        use PythonError::{Collecting, HalfBuilt, TornList, TornStatistics};
        matches!(self, TornList { .. } | Collecting | HalfBuilt { .. } | TornStatistics { .. })
    }
}

impl Explain for PythonError {
    fn code(&self) -> &'static str {
        match self {
            PythonError::NotPython => "MS-E030",
            PythonError::OtherImplementation { .. } => "MS-E031",
            PythonError::UnknownVersion { .. } => "MS-E032",
            PythonError::DebugBuild { .. } => "MS-E033",
            PythonError::NotReady => "MS-E035",
            PythonError::Unrecognised { .. } => "MS-E036",
            PythonError::TornList { .. } => "MS-E037",
            PythonError::Collecting => "MS-E038",
            PythonError::Unreadable(_) => "MS-E039",
            PythonError::Cancelled => "MS-E040",
            PythonError::TornStatistics { .. } => "MS-E041",
            PythonError::Narrow => "MS-E042",
            PythonError::HalfBuilt { .. } => "MS-E043",
        }
    }

    fn hint(&self) -> String {
        match self {
            PythonError::NotPython => "`memsight ps` lists the Python processes; give the pid of the interpreter itself, not of a launcher or shell",
            PythonError::OtherImplementation { .. } => "memsight reads CPython 3.8 to 3.15",
            PythonError::Narrow => "run the program with a 64-bit build of Python",
            PythonError::UnknownVersion { version } if is_old(version) => "memsight reads CPython 3.8 to 3.15",
            PythonError::UnknownVersion { .. } => "memsight reads CPython 3.8 to 3.15; look for a newer memsight",
            PythonError::DebugBuild { .. } => "run the program with a release build of the same version",
            PythonError::NotReady => "try again in a moment",
            PythonError::Unrecognised { .. } => "the build may be patched or too new; please report its version and where it comes from",
            PythonError::TornList { .. } | PythonError::Collecting => "try again; if it stays so, the target's heap is corrupt or it collects all the time",
            PythonError::HalfBuilt { .. } => "try again in a moment",
            PythonError::TornStatistics { .. } => "try again; a process that was stopped in the middle of a collection stays so until it goes on",
            PythonError::Unreadable(_) => "the target may have exited or unmapped memory while it was read; try again",
            PythonError::Cancelled => "start again when you like; the target runs on",
        }
        .to_owned()
    }
}

/// Whether a version came before those that are read.
fn is_old(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) < (Some(3), Some(8))
}
