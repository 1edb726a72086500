//! The memory of a process that has ended: an ELF core file, as the kernel, gcore and gdb write it.
//!
//! ```text
//! headers (PT_LOAD) ──┐
//! notes (NT_FILE ..) ─┼─> extents (address -> bytes of the core, or of a mapped file) ──> pages (cache) ──> ReadMemory
//! files on this disk ─┘
//! ```
//!
//! A core holds what the process had changed; code and constants are in the files that it had mapped, which are read
//! from this disk after they were checked against the core. Read with `pread` through a cache of pages, not mapped: a
//! core that is cut or whose disk fails while it is read ends in a fault of one read, not in a SIGBUS of whoever uses
//! this crate, and a core may be larger than the memory here.
//!
//! Sources: elf(5), core(5); `fs/binfmt_elf.c` and `fs/coredump.c` of Linux; `gcore-elf.c` of gdb. Cores of Linux on
//! x86-64; they can be read on any system.

mod directory;
pub(crate) mod disk;
mod error;
mod extents;
mod files;
mod headers;
mod notes;
mod pages;
mod regions;
mod report;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use memsight_model::{Address, Fault, ReadMemory, Region, fill_by_reads};

use crate::error::TargetError;
pub use error::{CoreCause, is_core};
use extents::{Extents, Source};
use files::Mapped;
use headers::Headers;
use pages::Pages;

/// Bytes of a page on x86-64.
pub(crate) const PAGE: u64 = 4096;

/// Where the files are that the process had mapped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoreFiles {
    /// The program itself; none: where the core says, below `sysroot`.
    pub exe: Option<PathBuf>,
    /// The root of the file system that the process saw; none: `/`.
    pub sysroot: Option<PathBuf>,
}

/// A core file, open. Its memory is read when it is asked for: a read from the cache costs some 10 ns, one from the
/// file a system call. The cache takes as much memory as the core holds bytes, at most 1 GiB and a quarter of what the
/// machine has to give.
#[derive(Debug)]
pub struct Core {
    headers: Headers,
    regions: Vec<Region>,
    extents: Extents,
    mapped: Mapped,
    pages: Pages,
    written: SystemTime,
    /// Bytes of the core that are there and could not be read.
    lost: AtomicU64,
}

impl Core {
    /// Opens the core at `path` and the files that belong to it. Cost: reading its headers, and a page of every file.
    pub fn open(path: &Path, files: &CoreFiles) -> Result<Core, TargetError> {
        let refuse = |cause| TargetError::Core { path: path.to_owned(), cause };
        let failure = |source| refuse(CoreCause::Io { source });
        let file = disk::open(path).map_err(failure)?;
        let about = file.metadata().map_err(failure)?;
        let headers = Headers::read(&file, about.len()).map_err(refuse)?;
        let regions = regions::of(&headers);
        let holes = disk::data(&file, about.len());
        let dumped = Extents::of_core(&headers, &holes);
        let mapped = Mapped::find(&headers, &regions, files, &|at, out| read_uncached(&file, &dumped, at, out))?;
        let extents = dumped.with_files(&regions, &mapped, &headers);
        let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let pages = Pages::new(file, extents.blocks());
        Ok(Core { headers, regions, extents, mapped, pages, written, lost: AtomicU64::new(0) })
    }

    /// Its mappings, ascending. Only what the core tells: no inodes (1 stands for every file), and what is shared only
    /// where the path of the mapping says so.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Id of the process in its own PID namespace; 0 when the core does not say. Source: `NT_PRPSINFO`.
    pub fn pid(&self) -> u32 {
        self.headers.notes.pid
    }

    /// Its program and arguments, the first 80 bytes of them. Source: `NT_PRPSINFO`.
    pub fn command(&self) -> &str {
        &self.headers.notes.command
    }

    /// The signal that ended it, 0 for none (gcore of a process that runs on). Source: `NT_PRSTATUS`.
    pub fn signal(&self) -> u32 {
        self.headers.notes.signal
    }

    /// Threads of the operating system. Source: `NT_PRSTATUS`, one each.
    pub fn threads(&self) -> u32 {
        self.headers.notes.threads
    }

    /// When the core was written.
    pub fn written(&self) -> SystemTime {
        self.written
    }

    /// Bytes of the process that the core holds, without the holes of a sparse file. About its resident private memory.
    pub fn dumped_bytes(&self) -> u64 {
        self.extents.dumped
    }

