//! Why `memsight run` fails.

use memsight_model::Explain;

/// Why a program could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A word that begins as an option does, where a program is to be named.
    #[error("memsight run has no option {option}")]
    Option {
        /// As it was given.
        option: String,
    },
    /// `-m` without a module.
    #[error("-m names no module")]
    Module,
    /// The command has ended, and was no Python that can be recorded.
    #[error("nothing was recorded: {command} ran no Python that can be recorded")]
    Unrecorded {
        /// The command.
        command: String,
    },
}

impl Explain for RunError {
    fn code(&self) -> &'static str {
        match self {
            RunError::Option { .. } | RunError::Module => "MS-E109",
            RunError::Unrecorded { .. } => "MS-E172",
        }
    }

    fn hint(&self) -> String {
        match self {
            RunError::Option { .. } => {
                "`memsight run --help` lists them; those of the program stand behind it.".into()
            }
            RunError::Module => "memsight run -m MODULE, as python -m MODULE.".into(),
            RunError::Unrecorded { .. } => {
                "It takes CPython 3.8 to 3.15 with the GIL, linked against glibc, started by the command itself under the \
                 same user: no container, no sudo."
                    .into()
            }
        }
    }
}
