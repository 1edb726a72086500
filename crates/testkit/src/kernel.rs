//! What the kernel says of the threads of a process.

use std::fs::{read_dir, read_to_string};

/// Thread ids with the number of times that each went to sleep; `None` while any is awake or the main thread is
/// elsewhere than in a read of its standard input.
pub(crate) fn asleep(pid: u32) -> Option<Vec<(u32, String)>> {
    let in_read = read_to_string(format!("/proc/{pid}/syscall")).ok()?.starts_with("0 0x0 ");
    let mut threads = Vec::new();
    for entry in read_dir(format!("/proc/{pid}/task")).ok()? {
        let thread = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let status = read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if !field("State:")?.starts_with('S') {
            return None;
        }
        threads.push((thread, field("voluntary_ctxt_switches:")?.to_owned()));
    }
    threads.sort();
    in_read.then_some(threads)
}
