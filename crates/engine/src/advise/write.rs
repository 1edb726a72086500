//! Changed files: shown as a difference, or written.

use std::io::Write;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::files::STDIN;
use crate::Error;

/// A file that changes.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    /// Its bytes as they were read.
    before: Vec<u8>,
    after: Vec<u8>,
    text_before: String,
    text_after: String,
}

impl Change {
    pub(super) fn new(path: &Path, before: Vec<u8>, after: Vec<u8>, text_before: String, text_after: String) -> Change {
        Change { path: path.to_owned(), before, after, text_before, text_after }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text that it gets.
    pub fn text(&self) -> &str {
        &self.text_after
    }

    /// Writes it beside the old one, with its mode, and puts it in its place at once.
    #[allow(clippy::disallowed_methods, reason = "the engine writes the files that are fixed")]
    pub(super) fn write(&self) -> Result<(), Error> {
        if self.path.as_os_str() == STDIN {
            return Ok(());
        }
        let failed = |source| Error::NotWritten { path: self.path.clone(), source };
        // A link stays one, and what it names changes.
        let path = std::fs::canonicalize(&self.path).map_err(failed)?;
        if std::fs::read(&path).map_err(failed)? != self.before {
            return Err(Error::ChangedMeanwhile { path: self.path.clone() });
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".memsight-").tempfile_in(folder).map_err(failed)?;
        file.write_all(&self.after).map_err(failed)?;
        let mode = std::fs::metadata(&path).map_err(failed)?.permissions();
        file.as_file().set_permissions(mode).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The changes as `diff -u` says them.
pub fn unified(changes: &[Change]) -> String {
    let one = |change: &Change| {
        let name = change.path.display().to_string();
        let diff = TextDiff::from_lines(&change.text_before, &change.text_after);
        diff.unified_diff().context_radius(3).header(&name, &name).to_string()
    };
    changes.iter().map(one).collect()
}
