//! A file that appears whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::output::{self, Output};
use crate::platform::{Kind, is_at, lock};

/// A file in the making: a hidden sibling until [`WholeFile::publish`] gives it its name. Dropped before, it leaves
/// nothing; what stood at the output is then as it was.
pub(crate) struct WholeFile {
    output: Output,
    name: OsString,
    path: PathBuf,
    /// Locked until it has its name.
    file: File,
    force: bool,
}

impl WholeFile {
    /// Creates the hidden sibling, readable by its owner alone, and removes those of writers that are gone.
    ///
    /// # Errors
    /// [`FormatError::Exists`] when `output` is there, unless `force`; [`FormatError::Io`].
    pub(crate) fn begin(output: &Path, force: bool) -> Result<(WholeFile, File), FormatError> {
        let output = Output::of(output)?;
        refuse(&output, force)?;
        output.remove_stale(&|parent, name| match parent.kind(name) {
            Ok(Some(Kind::Other)) if lock(&parent.open_file(name)?) => parent.remove_file(name),
            _ => Ok(()),
        });
        let (name, file) = output.create(&|parent, name| {
            match parent.create_file(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                // between creation and lock another writer may have swept it away as stale
                file => file.map(|file| (lock(&file) && is_at(&file, parent, name)).then_some(file)),
            }
        })?;
        let path = output.path.with_file_name(&name);
        let other = file.try_clone().map_err(|error| FormatError::io(&path, "create", error))?;
        Ok((WholeFile { output, name, path, file, force }, other))
    }

    /// Where its bytes are for now: for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; its bytes have reached the disk.
    pub(crate) fn publish(self) -> Result<(), FormatError> {
        refuse(&self.output, self.force)?;
        let failed = |error| FormatError::io(&self.output.path, "write", error);
        if !is_at(&self.file, &self.output.parent, &self.name) {
            return Err(failed(output::taken_over()));
        }
        self.output.parent.rename(&self.name, &self.output.name).map_err(failed)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Published, it has another name.
        if is_at(&self.file, &self.output.parent, &self.name) {
            let _ = self.output.parent.remove_file(&self.name);
        }
    }
}

fn refuse(output: &Output, force: bool) -> Result<(), FormatError> {
    let path = &output.path;
    match output.parent.kind(&output.name) {
        Ok(Some(Kind::Folder)) => Err(FormatError::io(path, "create", io::ErrorKind::IsADirectory.into())),
        Ok(Some(Kind::Other)) if !force => Err(FormatError::Exists { path: path.clone() }),
        _ => Ok(()),
    }
}
