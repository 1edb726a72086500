//! The events of a trace, one after the other.

use std::collections::HashMap;

use memsight_model::trace::{End, Event, Head};

use super::amount::{Amount, Scale};
use super::blocks::{Block, Blocks};
use super::places::Places;
use super::rows::Rows;
use super::timeline::Timeline;
use super::{Profile, types::AtWord};
use crate::AnalysisError;

/// The state that the views show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// When the most bytes were live.
    #[default]
    Peak,
    /// The end of the program: when its interpreter began to end, or the trace does.
    End,
    /// So many nanoseconds after the beginning.
    Time(u64),
    /// No state: the sums over the whole run.
    All,
}

impl At {
    pub(super) fn word(self) -> AtWord {
        match self {
            At::Peak => AtWord::Peak,
            At::End => AtWord::End,
            At::Time(_) => AtWord::Time,
            At::All => AtWord::All,
        }
    }
}

/// Sums over the whole trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub live: Amount,
    pub peak: Amount,
    pub peak_ns: u64,
    pub peak_resident_bytes: Option<u64>,
    /// When the last event was.
    pub last_ns: u64,
    /// When the interpreter began to end.
    pub over_ns: Option<u64>,
    /// Frees of blocks that are not in the trace.
    pub unknown_frees: u64,
}

/// Reads events in one pass. Cost: constant for each on average, two look-ups in hash tables.
#[derive(Debug)]
pub struct Replay {
    at: At,
    scale: Scale,
    rows: Rows,
    blocks: Blocks,
    timeline: Timeline,
    totals: Totals,
    /// Allocations by thread, those of the present one in `count`.
    counts: HashMap<u32, u32>,
    thread: u32,
    count: u32,
    now_ns: u64,
    /// The row of the last allocation, which is often that of the next.
    last: Option<(u32, u32)>,
    moment: Option<Vec<Amount>>,
    /// The interpreter has begun to end.
    is_over: bool,
}

impl Replay {
    /// A replay of a trace with this head, which keeps the state `at`.
    pub fn new(head: &Head, at: At) -> Replay {
        Replay {
            at,
            scale: Scale::new(head.sample_bytes),
            rows: Rows::default(),
            blocks: Blocks::default(),
            timeline: Timeline::default(),
            totals: Totals::default(),
            counts: HashMap::new(),
            thread: 0,
            count: 0,
            now_ns: 0,
            last: None,
            moment: None,
            is_over: false,
        }
    }

    /// The next event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Thread(thread) => self.thread(thread),
            Event::Time(ns) => self.time(ns),
            // What an interpreter frees while it ends, the modules with all that is in them, was kept by the program to its end.
            Event::Ending => {
                self.is_over = true;
                self.totals.over_ns = Some(self.now_ns);
            }
            Event::Allocated { .. } | Event::Freed(_) if self.is_over => {}
            Event::Allocated { address, bytes, stack, .. } => self.allocated(address, bytes, stack),
            Event::Freed(address) => self.freed(address),
            Event::Resident(bytes) => {
                self.timeline.resident(bytes);
                self.totals.peak_resident_bytes = self.totals.peak_resident_bytes.max(Some(bytes));
            }
        }
    }

    fn thread(&mut self, thread: u32) {
        self.counts.insert(self.thread, self.count);
        self.count = self.counts.get(&thread).copied().unwrap_or_default();
        self.thread = thread;
        self.last = None;
    }

    fn time(&mut self, ns: u64) {
        let ns = ns.max(self.now_ns);
        if let At::Time(wanted) = self.at
            && ns > wanted
            && self.moment.is_none()
        {
            self.moment = Some(self.rows.moment());
        }
        self.now_ns = ns;
        self.timeline.advance(ns, self.rows.live.bytes);
    }

    fn allocated(&mut self, address: u64, bytes: u64, stack: u32) {
        let row = match self.last {
            Some((last, row)) if last == stack => row,
            _ => self.rows.number(self.thread, stack),
        };
        self.last = Some((stack, row));
        self.count = self.count.wrapping_add(1);
        let lost = self.blocks.allocated(address, Block { bytes, row, ordinal: self.count });
        if let Some(lost) = lost {
            self.rows.remove(lost.row, self.scale.amount(lost.bytes), false);
        }
        if self.rows.add(row, self.scale.amount(bytes)) {
            self.totals.peak_ns = self.now_ns;
            self.timeline.note(self.rows.live.bytes);
        }
    }

    fn freed(&mut self, address: u64) {
        let Some(block) = self.blocks.freed(address) else {
            self.totals.unknown_frees += 1;
            return;
        };
        // A peak of the point that is no peak of all.
        self.timeline.note(self.rows.live.bytes);
        let is_ours = self.rows.thread(block.row) == Some(self.thread);
        let is_temporary = is_ours && self.count.wrapping_sub(block.ordinal) <= 1;
        self.rows.remove(block.row, self.scale.amount(block.bytes), is_temporary);
    }

    pub(super) fn finish(
        mut self,
        head: Head,
        places: Places,
        end: Option<End>,
        is_cut: bool,
    ) -> Result<Profile, AnalysisError> {
        for block in self.blocks.lost() {
            self.rows.remove(block.row, self.scale.amount(block.bytes), false);
        }
        let duration_ns = end.map_or(self.now_ns, |end| end.duration_ns.max(self.now_ns));
        self.timeline.advance(duration_ns, self.rows.live.bytes);
        let moment = match (self.at, self.moment.take()) {
            (At::Time(wanted), _) if wanted > duration_ns => {
                return Err(AnalysisError::AfterTheEnd { wanted_ns: wanted, duration_ns });
            }
            (At::Time(_), None) => self.rows.moment(),
            (_, moment) => moment.unwrap_or_default(),
        };
        let (timeline, timeline_step_ns) = self.timeline.finish();
        let totals = Totals { live: self.rows.live, peak: self.rows.peak, last_ns: self.now_ns, ..self.totals };
        let at_ns = match self.at {
            At::Peak => totals.peak_ns,
            At::Time(wanted) => wanted,
            At::End => totals.over_ns.unwrap_or(duration_ns),
            At::All => duration_ns,
        };
        Ok(Profile {
            head,
            end,
            is_cut,
            at: self.at,
            at_ns,
            scale: self.scale,
            rows: self.rows.into_rows(),
            moment,
            places,
            totals,
            timeline,
            timeline_step_ns,
        })
    }
}
