//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

use crate::error::Error;

/// Writes a file whole or not at all, readable by its owner alone, as every file of a recording.
pub fn place(path: &Path, bytes: &[u8], force: bool) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_path_buf(), source };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let prefix = format!(".{name}.tmp-");
    let mut hidden = Builder::new();
    hidden.prefix(&prefix);
    let mut file = hidden.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let placed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    placed.map(drop).map_err(|error| failed(error.error))
}
