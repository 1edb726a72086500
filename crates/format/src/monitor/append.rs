//! The end of a file that grows by whole lines, on a disk that may be full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memsight_model::Timestamp;

use crate::FormatError;
use crate::platform::private;

/// Time between two attempts to write on a disk that was full, nanoseconds.
const RETRY_NS: u64 = 1_000_000_000;

/// Where lines go: a file, a stream, or in tests a disk that fills up.
pub trait Whole: Write + Send {
    /// Takes back everything behind the first `bytes` bytes; does nothing where that is impossible.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
    /// Waits until everything written has reached the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Whole for File {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        match self.metadata()?.is_file() {
            true => self.set_len(bytes),
            false => Ok(()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.metadata()?.is_file() {
            true => self.sync_data(),
            false => Ok(()),
        }
    }
}

impl Whole for io::Stdout {
    fn cut(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// What became of lines.
#[derive(Debug)]
#[must_use]
pub enum Appended {
    /// They are in the file.
    Written,
    /// They are not, and this is the first time: say so to the person.
    Failed(FormatError),
    /// They are not; it was said.
    Lost,
}

/// Appends whole lines, each batch with one `write(2)`: what was appended survives the death of its writer.
///
/// When a write fails, the part that got through is taken back, so that the file ends at a whole line; what comes
/// then is dropped, and once a second of the samples' own clock it tries again.
pub struct Appender {
    inner: Box<dyn Whole>,
    path: PathBuf,
    bytes: u64,
    lost: u64,
    failed_ns: Option<u64>,
    told: bool,
}

impl Appender {
    /// Creates `path`, readable by its owner alone: command lines are in it. A file that is there is an error, unless `force`: it is removed then. A device or a pipe is
    /// written to as it is.
    ///
    /// # Errors
    /// [`FormatError::Exists`], [`FormatError::Io`].
    pub fn create(path: &Path, force: bool) -> Result<Appender, FormatError> {
        let failed = |error| FormatError::io(path, "create", error);
        let kind = std::fs::metadata(path).map(|about| about.file_type());
        let stream = kind.as_ref().is_ok_and(|kind| !kind.is_file() && !kind.is_dir());
        if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if force && !stream && std::fs::symlink_metadata(path).is_ok() {
            std::fs::remove_file(path).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(!stream).create_new(!stream);
        match private(&mut options).open(path) {
            Ok(file) => Ok(Appender::new(Box::new(file), path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(FormatError::Exists { path: path.to_path_buf() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Appends to something that is open; `path` is its name in errors.
    pub fn new(inner: Box<dyn Whole>, path: &Path) -> Appender {
        Appender { inner, path: path.to_path_buf(), bytes: 0, lost: 0, failed_ns: None, told: false }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Batches dropped since the last one that was written.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether it would try to write now, or drop what it is given.
    pub(super) fn tries(&self, at: Timestamp) -> bool {
        self.failed_ns.is_none_or(|failed| at.monotonic_ns.saturating_sub(failed) >= RETRY_NS)
    }

    /// Appends `lines`, all of them or none.
    pub fn append(&mut self, lines: &[u8], at: Timestamp) -> Appended {
        if !self.tries(at) {
            self.lost += 1;
            return Appended::Lost;
        }
        match self.inner.write_all(lines).and_then(|()| self.inner.flush()) {
            Ok(()) => {
                self.bytes += lines.len() as u64;
                (self.lost, self.failed_ns) = (0, None);
                Appended::Written
            }
            Err(error) => {
                self.lost += 1;
                self.failed_ns = Some(at.monotonic_ns);
                // The reader passes over half a line if even this fails.
                let _ = self.inner.cut(self.bytes);
                if std::mem::replace(&mut self.told, true) {
                    return Appended::Lost;
                }
                Appended::Failed(FormatError::io(&self.path, "write", error))
            }
        }
    }

    /// Waits until everything has reached the disk.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sync(&mut self) -> Result<(), FormatError> {
        self.inner.sync().map_err(|error| FormatError::io(&self.path, "write", error))
    }
}
