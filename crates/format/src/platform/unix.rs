//! Unix: modes, `flock`, and `renameat2` where the kernel and the file system have it.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

const NO_FOLLOW_FOLDER: i32 = OFlags::NOFOLLOW.union(OFlags::DIRECTORY).bits() as i32;

/// A file that is created is its owner's alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Creates a folder that is its owner's alone.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// The folder, open and locked until it is closed; `None` when somebody else holds the lock.
pub(crate) fn lock_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = OpenOptions::new().read(true).custom_flags(NO_FOLLOW_FOLDER).open(path)?;
    // a filesystem without locks: the names differ by PID, which has to do
    Ok(lock(&folder).then_some(folder))
}

/// Locks an open file until it is closed, and never waits; `false` when somebody else holds the lock. A file system
/// without locks has none that another could hold.
pub(crate) fn lock(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Whether both are of the same file.
pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Waits until the names in an open folder have reached the disk.
pub(crate) fn sync_folder(folder: &File) -> io::Result<()> {
    folder.sync_all()
}

/// Gives `from` a name that is free, in one step: else [`io::ErrorKind::AlreadyExists`];
/// [`io::ErrorKind::Unsupported`] where that is not possible.
pub(crate) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    renamed(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE))
}

/// Exchanges two names in one step; [`io::ErrorKind::Unsupported`] where that is not possible.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    renamed(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE))
}

fn renamed(result: rustix::io::Result<()>) -> io::Result<()> {
    result.map_err(|errno| match errno {
        // a filesystem, or a kernel, without the flag
        Errno::INVAL | Errno::NOSYS => io::ErrorKind::Unsupported.into(),
        errno => errno.into(),
    })
}
