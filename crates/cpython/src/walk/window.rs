//! A page of memory unpacked: walks in order of address read most words of an object next to each other.

use std::cell::Cell;

use memsight_model::{Address, Fault, ReadMemory};

const PAGE: u64 = 4096;
const WORDS: usize = PAGE as usize / 8;

/// Memory with one page at hand. Everything else is read through.
pub(crate) struct Window<'m, M> {
    memory: &'m M,
    page: Cell<u64>,
    words: Box<[Cell<u64>; WORDS]>,
}

impl<'m, M: ReadMemory> Window<'m, M> {
    /// A window with no page yet.
    pub fn new(memory: &'m M) -> Self {
        Window { memory, page: Cell::new(u64::MAX), words: Box::new([const { Cell::new(0) }; WORDS]) }
    }

    /// Takes the page of `at` at hand.
    #[inline]
    pub fn turn_to(&self, at: Address) {
        if at.0 / PAGE != self.page.get() {
            self.load(at.0 / PAGE);
        }
    }

    fn load(&self, page: u64) {
        let mut words = [0; WORDS];
        let found = self.memory.fill(Address(page * PAGE), &mut words).is_ok();
        self.page.set(if found { page } else { u64::MAX });
        self.words.iter().zip(words).for_each(|(place, word)| place.set(word));
    }

    #[inline]
    fn at_hand(&self, at: Address) -> Option<u64> {
        (at.0 / PAGE == self.page.get()).then(|| self.words[(at.0 % PAGE / 8) as usize].get())
    }

    /// A number of `len` bytes inside one word of the page.
    #[inline]
    fn part(&self, at: Address, len: u64) -> Option<u64> {
        let within = at.0 % 8;
        if within + len > 8 { None } else { Some(self.at_hand(at)? >> (8 * within)) }
    }
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

    #[inline]
    fn fill(&self, at: Address, out: &mut [u64]) -> Result<(), Fault> {
        let first = (at.0 % PAGE / 8) as usize;
        match self.words.get(first..first + out.len()) {
            Some(words) if at.0.is_multiple_of(8) && at.0 / PAGE == self.page.get() => {
                out.iter_mut().zip(words).for_each(|(place, word)| *place = word.get());
                Ok(())
            }
            _ => self.memory.fill(at, out),
        }
    }
}
