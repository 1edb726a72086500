//! Writing to the ring.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::sys;
use crate::wire::{self, CHUNK_BYTES, ChunkHead, Event, HEAD_WORDS, HEADER_BYTES, Header, WORDS};

/// The ring of this process; null before it records.
static RING: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());

/// The ring of the recording before this one.
static BEFORE: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());

/// How long a thread naps between looks for room: 50 us.
const NAP: u64 = 50_000;
/// How long it waits while the reader's heart does not beat: 1 s.
const PATIENCE: u64 = 1_000_000_000;
/// The beat at which the reader's heart was seen to stand still: nobody waits for it again until it moves.
static STILL: AtomicU64 = AtomicU64::new(0);

/// Uses the ring in the file at `path` (ends with a zero). Fails when there is none that this recorder can write to.
pub fn open(path: &[u8]) -> Option<&'static Header> {
    let head = sys::share(path, HEADER_BYTES)?;
    // SAFETY: a mapping of 4096 bytes, which is given back below.
    let header = unsafe { &*head.cast::<Header>() };
    if header.magic != wire::MAGIC || header.version != wire::VERSION {
        // SAFETY: the head alone, which nobody has but we.
        unsafe { sys::give_back(head, HEADER_BYTES) };
        return None;
    }
    let bytes = (header.chunks as usize).checked_mul(CHUNK_BYTES)?.checked_add(HEADER_BYTES)?;
    let ring = sys::share(path, bytes)?.cast::<Header>();
    // SAFETY: the head alone, which nobody has but we.
    unsafe { sys::give_back(head, HEADER_BYTES) };
    let before = RING.swap(ring, Ordering::AcqRel);
    STILL.store(0, Ordering::Relaxed);
    // A thread may be in the middle of an event that it writes to the ring before; none is in the one before that.
    let oldest = BEFORE.swap(before, Ordering::AcqRel);
    if !oldest.is_null() {
        // SAFETY: a ring of ours; all are of one size.
        unsafe { sys::give_back(oldest.cast(), bytes) };
    }
    // SAFETY: as above, for the whole ring.
    Some(unsafe { &*ring })
}

/// Says that nothing is recorded any more.
pub fn ended() {
    // SAFETY: a ring that was opened stays mapped.
    if let Some(header) = unsafe { RING.load(Ordering::Acquire).as_ref() } {
        header.ended.store(1, Ordering::Release);
    }
}

/// Where one thread writes.
#[derive(Debug)]
pub struct Writer {
    at: *mut u64,
    end: *mut u64,
    chunk: *mut ChunkHead,
    /// Memory that is written to when nobody reads.
    sink: *mut u8,
}

impl Writer {
    /// One without a chunk: the first [`Writer::room`] takes one.
    pub const NEW: Writer =
        Writer { at: ptr::null_mut(), end: ptr::null_mut(), chunk: ptr::null_mut(), sink: ptr::null_mut() };

    /// Whether there is room for so many words.
    #[inline]
    pub fn has_room(&self, words: usize) -> bool {
        (self.end as usize).wrapping_sub(self.at as usize) >= 8 * words
    }

    /// Writes a word, for which there must be room.
    #[inline]
    pub fn put(&mut self, word: u64) {
        debug_assert!(self.has_room(1));
        // SAFETY: `at` lies before `end` in memory of ours, as every caller has seen by `has_room`.
        unsafe {
            self.at.write(word);
            self.at = self.at.add(1);
        }
    }

    /// The place of the next words, for which there must be room, and a way to count them as written.
    pub fn place(&mut self) -> *mut u64 {
        self.at
    }

    /// Counts words as written that were put at [`Writer::place`].
    ///
    /// # Safety
    /// There was room for so many.
    pub unsafe fn advance(&mut self, words: usize) {
        // SAFETY: the caller has seen to it.
        self.at = unsafe { self.at.add(words) };
    }

    /// Hands over the chunk at hand and takes another. Its stack begins empty. True when what was written last is lost.
    #[cold]
    pub fn next(&mut self, thread: u32) -> bool {
        let is_lost = self.hand_over();
        let ring = RING.load(Ordering::Acquire);
        // SAFETY: a ring that was opened stays mapped.
        let header = unsafe { ring.as_ref() };
        // Without room nobody reads. Without a chunk there are more threads than chunks, for which no wait helps.
        match header
            .filter(|header| has_room(header) || wait(header))
            .and_then(|header| Some((take(ring, header)?, header)))
        {
            Some((chunk, header)) => self.begin(chunk, header, thread),
            None => self.turn_to_sink(),
        }
        is_lost
    }

