//! The ring: memory that a recorded program shares with whoever reads its events, and the words in it.
//!
//! ```text
//! header (4 KiB) | chunk | chunk | ...        each chunk 256 KiB: a head of 8 words, then words of events
//! ```
//!
//! A thread of the program takes a free chunk, fills it and hands it over; the reader empties it with zeros and has it free
//! again. No word of an event is zero where one may begin, so that a chunk which is still written to, or whose program was
//! killed, is read up to its first zero. A chunk can be read alone: its stack begins empty. Chunks of one thread follow each
//! other by their sequence; what threads do is ordered by the times in them.
//!
//! There are as many chunks as threads may run at once, since each has one; memory is taken as they are written to. How much
//! may wait for the reader is a limit of its own, the backlog.
//!
//! With a `mean` an event is one of a sample: an allocation of `n` bytes is in it with a probability of
//! `1 - exp(-n / mean)` ([`chance`]), and so stands for as many as the inverse of that; a free is one of a block in the sample.
//!
//! | kind | high 44 bits | low 16 bits | then |
//! |---|---|---|---|
//! | [`Kind::Object`], [`Kind::Memory`], [`Kind::Raw`] | address / 8 | bytes, or [`LARGE`] | for [`LARGE`] one word: bytes |
//! | [`Kind::Free`] | address / 8 | 0 | |
//! | [`Kind::Pop`] | frames that are left | 1 | |
//! | [`Kind::Push`] | number of the code object, 0 for frames left out | position in its code, in 2 bytes | |
//! | [`Kind::Time`] | (60 bits: the processor's time stamp) | | |
//! | [`Kind::Code`] | | words of the whole record | number, first line; lengths; bytes |
//! | [`Kind::Ending`] | | 0 | |

use core::sync::atomic::{AtomicU32, AtomicU64};

/// How a header begins.
pub const MAGIC: u64 = u64::from_le_bytes(*b"memsight");
/// The version of this layout.
pub const VERSION: u32 = 3;
/// Bytes before the first chunk.
pub const HEADER_BYTES: usize = 4096;
/// Bytes of a chunk.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Words of a chunk's head.
pub const HEAD_WORDS: usize = 8;
/// Words for events in a chunk.
pub const WORDS: usize = CHUNK_BYTES / 8 - HEAD_WORDS;
/// In place of a size: the next word is the size.
pub const LARGE: u64 = (1 << 16) - 1;
/// The most bytes of a table of lines that is handed on.
pub const MAX_LINES: usize = 64 << 10;
/// The most bytes of a name of a function or file.
pub const MAX_NAME: usize = 1000;

/// A chunk that nobody uses.
pub const FREE: u32 = 0;
/// A chunk that a thread writes to.
pub const TAKEN: u32 = 1;
/// A chunk that waits for the reader.
pub const FULL: u32 = 2;

/// The start of the ring.
#[repr(C)]
#[derive(Debug)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`VERSION`].
    pub version: u32,
    /// How many chunks follow.
    pub chunks: u32,
    /// Written by the reader while it is there; a program waits for room only as long as it moves.
    pub heartbeat: AtomicU64,
    /// The sequence of the next chunk.
    pub sequence: AtomicU64,
    /// Events that were lost, since nobody read.
    pub lost: AtomicU64,
    /// How often a thread waited for room.
    pub waits: AtomicU64,
    /// Chunks that were handed over so far.
    pub handed: AtomicU64,
    /// Of these the reader has emptied so many.
    pub emptied: AtomicU64,
    /// The most chunks that wait for the reader before threads wait for it.
    pub backlog: u64,
    /// Bytes between samples in the mean; 0 where every event is written.
    pub mean: u64,
    /// What the draws of samples begin with; 0 for whatever the clock says.
    pub seed: u64,
    /// The process that records, once it does; those that it forks do not.
    pub recorded: AtomicU32,
    /// The minor version of its Python.
    pub python: AtomicU32,
    /// No chunk of this or a higher number was ever used.
    pub used: AtomicU32,
    /// Set once the process has been told to record no more, and does not.
    pub ended: AtomicU32,
}

/// In the library's file: the path of the ring of a process that loads it while it runs stands behind this, and a zero. The
/// constructor of the library begins to record then.
pub const PLACE: [u8; 16] = *b"memsight ring at";
/// Bytes for that path.
pub const PLACE_BYTES: usize = 112;

/// The words of a header, up to those that the program alone writes to.
pub const fn header(chunks: u32, backlog: u64, mean: u64, seed: u64) -> [u64; 11] {
    [MAGIC, VERSION as u64 | (chunks as u64) << 32, 0, 0, 0, 0, 0, 0, backlog, mean, seed]
}

/// The start of a chunk.
#[repr(C)]
#[derive(Debug)]
pub struct ChunkHead {
    /// [`FREE`], [`TAKEN`] or [`FULL`].
    pub state: AtomicU32,
    /// The thread that writes or wrote it.
    pub thread: AtomicU32,
    /// Its place among all chunks, from 1; 0 while it does not say yet whose it is.
    pub sequence: AtomicU64,
    /// The processor's time stamp when it was taken.
    pub time: AtomicU64,
    /// To a whole number of cache lines.
    pub spare: [u64; HEAD_WORDS - 3],
}

