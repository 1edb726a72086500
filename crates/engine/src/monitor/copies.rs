//! Copies that other looks have made of processes: what shares its pages with a copy has no USS and half its PSS.

use memsight_target::figures;

use super::newborns::{Ids, Newborns};
use crate::Error;

/// Follows the copies that live, whoever had them made.
#[derive(Debug)]
pub(super) struct Copies {
    ids: Ids,
    living: Vec<Living>,
}

/// A copy, a child of the target; or its guard, a child of who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Living {
    pid: u32,
    started: u64,
    parent: u32,
    guard: bool,
}

impl Copies {
    /// Starts with a look at every process of the machine: 7 us each.
    pub fn new(now: u64) -> Result<Copies, Error> {
        let (ids, all) = Ids::new(now)?;
        let mut copies = Copies { ids, living: Vec::new() };
        copies.note(&all);
        Ok(copies)
    }

    /// Finds those that were made or ended since. Cost: one read when no process was born and none is known.
    pub fn refresh(&mut self, now: u64) -> Result<(), Error> {
        if let Newborns::Some(pids) | Newborns::All(pids) = self.ids.look(now)? {
            self.note(&pids);
        }
        self.living.retain(|copy| {
            let stat = figures::stat_of(copy.pid).filter(|stat| stat.started == copy.started);
            stat.is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
        });
        Ok(())
    }

    /// Whether a process shares its memory with a copy: one of itself, or of a process that it was forked from, that was
    /// forked from it, or that has the same parent. Who looks shares its own with the guard.
    pub fn touch(&self, pid: u32, parent: u32) -> bool {
        self.living.iter().any(|copy| {
            let target = copy.parent;
            if copy.guard {
                return pid == target;
            }
            let above = figures::stat_of(target).map_or(0, |stat| stat.parent);
            // init's children have nothing in common
            [pid, parent].contains(&target) || above == pid || (above == parent && above > 1)
        })
    }

    fn note(&mut self, pids: &[u32]) {
        let mut unseen = Vec::new();
        for &pid in pids {
            match figures::stat_of(pid) {
                Some(stat) if figures::is_of_a_look(pid, &stat) => {
                    let guard = figures::is_guard(&stat);
                    let copy = Living { pid, started: stat.started, parent: stat.parent, guard };
                    if !self.living.contains(&copy) {
                        self.living.push(copy);
                    }
                }
                Some(_) => {}
                None => unseen.push(pid),
            }
        }
        self.ids.unseen(unseen.into_iter());
    }
}
