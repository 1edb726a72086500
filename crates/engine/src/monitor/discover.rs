//! Finding Python processes as they come.

use std::collections::{HashMap, HashSet};

use memsight_target::figures;

use super::budget::Budget;
use super::member::Member;
use super::newborns::Newborns;
use super::subject::look;
use crate::processes::runs_python;

/// A process that runs no Python is looked at again after this long, then twice as long and so on: a shell that was
/// just born becomes a Python, a server loads libpython when it is asked to.
const FIRST_NS: u64 = 250_000_000;
const LAST_NS: u64 = 64_000_000_000;

/// Processes that are not known to run Python.
#[derive(Debug)]
pub(super) struct Pythons {
    others: HashMap<u32, Other>,
    /// A storm of processes must not stop the samples.
    budget: Budget,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    /// 0: never looked at.
    started: u64,
    due_ns: u64,
    wait_ns: u64,
}

impl Other {
    fn new(now: u64) -> Other {
        Other { started: 0, due_ns: now, wait_ns: FIRST_NS }
    }
}

impl Pythons {
    pub fn new(share: f64, now: u64) -> Pythons {
        Pythons { others: HashMap::new(), budget: Budget::new(share, now) }
    }

    /// Notes what may be new; `members` are known already.
    pub fn note(&mut self, newborns: &Newborns, members: &HashSet<u32>, now: u64) {
        let (Newborns::Some(pids) | Newborns::All(pids)) = newborns else { return };
        for &pid in pids.iter().filter(|&&pid| pid != std::process::id() && !members.contains(&pid)) {
            let other = self.others.entry(pid).or_insert_with(|| Other::new(now));
            // its id was given away again
            if matches!(newborns, Newborns::Some(_)) {
                other.due_ns = now;
            }
        }
        // so that a storm of processes leaves nothing behind
        if matches!(newborns, Newborns::All(_)) {
            self.others.retain(|pid, _| pids.binary_search(pid).is_ok());
        }
    }

    /// Whether a member that began to run another program still runs Python; if not, it is one of the others.
    pub fn still(&mut self, member: &Member, now: u64) -> bool {
        let python = member.runs_python();
        if !python {
            self.others.insert(member.pid(), Other { started: member.started(), ..Other::new(now) });
        }
        python
    }

    /// Looks at all that is due, whatever it costs.
    pub fn classify_all(&mut self, now: u64) -> Vec<Member> {
        self.due(now).into_iter().filter_map(|pid| examine(&mut self.others, pid, now)).collect()
    }

    /// Looks at what is due, as far as the budget goes.
    pub fn classify(&mut self, now: u64) -> Vec<Member> {
        self.budget.refill(now);
        let mut found = Vec::new();
        for pid in self.due(now) {
            if self.budget.is_spent() {
                break;
            }
            found.extend(self.budget.charge(|| examine(&mut self.others, pid, now)));
        }
        found
    }

    /// Those whose time has come, longest waiting first.
    fn due(&self, now: u64) -> Vec<u32> {
        let due = self.others.iter().filter(|(_, other)| other.due_ns <= now);
        let mut due: Vec<(u64, u32)> = due.map(|(&pid, other)| (other.due_ns, pid)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, pid)| pid).collect()
    }
}

/// Looks at one: it is a member from now on, or it is looked at again later, or it is gone.
fn examine(others: &mut HashMap<u32, Other>, pid: u32, now: u64) -> Option<Member> {
    let Some((handle, stat)) = figures::stat_of(pid).filter(|stat| !stat.thread).and_then(|_| look(pid).ok()) else {
        // an id is given away a moment before its process can be seen
        let unseen = others.remove(&pid).filter(|other| other.started == 0 && other.wait_ns == FIRST_NS);
        if unseen.is_some() {
            others.insert(pid, Other { started: 0, due_ns: now + 1, wait_ns: 2 * FIRST_NS });
        }
        return None;
    };
    let own = stat.kernel || stat.is_zombie() || figures::is_of_a_look(pid, &stat);
    if !own && runs_python(&handle) {
        others.remove(&pid);
        return Some(Member::new(handle, stat, now));
    }
    let other = others.entry(pid).or_insert_with(|| Other::new(now));
    if other.started != stat.started {
        *other = Other { started: stat.started, ..Other::new(now) };
    }
    // a thread of the kernel stays one
    other.wait_ns = if stat.kernel { LAST_NS } else { other.wait_ns };
    other.due_ns = now.saturating_add(other.wait_ns);
    other.wait_ns = (other.wait_ns * 2).min(LAST_NS);
    None
}
