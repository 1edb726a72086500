//! How many processes and threads a process and its kin may still start: a copy takes one of these places for as long as it
//! is read.

use crate::figures::Container;
use crate::process::pids;
use crate::procfs;

/// The least of what the limit of its user (`RLIMIT_NPROC`) and those of its control groups (`pids.max`) leave; `None` where
/// there is no limit that we see. Cost: four small files, and where the limit is in reach one for each process of the machine.
pub(super) fn spare(pid: u32, status: &str, group: Option<&Container>) -> Option<u64> {
    let of_user = user_limit(pid, status).and_then(|limit| {
        // no user has more than there are
        let all = std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| tasks(&text))?;
        let few = limit.saturating_sub(all);
        let counted = || Some(limit.saturating_sub(tasks_of(procfs::number(status, "Uid")?)));
        if few >= super::room::PLACES { Some(few) } else { counted() }
    });
    of_user.into_iter().chain(group.and_then(Container::spare_processes)).min()
}

/// `RLIMIT_NPROC`, unless the process is exempt from it (`copy_process`, kernel/fork.c).
fn user_limit(pid: u32, status: &str) -> Option<u64> {
    const SYS_ADMIN: u64 = 1 << 21;
    const SYS_RESOURCE: u64 = 1 << 24;
    let capable = u64::from_str_radix(procfs::field(status, "CapEff")?, 16).ok()? & (SYS_ADMIN | SYS_RESOURCE) != 0;
    if capable || procfs::number(status, "Uid")? == 0 {
        return None;
    }
    let limits = procfs::text_quietly(pid, "limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max processes"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// How many processes and threads there are: the number behind the `/` of `/proc/loadavg`.
fn tasks(loadavg: &str) -> Option<u64> {
    loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// How many a user has.
fn tasks_of(user: u32) -> u64 {
    let of_one = |pid| {
        let status = procfs::text_quietly(pid, "status");
        let is_theirs = procfs::number(&status, "Uid") == Some(user);
        procfs::number(&status, "Threads").filter(|_| is_theirs).map_or(0, u64::from)
    };
    pids().unwrap_or_default().into_iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_all_is_read() {
        assert_eq!(tasks("0.20 0.18 0.12 1/80 11206\n"), Some(80));
        assert_eq!(tasks("0.20 0.18"), None);
        assert!(tasks_of(crate::sys::own_uid()) >= 1);
    }
}
