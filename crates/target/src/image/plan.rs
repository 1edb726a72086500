//! Which pages are copied, in which portions.

use std::ops::Range;

use memsight_model::{PageRuns, Region};

use crate::error::TargetError;
use crate::maps::PageMap;
#[cfg(target_arch = "x86_64")]
use crate::process::Process;
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
    /// Wanted regions that the copy does not have.
    pub left_out: Vec<Range<u64>>,
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
        Ok(Plan::new(ranges, Vec::new()))
    }

    fn new(ranges: Vec<Range<u64>>, left_out: Vec<Range<u64>>) -> Plan {
        let base = base(&ranges);
        let mut plan = Plan { spans: Vec::new(), portions: Vec::new(), base, bytes: 0, left_out };
        for range in ranges {
            plan.add(range);
        }
        plan
    }

    /// The pages of `regions`, which `process` had when it was copied to `child`, as the copy has them.
    #[cfg(target_arch = "x86_64")]
    pub fn of_fork(process: &Process, child: u32, regions: &[Region]) -> Result<Plan, TargetError> {
        let failed = |error| procfs::failure(process.pid(), "pagemap", error);
        let mut copy = PageMap::open(child).map_err(failed)?;
        let mut original = PageMap::open(process.pid()).map_err(failed)?;
        let there = crate::maps::parse(&procfs::read(child, "maps")?);
        let mut wiped = Wiped::new(child);
        let (mut ranges, mut left_out) = (Vec::new(), Vec::new());
        for region in regions {
            let Some(want) = wanted(region) else { continue };
            let whole = region.start.0..region.end.0;
            if !there.iter().any(|other| other.start < region.end && region.start < other.end) {
                left_out.push(whole);
                continue;
            }
            let mut found = Vec::new();
            copy.find(whole.clone(), want, &mut found).map_err(failed)?;
            let mut others = Vec::new();
            // a fork does not take along pages of a file that were only read, nor what is to be wiped
            if want == Want::Present && (!is_anonymous(region) || found.is_empty()) {
                original.find(whole.clone(), want, &mut others).map_err(failed)?;
            }
            match is_anonymous(region) {
                true if !others.is_empty() && wiped.holds(whole.start) => left_out.push(whole),
                // touched since: the copy says that it was untouched
                true => ranges.append(&mut found),
                false => ranges.append(&mut joined(found, others)),
            }
        }
        Ok(Plan::new(ranges, left_out))
    }

    /// The spans of portion `number`, all in one block, at most 1 MiB; `None` after the last.
    pub fn portion(&self, number: usize) -> Option<&[Span]> {
        self.spans.get(self.portions.get(number)?.clone())
    }

    /// All pages.
    pub fn pages(&self) -> PageRuns {
        PageRuns::new(self.spans.iter().map(|span| span.at..span.at + span.len as u64))
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

/// The mappings of a copy that the original keeps empty there (`MADV_WIPEONFORK`), looked up when first asked for.
#[cfg(target_arch = "x86_64")]
struct Wiped {
    child: u32,
    starts: Option<Vec<u64>>,
}

#[cfg(target_arch = "x86_64")]
impl Wiped {
    fn new(child: u32) -> Wiped {
        Wiped { child, starts: None }
    }

    /// Whether the mapping that starts there is one of them: `wf` among its flags in `/proc/PID/smaps`.
    fn holds(&mut self, start: u64) -> bool {
        let child = self.child;
        self.starts.get_or_insert_with(|| starts_of_wiped(&procfs::text_quietly(child, "smaps"))).contains(&start)
    }
}

#[cfg(target_arch = "x86_64")]
fn starts_of_wiped(smaps: &str) -> Vec<u64> {
    let mut start = None;
    let mut found = Vec::new();
    for line in smaps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            found.extend(start.filter(|_| flags.split_ascii_whitespace().any(|flag| flag == "wf")));
        } else if let Some((first, _)) = line.split_once('-') {
            start = u64::from_str_radix(first, 16).ok().or(start);
        }
    }
    found
}

/// The pages of either list, both ascending.
#[cfg(target_arch = "x86_64")]
fn joined(a: Vec<Range<u64>>, b: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut all = [a, b].concat();
    all.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(all.len());
    for range in all {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
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
        let mut plan = Plan::new(Vec::new(), Vec::new());
        let mib = 1 << 20;
        plan.add(mib - 4096..mib + 4096);
        plan.add(mib + 8192..mib + 12288);
        let starts = |number| plan.portion(number).map(|spans| spans.iter().map(|span| span.at).collect::<Vec<_>>());
        assert_eq!(starts(0), Some(vec![mib - 4096]));
        assert_eq!(starts(1), Some(vec![mib, mib + 8192]));
        assert_eq!(starts(2), None);
        assert_eq!(plan.bytes, 12288);
    }

    #[test]
    fn pages_of_either_are_joined() {
        assert_eq!(joined(vec![0..4, 8..12], vec![2..6, 12..16, 20..24]), [0..6, 8..16, 20..24]);
        assert_eq!(joined(Vec::new(), Vec::new()), []);
    }

    #[test]
    fn wiped_mappings_are_found_by_their_flags() {
        let smaps = "7f00-8000 rw-p 00000000 00:00 0 \nSize: 4 kB\nVmFlags: rd wr mr mw me ac wf \n\
            9000-a000 rw-p 00000000 00:00 0  [a-b]\nVmFlags: rd wr sd\n";
        assert_eq!(starts_of_wiped(smaps), [0x7f00]);
    }
}
