//! Pages of memory unpacked: walks in order of address read most words of an object next to each other, and objects made
//! one after the other lie next to each other in a few places at a time: one for each size.

use std::cell::{Cell, RefCell};

use memsight_model::{Address, Fault, ReadMemory};

const PAGE: u64 = 4096;
const WORDS: usize = PAGE as usize / 8;
/// Pages at hand: 128 KiB, a part of the second cache of a core.
const PAGES: usize = 32;
/// A page that is visited so often, without another of its place between, is taken at hand: to unpack all of it costs as
/// much as looking at five or ten objects. In a heap without order no page comes to that.
const OFTEN: u32 = 3;

/// Memory with some pages at hand. Everything else is read through.
pub(crate) struct Window<'m, M> {
    memory: &'m M,
    /// Each page has one place.
    places: Box<[Place; PAGES]>,
    words: Box<[Cell<u64>]>,
    fresh: RefCell<Box<[u64]>>,
}

/// Where one page can be at hand.
struct Place {
    /// The number of the page that is.
    page: Cell<u64>,
    /// The one that was visited last without being at hand, and how often in a row.
    wanted: Cell<(u64, u32)>,
}

/// The number of no page.
const NONE: u64 = u64::MAX;

impl<'m, M: ReadMemory> Window<'m, M> {
    /// A window with no page yet.
    pub fn new(memory: &'m M) -> Self {
        let empty = || Place { page: Cell::new(NONE), wanted: Cell::new((NONE, 0)) };
        Window {
            memory,
            places: Box::new(std::array::from_fn(|_| empty())),
            words: (0..PAGES * WORDS).map(|_| Cell::new(0)).collect(),
            fresh: RefCell::new(vec![0; WORDS].into_boxed_slice()),
        }
    }

    /// Takes the page of `at` at hand.
    #[inline]
    pub fn turn_to(&self, at: Address) {
        let page = at.0 / PAGE;
        if self.places[place_of(page)].page.get() != page {
            self.load(page);
        }
    }

    #[cold]
    fn load(&self, page: u64) {
        let (mut fresh, number) = (self.fresh.borrow_mut(), place_of(page));
        let found = self.memory.fill(Address(page * PAGE), &mut fresh).is_ok();
        self.places[number].page.set(if found { page } else { NONE });
        let words = &self.words[number * WORDS..(number + 1) * WORDS];
        words.iter().zip(&**fresh).for_each(|(place, word)| place.set(*word));
    }

    /// Tells that an object is looked at, wherever it is. Its page is taken at hand when its neighbours were looked at just
    /// before.
    #[inline]
    pub fn visit(&self, at: Address) {
        let page = at.0 / PAGE;
        let place = &self.places[place_of(page)];
        if place.page.get() == page {
            return;
        }
        let (wanted, times) = place.wanted.get();
        let times = if wanted == page { times.saturating_add(1) } else { 1 };
        place.wanted.set((page, times));
        // What cannot be read is tried once.
        if times == OFTEN {
            self.load(page);
        }
    }

    /// Where the words of the page of `at` begin, when it is at hand.
    #[inline]
    fn at_hand(&self, at: Address) -> Option<usize> {
        let page = at.0 / PAGE;
        let number = place_of(page);
        (self.places[number].page.get() == page).then_some(number * WORDS)
    }

    /// A number of `len` bytes inside one word of a page.
    #[inline]
    fn part(&self, at: Address, len: u64) -> Option<u64> {
        let within = at.0 % 8;
        if within + len > 8 {
            return None;
        }
        let word = self.at_hand(at)? + (at.0 % PAGE / 8) as usize;
        Some(self.words[word].get() >> (8 * within))
    }
}

/// The place of a page: that of neighbours are different ones.
#[inline]
fn place_of(page: u64) -> usize {
    (page ^ page >> 5 ^ page >> 10) as usize % PAGES
}

impl<M: ReadMemory> ReadMemory for Window<'_, M> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.memory.read(at, out)
    }

    #[inline]
    fn word(&self, at: Address) -> Result<u64, Fault> {
        match self.part(at, 8) {
            Some(word) => Ok(word),
            None => self.memory.word(at),
        }
    }

    #[inline]
    fn u32(&self, at: Address) -> Result<u32, Fault> {
        match self.part(at, 4) {
            Some(value) => Ok(value as u32),
            None => self.memory.u32(at),
        }
    }

    #[inline]
    fn u8(&self, at: Address) -> Result<u8, Fault> {
        match self.part(at, 1) {
            Some(value) => Ok(value as u8),
            None => self.memory.u8(at),
        }
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        self.memory.words(at, count, out)
    }

    fn blank(&self, at: Address) -> u64 {
        self.memory.blank(at)
    }

    #[inline]
    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        let within = (at.0 % PAGE / 8) as usize;
        let is_inside = at.0.is_multiple_of(8) && within + out.len() <= WORDS;
        let start = if is_inside { self.at_hand(at) } else { None };
        match start.and_then(|start| self.words.get(start + within..start + within + out.len())) {
            Some(words) => {
                out.iter_mut().zip(words).for_each(|(place, word)| *place = word.get());
                Ok(())
            }
            None => self.memory.fill(at, out),
        }
    }
}
