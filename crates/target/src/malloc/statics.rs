//! The static data of libraries and executables: where allocators that are linked into one keep their roots.
//!
//! Their symbols are often stripped, so that roots are known by what they lead to: each word of that data is offered to
//! the allocators, which say whether it is one of theirs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use memsight_model::{Address, PageRuns, ReadMemory, Region};

use super::is_anonymous;

const PAGE: u64 = 4096;
/// More static data of one file is not looked at.
const FILE_CAP: u64 = 256 << 20;

/// The writable memory of one file: its mappings, and the anonymous memory that continues them (`.bss`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statics {
    pub path: String,
    pub range: Range<u64>,
}

/// Of every library and executable, ascending.
pub(super) fn all(regions: &[Region]) -> Vec<Statics> {
    let mut found: Vec<Statics> = Vec::new();
    for region in regions.iter().filter(|region| region.write && !region.shared) {
        let range = region.start.0..region.end.0;
        match found.last_mut() {
            Some(last) if last.range.end == range.start && (region.path == last.path || is_anonymous(region)) => {
                last.range.end = range.end;
            }
            _ if region.path.starts_with('/') => found.push(Statics { path: region.path.clone(), range }),
            _ => {}
        }
    }
    for Statics { range, .. } in &mut found {
        range.end = range.end.min(range.start.saturating_add(FILE_CAP));
    }
    found
}

/// The file among whose static data `at` is.
pub(super) fn library(statics: &[Statics], at: u64) -> Option<&str> {
    let next = statics.partition_point(|statics| statics.range.start <= at);
    let last = statics.get(next.checked_sub(1)?)?;
    last.range.contains(&at).then_some(last.path.as_str())
}

/// The words of `range` on resident pages that are not zero, ascending, with their addresses; memory that cannot be read
/// has none.
pub(super) fn words<'a, M: ReadMemory>(
    memory: &'a M,
    pages: &'a PageRuns,
    range: Range<u64>,
) -> impl Iterator<Item = (u64, u64)> + 'a {
    let pieces = pages.parts(range).flat_map(|part| {
        let mut at = part.start.next_multiple_of(8);
        std::iter::from_fn(move || {
            let piece = at..part.end.min((at / PAGE + 1) * PAGE);
            at = piece.end;
            (piece.start + 8 <= piece.end).then_some(piece)
        })
    });
    pieces.flat_map(move |piece| {
        let mut words = vec![0; ((piece.end - piece.start) / 8) as usize];
        if memory.fill(Address(piece.start), &mut words).is_err() {
            words.clear();
        }
        (piece.start..).step_by(8).zip(words).filter(|(_, word)| *word != 0)
    })
}

/// Anonymous memory, in which everything is that allocators give out or keep beside.
pub(super) struct Anonymous(Vec<Range<u64>>);

impl Anonymous {
    pub fn new(regions: &[Region]) -> Anonymous {
        let mut areas: Vec<Range<u64>> = Vec::new();
        for region in regions.iter().filter(|region| is_anonymous(region) || region.path == "[heap]") {
            match areas.last_mut() {
                Some(last) if last.end == region.start.0 => last.end = region.end.0,
                _ => areas.push(region.start.0..region.end.0),
            }
        }
        Anonymous(areas)
    }

    /// The area that holds `at`.
    pub fn area(&self, at: u64) -> Option<&Range<u64>> {
        let next = self.0.partition_point(|area| area.start <= at);
        self.0.get(next.checked_sub(1)?).filter(|area| at < area.end)
    }

    /// Whether all of `range` is in one area.
    pub fn holds(&self, range: &Range<u64>) -> bool {
        self.area(range.start).is_some_and(|area| range.start < range.end && range.end <= area.end)
    }

    pub fn areas(&self) -> &[Range<u64>] {
        &self.0
    }
}

/// What every walk looks at.
pub(super) struct Scene<'a, M> {
    pub memory: &'a M,
    pub pages: &'a PageRuns,
    pub anonymous: Anonymous,
    /// The memory that grows by `brk`.
    pub brk: Option<Range<u64>>,
    /// What is known of pages that were searched.
    pub searched: Searched,
    /// Words and blocks that may still be looked at: damaged tables lead in circles.
    pub left: Cell<u64>,
}

/// By the start of a page of zeros: how far nothing else follows, and whether something is there.
pub(super) type Searched = RefCell<HashMap<u64, (u64, bool)>>;

impl<M: ReadMemory> Scene<'_, M> {
    /// The words of `range` on resident pages that are not zero: see [`words`].
    pub fn words(&self, range: Range<u64>) -> impl Iterator<Item = (u64, u64)> + '_ {
        words(self.memory, self.pages, range).take_while(|_| self.afford(1))
    }

    /// Whether so much may still be looked at; takes it.
    pub fn afford(&self, count: u64) -> bool {
        let left = self.left.get().checked_sub(count);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// The first word of `range` on a resident page that is not zero. Many static words lead to the same zeros, each of
    /// which is looked at once.
    pub fn first(&self, range: Range<u64>) -> Option<(u64, u64)> {
        // most memory begins with something
        for at in (range.start..range.end).step_by(8).take(8) {
            match self.memory.word(Address(at)) {
                Ok(0) => {}
                Ok(word) => return Some((at, word)),
                Err(_) => break,
            }
        }
        let mut searched = self.searched.borrow_mut();
        let mut zeros = Vec::new();
        let (mut at, mut found) = (range.start, false);
        while at < range.end && !found {
            let page = at & !(PAGE - 1);
            if let Some(&known) = searched.get(&at) {
                (at, found) = known;
                continue;
            }
            match words(self.memory, self.pages, at..page.saturating_add(PAGE)).next() {
                Some((place, _)) => (at, found) = (place, true),
                None => {
                    zeros.extend((at == page).then_some(page));
                    let rest = page.saturating_add(PAGE)..range.end;
                    at = self.pages.parts(rest).next().map_or(range.end, |part| part.start);
                }
            }
        }
        searched.extend(zeros.into_iter().map(|page| (page, (at, found))));
        let word = self.memory.word(Address(at)).ok()?;
        (found && at < range.end).then_some((at, word))
    }

    /// `N` words at `at`.
    pub fn array<const N: usize>(&self, at: u64) -> Option<[u64; N]> {
        let mut words = [0; N];
        self.memory.fill(Address(at), &mut words).ok().map(|()| words)
    }
}
