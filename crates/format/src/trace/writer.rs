//! Writing a trace.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memsight_model::trace::{Code, End, Event, Frame, Head};

use super::block::{self, Kind, MAGIC, VERSION};
use super::columns::Columns;
use super::tables::{put_code, put_frame};
use crate::FormatError;
use crate::monitor::Whole;
use crate::platform::private;

/// A block is written when it has so many events.
const EVENTS: u64 = 128 << 10;
/// Or so many bytes of code objects or frames.
const TABLES: usize = 1 << 20;

/// A trace that is being written. What was told before a [`Writer::flush`] survives the death of the process.
pub struct Writer {
    file: Box<dyn Whole>,
    path: PathBuf,
    bytes: u64,
    codes: Vec<u8>,
    frames: Vec<u8>,
    frame_count: u32,
    events: Columns,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Writer {
    /// Creates the file, readable by its owner alone. One that is there is an error, unless `force`: it is removed then. A device
    /// or a pipe is written to as it is.
    ///
    /// # Errors
    /// [`FormatError::Exists`], [`FormatError::Io`].
    pub fn create(path: &Path, force: bool) -> Result<Writer, FormatError> {
        let failed = |error| FormatError::io(path, "create", error);
        let is_stream = std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir());
        if force && !is_stream && std::fs::symlink_metadata(path).is_ok_and(|about| !about.is_dir()) {
            std::fs::remove_file(path).map_err(failed)?;
        }
        match private(OpenOptions::new().append(true).create_new(!is_stream)).open(path) {
            Ok(file) => Ok(Writer::new(Box::new(file), path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(FormatError::Exists { path: path.to_path_buf() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes to something that is open and empty; `path` is its name in errors.
    pub fn new(file: Box<dyn Whole>, path: &Path) -> Writer {
        let (codes, frames, events) = (Vec::new(), Vec::new(), Columns::new());
        Writer { file, path: path.to_owned(), bytes: 0, codes, frames, frame_count: 0, events }
    }

    /// Begins: what holds for all of it. Called once, before anything is told.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn begin(&mut self, head: &Head) -> Result<(), FormatError> {
        let mut start = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
        block::append(&mut start, Kind::Head, &json(&self.path, head)?);
        self.append(&start)
    }

    /// Tells a code object.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn code(&mut self, code: &Code) -> Result<(), FormatError> {
        put_code(&mut self.codes, code);
        if self.codes.len() > TABLES { self.flush() } else { Ok(()) }
    }

    /// Tells a frame; its number.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn frame(&mut self, frame: Frame) -> Result<u32, FormatError> {
        self.frame_count += 1;
        put_frame(&mut self.frames, self.frame_count, frame);
        if self.frames.len() > TABLES {
            self.flush()?;
        }
        Ok(self.frame_count)
    }

    /// Tells an event.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    #[inline]
    pub fn event(&mut self, event: Event) -> Result<(), FormatError> {
        self.events.put(event);
        if self.events.count() >= EVENTS { self.flush() } else { Ok(()) }
    }

    /// Writes what was told, by one write for all of it.
    ///
    /// # Errors
    /// [`FormatError::TraceFull`], [`FormatError::Io`]: the file ends with what was written before, and nothing more should be
    /// told.
    pub fn flush(&mut self) -> Result<(), FormatError> {
        let mut out = Vec::new();
        // what events refer to comes first
        for (kind, table) in [(Kind::Codes, &mut self.codes), (Kind::Frames, &mut self.frames)] {
            if !table.is_empty() {
                block::append(&mut out, kind, table);
                table.clear();
            }
        }
        if self.events.count() > 0 {
            block::append(&mut out, Kind::Events, &self.events.take());
        }
        self.append(&out)
    }

    /// Writes what was told, and how it ended.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn end(mut self, end: &End) -> Result<u64, FormatError> {
        self.flush()?;
        let mut out = Vec::new();
        block::append(&mut out, Kind::End, &json(&self.path, end)?);
        self.append(&out)?;
        Ok(self.bytes)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let written = self.file.write_all(bytes);
        if let Err(error) = written {
            // best effort: a reader stops at a part of a block all the same
            let _ = self.file.cut(self.bytes);
            return Err(match FormatError::io(&self.path, "write", error) {
                FormatError::NoSpace { file: path } => FormatError::TraceFull { path },
                other => other,
            });
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn json(path: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>, FormatError> {
    serde_json::to_vec(value).map_err(|error| FormatError::io(path, "write", error.into()))
}
