//! What is left of a copy when its guard was killed.

use std::time::{Duration, Instant};

use crate::process::pids;
use crate::procfs::{self, Stat};
use crate::threads::nap;
use crate::turn::GUARD;

use super::guard::Copy;
use super::way::Site;
use super::{Ended, Helper};

/// How long the end of a copy is waited for: the kernel ends it, 30 ms a GiB.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many guards are sent for one.
const GUARDS: usize = 8;

/// A copy, told from whatever gets its id afterwards by its start, in clock ticks since boot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    pub pid: u32,
    pub started: u64,
}

impl Left {
    /// The copy `pid`, which was made just now; one that is gone again is no other.
    pub fn behind(pid: u32) -> Left {
        Left { pid, started: Stat::of(pid).map_or(0, |stat| stat.started) }
    }

    /// Its entry in the table of processes, as long as there is one.
    fn stat(self, parent: u32) -> Option<Stat> {
        Stat::of(self.pid).ok().filter(|stat| stat.parent == parent && stat.silent && stat.started == self.started)
    }
}

/// The copies that `guard`, whose end is not collected yet, may have had `target` make: its children since then that end
/// without a signal, but for guards of its own, which it has when it looks at itself. Cost: a small file for each process
/// of the machine.
pub(super) fn copies(target: u32, guard: u32) -> Vec<Left> {
    let Ok(since) = Stat::of(guard).map(|stat| stat.started) else { return Vec::new() };
    let copy = |pid: u32| {
        let stat = Stat::of(pid).ok()?;
        let is_copy = stat.parent == target && stat.silent && !stat.kernel && stat.started >= since;
        let is_guard = || procfs::text_quietly(pid, "comm").trim_end() == GUARD;
        (is_copy && !is_guard()).then_some(Left { pid, started: stat.started })
    };
    pids().unwrap_or_default().into_iter().filter_map(copy).collect()
}

/// Has another guard collect a copy once it has ended. One that does not end is left alone: it is not known to be ours.
pub(super) fn collect(target: u32, left: Left, site: &Site) -> Ended {
    for _ in 0..GUARDS {
        if !ends(left, target) {
            break;
        }
        let status = procfs::text_quietly(left.pid, "status");
        // none where the thread that was on its way back has collected it meanwhile
        let (Some(inner), Some(_)) = (inner_id(&status), left.stat(target)) else { continue };
        let copy = Copy { pid: left.pid, inner };
        if let Some(ended) = Helper::start(target, site, Some(copy)).ok().and_then(Helper::end) {
            return ended;
        }
    }
    Ended { pause_ns: 0, collected: left.stat(target).is_none() }
}

/// The id in the innermost PID namespace, the target's. While an entry is removed its ids are 0, and waiting for 0 would
/// collect any child of the target's process group.
fn inner_id(status: &str) -> Option<i64> {
    let last = procfs::field(status, "NSpid")?.split_ascii_whitespace().last()?;
    last.parse().ok().filter(|&id| id > 0)
}

/// Waits until only the entry of the copy is left, or nothing.
fn ends(left: Left, parent: u32) -> bool {
    let began = Instant::now();
    while let Some(stat) = left.stat(parent) {
        if stat.is_dead() {
            return true;
        }
        if began.elapsed() > PATIENCE {
            return false;
        }
        nap(began.elapsed());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_being_removed_has_no_id() {
        assert_eq!(inner_id("Pid:\t70\nNSpid:\t70\t7\n"), Some(7));
        for status in ["Pid:\t0\nNSpid:\t0\t0\n", "NSpid:\t0\n", "NSpid:\n", "Pid:\t70\n", ""] {
            assert_eq!(inner_id(status), None, "{status:?}");
        }
    }
}
