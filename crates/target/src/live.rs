//! The memory of a running process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use memsight_model::{Address, Fault, ReadMemory};

use crate::absent::{Absent, Source};
use crate::sys::{self, Span};

/// The memory of a running process as it is at the moment of each read. Cheap to clone; a read is two system calls
/// of about 0.3 us each plus 0.4 ns a byte: the first asks whether the pages are there ([`crate::absent`]).
#[derive(Debug, Clone)]
pub struct LiveMemory {
    door: Arc<Door>,
}

#[derive(Debug)]
struct Door {
    pid: u32,
    /// `process_vm_readv` is not to be had (a seccomp filter, an old kernel): use `/proc/PID/mem`.
    refused: AtomicBool,
    /// `/proc/PID/mem`. It stays with this very address space: after the process has ended, even if its id is
    /// used again, reads find nothing.
    mem: OnceLock<Option<File>>,
    /// What is not there is not brought in; `None` for a copy of ours, which may have everything.
    absent: Option<Absent>,
}

impl Door {
    fn new(pid: u32) -> Door {
        Door { pid, refused: AtomicBool::new(false), mem: OnceLock::new(), absent: Some(Absent::new(pid)) }
    }
}

/// A way to read spans through the process.
type Way = fn(&LiveMemory, &[Span], &mut [u8]) -> io::Result<usize>;

impl LiveMemory {
    pub(crate) fn new(pid: u32) -> LiveMemory {
        LiveMemory { door: Arc::new(Door::new(pid)) }
    }

    /// Process `pid` through its open `/proc/PID/mem` alone: the way to read a forked copy, of which
    /// `process_vm_readv` would first make every page its own.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn of_file(pid: u32, mem: File) -> LiveMemory {
        let door = Door { refused: AtomicBool::new(true), mem: OnceLock::from(Some(mem)), absent: None, pid };
        LiveMemory { door: Arc::new(door) }
    }

    /// Reads `spans` one after the other into `out`; returns the bytes read, which end at the first page that is
    /// not there. An error means that nothing of the process can be read.
    pub(crate) fn read_spans(&self, spans: &[Span], out: &mut [u8]) -> io::Result<usize> {
        if !self.door.refused.load(Ordering::Relaxed) {
            let read = sys::read_vectored(self.door.pid, spans, out);
            match read.as_ref().err().and_then(io::Error::raw_os_error) {
                Some(libc::EFAULT) => return Ok(0),
                Some(libc::EPERM | libc::ENOSYS) if self.mem().is_some() => {
                    self.door.refused.store(true, Ordering::Relaxed);
                }
                _ => return read,
            }
        }
        self.read_pinned(spans, out)
    }

    /// The same through the address space that was opened first, never that of a later process.
    pub(crate) fn read_pinned(&self, spans: &[Span], mut out: &mut [u8]) -> io::Result<usize> {
        let Some(mem) = self.mem() else {
            return sys::read_vectored(self.door.pid, spans, out);
        };
        let mut total = 0;
        for span in spans {
            let Some((piece, rest)) = out.split_at_mut_checked(span.len) else { break };
            let read = fill(mem, span.at, piece)?;
            total += read;
            if read < span.len {
                break;
            }
            out = rest;
        }
        Ok(total)
    }

    /// Reads a range in one way or another; pages of files that the process has not touched come from the file. Returns the
    /// bytes read, which end where something is missing.
    fn read_politely(&self, at: u64, out: &mut [u8], way: Way) -> usize {
        let through = |at: u64, out: &mut [u8]| way(self, &[Span { at, len: out.len() }], out).unwrap_or(0);
        let Some(absent) = self.door.absent.as_ref().filter(|absent| !absent.is_there(at, out.len())) else {
            return through(at, out);
        };
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = at.saturating_add(done as u64);
            let len = rest.len().min((sys::PAGE - at % sys::PAGE) as usize);
            let piece = &mut rest[..len];
            let source = if absent.is_there(at, len) { Source::Process } else { absent.fill(at, piece) };
            let read = match source {
                Source::Process => through(at, piece),
                Source::File => len,
                Source::Nobody => 0,
            };
            done += read;
            if read < len {
                break;
            }
        }
        done
    }

    /// Reads what is there from `at` on; the bytes read, which end at the first page that is not there.
    pub(crate) fn read_some(&self, at: Address, out: &mut [u8]) -> usize {
        self.read_politely(at.0, out, LiveMemory::read_spans)
    }

    /// The page at `at` through the address space that was opened first, or from its file.
    pub(crate) fn read_page_pinned(&self, at: u64, out: &mut [u8]) -> Option<()> {
        (self.read_politely(at, out, LiveMemory::read_pinned) == out.len()).then_some(())
    }

    /// The same memory through one open file, for looks that go on for long.
    pub(crate) fn pinned(self) -> io::Result<PinnedMemory> {
        let mem = File::open(format!("/proc/{}/mem", self.door.pid))?;
        let _ = self.door.mem.set(Some(mem));
        Ok(PinnedMemory(self))
    }

    /// Opens the address space now, so that [`LiveMemory::read_pinned`] stays with it.
    pub(crate) fn pin(&self) {
        self.mem();
        self.door.absent.as_ref().map(Absent::pin);
    }

    fn mem(&self) -> Option<&File> {
        self.door.mem.get_or_init(|| File::open(format!("/proc/{}/mem", self.door.pid)).ok()).as_ref()
    }
}

