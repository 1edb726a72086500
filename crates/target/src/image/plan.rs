//! Which pages are copied, in which portions.

use std::ops::Range;

use memsight_model::Region;

use crate::error::TargetError;
use crate::maps::PageMap;
use crate::procfs;
use crate::sys::{Span, Want};

use super::table::block_number;

/// Mapped files above this are copied only where the process has written to them; the rest is in the file.
const LARGE_FILE: u64 = 64 << 20;
/// How far a packed pointer reaches from its base (see [`super::page`]).
const REACH: u64 = 1 << 35;

/// What of a region is copied: private memory that can be read and written. Everything else either does not
/// change or does not belong to the process alone.
pub(crate) fn wanted(region: &Region) -> Option<Want> {
    let ours = region.read && region.write && !region.shared && !is_special(region);
    ours.then_some(if is_anonymous(region) || region.len() <= LARGE_FILE { Want::Present } else { Want::Written })
}

/// Whether pages that do not exist read as zeros.
pub(crate) fn is_anonymous(region: &Region) -> bool {
    let file = region.inode != 0 || region.path.starts_with('/');
    !file || region.path.starts_with("/anon_hugepage") || region.path.starts_with("/dev/zero")
}

/// Memory of devices and of the kernel (`[vvar]`, `[vsyscall]`).
fn is_special(region: &Region) -> bool {
    let path = region.path.as_str();
    let device = path.starts_with("/dev/") && !path.starts_with("/dev/shm/") && !path.starts_with("/dev/zero");
    device || path.starts_with("[v")
}

/// The pages to copy.
pub(crate) struct Plan {
    /// All of them in ascending order, cut at the borders of blocks.
    spans: Vec<Span>,
    /// The spans of each block.
    portions: Vec<Range<usize>>,
    /// Where pointers are counted from.
    pub base: u64,
    /// Bytes of all pages.
    pub bytes: u64,
}

impl Plan {
    /// The pages of `regions` that exist.
    pub fn of(pid: u32, regions: &[Region]) -> Result<Plan, TargetError> {
        let failed = |error| procfs::failure(pid, "pagemap", error);
        let mut map = PageMap::open(pid).map_err(failed)?;
        let mut ranges = Vec::new();
        for region in regions {
            if let Some(want) = wanted(region) {
                map.find(region.start.0..region.end.0, want, &mut ranges).map_err(failed)?;
            }
        }
        let mut plan = Plan { spans: Vec::new(), portions: Vec::new(), base: base(&ranges), bytes: 0 };
        for range in ranges {
            plan.add(range);
        }
        Ok(plan)
    }

    /// The spans of portion `number`, all in one block, at most 1 MiB; `None` after the last.
    pub fn portion(&self, number: usize) -> Option<&[Span]> {
        self.spans.get(self.portions.get(number)?.clone())
    }

    fn add(&mut self, range: Range<u64>) {
        let mut at = range.start;
        while at < range.end {
            let border = (block_number(at) + 1).saturating_mul(1 << 20);
            let end = range.end.min(border);
            let same = self.spans.last().is_some_and(|last| block_number(last.at) == block_number(at));
            self.spans.push(Span { at, len: (end - at) as usize });
            match self.portions.last_mut() {
                Some(last) if same => last.end += 1,
                _ => self.portions.push(self.spans.len() - 1..self.spans.len()),
            }
            self.bytes += end - at;
            at = end;
        }
    }
}

/// The start of the window of [`REACH`] bytes that holds the most of `ranges`.
fn base(ranges: &[Range<u64>]) -> u64 {
    let (mut best, mut most) = (0, 0);
    let (mut last, mut inside) = (0, 0);
    for first in ranges {
        let end = first.start.saturating_add(REACH);
        while let Some(range) = ranges.get(last).filter(|range| range.end <= end) {
            inside += range.end - range.start;
            last += 1;
        }
        if inside > most {
            (best, most) = (first.start, inside);
        }
        // a range longer than the window was never added
        inside = inside.saturating_sub(first.end - first.start);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use memsight_model::Address;

    #[test]
    fn the_window_lies_where_the_memory_is() {
        let heap = 0x5555_0000_0000_u64;
        let maps = 0x7f00_0000_0000_u64;
        assert_eq!(base(&[heap..heap + 4096, maps..maps + 8192, maps + (1 << 30)..maps + (1 << 30) + 4096]), maps);
        assert_eq!(base(&[heap..heap + 40960, maps..maps + 8192]), heap);
        assert_eq!(base(&[]), 0);
    }

    #[test]
    fn private_writable_memory_is_wanted() {
        let region = |path: &str, inode, len| Region {
            end: Address(len),
            read: true,
            write: true,
            path: path.to_owned(),
            inode,
            ..Region::default()
        };
        assert_eq!(wanted(&region("[heap]", 0, 1 << 40)), Some(Want::Present));
        assert_eq!(wanted(&region("/lib/x.so", 7, 4096)), Some(Want::Present));
        assert_eq!(wanted(&region("/data/model (deleted)", 7, 1 << 30)), Some(Want::Written));
        assert_eq!(wanted(&region("/dev/nvidia0", 7, 4096)), None);
        assert_eq!(wanted(&region("[vvar]", 0, 4096)), None);
        assert_eq!(wanted(&Region { write: false, ..region("", 0, 4096) }), None);
        assert_eq!(wanted(&Region { shared: true, ..region("", 0, 4096) }), None);
        assert!(is_anonymous(&region("[anon:glibc: malloc]", 0, 4096)));
    }

    #[test]
    fn portions_are_cut_at_blocks_and_joined_within() {
        let mut plan = Plan { spans: Vec::new(), portions: Vec::new(), base: 0, bytes: 0 };
        let mib = 1 << 20;
        plan.add(mib - 4096..mib + 4096);
        plan.add(mib + 8192..mib + 12288);
        let starts = |number| plan.portion(number).map(|spans| spans.iter().map(|span| span.at).collect::<Vec<_>>());
        assert_eq!(starts(0), Some(vec![mib - 4096]));
        assert_eq!(starts(1), Some(vec![mib, mib + 8192]));
        assert_eq!(starts(2), None);
        assert_eq!(plan.bytes, 12288);
    }
}
