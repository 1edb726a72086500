//! The memory in which threads keep the frames of Python functions.
//!
//! Source: `_PyStackChunk` in `Include/cpython/pystate.h` (3.11 and later): the chunk before, bytes, how far it was used. A
//! thread state has its last chunk, the top and the end of that in three words side by side (`datastack_chunk`,
//! `datastack_top`, `datastack_limit`), by which they are known.

use memsight_model::{Address, ReadMemory};

const PAGE: u64 = 4096;
/// Larger chunks are none: a frame has at most some 100,000 words.
const BYTES_CAP: u64 = 1 << 30;
/// Chunks of one thread; more are a loop.
const CHUNKS_CAP: usize = 1 << 16;

/// The chunks of the thread whose state is the `bytes` at `thread`.
pub(super) fn chunks<M: ReadMemory>(memory: &M, thread: Address, bytes: u64) -> Vec<(Address, u64)> {
    let mut words = Vec::new();
    if memory.words(thread, (bytes / 8) as usize, &mut words).is_err() {
        return Vec::new();
    }
    let last = words.windows(3).find_map(|fields| match *fields {
        [chunk, top, limit] => {
            let is_last =
                |(start, bytes): &(Address, u64)| start.0 + bytes == limit && (start.0..=limit).contains(&top);
            chunk_at(memory, chunk).filter(is_last)
        }
        _ => None,
    });
    let mut found: Vec<(Address, u64)> = last.into_iter().collect();
    while let Some((at, _)) = found.last().filter(|_| found.len() < CHUNKS_CAP) {
        let before = memory.word(*at).ok().and_then(|before| chunk_at(memory, before));
        match before.filter(|before| !found.contains(before)) {
            Some(before) => found.push(before),
            None => break,
        }
    }
    found
}

/// The chunk that begins at `at`, if one can.
fn chunk_at<M: ReadMemory>(memory: &M, at: u64) -> Option<(Address, u64)> {
    if at == 0 || !at.is_multiple_of(PAGE) {
        return None;
    }
    let bytes = memory.word(Address(at).at(8)).ok()?;
    let fits = bytes.is_multiple_of(PAGE) && (PAGE..=BYTES_CAP).contains(&bytes) && at.checked_add(bytes).is_some();
    fits.then_some((Address(at), bytes))
}
