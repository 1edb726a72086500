//! The account of RSS at both moments: what has grown, whoever holds it.
//!
//! Objects are told in detail by the accounts of the heap; their lines stand here for the sum. Of the others each line is
//! read by itself: blocks of C code, mappings, stacks and shared memory can leak, mapped files end with the files, and
//! what an allocator keeps free is used first.

use std::collections::BTreeMap;

use memsight_model::Bytes;

use super::account::signed;
use super::judge::{SLOWING, STOPPED, early, pace};
use super::view::{MemoryGrowth, PartGrowth, State};
use crate::Analysis;
use crate::rss::{RssKind, RssLine};

/// Growth of a line below this is noise: an arena of pymalloc in versions up to 3.9, twice what glibc takes at once.
const LEAST: u64 = 256 << 10;
/// The part of RSS below which growth of a line is noise.
const LEAST_PART: u64 = 200;
/// Growth of a line before the last interval, against that of an even pace, below which all of it is one step.
const STEP: f64 = 0.2;
/// Parts of a line that are named.
const PARTS: usize = 4;

/// The lines of a moment.
pub(super) type Lines = BTreeMap<RssKind, RssLine>;

/// The account of every look that was compared; only where all of them say what was in memory.
pub(super) struct Memory {
    first: Lines,
    before_last: Option<Lines>,
    last: Lines,
    /// The last interval as a part of the whole time.
    part: f64,
    /// Bytes from which growth of a line matters.
    threshold: u64,
}

impl Memory {
    /// Of the first look, the last, and the one before it. Cost: the account of each, without its objects.
    pub(super) fn new(
        first: &Analysis<'_>,
        before_last: Option<&Analysis<'_>>,
        last: &Analysis<'_>,
        part: f64,
    ) -> Option<Memory> {
        Some(Memory {
            first: lines(first)?,
            before_last: match before_last {
                Some(look) => Some(lines(look)?),
                None => None,
            },
            last: lines(last)?,
            part,
            threshold: threshold(last.snapshot.manifest.rss_bytes),
        })
    }

    /// Every line that is there at one of the moments, in the order of the account.
    pub(super) fn rows(&self) -> Vec<MemoryGrowth> {
        let mut kinds: Vec<RssKind> = self.first.keys().chain(self.last.keys()).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().map(|kind| self.row(kind)).collect()
    }

    fn row(&self, kind: RssKind) -> MemoryGrowth {
        let growth = bytes(&self.last, kind) - bytes(&self.first, kind);
        let recent = self.before_last.as_ref().map(|look| bytes(&self.last, kind) - bytes(look, kind));
        let line = |lines: &Lines| lines.get(&kind).cloned().unwrap_or_default();
        let (then, now) = (line(&self.first), line(&self.last));
        let (state, reason) = self.judge(kind, growth, recent).unzip();
        MemoryGrowth {
            kind,
            name: kind.name().to_owned(),
            bytes_then: then.bytes,
            bytes_now: now.bytes,
            growth_bytes: growth,
            recent_bytes: recent,
            count_then: then.count,
            count_now: now.count,
            state,
            reason: reason.flatten(),
            parts: parts(&then, &now),
        }
    }

    /// How the growth of a line is read; `None` where it does not matter, or where objects tell it in detail.
    fn judge(&self, kind: RssKind, growth: i64, recent: Option<i64>) -> Option<(State, Option<String>)> {
        use RssKind::*;
        let because = |state, reason: &str| Some((state, Some(reason.to_owned())));
        let (growth, recent) = match allocator(kind) {
            // Free memory that stood in use before is none that the process has gained.
            Some(kinds) if is_free(kind) => {
                let sum = |lines: &Lines| kinds.iter().map(|kind| bytes(lines, *kind)).sum::<i64>();
                let now = sum(&self.last);
                let more = |then: Option<&Lines>, line: i64| then.map(|then| line.min(now - sum(then)).max(0));
                (more(Some(&self.first), growth)?, recent.and_then(|line| more(self.before_last.as_ref(), line)))
            }
            _ => (growth, recent),
        };
        if growth < signed(self.threshold) {
            return None;
        }
        match kind {
            PythonObjects | CHeapObjects | External | Counters | Swap | HugePages | Hugetlb => None,
            LibrariesShared | LibrariesPrivate => {
                because(State::Bounded, "pages of libraries: as many as their files have")
            }
            FilesShared | FilesPrivate if !self.has_new_files(kind) => {
                because(State::Bounded, "pages of files that were mapped at first: as many as the files have")
            }
            _ => self.go_on(kind, growth, recent),
        }
    }

    /// What three looks tell of a line that can grow without an end.
    fn go_on(&self, kind: RssKind, growth: i64, recent: Option<i64>) -> Option<(State, Option<String>)> {
        let because = |state, reason: &str| Some((state, Some(reason.to_owned())));
        let free = "the allocator keeps it for the next blocks, and gives back whole arenas and pages at best";
        let Some(recent) = recent else {
            return if is_free(kind) { because(State::Free, free) } else { Some((State::Growing, None)) };
        };
        let pace = pace(recent, growth, self.part);
        if pace < STOPPED {
            return because(State::Stopped, "it has stopped growing");
        }
        if is_free(kind) {
            return because(State::Free, free);
        }
        if pace < SLOWING {
            return because(State::Slowing, "it grows more slowly than before");
        }
        if early(recent, growth, self.part) < STEP {
            return because(
                State::Step,
                "all of it came in the last interval: one step, as far as three looks can tell",
            );
        }
        Some((State::Growing, None))
    }

