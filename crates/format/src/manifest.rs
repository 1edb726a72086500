//! `manifest.json`: what was looked at, and which files belong to the snapshot.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;

use memsight_model::{Manifest, SCHEMA_VERSION};
use serde::{Deserialize, Serialize};

use crate::limits::Budget;
use crate::pymalloc::PymallocHead;
use crate::{FormatError, regular};

/// Name of the manifest inside the folder. Written last: a folder without it is no snapshot.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What `format` says in every manifest.
pub(crate) const FORMAT: &str = "memsight-heap";

/// A manifest is a few KiB, and some MiB where the C library has mapped 65,530 blocks, which is as many as Linux allows.
const MAX_BYTES: u64 = 16 << 20;

/// `manifest.json` as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestFile {
    /// [`FORMAT`].
    pub(crate) format: String,
    /// What, when, at what cost.
    #[serde(flatten)]
    pub(crate) look: Manifest,
    /// The allocator of small objects, where it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pymalloc: Option<PymallocHead>,
    /// The C library's allocator, where it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) c_heap: Option<memsight_model::CHeap>,
    /// The files, by name of their table.
    pub(crate) tables: BTreeMap<String, TableFile>,
}

/// A table's file as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableFile {
    /// Rows of the table.
    pub(crate) rows: u64,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// CRC-32 (as of zlib) of the file, eight hexadecimal digits.
    pub(crate) crc32: String,
}

/// The part of the manifest that every version has.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: String,
    #[serde(default)]
    schema_version: u32,
}

impl ManifestFile {
    /// Reads and judges the manifest of the snapshot `folder`.
    pub(crate) fn read(folder: &Path, budget: &Budget) -> Result<ManifestFile, FormatError> {
        let path = folder.join(MANIFEST);
        let foreign = |reason: &str| FormatError::Foreign { path: folder.to_path_buf(), reason: reason.to_owned() };
        match std::fs::metadata(folder) {
            Ok(about) if about.is_dir() => {}
            Ok(_) => return Err(foreign("it is not a folder")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(FormatError::NotFound { path: folder.to_path_buf() });
            }
            Err(error) => return Err(FormatError::io(folder, "read", error)),
        }
        let file = match regular::open(&path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
                return Err(foreign("it has no manifest.json"));
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return Err(foreign(&format!("of its manifest.json: {error}")));
            }
            Err(error) => return Err(FormatError::io(&path, "read", error)),
        };
        let text = read_capped(file, &path)?;
        budget.keep_manifest(&path, text.len())?;
        let head: Head = serde_json::from_slice(&text)
            .map_err(|error| FormatError::damaged(&path, format!("it is not the manifest of a snapshot: {error}")))?;
        match head.format.as_str() {
            FORMAT => {}
            "" => return Err(foreign("its manifest.json is of something else")),
            other => return Err(foreign(&format!("its manifest says format {other:?}"))),
        }
        if head.schema_version != SCHEMA_VERSION {
            let path = folder.to_path_buf();
            return Err(FormatError::Version { path, found: head.schema_version, known: SCHEMA_VERSION });
        }
        serde_json::from_slice(&text).map_err(|error| FormatError::damaged(&path, error.to_string()))
    }
}

fn read_capped(file: impl Read, path: &Path) -> Result<Vec<u8>, FormatError> {
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| FormatError::io(path, "read", error))?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(FormatError::damaged(path, format!("it is larger than {MAX_BYTES} bytes"))),
        false => Ok(text),
    }
}
