//! Windows: who may read a file is inherited from its folder, and an open folder can keep others out. Compiled, not run.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Kind;

/// `FILE_FLAG_BACKUP_SEMANTICS`, without which no folder is opened, and `FILE_FLAG_OPEN_REPARSE_POINT`: no link is
/// followed.
const NO_FOLLOW_FOLDER: u32 = 0x0200_0000 | 0x0020_0000;
/// `FILE_SHARE_DELETE`: the folder may be renamed and removed while it is open, and nothing else.
const SHARE_DELETE: u32 = 4;
/// `ERROR_SHARING_VIOLATION`: somebody else has it open.
const SHARING_VIOLATION: i32 = 32;

/// A file that is created belongs to those to whom its folder does.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Locks an open file: locks of this system would keep SQLite's readers out, so there is none.
pub(crate) fn lock(_file: &File) -> bool {
    true
}

/// Opens a file to read it.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// This system has no files that the kernel makes up.
pub(crate) fn is_of_kernel(_file: &File) -> bool {
    false
}

/// Whether both are of the same file. Not asked for: what is open is not moved away from under its name.
pub(crate) fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// A folder by its path, kept open where it is ours.
#[derive(Debug)]
pub(crate) struct Folder {
    _file: Option<File>,
    path: PathBuf,
}

impl Folder {
    /// The folder at a path.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        match std::fs::metadata(path)?.is_dir() {
            true => Ok(Folder { _file: None, path: path.to_path_buf() }),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder in it, and keeps others out until it is closed. `None` when the name is taken.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<Option<Folder>> {
        match std::fs::create_dir(self.path.join(name)) {
            Ok(()) => self.enter(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A folder in it.
    pub(crate) fn within(&self, name: &OsStr) -> io::Result<Folder> {
        Folder::open(&self.path.join(name))
    }

    /// Opens a folder in it, and keeps others out until it is closed. `None` when somebody else has it open.
    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Option<Folder>> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.read(true).share_mode(SHARE_DELETE).custom_flags(NO_FOLLOW_FOLDER);
        match options.open(&path) {
            Ok(file) => Ok(Some(Folder { _file: Some(file), path })),
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a file in it.
    pub(crate) fn create_file(&self, name: &OsStr) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.path.join(name))
    }

    /// Whether it belongs to whom a file of ours in it does. Not asked for: an open folder is not replaced.
    pub(crate) fn is_of_owner(&self, _file: &File) -> io::Result<bool> {
        Ok(true)
    }

    /// The names in it.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    /// What has a name in it.
    pub(crate) fn kind(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        match std::fs::symlink_metadata(self.path.join(name)) {
            Ok(about) if about.is_dir() => Ok(Some(Kind::Folder)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file in it.
    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    pub(crate) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    /// Removes an empty folder in it.
    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_dir(self.path.join(name))
    }

    /// Gives something in it another name.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Gives `from` a name that is free in one step: not possible here.
    pub(crate) fn rename_to_free(&self, _from: &OsStr, _to: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Exchanges two names in one step: not possible here.
    pub(crate) fn exchange(&self, _one: &OsStr, _other: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether this folder has that name in the other. Not asked for: what is open is not moved away from under its name.
    pub(crate) fn is_at(&self, _parent: &Folder, _name: &OsStr) -> bool {
        true
    }

    /// NTFS logs names, and a folder cannot be flushed.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether an open file has that name in a folder: as with [`Folder::is_at`].
pub(crate) fn is_at(_file: &File, _parent: &Folder, _name: &OsStr) -> bool {
    true
}
