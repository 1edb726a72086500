//! Why `memsight export` does not write a form.

use std::path::PathBuf;

use memsight_model::Explain;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// DevTools would not take the file.
    #[error("{} does not end in .heapsnapshot", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// Neither the ending of the file nor an option says what to write.
    #[error("it is not said in which form the trace is to be written")]
    NoForm,
    /// A form of heaps for a trace, or the other way round.
    #[error("a {what} is not written as {form}")]
    OtherForm {
        /// What was to be written.
        what: &'static str,
        /// As what.
        form: String,
    },
    /// An option of traces for a heap.
    #[error("--at, --thread and --filter are about traces, and this is a heap")]
    NoTrace,
}

impl Explain for ExportError {
    fn code(&self) -> &'static str {
        match self {
            ExportError::Ending { .. } => "MS-E145",
            ExportError::NoForm => "MS-E184",
            ExportError::OtherForm { .. } | ExportError::NoTrace => "MS-E186",
        }
    }

    fn hint(&self) -> String {
        match self {
            ExportError::Ending { .. } => {
                "Chrome's DevTools take no other ending; for Parquet tables there is `memsight snapshot`.".to_owned()
            }
            ExportError::NoForm => {
                "Give --to pprof, speedscope, collapsed, csv or parquet, or a file that ends so.".to_owned()
            }
            ExportError::OtherForm { .. } => {
                "A heap is written as heapsnapshot; a trace as pprof, speedscope, collapsed, csv or parquet.".to_owned()
            }
            ExportError::NoTrace => "Leave them out, or name a trace.".to_owned(),
        }
    }
}
