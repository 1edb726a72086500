//! Who belongs to the subject.

use std::collections::{HashMap, HashSet};

use memsight_target::TargetError;
use memsight_target::figures::{self, Handle, ProcessStat};

use super::discover::Pythons;
use super::member::Member;
use super::newborns::{Ids, Newborns};
use super::{Birth, Cadence, End};
use crate::Error;

/// What to sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One process.
    Process(u32),
    /// A process and all its descendants, also those that are born later. A descendant stays in the tree when its
    /// parent ends; one whose parent was born and ended between two samples is not known to be one. Copies that looks of
    /// memsight have made of them are none of its own.
    Tree(u32),
    /// These processes, as far as they exist.
    Pids(Vec<u32>),
    /// Every Python process of the machine that can be seen, but this one.
    Pythons,
}

/// Processes of a subject, parents before their children.
#[derive(Debug)]
pub(super) struct Members {
    list: Vec<Member>,
    growth: Growth,
}

/// How members come.
#[derive(Debug)]
enum Growth {
    /// They do not.
    Fixed,
    /// By birth.
    Tree(Ids),
    /// By discovery.
    Pythons(Ids, Box<Pythons>),
}

impl Members {
    pub fn new(subject: Subject, share: f64, now: u64) -> Result<Members, Error> {
        match subject {
            Subject::Process(pid) => Ok(Members { list: vec![open(pid, now)?], growth: Growth::Fixed }),
            Subject::Pids(pids) => Members::of_pids(pids, now),
            Subject::Tree(pid) => {
                let list = vec![open(pid, now)?];
                let (ids, all) = Ids::new(now)?;
                let mut members = Members { list, growth: Growth::Tree(ids) };
                members.adopt(&all, true, now, &mut Vec::new());
                members.arrange();
                Ok(members)
            }
            Subject::Pythons => {
                let (ids, all) = Ids::new(now)?;
                let mut pythons = Box::new(Pythons::new(share, now));
                pythons.note(&Newborns::All(all), &HashSet::new(), now);
                let list = pythons.classify_all(now);
                let mut members = Members { list, growth: Growth::Pythons(ids, pythons) };
                members.arrange();
                Ok(members)
            }
        }
    }

    fn of_pids(mut pids: Vec<u32>, now: u64) -> Result<Members, Error> {
        pids.sort_unstable();
        pids.dedup();
        let mut failure = Error::NoSubject;
        let mut list = Vec::new();
        for pid in pids {
            match open(pid, now) {
                Ok(member) => list.push(member),
                Err(error) => failure = error,
            }
        }
        if list.is_empty() {
            return Err(failure);
        }
        let mut members = Members { list, growth: Growth::Fixed };
        members.arrange();
        Ok(members)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.list.iter()
    }

    pub fn as_mut_slice(&mut self) -> &mut [Member] {
        &mut self.list
    }

    /// Takes in who was born. Cost: one read when nobody was.
    pub fn update(&mut self, now: u64, births: &mut Vec<Birth>, ends: &mut Vec<End>) -> Result<(), Error> {
        let before = births.len();
        match &mut self.growth {
            Growth::Fixed => return Ok(()),
            Growth::Tree(ids) => {
                let newborns = ids.look(now)?;
                let settled = matches!(newborns, Newborns::All(_));
                if let Newborns::Some(pids) | Newborns::All(pids) = newborns {
                    let unseen = self.adopt(&pids, settled, now, births);
                    if let Growth::Tree(ids) = &mut self.growth {
                        ids.unseen(unseen.into_iter());
                    }
                }
            }
            Growth::Pythons(ids, pythons) => {
                let newborns = ids.look(now)?;
                if newborns != Newborns::None {
                    pythons.note(&newborns, &self.list.iter().map(Member::pid).collect(), now);
                }
                self.list.retain_mut(|member| {
                    let stays = !member.take_renewed() || pythons.still(member, now);
                    if !stays {
                        ends.push(member.end());
                    }
                    stays
                });
                let found = pythons.classify(now);
                births.extend(found.iter().map(Member::birth));
                self.list.extend(found);
            }
        }
        if births.len() > before {
            self.arrange();
        }
        Ok(())
    }

    /// Reads the cheap figures of all; who is gone leaves. Whether anybody's have changed.
    pub fn read(&mut self, now: u64, stat: Cadence, ends: &mut Vec<End>) -> bool {
        let mut changed = false;
        // who was asked for by name stays
        let mut asked = match self.growth {
            Growth::Fixed => usize::MAX,
            Growth::Tree(_) => 1,
            Growth::Pythons(..) => 0,
        };
        self.list.retain_mut(|member| {
            let there = member.read(now, stat) && (asked > 0 || !member.is_of_a_look());
            asked = asked.saturating_sub(1);
            if !there {
                ends.push(member.end());
            }
            changed |= member.has_changed();
            there
        });
        changed
    }

    /// Takes in those of `pids` that descend from members; gives those that could not be seen. Unless `settled`, one that
    /// is silent about its end waits: it may become the guard of a look.
    fn adopt(&mut self, pids: &[u32], settled: bool, now: u64, births: &mut Vec<Birth>) -> Vec<u32> {
        if self.list.is_empty() {
            return Vec::new(); // nobody is left who could have children
        }
        let mut known: HashMap<u32, u64> = self.list.iter().map(|member| (member.pid(), member.started())).collect();
        let (mut strangers, mut unseen) = (Vec::new(), Vec::new());
        for &pid in pids {
            match figures::stat_of(pid) {
                // an id may be used again: the member that had it is found to be gone when it is read
                Some(stat) if stat.thread || known.get(&pid) == Some(&stat.started) => {}
                Some(stat) if figures::is_of_a_look(pid, &stat) => {}
                Some(stat) if stat.silent && !settled => unseen.push(pid),
                Some(stat) => strangers.push((pid, stat.parent)),
                None => unseen.push(pid),
            }
        }
        loop {
            let (kin, others): (Vec<_>, Vec<_>) =
                strangers.into_iter().partition(|(_, parent)| known.contains_key(parent));
            if kin.is_empty() {
                return unseen;
            }
            // one that vanishes now was too short-lived to be seen
            for member in kin.into_iter().filter_map(|(pid, _)| open(pid, now).ok()) {
                known.insert(member.pid(), member.started());
                births.push(member.birth());
                self.list.push(member);
            }
            strangers = others;
        }
    }

    /// Parents before their children, then by id; the first process of a tree stays the first.
    fn arrange(&mut self) {
        let first = self.list.first().map(Member::pid);
        let parents: HashMap<u32, u32> = self.list.iter().map(|member| (member.pid(), member.parent())).collect();
        let depth = |pid: u32| {
            let ancestors = std::iter::successors(parents.get(&pid), |parent| parents.get(parent));
            ancestors.take(parents.len()).count()
        };
        self.list.sort_by_cached_key(|member| (depth(member.pid()), Some(member.pid()) != first, member.pid()));
    }
}

fn open(pid: u32, now: u64) -> Result<Member, Error> {
    let (handle, stat) = look(pid)?;
    Ok(Member::new(handle, stat, now))
}

/// The process with this id; a thread is none.
pub(super) fn look(pid: u32) -> Result<(Handle, ProcessStat), TargetError> {
    let handle = Handle::open(pid)?;
    let stat = handle.stat()?;
    if stat.thread { Err(TargetError::NoSuchProcess { pid }) } else { Ok((handle, stat)) }
}
