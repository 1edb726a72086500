//! The memory of a process as it stood at one moment, packed.

pub(crate) mod capture;
pub(crate) mod chunk;
mod outside;
mod page;
mod plan;
mod table;

use std::ops::Range;

use memsight_model::{Address, Fault, PageRuns, Progress, ReadMemory, Region};

use crate::error::TargetError;
use crate::process::Process;
use crate::sys::PAGE;

use capture::Copied;
pub(crate) use capture::Pool;
use chunk::Chunk;
use outside::Outside;
use page::{Origin, PAGE_BYTES};
use plan::Plan;
use table::{BLOCK_BITS, Entry, PageTable};

/// The private writable memory of a process as it stood when it was copied (heap, stacks, data of libraries),
/// packed to a third to a half of its size. Everything else (code, constants, shared memory) is read from the
/// process when asked for, for as long as it runs.
///
/// [`ReadMemory::word`] at a multiple of 8 is the fast path: no allocation, no lock, about 5 ns plus the misses
/// of the caches.
#[derive(Debug)]
pub struct Image {
    regions: Vec<Region>,
    table: PageTable,
    chunks: Vec<Chunk>,
    base: u64,
    packed: u64,
    copied: u64,
    unreadable: u64,
    /// What the copy left out although it would be wanted: a fork does not take it along. Ascending.
    left_out: Vec<Range<u64>>,
    pages: PageRuns,
    outside: Outside,
}

impl Image {
    /// Copies the memory of `process`, which stands still if somebody stopped it.
    pub(crate) fn capture(process: &Process, progress: &dyn Progress) -> Result<Image, TargetError> {
        process.memory().pin();
        let regions = process.maps()?;
        let plan = Plan::of(process.pid(), &regions)?;
        let copied = capture::copy(process, process.memory(), &plan, progress)?;
        // the memory of a process that was killed meanwhile reads as missing
        process.check_alive()?;
        Ok(Image::new(process, regions, plan, copied))
    }

