//! Events in their block: a byte for each says what it is and what it has in common with those before it, and the rest stands in
//! columns, each of one kind of number, which so are near each other.

use memsight_model::trace::{Domain, Event};

use super::numbers::{Column, put, put_bytes, put_difference};

/// Blocks that came last, and those that went last, are told by their place among so many.
const RECENT: usize = 32;
const REUSED: usize = 8;

// The low three bits of an event's byte.
const THREAD: u8 = 0;
const TIME: u8 = 1;
const RESIDENT: u8 = 2;
/// With the next bit, which only this one uses of these three.
const ENDING: u8 = RESIDENT | 1 << 3;
const OBJECT: u8 = 3;
const MEMORY: u8 = 4;
const RAW: u8 = 5;
/// Its address is in the column.
const FREED: u8 = 6;
/// Its address is that of a recent block, whose place stands in the other bits.
const FREED_RECENT: u8 = 7;
// Further bits of an allocation; above them its address: 0 for one in the column, else a place among those that went last.
const SAME_STACK: u8 = 1 << 3;
const SAME_SIZE: u8 = 1 << 4;

/// What is known of the events before, alike where they are written and read. Begins anew with each block.
#[derive(Debug, Clone, Copy)]
struct Before {
    address: u64,
    freed: u64,
    bytes: u64,
    stack: u32,
    time: u64,
    recent: [u64; RECENT],
    at: usize,
    reused: [u64; REUSED],
    reused_at: usize,
}

impl Before {
    const NOTHING: Before = Before {
        address: 0,
        freed: 0,
        bytes: 0,
        stack: 0,
        time: 0,
        recent: [u64::MAX; RECENT],
        at: 0,
        reused: [u64::MAX; REUSED],
        reused_at: 0,
    };

    #[inline]
    fn allocated(&mut self, address: u64, bytes: u64, stack: u32) {
        (self.address, self.bytes, self.stack) = (address, bytes, stack);
        self.recent[self.at] = address;
        self.at = (self.at + 1) % RECENT;
    }

    #[inline]
    fn freed(&mut self, address: u64) {
        self.freed = address;
        self.reused[self.reused_at] = address;
        self.reused_at = (self.reused_at + 1) % REUSED;
    }

    /// How long ago a block came, if it is a recent one.
    #[inline]
    fn recent(&self, address: u64) -> Option<u8> {
        (0..RECENT).find(|ago| self.recent[(self.at + RECENT - 1 - ago) % RECENT] == address).map(|ago| ago as u8)
    }

    /// How long ago a block went, from 1.
    #[inline]
    fn reused(&self, address: u64) -> Option<u8> {
        (1..REUSED).find(|ago| self.reused[(self.reused_at + REUSED - ago) % REUSED] == address).map(|ago| ago as u8)
    }
}

/// Events that are not written yet.
#[derive(Debug)]
pub(super) struct Columns {
    count: u64,
    before: Before,
    heads: Vec<u8>,
    addresses: Vec<u8>,
    sizes: Vec<u8>,
    stacks: Vec<u8>,
    others: Vec<u8>,
}