/// What a word begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An allocation in Python's domain of objects.
    Object = 1,
    /// One in Python's domain of memory.
    Memory = 2,
    /// One of the C library's malloc family.
    Raw = 3,
    /// A block is given back, or moved by realloc.
    Free = 4,
    /// The newest frames of the stack have ended.
    Pop = 5,
    /// A frame, or a new position of one.
    Push = 6,
    /// When what follows happened.
    Time = 7,
    /// A code object.
    Code = 8,
    /// The interpreter has begun to end.
    Ending = 9,
}

impl Kind {
    /// The kind of a word, if it is one.
    pub fn of(word: u64) -> Option<Kind> {
        const KINDS: [Kind; 9] = [
            Kind::Object,
            Kind::Memory,
            Kind::Raw,
            Kind::Free,
            Kind::Pop,
            Kind::Push,
            Kind::Time,
            Kind::Code,
            Kind::Ending,
        ];
        KINDS.get(((word >> 60) as usize).checked_sub(1)?).copied()
    }
}

/// A word; both parts are cut to what they have room for.
#[inline]
pub const fn word(kind: Kind, high: u64, low: u64) -> u64 {
    (kind as u64) << 60 | (high & ((1 << 44) - 1)) << 16 | low & LARGE
}

/// The word of a time.
#[inline]
pub const fn time(stamp: u64) -> u64 {
    (Kind::Time as u64) << 60 | stamp & ((1 << 60) - 1)
}

/// The high and the low part of a word.
#[inline]
pub const fn parts(word: u64) -> (u64, u64) {
    (word >> 16 & ((1 << 44) - 1), word & LARGE)
}

/// The probability that a sample with this mean has an allocation of so many bytes.
pub fn chance(bytes: u64, mean: u64) -> f64 {
    // exp(-x) by halving: (1 - x/2^k)^(2^k), of which the series of the small step is exact
    let mut x = bytes as f64 / mean.max(1) as f64;
    if mean == 0 || x > 40.0 {
        return 1.0;
    }
    let mut halvings = 0;
    while x > 0.01 {
        (x, halvings) = (x / 2.0, halvings + 1);
    }
    // 1 - exp(-x) for a small x, then 1 - (1 - p)^2 = p (2 - p) for twice of it
    let mut chance = x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0 * (1.0 - x / 5.0))));
    for _ in 0..halvings {
        chance *= 2.0 - chance;
    }
    chance
}

/// The lengths of name, file and table of lines, as one word of a [`Kind::Code`] record.
pub const fn lengths(name: usize, file: usize, lines: usize) -> u64 {
    (name as u64) << 48 | (file as u64) << 32 | lines as u64
}

/// What stands in a chunk: addresses in the program, sizes in bytes, positions in units of 2 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the table")]
pub enum Event<'w> {
    /// A block was allocated, in the domain of the kind.
    Allocated { kind: Kind, address: u64, bytes: u64 },
    /// A block is given back.
    Freed { address: u64 },
    /// Only so many frames of the stack are left.
    Pop { depth: u64 },
    /// A frame is new on the stack; code 0 stands for all that it was too deep for.
    Push { code: u64, offset: u64 },
    /// What follows happened at this time stamp, of which the lowest 60 bits are there.
    Time { stamp: u64 },
    /// A code object has this number from now on.
    Code(Code<'w>),
    /// The interpreter has begun to end.
    Ending,
}

/// A code object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code<'w> {
    /// What [`Event::Push`] calls it.
    pub number: u64,
    /// Its first line.
    pub first_line: u32,
    lengths: u64,
    words: &'w [u64],
}

impl Code<'_> {
    fn part(&self, skip: usize, len: usize) -> impl Iterator<Item = u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).skip(skip).take(len)
    }

    fn sizes(&self) -> (usize, usize, usize) {
        ((self.lengths >> 48) as usize, (self.lengths >> 32 & 0xffff) as usize, self.lengths as u32 as usize)
    }

    /// Its qualified name (up to 3.10 its name), in UTF-8.
    pub fn name(&self) -> impl Iterator<Item = u8> {
        self.part(0, self.sizes().0)
    }

    /// Its file, in UTF-8.
    pub fn file(&self) -> impl Iterator<Item = u8> {
        self.part(self.sizes().0, self.sizes().1)
    }

    /// Its table of lines, as the interpreter keeps it.
    pub fn lines(&self) -> impl Iterator<Item = u8> {
        let (name, file, lines) = self.sizes();
        self.part(name + file, lines)
    }
}

/// The events in the words of a chunk, up to the first that is zero. `None` within ends them: a word that is none.
#[derive(Debug, Clone)]
pub struct Events<'w> {
    words: &'w [u64],
}

/// See [`Events`].
pub fn events(words: &[u64]) -> Events<'_> {
    Events { words }
}

