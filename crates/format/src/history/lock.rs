//! One writer for each history.

use std::fs::File;
use std::path::Path;

use crate::FormatError;
use crate::platform::{is_same, lock};

/// Held as long as the history is open for writing. The kernel drops it when we end, however we end.
///
/// It is `flock`'s, which does not meet the `fcntl` locks of SQLite: readers do not notice it.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, which must exist; never waits.
    pub(super) fn take(path: &Path) -> Result<Lock, FormatError> {
        let file = File::open(path).map_err(|error| FormatError::io(path, "read", error))?;
        if !lock(&file) || !is_at(&file, path) {
            return Err(FormatError::HistoryBusy { path: path.to_path_buf() });
        }
        Ok(Lock { file })
    }
}

impl Lock {
    /// Whether the file that is locked is still the one at `path`: nobody has deleted it, or put another one there.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        is_at(&self.file, path)
    }
}

/// Whether the file still has its name: its last writer may just have moved it aside.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => is_same(&open, &named),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{History, Retention};
    use super::*;

    #[test]
    fn a_history_has_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let (history, _) = History::open(&path, Retention::default()).expect("a history");
        let second = || History::open(&path, Retention::default()).err();
        assert!(matches!(second(), Some(FormatError::HistoryBusy { .. })));
        let (history, _) = history.replace().expect("a new one in its place");
        assert!(matches!(second(), Some(FormatError::HistoryBusy { .. })));
        drop(history);
        assert!(second().is_none());
    }
}