    /// Bytes that were mapped.
    pub fn mapped_bytes(&self) -> u64 {
        self.headers.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.memory))
    }

    /// Why something may be missing, each with its size; empty when all is there.
    pub fn missing(&self) -> Vec<String> {
        report::missing(&self.headers, &self.mapped, self.lost.load(Ordering::Relaxed))
    }

    /// Paths of programs and libraries that the process had mapped and that are not on this disk.
    pub fn missing_files(&self) -> Vec<String> {
        self.mapped.absent().map(|file| file.path.clone()).collect()
    }

    /// The file behind a mapping, whole; `None` when it is not here, is not the one that the process had, or is larger
    /// than 512 MiB.
    pub fn file(&self, region: &Region) -> Option<Vec<u8>> {
        self.mapped.of(&region.path)?.disk.as_ref()?.whole()
    }

    /// The bytes of a page; `None` when they are not there.
    fn load(&self, at: u64, out: &mut [u8]) -> Option<()> {
        let extent = self.extents.find(at)?;
        let (from, len) = (extent.offset + (at - extent.start), out.len() as u64);
        let here = len.min(extent.end - at);
        let (present, beyond) = out.split_at_mut(here as usize);
        let read = match extent.source {
            Source::Core => disk::read_at(self.pages.file(), from, present),
            Source::File(number) => self.mapped.read(number, from, present)?,
        };
        if read.is_err() {
            self.lost.fetch_add(here, Ordering::Relaxed);
            return None;
        }
        // Only the last page of a mapped file has bytes beyond its end: zeros.
        beyond.fill(0);
        Some(())
    }

    fn read_in_page(&self, at: u64, out: &mut [u8]) -> Option<()> {
        match self.pages.find(at) {
            Some(place) => self.pages.read(place, at, out, |page, bytes| self.load(page, bytes)),
            // A hole of the file, or no memory at all.
            None => self.load(at, out),
        }
    }

    #[inline]
    fn part(&self, at: u64) -> Option<u64> {
        let place = self.pages.find(at)?;
        self.pages.word(place, at, |page, bytes| self.load(page, bytes))
    }
}

/// Reads the core before there is a cache.
fn read_uncached(file: &File, extents: &Extents, at: u64, out: &mut [u8]) -> Option<()> {
    let extent = extents.find(at).filter(|extent| extent.end - at >= out.len() as u64)?;
    disk::read_at(file, extent.offset + (at - extent.start), out).ok()
}

/// Splits a range at the borders of pages: address and length of each piece.
fn pieces(at: u64, len: usize) -> impl Iterator<Item = (u64, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let from = at.checked_add(done as u64)?;
        let piece = (len - done).min((PAGE - from % PAGE) as usize);
        done += piece;
        (piece > 0).then_some((from, piece))
    })
}

impl ReadMemory for Core {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { at, len: out.len() };
        at.checked_add(out.len() as u64).ok_or(fault)?;
        let mut rest = out;
        for (from, len) in pieces(at.0, rest.len()) {
            let (piece, behind) = rest.split_at_mut(len);
            self.read_in_page(from, piece).ok_or(fault)?;
            rest = behind;
        }
        Ok(())
    }

    fn populated(&self) -> Option<Vec<u64>> {
        Some(self.pages.blocks().to_vec())
    }

    #[inline]
    fn word(&self, at: Address) -> Result<u64, Fault> {
        if at.0.is_multiple_of(8)
            && let Some(word) = self.part(at.0)
        {
            return Ok(word);
        }
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let fault = Fault { at, len: count.saturating_mul(8) };
        let len = count.checked_mul(8).filter(|&len| at.0.checked_add(len as u64).is_some()).ok_or(fault)?;
        for (from, len) in pieces(at.0, len) {
            // A word that crosses a page is read with the page after it.
            if !from.is_multiple_of(8) {
                return self.words_slowly(at, count, out);
            }
            let start = out.len();
            out.resize(start + len / 8, 0);
            self.fill(Address(from), out.get_mut(start..).unwrap_or_default()).map_err(|_| fault)?;
        }
        Ok(())
    }

    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        let fault = Fault { at, len: 8 * out.len() };
        if at.0.is_multiple_of(8)
            && at.0 % PAGE + 8 * out.len() as u64 <= PAGE
            && let Some(place) = self.pages.find(at.0)
        {
            return self.pages.fill(place, at.0, out, |page, bytes| self.load(page, bytes)).ok_or(fault);
        }
        // Across pages, and what has none in the cache, such as a hole of the file.
        fill_by_reads(self, at, out)
    }
}

impl Core {
    fn words_slowly(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        for i in 0..count as u64 {
            out.push(self.word(at.checked_add(8 * i).ok_or(Fault { at, len: 8 })?)?);
        }
        Ok(())
    }
}
