//! Reading a trace.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use memsight_model::trace::{Head, Record};

use super::block::{self, Kind, MAGIC, Next, VERSION};
use super::columns::Events;
use super::numbers::Column;
use super::tables;
use crate::FormatError;
use crate::platform::open_at_once;

/// A trace that is read record by record. Memory: one block.
pub struct Reader {
    file: Box<dyn Read>,
    path: PathBuf,
    head: Head,
    block: Block,
    frames: u32,
    has_end: bool,
    is_damaged: bool,
}

/// What is left of the block that is read.
#[allow(clippy::large_enum_variant, reason = "there is one, and it is nearly always the large one")]
enum Block {
    None,
    Codes(Column, Vec<u8>),
    Frames(Column, Vec<u8>),
    Events(Events),
}

impl Reader {
    /// Opens a trace.
    ///
    /// # Errors
    /// [`FormatError::TraceNotFound`], [`FormatError::TraceForeign`], [`FormatError::TraceVersion`], [`FormatError::Io`].
    pub fn open(path: &Path) -> Result<Reader, FormatError> {
        let file = match open_at_once(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FormatError::TraceNotFound { path: path.to_owned() });
            }
            other => other.map_err(|error| FormatError::io(path, "read", error))?,
        };
        let is_file = file.metadata().map_err(|error| FormatError::io(path, "read", error))?.is_file();
        if !is_file {
            return Err(foreign(path, "it is no file"));
        }
        Reader::new(Box::new(BufReader::with_capacity(1 << 18, file)), path)
    }

    /// Reads a trace from something that is open; `path` is its name in errors.
    ///
    /// # Errors
    /// As of [`Reader::open`].
    pub fn new(mut file: Box<dyn Read>, path: &Path) -> Result<Reader, FormatError> {
        let failed = |error| FormatError::io(path, "read", error);
        let mut start = [0; MAGIC.len() + 4];
        let count = block::fill(&mut file, &mut start).map_err(failed)?;
        let (magic, version) = start.split_at(MAGIC.len());
        if count < start.len() || magic != MAGIC {
            return Err(foreign(path, "it does not begin as one"));
        }
        let version = u32::from_le_bytes([version[0], version[1], version[2], version[3]]);
        if version != VERSION {
            return Err(FormatError::TraceVersion { path: path.to_owned(), found: version, known: VERSION });
        }
        let head = match block::read(&mut file).map_err(failed)? {
            Next::Block(Kind::Head, bytes) => serde_json::from_slice(&bytes).ok(),
            _ => None,
        };
        let head = head.ok_or_else(|| foreign(path, "it has no head"))?;
        let path = path.to_owned();
        Ok(Reader { file, path, head, block: Block::None, frames: 0, has_end: false, is_damaged: false })
    }

    /// What holds for all of it.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether it ended without an end: its recorder was killed, or the file is damaged. Known after the last record.
    pub fn is_cut(&self) -> bool {
        !self.has_end
    }

    /// The next record; `None` after the last that can be read.
    ///
    /// # Errors
    /// [`FormatError::Io`]. Damage is none: reading ends there.
    #[inline]
    pub fn read(&mut self) -> Result<Option<Record>, FormatError> {
        loop {
            match self.within_block() {
                Some(Some(record)) => return Ok(Some(record)),
                Some(None) => {}
                None => self.is_damaged = true,
            }
            if self.is_damaged || self.has_end {
                self.block = Block::None;
                return Ok(None);
            }
            if let Some(record) = self.next_block()? {
                return Ok(Some(record));
            }
        }
    }

    /// The next record of the block; `Some(None)` after its last, `None` where it is damaged.
    #[inline]
    fn within_block(&mut self) -> Option<Option<Record>> {
        Some(match &mut self.block {
            Block::None => None,
            Block::Events(events) => events.next()?.map(Record::Event),
            Block::Codes(column, block) if !column.is_empty() => Some(Record::Code(tables::code(column, block)?)),
            Block::Frames(column, block) if !column.is_empty() => {
                let number = self.frames.checked_add(1)?;
                let frame = tables::frame(column, block, number)?;
                self.frames = number;
                Some(Record::Frame(frame))
            }
            Block::Codes(..) | Block::Frames(..) => None,
        })
    }

    /// Reads a block; the record, if it is one itself.
    fn next_block(&mut self) -> Result<Option<Record>, FormatError> {
        let next = block::read(&mut self.file).map_err(|error| FormatError::io(&self.path, "read", error))?;
        self.block = Block::None;
        match next {
            Next::Unknown | Next::Block(Kind::Head, _) => {}
            Next::Nothing | Next::Damaged => self.is_damaged = true,
            Next::Block(Kind::Codes, bytes) => self.block = Block::Codes(Column::of(&bytes), bytes),
            Next::Block(Kind::Frames, bytes) => self.block = Block::Frames(Column::of(&bytes), bytes),
            Next::Block(Kind::Events, bytes) => match Events::of(bytes) {
                Some(events) => self.block = Block::Events(events),
                None => self.is_damaged = true,
            },
            Next::Block(Kind::End, bytes) => match serde_json::from_slice(&bytes) {
                Ok(end) => {
                    self.has_end = true;
                    return Ok(Some(Record::End(end)));
                }
                Err(_) => self.is_damaged = true,
            },
        }
        Ok(None)
    }
}

impl Iterator for Reader {
    type Item = Result<Record, FormatError>;

    #[inline]
    fn next(&mut self) -> Option<Result<Record, FormatError>> {
        self.read().transpose()
    }
}

fn foreign(path: &Path, reason: &str) -> FormatError {
    FormatError::TraceForeign { path: path.to_owned(), reason: reason.to_owned() }
}
