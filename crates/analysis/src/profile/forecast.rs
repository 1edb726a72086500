//! What the peak would be without a part of what some lines make.
//!
//! ```text
//! Profile ──> Sites (which frames are at which lines) ──> Letting (one pass: what is let go of together)
//!                                                           └──> Forecast (one pass: max of total - saved)
//! ```
//! The peak moves: without its largest line another moment is the highest. So nothing is read off the state at the peak; the
//! total is followed through the whole trace, once for each site, less what the site would not have had at that time.
//!
//! Memory: an entry for each live block, and a bit for each block of a site.

use std::collections::HashMap;

use memsight_model::trace::{Domain, Event, Head};

use super::amount::{Amount, Scale};
use super::blocks::{Block, Blocks};
use super::{Profile, Spot};

/// Smaller blocks of Python's domain of objects are items, not what holds them: `SMALL_REQUEST_THRESHOLD` of `Objects/obmalloc.c`.
const SMALL: u64 = 512;
/// A container of less than this part of the largest one of its site is one of the items.
const PART: u64 = 4;

/// Lines of a file that make something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// As the trace calls it.
    pub file: String,
    /// The first line.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// What of it would not be there.
    pub saved: Saved,
}

/// A part of what a site makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Blocks that are freed together with a container of the site, when its statement ends.
    Statement,
    /// Blocks that are freed together with a container of the site.
    Container,
    /// All but `left` of each `of` bytes.
    Share {
        /// Bytes that are left.
        left: u32,
        /// Of so many.
        of: u32,
    },
    /// None: only what there is is counted.
    Nothing,
}

impl Saved {
    fn is_marked(self) -> bool {
        matches!(self, Saved::Statement | Saved::Container)
    }

    fn of(self, amount: Amount, is_marked: bool) -> Amount {
        match self {
            Saved::Statement | Saved::Container if is_marked => amount,
            Saved::Share { left, of } if of > 0 => {
                let kept = amount.bytes.saturating_mul(left.into()) / u64::from(of);
                Amount { bytes: amount.bytes - kept.min(amount.bytes), ..amount }
            }
            _ => Amount::default(),
        }
    }
}

/// What a site makes in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SiteForecast {
    /// All that it allocated, with what it called.
    pub allocated_bytes: u64,
    /// The most of it that was live at a time.
    pub most_bytes: u64,
    /// What was live of it at the peak of the whole.
    pub at_peak_bytes: u64,
    /// What was live of it at the end.
    pub end_bytes: u64,
    /// Of the peak of the whole what would be saved.
    pub peak_saved_bytes: u64,
    /// Of what was live at the end.
    pub end_saved_bytes: u64,
    /// What would be saved at the moment of the peak, if no other moment became the highest then.
    pub unbounded_bytes: u64,
    /// With 95% the saving is at most so far from `peak_saved_bytes`; 0: exact.
    pub error_bytes: u64,
}

/// What would be saved in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forecasts {
    /// The highest that was live.
    pub peak_bytes: u64,
    /// What was live at the end.
    pub end_bytes: u64,
    /// By site, in the order in which they were given.
    pub sites: Vec<SiteForecast>,
    /// All of them together; no block is counted twice.
    pub together: SiteForecast,
}

/// A site that the frames of a stack are at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Member {
    site: u32,
    /// The newest frame is: the block was made there, and not by what was called there.
    is_own: bool,
}

/// Which frames are at which sites.
#[derive(Debug, Default)]
pub struct Sites {
    saved: Vec<Saved>,
    /// By number of frame in the trace: which of `sets`.
    of_frame: Vec<u32>,
    /// The first is the empty one.
    sets: Vec<Vec<Member>>,
}

impl Sites {
    /// The sites of a block with this stack.
    fn of(&self, stack: u32) -> u32 {
        self.of_frame.get(stack as usize).copied().unwrap_or_default()
    }

    fn members(&self, set: u32) -> &[Member] {
        self.sets.get(set as usize).map_or(&[], Vec::as_slice)
    }
}

impl Profile {
    /// Files whose code was seen.
    pub fn files(&self) -> &[String] {
        self.places.files()
    }

