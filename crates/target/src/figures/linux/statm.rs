//! `/proc/PID/statm`: sizes in pages (`fs/proc/array.c`, `proc_pid_statm`).

use memsight_model::MemoryInfo;

use super::field::{number, words};

/// The line, in bytes of `page` each.
pub(super) fn parse(line: &[u8], page: u64) -> Option<MemoryInfo> {
    let mut sizes = words(line).map(|word| Some(number(word)?.saturating_mul(page)));
    let mut next = || sizes.next().flatten();
    let (vms_bytes, rss_bytes, shared_bytes) = (next()?, next()?, next()?);
    let (text_bytes, lib_bytes, data_bytes, dirty_bytes) = (next()?, next()?, next()?, next()?);
    Some(MemoryInfo { rss_bytes, vms_bytes, shared_bytes, text_bytes, lib_bytes, data_bytes, dirty_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_sizes_in_the_order_of_the_kernel() {
        let info = parse(b"10 7 3 2 0 5 0\n", 4096).expect("well-formed");
        assert_eq!((info.vms_bytes, info.rss_bytes, info.shared_bytes), (40960, 28672, 12288));
        assert_eq!((info.text_bytes, info.data_bytes), (8192, 20480));
        assert_eq!(parse(b"10 7 3 2 0 5", 4096), None);
        assert_eq!(parse(b"10 7 -3 2 0 5 0", 4096), None);
        assert_eq!(parse(b"18446744073709551615 7 3 2 0 5 0", 4096).map(|info| info.vms_bytes), Some(u64::MAX));
    }
}
