//! Pages of mapped files that a process has not touched: read from the file, so that a look brings none into its memory.
//!
//! A read of such a page through the process would map it there for good, with up to 15 of its neighbours
//! (`do_fault_around` in `mm/memory.c`): its RSS would grow by what we looked at. `/proc/PID/pagemap` says which pages are
//! there. One that is not holds what the file holds, for what was ever written is there or in swap.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use memsight_model::{Address, Region};

use crate::core::disk;
use crate::maps;
use crate::procfs;
use crate::sys::PAGE;

/// Files that are held open; then they are opened anew.
const FILES: usize = 64;
/// Entries of the pagemap that are read at once.
const ENTRIES: usize = 64;

/// Who has the bytes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The process: the page is there, or is of no file, or of one that cannot be opened.
    Process,
    /// The file, from which they were read.
    File,
    /// Nobody: behind the end of the file, or code that can only be read through the process.
    Nobody,
}

/// What is known of the pages and files of a process.
#[derive(Debug)]
pub(crate) struct Absent {
    pid: u32,
    /// `/proc/PID/pagemap`, which stays with the address space of which it was opened; `None` where it is not to be had.
    entries: OnceLock<Option<File>>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    regions: Vec<Region>,
    /// By the first address of their mapping; `None` for one that cannot be opened.
    files: HashMap<u64, Option<Arc<File>>>,
}

impl Absent {
    pub fn new(pid: u32) -> Absent {
        Absent { pid, entries: OnceLock::new(), known: Mutex::default() }
    }

    /// Opens the table of pages now, so that it stays with this address space.
    pub fn pin(&self) -> Option<&File> {
        self.entries.get_or_init(|| File::open(format!("/proc/{}/pagemap", self.pid)).ok()).as_ref()
    }

    /// Whether all pages of a range are there, as far as that can be known. Cost: a system call for each 256 KiB.
    pub fn is_there(&self, at: u64, len: usize) -> bool {
        let Some(entries) = self.pin() else { return true };
        let (mut page, last) = (at / PAGE, at.saturating_add(len.max(1) as u64 - 1) / PAGE);
        while page <= last {
            let count = (last - page + 1).min(ENTRIES as u64);
            let mut bytes = [0; 8 * ENTRIES];
            let Some(room) = bytes.get_mut(..8 * count as usize) else { return true };
            if !matches!(entries.read_at(room, 8 * page), Ok(read) if read == room.len()) {
                return true; // beyond what a process can have: the read itself fails
            }
            // bit 63: in memory; bit 62: in swap
            if room.as_chunks::<8>().0.iter().any(|entry| u64::from_le_bytes(*entry) >> 62 == 0) {
                return false;
            }
            page += count;
        }
        true
    }

    /// Fills `out`, all within one page that is not there, from the file that is mapped there.
    pub fn fill(&self, at: u64, out: &mut [u8]) -> Source {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(region) = known.region(self.pid, at) else { return Source::Process };
        if !is_of_file(&region) {
            return Source::Process;
        }
        let offset = region.offset.saturating_add(at - region.start.0);
        let file = known.file(self.pid, &region);
        drop(known);
        match file {
            Some(file) => read_page(&file, offset, out),
            None if region.execute => Source::Nobody,
            None => Source::Process,
        }
    }
}

impl Known {
    /// The region of an address, looked up again where it is in none of those that are known.
    fn region(&mut self, pid: u32, at: u64) -> Option<Region> {
        if Region::find(&self.regions, Address(at)).is_none() {
            (self.regions, self.files) = (maps::parse(&procfs::read(pid, "maps").ok()?), HashMap::new());
        }
        Region::find(&self.regions, Address(at)).cloned()
    }

    fn file(&mut self, pid: u32, region: &Region) -> Option<Arc<File>> {
        if let Some(file) = self.files.get(&region.start.0) {
            return file.clone();
        }
        if self.files.len() >= FILES {
            self.files.clear();
        }
        let file = open(pid, region).map(Arc::new);
        self.files.insert(region.start.0, file.clone());
        file
    }
}

/// Whether a region is a mapped file, and no device.
fn is_of_file(region: &Region) -> bool {
    let device = region.path.starts_with("/dev/") && !region.path.starts_with("/dev/shm/");
    region.inode != 0 && region.path.starts_with('/') && !device
}

/// The file of a mapping, if it is still the one at its path.
fn open(pid: u32, region: &Region) -> Option<File> {
    by_mapping(pid, region).ok().or_else(|| {
        let file = by_path(pid, region).ok()?;
        file.metadata().is_ok_and(|about| about.ino() == region.inode).then_some(file)
    })
}

/// The file of a mapping through `/proc/PID/map_files`, which needs privileges and finds removed files, too.
pub(crate) fn by_mapping(pid: u32, region: &Region) -> io::Result<File> {
    let path = format!("/proc/{pid}/map_files/{:x}-{:x}", region.start.0, region.end.0);
    disk::open(Path::new(&path))
}

/// The file that is at the path of a mapping now, as the process has it.
pub(crate) fn by_path(pid: u32, region: &Region) -> io::Result<File> {
    disk::open_with(Path::new(&format!("/proc/{pid}/root{}", region.path)), libc::O_NOFOLLOW)
}

/// Reads bytes of one page; the last page of a file goes on with zeros.
fn read_page(file: &File, offset: u64, out: &mut [u8]) -> Source {
    let len = file.metadata().map_or(0, |about| about.len());
    if offset / PAGE * PAGE >= len {
        return Source::Nobody;
    }
    let inside = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
    let (head, tail) = out.split_at_mut(inside);
    tail.fill(0);
    match file.read_exact_at(head, offset) {
        Ok(()) => Source::File,
        Err(_) => Source::Process,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_holds_is_read_and_not_mapped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).expect("written");
        let file = File::open(&path).expect("open");
        let mut out = [7; 100];
        assert_eq!(read_page(&file, 4096, &mut out), Source::File);
        assert_eq!(out[..], bytes[4096..4196]);
        assert_eq!(read_page(&file, 19_950, &mut out), Source::File);
        assert_eq!((&out[..50], &out[50..]), (&bytes[19_950..], &[0; 50][..]));
        assert_eq!(read_page(&file, 20_480, &mut out), Source::Nobody);
    }

    #[test]
    fn own_memory_is_there() {
        let absent = Absent::new(std::process::id());
        let text = vec![1_u8; 100_000];
        assert!(absent.is_there(text.as_ptr() as u64, text.len()));
        assert_eq!(absent.fill(text.as_ptr() as u64, &mut [0; 8]), Source::Process);
    }
}
