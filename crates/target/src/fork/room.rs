//! Whether there is room for a copy, and whether the process may be made to fork at all, as far as one can tell before.

use crate::error::{Obstacle, TargetError};
use crate::figures::{Container, virtual_memory};
use crate::process::Process;
use crate::procfs::{self, Stat};

use super::inject;

/// Fails with the first obstacle. Cost: some 15 small files of `/proc` and of control groups, 0.4 ms.
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
    let needed_bytes = process.private_bytes()?;
    let spare = |bytes: Option<u64>| bytes.filter(|&spare_bytes| spare_bytes < needed_bytes);
    // a machine that does not say how much there is, or a group that is hidden, is not asked
    let group = Container::of(pid).ok().flatten().and_then(|group| group.sample().ok());
    if let Some(spare_bytes) = spare(group.and_then(|group| group.spare_bytes)) {
        return Ok(Some(Obstacle::Group { needed_bytes, spare_bytes }));
    }
    let machine = virtual_memory().ok().map(|memory| memory.available_bytes);
    Ok(spare(machine).map(|spare_bytes| Obstacle::Machine { needed_bytes, spare_bytes }))
}