impl Events<'_> {
    /// Whether all words were read: otherwise the rest is no events.
    pub fn is_whole(&self) -> bool {
        self.words.first().is_none_or(|&word| word == 0)
    }

    /// How many words are left.
    pub fn rest(&self) -> usize {
        self.words.len()
    }
}

impl<'w> Iterator for Events<'w> {
    type Item = Event<'w>;

    fn next(&mut self) -> Option<Event<'w>> {
        let (&first, rest) = self.words.split_first()?;
        let kind = Kind::of(first)?;
        let (high, low) = parts(first);
        let (event, rest) = match kind {
            Kind::Object | Kind::Memory | Kind::Raw => {
                // (a size that is not there yet is 0)
                let large = || rest.split_first().filter(|(word, _)| **word != 0).map(|(&word, rest)| (word, rest));
                let (bytes, rest) = if low == LARGE { large()? } else { (low, rest) };
                (Event::Allocated { kind, address: high << 3, bytes }, rest)
            }
            Kind::Free => (Event::Freed { address: high << 3 }, rest),
            Kind::Pop => (Event::Pop { depth: high }, rest),
            Kind::Push => (Event::Push { code: high, offset: low }, rest),
            Kind::Ending => (Event::Ending, rest),
            Kind::Time => (Event::Time { stamp: first & ((1 << 60) - 1) }, rest),
            Kind::Code => {
                let (record, rest) = rest.split_at_checked((low as usize).checked_sub(1)?)?;
                let ([number, lengths], words) = record.split_first_chunk()?;
                let code = Code { number: number >> 32, first_line: *number as u32, lengths: *lengths, words };
                (Event::Code(code), rest)
            }
        };
        self.words = rest;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn words_come_apart_as_they_were_made() {
        assert_eq!(size_of::<ChunkHead>(), 8 * HEAD_WORDS);
        assert!(size_of::<Header>() <= HEADER_BYTES);
        let of_header = [
            offset_of!(Header, magic),
            offset_of!(Header, version),
            offset_of!(Header, heartbeat),
            offset_of!(Header, backlog),
            offset_of!(Header, mean),
            offset_of!(Header, seed),
        ];
        assert_eq!(of_header, [0, 8, 16, 64, 72, 80]);
        assert_eq!(header(7, 3, 5, 9), [MAGIC, 7 << 32 | 3, 0, 0, 0, 0, 0, 0, 3, 5, 9]);
        let made = word(Kind::Raw, 0x7fff_ffff_fff8 >> 3, 17);
        assert_eq!((Kind::of(made), parts(made)), (Some(Kind::Raw), (0x0fff_ffff_ffff, 17)));
        assert_eq!(Kind::of(time(u64::MAX)), Some(Kind::Time));
        assert_eq!((Kind::of(0), Kind::of(10 << 60)), (None, None));
    }

    #[test]
    fn the_chance_of_an_allocation_is_that_of_its_bytes() {
        for (bytes, mean) in [(1, 512 << 10), (56, 4096), (4096, 4096), (100_000, 4096), (1 << 30, 512 << 10)] {
            let expected = -(-(bytes as f64) / mean as f64).exp_m1();
            assert!((chance(bytes, mean) / expected - 1.0).abs() < 1e-12, "{bytes} of {mean}");
        }
        assert_eq!((chance(7, 0), chance(0, 100)), (1.0, 0.0));
    }

    #[test]
    fn events_are_read_up_to_the_first_zero_or_what_is_none() {
        let code = [word(Kind::Code, 0, 4), 7 << 32 | 12, lengths(3, 2, 1), u64::from_le_bytes(*b"runx.y!\0")];
        let words =
            [&code[..], &[word(Kind::Push, 7, 3), word(Kind::Raw, 0x200, LARGE), 1 << 30, time(5)], &[0, 10 << 60]]
                .concat();
        let mut events = events(&words);
        let Some(Event::Code(code)) = events.next() else { panic!("a code object") };
        assert_eq!((code.number, code.first_line), (7, 12));
        let text = |part: Vec<u8>| String::from_utf8(part).unwrap();
        assert_eq!(text(code.name().collect()), "run");
        assert_eq!((text(code.file().collect()), code.lines().collect()), ("x.".to_owned(), b"y".to_vec()));
        assert_eq!(events.next(), Some(Event::Push { code: 7, offset: 3 }));
        assert_eq!(events.next(), Some(Event::Allocated { kind: Kind::Raw, address: 0x1000, bytes: 1 << 30 }));
        assert_eq!(events.next(), Some(Event::Time { stamp: 5 }));
        assert!(events.next().is_none() && events.is_whole());
        for bad in
            [&[word(Kind::Code, 0, 9), 0, 0][..], &[word(Kind::Code, 0, 0)], &[10 << 60], &[word(Kind::Raw, 1, LARGE)]]
        {
            let mut events = super::events(bad);
            assert!(events.next().is_none() && !events.is_whole(), "{bad:?}");
        }
    }
}
