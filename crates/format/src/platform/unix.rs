//! Unix: modes, `flock`, names looked up in open folders, and `renameat2` where the kernel and the file system have it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, flock, mkdirat, openat, renameat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::Kind;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A file that is created is its owner's alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Locks an open file until it is closed, and never waits; `false` when somebody else holds the lock. A file system
/// without locks has none that another could hold.
pub(crate) fn lock(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Opens a file to read it, and never waits for another process.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

/// Whether the kernel makes the file up while it is read: `/proc`, `/sys` and what is mounted there.
#[cfg(target_os = "linux")]
pub(crate) fn is_of_kernel(file: &File) -> bool {
    // SYSFS_MAGIC, TRACEFS_MAGIC, DEBUGFS_MAGIC, CGROUP2_SUPER_MAGIC in include/uapi/linux/magic.h
    const OTHERS: [rustix::fs::FsWord; 4] = [0x6265_6572, 0x7472_6163, 0x6462_6720, 0x6367_7270];
    let kind = rustix::fs::fstatfs(file).map(|about| about.f_type);
    kind.is_ok_and(|kind| kind == rustix::fs::PROC_SUPER_MAGIC || OTHERS.contains(&kind))
}

/// Other systems have no such files.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_of_kernel(_file: &File) -> bool {
    false
}

/// Whether both are of the same file.
pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// An open folder: names are looked up in it, whatever becomes of the path that led there, and no link is followed.
#[derive(Debug)]
pub(crate) struct Folder {
    file: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at a path that a person gave: links on the way are followed.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        // in one that may be written but not read, names are found all the same
        let unread = |_| openat(CWD, path, FOLDER.union(OFlags::PATH), Mode::empty());
        let file = openat(CWD, path, FOLDER, Mode::empty()).or_else(unread)?;
        Ok(Folder { file: file.into(), path: path.to_path_buf() })
    }

    /// Where it was found: for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder in it, its owner's alone, and locks it until it is closed. `None` when the name is taken.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<Option<Folder>> {
        match mkdirat(&self.file, name, Mode::RWXU) {
            Ok(()) => self.enter(name),
            Err(Errno::EXIST) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a folder in it.
    pub(crate) fn within(&self, name: &OsStr) -> io::Result<Folder> {
        let file = openat(&self.file, name, FOLDER.union(OFlags::NOFOLLOW), Mode::empty())?.into();
        Ok(Folder { file, path: self.path.join(name) })
    }

    /// Opens and locks a folder in it. `None` when somebody else holds the lock, or had it removed meanwhile.
    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Option<Folder>> {
        let folder = self.within(name)?;
        Ok((lock(&folder.file) && folder.is_at(self, name)).then_some(folder))
    }

    /// Creates a file in it, its owner's alone.
    pub(crate) fn create_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Whether it belongs to whom a file of ours in it does.
    pub(crate) fn is_of_owner(&self, file: &File) -> io::Result<bool> {
        Ok(self.file.metadata()?.uid() == file.metadata()?.uid())
    }

    /// The names in it.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// What has a name in it.
    pub(crate) fn kind(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        match statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) if FileType::from_raw_mode(about.st_mode) == FileType::Directory => Ok(Some(Kind::Folder)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a file in it, to lock it.
    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(openat(&self.file, name, flags, Mode::empty())?.into())
    }

    pub(crate) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, AtFlags::empty())?)
    }

    /// Removes an empty folder in it.
    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, AtFlags::REMOVEDIR)?)
    }

    /// Gives something in it another name.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.file, from, &self.file, to)?)
    }

    /// Gives `from` a name that is free, in one step: else [`io::ErrorKind::AlreadyExists`];
    /// [`io::ErrorKind::Unsupported`] where that is not possible.
    pub(crate) fn rename_to_free(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.renamed(from, to, RenameFlags::NOREPLACE)
    }

    /// Exchanges two names in one step; [`io::ErrorKind::Unsupported`] where that is not possible.
    pub(crate) fn exchange(&self, one: &OsStr, other: &OsStr) -> io::Result<()> {
        self.renamed(one, other, RenameFlags::EXCHANGE)
    }

    fn renamed(&self, from: &OsStr, to: &OsStr, flags: RenameFlags) -> io::Result<()> {
        renameat_with(&self.file, from, &self.file, to, flags).map_err(|errno| match errno {
            // a filesystem, or a kernel, without the flag
            Errno::INVAL | Errno::NOSYS => io::ErrorKind::Unsupported.into(),
            errno => errno.into(),
        })
    }

    /// Whether this folder has that name in the other.
    pub(crate) fn is_at(&self, parent: &Folder, name: &OsStr) -> bool {
        is_at(&self.file, parent, name)
    }

    /// Waits until the names in it have reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Whether an open file has that name in a folder.
pub(crate) fn is_at(file: &File, parent: &Folder, name: &OsStr) -> bool {
    let there = statat(&parent.file, name, AtFlags::SYMLINK_NOFOLLOW);
    let same = |about: Metadata| there.is_ok_and(|there| (about.dev(), about.ino()) == (there.st_dev, there.st_ino));
    file.metadata().is_ok_and(same)
}