    /// The same from a copy of the process. What the copy does not have is read from the process when asked for.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn capture_fork(
        process: &Process,
        copy: &crate::fork::Forked<'_>,
        progress: &dyn Progress,
    ) -> Result<Image, TargetError> {
        process.memory().pin();
        let planned = Plan::of_fork(process, copy.id(), copy.regions());
        let copied = planned.and_then(|plan| Ok((capture::copy(process, copy.memory(), &plan, progress)?, plan)));
        // the memory of a copy that was ended meanwhile reads as missing
        copy.check()?;
        let (copied, plan) = copied?;
        Ok(Image::new(process, copy.regions().to_vec(), plan, copied))
    }

    fn new(process: &Process, regions: Vec<Region>, plan: Plan, copied: Copied) -> Image {
        Image {
            regions,
            table: copied.table,
            chunks: copied.chunks,
            base: plan.base,
            packed: copied.packed,
            copied: plan.bytes,
            pages: plan.pages(),
            unreadable: copied.unreadable,
            left_out: plan.left_out,
            outside: Outside::new(process.memory()),
        }
    }

    /// All mappings of the process, ascending, as they were.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The pages that were copied: those of private writable memory that exist.
    pub fn pages(&self) -> &PageRuns {
        &self.pages
    }

    /// Bytes that this copy takes in our memory, its index included.
    pub fn stored_bytes(&self) -> u64 {
        self.packed + self.table.bytes()
    }

    /// Bytes of the target that were copied.
    pub fn copied_bytes(&self) -> u64 {
        self.copied
    }

    /// Bytes of mappings that the process keeps from its forks (`MADV_DONTFORK`, `MADV_WIPEONFORK`): they are read from
    /// the process itself when asked for, and are as they are then.
    pub fn left_out_bytes(&self) -> u64 {
        self.left_out.iter().map(|range| range.end - range.start).sum()
    }

    /// Pages that existed but could not be read; reads of them fail.
    pub fn unreadable_pages(&self) -> u64 {
        self.unreadable
    }

    #[inline]
    fn record(&self, chunk: u32, offset: u32) -> Option<&[u8]> {
        self.chunks.get(chunk as usize)?.bytes().get(offset as usize..)
    }

    #[inline]
    fn origin(&self, at: u64) -> Origin {
        Origin { base: self.base, page: at & !(PAGE - 1) }
    }

    /// The word of a copied page, for an address that is a multiple of 8.
    #[inline]
    fn stored_word(&self, at: u64) -> Option<u64> {
        match self.table.find(at) {
            Entry::Packed { chunk, offset } => {
                page::word(self.record(chunk, offset)?, self.origin(at), (at % PAGE / 8) as usize)
            }
            Entry::Zero => Some(0),
            Entry::Unknown | Entry::Unreadable => None,
        }
    }

    /// The bytes of a number of at most 8 bytes that lies within one word.
    #[inline]
    fn part(&self, at: Address, len: u64) -> Option<u64> {
        let within = at.0 % 8;
        if within + len > 8 { None } else { Some(self.stored_word(at.0 - within)? >> (8 * within)) }
    }

    /// The region that holds `at`.
    fn region(&self, at: u64) -> Option<&Region> {
        Region::find(&self.regions, Address(at))
    }

    /// Whether an address of which nothing was copied, in a region that may be read, is in a page that nobody had touched.
    fn is_untouched(&self, region: &Region, at: u64) -> bool {
        let left_out = || self.left_out.iter().any(|range| range.contains(&at));
        plan::wanted(region).is_some() && plan::is_anonymous(region) && !left_out()
    }

    /// The region of an address that may be read.
    fn readable(&self, at: u64) -> Option<&Region> {
        self.region(at).filter(|region| region.read)
    }

    /// Fills `out` from `at` on, all within one page.
    fn read_in_page(&self, at: u64, out: &mut [u8]) -> Option<()> {
        match self.table.find(at) {
            Entry::Packed { chunk, offset } => {
                unpack(self.record(chunk, offset)?, self.origin(at), (at % PAGE) as usize, out)
            }
            Entry::Zero => {
                out.fill(0);
                Some(())
            }
            Entry::Unreadable => None,
            Entry::Unknown => self.read_unknown(at, out),
        }
    }

    #[cold]
    fn read_unknown(&self, at: u64, out: &mut [u8]) -> Option<()> {
        if self.is_untouched(self.readable(at)?, at) {
            out.fill(0);
            return Some(());
        }
        let page = self.outside.page(at)?;
        let start = (at % PAGE) as usize;
        out.copy_from_slice(page.get(start..start + out.len())?);
        Some(())
    }
}

/// Fills `out` with the bytes from `start` on of a packed page.
fn unpack(record: &[u8], origin: Origin, start: usize, out: &mut [u8]) -> Option<()> {
    let before = (8 - start % 8) % 8;
    let (head, rest) = out.split_at_mut(before.min(out.len()));
    if !head.is_empty() {
        let bytes = page::word(record, origin, start / 8)?.to_le_bytes();
        head.copy_from_slice(bytes.get(start % 8..start % 8 + head.len())?);
    }
    let first = (start + head.len()) / 8;
    let (whole, tail) = rest.as_chunks_mut::<8>();
    let last = first + whole.len();
    let mut places = whole.iter_mut();
    page::words(record, origin, first, last, |word| {
        if let Some(place) = places.next() {
            *place = word.to_le_bytes();
        }
    })?;
    if !tail.is_empty() {
        let bytes = page::word(record, origin, last)?.to_le_bytes();
        tail.copy_from_slice(bytes.get(..tail.len())?);
    }
    Some(())
}

/// Splits a range of memory at the borders of pages: address and length of each piece.
fn pieces(at: u64, len: usize) -> impl Iterator<Item = (u64, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let from = at.checked_add(done as u64)?;
        let piece = (len - done).min(PAGE_BYTES - (from % PAGE) as usize);
        done += piece;
        (piece > 0).then_some((from, piece))
    })
}

