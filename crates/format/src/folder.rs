//! A folder that appears whole or not at all.
//!
//! Files are written into a hidden sibling `.NAME.tmp-PID`, which then takes the final name in one step. The sibling
//! is locked (`flock`) while its writer lives, so that a later writer can tell what a killed one left behind: the
//! lock goes with the process, whatever PID namespace it was in.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use crate::FormatError;
use crate::manifest::MANIFEST;
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
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(name))
    }

    /// Gives the folder its final name; with `force` in place of what is there, which is then removed.
    pub(crate) fn publish(mut self, force: bool) -> Result<(), FormatError> {
        let failed = |error: Errno| FormatError::io(&self.output, "create", error.into());
        self.folder.sync_all().map_err(|error| FormatError::io(&self.path, "write", error))?;
        check(&self.output, force)?;
        match renameat_with(CWD, &self.path, CWD, &self.output, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) if force => replace(&self.path, &self.output).map_err(failed)?,
            Err(Errno::EXIST) => return Err(FormatError::Exists { path: self.output.clone() }),
            // a filesystem without RENAME_NOREPLACE; `check` has just looked
            Err(Errno::INVAL | Errno::NOSYS) => replace(&self.path, &self.output).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        }
        self.published = true;
        if let Some(parent) = parent(&self.output) {
            // makes the name durable; a filesystem that cannot sync a folder has nothing to add
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
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
fn replace(new: &Path, output: &Path) -> rustix::io::Result<()> {
    match renameat_with(CWD, new, CWD, output, RenameFlags::EXCHANGE) {
        Ok(()) => {
            remove_snapshot(new);
            Ok(())
        }
        Err(Errno::NOENT) => rustix::fs::rename(new, output),
        Err(Errno::INVAL | Errno::NOSYS) => {
            let mut aside = sibling(output, "old").map_err(|_| Errno::INVAL)?;
            aside.push(std::process::id().to_string());
            let aside = output.with_file_name(aside);
            match rustix::fs::rename(output, &aside) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
            if let Err(error) = rustix::fs::rename(new, output) {
                let _ = rustix::fs::rename(&aside, output);
                return Err(error);
            }
            remove_snapshot(&aside);
            Ok(())
        }
        Err(error) => Err(error),
    }
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
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FormatError::io(path, "create", error)),
        }
        let Some(folder) = lock(path).map_err(|error| FormatError::io(path, "create", error))? else {
            return Ok(None);
        };
        // between creation and lock another writer may have swept it away as stale
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        if let (Ok(ours), Ok(there)) = (folder.metadata(), fs::symlink_metadata(path))
            && same(ours, there)
        {
            remove_files(path);
            return Ok(Some(folder));
        }
    }
}

/// The folder, open and locked; `None` when somebody else holds the lock.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let folder = OpenOptions::new().read(true).custom_flags(NO_FOLLOW_FOLDER).open(path)?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(folder)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        // a filesystem without locks: the names differ by PID, which has to do
        Err(_) => Ok(Some(folder)),
    }
}

const NO_FOLLOW_FOLDER: i32 = (rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::DIRECTORY.bits()) as i32;

/// Removes the siblings of writers that died. Best effort: what cannot be removed stays.
fn remove_stale(output: &Path, prefix: &OsString) {
    let Some(entries) = parent(output).and_then(|parent| fs::read_dir(parent).ok()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        if ours && let Ok(Some(_lock)) = lock(&entry.path()) {
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
