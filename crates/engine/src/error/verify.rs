//! Why fixes cannot be verified.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use memsight_model::{Bytes, Explain, count};

/// Why nothing was measured. The files of the person are as they were.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file that would be changed is not in the folder that is copied.
    #[error("{} is not below {}, the folder that is copied to run the command in", file.display(), root.display())]
    Outside {
        /// The file.
        file: PathBuf,
        /// The folder.
        root: PathBuf,
    },
    /// The folder has more than anybody would copy again and again.
    #[error("{} has more than {} in {} files, too much to be copied for each fix", root.display(), Bytes(*bytes), count(*files))]
    TooLarge {
        /// The folder.
        root: PathBuf,
        /// Bytes that were counted.
        bytes: u64,
        /// Files that were counted.
        files: u64,
    },
    /// The command goes on and on.
    #[error("the command did not end within {limit:?}")]
    NeverEnds {
        /// How long it was waited for.
        limit: Duration,
    },
    /// It fails as it is.
    #[error("the command fails without any fix: {how}{}", .last.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Fails {
        /// `exit code 1`, `signal 11`.
        how: String,
        /// The last line of its errors.
        last: Option<String>,
    },
    /// It writes something else each time.
    #[error("{what} of the command are not the same from run to run, though nothing was changed: {difference}")]
    Random {
        /// Which stream, or its exit code.
        what: &'static str,
        /// Where they differ.
        difference: String,
    },
    /// It cannot be started.
    #[error("the command \"{program}\" cannot be started: {source}")]
    NotStarted {
        /// Its first word.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The copy cannot be made, or used.
    #[error("{} cannot be copied: {source}", path.display())]
    NoCopy {
        /// What.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel lets nobody follow the command.
    #[error("the peaks of processes that end cannot be read: {source}")]
    NoPeaks {
        /// Its reason.
        source: io::Error,
    },
    /// The program runs its own source from where it was, not from the copy.
    #[error("the command runs {} and not the copy of it", file.display())]
    Elsewhere {
        /// The file.
        file: PathBuf,
    },
    /// What the command was to read cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    NoInput {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Explain for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            VerifyError::Outside { .. } => "MS-E280",
            VerifyError::TooLarge { .. } => "MS-E281",
            VerifyError::NeverEnds { .. } => "MS-E282",
            VerifyError::Fails { .. } => "MS-E283",
            VerifyError::Random { .. } => "MS-E284",
            VerifyError::NotStarted { .. } => "MS-E285",
            VerifyError::NoCopy { .. } => "MS-E286",
            VerifyError::NoPeaks { .. } => "MS-E287",
            VerifyError::Elsewhere { .. } => "MS-E288",
            VerifyError::NoInput { .. } => "MS-E289",
        }
    }

    fn hint(&self) -> String {
        match self {
            VerifyError::Outside { .. } => "Name the folder of the whole project: --tree FOLDER".into(),
            VerifyError::TooLarge { .. } => "Name the folder that the command needs, without the rest: --tree FOLDER".into(),
            VerifyError::NeverEnds { .. } => {
                "It has to end by itself: a script that does some of its work, a test. If it only needs longer: --timeout 1h".into()
            }
            VerifyError::Fails { .. } => {
                "It runs in a copy of the folder, without input: does it need files from elsewhere (--tree), or an input (--input)? \
                 --compare none measures it all the same."
                    .into()
            }
            VerifyError::Random { .. } => {
                "--compare exit compares its exit code alone, --compare none nothing; or have it write neither times nor addresses.".into()
            }
            VerifyError::NotStarted { .. } => "Is it on PATH? Each word of it is an argument of its own.".into(),
            VerifyError::NoCopy { .. } => {
                "It goes to the folder of temporary files: TMPDIR names another, --tree FOLDER a smaller one to copy.".into()
            }
            VerifyError::NoPeaks { .. } => {
                "The command is traced (ptrace) on Linux: a container must allow that, as with --cap-add SYS_PTRACE.".into()
            }
            VerifyError::Elsewhere { .. } => {
                "Give it no absolute path and no sys.path of its own; or name the folder that it is run from: --tree FOLDER".into()
            }
            VerifyError::NoInput { .. } => "Name a file; without --input the command gets an empty input.".into(),
        }
    }
}
