//! A folder that appears whole or not at all.
//!
//! Files are written into a hidden sibling `.NAME.tmp-PID`, which then takes the final name in one step. The sibling
//! is locked while its writer lives, so that a later writer can tell what a killed one left behind: the
//! lock goes with the process, whatever PID namespace it was in.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::manifest::MANIFEST;
use crate::platform::{create_folder, exchange, is_same, lock_folder, private, rename_to_free, sync_folder};
use crate::tables::Table;

/// Siblings tried before giving up; more than one only when threads of one process write the same snapshot.
const MAX_SIBLINGS: u32 = 64;

/// A folder in the making. Dropped without [`Staging::publish`], it leaves nothing behind.
pub(crate) struct Staging {
    path: PathBuf,
    output: PathBuf,
    folder: File,
    published: bool,
}

impl Staging {
    /// Creates the hidden sibling of `output` and removes those of writers that are gone.
    pub(crate) fn begin(output: &Path) -> Result<Staging, FormatError> {
        let prefix = sibling(output, "tmp")?;
        remove_stale(output, &prefix);
        let pid = std::process::id();
        for number in 0..MAX_SIBLINGS {
            let mut name = prefix.clone();
            name.push(match number {
                0 => pid.to_string(),
                _ => format!("{pid}-{number}"),
            });
            let path = output.with_file_name(name);
            if let Some(folder) = claim(&path)? {
                return Ok(Staging { path, output: output.to_path_buf(), folder, published: false });
            }
        }
        Err(FormatError::io(output, "create", io::ErrorKind::ResourceBusy.into()))
    }

    /// Path of the file `name` inside.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Creates the file `name`, readable by its owner alone: it may hold secrets of the target.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        private(OpenOptions::new().write(true).create_new(true)).open(self.file(name))
    }

    /// Gives the folder its final name; with `force` in place of what is there, which is then removed.
    pub(crate) fn publish(mut self, force: bool) -> Result<(), FormatError> {
        let failed = |error| FormatError::io(&self.output, "create", error);
        sync_folder(&self.folder).map_err(|error| FormatError::io(&self.path, "write", error))?;
        check(&self.output, force)?;
        match rename_to_free(&self.path, &self.output) {
            Ok(()) => {}
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists if !force => {
                    return Err(FormatError::Exists { path: self.output.clone() });
                }
                // where no name is taken on condition that it is free, `check` has just looked
                io::ErrorKind::AlreadyExists | io::ErrorKind::Unsupported => {
                    replace(&self.path, &self.output).map_err(failed)?;
                }
                _ => return Err(failed(error)),
            },
        }
        self.published = true;
        if let Some(parent) = parent(&self.output) {
            // makes the name durable; a filesystem that cannot sync a folder has nothing to add
            let _ = File::open(parent).and_then(|parent| sync_folder(&parent));
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            remove_snapshot(&self.path);
        }
    }
}

/// Whether `output` may be written: not there, or, with `force`, something that force may replace.
pub(crate) fn check(output: &Path, force: bool) -> Result<(), FormatError> {
    let path = output.to_path_buf();
    match fs::symlink_metadata(output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FormatError::io(output, "read", error)),
        Ok(_) if !force => Err(FormatError::Exists { path }),
        Ok(about) if about.is_dir() => match foreign_entry(output) {
            Ok(None) => Ok(()),
            Ok(Some(found)) => Err(FormatError::NotReplaced { path, found }),
            Err(error) => Err(FormatError::io(output, "read", error)),
        },
        Ok(_) => Ok(()),
    }
}

/// Puts `new` in place of `output`, which ends up removed. Where the filesystem cannot exchange two names in one
/// step, the old one steps aside first and comes back if the second step fails.
fn replace(new: &Path, output: &Path) -> io::Result<()> {
    let Err(error) = exchange(new, output) else {
        remove_snapshot(new);
        return Ok(());
    };
    match error.kind() {
        io::ErrorKind::NotFound => return fs::rename(new, output),
        io::ErrorKind::Unsupported => {}
        _ => return Err(error),
    }
    let mut aside = sibling(output, "old").map_err(|_| io::ErrorKind::InvalidInput)?;
    aside.push(std::process::id().to_string());
    let aside = output.with_file_name(aside);
    match fs::rename(output, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Err(error) = fs::rename(new, output) {
        let _ = fs::rename(&aside, output);
        return Err(error);
    }
    remove_snapshot(&aside);
    Ok(())
}

/// `.NAME.KIND-`, the start of the names of hidden siblings.
fn sibling(output: &Path, kind: &str) -> Result<OsString, FormatError> {
    let name = output.file_name().ok_or_else(|| {
        FormatError::io(output, "create", io::Error::new(io::ErrorKind::InvalidInput, "the path has no name"))
    })?;
    let mut sibling = OsString::from(".");
    sibling.push(name);
    sibling.push(format!(".{kind}-"));
    Ok(sibling)
}

fn parent(output: &Path) -> Option<&Path> {
    output.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Creates and locks the folder `path`; one that a dead process left there is emptied and taken over.
/// `None` when a living writer has it.
fn claim(path: &Path) -> Result<Option<File>, FormatError> {
    loop {
        match create_folder(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FormatError::io(path, "create", error)),
        }
        let Some(folder) = lock_folder(path).map_err(|error| FormatError::io(path, "create", error))? else {
            return Ok(None);
        };
        // between creation and lock another writer may have swept it away as stale
        if let (Ok(ours), Ok(there)) = (folder.metadata(), fs::symlink_metadata(path))
            && is_same(&ours, &there)
        {
            remove_files(path);
            return Ok(Some(folder));
        }
    }
}

/// Removes the siblings of writers that died. Best effort: what cannot be removed stays.
fn remove_stale(output: &Path, prefix: &OsString) {
    let Some(entries) = parent(output).and_then(|parent| fs::read_dir(parent).ok()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        if ours && let Ok(Some(_lock)) = lock_folder(&entry.path()) {
            remove_snapshot(&entry.path());
        }
    }
}

/// Names of the files of a snapshot.
fn own_files() -> impl Iterator<Item = String> {
    Table::ALL.into_iter().map(Table::file).chain([MANIFEST.to_owned()])
}

/// An entry of `folder` that no snapshot has.
fn foreign_entry(folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !own_files().any(|own| name == *own) {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

fn remove_files(folder: &Path) {
    for name in own_files() {
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Removes a snapshot folder (or a plain file in its place), and never a file that is not ours.
fn remove_snapshot(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => {
            remove_files(path);
            let _ = fs::remove_dir(path);
        }
        Ok(_) => drop(fs::remove_file(path)),
        Err(_) => {}
    }
}
