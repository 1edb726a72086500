//! Lines into records: of a log that ended in peace, was cut, or is hostile.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::record::{FORMAT, Header, Record, VERSION};
use crate::{FormatError, regular};

/// Longer lines are not ours: 100,000 processes fit one.
pub const MAX_LINE_BYTES: u64 = 64 << 20;

/// How much of a line that is too long is passed over, to go on behind it. What is longer is a file with a hole in it, which
/// can be of any length.
const MAX_SKIPPED_BYTES: u64 = 1 << 30;

/// Opens a log and reads its header.
///
/// # Errors
/// [`FormatError::ForeignLog`] when it is no plain file, or its first line no header of a log; [`FormatError::Version`],
/// [`FormatError::Io`].
pub fn read_log(path: &Path) -> Result<LogReader<BufReader<File>>, FormatError> {
    let file = regular::open_given(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => FormatError::ForeignLog { path: path.to_path_buf(), reason: error.to_string() },
        _ => FormatError::io(path, "read", error),
    })?;
    LogReader::new(BufReader::with_capacity(1 << 18, file), path)
}

/// The records of a log, one after the other.
///
/// A last line that was cut is passed over ([`LogReader::was_cut`]); a damaged line in between is an error with its
/// number, and the next call goes on behind it. Memory: one line, at most [`MAX_LINE_BYTES`].
pub struct LogReader<R> {
    input: R,
    path: PathBuf,
    header: Header,
    line: Vec<u8>,
    number: u64,
    cut: bool,
    over: bool,
}

impl<R: BufRead> LogReader<R> {
    /// Reads the header from `input`; `path` is its name in errors.
    ///
    /// # Errors
    /// As [`read_log`].
    pub fn new(input: R, path: &Path) -> Result<LogReader<R>, FormatError> {
        let mut reader = LogReader {
            input,
            path: path.to_path_buf(),
            header: Header::default(),
            line: Vec::new(),
            number: 0,
            cut: false,
            over: false,
        };
        let foreign = |reason: &str| FormatError::ForeignLog { path: path.to_path_buf(), reason: reason.to_owned() };
        match reader.next() {
            None if reader.cut => Err(foreign("it ends within its first line")),
            None => Err(foreign("it is empty")),
            Some(Err(FormatError::DamagedLog { reason, .. })) => Err(foreign(&format!("its first line: {reason}"))),
            Some(Err(error)) => Err(error),
            Some(Ok(Record::Header(header))) if header.format == FORMAT => {
                if header.schema_version > VERSION {
                    let (found, known) = (header.schema_version, VERSION);
                    return Err(FormatError::Version { path: path.to_path_buf(), found, known });
                }
                reader.header = header;
                Ok(reader)
            }
            Some(Ok(_)) => Err(foreign("its first line is no header")),
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the last line was cut: its writer was killed, or still writes. Known at the end.
    pub fn was_cut(&self) -> bool {
        self.cut
    }

    /// Reads a line; `false` at the end.
    fn read_line(&mut self) -> Result<bool, FormatError> {
        let failed = |error| FormatError::io(&self.path, "read", error);
        self.line.clear();
        let read = (&mut self.input).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line).map_err(failed)?;
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            return Ok(true);
        }
        if read as u64 == MAX_LINE_BYTES {
            // without a header, nothing behind it counts
            let most = if self.number == 1 { 0 } else { MAX_SKIPPED_BYTES };
            self.cut = !skip_line(&mut self.input, most).map_err(failed)?;
            self.over = self.cut;
            return Err(self.damaged("it is too long"));
        }
        self.cut = read > 0;
        Ok(false)
    }

    fn damaged(&self, reason: &str) -> FormatError {
        FormatError::DamagedLog { path: self.path.clone(), line: self.number, reason: reason.to_owned() }
    }
}

/// Passes over the rest of a line; `false` if the input ends within it, or after `most` bytes or somewhat more.
fn skip_line(input: &mut impl BufRead, most: u64) -> io::Result<bool> {
    let mut left = most;
    while left > 0 {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let at = buffer.iter().position(|&byte| byte == b'\n');
        let used = at.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if at.is_some() {
            return Ok(true);
        }
        left = left.saturating_sub(used as u64);
    }
    Ok(false)
}

impl<R: BufRead> Iterator for LogReader<R> {
    type Item = Result<Record, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        match self.read_line() {
            Ok(true) => {}
            Ok(false) => {
                self.over = true;
                return None;
            }
            Err(error) => {
                // A line that is too long can be passed over, a disk that cannot be read can not.
                self.over |= !matches!(error, FormatError::DamagedLog { .. });
                return Some(Err(error));
            }
        }
        // serde_json bounds the depth, and the line its size.
        Some(serde_json::from_slice(&self.line).map_err(|error| self.damaged(&plain(&error))))
    }
}

/// What serde_json says, without its line number: each line is a document of its own.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("{text} (column {})", error.column())
}