impl ReadMemory for Image {
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
        Some(self.table.populated())
    }

    fn blank(&self, at: Address) -> u64 {
        let rest_of = |bytes: u64| bytes - at.0 % bytes;
        match self.table.find(at.0) {
            Entry::Packed { .. } | Entry::Unreadable => 0,
            Entry::Zero => rest_of(PAGE),
            Entry::Unknown => match self.readable(at.0) {
                Some(region) if self.is_untouched(region, at.0) => {
                    let rest = rest_of(if self.table.is_unknown(at.0) { 1 << BLOCK_BITS } else { PAGE });
                    rest.min(region.end.0 - at.0)
                }
                _ => 0,
            },
        }
    }

    #[inline]
    fn word(&self, at: Address) -> Result<u64, Fault> {
        if at.0.is_multiple_of(8)
            && let Some(word) = self.stored_word(at.0)
        {
            return Ok(word);
        }
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    #[inline]
    fn u32(&self, at: Address) -> Result<u32, Fault> {
        if let Some(value) = self.part(at, 4) {
            return Ok(value as u32);
        }
        let mut bytes = [0; 4];
        self.read(at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    #[inline]
    fn u16(&self, at: Address) -> Result<u16, Fault> {
        if let Some(value) = self.part(at, 2) {
            return Ok(value as u16);
        }
        let mut bytes = [0; 2];
        self.read(at, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    #[inline]
    fn u8(&self, at: Address) -> Result<u8, Fault> {
        if let Some(value) = self.part(at, 1) {
            return Ok(value as u8);
        }
        let mut bytes = [0; 1];
        self.read(at, &mut bytes)?;
        Ok(bytes[0])
    }

    #[inline]
    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        let fault = Fault { at, len: 8 * out.len() };
        let within = (at.0 % PAGE) as usize;
        let is_inside = at.0.is_multiple_of(8) && within + 8 * out.len() <= PAGE_BYTES;
        let entry = if is_inside { self.table.find(at.0) } else { Entry::Unreadable };
        let untouched = || self.readable(at.0).is_some_and(|region| self.is_untouched(region, at.0));
        if entry == Entry::Zero || (entry == Entry::Unknown && untouched()) {
            out.fill(0);
            return Ok(());
        }
        if let Entry::Packed { chunk, offset } = entry {
            let record = self.record(chunk, offset).ok_or(fault)?;
            return page::fill(record, self.origin(at.0), within / 8, out).ok_or(fault);
        }
        if entry == Entry::Unknown {
            let page = self.readable(at.0).and_then(|_| self.outside.page(at.0)).ok_or(fault)?;
            let words = page.as_chunks::<8>().0.iter().skip(within / 8);
            out.iter_mut().zip(words).for_each(|(place, word)| *place = u64::from_le_bytes(*word));
            return Ok(());
        }
        for (i, place) in out.iter_mut().enumerate() {
            *place = self.word(at.checked_add(8 * i as u64).ok_or(fault)?)?;
        }
        Ok(())
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let fault = Fault { at, len: count.saturating_mul(8) };
        let bytes = count.checked_mul(8).filter(|&bytes| at.0.checked_add(bytes as u64).is_some()).ok_or(fault)?;
        for (from, len) in pieces(at.0, bytes) {
            match self.table.find(from) {
                Entry::Packed { chunk, offset } if at.0.is_multiple_of(8) => {
                    let record = self.record(chunk, offset).ok_or(fault)?;
                    let first = (from % PAGE / 8) as usize;
                    page::words(record, self.origin(from), first, first + len / 8, |word| out.push(word))
                        .ok_or(fault)?;
                }
                Entry::Zero if at.0.is_multiple_of(8) => out.resize(out.len() + len / 8, 0),
                _ => {
                    return self
                        .words_slowly(Address(from), (at.0 + bytes as u64 - from) as usize, out)
                        .map_err(|_| fault);
                }
            }
        }
        Ok(())
    }
}

impl Image {
    /// Words at an odd address or from outside the copy: through bytes, for all that is left.
    fn words_slowly(&self, at: Address, len: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let mut bytes = vec![0; len];
        self.read(at, &mut bytes)?;
        out.extend(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
        Ok(())
    }
}
