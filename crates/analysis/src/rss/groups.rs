//! The account in a few words, for a bar and for the overview.

use serde::Serialize;

use super::{RssKind, RssView};

/// Lines of a sort, summed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RssGroup {
    /// What they are.
    pub name: String,
    /// Resident bytes.
    pub bytes: u64,
    /// Part of RSS, 0 to 1.
    pub share: f64,
}

/// The sorts, in the order of the lines.
const NAMES: [&str; 6] = [
    "Python objects and buffers",
    "Python's free memory",
    "C heap, in use",
    "C heap, free",
    "files, libraries, stacks",
    "unknown",
];

impl RssKind {
    /// Which of the sorts it is.
    pub fn group(self) -> usize {
        match self {
            RssKind::PythonObjects
            | RssKind::CHeapObjects
            | RssKind::External
            | RssKind::Native
            | RssKind::PymallocOther => 0,
            RssKind::PymallocFreeBlocks | RssKind::PymallocFreePools => 1,
            RssKind::CHeapOther | RssKind::CHeapWhole => 2,
            RssKind::CHeapFree => 3,
            RssKind::Stacks
            | RssKind::FrameStacks
            | RssKind::LibrariesShared
            | RssKind::LibrariesPrivate
            | RssKind::FilesShared
            | RssKind::FilesPrivate
            | RssKind::SharedMemory => 4,
            RssKind::Unknown | RssKind::Counters | RssKind::Swap | RssKind::HugePages | RssKind::Hugetlb => 5,
        }
    }
}

impl RssView {
    /// The lines by sort, all six, also those of no byte.
    pub fn groups(&self) -> Vec<RssGroup> {
        let sum =
            |group: usize| self.lines.iter().filter(|line| line.kind.group() == group).map(|line| line.bytes).sum();
        let share = |bytes: u64| if self.rss_bytes == 0 { 0.0 } else { bytes as f64 / self.rss_bytes as f64 };
        let group = |(number, name): (usize, &&str)| {
            let bytes: u64 = sum(number);
            RssGroup { name: (*name).to_owned(), bytes, share: share(bytes) }
        };
        NAMES.iter().enumerate().map(group).collect()
    }
}
