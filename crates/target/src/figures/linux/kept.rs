//! Files of `/proc/PID` that stay open between readings: opening one costs as much as reading it.
//!
//! A kept file, and everything opened below a kept directory of `/proc`, is bound to the process and not to its id:
//! after the process is gone it reads as ESRCH or ENOENT, whoever has the id then.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::sys;

/// Descriptors that are kept now.
static KEPT: AtomicUsize = AtomicUsize::new(0);
/// Descriptors that may be kept; 0: not looked up yet.
static ALLOWED: AtomicUsize = AtomicUsize::new(0);

/// How many files of processes are kept open now. At most a quarter of the limit on open files, so that the program
/// around us is left with its own; beyond, each reading opens its file anew.
pub fn kept_files() -> usize {
    KEPT.load(Ordering::Relaxed)
}

/// Raises this process's limit on open files to what the system allows, so that more can be kept; for programs that
/// watch many processes. Programs started from here on inherit the limit.
pub fn raise_file_limit() {
    // when it is refused, fewer files are kept
    let _ = sys::raise_file_limit();
    ALLOWED.store(0, Ordering::Relaxed);
}

fn allowed() -> usize {
    match ALLOWED.load(Ordering::Relaxed) {
        0 => {
            let quarter = usize::try_from(sys::file_limit() / 4).unwrap_or(usize::MAX).max(1);
            ALLOWED.store(quarter, Ordering::Relaxed);
            quarter
        }
        known => known,
    }
}

/// The low numbers are left to the program around us: `select` takes none from this one on (`FD_SETSIZE`).
const LEAST_NUMBER: i32 = 1024;

/// An open file that counts as kept.
#[derive(Debug)]
struct Kept(File);

impl Kept {
    /// Keeps a file if there is room for it.
    fn new(file: File) -> Option<Kept> {
        let room = allowed();
        let grown = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| (kept < room).then_some(kept + 1));
        // where the limit is no higher, any number will do
        grown.ok().map(|_| Kept(sys::duplicate_above(&file, LEAST_NUMBER).unwrap_or(file)))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The directory of a process.
#[derive(Debug)]
pub(super) struct Directory {
    pid: u32,
    /// `None`: there was no room.
    kept: Option<Kept>,
}

impl Directory {
    /// `/proc/PID`.
    pub fn open(pid: u32) -> io::Result<Directory> {
        Ok(Directory { pid, kept: Kept::new(sys::open_directory(&format!("/proc/{pid}"))?) })
    }

    /// Whether what is opened below belongs to the process for certain. When not, the caller has to compare start
    /// times after reading.
    pub fn is_bound(&self) -> bool {
        self.kept.is_some()
    }

    /// Opens a file of the process.
    pub fn file(&self, name: &CStr) -> io::Result<File> {
        match &self.kept {
            Some(directory) => sys::open_below(&directory.0, name),
            None => File::open(format!("/proc/{}/{}", self.pid, name.to_str().unwrap_or_default())),
        }
    }

    /// Reads a file into `buffer`, which must be larger than it: the kernel makes such a file in one piece.
    pub fn read<'a>(&self, name: &CStr, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let read = self.file(name)?.read_at(buffer, 0)?;
        Ok(buffer.get(..read).unwrap_or_default())
    }

    /// Reads a file of any length.
    pub fn read_all(&self, name: &CStr) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(name)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A small file that is read again and again: kept from the second reading on, so that a process that is looked at
/// once costs no descriptor.
#[derive(Debug)]
pub(super) struct Repeated {
    name: &'static CStr,
    seen: AtomicBool,
    kept: OnceLock<Kept>,
}

impl Repeated {
    pub fn new(name: &'static CStr) -> Repeated {
        Repeated { name, seen: AtomicBool::new(false), kept: OnceLock::new() }
    }

    /// Reads it whole into `buffer`; and whether it belongs to the process for certain.
    pub fn read<'a>(&self, directory: &Directory, buffer: &'a mut [u8]) -> io::Result<(&'a [u8], bool)> {
        if let Some(kept) = self.kept.get() {
            let read = kept.0.read_at(buffer, 0)?;
            return Ok((buffer.get(..read).unwrap_or_default(), true));
        }
        let file = directory.file(self.name)?;
        let read = file.read_at(buffer, 0)?;
        if directory.is_bound()
            && self.seen.swap(true, Ordering::Relaxed)
            && let Some(kept) = Kept::new(file)
        {
            // another thread may have been faster
            let _ = self.kept.set(kept);
        }
        Ok((buffer.get(..read).unwrap_or_default(), directory.is_bound()))
    }
}