    /// The functions of a file that were seen: name and first line.
    pub fn functions_of<'p>(&'p self, file: &'p str) -> impl Iterator<Item = (&'p str, u32)> + 'p {
        let of_file = move |function: &&super::places::Function| self.places.file(function.file) == file;
        self.places.functions().iter().filter(of_file).map(|function| (function.name.as_str(), function.first_line))
    }

    /// The head of the trace.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Which frames are at which sites. Cost: frames, and places times sites.
    pub fn sites(&self, sites: &[Site]) -> Sites {
        let at_place: Vec<Vec<u32>> = (0..self.places.place_count() as u32)
            .map(|place| {
                let Spot { file, line, .. } = self.places.spot(place);
                let is_at = |site: &Site| site.file == file && (site.first..=site.last).contains(&line);
                (0u32..).zip(sites).filter(|(_, site)| is_at(site)).map(|(at, _)| at).collect()
            })
            .collect();
        let mut numbers: HashMap<Vec<Member>, u32> = HashMap::from([(Vec::new(), 0)]);
        let mut sets = vec![Vec::new()];
        let mut of_known: Vec<u32> = Vec::with_capacity(self.places.frame_count());
        for frame in 0..self.places.frame_count() as u32 {
            let here = at_place.get(self.places.of(frame) as usize).map_or(&[][..], Vec::as_slice);
            // (callers have smaller numbers)
            let called = of_known.get(self.places.caller(frame) as usize).copied().filter(|_| frame > 0);
            let above: &[Member] = called.and_then(|set: u32| sets.get(set as usize)).map_or(&[], Vec::as_slice);
            let mut members: Vec<Member> = here.iter().map(|&site| Member { site, is_own: true }).collect();
            members.extend(
                above.iter().filter(|one| !here.contains(&one.site)).map(|one| Member { is_own: false, ..*one }),
            );
            members.sort_unstable();
            let next = sets.len() as u32;
            let number = *numbers.entry(members).or_insert_with_key(|members| {
                sets.push(members.clone());
                next
            });
            of_known.push(number);
        }
        let of_frame = (0..self.places.known_count() as u32)
            .map(|frame| of_known.get(self.places.known(frame) as usize).copied().unwrap_or_default())
            .collect();
        Sites { saved: sites.iter().map(|site| site.saved).collect(), of_frame, sets }
    }
}

/// Blocks of sites that are let go of together with their container, a bit for each block of any site.
#[derive(Debug, Default)]
struct Marks(Vec<Vec<u64>>);

impl Marks {
    fn set(&mut self, site: u32, ordinal: u32) {
        let Some(words) = self.0.get_mut(site as usize) else { return };
        let at = ordinal as usize / 64;
        if words.len() <= at {
            words.resize(at + 1, 0);
        }
        words[at] |= 1 << (ordinal % 64);
    }

    fn has(&self, site: u32, ordinal: u32) -> bool {
        let word = self.0.get(site as usize).and_then(|words| words.get(ordinal as usize / 64));
        word.is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
    }
}

/// A block of a site that was freed.
#[derive(Debug, Clone, Copy)]
struct Gone {
    set: u32,
    ordinal: u32,
    bytes: u64,
    is_container: bool,
}

/// What a thread has freed since it allocated last, and the sites that it allocated at then.
#[derive(Debug, Default)]
struct Burst {
    gone: Vec<Gone>,
    last_set: u32,
    /// Bytes of what it allocated last, if that was a container.
    last_container: u64,
}

/// Finds out in one pass which blocks go together with what holds them: an object that only a container holds is freed with it,
/// and nothing is allocated in between.
#[derive(Debug)]
pub struct Letting {
    sites: Sites,
    blocks: Blocks,
    threads: HashMap<u32, Burst>,
    thread: u32,
    next: u32,
    /// By site: its largest container so far.
    largest: Vec<u64>,
    marks: Marks,
    is_over: bool,
}

/// Marks blocks in [`Block::row`] that are containers.
const CONTAINER: u32 = 1 << 31;

impl Letting {
    /// Begins.
    pub fn new(sites: Sites) -> Letting {
        let count = sites.saved.len();
        Letting {
            sites,
            blocks: Blocks::default(),
            threads: HashMap::new(),
            thread: 0,
            next: 0,
            largest: vec![0; count],
            marks: Marks(vec![Vec::new(); count]),
            is_over: false,
        }
    }

