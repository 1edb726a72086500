//! The ring buffers of 3.15: the last collections of every generation, each with its times.
//!
//! `struct gc_stats` (`pycore_interp_structs.h`) holds 11 items for generation 0 and 3 each for generations 1 and 2; the
//! values of an item are sums since the start, so that neighbours differ by one collection. The collector writes under a
//! sequence lock, `update_seq`: odd while it writes. 3.15.0 has none: there, two equal reads are taken for a whole one.

use memsight_model::{Address, GcGeneration, ReadMemory};

use super::state::{State, word_at};
use crate::error::PythonError;
use crate::find::locate::Python;
use crate::layout::GcRings;

/// Reads before the statistics count as torn. A write takes some 50 ns: more tries only help if the writer lost its
/// processor in the middle, and then waiting is the caller's business.
const ATTEMPTS: u32 = 16;

/// The last collections of the generations of one interpreter, each list from old to new.
#[derive(Debug, Clone, PartialEq)]
pub struct GcRing {
    /// Interpreter id.
    pub interpreter: i64,
    /// For generation 0, 1 and 2.
    pub generations: [Vec<GcRecord>; 3],
}

/// One collection. The sums include it and all before it of the same generation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GcRecord {
    /// When it began, nanoseconds of `CLOCK_MONOTONIC`.
    pub started_ns: u64,
    /// When it ended.
    pub stopped_ns: u64,
    /// Its number, from 1.
    pub collections: u64,
    /// Objects freed, in all.
    pub collected: u64,
    /// Garbage that could not be freed, in all.
    pub uncollectable: u64,
    /// Objects looked at, in all.
    pub candidates: u64,
    /// Time spent, in all, in seconds.
    pub seconds: f64,
}

/// What was read of a process's ring buffers, so that looking again costs next to nothing until something happens.
#[derive(Debug, Clone, Default)]
pub struct GcRingsSeen {
    /// The newest interpreter: another one stands there when one was made.
    head: Address,
    places: Vec<Place>,
}

/// The statistics of one interpreter.
#[derive(Debug, Clone)]
struct Place {
    stats: Address,
    seen: Whole,
}

/// A whole copy of a `struct gc_stats`.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    /// Its `update_seq`, where the version has one.
    sequence: Option<u32>,
}

impl Python {
    /// The ring buffers of every interpreter, the main one first; empty when nothing was written to them since the last
    /// call with the same `seen`; `None` for versions without (up to 3.14).
    ///
    /// Cost: two reads when nothing happened (and one for each further interpreter), else six an interpreter. Fails with a
    /// transient error when the collector wrote at every attempt.
    pub fn gc_rings<M: ReadMemory>(
        &self,
        memory: &M,
        seen: &mut GcRingsSeen,
    ) -> Result<Option<Vec<GcRing>>, PythonError> {
        let Some(rings) = &self.layout.gc.rings else { return Ok(None) };
        let head = memory.pointer(self.runtime.at(self.layout.runtime.interpreters_head.into()))?;
        if head == seen.head && !head.is_null() && seen.places.iter().all(|place| place.is_unchanged(memory, rings)) {
            return Ok(Some(Vec::new()));
        }
        // What fails half-way is read again from the start.
        *seen = GcRingsSeen::default();
        let (mut found, mut places) = (Vec::new(), Vec::new());
        for (interpreter, gc) in self.gc_states(memory)? {
            let (stats, copy) = self.ring_bytes(memory, &State::read(self, memory, gc)?, rings)?;
            let generations = std::array::from_fn(|number| self.records(rings, &copy.bytes, number));
            found.push(GcRing { interpreter, generations });
            places.push(Place { stats, seen: copy });
        }
        *seen = GcRingsSeen { head, places };
        Ok(Some(found))
    }

