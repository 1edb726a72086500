//! A cache of pages that many threads read at once without a lock.
//!
//! Every page has one frame that it may be in. A frame's tag tells which page is in it and how often it changed; whoever
//! reads looks at the tag before and after, and what changed meanwhile was no read (a seqlock, Boehm 2012, in atomics).
//! As long as the core fits, every page has a frame of its own.

use std::fs::File;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::PAGE;
use super::directory::Directory;

const WORDS: usize = PAGE as usize / 8;
/// Frames that are allocated at once, 1 MiB.
const SHELF: usize = 256;
/// What the cache takes at most.
const MOST_BYTES: u64 = 1 << 30;
/// What it may always take.
const LEAST_BYTES: u64 = 64 << 20;
/// Blocks that page numbers of 32 bits reach: 16 TiB less the last, whose numbers are taken for [`BUSY`].
const MOST_BLOCKS: usize = (1 << 24) - 1;

/// The low half of a tag: number of the page + 1, nothing yet, or being filled. The high half counts the changes.
const EMPTY: u32 = 0;
const BUSY: u32 = u32::MAX;

#[derive(Debug)]
struct Frame {
    tag: AtomicU64,
    words: [AtomicU64; WORDS],
}

type Bytes = [u8; PAGE as usize];

/// The pages of a core.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    directory: Directory,
    frames: u64,
    shelves: Vec<OnceLock<Box<[Frame]>>>,
}

impl Pages {
    /// For the pages of these blocks, which are ascending.
    pub fn new(file: File, mut blocks: Vec<u64>) -> Pages {
        blocks.truncate(MOST_BLOCKS);
        let directory = Directory::new(blocks);
        let frames = directory.pages().clamp(1, budget() / PAGE);
        let shelves = (0..frames.div_ceil(SHELF as u64)).map(|_| OnceLock::new()).collect();
        Pages { file, directory, frames, shelves }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The blocks of 1 MiB that have pages, ascending.
    pub fn blocks(&self) -> &[u64] {
        self.directory.blocks()
    }

    /// The number of the page of an address; `None` outside of the blocks.
    #[inline]
    pub fn find(&self, at: u64) -> Option<u32> {
        self.directory.page(at)
    }

    #[inline]
    fn frame(&self, page: u32) -> Option<&Frame> {
        let frame = u64::from(page) % self.frames;
        let shelf = self.shelves.get(frame as usize / SHELF)?.get_or_init(shelf);
        shelf.get(frame as usize % SHELF)
    }

    /// The word at `at`, a multiple of 8, of a page. `load` fills a page from the file.
    #[inline]
    pub fn word(&self, page: u32, at: u64, load: impl FnOnce(u64, &mut [u8]) -> Option<()>) -> Option<u64> {
        let mut word = [0];
        self.fill(page, at, &mut word, load)?;
        Some(word[0])
    }

    /// Fills `out` with the words from `at` on, a multiple of 8; all of them lie in the page.
    #[inline]
    pub fn fill(
        &self,
        page: u32,
        at: u64,
        out: &mut [u64],
        load: impl FnOnce(u64, &mut [u8]) -> Option<()>,
    ) -> Option<()> {
        let frame = self.frame(page)?;
        let first = (at % PAGE / 8) as usize;
        let before = frame.tag.load(Ordering::Acquire);
        if before as u32 == page + 1 {
            let words = frame.words.get(first..first + out.len())?;
            out.iter_mut().zip(words).for_each(|(place, word)| *place = word.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if frame.tag.load(Ordering::Relaxed) == before {
                return Some(());
            }
        }
        let bytes = frame.bring(page, at, load)?;
        let words = bytes.as_chunks::<8>().0.get(first..first + out.len())?;
        out.iter_mut().zip(words).for_each(|(place, word)| *place = u64::from_le_bytes(*word));
        Some(())
    }

    /// Fills `out` with the bytes from `at` on; all of them lie in the page.
    pub fn read(
        &self,
        page: u32,
        at: u64,
        out: &mut [u8],
        load: impl FnOnce(u64, &mut [u8]) -> Option<()>,
    ) -> Option<()> {
        let start = (at % PAGE) as usize;
        let end = start + out.len();
        let mut words = [0; WORDS];
        let words = words.get_mut(start / 8..end.div_ceil(8))?;
        self.fill(page, at - at % 8, words, load)?;
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        out.iter_mut().zip(bytes.skip(start % 8)).for_each(|(place, byte)| *place = byte);
        Some(())
    }
}

impl Frame {
    /// Reads a page from the file, and keeps it unless another thread is at this frame.
    #[cold]
    fn bring(&self, page: u32, at: u64, load: impl FnOnce(u64, &mut [u8]) -> Option<()>) -> Option<Box<Bytes>> {
        let mut bytes: Box<Bytes> = Box::new([0; PAGE as usize]);
        load(at & !(PAGE - 1), bytes.as_mut_slice())?;
        let tag = self.tag.load(Ordering::Relaxed);
        if tag as u32 == BUSY {
            return Some(bytes);
        }
        let next = (tag >> 32).wrapping_add(1) << 32;
        if self.tag.compare_exchange(tag, next | u64::from(BUSY), Ordering::Acquire, Ordering::Relaxed).is_ok() {
            fence(Ordering::Release);
            let words = bytes.as_chunks::<8>().0;
            self.words.iter().zip(words).for_each(|(to, from)| to.store(u64::from_le_bytes(*from), Ordering::Relaxed));
            self.tag.store(next | u64::from(page + 1), Ordering::Release);
        }
        Some(bytes)
    }
}

fn shelf() -> Box<[Frame]> {
    let frame = || Frame { tag: AtomicU64::new(EMPTY.into()), words: [const { AtomicU64::new(0) }; WORDS] };
    (0..SHELF).map(|_| frame()).collect()
}

/// What the cache may take of this machine: a quarter of what it has to give.
fn budget() -> u64 {
    let available = crate::figures::virtual_memory().map_or(0, |memory| memory.available_bytes);
    (available / 4).clamp(LEAST_BYTES, MOST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page whose every word tells its own address.
    fn load(at: u64, out: &mut [u8]) -> Option<()> {
        let words = out.as_chunks_mut::<8>().0;
        (at..).step_by(8).zip(words).for_each(|(address, word)| *word = address.to_le_bytes());
        Some(())
    }

    #[test]
    fn threads_that_share_few_frames_read_what_is_there() -> std::io::Result<()> {
        let file = File::open(std::env::current_exe()?)?;
        let mut pages = Pages::new(file, vec![3, 4, 900]);
        pages.frames = 5;
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let pages = &pages;
                scope.spawn(move || {
                    for step in 0..100_000u64 {
                        let block = [3, 4, 900][(step + thread) as usize % 3];
                        let at = (block << 20) + (step * 40 + thread * 4096) % (64 * 4096) / 8 * 8;
                        let page = pages.find(at).expect("in a block");
                        assert_eq!(pages.word(page, at, load), Some(at));
                    }
                });
            }
        });
        let mut bytes = [0; 11];
        let at = (3 << 20) + 4096 + 3;
        let page = pages.find(at).expect("in a block");
        assert_eq!(pages.read(page, at, &mut bytes, load), Some(()));
        let whole: Vec<u8> = [at - 3, at + 5].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes, whole[3..14]);
        assert_eq!(pages.find(5 << 20), None);
        Ok(())
    }
}
