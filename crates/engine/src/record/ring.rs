//! The ring as a file in memory: made for a program, and read and emptied by calls, never mapped.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::mem::offset_of;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memsight_recorder::LIBRARY;
use memsight_recorder::tables::{HEAD_BYTES, Part, ROWS_AT};
use memsight_recorder::wire::{
    self, CHUNK_BYTES, ChunkHead, HEAD_WORDS, HEADER_BYTES, Header, PLACE, PLACE_BYTES, SPARES,
};
use rustix::fs::{MemfdFlags, memfd_create};

use super::inside::Inside;

/// Threads that can be recorded at once: each has a chunk. 256 MiB, of which memory is taken as it is written to.
const CHUNKS: u32 = 1024;
/// Chunks that may wait to be read: 16 MiB.
const BACKLOG: u64 = 64;

/// Room for the tables of native frames, of which memory is taken as they are written: 128 MiB, enough for some hundred million
/// bytes of code.
const TABLES: u64 = 128 << 20;
/// Where they begin.
const TABLES_AT: u64 = (HEADER_BYTES + CHUNKS as usize * CHUNK_BYTES) as u64;

/// The ring of a program, and the library that fills it.
#[derive(Debug)]
pub(super) struct Ring {
    file: File,
    library: File,
    /// Where the process opens both, if that is not here; and its id, which it may see as another.
    inside: Option<Within>,
    beat: Arc<AtomicU64>,
    emptied: u64,
}

/// How a process calls a ring and the library that it has made itself.
#[derive(Debug)]
struct Within {
    pid: u32,
    ring: OsString,
    library: OsString,
    numbers: [u32; 2],
}

/// What the head of a chunk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub is_full: bool,
    pub thread: u32,
    pub sequence: u64,
    pub time: u64,
}

impl Ring {
    pub(super) fn new(mean: u64, native: bool) -> io::Result<Ring> {
        let flags = MemfdFlags::CLOEXEC;
        let mut library = File::from(memfd_create("memsight-recorder", flags)?);
        library.write_all(LIBRARY)?;
        Ok(Ring { file: ring(mean, native)?, library, inside: None, beat: Arc::default(), emptied: 0 })
    }

    /// One in files that the process `pid` has open.
    pub(super) fn within(pid: u32, ring: Inside, library: Inside, mean: u64, native: bool) -> io::Result<Ring> {
        let mut file = ring.file;
        fill(&mut file, mean, native)?;
        let (mut library_file, path) = (library.file, |number: u32| OsString::from(format!("/proc/self/fd/{number}")));
        library_file.write_all(LIBRARY)?;
        let numbers = [ring.number, library.number];
        let within = Within { pid, ring: path(ring.number), library: path(library.number), numbers };
        Ok(Ring { file, library: library_file, inside: Some(within), beat: Arc::default(), emptied: 0 })
    }

    /// Whoever writes to it stops.
    pub(super) fn close(&self) -> io::Result<()> {
        self.file.write_all_at(&1_u32.to_le_bytes(), offset_of!(Header, closed) as u64)
    }

    /// The process from which the recorded one came; 0 for the first.
    pub(super) fn parent(&self) -> io::Result<u32> {
        self.small(offset_of!(Header, parent) as u64)
    }

    /// Rings for the children of the process, which are recorded from now on.
    pub(super) fn spares(&self, native: bool) -> io::Result<Spares> {
        let (first, library) = (self.file.try_clone()?, self.library.try_clone()?);
        let mut spares = Spares { first, library, rings: Vec::new(), native };
        let mean = self.mean()?;
        for place in 0..SPARES {
            spares.rings.push(ring(mean, native)?);
            spares.show(place)?;
        }
        spares.put(offset_of!(Header, reader), std::process::id())?;
        spares.put(offset_of!(Header, children), 1)?;
        Ok(spares)
    }

    /// Where the ring is.
    pub(super) fn path(&self) -> OsString {
        self.inside.as_ref().map_or_else(|| path(&self.file), |within| within.ring.clone())
    }

