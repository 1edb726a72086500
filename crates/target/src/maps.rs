//! The mappings of a process: `/proc/PID/maps`, and which of their pages are there at all (`/proc/PID/pagemap`).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memsight_model::{Address, Region};

use crate::sys::{self, PAGE, PageRun, Want};

/// Pages whose entries are read at once where the kernel cannot scan: 64 KiB of entries for 32 MiB of memory.
const PAGES_A_READ: u64 = 8192;

/// The regions of a maps file, in its order (ascending); lines of another shape are left out.
pub(crate) fn parse(maps: &[u8]) -> Vec<Region> {
    maps.split(|&byte| byte == b'\n').filter_map(line).collect()
}

/// An address of memory that every process has touched, so that reading it brings nothing in: where its main stack
/// begins; else the first that may be read.
pub(crate) fn touched(regions: &[Region]) -> Option<Address> {
    let stack = regions.iter().find(|region| region.path == "[stack]" && region.read);
    let first = || regions.iter().find(|region| region.read && !region.path.starts_with("[v"));
    stack.map(|region| Address(region.end.0.saturating_sub(8))).or_else(|| first().map(|region| region.start))
}

/// `start-end perms offset major:minor inode   path`; the path is the rest of the line whatever it holds.
fn line(line: &[u8]) -> Option<Region> {
    let mut rest = line;
    let (start, end) = word(&mut rest)?.split_once('-')?;
    let rights = word(&mut rest)?.as_bytes();
    let offset = word(&mut rest)?;
    let _device = word(&mut rest)?;
    let inode = word(&mut rest)?.parse().ok()?;
    let has = |at: usize, what: u8| rights.get(at) == Some(&what);
    Some(Region {
        start: Address(u64::from_str_radix(start, 16).ok()?),
        end: Address(u64::from_str_radix(end, 16).ok()?),
        read: has(0, b'r'),
        write: has(1, b'w'),
        execute: has(2, b'x'),
        shared: has(3, b's'),
        offset: u64::from_str_radix(offset, 16).ok()?,
        inode,
        // the kernel escapes the newline and nothing else
        path: String::from_utf8_lossy(rest.trim_ascii_start()).replace("\\012", "\n"),
    })
    .filter(|region| region.start < region.end)
}

fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let line = rest.trim_ascii_start();
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let (word, after) = line.split_at_checked(end)?;
    *rest = after;
    std::str::from_utf8(word).ok().filter(|word| !word.is_empty())
}

/// Which pages of a process exist, asked without touching any.
pub(crate) struct PageMap {
    file: File,
    can_scan: bool,
    runs: Vec<PageRun>,
}

impl PageMap {
    /// Of a process.
    pub fn open(pid: u32) -> io::Result<PageMap> {
        let file = File::open(format!("/proc/{pid}/pagemap"))?;
        Ok(PageMap { file, can_scan: true, runs: vec![PageRun::default(); 512] })
    }

    /// Appends the ranges of wanted pages inside `within`, ascending, neighbours joined. Cost: that of the pages
    /// that are there (Linux 6.7 and later); 8 bytes read for every page of the address range before.
    pub fn find(&mut self, within: Range<u64>, want: Want, out: &mut Vec<Range<u64>>) -> io::Result<()> {
        if self.can_scan {
            match self.scan(within.clone(), want, out) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)) => {
                    self.can_scan = false
                }
                done => return done,
            }
        }
        self.walk(within, want, out)
    }

    fn scan(&mut self, within: Range<u64>, want: Want, out: &mut Vec<Range<u64>>) -> io::Result<()> {
        let mut at = within.start;
        while at < within.end {
            let (found, end) = sys::scan_pages(&self.file, at, within.end, want, &mut self.runs)?;
            for run in self.runs.iter().take(found) {
                push(run.start..run.end, out);
            }
            if end <= at {
                break;
            }
            at = end;
        }
        Ok(())
    }

    fn walk(&mut self, within: Range<u64>, want: Want, out: &mut Vec<Range<u64>>) -> io::Result<()> {
        let mut bytes = vec![0; 8 * PAGES_A_READ as usize];
        let (mut page, last) = (within.start / PAGE, within.end / PAGE);
        while page < last {
            let pages = (last - page).min(PAGES_A_READ);
            let room = bytes.get_mut(..8 * pages as usize).unwrap_or_default();
            let read = self.file.read_at(room, 8 * page)?;
            for (i, entry) in room.as_chunks::<8>().0.iter().take(read / 8).enumerate() {
                if is_wanted(u64::from_le_bytes(*entry), want) {
                    let start = (page + i as u64) * PAGE;
                    push(start..start + PAGE, out);
                }
            }
            if read < 8 {
                break;
            }
            page += read as u64 / 8;
        }
        Ok(())
    }
}

/// An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst): bit 63 present, 62 swapped, 61 of a file.
fn is_wanted(entry: u64, want: Want) -> bool {
    let there = if want == Want::Resident { entry >> 63 } else { entry >> 62 };
    there != 0 && (want == Want::Present || entry >> 61 & 1 == 0)
}

fn push(range: Range<u64>, out: &mut Vec<Range<u64>>) {
    match out.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => out.push(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_paths_stay_whole() {
        let maps = b"00400000-00401000 r-xp 00000000 08:01 42   /tmp/a  b (deleted)\n\
            7f0000000000-7f0000002000 rw-p 00001000 00:00 0 \n\
            7f0000002000-7f0000003000 rw-s 00000000 00:05 9 /x\\012y\n\
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n\
            nonsense\n7f-7e r--p 0 0:0 0\n\xff\xfe-\n";
        let regions = parse(maps);
        assert_eq!(regions.len(), 4);
        assert_eq!(regions[0].path, "/tmp/a  b (deleted)");
        assert_eq!((regions[0].inode, regions[0].execute, regions[0].write), (42, true, false));
        assert_eq!((regions[1].path.as_str(), regions[1].offset, regions[1].len()), ("", 0x1000, 0x2000));
        assert_eq!((regions[2].path.as_str(), regions[2].shared), ("/x\ny", true));
        assert_eq!((regions[3].path.as_str(), regions[3].read), ("[vsyscall]", false));
    }

    #[test]
    fn scanning_and_walking_agree_and_see_only_touched_pages() {
        let len = 64 << 20;
        let mut sparse = vec![0_u8; len];
        for at in [5 << 12, 6 << 12, 40 << 20] {
            sparse[at] = 1;
        }
        let start = (sparse.as_ptr() as u64).next_multiple_of(PAGE);
        let end = (sparse.as_ptr() as u64 + len as u64) / PAGE * PAGE;
        let mut map = PageMap::open(std::process::id()).expect("own pagemap");
        let (mut scanned, mut walked) = (Vec::new(), Vec::new());
        map.find(start..end, Want::Present, &mut scanned).expect("scan");
        map.walk(start..end, Want::Present, &mut walked).expect("walk");
        let pages = |ranges: &[Range<u64>]| ranges.iter().map(|range| (range.end - range.start) / PAGE).sum::<u64>();
        assert_eq!(scanned, walked);
        // the allocator's own header may share the first page; huge pages may hold 512 neighbours each
        assert!((2..=1024 + 512).contains(&pages(&scanned)), "{scanned:?}");
        assert_eq!(sparse[40 << 20], 1);
    }
}
