//! Hidden siblings of an output: where it is made until it takes its name.
//!
//! The folder may be shared with others, as `/tmp` is. A sibling has a name that nobody guesses, is created as a new one or
//! not at all, and is locked while its writer lives, so that a later writer can tell what a killed one left
//! behind: the lock goes with the process, whatever PID namespace it was in.

use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::platform::Folder;

/// Names tried before giving up: none of them is taken but by somebody who means it.
const MAX_NAMES: u32 = 16;

/// An output, by its open folder and its name in there.
#[derive(Debug)]
pub(crate) struct Output {
    pub path: PathBuf,
    pub parent: Folder,
    pub name: OsString,
}

impl Output {
    /// Opens the folder of an output.
    ///
    /// # Errors
    /// [`FormatError::Io`]: no name, or no such folder.
    pub(crate) fn of(path: &Path) -> Result<Output, FormatError> {
        let name = path.file_name().ok_or_else(|| {
            FormatError::io(path, "create", io::Error::new(io::ErrorKind::InvalidInput, "the path has no name"))
        })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = Folder::open(parent).map_err(|error| FormatError::io(path, "create", error))?;
        Ok(Output { path: path.to_path_buf(), parent, name: name.to_owned() })
    }

    /// Creates a hidden sibling, whose name nobody knows beforehand.
    ///
    /// # Errors
    /// [`FormatError::Io`].
    pub(crate) fn create<T>(
        &self,
        create: &impl Fn(&Folder, &OsStr) -> io::Result<Option<T>>,
    ) -> Result<(OsString, T), FormatError> {
        for _ in 0..MAX_NAMES {
            let name = sibling(&self.name, "tmp");
            let made = create(&self.parent, &name).map_err(|error| FormatError::io(&self.path, "create", error))?;
            if let Some(made) = made {
                return Ok((name, made));
            }
        }
        Err(FormatError::io(&self.path, "create", io::ErrorKind::ResourceBusy.into()))
    }

    /// Has the siblings of writers that died removed. Best effort: what cannot be removed stays.
    pub(crate) fn remove_stale(&self, remove: &impl Fn(&Folder, &OsStr) -> io::Result<()>) {
        let prefix = prefix(&self.name, "tmp");
        for name in self.parent.names().unwrap_or_default() {
            if name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
                let _ = remove(&self.parent, &name);
            }
        }
    }
}

/// `.NAME.KIND-RANDOM`.
pub(crate) fn sibling(name: &OsStr, kind: &str) -> OsString {
    let mut sibling = prefix(name, kind);
    // seeded by the operating system for each process, and another one each time
    sibling.push(format!("{:016x}", RandomState::new().hash_one(std::process::id())));
    sibling
}

fn prefix(name: &OsStr, kind: &str) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(format!(".{kind}-"));
    prefix
}

/// The error when somebody else put something of theirs in the place of what we made.
pub(crate) fn taken_over() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "somebody else has put another folder in the place of ours")
}
