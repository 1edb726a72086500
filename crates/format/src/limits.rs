//! How much memory the files of a stranger may take.
//!
//! A table is packed: a few bytes of it can stand for billions of rows, and a header can ask for more memory than the
//! machine has. So what a file is going to take is counted before it is taken, and refused above a limit.

use std::cell::Cell;
use std::path::Path;

use crate::FormatError;
use crate::manifest::ManifestFile;
use crate::tables::Table;

/// Snapshots of any size may take this much: a list of a hundred million times the same object is a few KiB of file.
const LEAST_DEFAULT: u64 = 1 << 30;

/// Snapshots of any size may take no more than this without being asked for: five times what one of 50 million objects
/// and 150 million references takes, with texts for a quarter of them.
const MOST_DEFAULT: u64 = 16 << 30;

/// Memory for each byte of the files. Snapshots of programs take 5 to 20; a list of floats that lie in a row, 374.
const DEFAULT_RATIO: u64 = 512;

/// Memory for each byte of the manifest while it is parsed: an empty text, three bytes there, is a `String`.
const MANIFEST_RATIO: u64 = 32;

/// What reading files may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of memory. `None`: 512 times the size of the snapshot's files, but from 1 GiB to 16 GiB.
    pub memory: Option<u64>,
}

impl Limits {
    /// For files of our own.
    pub const NONE: Limits = Limits { memory: Some(u64::MAX) };
}

/// The memory that one snapshot may take, and has taken.
pub(crate) struct Budget {
    limits: Limits,
    limit: u64,
    kept: Cell<u64>,
}

impl Budget {
    /// Before anything has been read.
    pub(crate) fn of(limits: Limits) -> Budget {
        Budget { limits, limit: limits.memory.unwrap_or(LEAST_DEFAULT), kept: Cell::new(0) }
    }

    /// Takes what parsing a manifest of this length takes.
    pub(crate) fn keep_manifest(&self, path: &Path, bytes: usize) -> Result<(), FormatError> {
        self.keep(path, (bytes as u64).saturating_mul(MANIFEST_RATIO))
    }

    /// Allows, unless a person has set the limit, what files of this size may take.
    pub(crate) fn allow_for(&mut self, manifest: &ManifestFile) {
        let files = Table::ALL.iter().filter_map(|table| manifest.tables.get(table.name()));
        let bytes = files.fold(0u64, |sum, file| sum.saturating_add(file.bytes));
        let usual = bytes.saturating_mul(DEFAULT_RATIO).clamp(LEAST_DEFAULT, MOST_DEFAULT);
        self.limit = self.limits.memory.unwrap_or(usual);
    }

    /// Whether there is room for `bytes` for a while.
    pub(crate) fn has_room(&self, path: &Path, bytes: u64) -> Result<(), FormatError> {
        let needed = self.kept.get().saturating_add(bytes);
        match needed <= self.limit {
            true => Ok(()),
            false => Err(FormatError::TooLarge { path: path.to_path_buf(), needed, limit: self.limit }),
        }
    }

    /// Takes `bytes` for as long as the snapshot is there.
    pub(crate) fn keep(&self, path: &Path, bytes: u64) -> Result<(), FormatError> {
        self.has_room(path, bytes)?;
        self.kept.set(self.kept.get().saturating_add(bytes));
        Ok(())
    }
}
