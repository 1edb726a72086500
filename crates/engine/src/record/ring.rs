//! The ring as a file in memory: made for a program, and read and emptied by calls, never mapped.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::mem::offset_of;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use memsight_recorder::LIBRARY;
use memsight_recorder::wire::{self, CHUNK_BYTES, ChunkHead, HEAD_WORDS, HEADER_BYTES, Header, PLACE, PLACE_BYTES};
use rustix::fs::{MemfdFlags, memfd_create};

/// Threads that can be recorded at once: each has a chunk. 256 MiB, of which memory is taken as it is written to.
const CHUNKS: u32 = 1024;
/// Chunks that may wait to be read: 16 MiB.
const BACKLOG: u64 = 64;

/// The ring of a program, and the library that fills it.
#[derive(Debug)]
pub(super) struct Ring {
    file: File,
    library: File,
    beat: u64,
    emptied: u64,
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
    pub(super) fn new(mean: u64) -> io::Result<Ring> {
        let flags = MemfdFlags::CLOEXEC;
        let mut library = File::from(memfd_create("memsight-recorder", flags)?);
        library.write_all(LIBRARY)?;
        let mut file = File::from(memfd_create("memsight-ring", flags)?);
        file.set_len((HEADER_BYTES + CHUNKS as usize * CHUNK_BYTES) as u64)?;
        for word in wire::header(CHUNKS, BACKLOG, mean, 0) {
            file.write_all(&word.to_le_bytes())?;
        }
        Ok(Ring { file, library, beat: 0, emptied: 0 })
    }

    /// Where the ring is.
    pub(super) fn path(&self) -> OsString {
        path(&self.file)
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
        let ring = path(&self.file).into_encoded_bytes();
        // (a zero stands behind it)
        if ring.len() >= PLACE_BYTES {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        self.library.write_all_at(&ring, (place + PLACE.len()) as u64)?;
        Ok(path(&self.library))
    }

    /// What the process says of its recording, for another thread than that which reads.
    pub(super) fn watch(&self) -> io::Result<Watch> {
        Ok(Watch(self.file.try_clone()?))
    }

    /// Shows that somebody reads.
    pub(super) fn beat(&mut self) -> io::Result<()> {
        self.beat += 1;
        self.put(offset_of!(Header, heartbeat) as u64, self.beat)
    }

    /// The process that records and the minor version of its Python, once it does.
    pub(super) fn recorded(&self) -> io::Result<Option<(u32, u32)>> {
        let pid = self.small(offset_of!(Header, recorded) as u64)?;
        // (its version is written after its id)
        let minor = self.small(offset_of!(Header, python) as u64)?;
        Ok((pid != 0 && minor != 0).then_some((pid, minor)))
    }

    /// Bytes between samples in the mean.
    pub(super) fn mean(&self) -> io::Result<u64> {
        self.word(offset_of!(Header, mean) as u64)
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

    fn word(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn small(&self, at: u64) -> io::Result<u32> {
        small(&self.file, at)
    }
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
