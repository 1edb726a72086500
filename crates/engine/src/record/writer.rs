//! From the ring to the trace.

use memsight_format::trace::Writer;
use memsight_model::trace::{End, Event, Head};
use memsight_target::figures::Handle;

use super::Recorded;
use super::chunks::{Chunks, Sink};
use super::clock::Clock;
use super::order::{Order, Timed};
use super::ring::Ring;
use super::stacks::Stacks;
use crate::Error;

/// Events between two signs that the ring is read.
const BEATS: u64 = 64 << 10;
/// Nanoseconds between two times in a trace.
const TIMES: u64 = 10_000_000;
/// Between two readings of the resident set.
const READINGS: u64 = 50_000_000;
/// What was told is in the file after so long at the latest.
const FLUSHES: u64 = 1_000_000_000;

/// Reads a ring into a trace, bit by bit.
#[derive(Debug)]
pub(super) struct Drain {
    ring: Ring,
    trace: Writer,
    program: String,
    head: Option<Head>,
    process: Option<Handle>,
    clock: Clock,
    chunks: Chunks,
    stacks: Stacks,
    order: Order,
    told: Told,
    /// Those before the interpreter began to end.
    allocations: u64,
    is_over: bool,
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    thread: u32,
    time: u64,
    reading: u64,
    flush: u64,
}

impl Drain {
    pub(super) fn new(ring: Ring, trace: Writer, program: String) -> Drain {
        Drain {
            ring,
            trace,
            program,
            head: None,
            process: None,
            clock: Clock::start(),
            chunks: Chunks::default(),
            stacks: Stacks::default(),
            order: Order::default(),
            told: Told::default(),
            allocations: 0,
            is_over: false,
        }
    }

    /// Reads what is new; whether the program is busy.
    pub(super) fn step(&mut self) -> Result<bool, Error> {
        let now = self.clock.look();
        let until = memsight_recorder::stamp();
        if !self.has_begun()? {
            return Ok(false);
        }
        let busy = self.read()?;
        self.write(until)?;
        if now >= self.told.reading + READINGS {
            self.told.reading = now;
            self.reading(now)?;
        }
        if now >= self.told.flush + FLUSHES {
            self.told.flush = now;
            self.trace.flush()?;
        }
        Ok(busy)
    }

    /// Whether the program records; the head of the trace is written when it begins to.
    fn has_begun(&mut self) -> Result<bool, Error> {
        let failed = |source| Error::NoRing { source };
        self.ring.beat().map_err(failed)?;
        if self.head.is_some() {
            return Ok(true);
        }
        let Some((pid, python_minor)) = self.ring.recorded().map_err(failed)? else { return Ok(false) };
        let sample_bytes = self.ring.mean().map_err(failed)?;
        let program = std::mem::take(&mut self.program);
        let head = Head { pid, program, python_minor, started: self.clock.began, sample_bytes };
        self.trace.begin(&head)?;
        self.head = Some(head);
        // (without it, one that has ended already, there are no readings)
        self.process = Handle::open(pid).ok();
        Ok(true)
    }

    fn read(&mut self) -> Result<bool, Error> {
        let mut sink = Sink { trace: &mut self.trace, stacks: &mut self.stacks, order: &mut self.order };
        self.chunks.read(&mut self.ring, &mut sink)
    }

    /// Tells the events up to a time stamp.
    fn write(&mut self, until: u64) -> Result<(), Error> {
        let mut written = 0_u64;
        for Timed { stamp, thread, event } in self.order.take(until) {
            let ns = self.clock.ns(stamp);
            if ns >= self.told.time + TIMES {
                self.told.time = ns;
                self.trace.event(Event::Time(ns))?;
            }
            if thread != self.told.thread {
                self.told.thread = thread;
                self.trace.event(Event::Thread(thread))?;
            }
            self.is_over |= event == Event::Ending;
            written += 1;
            if written.is_multiple_of(BEATS) {
                self.ring.beat().map_err(|source| Error::NoRing { source })?;
            }
            self.allocations += u64::from(matches!(event, Event::Allocated { .. }) && !self.is_over);
            self.trace.event(event)?;
        }
        Ok(())
    }

    fn reading(&mut self, now: u64) -> Result<(), Error> {
        let Some(Ok(memory)) = self.process.as_ref().map(Handle::memory) else { return Ok(()) };
        if memory.rss_bytes > 0 {
            self.told.time = self.told.time.max(now);
            self.trace.event(Event::Time(self.told.time))?;
            self.trace.event(Event::Resident(memory.rss_bytes))?;
        }
        Ok(())
    }

    /// Reads and tells the rest, and how it ended.
    pub(super) fn end(mut self, exit_code: Option<i32>, signal: Option<i32>) -> Result<Recorded, Error> {
        let mut recorded = Recorded { head: None, end: End::default(), bytes: 0, allocations: 0 };
        if self.has_begun()? {
            let duration_ns = self.clock.look();
            while self.read()? {}
            self.write(u64::MAX)?;
            let lost_events = self.ring.lost().map_err(|source| Error::NoRing { source })?;
            recorded.end = End { duration_ns, lost_events, exit_code, signal };
            recorded.bytes = self.trace.end(&recorded.end)?;
            recorded.head = self.head;
            recorded.allocations = self.allocations;
        }
        Ok(recorded)
    }
}
