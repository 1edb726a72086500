//! Reading the target: one trait, so that a live process, a frozen copy, a core file and a random image of the
//! fuzzer share one decoder.

use crate::Address;

/// A read that did not happen: some byte of the range is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory at {at} for {len} bytes")]
pub struct Fault {
    /// First byte asked for.
    pub at: Address,
    /// Number of bytes asked for.
    pub len: usize,
}

/// Memory of a target. Little-endian, 64 bits.
pub trait ReadMemory {
    /// Fills `out` with the bytes at `at`, whole or not at all.
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault>;

    /// The word (8 bytes) at `at`. Implementations make this the fast path.
    fn word(&self, at: Address) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The pointer at `at`.
    fn pointer(&self, at: Address) -> Result<Address, Fault> {
        self.word(at).map(Address)
    }

    /// The signed word at `at` (`Py_ssize_t`).
    fn signed(&self, at: Address) -> Result<i64, Fault> {
        self.word(at).map(|word| word as i64)
    }

    /// The 4 bytes at `at`.
    fn u32(&self, at: Address) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The signed 4 bytes at `at` (`int`).
    fn i32(&self, at: Address) -> Result<i32, Fault> {
        self.u32(at).map(|value| value as i32)
    }

    /// The 2 bytes at `at`.
    fn u16(&self, at: Address) -> Result<u16, Fault> {
        let mut bytes = [0; 2];
        self.read(at, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    /// The byte at `at`.
    fn u8(&self, at: Address) -> Result<u8, Fault> {
        let mut bytes = [0; 1];
        self.read(at, &mut bytes)?;
        Ok(bytes[0])
    }

    /// `count` words at `at` appended to `out`. The caller has capped `count`.
    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let start = out.len();
        out.resize(start.saturating_add(count), 0);
        self.fill(at, out.get_mut(start..).unwrap_or_default()).inspect_err(|_| out.truncate(start))
    }

    /// Fills `out` with the words at `at`, whole or not at all, by a read of up to a page: of a live process each is a system
    /// call.
    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        fill_by_reads(self, at, out)
    }

    /// The blocks of 1 MiB that hold bytes, as ascending numbers (`address >> 20`); `None` when the memory cannot tell.
    /// A process may reserve terabytes that it never touches: walks plan by what is there.
    fn populated(&self) -> Option<Vec<u64>> {
        None
    }

    /// How many bytes from `at` on are known to be zeros without a read, for walks that look for something: a thread's stack
    /// is mostly memory that nobody ever touched. 0 when that is not known.
    fn blank(&self, _at: Address) -> u64 {
        0
    }

    /// A NUL-terminated string of at most `cap` bytes (lossy UTF-8; cut at `cap` or at unreadable memory).
    fn c_string(&self, at: Address, cap: usize) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        while bytes.len() < cap {
            match self.u8(at.at(bytes.len() as i64)) {
                Ok(0) => break,
                Ok(byte) => bytes.push(byte),
                Err(fault) if bytes.is_empty() => return Err(fault),
                Err(_) => break,
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// [`ReadMemory::fill`] by reads of up to a page: for those that have another way only for some of their memory.
pub fn fill_by_reads<M: ReadMemory + ?Sized>(memory: &M, at: Address, out: &mut [u64]) -> Result<(), Fault> {
    const AT_ONCE: usize = 512;
    let mut bytes = [0u8; 8 * AT_ONCE];
    for (i, words) in out.chunks_mut(AT_ONCE).enumerate() {
        let at = at.checked_add((8 * AT_ONCE * i) as u64).ok_or(Fault { at, len: 8 * words.len() })?;
        let bytes = &mut bytes[..8 * words.len()];
        memory.read(at, bytes)?;
        let read = bytes.as_chunks::<8>().0;
        words.iter_mut().zip(read).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
    }
    Ok(())
}

impl<M: ReadMemory + ?Sized> ReadMemory for &M {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        (**self).read(at, out)
    }
    fn word(&self, at: Address) -> Result<u64, Fault> {
        (**self).word(at)
    }
    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        (**self).words(at, count, out)
    }
    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        (**self).fill(at, out)
    }
    fn populated(&self) -> Option<Vec<u64>> {
        (**self).populated()
    }
    fn blank(&self, at: Address) -> u64 {
        (**self).blank(at)
    }
    fn u32(&self, at: Address) -> Result<u32, Fault> {
        (**self).u32(at)
    }
    fn u16(&self, at: Address) -> Result<u16, Fault> {
        (**self).u16(at)
    }
    fn u8(&self, at: Address) -> Result<u8, Fault> {
        (**self).u8(at)
    }
    fn c_string(&self, at: Address, cap: usize) -> Result<String, Fault> {
        (**self).c_string(at, cap)
    }
}

/// One mapping of the target (a line of `/proc/PID/maps`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Region {
    /// First byte.
    pub start: Address,
    /// One past the last byte.
    pub end: Address,
    /// May be read.
    pub read: bool,
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
    /// Shared with other processes (`s`); private otherwise.
    pub shared: bool,
    /// Offset in the mapped file.
    pub offset: u64,
    /// Inode of the mapped file, 0 for anonymous memory.
    pub inode: u64,
    /// Path of the mapped file as the target sees it, `[heap]` and the like, or empty.
    pub path: String,
}

impl Region {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether the mapping has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `at` lies inside.
    pub fn contains(&self, at: Address) -> bool {
        self.start <= at && at < self.end
    }

    /// The one of `regions`, which ascend, that holds `at`. Cost: a binary search.
    pub fn find(regions: &[Region], at: Address) -> Option<&Region> {
        let next = regions.partition_point(|region| region.start <= at);
        regions.get(next.checked_sub(1)?).filter(|region| region.contains(at))
    }
}
