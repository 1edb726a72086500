//! `/proc/PID/smaps_rollup`, and the same lines of one mapping in `smaps` (`fs/proc/task_mmu.c`, `__show_smap`).

use memsight_model::Rollup;

use super::field::{kilobytes, pairs};

/// The sums; lines that are not known, or not numbers, are left out.
pub(super) fn parse(text: &[u8]) -> Rollup {
    let mut rollup = Rollup::default();
    for (key, value) in pairs(text) {
        set(&mut rollup, key, value);
    }
    rollup
}

/// Puts the value of one line into its place.
pub(super) fn set(rollup: &mut Rollup, key: &[u8], value: &[u8]) {
    let place = match key {
        b"Rss" => &mut rollup.rss_bytes,
        b"Pss" => &mut rollup.pss_bytes,
        b"Pss_Anon" => &mut rollup.pss_anon_bytes,
        b"Pss_File" => &mut rollup.pss_file_bytes,
        b"Pss_Shmem" => &mut rollup.pss_shmem_bytes,
        b"Shared_Clean" => &mut rollup.shared_clean_bytes,
        b"Shared_Dirty" => &mut rollup.shared_dirty_bytes,
        b"Private_Clean" => &mut rollup.private_clean_bytes,
        b"Private_Dirty" => &mut rollup.private_dirty_bytes,
        b"Referenced" => &mut rollup.referenced_bytes,
        b"Anonymous" => &mut rollup.anonymous_bytes,
        b"LazyFree" => &mut rollup.lazy_free_bytes,
        b"AnonHugePages" => &mut rollup.anon_huge_pages_bytes,
        b"ShmemPmdMapped" => &mut rollup.shmem_huge_pages_bytes,
        b"FilePmdMapped" => &mut rollup.file_huge_pages_bytes,
        b"Shared_Hugetlb" => &mut rollup.shared_hugetlb_bytes,
        b"Private_Hugetlb" => &mut rollup.private_hugetlb_bytes,
        b"Swap" => &mut rollup.swap_bytes,
        b"SwapPss" => &mut rollup.swap_pss_bytes,
        b"Locked" => &mut rollup.locked_bytes,
        _ => return,
    };
    if let Some(bytes) = kilobytes(value) {
        *place = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_find_their_places_and_strange_ones_do_no_harm() {
        let text = b"00400000-7fff0000 ---p 00000000 00:00 0   [rollup]\nRss:  100 kB\nPss:  50 kB\nPss_Dirty: 9 kB\n\
            Private_Clean: 1 kB\nPrivate_Dirty: 2 kB\nPrivate_Hugetlb: 4 kB\nSwap: x kB\nNew: 7 kB\nLocked:\n\xff:\n";
        let rollup = parse(text);
        assert_eq!((rollup.rss_bytes, rollup.pss_bytes, rollup.uss_bytes()), (102_400, 51_200, 7168));
        assert_eq!((rollup.swap_bytes, rollup.locked_bytes), (0, 0));
    }
}