impl Columns {
    pub(super) fn new() -> Columns {
        let empty = Vec::new;
        let before = Before::NOTHING;
        Columns {
            count: 0,
            before,
            heads: empty(),
            addresses: empty(),
            sizes: empty(),
            stacks: empty(),
            others: empty(),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    #[inline]
    pub(super) fn put(&mut self, event: Event) {
        self.count += 1;
        let head = match event {
            Event::Thread(thread) => {
                put(&mut self.others, thread.into());
                THREAD
            }
            Event::Time(time) => {
                put_difference(&mut self.others, self.before.time, time);
                self.before.time = time;
                TIME
            }
            Event::Resident(bytes) => {
                put(&mut self.others, bytes);
                RESIDENT
            }
            Event::Ending => ENDING,
            Event::Allocated { domain, address, bytes, stack } => self.allocated(domain, address, bytes, stack),
            Event::Freed(address) => {
                let recent = self.before.recent(address);
                if recent.is_none() {
                    put_difference(&mut self.addresses, self.before.freed, address);
                }
                self.before.freed(address);
                recent.map_or(FREED, |place| FREED_RECENT | place << 3)
            }
        };
        self.heads.push(head);
    }

    #[inline]
    fn allocated(&mut self, domain: Domain, address: u64, bytes: u64, stack: u32) -> u8 {
        let mut head = match domain {
            Domain::Object => OBJECT,
            Domain::Memory => MEMORY,
            Domain::Raw => RAW,
        };
        match self.before.reused(address) {
            Some(place) => head |= place << 5,
            None => put_difference(&mut self.addresses, self.before.address, address),
        }
        match bytes == self.before.bytes {
            true => head |= SAME_SIZE,
            false => put(&mut self.sizes, bytes),
        }
        match stack == self.before.stack {
            true => head |= SAME_STACK,
            false => put_difference(&mut self.stacks, self.before.stack.into(), stack.into()),
        }
        self.before.allocated(address, bytes, stack);
        head
    }

    /// All of them as one block, after which there are none.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(self.heads.len() * 8);
        for column in [&mut self.heads, &mut self.addresses, &mut self.sizes, &mut self.stacks, &mut self.others] {
            put_bytes(&mut block, column);
            column.clear();
        }
        (self.count, self.before) = (0, Before::NOTHING);
        block
    }
}

/// Events of a block.
#[derive(Debug)]
pub(super) struct Events {
    block: Vec<u8>,
    before: Before,
    heads: Column,
    addresses: Column,
    sizes: Column,
    stacks: Column,
    others: Column,
}

impl Events {
    /// `None` where the block is none of events.
    pub(super) fn of(block: Vec<u8>) -> Option<Events> {
        let mut all = Column::of(&block);
        let [heads, addresses, sizes, stacks, others] =
            [all.part(&block)?, all.part(&block)?, all.part(&block)?, all.part(&block)?, all.part(&block)?];
        Some(Events { block, before: Before::NOTHING, heads, addresses, sizes, stacks, others })
    }

    /// The next event; `Some(None)` after the last, `None` where the columns do not fit each other.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Option<Event>> {
        if self.heads.is_empty() {
            return Some(None);
        }
        let head = self.heads.byte(&self.block)?;
        let event = match head & 7 {
            THREAD => Event::Thread(self.others.small(&self.block)?),
            TIME => {
                self.before.time = self.others.difference(&self.block, self.before.time)?;
                Event::Time(self.before.time)
            }
            RESIDENT if head == ENDING => Event::Ending,
            RESIDENT => Event::Resident(self.others.number(&self.block)?),
            OBJECT => self.allocated(Domain::Object, head)?,
            MEMORY => self.allocated(Domain::Memory, head)?,
            RAW => self.allocated(Domain::Raw, head)?,
            kind => {
                let address = match kind {
                    FREED => self.addresses.difference(&self.block, self.before.freed)?,
                    _ => self.before.recent[(self.before.at + RECENT - 1 - (head >> 3) as usize) % RECENT],
                };
                self.before.freed(address);
                Event::Freed(address)
            }
        };
        Some(Some(event))
    }

    #[inline]
    fn allocated(&mut self, domain: Domain, head: u8) -> Option<Event> {
        let address = match (head >> 5) as usize {
            0 => self.addresses.difference(&self.block, self.before.address)?,
            ago => self.before.reused[(self.before.reused_at + REUSED - ago) % REUSED],
        };
        let bytes = if head & SAME_SIZE != 0 { self.before.bytes } else { self.sizes.number(&self.block)? };
        let stack = match head & SAME_STACK != 0 {
            true => self.before.stack,
            false => u32::try_from(self.stacks.difference(&self.block, self.before.stack.into())?).ok()?,
        };
        self.before.allocated(address, bytes, stack);
        Some(Event::Allocated { domain, address, bytes, stack })
    }
}
