//! One writer for each history.

use std::fs::File;
use std::io::{self, Read, Seek};
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

    /// Whether the file that is locked is still the one at `path`: nobody has deleted it, or put another one there.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        is_at(&self.file, path)
    }

    /// The first bytes of the file. Through this descriptor, since to close another one of the same file would give up
    /// SQLite's locks of it, which belong to the process (fcntl(2), `F_SETLK`).
    pub(super) fn head(&self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let mut file = &self.file;
        file.rewind()?;
        file.take(bytes).read_to_end(&mut head)?;
        Ok(head)
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

    /// Locks of fcntl(2) belong to the process: to close any descriptor of the file gives up all that it has of it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_look_at_the_file_leaves_the_locks_of_sqlite() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let (mut history, _) = History::open(&path, Retention::default()).expect("a history");
        history.append(1, &[]).expect("appends");
        let inode = std::os::unix::fs::MetadataExt::ino(&path.metadata().expect("there"));
        let locks = || {
            let text = std::fs::read_to_string("/proc/locks").expect("Linux");
            let of_file = |line: &&str| line.contains("POSIX") && line.contains(&format!(":{inode} "));
            text.lines().filter(of_file).count()
        };
        let before = locks();
        assert!(before > 0, "in WAL mode SQLite holds one as long as the file is open");
        assert!(history.is_there());
        assert_eq!(locks(), before);
    }
}