/// Reads until `out` is full or a page is not there.
fn fill(mem: &File, at: u64, out: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match mem.read_at(rest, at.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // addresses past the user's half are negative offsets, which the kernel calls invalid
            Err(error) if matches!(error.raw_os_error(), Some(libc::EIO | libc::EFAULT | libc::EINVAL)) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl ReadMemory for LiveMemory {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { at, len: out.len() };
        at.checked_add(out.len() as u64).ok_or(fault)?;
        if self.read_some(at, out) == out.len() { Ok(()) } else { Err(fault) }
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let len = count.checked_mul(8).ok_or(Fault { at, len: usize::MAX })?;
        let mut bytes = vec![0; len];
        self.read(at, &mut bytes)?;
        out.extend(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
        Ok(())
    }

    fn c_string(&self, at: Address, cap: usize) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        while bytes.len() < cap {
            // never across a page, so that a string at the end of a mapping is read whole
            let from = at.0.saturating_add(bytes.len() as u64);
            let room = (sys::PAGE - from % sys::PAGE).min(256).min((cap - bytes.len()) as u64) as usize;
            let mut piece = [0; 256];
            let Some(piece) = piece.get_mut(..room) else { break };
            match self.read(Address(from), piece) {
                Err(fault) if bytes.is_empty() => return Err(fault),
                Err(_) => break,
                Ok(()) => {}
            }
            let end = piece.iter().position(|&byte| byte == 0);
            bytes.extend(piece.iter().take(end.unwrap_or(room)));
            if end.is_some() {
                break;
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The memory of a running process, bound to the address space that was there when it was opened: after the process
/// has ended or started another program, reads find nothing, even if the id is in use again. Holds one file open; a
/// read is a system call of about 0.4 us.
#[derive(Debug, Clone)]
pub struct PinnedMemory(LiveMemory);

impl ReadMemory for PinnedMemory {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { at, len: out.len() };
        match self.0.read_pinned(&[Span { at: at.0, len: out.len() }], out) {
            Ok(read) if read == out.len() => Ok(()),
            _ => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both doors to the same process: `process_vm_readv`, and `/proc/PID/mem` alone.
    fn doors() -> [LiveMemory; 2] {
        let doors = [(); 2].map(|()| LiveMemory::new(std::process::id()));
        doors[1].door.refused.store(true, Ordering::Relaxed);
        doors
    }

    #[test]
    fn both_doors_read_the_same_and_end_at_the_same_hole() {
        let bytes: Vec<u8> = (0..20_000_u32).map(|i| (i * 7) as u8).collect();
        let at = bytes.as_ptr() as u64;
        let span = |from: u64, len| Span { at: at + from, len };
        let hole = Span { at: 0x1000, len: 4096 };
        for memory in doors() {
            let mut out = vec![0; 9000];
            assert_eq!(memory.read_spans(&[span(3, 5000), span(9000, 4000)], &mut out).unwrap(), 9000);
            assert!(out[..5000] == bytes[3..5003] && out[5000..] == bytes[9000..13000]);
            assert_eq!(memory.read_spans(&[span(3, 500), hole, span(0, 4)], &mut out).unwrap(), 500);
            assert_eq!(memory.read_spans(&[hole], &mut out).unwrap(), 0);
            assert_eq!(memory.read_spans(&[Span { at: u64::MAX - 4095, len: 4096 }], &mut out).unwrap(), 0);
            let mut words = Vec::new();
            memory.words(Address(at), 2, &mut words).unwrap();
            assert_eq!(words[0].to_le_bytes(), bytes[..8]);
            assert!(memory.word(Address(8)).is_err());
        }
    }

    #[test]
    fn strings_end_at_their_zero_their_cap_or_their_page() {
        let text = b"some text\0rest".to_vec();
        let at = Address(text.as_ptr() as u64);
        for memory in doors() {
            assert_eq!(memory.c_string(at, 100).unwrap(), "some text");
            assert_eq!(memory.c_string(at, 4).unwrap(), "some");
            assert!(memory.c_string(Address(0x1000), 4).is_err());
        }
    }
}