    /// A whole copy of the `struct gc_stats` of an interpreter, and where it stands.
    pub(super) fn ring_bytes<M: ReadMemory>(
        &self,
        memory: &M,
        state: &State,
        rings: &GcRings,
    ) -> Result<(Address, Whole), PythonError> {
        let at = Address(state.word(self.layout.gc.stats)?);
        let needed = rings.old + 2 * rings.old_size;
        if rings.size < needed {
            return Err(self.unrecognised(state.at));
        }
        let mut bytes = vec![0; rings.size.into()];
        let mut again = vec![0; if rings.update_seq.is_none() { bytes.len() } else { 0 }];
        for _ in 0..ATTEMPTS {
            let (whole, sequence) = match rings.update_seq {
                Some(offset) => {
                    let before = memory.u32(at.at(offset.into()))?;
                    memory.read(at, &mut bytes)?;
                    // Read after the copy, for a copy need not go from front to back.
                    (before % 2 == 0 && memory.u32(at.at(offset.into()))? == before, Some(before))
                }
                None => {
                    memory.read(at, &mut again)?;
                    memory.read(at, &mut bytes)?;
                    (again == bytes, None)
                }
            };
            if whole {
                return Ok((at, Whole { bytes, sequence }));
            }
            std::hint::spin_loop();
        }
        Err(PythonError::TornStatistics { attempts: ATTEMPTS })
    }

    /// Fills in the sums of a generation: those of its newest collection.
    pub(super) fn newest(&self, rings: &GcRings, bytes: &[u8], number: usize, generation: &mut GcGeneration) {
        let (start, len, index) = ring(rings, number);
        let newest = bytes.get(index).map_or(0, |byte| usize::from(*byte)).min(len.saturating_sub(1));
        let record = self.record(rings, bytes, start + newest * usize::from(self.layout.gc.stat.size));
        let record = record.unwrap_or_default();
        generation.collections = record.collections;
        generation.collected = record.collected;
        generation.uncollectable = record.uncollectable;
        generation.candidates = Some(record.candidates);
        generation.duration_ns = Some((record.seconds.max(0.0) * 1e9) as u64);
    }

    /// The items of one generation that hold a collection, by number.
    fn records(&self, rings: &GcRings, bytes: &[u8], number: usize) -> Vec<GcRecord> {
        let (start, len, _) = ring(rings, number);
        let size = usize::from(self.layout.gc.stat.size);
        let items = (0..len).filter_map(|item| self.record(rings, bytes, start + item * size));
        let mut found: Vec<GcRecord> = items.filter(|record| record.collections > 0).collect();
        found.sort_by_key(|record| record.collections);
        found
    }

    fn record(&self, rings: &GcRings, bytes: &[u8], start: usize) -> Option<GcRecord> {
        let stat = &self.layout.gc.stat;
        let word = |offset: u16| word_at(bytes, start + usize::from(offset));
        Some(GcRecord {
            started_ns: word(rings.started)?,
            stopped_ns: word(rings.stopped)?,
            collections: word(stat.collections)?,
            collected: word(stat.collected)?,
            uncollectable: word(stat.uncollectable)?,
            candidates: word(rings.candidates)?,
            seconds: f64::from_bits(word(rings.duration)?),
        })
    }
}

impl Place {
    /// One read: of the sequence number, else of everything. What cannot be read has changed.
    fn is_unchanged<M: ReadMemory>(&self, memory: &M, rings: &GcRings) -> bool {
        match (rings.update_seq, self.seen.sequence) {
            (Some(offset), Some(sequence)) => memory.u32(self.stats.at(offset.into())) == Ok(sequence),
            _ => {
                let mut bytes = vec![0; self.seen.bytes.len()];
                memory.read(self.stats, &mut bytes).is_ok() && bytes == self.seen.bytes
            }
        }
    }
}

/// Where the ring of a generation starts, how many items it has, and where its index is.
fn ring(rings: &GcRings, number: usize) -> (usize, usize, usize) {
    match number.checked_sub(1) {
        None => {
            let start = usize::from(rings.young);
            (start, rings.young_len.into(), start + usize::from(rings.young_index))
        }
        Some(old) => {
            let start = usize::from(rings.old) + old * usize::from(rings.old_size);
            (start, rings.old_len.into(), start + usize::from(rings.old_index))
        }
    }
}
