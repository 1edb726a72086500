//! Writing a trace.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memsight_model::trace::{Code, End, Event, Frame, Head, Module, Symbol};

use super::block::{Kind, MAGIC, Packer, VERSION};
use super::columns::Columns;
use super::tables::{FrameColumns, put_code, put_module, put_symbol};
use crate::FormatError;
use crate::monitor::Whole;
use crate::platform::private;

/// A block is written when it has so many events.
const EVENTS: u64 = 128 << 10;
/// Or so many bytes of code objects or frames.
const TABLES: usize = 1 << 20;

/// Is told of all that is written to a trace.
pub trait Watcher: Send {
    /// What holds for all of it.
    fn begin(&mut self, head: &Head);
    /// A code object.
    fn code(&mut self, code: &Code);
    /// A frame, of the next number.
    fn frame(&mut self, frame: Frame);
    /// An event.
    fn event(&mut self, event: Event);
}

/// A trace that is being written. What was told before a [`Writer::flush`] survives the death of the process.
pub struct Writer {
    file: Box<dyn Whole>,
    path: PathBuf,
    bytes: u64,
    /// From the beginning on.
    packer: Option<Packer>,
    codes: Vec<u8>,
    frames: FrameColumns,
    frame_count: u32,
    modules: Vec<u8>,
    symbols: Vec<u8>,
    events: Columns,
    watcher: Option<Box<dyn Watcher>>,
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
        Writer {
            file,
            path: path.to_owned(),
            bytes: 0,
            packer: None,
            codes: Vec::new(),
            frames: FrameColumns::default(),
            frame_count: 0,
            modules: Vec::new(),
            symbols: Vec::new(),
            events: Columns::new(),
            watcher: None,
        }
    }

    /// The same, with somebody who is told of all that is written from now on.
    pub fn watched_by(self, watcher: Box<dyn Watcher>) -> Writer {
        Writer { watcher: Some(watcher), ..self }
    }

    /// Begins: what holds for all of it. Called once, before anything is told.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn begin(&mut self, head: &Head) -> Result<(), FormatError> {
        if let Some(watcher) = &mut self.watcher {
            watcher.begin(head);
        }
        let mut start = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
        self.packer = Some(Packer::new().map_err(|error| FormatError::io(&self.path, "write", error))?);
        self.pack(&mut start, Kind::Head, &json(&self.path, head)?)?;
        self.append(&start)
    }

    /// Tells a code object.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn code(&mut self, code: &Code) -> Result<(), FormatError> {
        if let Some(watcher) = &mut self.watcher {
            watcher.code(code);
        }
        put_code(&mut self.codes, code);
        if self.codes.len() > TABLES { self.flush() } else { Ok(()) }
    }

    /// Tells a frame; its number.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn frame(&mut self, frame: Frame) -> Result<u32, FormatError> {
        if let Some(watcher) = &mut self.watcher {
            watcher.frame(frame);
        }
        self.frame_count += 1;
        self.frames.put(self.frame_count, frame);
        if self.frames.len() > TABLES {
            self.flush()?;
        }
        Ok(self.frame_count)
    }

    /// Tells a module.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn module(&mut self, module: &Module) -> Result<(), FormatError> {
        put_module(&mut self.modules, module);
        if self.modules.len() > TABLES { self.flush() } else { Ok(()) }
    }

    /// Tells what is at a place in a module.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    pub fn symbol(&mut self, symbol: &Symbol) -> Result<(), FormatError> {
        put_symbol(&mut self.symbols, symbol);
        if self.symbols.len() > TABLES { self.flush() } else { Ok(()) }
    }

    /// Tells an event.
    ///
    /// # Errors
    /// As of [`Writer::flush`].
    #[inline]
    pub fn event(&mut self, event: Event) -> Result<(), FormatError> {
        if let Some(watcher) = &mut self.watcher {
            watcher.event(event);
        }
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
        let tables = [
            (Kind::Codes, std::mem::take(&mut self.codes)),
            (Kind::Modules, std::mem::take(&mut self.modules)),
            (Kind::Symbols, std::mem::take(&mut self.symbols)),
        ];
        for (kind, table) in tables.iter().filter(|(_, table)| !table.is_empty()) {
            self.pack(&mut out, *kind, table)?;
        }
        if !self.frames.is_empty() {
            let frames = self.frames.take();
            self.pack(&mut out, Kind::Frames, &frames)?;
        }
        if self.events.count() > 0 {
            let events = self.events.take();
            self.pack(&mut out, Kind::Events, &events)?;
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
        self.pack(&mut out, Kind::End, &json(&self.path, end)?)?;
        self.append(&out)?;
        Ok(self.bytes)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's descriptor, by which another process can read it; `None` for what is no plain file.
    #[cfg(unix)]
    pub fn descriptor(&self) -> Option<std::os::fd::RawFd> {
        self.file.descriptor()
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn pack(&mut self, out: &mut Vec<u8>, kind: Kind, bytes: &[u8]) -> Result<(), FormatError> {
        let packed = self.packer.as_mut().map(|packer| packer.append(out, kind, bytes));
        packed.unwrap_or(Ok(())).map_err(|error| FormatError::io(&self.path, "write", error))
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
