//! Which processes may have been born since last time, without looking at all of them.

use memsight_target::figures;

use crate::Error;

/// From this many new ids on a listing of all processes is cheaper than a look at each id.
const LISTED_FROM: u32 = 32;
/// A listing of all processes is made this often although the ids tell the births.
const SCAN_NS: u64 = 10_000_000_000;
/// And this often where they do not: lxcfs and some sandboxes make `/proc/loadavg` up.
const DISTRUST_SCAN_NS: u64 = 100_000_000;

/// Ids to look at.
#[derive(Debug, PartialEq)]
pub(super) enum Newborns {
    /// None was given away.
    None,
    /// Those that were given to processes or threads lately; some may be known already or gone.
    Some(Vec<u32>),
    /// Every process there is, ascending.
    All(Vec<u32>),
}

/// Follows the last id that the kernel gave away: while it stays, nothing was born.
#[derive(Debug)]
pub(super) struct Ids {
    /// The last id at the last look, and at the one before.
    last: u32,
    before: u32,
    /// An id is given away a moment before its process can be seen: these were not, and are looked for once more.
    unseen: Vec<u32>,
    /// For the same reason a listing is made again, of what came after this id.
    again: Option<u32>,
    /// When all were listed, and an id that was given away before.
    scanned_ns: u64,
    scanned_last: u32,
    listed: Vec<u32>,
    /// Whether every birth so far was told by the last id.
    trusted: bool,
}

impl Ids {
    /// Starts with a listing of all processes.
    pub fn new(now: u64) -> Result<(Ids, Vec<u32>), Error> {
        let last = figures::last_pid().unwrap_or(0);
        let listed = figures::pids()?;
        let ids = Ids {
            last,
            before: last,
            unseen: Vec::new(),
            again: Some(last),
            scanned_ns: now,
            scanned_last: last,
            listed: listed.clone(),
            trusted: last > 0,
        };
        Ok((ids, listed))
    }

    /// What to look at now. Cost: one read of 1 us when nothing was born.
    pub fn look(&mut self, now: u64) -> Result<Newborns, Error> {
        let every = if self.trusted { SCAN_NS } else { DISTRUST_SCAN_NS };
        let last = figures::last_pid().unwrap_or(0);
        let before = std::mem::replace(&mut self.last, last);
        let (again, mut pids) = (self.again.take(), std::mem::take(&mut self.unseen));
        self.before = before;
        if last < before || now.saturating_sub(self.scanned_ns) >= every {
            return self.scan(now, before).map(Newborns::All);
        }
        if again.is_some() || last - before >= LISTED_FROM {
            self.again = (last > before).then_some(before);
            let after = again.unwrap_or(before);
            return Ok(Newborns::Some(figures::pids()?.into_iter().filter(|&pid| pid > after).collect()));
        }
        pids.extend(before + 1..=last);
        Ok(if pids.is_empty() { Newborns::None } else { Newborns::Some(pids) })
    }

    /// Tells which ids of the last look could not be seen; the new ones among them come once more.
    pub fn unseen(&mut self, pids: impl Iterator<Item = u32>) {
        self.unseen.extend(pids.filter(|&pid| pid > self.before).take(LISTED_FROM as usize));
    }

    /// Lists all, and finds out whether the last id would have told what is new. `before` is the last id a look ago.
    fn scan(&mut self, now: u64, before: u32) -> Result<Vec<u32>, Error> {
        let listed = figures::pids()?;
        let last = figures::last_pid().unwrap_or(0);
        let wrapped = last < self.scanned_last;
        let told = |pid: &u32| (self.scanned_last + 1..=last).contains(pid) || self.listed.binary_search(pid).is_ok();
        self.trusted = last > 0 && (wrapped || listed.iter().all(told));
        (self.scanned_ns, self.scanned_last) = (now, before.min(last));
        self.listed.clone_from(&listed);
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A child of ours is told by its id within two looks, and nothing is listed for it.
    #[test]
    fn a_birth_is_told() {
        let (mut ids, listed) = Ids::new(0).unwrap();
        assert!(listed.contains(&std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let found = [ids.look(1), ids.look(2)].into_iter().any(|look| match look.unwrap() {
            Newborns::None => false,
            Newborns::Some(pids) | Newborns::All(pids) => pids.contains(&child.id()),
        });
        child.wait().unwrap();
        assert!(found);
    }

    #[test]
    fn a_last_id_that_tells_nothing_is_not_trusted() {
        let (mut ids, _) = Ids::new(0).unwrap();
        ids.listed.retain(|&pid| pid != std::process::id());
        assert!(matches!(ids.look(SCAN_NS).unwrap(), Newborns::All(_)));
        assert!(!ids.trusted);
        assert!(matches!(ids.look(SCAN_NS + DISTRUST_SCAN_NS).unwrap(), Newborns::All(_)));
        assert!(ids.trusted, "once more all are told");
    }
}
