//! Events in their block: a byte for each says what it is and what it has in common with those before it, and the rest stands in
//! columns, each of one kind of number, which so are near each other.

use memsight_model::trace::{Domain, Event};

use super::numbers::{Column, put, put_bytes, put_difference, put_far, put_step};
use super::past::{Index, PLACES, Past, Where, class};

// The low three bits of an event's byte.
const THREAD: u8 = 0;
const TIME: u8 = 1;
const RESIDENT: u8 = 2;
/// With the next bit, which only this one uses of these three.
const ENDING: u8 = RESIDENT | 1 << 3;
const OBJECT: u8 = 3;
const MEMORY: u8 = 4;
const RAW: u8 = 5;
/// The other bits say how many allocations ago the block came, from 1 on; 0: its address is in the column.
const FREED: u8 = 6;
/// The other bits say how far its allocation is from that of the block that went last, [`NO_STEP`] for the same; 0: in the column.
const FREED_NEAR: u8 = 7;
// Further bits of an allocation; above them its address: 0 for one in the column, else as follows.
const SAME_STACK: u8 = 1 << 3;
const SAME_SIZE: u8 = 1 << 4;
const NEXT: u8 = 1;
const BACK: u8 = 2;

/// Blocks younger than this are told by their age, others by the step: what runs in loops looks so most alike.
const YOUNG: usize = 16;
const NO_STEP: i64 = 16;

/// Columns of a block.
const COLUMNS: usize = 6;

/// Events that are not written yet.
#[derive(Debug)]
pub(super) struct Columns {
    count: u64,
    past: Past,
    index: Index,
    heads: Vec<u8>,
    addresses: Vec<u8>,
    sizes: Vec<u8>,
    stacks: Vec<u8>,
    steps: Vec<u8>,
    others: Vec<u8>,
}

impl Columns {
    pub(super) fn new() -> Columns {
        let [heads, addresses, sizes, stacks, steps, others] = [const { Vec::new() }; COLUMNS];
        let (past, index) = (Past::nothing(), Index::new());
        Columns { count: 0, past, index, heads, addresses, sizes, stacks, steps, others }
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
                put_difference(&mut self.others, self.past.time, time);
                self.past.time = time;
                TIME
            }
            Event::Resident(bytes) => {
                put(&mut self.others, bytes);
                RESIDENT
            }
            Event::Ending => ENDING,
            Event::Allocated { domain, address, bytes, stack } => self.allocated(domain, address, bytes, stack),
            Event::Freed(address) => self.freed(address),
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
        match bytes == self.past.bytes {
            true => head |= SAME_SIZE,
            false => put(&mut self.sizes, bytes),
        }
        match stack == self.past.stack {
            true => head |= SAME_STACK,
            false => put_difference(&mut self.stacks, self.past.stack.into(), stack.into()),
        }
        let class = class(domain, bytes);
        let place = self.past.place(class, address);
        match place {
            Where::Next => head |= NEXT << 5,
            Where::Back(place) => head |= (BACK + place as u8) << 5,
            Where::Far => put_far(&mut self.addresses, self.past.next(class), address),
        }
        (self.past.bytes, self.past.stack) = (bytes, stack);
        let at = self.past.allocated(class, place, address);
        self.index.put(address, at);
        head
    }

    #[inline]
    fn freed(&mut self, address: u64) -> u8 {
        let Some(at) = self.index.get(&self.past, address) else {
            put_far(&mut self.addresses, self.past.last_far(), address);
            self.past.freed_far(address);
            return FREED;
        };
        let (age, step) = (self.past.age(at), self.past.step(at));
        self.past.freed(at);
        if age < YOUNG {
            return FREED | (age as u8 + 1) << 3;
        }
        if step.abs() < NO_STEP {
            return FREED_NEAR | ((step + NO_STEP) as u8) << 3;
        }
        put_step(&mut self.steps, step);
        FREED_NEAR
    }

    /// All of them as one block, after which there are none.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(self.heads.len() * 4);
        let columns = [&mut self.heads, &mut self.addresses, &mut self.sizes];
        for column in columns.into_iter().chain([&mut self.stacks, &mut self.steps, &mut self.others]) {
            put_bytes(&mut block, column);
            column.clear();
        }
        self.count = 0;
        block
    }
}

/// Events of a block.
#[derive(Debug)]
pub(super) struct Events {
    block: Vec<u8>,
    heads: Column,
    addresses: Column,
    sizes: Column,
    stacks: Column,
    steps: Column,
    others: Column,
}

impl Events {
    /// `None` where the block is none of events.
    pub(super) fn of(block: Vec<u8>) -> Option<Events> {
        let mut all = Column::of(&block);
        let (heads, addresses, sizes) = (all.part(&block)?, all.part(&block)?, all.part(&block)?);
        let (stacks, steps, others) = (all.part(&block)?, all.part(&block)?, all.part(&block)?);
        Some(Events { block, heads, addresses, sizes, stacks, steps, others })
    }

    /// The next event; `Some(None)` after the last, `None` where the columns do not fit each other. `past` is that of the trace.
    #[inline]
    pub(super) fn next(&mut self, past: &mut Past) -> Option<Option<Event>> {
        if self.heads.is_empty() {
            return Some(None);
        }
        let head = self.heads.byte(&self.block)?;
        let event = match head & 7 {
            THREAD => Event::Thread(self.others.small(&self.block)?),
            TIME => {
                past.time = self.others.difference(&self.block, past.time)?;
                Event::Time(past.time)
            }
            RESIDENT if head == ENDING => Event::Ending,
            RESIDENT => Event::Resident(self.others.number(&self.block)?),
            OBJECT => self.allocated(past, Domain::Object, head)?,
            MEMORY => self.allocated(past, Domain::Memory, head)?,
            RAW => self.allocated(past, Domain::Raw, head)?,
            _ => Event::Freed(self.freed(past, head)?),
        };
        Some(Some(event))
    }

    #[inline]
    fn allocated(&mut self, past: &mut Past, domain: Domain, head: u8) -> Option<Event> {
        let bytes = if head & SAME_SIZE != 0 { past.bytes } else { self.sizes.number(&self.block)? };
        let stack = match head & SAME_STACK != 0 {
            true => past.stack,
            false => u32::try_from(self.stacks.difference(&self.block, past.stack.into())?).ok()?,
        };
        let class = class(domain, bytes);
        let (place, address) = match head >> 5 {
            0 => (Where::Far, self.addresses.far(&self.block, past.next(class))?),
            NEXT => (Where::Next, past.next(class)),
            back => {
                let place = (back - BACK) as usize;
                (Where::Back(place), past.back(class, place)?)
            }
        };
        (past.bytes, past.stack) = (bytes, stack);
        past.allocated(class, place, address);
        Some(Event::Allocated { domain, address, bytes, stack })
    }

    #[inline]
    fn freed(&mut self, past: &mut Past, head: u8) -> Option<u64> {
        let at = match (head & 7, head >> 3) {
            (FREED, 0) => {
                let address = self.addresses.far(&self.block, past.last_far())?;
                past.freed_far(address);
                return Some(address);
            }
            (FREED, age) => past.of_age(age as usize - 1),
            (_, 0) => past.of_step(self.steps.step(&self.block)?),
            (_, step) => past.of_step(i64::from(step) - NO_STEP),
        };
        Some(past.freed(at))
    }
}

// The places have room in the three bits above.
const _: () = assert!(BACK as usize + PLACES == 8);