    /// By which the program finds both: they have no name in any folder, and are gone with the last who has them open.
    pub(super) fn variables(&self, preload: Option<OsString>) -> [(&'static str, OsString); 2] {
        let mut libraries = path(&self.library);
        if let Some(others) = preload.filter(|others| !others.is_empty()) {
            libraries.push(":");
            libraries.push(others);
        }
        [("LD_PRELOAD", libraries), ("MEMSIGHT_RECORDER", path(&self.file))]
    }

    /// Where a library is that begins to record into this ring when it is loaded.
    pub(super) fn placed(&self) -> io::Result<OsString> {
        let place = LIBRARY.windows(PLACE.len()).position(|bytes| bytes == PLACE).ok_or(io::ErrorKind::InvalidData)?;
        let ring = self.path().into_encoded_bytes();
        // (a zero stands behind it)
        if ring.len() >= PLACE_BYTES {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        self.library.write_all_at(&ring, (place + PLACE.len()) as u64)?;
        Ok(self.inside.as_ref().map_or_else(|| path(&self.library), |within| within.library.clone()))
    }

    /// The numbers of the files that the process has made for it, if it has.
    pub(super) fn numbers(&self) -> Option<[u32; 2]> {
        self.inside.as_ref().map(|within| within.numbers)
    }

    /// What the process says of its recording, for another thread than that which reads.
    pub(super) fn watch(&self) -> io::Result<Watch> {
        Ok(Watch(self.file.try_clone()?))
    }

    /// Shows that somebody reads.
    pub(super) fn beat(&self) -> io::Result<()> {
        beat(&self.file, &self.beat)
    }

    /// The same for a thread that does nothing else.
    pub(super) fn pulse(&self) -> io::Result<Pulse> {
        Ok(Pulse { file: self.file.try_clone()?, count: self.beat.clone() })
    }

    /// Says who reads, and into which file, so that a look at the heap finds both.
    pub(super) fn introduce(&self, trace: Option<RawFd>) -> io::Result<()> {
        let number = |fd: RawFd| u32::try_from(fd).unwrap_or_default();
        self.put_small(offset_of!(Header, ring_fd), number(self.file.as_raw_fd()))?;
        self.put_small(offset_of!(Header, trace_fd), trace.map_or(0, |fd| number(fd) + 1))?;
        self.put_small(offset_of!(Header, reader), std::process::id())
    }

    /// The look of which the events before it are asked for; 0 for none.
    pub(super) fn look(&self) -> io::Result<u64> {
        self.word(offset_of!(Header, look) as u64)
    }

    /// All events before a look are in so many bytes of the file.
    pub(super) fn tell(&self, look: u64, bytes: u64) -> io::Result<()> {
        self.put(offset_of!(Header, told_bytes) as u64, bytes)?;
        self.put(offset_of!(Header, told) as u64, look)
    }

    /// The process that records and the minor version of its Python, once it does.
    pub(super) fn recorded(&self) -> io::Result<Option<(u32, u32)>> {
        let pid = self.small(offset_of!(Header, recorded) as u64)?;
        let pid = self.inside.as_ref().filter(|_| pid != 0).map_or(pid, |within| within.pid);
        // (its version is written after its id)
        let minor = self.small(offset_of!(Header, python) as u64)?;
        Ok((pid != 0 && minor != 0).then_some((pid, minor)))
    }

    /// Bytes between samples in the mean.
    pub(super) fn mean(&self) -> io::Result<u64> {
        self.word(offset_of!(Header, mean) as u64)
    }

    /// How often threads have met code that is in no table.
    pub(super) fn asked(&self) -> io::Result<u32> {
        self.small(offset_of!(Header, asked) as u64)
    }

    /// Says that the tables are complete, as of so many of these.
    pub(super) fn answer(&self, asked: u32) -> io::Result<()> {
        self.file.write_all_at(&asked.to_le_bytes(), offset_of!(Header, answered) as u64)
    }

    /// Writes rows behind the `used` bytes of them; where in the tables they are, and how many, which is none without room.
    pub(super) fn put_rows(&self, used: &mut u64, rows: &[u64]) -> io::Result<(u64, u64)> {
        let at = ROWS_AT as u64 + *used;
        let bytes: Vec<u8> = rows.iter().flat_map(|row| row.to_le_bytes()).collect();
        if at + bytes.len() as u64 > TABLES {
            return Ok((ROWS_AT as u64, 0));
        }
        self.file.write_all_at(&bytes, TABLES_AT + at)?;
        *used += bytes.len() as u64;
        Ok((at, rows.len() as u64))
    }

    /// Writes the part of a number, the last of all.
    pub(super) fn put_part(&self, number: usize, part: &Part) -> io::Result<()> {
        let bytes: Vec<u8> = part.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, TABLES_AT + (HEAD_BYTES + number * size_of::<Part>()) as u64)?;
        // the number last: with it the part may be used
        self.file.write_all_at(&(number as u32 + 1).to_le_bytes(), TABLES_AT)
    }

    /// Events that were lost.
    pub(super) fn lost(&self) -> io::Result<u64> {
        self.word(offset_of!(Header, lost) as u64)
    }

    /// Chunks with a lower number than this may be in use.
    pub(super) fn used(&self) -> io::Result<u32> {
        Ok(self.small(offset_of!(Header, used) as u64)?.min(CHUNKS))
    }

    /// The head of a chunk that a thread has; `None` while it is free, or not begun.
    pub(super) fn head(&self, chunk: u32) -> io::Result<Option<Head>> {
        let mut bytes = [0; 8 * HEAD_WORDS];
        self.file.read_exact_at(&mut bytes, place(chunk))?;
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let (state, thread) = (word(offset_of!(ChunkHead, state)) as u32, word(offset_of!(ChunkHead, thread)) as u32);
        let (sequence, time) = (word(offset_of!(ChunkHead, sequence)), word(offset_of!(ChunkHead, time)));
        let head = Head { is_full: state == wire::FULL, thread, sequence, time };
        Ok((state != wire::FREE && sequence != 0).then_some(head))
    }

    /// Reads words of a chunk, from the `at`th on.
    pub(super) fn read(&self, chunk: u32, at: usize, words: &mut [u64]) -> io::Result<()> {
        let mut bytes = vec![0; 8 * words.len()];
        self.file.read_exact_at(&mut bytes, place(chunk) + 8 * (HEAD_WORDS + at) as u64)?;
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Empties a full chunk, of which so many words were written, and has it free again.
    pub(super) fn free(&mut self, chunk: u32, words: usize) -> io::Result<()> {
        let zeros = vec![0; 8 * (HEAD_WORDS - 1 + words)];
        // the state last: with it the chunk may be another thread's
        self.file.write_all_at(&zeros, place(chunk) + 8)?;
        self.file.write_all_at(&[0; 8], place(chunk))?;
        self.emptied += 1;
        self.put(offset_of!(Header, emptied) as u64, self.emptied)
    }

    fn put(&self, at: u64, value: u64) -> io::Result<()> {
        self.file.write_all_at(&value.to_le_bytes(), at)
    }

    fn put_small(&self, at: usize, value: u32) -> io::Result<()> {
        self.file.write_all_at(&value.to_le_bytes(), at as u64)
    }

    fn word(&self, at: u64) -> io::Result<u64> {
        word_at(&self.file, at)
    }

    fn small(&self, at: u64) -> io::Result<u32> {
        small(&self.file, at)
    }
}

/// Shows that somebody reads.
#[derive(Debug)]
pub(super) struct Pulse {
    file: File,
    count: Arc<AtomicU64>,
}

impl Pulse {
    /// Once more.
    pub(super) fn beat(&self) -> io::Result<()> {
        beat(&self.file, &self.count)
    }
}

/// (of two at once one may be seen last that was counted first: it moves all the same)
fn beat(file: &File, count: &AtomicU64) -> io::Result<()> {
    let count = count.fetch_add(1, Ordering::Relaxed) + 1;
    file.write_all_at(&count.to_le_bytes(), offset_of!(Header, heartbeat) as u64)
}

/// Rings that children take, by a word for each in the head of the first.
#[derive(Debug)]
pub(super) struct Spares {
    first: File,
    library: File,
    rings: Vec<File>,
    native: bool,
}

impl Spares {
    /// The rings that were taken since the last call, each with the process that has it; others are there for the next then.
    pub(super) fn taken(&mut self) -> io::Result<Vec<(u32, Ring)>> {
        let mut words = [0; 8 * SPARES];
        self.first.read_exact_at(&mut words, offset_of!(Header, spares) as u64)?;
        let mut taken = Vec::new();
        for (place, word) in words.as_chunks::<8>().0.iter().enumerate() {
            let pid = (u64::from_le_bytes(*word) >> 32) as u32;
            if pid == 0 {
                continue;
            }
            let mean = word_at(&self.first, offset_of!(Header, mean) as u64)?;
            let Some(there) = self.rings.get_mut(place) else { continue };
            let file = std::mem::replace(there, ring(mean, self.native)?);
            taken.push((
                pid,
                Ring { file, library: self.library.try_clone()?, inside: None, beat: Arc::default(), emptied: 0 },
            ));
            self.show(place)?;
        }
        Ok(taken)
    }

    fn show(&self, place: usize) -> io::Result<()> {
        let Some(ring) = self.rings.get(place) else { return Ok(()) };
        let at = offset_of!(Header, spares) + 8 * place;
        self.first.write_all_at(&(ring.as_raw_fd() as u64).to_le_bytes(), at as u64)
    }

    /// Children that come now are not recorded.
    pub(super) fn end(&self) -> io::Result<()> {
        self.put(offset_of!(Header, children), 0)
    }

    /// Children that found no ring.
    pub(super) fn left_out(&self) -> io::Result<u32> {
        small(&self.first, offset_of!(Header, left_out) as u64)
    }

    fn put(&self, at: usize, value: u32) -> io::Result<()> {
        self.first.write_all_at(&value.to_le_bytes(), at as u64)
    }
}

/// A file in memory that is a ring.
fn ring(mean: u64, native: bool) -> io::Result<File> {
    let mut file = File::from(memfd_create("memsight-ring", MemfdFlags::CLOEXEC)?);
    fill(&mut file, mean, native)?;
    Ok(file)
}

/// Makes a ring of an empty file.
fn fill(file: &mut File, mean: u64, native: bool) -> io::Result<()> {
    let tables = if native { TABLES } else { 0 };
    file.set_len(TABLES_AT + tables)?;
    let bytes: Vec<u8> =
        wire::header(CHUNKS, BACKLOG, mean, 0, tables).into_iter().flat_map(u64::to_le_bytes).collect();
    file.write_all(&bytes)
}

/// What a process says of its recording.
#[derive(Debug)]
pub(super) struct Watch(File);

impl Watch {
    /// It records.
    pub(super) fn has_begun(&self) -> io::Result<bool> {
        Ok(small(&self.0, offset_of!(Header, python) as u64)? != 0)
    }

    /// It records no more.
    pub(super) fn has_ended(&self) -> io::Result<bool> {
        Ok(small(&self.0, offset_of!(Header, ended) as u64)? != 0)
    }
}

fn word_at(file: &File, at: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at)?;
    Ok(u64::from_le_bytes(bytes))
}

fn small(file: &File, at: u64) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at)?;
    Ok(u32::from_le_bytes(bytes))
}

fn path(file: &File) -> OsString {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

fn place(chunk: u32) -> u64 {
    (HEADER_BYTES + chunk as usize * CHUNK_BYTES) as u64
}
