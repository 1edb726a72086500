//! What the figures come in, on every system.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use memsight_model::{Address, Rollup};

use super::ticks_a_second;

/// What the kernel puts behind the path of a file that is no longer there.
const DELETED: &[u8] = b" (deleted)";

/// The kernel gives 15 bytes of a program's name, and up to 63 of the name of a thread of its own.
const LONGEST_NAME: usize = 64;

/// The short name of a process (`comm`), held without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; LONGEST_NAME],
    len: u8,
}

impl Name {
    pub(crate) fn new(text: &[u8]) -> Name {
        let len = text.len().min(LONGEST_NAME);
        let mut bytes = [0; LONGEST_NAME];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Name { bytes, len: len as u8 }
    }

    /// As the kernel has it.
    pub fn as_os_str(&self) -> &OsStr {
        os_str(self.bytes.get(..usize::from(self.len)).unwrap_or_default())
    }

    /// As text; bytes that are not UTF-8 are replaced. It is the target's choice: escape it before showing it.
    pub fn to_str(&self) -> Cow<'_, str> {
        self.as_os_str().to_string_lossy()
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat {
    /// `R`, `S`, `D`, `Z`, `T`, `t` ...: proc(5).
    pub state: char,
    /// The parent's process id; 0: none that we can see.
    pub parent: u32,
    /// Short name: 15 bytes at most for a program.
    pub name: Name,
    /// Minor page faults so far.
    pub minor_faults: u64,
    /// Major page faults so far: those that waited for a disk.
    pub major_faults: u64,
    /// CPU time so far in user mode, in clock ticks.
    pub user_ticks: u64,
    /// CPU time so far in the kernel, in clock ticks.
    pub system_ticks: u64,
    /// Threads.
    pub threads: u32,
    /// When it started, in clock ticks since boot: with the pid, its identity.
    pub started: u64,
    /// A thread of the kernel.
    pub kernel: bool,
    /// A thread other than the first of its process: such a one can be looked up by its id, though no listing has it.
    pub thread: bool,
    /// Its parent gets no signal when it ends, as with no process that a program starts in the usual ways.
    pub silent: bool,
}

impl ProcessStat {
    /// CPU time so far, user and system, in nanoseconds; as fine as a clock tick (10 ms).
    pub fn cpu_ns(&self) -> u64 {
        self.user_ticks.saturating_add(self.system_ticks).saturating_mul(1_000_000_000 / ticks_a_second())
    }

    /// Whether it has ended and waits for its parent to notice.
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }
}

/// The users and groups of a process: real, effective, saved, of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ids {
    /// Users.
    pub uids: [u32; 4],
    /// Groups.
    pub gids: [u32; 4],
}

/// One mapping of a process and the pages in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapFigures {
    /// First byte.
    pub start: Address,
    /// Behind the last byte.
    pub end: Address,
    /// `rwxp` or `rwxs`, with `-` for what is not allowed.
    pub rights: String,
    /// Offset in the file, in bytes.
    pub offset_bytes: u64,
    /// `major:minor` of the file's device, hexadecimal.
    pub device: String,
    /// The file's inode; 0: no file.
    pub inode: u64,
    /// The path, as the kernel writes it: a newline as `\012`, ` (deleted)` behind a file that is gone; empty for
    /// anonymous memory.
    pub path: OsString,
    /// Length.
    pub size_bytes: u64,
    /// Size of a page in this mapping.
    pub page_bytes: u64,
    /// Its pages. Source: the lines of the mapping, which give no PSS by kind.
    pub pages: Rollup,
    /// Two letters each: `rd wr mr mw`, as Documentation/filesystems/proc.rst explains them (`VmFlags`).
    pub flags: String,
}

impl MapFigures {
    /// The range as the kernel and psutil write it: `00400000-0040b000`.
    pub fn range(&self) -> String {
        format!("{:08x}-{:08x}", self.start.0, self.end.0)
    }

    /// The path as psutil gives it: `[anon]` where there is none, without ` (deleted)` unless a file of that very
    /// name exists. Cost: a look at the file system for a path that ends so.
    pub fn label(&self) -> Cow<'_, OsStr> {
        let path = self.path.as_encoded_bytes().trim_ascii();
        if path.is_empty() {
            return Cow::Borrowed(OsStr::new("[anon]"));
        }
        undeleted(path)
    }
}

/// The mappings of one path, summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapGroup {
    /// [`MapFigures::label`] of each.
    pub path: OsString,
    /// Mappings.
    pub mappings: usize,
    /// Sum of their lengths.
    pub size_bytes: u64,
    /// Sums of their pages.
    pub pages: Rollup,
}

/// What `malloc` has handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapInfo {
    /// Bytes in use that come from arenas (`uordblks`): psutil's `heap_used`.
    pub heap_used_bytes: u64,
    /// Bytes in use that are mappings of their own (`hblkhd`), the large ones: psutil's `mmap_used`.
    pub mmap_used_bytes: u64,
}

/// A path without the kernel's ` (deleted)`, unless a file of the whole name exists.
pub(crate) fn undeleted(path: &[u8]) -> Cow<'_, OsStr> {
    let path = match path.strip_suffix(DELETED) {
        Some(before) if !Path::new(os_str(path)).exists() => before,
        _ => path,
    };
    Cow::Borrowed(os_str(path))
}

/// Bytes as a text of the system.
#[cfg(unix)]
fn os_str(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

/// The same where such texts are not bytes: there all come from valid UTF-8.
#[cfg(not(unix))]
fn os_str(bytes: &[u8]) -> &OsStr {
    OsStr::new(std::str::from_utf8(bytes).unwrap_or_default())
}
