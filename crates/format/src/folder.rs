//! A folder that appears whole or not at all.
//!
//! Files are written into a hidden sibling, which then takes the final name in one step. Everything is done in open folders,
//! by name: the folder of the output may be shared with others, who must not get hold of what is written (see
//! [`crate::output`]).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::manifest::MANIFEST;
use crate::output::{self, Output};
use crate::platform::{Folder, Kind};
use crate::tables::Table;

/// A folder in the making. Dropped without [`Staging::publish`], it leaves nothing behind.
pub(crate) struct Staging {
    output: Output,
    name: OsString,
    folder: Folder,
    published: bool,
}

impl Staging {
    /// Creates the hidden sibling of `output` and removes those of writers that are gone.
    pub(crate) fn begin(output: &Path) -> Result<Staging, FormatError> {
        let output = Output::of(output)?;
        output.remove_stale(&|parent, name| {
            if parent.kind(name)? == Some(Kind::Folder) {
                remove_snapshot(parent, name);
            }
            Ok(())
        });
        let (name, folder) = output.create(&|parent, name| parent.create(name))?;
        Ok(Staging { output, name, folder, published: false })
    }

    /// Path of the file `name` inside: for messages.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates the file `name`, readable by its owner alone: it may hold secrets of the target.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let file = self.folder.create_file(OsStr::new(name))?;
        // whoever may rename in a shared folder can put a folder of theirs in the place of ours before it is open
        match self.folder.is_of_owner(&file)? {
            true => Ok(file),
            false => Err(output::taken_over()),
        }
    }

    /// Gives the folder its final name; with `force` in place of what is there, which is then removed.
    pub(crate) fn publish(mut self, force: bool) -> Result<(), FormatError> {
        let (output, parent) = (&self.output, &self.output.parent);
        let failed = |error| FormatError::io(&output.path, "create", error);
        self.folder.sync().map_err(|error| FormatError::io(self.folder.path(), "write", error))?;
        check_in(output, force)?;
        if !self.folder.is_at(parent, &self.name) {
            return Err(failed(output::taken_over()));
        }
        match parent.rename_to_free(&self.name, &output.name) {
            Ok(()) => {}
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists if !force => {
                    return Err(FormatError::Exists { path: output.path.clone() });
                }
                // where no name is taken on condition that it is free, `check_in` has just looked
                io::ErrorKind::AlreadyExists | io::ErrorKind::Unsupported => {
                    replace(parent, &self.name, &output.name).map_err(failed)?;
                }
                _ => return Err(failed(error)),
            },
        }
        if !self.folder.is_at(parent, &output.name) {
            return Err(failed(output::taken_over()));
        }
        self.published = true;
        // makes the name durable; a filesystem that cannot sync a folder has nothing to add
        let _ = parent.sync();
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            own_files().for_each(|name| drop(self.folder.remove_file(OsStr::new(&name))));
            if self.folder.is_at(&self.output.parent, &self.name) {
                let _ = self.output.parent.remove_folder(&self.name);
            }
        }
    }
}

/// Whether `output` may be written: not there, or, with `force`, something that force may replace.
pub(crate) fn check(output: &Path, force: bool) -> Result<(), FormatError> {
    check_in(&Output::of(output)?, force)
}

fn check_in(output: &Output, force: bool) -> Result<(), FormatError> {
    let path = output.path.clone();
    match output.parent.kind(&output.name) {
        Ok(None) => Ok(()),
        Err(error) => Err(FormatError::io(&path, "read", error)),
        Ok(Some(_)) if !force => Err(FormatError::Exists { path }),
        Ok(Some(Kind::Folder)) => match foreign_entry(output) {
            Ok(None) => Ok(()),
            Ok(Some(found)) => Err(FormatError::NotReplaced { path, found }),
            Err(error) => Err(FormatError::io(&path, "read", error)),
        },
        Ok(Some(Kind::Other)) => Ok(()),
    }
}

/// Puts `new` in place of `name`, which ends up removed. Where the filesystem cannot exchange two names in one
/// step, the old one steps aside first and comes back if the second step fails.
fn replace(parent: &Folder, new: &OsStr, name: &OsStr) -> io::Result<()> {
    let Err(error) = parent.exchange(new, name) else {
        remove_snapshot(parent, new);
        return Ok(());
    };
    match error.kind() {
        io::ErrorKind::NotFound => return parent.rename(new, name),
        io::ErrorKind::Unsupported => {}
        _ => return Err(error),
    }
    let aside = output::sibling(name, "old");
    match parent.rename(name, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Err(error) = parent.rename(new, name) {
        let _ = parent.rename(&aside, name);
        return Err(error);
    }
    remove_snapshot(parent, &aside);
    Ok(())
}

/// Names of the files of a snapshot.
fn own_files() -> impl Iterator<Item = String> {
    Table::ALL.into_iter().map(Table::file).chain([MANIFEST.to_owned()])
}

/// An entry of the folder that stands at an output that no snapshot has.
fn foreign_entry(output: &Output) -> io::Result<Option<String>> {
    let names = output.parent.within(&output.name)?.names()?;
    let foreign = names.into_iter().find(|name| !own_files().any(|own| *name == *own));
    Ok(foreign.map(|name| name.to_string_lossy().into_owned()))
}

/// Removes a snapshot folder that nobody writes to (or a plain file in its place), and never a file that is not ours.
fn remove_snapshot(parent: &Folder, name: &OsStr) {
    match parent.kind(name) {
        Ok(Some(Kind::Folder)) => {
            if let Ok(Some(folder)) = parent.enter(name) {
                own_files().for_each(|own| drop(folder.remove_file(OsStr::new(&own))));
                let _ = parent.remove_folder(name);
            }
        }
        Ok(Some(Kind::Other)) => drop(parent.remove_file(name)),
        Ok(None) | Err(_) => {}
    }
}