    /// The next event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Thread(thread) => self.thread = thread,
            Event::Ending => self.is_over = true,
            _ if self.is_over => {}
            Event::Allocated { domain, address, bytes, stack } => {
                self.burst_ends(self.thread);
                let set = self.sites.of(stack);
                let is_container = domain == Domain::Memory || bytes > SMALL;
                let burst = self.threads.entry(self.thread).or_default();
                burst.last_set = set;
                burst.last_container = if is_container { bytes } else { 0 };
                if set != 0 {
                    if is_container {
                        self.grow(set, bytes);
                    }
                    let row = set | if is_container { CONTAINER } else { 0 };
                    let _ = self.blocks.allocated(address, Block { bytes, row, ordinal: self.next });
                    self.next = self.next.wrapping_add(1);
                }
            }
            Event::Freed(address) => {
                let last =
                    self.threads.get_mut(&self.thread).map_or(0, |burst| std::mem::take(&mut burst.last_container));
                if let Some(block) = self.blocks.freed(address) {
                    let (set, is_container) = (block.row & !CONTAINER, block.row & CONTAINER != 0);
                    let gone = Gone { set, ordinal: block.ordinal, bytes: block.bytes, is_container };
                    self.gone(gone, last);
                }
            }
            Event::Time(_) | Event::Resident(_) => {}
        }
    }

    /// A table that goes as soon as there is a larger one of the same site has moved there, as those of sets and dicts do: the
    /// larger one is what holds its items then.
    ///
    /// `last`: bytes of the container that the thread has allocated just before; 0 where that was something else.
    fn gone(&mut self, gone: Gone, last: u64) {
        let burst = self.threads.entry(self.thread).or_default();
        let has_moved = gone.is_container && burst.last_set == gone.set && last > gone.bytes;
        if !has_moved {
            burst.gone.push(gone);
        }
    }

    fn grow(&mut self, set: u32, bytes: u64) {
        for member in self.sites.members(set).iter().filter(|member| member.is_own) {
            if let Some(largest) = self.largest.get_mut(member.site as usize) {
                *largest = bytes.max(*largest);
            }
        }
    }

    fn burst_ends(&mut self, thread: u32) {
        let Some(burst) = self.threads.get_mut(&thread).filter(|burst| !burst.gone.is_empty()) else { return };
        let gone = std::mem::take(&mut burst.gone);
        let last: Vec<u32> = self.sites.members(burst.last_set).iter().map(|member| member.site).collect();
        let mut containers: HashMap<u32, u64> = HashMap::new();
        for one in gone.iter().filter(|one| one.is_container) {
            for member in self.sites.members(one.set).iter().filter(|member| member.is_own) {
                let most = containers.entry(member.site).or_default();
                *most = one.bytes.max(*most);
            }
        }
        containers.retain(|site, bytes| {
            let largest = self.largest.get(*site as usize).copied().unwrap_or_default();
            let ends = match self.sites.saved.get(*site as usize) {
                Some(Saved::Statement) => last.contains(site),
                Some(saved) => saved.is_marked(),
                None => false,
            };
            ends && bytes.saturating_mul(PART) >= largest
        });
        if containers.is_empty() {
            return;
        }
        for one in &gone {
            for member in self.sites.members(one.set) {
                if containers.contains_key(&member.site) {
                    self.marks.set(member.site, one.ordinal);
                }
            }
        }
    }

    /// Goes on to the second pass, over the same events.
    pub fn forecast(mut self, head: &Head) -> Forecast {
        let threads: Vec<u32> = self.threads.keys().copied().collect();
        threads.into_iter().for_each(|thread| self.burst_ends(thread));
        let count = self.sites.saved.len();
        Forecast {
            scale: Scale::new(head.sample_bytes),
            sites: self.sites,
            marks: self.marks,
            blocks: Blocks::default(),
            next: 0,
            total: Amount::default(),
            peak: Amount::default(),
            followed: vec![Followed::default(); count + 1],
            is_over: false,
        }
    }
}

