//! `/proc/PID/status`: peaks, kinds of memory, users (`fs/proc/array.c`, `fs/proc/task_mmu.c`).

use memsight_model::StatusFigures;

use super::field::{kilobytes, number, pairs, words};
use super::types::Ids;

/// The memory lines; a zombie and a thread of the kernel have none, and every figure is 0.
pub(super) fn figures(text: &[u8]) -> StatusFigures {
    let mut found = StatusFigures::default();
    for (key, value) in pairs(text) {
        let place = match key {
            b"VmHWM" => &mut found.peak_rss_bytes,
            b"VmPeak" => &mut found.peak_vms_bytes,
            b"RssAnon" => &mut found.rss_anon_bytes,
            b"RssFile" => &mut found.rss_file_bytes,
            b"RssShmem" => &mut found.rss_shmem_bytes,
            b"VmSwap" => &mut found.swap_bytes,
            b"VmLck" => &mut found.locked_bytes,
            b"VmPin" => &mut found.pinned_bytes,
            b"VmPTE" => &mut found.page_tables_bytes,
            b"HugetlbPages" => &mut found.hugetlb_bytes,
            b"Threads" => {
                let threads = words(value).next().and_then(number).unwrap_or(0);
                found.threads = u32::try_from(threads).unwrap_or(u32::MAX);
                continue;
            }
            _ => continue,
        };
        *place = kilobytes(value).unwrap_or(0);
    }
    found
}

/// The lines `Uid` and `Gid`.
pub(super) fn ids(text: &[u8]) -> Option<Ids> {
    let line = |name: &[u8]| {
        let (_, value) = pairs(text).find(|(key, _)| *key == name)?;
        let mut numbers = words(value).map(|word| u32::try_from(number(word)?).ok());
        let mut next = || numbers.next().flatten();
        Some([next()?, next()?, next()?, next()?])
    };
    Some(Ids { uids: line(b"Uid")?, gids: line(b"Gid")? })
}

/// The number of a line such as `Tgid`.
pub(super) fn first_number(text: &[u8], name: &[u8]) -> Option<u64> {
    let (_, value) = pairs(text).find(|(key, _)| *key == name)?;
    words(value).next().and_then(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_users() {
        let text =
            b"Name:\tVmHWM:\nTgid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nVmPeak:\t    20 kB\nVmHWM:\t 10 kB\n\
            RssAnon:\tmany\nThreads:\t99999999999\n";
        let found = figures(text);
        assert_eq!((found.peak_rss_bytes, found.peak_vms_bytes), (10240, 20480));
        assert_eq!((found.rss_anon_bytes, found.threads), (0, u32::MAX));
        assert_eq!(ids(text), Some(Ids { uids: [1, 2, 3, 4], gids: [5, 6, 7, 8] }));
        assert_eq!(ids(b"Uid:\t1\t2\t3"), None);
        assert_eq!(first_number(text, b"Tgid"), Some(12));
    }
}
