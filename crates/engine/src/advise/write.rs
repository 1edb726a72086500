//! Changed files: shown as a difference, or written.

use std::io::Write;
use std::path::{Path, PathBuf};

use memsight_advice::Source;
use similar::TextDiff;

use super::files::{Content, STDIN};
use crate::Error;

/// A file that changes.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    /// Its bytes as they were read.
    before: Vec<u8>,
    after: Vec<u8>,
    /// What it is called.
    name: String,
    /// Its text before and after; of a notebook that of each cell, with its number.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    cell: Option<u32>,
    before: String,
    after: String,
}

impl Change {
    pub(super) fn new(content: &Content, after: Vec<u8>, old: &Source, new: &Source) -> Change {
        let (path, before, name) = (content.path.clone(), content.bytes.clone(), content.name.clone());
        let cells = old.cells(old.text()).zip(new.cells(new.text()));
        let part = |((cell, before), (_, after)): ((u32, &str), (u32, &str))| Part {
            cell: Some(cell),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let parts = match cells {
            Some((before, after)) => before.into_iter().zip(after).map(part).collect(),
            None => vec![Part { cell: None, before: old.text().to_owned(), after: new.text().to_owned() }],
        };
        Change { path, before, after, name, parts }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes that it gets.
    pub fn bytes(&self) -> &[u8] {
        &self.after
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

/// The changes as `diff -u` says them; of notebooks cell by cell.
pub fn unified(changes: &[Change]) -> String {
    let part = |change: &Change, part: &Part| {
        let cell = part.cell.map(|cell| format!(":cell {cell}")).unwrap_or_default();
        let name = format!("{}{cell}", change.name);
        let diff = TextDiff::from_lines(&part.before, &part.after);
        diff.unified_diff().context_radius(3).header(&name, &name).to_string()
    };
    let changed = |part: &&Part| part.before != part.after;
    changes.iter().flat_map(|change| change.parts.iter().filter(changed).map(move |one| part(change, one))).collect()
}
