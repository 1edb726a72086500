//! What can go wrong with files.

use std::io;
use std::path::{Path, PathBuf};

use memsight_model::{Bytes, Explain};

/// Why a snapshot could not be written, read or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The output is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The output is a folder that holds something else than a snapshot, so it is not replaced even by force.
    #[error("{} is a folder with other files than those of a snapshot ({found})", path.display())]
    NotReplaced {
        /// The output.
        path: PathBuf,
        /// A file in it that is not ours.
        found: String,
    },
    /// Nothing is there to read.
    #[error("there is no snapshot at {}", path.display())]
    NotFound {
        /// What was to be read.
        path: PathBuf,
    },
    /// Something is there, but not a snapshot.
    #[error("{} is not a snapshot of memsight: {reason}", path.display())]
    Foreign {
        /// What was to be read.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Written by another version of the format.
    #[error("{} has format version {found}; this memsight reads version {known}", path.display())]
    Version {
        /// The snapshot.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
    /// A file of the snapshot is missing, cut short, changed or contradicts another one.
    #[error("{} is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading would take more memory than is allowed: a file can be made to fill the memory of whoever opens it.
    #[error("reading {} takes {} of memory or more; {} is the limit", path.display(), Bytes(*needed), Bytes(*limit))]
    TooLarge {
        /// The file at which the limit is passed.
        path: PathBuf,
        /// Memory for it and for all that was read before, bytes; the rest of the snapshot comes on top.
        needed: u64,
        /// What is allowed, bytes.
        limit: u64,
    },
    /// The disk (or the quota, or the file size limit) is full.
    #[error("no space left to write {}", file.display())]
    NoSpace {
        /// The file being written.
        file: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `read`, `write`, `create` ...
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// No table has this name.
    #[error("there is no table \"{name}\"")]
    NoSuchTable {
        /// The name asked for.
        name: String,
    },
    /// The columns of a table contradict each other: a snapshot that no decoder makes.
    #[error("table {table} cannot be built: {reason}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// Something is there, but not a log of the monitor.
    #[error("{} is not a log of memsight: {reason}", path.display())]
    ForeignLog {
        /// What was to be read.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// A line of a log is not as the format says.
    #[error("line {line} of {} is damaged: {reason}", path.display())]
    DamagedLog {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A history was written by a newer memsight.
    #[error("{} has schema version {found}; this memsight knows version {known}", path.display())]
    HistoryVersion {
        /// The history.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The version that is understood.
        known: i32,
    },
    /// The file of a history is somebody else's.
    #[error("{} is not a history of memsight: {reason}", path.display())]
    HistoryForeign {
        /// What was to be the history.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Another process writes the history.
    #[error("another agent writes the history {}", path.display())]
    HistoryBusy {
        /// The history.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left to write the history {}", path.display())]
    HistoryFull {
        /// The history.
        path: PathBuf,
    },
    /// A history is broken.
    #[error("the history {} is damaged: {reason}", path.display())]
    HistoryDamaged {
        /// The history.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// SQLite failed in another way.
    #[error("the history {} cannot be used: {reason}", path.display())]
    History {
        /// The history.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// There is no trace to read.
    #[error("there is no trace at {}", path.display())]
    TraceNotFound {
        /// What was to be read.
        path: PathBuf,
    },
    /// The disk is full: the trace ends with what was written before.
    #[error("no space left to write the trace {}: it ends here", path.display())]
    TraceFull {
        /// The trace.
        path: PathBuf,
    },
    /// Something is there, but no trace.
    #[error("{} is not a trace of memsight: {reason}", path.display())]
    TraceForeign {
        /// What was to be read.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// A trace of another version of the format.
    #[error("{} is a trace of format version {found}; this memsight reads version {known}", path.display())]
    TraceVersion {
        /// The trace.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
}

impl FormatError {
    /// The error for an operation on `path` that failed with `source`; a full disk is told apart.
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> FormatError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let path = path.to_path_buf();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => FormatError::NoSpace { file: path },
            _ => FormatError::Io { path, action, source },
        }
    }

    /// The error for a file that contradicts the format.
    pub(crate) fn damaged(file: &Path, reason: impl Into<String>) -> FormatError {
        FormatError::Damaged { file: file.to_path_buf(), reason: reason.into() }
    }
}

impl Explain for FormatError {
    fn code(&self) -> &'static str {
        match self {
            FormatError::Exists { .. } => "MS-E050",
            FormatError::NotReplaced { .. } => "MS-E051",
            FormatError::NotFound { .. } => "MS-E052",
            FormatError::Foreign { .. } => "MS-E053",
            FormatError::Version { .. } => "MS-E054",
            FormatError::Damaged { .. } => "MS-E055",
            FormatError::NoSpace { .. } => "MS-E056",
            FormatError::Io { .. } => "MS-E057",
            FormatError::NoSuchTable { .. } => "MS-E058",
            FormatError::Inconsistent { .. } => "MS-E059",
            FormatError::HistoryBusy { .. } => "MS-E064",
            FormatError::HistoryVersion { .. } => "MS-E065",
            FormatError::HistoryForeign { .. } => "MS-E066",
            FormatError::HistoryFull { .. } => "MS-E067",
            FormatError::HistoryDamaged { .. } => "MS-E068",
            FormatError::History { .. } => "MS-E069",
            FormatError::ForeignLog { .. } => "MS-E060",
            FormatError::DamagedLog { .. } => "MS-E061",
            FormatError::TooLarge { .. } => "MS-E062",
            FormatError::TraceNotFound { .. } => "MS-E073",
            FormatError::TraceForeign { .. } => "MS-E074",
            FormatError::TraceVersion { .. } => "MS-E076",
            FormatError::TraceFull { .. } => "MS-E077",
        }
    }

    fn hint(&self) -> String {
        match self {
            FormatError::Exists { .. } => "choose another path, or replace it with --force".into(),
            FormatError::NotReplaced { .. } => "choose another path, or remove the folder yourself".into(),
            FormatError::NotFound { .. } => "write one with: memsight snapshot PID -o app.heap".into(),
            FormatError::Foreign { .. } => {
                "give the folder that `memsight snapshot` wrote; it holds a manifest.json".into()
            }
            FormatError::Version { found, known, .. } if found > known => {
                "a newer memsight wrote it; upgrade: pip install --upgrade memsight".into()
            }
            FormatError::Version { .. } => "take a new snapshot".into(),
            FormatError::Damaged { .. } => {
                "copy the folder again from where it was written, or take a new snapshot".into()
            }
            FormatError::TooLarge { .. } => {
                "ask who made it, for files can be made to do this; to read it all the same: --max-memory SIZE, such as \
                 --max-memory 32GiB (from Python: max_memory=32 << 30)"
                    .into()
            }
            FormatError::NoSpace { .. } => {
                "free some space or write to another disk; nothing was left behind and nothing was replaced".into()
            }
            FormatError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "create the folder that it is to stand in".into()
            }
            FormatError::Io { .. } => "check the owner and the permissions of the path".into(),
            FormatError::TraceNotFound { .. } => "record one with: memsight run -o app.trace app.py".into(),
            FormatError::TraceFull { .. } => {
                "free some space or write to another disk; what was recorded before can be read, and the program went on".into()
            }
            FormatError::TraceForeign { .. } => "give a file that `memsight run` wrote".into(),
            FormatError::TraceVersion { found, known, .. } if found > known => {
                "a newer memsight wrote it; upgrade: pip install --upgrade memsight".into()
            }
            FormatError::TraceVersion { .. } => "record it again".into(),
            FormatError::NoSuchTable { .. } => format!("tables: {}", crate::TABLES.join(", ")),
            FormatError::ForeignLog { .. } => "give a file that `memsight watch -o FILE.jsonl` wrote".into(),
            FormatError::DamagedLog { .. } => "the lines before and behind it can be read; copy the log again".into(),
            FormatError::Inconsistent { .. } => "this is a bug of memsight; please report it".into(),
            FormatError::HistoryVersion { .. } => {
                "a newer memsight wrote it; upgrade, or give another file to --history".into()
            }
            FormatError::HistoryForeign { .. } => "give another file to --history; this one was left as it is".into(),
            FormatError::HistoryBusy { path } => {
                format!("`fuser {}` says which; end it, or give each agent a file of its own", path.display())
            }
            FormatError::HistoryFull { .. } => {
                "free some space: the history goes on by itself, and metrics go on without it".into()
            }
            FormatError::HistoryDamaged { .. } => {
                "the agent moves it aside and begins a new one; `sqlite3 FILE .recover` may save rows".into()
            }
            FormatError::History { .. } => "check the owner and the permissions of the file and its folder".into(),
        }
    }
}
