//! Files, as this module reads them: at an offset, and with their holes.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path;

/// More pieces than any core has; what lies behind them counts as data.
const MOST_PIECES: usize = 1 << 22;

/// Opens a plain file. Anything else (a pipe would block, a device has no end) is refused.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, 0)
}

/// The same with flags of `open(2)`, which count on Linux alone.
pub(crate) fn open_with(path: &Path, flags: i32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags | libc::O_NONBLOCK | libc::O_NOCTTY);
    #[cfg(not(target_os = "linux"))]
    let _ = flags;
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// Fills `out` with the bytes at `offset`.
#[cfg(unix)]
pub(super) fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

/// Fills `out` with the bytes at `offset`.
#[cfg(windows)]
pub(super) fn read_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !out.is_empty() {
        match file.seek_read(out, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                offset += read as u64;
                out = out.get_mut(read..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The first bytes of a file, fewer where it is shorter.
pub(super) fn start(file: &File, most: usize) -> io::Result<Vec<u8>> {
    let len = file.metadata()?.len().min(most as u64);
    let mut bytes = vec![0; len as usize];
    read_at(file, 0, &mut bytes)?;
    Ok(bytes)
}

/// The parts of a file that hold data, ascending: a core is sparse where memory was never touched, and a process may
/// reserve terabytes. The whole file where the system cannot tell.
#[cfg(target_os = "linux")]
pub(super) fn data(file: &File, len: u64) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < len && found.len() < MOST_PIECES {
        let start = match seek(file, at, libc::SEEK_DATA) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return found,
            // No such question on this file system.
            Err(_) => return std::iter::once(0..len).collect(),
        };
        let end = seek(file, start, libc::SEEK_HOLE).unwrap_or(len).clamp(start + 1, len.max(start + 1));
        found.push(start..end);
        at = end;
    }
    if at < len {
        found.push(at..len);
    }
    found
}

#[cfg(target_os = "linux")]
fn seek(file: &File, from: u64, whence: i32) -> io::Result<u64> {
    use std::os::fd::AsRawFd;
    let from = i64::try_from(from).map_err(io::Error::other)?;
    // SAFETY: lseek touches no memory of ours, and the descriptor is open for as long as `file` is borrowed.
    let found = unsafe { libc::lseek(file.as_raw_fd(), from, whence) };
    u64::try_from(found).map_err(|_| io::Error::last_os_error())
}

/// The parts of a file that hold data: all of it, since this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn data(_file: &File, len: u64) -> Vec<Range<u64>> {
    let _ = MOST_PIECES;
    vec![0..len]
}
