//! An image with damage that a seed repeats.

use std::collections::HashMap;

use memsight_model::{Address, Fault, ReadMemory, Region};

use crate::image::{Image, PAGE, Page, read_pages};
use crate::random::Random;

/// Values at which arithmetic goes wrong.
pub const EDGES: [u64; 12] =
    [0, 1, 7, 8, u64::MAX, u64::MAX - 7, i64::MAX as u64, i64::MIN as u64, 1 << 31, 1 << 32, u32::MAX as u64, 1 << 47];

/// A damaged image: the pages that differ, and the regions.
pub struct Corrupt<'i> {
    image: &'i Image,
    pub regions: Vec<Region>,
    /// `None`: the page is gone.
    pages: HashMap<u64, Option<Box<Page>>>,
}

impl<'i> Corrupt<'i> {
    /// `image` with 1 to 1024 wounds.
    pub fn new(image: &'i Image, random: &mut Random) -> Corrupt<'i> {
        let mut corrupt = Corrupt { image, regions: image.regions.clone(), pages: HashMap::new() };
        for _ in 0..1u64 << random.below(11) {
            corrupt.wound(random);
        }
        if random.once_in(16) {
            corrupt.bend_region(random);
        }
        corrupt
    }

    /// The first bytes of the file behind `region`, as far as its pages are here.
    pub fn file(&self, region: &Region) -> Option<Vec<u8>> {
        let pages = (region.start.0..region.end.0).step_by(PAGE as usize).map_while(|at| self.page(at));
        let bytes: Vec<u8> = pages.take(1024).flatten().copied().collect();
        (!bytes.is_empty()).then_some(bytes)
    }

    fn page(&self, at: u64) -> Option<&Page> {
        match self.pages.get(&at) {
            Some(changed) => changed.as_deref(),
            None => self.image.page(at),
        }
    }

    fn wound(&mut self, random: &mut Random) {
        match random.below(16) {
            0 => self.lose_page(random),
            1 => self.copy_page(random),
            _ => self.change_word(random),
        }
    }

    fn any_page(&self, random: &mut Random) -> Option<u64> {
        Some(random.pick(&self.image.pages)?.0)
    }

    /// A word of the image, wherever it stands: often a pointer, a size or a count.
    fn any_word(&self, random: &mut Random) -> u64 {
        let at = self.any_page(random).unwrap_or(0) + 8 * random.below(PAGE / 8);
        self.image.word(Address(at)).unwrap_or(0)
    }

    fn lose_page(&mut self, random: &mut Random) {
        if let Some(at) = self.any_page(random) {
            self.pages.insert(at, None);
        }
    }

    fn copy_page(&mut self, random: &mut Random) {
        let (from, to) = (self.any_page(random), self.any_page(random));
        if let (Some(page), Some(to)) = (from.and_then(|at| self.page(at)), to) {
            let copy = Box::new(*page);
            self.pages.insert(to, Some(copy));
        }
    }

    fn bend_region(&mut self, random: &mut Random) {
        let place = random.below(self.regions.len() as u64) as usize;
        let edge = random.pick(&EDGES).copied().unwrap_or(0);
        let Some(region) = self.regions.get_mut(place) else { return };
        match random.below(5) {
            // The kernel tells the regions, so they are in order; but one may reserve terabytes and touch none.
            0 => region.end = Address(region.start.0.saturating_add(PAGE << random.below(35))),
            1 => region.start = Address(region.end.0.saturating_sub(PAGE)),
            2 => region.offset = edge,
            3 => region.read = !region.read,
            _ => drop(self.regions.remove(place)),
        }
    }

    fn change_word(&mut self, random: &mut Random) {
        let Some(page) = self.any_page(random) else { return };
        let Some(inside) = self.live_word(page, random) else { return };
        let Some(bytes) = self.page(page).map(|bytes| Box::new(*bytes)) else { return };
        let mut bytes = bytes;
        let Some(slot) = bytes[inside..].first_chunk_mut::<8>() else { return };
        let old = u64::from_le_bytes(*slot);
        *slot = self.other_value(old, page + inside as u64, random).to_le_bytes();
        self.pages.insert(page, Some(bytes));
    }

    /// Offset in the page of a word that is not zero: zeros are mostly space that nobody reads.
    fn live_word(&self, page: u64, random: &mut Random) -> Option<usize> {
        let bytes = self.page(page)?;
        let tries = (0..16).map(|_| 8 * random.below(PAGE / 8) as usize);
        let offsets: Vec<usize> = tries.collect();
        offsets.into_iter().find(|&offset| bytes[offset..offset + 8].iter().any(|&byte| byte != 0))
    }

    fn other_value(&self, old: u64, own: u64, random: &mut Random) -> u64 {
        match random.below(9) {
            0 => random.next(),
            1 => random.pick(&EDGES).copied().unwrap_or(0),
            2 => old ^ 1 << random.below(64),
            3 => old.wrapping_add(8 * random.below(9)).wrapping_sub(32),
            // A list or a chain that bites its tail.
            4 => own,
            5 => (own & !(PAGE - 1)) + 16 * random.below(PAGE / 16),
            // Halves change alone: kinds, flags, 32-bit counts.
            6 => old & 0xffff_ffff_0000_0000 | random.next() & 0xffff_ffff,
            7 => old << random.below(40),
            _ => self.any_word(random),
        }
    }
}

impl ReadMemory for Corrupt<'_> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        read_pages(at, out, |page| self.page(page))
    }
}
