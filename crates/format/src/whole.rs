//! A file that appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::platform::private;

/// A file in the making: a hidden sibling until [`WholeFile::publish`] gives it its name. Dropped before, it leaves
/// nothing; what stood at the output is then as it was.
pub(crate) struct WholeFile {
    hidden: PathBuf,
    output: PathBuf,
    force: bool,
}

impl WholeFile {
    /// Creates the hidden sibling; `secret`: readable by its owner alone.
    ///
    /// # Errors
    /// [`FormatError::Exists`] when `output` is there, unless `force`; [`FormatError::Io`].
    pub(crate) fn begin(output: &Path, force: bool, secret: bool) -> Result<(WholeFile, File), FormatError> {
        refuse(output, force)?;
        let name = output.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hidden = output.with_file_name(format!(".{name}.tmp-{}", std::process::id()));
        // What a killed writer with our pid left is in the way.
        let _ = std::fs::remove_file(&hidden);
        let failed = |error| FormatError::io(&hidden, "create", error);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let options = if secret { private(&mut options) } else { &mut options };
        let file = options.open(&hidden).map_err(failed)?;
        Ok((WholeFile { hidden, output: output.to_path_buf(), force }, file))
    }

    /// Where its bytes are for now.
    pub(crate) fn path(&self) -> &Path {
        &self.hidden
    }

    /// Gives the file its name; its bytes have reached the disk.
    pub(crate) fn publish(self) -> Result<(), FormatError> {
        refuse(&self.output, self.force)?;
        std::fs::rename(&self.hidden, &self.output).map_err(|error| FormatError::io(&self.output, "write", error))
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Published, it has another name.
        let _ = std::fs::remove_file(&self.hidden);
    }
}

fn refuse(output: &Path, force: bool) -> Result<(), FormatError> {
    match std::fs::symlink_metadata(output) {
        Ok(about) if about.is_dir() => Err(FormatError::io(output, "create", std::io::ErrorKind::IsADirectory.into())),
        Ok(_) if !force => Err(FormatError::Exists { path: output.to_path_buf() }),
        _ => Ok(()),
    }
}