    fn begin(&mut self, chunk: *mut ChunkHead, header: &Header, thread: u32) {
        // SAFETY: a chunk of the ring that is ours now.
        unsafe {
            (*chunk).thread.store(thread, Ordering::Relaxed);
            (*chunk).time.store(sys::stamp(), Ordering::Relaxed);
            let before = header.sequence.fetch_add(1, Ordering::Relaxed);
            (*chunk).sequence.store(before + 1, Ordering::Release);
            self.at = chunk.cast::<u64>().add(HEAD_WORDS);
            self.end = self.at.add(WORDS);
        }
        self.chunk = chunk;
    }

    /// What is written goes nowhere from now on, until the next chunk is due.
    fn turn_to_sink(&mut self) {
        if self.sink.is_null() {
            self.sink = sys::fresh(8 * WORDS).unwrap_or_default();
        }
        self.at = self.sink.cast();
        let words = if self.sink.is_null() { 0 } else { WORDS };
        // SAFETY: the end of the sink.
        self.end = unsafe { self.at.add(words) };
    }

    fn hand_over(&mut self) -> bool {
        let mut is_lost = false;
        // SAFETY: a ring that was opened stays mapped.
        let header = unsafe { RING.load(Ordering::Acquire).as_ref() };
        if !self.chunk.is_null() {
            // SAFETY: the chunk is ours until this store.
            unsafe { (*self.chunk).state.store(wire::FULL, Ordering::Release) };
            header.inspect(|header| _ = header.handed.fetch_add(1, Ordering::Relaxed));
        } else if !self.at.is_null() {
            header.inspect(|header| _ = header.lost.fetch_add(self.sunk(), Ordering::Relaxed));
            is_lost = true;
        }
        (self.chunk, self.at, self.end) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        is_lost
    }

    /// How many events are in the sink.
    fn sunk(&self) -> u64 {
        let words = (self.at as usize).wrapping_sub(self.sink as usize) / 8;
        // SAFETY: so many words of the sink, which is ours, were written.
        let words = unsafe { core::slice::from_raw_parts(self.sink.cast::<u64>(), words) };
        let is_event = |event: &Event<'_>| matches!(event, Event::Allocated { .. } | Event::Freed { .. });
        wire::events(words).filter(is_event).count() as u64
    }

    /// Hands over what there is, for good. True when what was written last is lost.
    pub fn close(&mut self) -> bool {
        let is_lost = self.hand_over();
        if !self.sink.is_null() {
            // SAFETY: nothing writes to it any more.
            unsafe { sys::give_back(self.sink, 8 * WORDS) };
            self.sink = ptr::null_mut();
        }
        is_lost
    }

    /// Forgets its chunk without a word: in a child, where it is the parent's.
    pub fn abandon(&mut self) {
        (self.chunk, self.at, self.end) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    }
}

/// Whether less waits for the reader than may.
fn has_room(header: &Header) -> bool {
    let waiting = header.handed.load(Ordering::Relaxed).wrapping_sub(header.emptied.load(Ordering::Acquire));
    waiting < header.backlog
}

/// Waits for room as long as the reader's heart beats; whether there is some.
fn wait(header: &Header) -> bool {
    let beat = |header: &Header| header.heartbeat.load(Ordering::Relaxed);
    let (mut last, mut since) = (beat(header), sys::clock());
    while last != STILL.load(Ordering::Relaxed) && !has_room(header) {
        header.waits.fetch_add(1, Ordering::Relaxed);
        sys::nap(NAP);
        let now = sys::clock();
        match beat(header) {
            same if same != last => (last, since) = (same, now),
            _ if now.wrapping_sub(since) > PATIENCE => STILL.store(last, Ordering::Relaxed),
            _ => {}
        }
    }
    has_room(header)
}

/// A free chunk, which is ours now.
fn take(ring: *mut Header, header: &Header) -> Option<*mut ChunkHead> {
    // the first one, so that only as much memory is touched as is needed at once
    for number in 0..header.chunks {
        // SAFETY: the chunks follow the header in one mapping.
        let chunk = unsafe { ring.cast::<u8>().add(HEADER_BYTES + number as usize * CHUNK_BYTES) }.cast::<ChunkHead>();
        // SAFETY: as above; its state is an atomic.
        let state = unsafe { &(*chunk).state };
        if state.load(Ordering::Relaxed) == wire::FREE
            && state.compare_exchange(wire::FREE, wire::TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            header.used.fetch_max(number + 1, Ordering::Release);
            return Some(chunk);
        }
    }
    None
}
