//! Whether there is room for a copy, and whether the process may be made to fork at all, as far as one can tell before.

use crate::error::{Obstacle, TargetError};
use crate::figures::{Container, virtual_memory};
use crate::process::Process;
use crate::procfs::{self, Stat};

use super::{inject, places};

/// So many places for processes and threads are to be left to a process besides the copy's own.
pub(super) const PLACES: u64 = 16;

/// Fails with the first obstacle. Cost: some 15 small files of `/proc` and of control groups, 0.4 ms, and 2 us for each file that
/// it has open.
pub(super) fn check(process: &Process) -> Result<(), TargetError> {
    match obstacle(process)? {
        None => Ok(()),
        Some(cause) => Err(TargetError::NoFork { pid: process.pid(), cause }),
    }
}

/// The first thing that stands in the way. Cost: as [`check`].
pub(crate) fn obstacle(process: &Process) -> Result<Option<Obstacle>, TargetError> {
    let pid = process.pid();
    let status = procfs::read(pid, "status")?;
    // the guard looks at every thread that it uses once more
    if let Some(mode @ 1..) = inject::seccomp(&status) {
        return Ok(Some(Obstacle::Seccomp { mode }));
    }
    if inject::has_shadow_stack(&status) {
        return Ok(Some(Obstacle::ShadowStack));
    }
    if Stat::of(pid)?.state == 'T' {
        return Ok(Some(Obstacle::Halted));
    }
    if handles_its_own_faults(pid) {
        return Ok(Some(Obstacle::Userfault));
    }
    let needed_bytes = process.private_bytes()?;
    let spare = |bytes: Option<u64>| bytes.filter(|&spare_bytes| spare_bytes < needed_bytes);
    // a machine that does not say how much there is, or a group that is hidden, is not asked
    let group = Container::of(pid).ok().flatten();
    let left = places::spare(pid, &String::from_utf8_lossy(&status), group.as_ref());
    if let Some(left) = left.filter(|&left| left <= PLACES) {
        return Ok(Some(Obstacle::Places { left }));
    }
    let sample = group.and_then(|group| group.sample().ok());
    if let Some(spare_bytes) = spare(sample.and_then(|group| group.spare_bytes)) {
        return Ok(Some(Obstacle::Group { needed_bytes, spare_bytes }));
    }
    let machine = virtual_memory().ok().map(|memory| memory.available_bytes);
    Ok(spare(machine).map(|spare_bytes| Obstacle::Machine { needed_bytes, spare_bytes }))
}

/// Whether it has asked to be told of its forks through userfaultfd(2): the kernel then keeps a fork waiting until the process
/// has read that, which it does not while it stands still. Source: `userfaultfd_show_fdinfo` (fs/userfaultfd.c), the second
/// number of the line `API:`. One that another process has open is not seen.
fn handles_its_own_faults(pid: u32) -> bool {
    const EVENT_FORK: u64 = 1 << 1;
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let is_handler = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|path| path.as_os_str() == "anon_inode:[userfaultfd]")
    };
    files.flatten().filter(is_handler).any(|entry| {
        let about = procfs::text_quietly(pid, &format!("fdinfo/{}", entry.file_name().to_string_lossy()));
        let features =
            procfs::field(&about, "API").and_then(|line| line.split(':').nth(1).map(str::trim).map(str::to_owned));
        features
            .is_some_and(|features| u64::from_str_radix(&features, 16).is_ok_and(|features| features & EVENT_FORK != 0))
    })
}
