//! Which pages of a process are in memory: `/proc/PID/smaps` for what each mapping has, `/proc/PID/pagemap` for which
//! pages of private memory these are.
//!
//! Both walk the page tables, so that they are exact. `/proc/PID/statm` adds up counters that each processor keeps
//! for a while (up to Linux 6.15 the sum was out by as much as 32 pages a processor and kind).

use std::ops::Range;

use memsight_model::{Address, PageRuns, Region, Residence, ResidentMapping, Rollup};

use crate::error::TargetError;
use crate::figures::{MapFigures, parse_smaps};
use crate::maps::PageMap;
use crate::process::Process;
use crate::procfs;
use crate::sys::Want;

impl Process {
    /// What of its memory is resident. To fit a copy of that memory made while it stood still it is asked for in the same
    /// pause. Cost: some 25 ms for each GiB resident in small pages, 20 us a mapping, 15 us a thread.
    pub fn residence(&self) -> Result<Residence, TargetError> {
        let mut found = resident(self.pid())?;
        place(&self.stack_pointers()?, &mut found.mappings);
        Ok(found)
    }

    /// The mappings alone, without the stacks in them: what a copy of it does not tell ([`crate::Forked::residence`]). Cost:
    /// half of [`Process::residence`].
    pub fn resident_mappings(&self) -> Result<Vec<ResidentMapping>, TargetError> {
        mappings(self.pid())
    }

    /// Where the stacks of its threads end, as far as the kernel tells: it does not while a thread runs. Cost: 15 us a
    /// thread.
    pub fn stack_pointers(&self) -> Result<Vec<u64>, TargetError> {
        stack_pointers(self.pid())
    }
}

/// What of a process with these regions was resident when it was copied, without a longer pause. The copy has exactly its
/// anonymous pages, but shares each of them with it, and has few pages of files: with whom pages are shared, and the
/// files', is taken from `before`. What has come since then counts as private.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "nothing is forked there"))]
pub(crate) fn of_copy(
    (copy, process): (u32, u32),
    regions: &[Region],
    before: &[ResidentMapping],
    stacks: &[u64],
) -> Result<Residence, TargetError> {
    let copied = resident(copy)?;
    let kept = kept(before, &copied.mappings, regions);
    let mut runs: Vec<Range<u64>> = copied.pages.iter().cloned().collect();
    find_pages(process, &kept, &mut runs)?;
    runs.sort_by_key(|run| run.start);
    let mut mappings = since(before, copied.mappings);
    mappings.extend(kept);
    mappings.sort_by_key(|mapping| mapping.start);
    place(stacks, &mut mappings);
    Ok(Residence { mappings, pages: PageRuns::new(runs) })
}

/// The mappings and their pages.
fn resident(pid: u32) -> Result<Residence, TargetError> {
    let (mappings, mut pages) = (mappings(pid)?, Vec::new());
    find_pages(pid, &mappings, &mut pages)?;
    Ok(Residence { mappings, pages: PageRuns::new(pages) })
}

/// What each mapping has.
fn mappings(pid: u32) -> Result<Vec<ResidentMapping>, TargetError> {
    let mapping =
        |found: MapFigures| ResidentMapping { start: found.start, end: found.end, pages: found.pages, stacks: 0 };
    Ok(parse_smaps(&procfs::read(pid, "smaps")?).into_iter().map(mapping).collect())
}

/// Which private pages of these mappings are in memory.
fn find_pages(pid: u32, mappings: &[ResidentMapping], pages: &mut Vec<Range<u64>>) -> Result<(), TargetError> {
    let failed = |error| procfs::failure(pid, "pagemap", error);
    let mut map = PageMap::open(pid).map_err(failed)?;
    for mapping in mappings.iter().filter(|mapping| mapping.pages.anonymous_bytes > 0) {
        map.find(mapping.start.0..mapping.end.0, Want::Resident, pages).map_err(failed)?;
    }
    Ok(())
}

