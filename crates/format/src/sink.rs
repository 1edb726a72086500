//! Where the bytes of a file go: counted, checksummed, and with the error of the operating system kept.

use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Something that holds bytes for good; a file, or in tests one on a disk that fills up.
pub(crate) trait Storage: Write + Send {
    /// Waits until everything written has reached the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A buffered file that remembers what was written to it.
///
/// Writers on top wrap an [`io::Error`] beyond recognition, so the first one is kept here.
pub(crate) struct Sink<W: Storage> {
    inner: BufWriter<W>,
    crc: crc32fast::Hasher,
    bytes: u64,
    failure: Option<io::Error>,
}

impl<W: Storage> Sink<W> {
    pub(crate) fn new(inner: W) -> Sink<W> {
        let inner = BufWriter::with_capacity(1 << 18, inner);
        Sink { inner, crc: crc32fast::Hasher::new(), bytes: 0, failure: None }
    }

    /// Bytes and CRC-32 of everything written.
    pub(crate) fn summary(&self) -> (u64, u32) {
        (self.bytes, self.crc.clone().finalize())
    }

    /// The first error of the operating system, if there was one.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Writes what is buffered and waits for the disk: the file never gets its final name before its content.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.inner.get_mut().sync().map_err(|error| self.remember(error))
    }

    fn remember(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.failure.get_or_insert(error);
        kind.into()
    }
}

impl<W: Storage> Write for Sink<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = match self.inner.write(buffer) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.remember(error)),
        };
        self.crc.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush().map_err(|error| self.remember(error))
    }
}
