//! What can be wrong with settings and baselines.

use std::io;
use std::path::PathBuf;

use memsight_model::Explain;

/// Why the advisor does not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A file of settings cannot be read.
    #[error("cannot read the settings {}: {source}", path.display())]
    Unreadable {
        /// It.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It says something that has no meaning.
    #[error("{} line {line}: {reason}", path.display())]
    Wrong {
        /// It.
        path: PathBuf,
        /// Where.
        line: u32,
        /// What is wrong.
        reason: String,
        /// What may stand there.
        hint: String,
    },
    /// A pattern of the command line is none.
    #[error("\"{text}\" is no pattern of files: {reason}")]
    BadPattern {
        /// As the person wrote it.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A baseline cannot be read.
    #[error("cannot read the baseline {}: {source}", path.display())]
    BaselineUnreadable {
        /// It.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is damaged, or the file of something else.
    #[error("{} is no baseline of memsight advise: {reason}", path.display())]
    BaselineBroken {
        /// It.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be written.
    #[error("cannot write the baseline {}: {source}", path.display())]
    BaselineNotWritten {
        /// It.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Explain for SettingsError {
    fn code(&self) -> &'static str {
        match self {
            SettingsError::Unreadable { .. } => "MS-E260",
            SettingsError::Wrong { .. } => "MS-E261",
            SettingsError::BadPattern { .. } => "MS-E262",
            SettingsError::BaselineUnreadable { .. } => "MS-E263",
            SettingsError::BaselineBroken { .. } => "MS-E264",
            SettingsError::BaselineNotWritten { .. } => "MS-E265",
        }
    }

    fn hint(&self) -> String {
        match self {
            SettingsError::Unreadable { .. } => {
                "Name a memsight.toml or a pyproject.toml; `--isolated` reads no settings.".to_owned()
            }
            SettingsError::Wrong { hint, .. } => hint.clone(),
            SettingsError::BadPattern { .. } => "Such as \"generated\", \"*_pb2.py\" or \"src/vendor/**\".".to_owned(),
            SettingsError::BaselineUnreadable { .. } => {
                "`memsight advise --baseline FILE --write-baseline` makes one.".to_owned()
            }
            SettingsError::BaselineBroken { .. } => {
                "Name another file, or make it anew with --write-baseline.".to_owned()
            }
            SettingsError::BaselineNotWritten { .. } => "Is there room, and may the folder be written?".to_owned(),
        }
    }
}