/// Counts the stacks in each mapping.
fn place(pointers: &[u64], mappings: &mut [ResidentMapping]) {
    for &pointer in pointers {
        let next = mappings.partition_point(|mapping| mapping.start.0 <= pointer);
        if let Some(mapping) = next.checked_sub(1).and_then(|last| mappings.get_mut(last))
            && pointer < mapping.end.0
        {
            mapping.stacks += 1;
        }
    }
}

/// The mappings of a process when it was copied: those of the copy, with what was known of them before.
fn since(before: &[ResidentMapping], mut copied: Vec<ResidentMapping>) -> Vec<ResidentMapping> {
    for mapping in &mut copied {
        let from = before.partition_point(|then| then.start < mapping.start);
        let same = before.iter().skip(from).take_while(|then| then.start < mapping.end);
        // of a mapping that is new whatever is not anonymous is a file's, and as good as nobody's
        let file = mapping.pages.rss_bytes.saturating_sub(mapping.pages.anonymous_bytes);
        let new = Rollup { rss_bytes: file, pss_bytes: file, private_clean_bytes: file, ..Rollup::default() };
        let then = same.map(|then| then.pages).reduce(|mut sum, pages| {
            sum.add(&pages);
            sum
        });
        mapping.pages = grown(then.unwrap_or(new), &mapping.pages);
    }
    copied
}

/// The mappings that a process with these regions does not hand on to its children (`MADV_DONTFORK`).
fn kept(before: &[ResidentMapping], copied: &[ResidentMapping], regions: &[Region]) -> Vec<ResidentMapping> {
    let is_kept = |then: &&ResidentMapping| {
        let is = |start: Address| regions.binary_search_by_key(&start, |region| region.start).is_ok();
        let next = copied.partition_point(|mapping| mapping.end <= then.start);
        is(then.start) && copied.get(next).is_none_or(|mapping| then.end <= mapping.start)
    };
    before.iter().filter(is_kept).cloned().collect()
}

/// The pages of a mapping with as much anonymous memory as its copy has.
fn grown(then: Rollup, copied: &Rollup) -> Rollup {
    let mut now = Rollup { swap_bytes: copied.swap_bytes, ..then };
    let more = copied.anonymous_bytes.saturating_sub(then.anonymous_bytes);
    let mut fewer = then.anonymous_bytes.saturating_sub(copied.anonymous_bytes);
    for sum in [&mut now.rss_bytes, &mut now.pss_bytes, &mut now.anonymous_bytes] {
        *sum = sum.saturating_add(more).saturating_sub(fewer);
    }
    now.private_dirty_bytes = now.private_dirty_bytes.saturating_add(more);
    for kind in [
        &mut now.private_dirty_bytes,
        &mut now.private_clean_bytes,
        &mut now.shared_dirty_bytes,
        &mut now.shared_clean_bytes,
    ] {
        let gone = fewer.min(*kind);
        *kind -= gone;
        fewer -= gone;
    }
    now
}

/// Where the stacks of the threads end, as far as the kernel tells: it does not while a thread runs.
fn stack_pointers(pid: u32) -> Result<Vec<u64>, TargetError> {
    let pointer = |tid: u32| stack_pointer(&procfs::text_quietly(pid, &format!("task/{tid}/syscall")));
    Ok(procfs::threads(pid)?.into_iter().filter_map(pointer).collect())
}

