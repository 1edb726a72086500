//! Why `memsight check` cannot check.

use std::io;
use std::path::PathBuf;

use memsight_model::Explain;

/// Why nothing was held against a budget.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Nothing is there.
    #[error("there is no file and no folder {}", path.display())]
    NotThere {
        /// What was to be checked, or the baseline.
        path: PathBuf,
    },
    /// The budget cannot be read.
    #[error("cannot read the budget {}: {source}", path.display())]
    Unreadable {
        /// It.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The budget says something that has no meaning.
    #[error("{} line {line}: {reason}", path.display())]
    Budget {
        /// It.
        path: PathBuf,
        /// Where.
        line: u32,
        /// What is wrong.
        reason: String,
        /// What may stand there.
        hint: String,
    },
    /// The budget has limits for other kinds of files alone.
    #[error("{} limits nothing of a {kind}", path.display())]
    NothingFor {
        /// The budget.
        path: PathBuf,
        /// What was to be checked.
        kind: &'static str,
    },
    /// The baseline is of another kind.
    #[error("{} is a {kind}, and its baseline a {other}", path.display())]
    OtherKind {
        /// What was to be checked.
        path: PathBuf,
        /// Its kind.
        kind: &'static str,
        /// That of the baseline.
        other: &'static str,
    },
}

impl Explain for CheckError {
    fn code(&self) -> &'static str {
        match self {
            CheckError::NotThere { .. } => "MS-E187",
            CheckError::Unreadable { .. } => "MS-E180",
            CheckError::Budget { .. } => "MS-E181",
            CheckError::NothingFor { .. } => "MS-E182",
            CheckError::OtherKind { .. } => "MS-E183",
        }
    }

    fn hint(&self) -> String {
        match self {
            CheckError::Unreadable { .. } => "A budget is a TOML file; `memsight check --help` shows one.".to_owned(),
            CheckError::NotThere { .. } => "Give a trace, a recording, or the folder of a snapshot.".to_owned(),
            CheckError::Budget { hint, .. } => hint.clone(),
            CheckError::NothingFor { kind, .. } => {
                format!("Give it a section [{kind}]; `memsight check --help` shows one.")
            }
            CheckError::OtherKind { kind, .. } => format!("Compare it with an earlier {kind}."),
        }
    }
}
