//! What is left of a copy when its guard was killed.

use std::time::{Duration, Instant};

use crate::process::pids;
use crate::procfs::{self, Stat};
use crate::threads::nap;

use super::guard::Copy;
use super::way::Site;
use super::{Ended, Helper};

/// How long the end of a copy is waited for: the kernel ends it, 30 ms a GiB.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many guards are sent for one.
const GUARDS: usize = 8;

/// The copies that `guard`, whose end is not collected yet, had `target` make: its children since then that end without
/// a signal. Cost: a small file for each process of the machine.
pub(super) fn copies(target: u32, guard: u32) -> Vec<u32> {
    let Ok(since) = Stat::of(guard).map(|stat| stat.started) else { return Vec::new() };
    let is_copy = |pid: &u32| {
        Stat::of(*pid).is_ok_and(|stat| stat.parent == target && stat.silent && !stat.kernel && stat.started >= since)
    };
    let mut found = pids().unwrap_or_default();
    found.retain(|pid| is_copy(pid));
    found
}

/// Has another guard collect the copy `child`, once it has ended.
pub(super) fn collect(target: u32, child: u32, site: &Site) -> Ended {
    for _ in 0..GUARDS {
        let Some(status) = last_words(child, target) else { return Ended { pause_ns: 0, collected: true } };
        // the last is that in the innermost namespace, the target's
        let inner = procfs::field(&status, "NSpid").and_then(|ids| ids.split_ascii_whitespace().last()?.parse().ok());
        // none where the thread that was on its way back has collected it meanwhile
        let Some(inner) = inner else { continue };
        let copy = Copy { pid: child, inner };
        if let Some(ended) = Helper::start(target, site, Some(copy)).ok().and_then(Helper::end) {
            return ended;
        }
    }
    Ended { pause_ns: 0, collected: false }
}

/// The status file of the child of `parent` once it has ended; `None` when nothing of it is left.
fn last_words(child: u32, parent: u32) -> Option<String> {
    let began = Instant::now();
    loop {
        let stat = Stat::of(child).ok().filter(|stat| stat.parent == parent)?;
        if stat.is_dead() || began.elapsed() > PATIENCE {
            return Some(procfs::text_quietly(child, "status"));
        }
        nap(began.elapsed());
    }
}