/// `number arguments... stack-pointer program-counter`, with -1 and no arguments outside a system call.
fn stack_pointer(line: &str) -> Option<u64> {
    let word = line.split_ascii_whitespace().rev().nth(1)?;
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_pointers_are_read_from_every_form() {
        assert_eq!(stack_pointer("0 0x0 0x1 0x2 0x3 0x4 0x5 0x7ffd12 0x7f0012\n"), Some(0x7ffd12));
        assert_eq!(stack_pointer("-1 0x7ffd12 0x7f0012\n"), Some(0x7ffd12));
        assert_eq!(stack_pointer("running\n"), None);
        assert_eq!(stack_pointer(""), None);
    }

    #[test]
    fn pages_of_ours_are_found_and_add_up() {
        let mut memory = vec![0_u8; 64 << 20];
        memory[32 << 20] = 1;
        let process = Process::open(std::process::id()).expect("ourselves");
        let residence = process.residence().expect("our own smaps");
        let at = Address(memory.as_ptr() as u64 + (32 << 20));
        let mapping = residence.mapping(at).expect("mapped");
        assert!(mapping.pages.anonymous_bytes >= 4096);
        let range = mapping.start.0..mapping.end.0;
        assert!(residence.pages.within(at.0..at.0 + 1) == 1 && residence.pages.within(range.clone()) < 64 << 20);
        // other threads of the test run meanwhile
        let (pages, anonymous) = (residence.pages.within(range), mapping.pages.anonymous_bytes);
        assert!(pages.abs_diff(anonymous) <= 8 << 20, "{pages} in runs, {anonymous} in smaps");
        assert!(residence.total().rss_bytes > anonymous);
        assert_eq!(memory[32 << 20], 1);
    }

    const MIB: u64 = 1 << 20;

    fn mapping(start: u64, end: u64, pages: Rollup) -> ResidentMapping {
        ResidentMapping { start: Address(start), end: Address(end), pages, stacks: 0 }
    }

    fn region(start: u64, end: u64) -> Region {
        Region { start: Address(start), end: Address(end), ..Region::default() }
    }

    /// Memory that nobody else has.
    fn private(bytes: u64) -> Rollup {
        Rollup {
            rss_bytes: bytes,
            pss_bytes: bytes,
            anonymous_bytes: bytes,
            private_dirty_bytes: bytes,
            ..Rollup::default()
        }
    }

    /// The same in a copy.
    fn copied(bytes: u64) -> Rollup {
        Rollup { pss_bytes: bytes / 2, private_dirty_bytes: 0, shared_dirty_bytes: bytes, ..private(bytes) }
    }

    fn found(mappings: &[(u64, u64, Rollup)]) -> Vec<ResidentMapping> {
        mappings.iter().map(|&(start, end, pages)| mapping(start, end, pages)).collect()
    }

    #[test]
    fn a_copy_tells_what_its_process_had() {
        let library = Rollup { rss_bytes: 3 * MIB, pss_bytes: MIB, shared_clean_bytes: 3 * MIB, ..Rollup::default() };
        let heap = Rollup { rss_bytes: 6 * MIB, pss_bytes: 5 * MIB, shared_dirty_bytes: 2 * MIB, ..private(4 * MIB) };
        let heap = Rollup { anonymous_bytes: 6 * MIB, ..heap };
        let (at, far) = (100 * MIB, 200 * MIB);
        let before = found(&[
            (at, at + 8 * MIB, heap),
            (at + 20 * MIB, at + 30 * MIB, private(5 * MIB)),
            (at + 40 * MIB, at + 41 * MIB, private(MIB)),
            (far, far + 4 * MIB, library),
            (far + 10 * MIB, far + 12 * MIB, private(2 * MIB)),
        ]);
        let copy = found(&[
            // more; less, and it has grown downwards; gone; only its file; new
            (at, at + 9 * MIB, copied(7 * MIB)),
            (at + 19 * MIB, at + 30 * MIB, copied(3 * MIB)),
            (far, far + 4 * MIB, Rollup::default()),
            (far + 20 * MIB, far + 21 * MIB, copied(MIB)),
        ]);
        let regions = [(at, 9), (at + 19 * MIB, 11), (far, 4), (far + 10 * MIB, 2), (far + 20 * MIB, 1)];
        let regions = regions.map(|(start, mib)| region(start, start + mib * MIB));
        let now = since(&before, copy.clone());
        let grown = Rollup { rss_bytes: 7 * MIB, pss_bytes: 6 * MIB, anonymous_bytes: 7 * MIB, ..heap };
        let expected = found(&[
            (at, at + 9 * MIB, Rollup { private_dirty_bytes: 5 * MIB, ..grown }),
            (at + 19 * MIB, at + 30 * MIB, private(3 * MIB)),
            (far, far + 4 * MIB, library),
            (far + 20 * MIB, far + 21 * MIB, private(MIB)),
        ]);
        assert_eq!(now, expected);
        let kept = kept(&before, &copy, &regions);
        assert_eq!(kept, found(&[(far + 10 * MIB, far + 12 * MIB, private(2 * MIB))]));
    }
}
