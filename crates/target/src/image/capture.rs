//! Copying: read a portion into a buffer that stays warm, pack its pages, next. The first touch of fresh memory is
//! the dearest part on a virtual machine, so as little as possible is written, and into memory made ready before.

use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use memsight_model::Progress;

use crate::error::TargetError;
use crate::live::LiveMemory;
use crate::process::Process;
use crate::sys::{PAGE, Span};

use super::chunk::{CHUNK, Chunk};
use super::page::{self, MAX_RECORD, Origin, PAGE_BYTES};
use super::plan::Plan;
use super::table::{Block, Entry, PageTable};

/// More threads do not read faster: the memory is the limit.
const MAX_THREADS: usize = 4;

/// Memory that was touched before it is needed.
#[derive(Debug, Default)]
pub(crate) struct Pool(Vec<Chunk>);

impl Pool {
    /// The packed size to expect of `private` bytes, on the small side: the rest is found in the pause.
    pub fn expected(private: u64) -> u64 {
        private / 8 * 3
    }

    /// Has at least `bytes` ready, as far as the system gives them. Cost: on a virtual machine up to 4 ms a MiB,
    /// which its host takes to find the memory; half of that with two processors.
    pub fn fill(&mut self, bytes: u64) {
        let missing = AtomicU64::new(bytes.div_ceil(CHUNK as u64).saturating_sub(self.0.len() as u64));
        let take_one = |left: u64| left.checked_sub(1);
        let fetch = || {
            let mut chunks = Vec::new();
            while missing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_ok() {
                let Some(mut chunk) = Chunk::new() else { break };
                chunk.touch();
                chunks.push(chunk);
            }
            chunks
        };
        if missing.load(Ordering::Relaxed) == 0 {
            return;
        }
        let others = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads()).map(|_| scope.spawn(fetch)).collect();
            self.0.extend(fetch());
            others.into_iter().filter_map(|other| other.join().ok()).collect::<Vec<_>>()
        });
        self.0.extend(others.into_iter().flatten());
    }
}

/// How many threads copy.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS)
}

/// What the threads share.
struct Job<'a> {
    process: &'a Process,
    memory: LiveMemory,
    plan: &'a Plan,
    progress: &'a dyn Progress,
    next: AtomicUsize,
    done: AtomicU64,
    pool: Mutex<Pool>,
    chunks: AtomicU32,
}

/// The copy.
pub(crate) struct Copied {
    pub table: PageTable,
    pub chunks: Vec<Chunk>,
    /// Bytes of the records.
    pub packed: u64,
    /// Pages that could not be read.
    pub unreadable: u64,
}

/// Copies the pages of `plan` from `memory`, which is that of `process` or of a copy of it.
pub(crate) fn copy(
    process: &Process,
    memory: LiveMemory,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Copied, TargetError> {
    progress.phase("reading memory", Some(plan.bytes));
    let job = Job {
        process,
        memory,
        plan,
        progress,
        next: AtomicUsize::new(0),
        done: AtomicU64::new(0),
        pool: Mutex::new(process.take_pool()),
        chunks: AtomicU32::new(0),
    };
    let workers = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads()).map(|_| scope.spawn(|| Worker::new(&job).run())).collect();
        let mut all = vec![Worker::new(&job).run()];
        all.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        all
    });
    let mut copied = Copied { table: PageTable::default(), chunks: Vec::new(), packed: 0, unreadable: 0 };
    let (mut blocks, mut chunks) = (Vec::new(), Vec::new());
    for worker in workers {
        let worker = worker?;
        blocks.extend(worker.blocks);
        chunks.extend(worker.chunks);
        copied.packed += worker.packed;
        copied.unreadable += worker.unreadable;
    }
    chunks.sort_unstable_by_key(|(number, _)| *number);
    copied.chunks = chunks.into_iter().map(|(_, chunk)| chunk).collect();
    copied.table = PageTable::new(blocks);
    Ok(copied)
}

