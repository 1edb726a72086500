//! Windows: who may read a file is inherited from its folder, and an open folder can keep others out. Compiled, not run.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

/// `FILE_FLAG_BACKUP_SEMANTICS`, without which no folder is opened, and `FILE_FLAG_OPEN_REPARSE_POINT`: no link is
/// followed.
const NO_FOLLOW_FOLDER: u32 = 0x0200_0000 | 0x0020_0000;
/// `FILE_SHARE_DELETE`: the folder may be renamed and removed while it is open, and nothing else.
const SHARE_DELETE: u32 = 4;
/// `ERROR_SHARING_VIOLATION`: somebody else has it open.
const SHARING_VIOLATION: i32 = 32;

/// A file that is created belongs to those to whom its folder does.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Creates a folder.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// The folder, open and locked until it is closed; `None` when somebody else holds the lock.
pub(crate) fn lock_folder(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).share_mode(SHARE_DELETE).custom_flags(NO_FOLLOW_FOLDER);
    match options.open(path) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Locks an open file: locks of this system would keep SQLite's readers out, so there is none.
pub(crate) fn lock(_file: &File) -> bool {
    true
}

/// Whether both are of the same file. Not asked for: what is open is not moved away from under its name.
pub(crate) fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// Waits until the names in an open folder have reached the disk: NTFS logs them, and a folder cannot be flushed.
pub(crate) fn sync_folder(_folder: &File) -> io::Result<()> {
    Ok(())
}

/// Gives `from` a name that is free in one step: not possible here.
pub(crate) fn rename_to_free(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Exchanges two names in one step: not possible here.
pub(crate) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
