//! Reading chunks, also those that are still written to: each up to where it was filled, then on from there.

use std::collections::HashMap;
use std::io;

use memsight_format::FormatError;
use memsight_format::trace::Writer;
use memsight_model::trace::{Code, Domain, Event};
use memsight_recorder::wire::{self, Kind, WORDS};

use super::order::{Order, Timed};
use super::ring::{Head, Ring};
use super::stacks::Stacks;
use crate::Error;

/// Words that are read first of a chunk that is still written to.
const FIRST: usize = 512;

/// How far the chunks in use were read.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    cursors: HashMap<u32, Cursor>,
    /// Chunks that held what is no event.
    pub damaged: u64,
}

/// How far a chunk was read, and what was known there.
#[derive(Debug, Default)]
struct Cursor {
    sequence: u64,
    at: usize,
    stamp: u64,
    stack: Vec<u32>,
    is_damaged: bool,
}

/// Where events go.
pub(super) struct Sink<'a> {
    pub trace: &'a mut Writer,
    pub stacks: &'a mut Stacks,
    pub order: &'a mut Order,
}

impl Chunks {
    /// Reads what is new in all chunks, and frees those that are full; whether one was.
    pub(super) fn read(&mut self, ring: &mut Ring, sink: &mut Sink<'_>) -> Result<bool, Error> {
        let failed = |source| Error::NoRing { source };
        let mut heads = Vec::new();
        for chunk in 0..ring.used().map_err(failed)? {
            if let Some(head) = ring.head(chunk).map_err(failed)? {
                heads.push((chunk, head));
            }
        }
        // those of one thread in their order
        heads.sort_by_key(|(_, head)| head.sequence);
        let mut any_full = false;
        for (chunk, head) in heads {
            self.read_chunk(ring, chunk, head, sink)?;
            // (much may have come, and threads that wait for room are to know that it is being read)
            ring.beat().map_err(failed)?;
            if head.is_full {
                any_full = true;
                let words =
                    self.cursors.remove(&chunk).map_or(0, |cursor| if cursor.is_damaged { WORDS } else { cursor.at });
                ring.free(chunk, words).map_err(failed)?;
            }
        }
        Ok(any_full)
    }

    fn read_chunk(&mut self, ring: &Ring, chunk: u32, head: Head, sink: &mut Sink<'_>) -> Result<(), Error> {
        let cursor = self.cursors.entry(chunk).or_default();
        if cursor.sequence != head.sequence {
            *cursor = Cursor { sequence: head.sequence, stamp: head.time & ((1 << 60) - 1), ..Cursor::default() };
        }
        let mut window = if head.is_full { WORDS } else { FIRST };
        let mut words = Vec::new();
        while !cursor.is_damaged && cursor.at < WORDS {
            let len = window.min(WORDS - cursor.at);
            words.resize(len, 0);
            let read: io::Result<()> = ring.read(chunk, cursor.at, &mut words);
            read.map_err(|source| Error::NoRing { source })?;
            let rest = cursor.take(head.thread, &words, sink)?;
            cursor.at += len - rest;
            let is_last = cursor.at + rest >= WORDS;
            match rest {
                // (all of it was events, so there may be more)
                0 => {}
                rest if words[len - rest] == 0 => break,
                // it goes on behind what was read
                _ if !is_last => {}
                // it is no event, or not whole yet
                _ => {
                    cursor.is_damaged = head.is_full;
                    self.damaged += u64::from(head.is_full);
                    break;
                }
            }
            window = (window * 8).min(WORDS);
        }
        Ok(())
    }
}

impl Cursor {
    /// Takes the events of some words; how many words are left, of which the first begins none or one that is not whole.
    fn take(&mut self, thread: u32, words: &[u64], sink: &mut Sink<'_>) -> Result<usize, FormatError> {
        let mut events = wire::events(words);
        for event in events.by_ref() {
            match event {
                wire::Event::Allocated { kind, address, bytes } => {
                    let domain = match kind {
                        Kind::Object => Domain::Object,
                        Kind::Memory => Domain::Memory,
                        _ => Domain::Raw,
                    };
                    let stack = self.stack.last().copied().unwrap_or_default();
                    let event = Event::Allocated { domain, address, bytes, stack };
                    sink.order.add(Timed { stamp: self.stamp, thread, event });
                }
                wire::Event::Freed { address } => {
                    sink.order.add(Timed { stamp: self.stamp, thread, event: Event::Freed(address) });
                }
                wire::Event::Ending => sink.order.add(Timed { stamp: self.stamp, thread, event: Event::Ending }),
                wire::Event::Pop { depth } => self.stack.truncate(usize::try_from(depth).unwrap_or(usize::MAX)),
                wire::Event::Push { code, offset } => {
                    let caller = self.stack.last().copied().unwrap_or_default();
                    self.stack.push(sink.stacks.push(sink.trace, caller, (code, offset))?);
                }
                wire::Event::Time { stamp } => self.stamp = stamp,
                wire::Event::Code(code) => tell(code, sink.trace)?,
            }
        }
        Ok(events.rest())
    }
}

fn tell(code: wire::Code<'_>, trace: &mut Writer) -> Result<(), FormatError> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (name, file) = (text(code.name().collect()), text(code.file().collect()));
    // (one whose number has no place is told by no frame)
    let Ok(number) = u32::try_from(code.number) else { return Ok(()) };
    trace.code(&Code { number, name, file, first_line: code.first_line, lines: code.lines().collect() })
}