/// One thread's share.
struct Worker<'a> {
    job: &'a Job<'a>,
    blocks: Vec<Block>,
    /// Chunks by their number in the whole copy; the last one is being filled.
    chunks: Vec<(u32, Chunk)>,
    used: usize,
    packed: u64,
    unreadable: u64,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job<'a>) -> Worker<'a> {
        Worker { job, blocks: Vec::new(), chunks: Vec::new(), used: CHUNK, packed: 0, unreadable: 0 }
    }

    fn run(mut self) -> Result<Self, TargetError> {
        let mut buffer = vec![0; 1 << 20];
        while let Some(spans) = self.job.plan.portion(self.job.next.fetch_add(1, Ordering::Relaxed)) {
            if self.job.progress.cancelled() {
                return Err(TargetError::Cancelled { pid: self.job.process.pid() });
            }
            self.copy(spans, &mut buffer)?;
            let bytes = spans.iter().map(|span| span.len as u64).sum();
            self.job.progress.advance(self.job.done.fetch_add(bytes, Ordering::Relaxed) + bytes);
        }
        if let Some((_, last)) = self.chunks.last_mut() {
            last.trim(self.used);
        }
        Ok(self)
    }

    /// Copies the pages of one block.
    fn copy(&mut self, spans: &[Span], buffer: &mut [u8]) -> Result<(), TargetError> {
        let Some(first) = spans.first() else { return Ok(()) };
        let mut block = Block::of(first.at);
        let mut rest = spans.to_vec();
        while !rest.is_empty() {
            let read = self.job.memory.read_spans(&rest, buffer);
            let read = read.map_err(|error| self.job.process.failure("memory", error))? / PAGE_BYTES;
            for (page, at) in buffer.as_chunks::<PAGE_BYTES>().0.iter().zip(pages(&rest)).take(read) {
                block.set(at, self.keep(page, at)?);
            }
            // the page at which the read ended cannot be read; go on behind it
            if let Some(at) = pages(&rest).nth(read) {
                block.set(at, Entry::Unreadable);
                self.unreadable += 1;
            }
            skip(&mut rest, read + 1);
        }
        self.blocks.push(block);
        Ok(())
    }

    /// Packs the page of `at` into the chunk at hand.
    fn keep(&mut self, page: &[u8; PAGE_BYTES], at: u64) -> Result<Entry, TargetError> {
        if CHUNK - self.used < MAX_RECORD {
            self.new_chunk()?;
        }
        let offset = self.used;
        let Some((number, chunk)) = self.chunks.last_mut() else { return Ok(Entry::Unreadable) };
        let Some(room) = chunk.bytes_mut().get_mut(offset..).and_then(|room| room.first_chunk_mut()) else {
            return Ok(Entry::Unreadable);
        };
        let len = page::pack(page, Origin { base: self.job.plan.base, page: at }, room);
        if len == page::EMPTY_RECORD {
            return Ok(Entry::Zero);
        }
        self.used += len;
        self.packed += len as u64;
        Ok(Entry::Packed { chunk: *number, offset: offset as u32 })
    }

    fn new_chunk(&mut self) -> Result<(), TargetError> {
        let ready = self.job.pool.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0.pop();
        let chunk = ready.or_else(Chunk::new).ok_or_else(|| TargetError::Io {
            pid: self.job.process.pid(),
            what: "memory (too little of ours to hold it)",
            source: io::Error::from(io::ErrorKind::OutOfMemory),
        })?;
        self.chunks.push((self.job.chunks.fetch_add(1, Ordering::Relaxed), chunk));
        self.used = 0;
        Ok(())
    }
}

/// The addresses of the pages of `spans`.
fn pages(spans: &[Span]) -> impl Iterator<Item = u64> + '_ {
    spans.iter().flat_map(|span| (span.at..span.at + span.len as u64).step_by(PAGE_BYTES))
}

/// Takes the first `count` pages off `spans`.
fn skip(spans: &mut Vec<Span>, count: usize) {
    let mut bytes = count as u64 * PAGE;
    spans.retain_mut(|span| {
        let off = bytes.min(span.len as u64);
        bytes -= off;
        span.at += off;
        span.len -= off as usize;
        span.len > 0
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_goes_across_spans() {
        let mut spans = vec![Span { at: 0x1000, len: 0x2000 }, Span { at: 0x9000, len: 0x3000 }];
        assert_eq!(pages(&spans).collect::<Vec<_>>(), [0x1000, 0x2000, 0x9000, 0xa000, 0xb000]);
        skip(&mut spans, 3);
        assert_eq!(pages(&spans).collect::<Vec<_>>(), [0xa000, 0xb000]);
        skip(&mut spans, 9);
        assert!(spans.is_empty());
    }
}
