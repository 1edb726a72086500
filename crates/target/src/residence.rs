//! Which pages of a process are in memory: `/proc/PID/smaps` for what each mapping has, `/proc/PID/pagemap` for which
//! pages of private memory these are.
//!
//! Both walk the page tables, so that they are exact. `/proc/PID/statm` adds up counters that each processor keeps
//! for a while (up to Linux 6.15 the sum was out by as much as 32 pages a processor and kind).

use memsight_model::{PageRuns, Residence, ResidentMapping};

use crate::error::TargetError;
use crate::figures::parse_smaps;
use crate::maps::PageMap;
use crate::process::Process;
use crate::procfs;
use crate::sys::Want;

impl Process {
    /// What of its memory is resident. To fit a copy of that memory it is asked for in the same pause. Cost: 5 to 10 ms
    /// for each GiB resident in small pages, 20 us a mapping, 15 us a thread.
    pub fn residence(&self) -> Result<Residence, TargetError> {
        let pid = self.pid();
        let figures = parse_smaps(&procfs::read(pid, "smaps")?);
        let failed = |error| procfs::failure(pid, "pagemap", error);
        let mut map = PageMap::open(pid).map_err(failed)?;
        let mut pages = Vec::new();
        for mapping in figures.iter().filter(|mapping| mapping.pages.anonymous_bytes > 0) {
            map.find(mapping.start.0..mapping.end.0, Want::Resident, &mut pages).map_err(failed)?;
        }
        let mut mappings: Vec<ResidentMapping> = figures
            .into_iter()
            .map(|mapping| ResidentMapping { start: mapping.start, end: mapping.end, pages: mapping.pages, stacks: 0 })
            .collect();
        for pointer in stack_pointers(pid)? {
            let next = mappings.partition_point(|mapping| mapping.start.0 <= pointer);
            if let Some(mapping) = next.checked_sub(1).and_then(|last| mappings.get_mut(last))
                && pointer < mapping.end.0
            {
                mapping.stacks += 1;
            }
        }
        Ok(Residence { mappings, pages: PageRuns::new(pages) })
    }
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
    use memsight_model::Address;

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
}
