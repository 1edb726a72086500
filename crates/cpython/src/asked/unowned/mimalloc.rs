//! Pages of mimalloc, which serves all memory of Python in builds without the GIL.
//!
//! Sources: `Include/internal/mimalloc/mimalloc/types.h`, `Objects/mimalloc/segment.c`, `Include/internal/pycore_mimalloc.h`.
//! Each thread has a heap for plain memory, for objects, for objects of the collector, and for those with words in front;
//! each heap a list of pages for each size of block:
//!
//! ```text
//! thread ──> heaps[1..] ──> pages[size].first ──> page ──next──> page ──> blocks, less those on its lists of free ones
//! ```
//!
//! Which version of mimalloc it is changed between patch releases (gh-159111): a page that contradicts its list, its place or
//! itself is none, and what is behind it is left.

use memsight_model::{Address, ReadMemory};

use super::Run;
use crate::find::locate::Python;
use crate::layout::Mimalloc;
use crate::walk::scene::Scene;

/// `MI_SEGMENT_SIZE` and `MI_SEGMENT_SLICE_SIZE`: pages are described at the start of their segment, one a slice.
const SEGMENT: u64 = 1 << 25;
const SLICE: u64 = 1 << 16;
/// Slices of a segment, and one more for huge blocks.
const SLICES: u64 = SEGMENT / SLICE + 1;
/// Heaps that hold no objects come first: plain memory.
const FIRST_OF_OBJECTS: u16 = 1;

impl Python {
    /// The runs of blocks of all threads, and whether every list was in order. Memory of threads that have ended is left out.
    pub(super) fn mimalloc_runs<M: ReadMemory>(&self, scene: &Scene<M>, interpreters: &[Address]) -> (Vec<Run>, bool) {
        let (mut runs, mut whole) = (Vec::new(), true);
        let Some(table) = &self.layout.mimalloc else { return (runs, false) };
        let threads = interpreters.iter().flat_map(|interpreter| self.threads(scene.memory, *interpreter));
        for thread in threads {
            for heap in FIRST_OF_OBJECTS..table.heap_count.min(8) {
                let heap = thread.at(i64::from(table.heaps) + i64::from(heap) * i64::from(table.heap_size));
                for queue in 0..table.queue_count.min(128) {
                    let queue = heap.at(i64::from(table.queues) + i64::from(queue) * i64::from(table.queue_size));
                    whole &= pages(scene, table, queue, &mut runs);
                }
            }
        }
        (runs, whole)
    }
}

/// Appends the pages of a list; whether it was in order.
fn pages<M: ReadMemory>(scene: &Scene<M>, table: &Mimalloc, queue: Address, runs: &mut Vec<Run>) -> bool {
    let Ok(mut page) = scene.memory.pointer(queue.at(table.first.into())) else { return false };
    while !page.is_null() {
        // Each takes a slice of its own: a list that leads in a circle ends.
        let room = scene.slots.words() * 8 / SLICE;
        let Some(run) = run(scene, table, page).filter(|_| (runs.len() as u64) < room) else { return false };
        runs.push(run);
        match scene.memory.pointer(page.at(table.next.into())) {
            Ok(next) => page = next,
            Err(_) => return false,
        }
    }
    true
}

/// A page, when what it says agrees.
fn run<M: ReadMemory>(scene: &Scene<M>, table: &Mimalloc, page: Address) -> Option<Run> {
    let memory = scene.memory;
    let number = |offset: u16, bytes: u16| match bytes {
        2 => memory.u16(page.at(offset.into())).ok().map(u64::from),
        4 => memory.u32(page.at(offset.into())).ok().map(u64::from),
        _ => memory.word(page.at(offset.into())).ok(),
    };
    let segment = page.0 & !(SEGMENT - 1);
    let within = page.0.checked_sub(segment.checked_add(table.slices.into())?)?;
    let slice = within.checked_div(table.page_size.into())?;
    let (capacity, reserved) = (number(table.capacity, 2)?, number(table.capacity + 2, 2)?);
    let used = number(table.used, table.used_size)?;
    let bytes = number(table.block_size, table.block_size_size)?;
    let area = segment.checked_add(slice.checked_mul(SLICE)?)?;
    let start = match table.page_start {
        Some(offset) => number(offset, 8)?,
        None => area.checked_add(front(bytes))?,
    };
    let in_order = within.is_multiple_of(table.page_size.into())
        && slice < SLICES
        && capacity <= reserved
        && used <= capacity
        && bytes.is_multiple_of(8)
        && start.is_multiple_of(8)
        && (area..area.checked_add(SLICE)?).contains(&start);
    let count = u32::try_from(capacity).ok().filter(|_| in_order)?;
    let list = |offset: u16| memory.pointer(page.at(offset.into())).unwrap_or_default();
    // The list that other threads put blocks on has two bits of state.
    let free = [list(table.free), list(table.local_free), Address(list(table.thread_free).0 & !3)];
    let (start, bytes, used) = (Address(start), u32::try_from(bytes).ok().filter(|bytes| *bytes > 0)?, used as u32);
    let end = start.checked_add(u64::from(bytes) * u64::from(count))?;
    if end.0 > segment.checked_add(SEGMENT)? && count > 1 {
        return None;
    }
    Some(Run { start, bytes, count, used, free, hooks: (0, 0), coarse: true })
}

/// Bytes of a page in front of its first block, where the page does not tell (`_mi_segment_page_start_from_slice`, 2.1).
fn front(bytes: u64) -> u64 {
    match bytes {
        8..=64 => 3 * bytes,
        65..=512 => bytes,
        _ => 0,
    }
}