/// A site, or all of them, while the trace is read.
#[derive(Debug, Clone, Copy, Default)]
struct Followed {
    live: Amount,
    saved: Amount,
    allocated: Amount,
    most: u64,
    live_at_peak: u64,
    saved_at_peak: Amount,
    /// The highest of what would be live.
    left: u64,
}

/// Follows the total less what each site would not have had.
#[derive(Debug)]
pub struct Forecast {
    scale: Scale,
    sites: Sites,
    marks: Marks,
    blocks: Blocks,
    next: u32,
    total: Amount,
    peak: Amount,
    /// By site, and at last all of them.
    followed: Vec<Followed>,
    is_over: bool,
}

impl Forecast {
    /// The next event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Ending => self.is_over = true,
            _ if self.is_over => {}
            Event::Allocated { address, bytes, stack, .. } => self.allocated(address, bytes, self.sites.of(stack)),
            Event::Freed(address) => {
                if let Some(block) = self.blocks.freed(address) {
                    self.gone(block);
                }
            }
            Event::Thread(_) | Event::Time(_) | Event::Resident(_) => {}
        }
    }

    fn allocated(&mut self, address: u64, bytes: u64, set: u32) {
        let block = Block { bytes, row: set, ordinal: self.next };
        if set != 0 {
            self.next = self.next.wrapping_add(1);
        }
        if let Some(lost) = self.blocks.allocated(address, block) {
            self.gone(lost);
        }
        let amount = self.scale.amount(bytes);
        self.total += amount;
        self.each(block, |followed, saved| {
            followed.live += amount;
            followed.allocated += amount;
            followed.saved += saved;
            followed.most = followed.live.bytes.max(followed.most);
        });
        let is_highest = self.total.bytes > self.peak.bytes;
        if is_highest {
            self.peak = self.total;
        }
        for followed in &mut self.followed {
            followed.left = self.total.bytes.saturating_sub(followed.saved.bytes).max(followed.left);
            if is_highest {
                (followed.live_at_peak, followed.saved_at_peak) = (followed.live.bytes, followed.saved);
            }
        }
    }

    fn gone(&mut self, block: Block) {
        let amount = self.scale.amount(block.bytes);
        self.total -= amount;
        self.each(block, |followed, saved| {
            followed.live -= amount;
            followed.saved -= saved;
        });
    }

    /// Does something with each site of a block, and with all of them together, and what would be saved of the block.
    fn each(&mut self, block: Block, mut act: impl FnMut(&mut Followed, Amount)) {
        let amount = self.scale.amount(block.bytes);
        let members = self.sites.members(block.row);
        let mut most = Amount::default();
        for member in members {
            let saved = self.sites.saved.get(member.site as usize).copied().unwrap_or(Saved::Nothing);
            let part = saved.of(amount, saved.is_marked() && self.marks.has(member.site, block.ordinal));
            if part.bytes > most.bytes {
                most = part;
            }
            if let Some(followed) = self.followed.get_mut(member.site as usize) {
                act(followed, part);
            }
        }
        if !members.is_empty()
            && let Some(all) = self.followed.last_mut()
        {
            act(all, most);
        }
    }

    /// What would be saved.
    pub fn finish(self) -> Forecasts {
        let one = |followed: &Followed| {
            let peak_saved_bytes = self.peak.bytes.saturating_sub(followed.left);
            let unbounded = followed.saved_at_peak;
            // (where another moment becomes the highest, the estimates of two moments are compared)
            let error = if peak_saved_bytes == unbounded.bytes { unbounded } else { self.peak };
            SiteForecast {
                allocated_bytes: followed.allocated.bytes,
                most_bytes: followed.most,
                at_peak_bytes: followed.live_at_peak,
                end_bytes: followed.live.bytes,
                peak_saved_bytes,
                end_saved_bytes: followed.saved.bytes,
                unbounded_bytes: unbounded.bytes,
                error_bytes: self.scale.error(error),
            }
        };
        let mut sites: Vec<SiteForecast> = self.followed.iter().map(one).collect();
        let together = sites.pop().unwrap_or_default();
        Forecasts { peak_bytes: self.peak.bytes, end_bytes: self.total.bytes, sites, together }
    }
}

#[cfg(test)]
mod tests;
