//! Opening what may be anything: a pipe that nobody writes to, a device without an end, a file of the kernel.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::platform::{is_of_kernel, open_at_once};

/// Opens the plain file at `path`, links followed, and never waits for anybody. A folder is an error of the system's;
/// what else is no plain file, one of [`io::ErrorKind::InvalidInput`] that says what it is.
pub fn open(path: &Path) -> io::Result<File> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // (a device is not even opened: that may do something)
    if !kind.is_file() {
        return Err(refused("it is a pipe or a device, not a file"));
    }
    let file = open_at_once(path)?;
    match file.metadata()?.is_file() {
        // its length says nothing, its content is made as it is read
        true if is_of_kernel(&file) => Err(refused("it is a file of the kernel, not of a disk")),
        true => Ok(file),
        false => Err(refused("it is a pipe or a device, not a file")),
    }
}

/// The same, and what a shell or a caller has opened for us: `/dev/stdin`, or the pipe of `<(zcat log.gz)`, whose writer is waited
/// for.
pub(crate) fn open_given(path: &Path) -> io::Result<File> {
    match path.starts_with("/dev/fd") || path == Path::new("/dev/stdin") {
        true => File::open(path),
        false => open(path),
    }
}