    /// Whether most of the growth is in files that were mapped more rarely at first, or not at all.
    fn has_new_files(&self, kind: RssKind) -> bool {
        let (old, new) = (files(&self.first), files(&self.last));
        let more = new.iter().filter_map(|(name, (bytes, count))| {
            let (had, times) = old.get(name).copied().unwrap_or_default();
            (*count > times).then(|| signed(*bytes) - signed(had))
        });
        more.sum::<i64>() * 2 >= bytes(&self.last, kind) - bytes(&self.first, kind)
    }
}

/// Mapped files with their pages, and how often each is mapped.
fn files(lines: &Lines) -> BTreeMap<&str, (u64, u64)> {
    let mut files: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let both = [RssKind::FilesShared, RssKind::FilesPrivate].into_iter().filter_map(|kind| lines.get(&kind));
    for part in both.flat_map(|line| &line.parts) {
        let (bytes, count) = files.entry(&part.name).or_default();
        *bytes = bytes.saturating_add(part.bytes);
        *count = part.count.max(*count);
    }
    files
}

/// Bytes from which growth outside of objects matters.
pub(super) fn threshold(rss_bytes: u64) -> u64 {
    (rss_bytes / LEAST_PART).max(LEAST)
}

fn lines(look: &Analysis<'_>) -> Option<Lines> {
    look.snapshot.residence.as_ref()?;
    Some(look.rss(0).lines.into_iter().map(|line| (line.kind, line)).collect())
}

fn bytes(lines: &Lines, kind: RssKind) -> i64 {
    lines.get(&kind).map_or(0, |line| signed(line.bytes))
}

pub(super) fn is_free(kind: RssKind) -> bool {
    matches!(kind, RssKind::PymallocFreeBlocks | RssKind::PymallocFreePools | RssKind::CHeapFree)
}

/// All that the allocator of a line has.
fn allocator(kind: RssKind) -> Option<&'static [RssKind]> {
    use RssKind::*;
    match kind {
        PythonObjects | PymallocOther | PymallocFreeBlocks | PymallocFreePools => {
            Some(&[PythonObjects, PymallocOther, PymallocFreeBlocks, PymallocFreePools])
        }
        CHeapObjects | External | CHeapOther | CHeapFree => Some(&[CHeapObjects, External, CHeapOther, CHeapFree]),
        _ => None,
    }
}

/// The parts that have grown most.
fn parts(then: &RssLine, now: &RssLine) -> Vec<PartGrowth> {
    let old: BTreeMap<&str, u64> = then.parts.iter().map(|part| (part.name.as_str(), part.bytes)).collect();
    let mut parts: Vec<PartGrowth> = (now.parts.iter())
        .map(|part| PartGrowth {
            name: part.name.clone(),
            growth_bytes: signed(part.bytes) - signed(old.get(part.name.as_str()).copied().unwrap_or(0)),
        })
        .filter(|part| part.growth_bytes > 0)
        .collect();
    parts.sort_by(|a, b| (b.growth_bytes, &a.name).cmp(&(a.growth_bytes, &b.name)));
    parts.truncate(PARTS);
    parts
}

impl MemoryGrowth {
    /// "blocks of the C heap that no Python object is known to hold grow by 4.9 MiB".
    pub(super) fn summary(&self) -> String {
        let verb = if self.state == Some(State::Growing) { "grow" } else { "grew" };
        format!("{} {verb} by {}", self.words(), Bytes(u64::try_from(self.growth_bytes).unwrap_or(0)))
    }

    /// The line in a sentence, in the plural.
    fn words(&self) -> String {
        use RssKind::*;
        let words = match self.kind {
            PythonObjects => "Python objects",
            PymallocOther => "blocks of Python's own allocator that no object found explains",
            PymallocFreeBlocks => "free blocks of Python's own allocator",
            PymallocFreePools => "free pools of Python's own allocator",
            CHeapObjects => "Python objects in the C heap",
            External => "arrays and other buffers",
            Native => "blocks of C code that objects point to",
            FrameStacks => "stacks of Python's frames",
            CHeapOther => "blocks of the C heap that no Python object is known to hold",
            CHeapFree => "free blocks of the C heap",
            CHeapWhole => "blocks of the C heap, used and free,",
            Stacks => "stacks of threads",
            LibrariesShared | LibrariesPrivate => "pages of libraries",
            FilesShared | FilesPrivate => "pages of mapped files",
            SharedMemory => "pages of shared memory",
            Unknown => "anonymous mappings of nobody known",
            Counters | Swap | HugePages | Hugetlb => self.name.as_str(),
        };
        let more = signed(self.count_now) - signed(self.count_then);
        match self.kind {
            Stacks if more > 0 => format!("{words} ({more} more)"),
            FilesShared | FilesPrivate | SharedMemory | Unknown => match self.parts.first() {
                Some(part) if !part.name.is_empty() => format!("{words} ({})", part.name),
                _ => words.to_owned(),
            },
            _ => words.to_owned(),
        }
    }

    /// The view that tells more.
    pub(super) fn view(&self) -> &'static str {
        if self.kind == RssKind::Stacks { "threads" } else { "rss" }
    }
}
