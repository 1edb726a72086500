//! The figures of a process, a tree or all Python processes, again and again.
//!
//! ```text
//! Pacer ──tick──> Monitor::sample ──> members (who belongs to the subject) ──> cheap figures of each, every time
//!                        │                                                     dear ones when due, within a budget
//!                        └──> Sample (and births, ends)
//! ```
//!
//! Cheap is what costs one read of a kept file: `statm` at every sample, `stat` four times a second. The rest
//! (`status`, `smaps_rollup`, the collector's counters, the search for an interpreter) comes by its [`Cadence`] and
//! takes turns, so that a sample stays short however many processes there are. Order and rates rest on the monotonic
//! clock alone.

mod budget;
mod cadence;
mod copies;
mod discover;
mod member;
mod newborns;
mod pacer;
mod subject;
mod turns;

use std::collections::HashSet;

use memsight_model::{ContainerSample, ProcessSample, Sample, StatusFigures, Timestamp, Totals, Unavailable};
use memsight_target::figures::{self, Container};

use crate::Error;
use budget::timed;
pub use cadence::{Cadence, Options};
use copies::Copies;
use member::{Due, Member};
pub use pacer::{MIN_INTERVAL, Pacer, Stopper, Tick};
use subject::Members;
pub use subject::Subject;
use turns::{Job, Turns, Waiting};

/// Container and machine are read at most this often; in between the last reading is repeated.
const SLOW_NS: u64 = 250_000_000;
/// What the processes in focus may take of a sample.
const FOCUS_NS: u64 = 30_000_000;
/// A process may be moved to another container: it is looked up again after this long.
const CONTAINER_NS: u64 = 10_000_000_000;

/// A process that came to the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Birth {
    /// Process id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// As `ProcessSample::created`.
    pub created: f64,
    /// Short name.
    pub name: String,
}

/// A process that left it: it was collected by its parent, or runs no Python any more where only Python counts.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Process id.
    pub pid: u32,
    /// As `ProcessSample::created`.
    pub created: f64,
    /// Short name.
    pub name: String,
}

/// Samples a subject. Holds up to four files open for each process, within limits of its own.
#[derive(Debug)]
pub struct Monitor {
    members: Members,
    options: Options,
    /// Whose turn it is for a dear figure.
    turns: Turns,
    /// Who is served first.
    focus: HashSet<u32>,
    /// Made when USS and PSS are read for the first time.
    copies: Option<Copies>,
    container: Option<(Container, Timestamp)>,
    /// When the container and the machine were read.
    container_ns: Option<u64>,
    machine_ns: Option<u64>,
    births: Vec<Birth>,
    ends: Vec<End>,
    /// No dear figure is due before, unless somebody moves.
    next_due_ns: u64,
    /// What was read last: changed in place, for at short intervals little changes.
    sample: Sample,
}

impl Monitor {
    /// Of a subject that exists: an error when there is no process with the pid (with any of them). Cost: that of
    /// looking at every process of the machine once, for a tree or all Pythons.
    pub fn new(subject: Subject, options: Options) -> Result<Monitor, Error> {
        let now = figures::now();
        let turns = Turns::new(options.budget, now.monotonic_ns);
        let members = Members::new(subject, options.budget, now.monotonic_ns)?;
        Ok(Monitor {
            members,
            options,
            turns,
            focus: HashSet::new(),
            copies: None,
            container: None,
            container_ns: None,
            machine_ns: None,
            births: Vec::new(),
            ends: Vec::new(),
            next_due_ns: 0,
            sample: Sample::default(),
        })
    }

    /// Reads everything that is due: [`Monitor::read`], to be kept.
    pub fn sample(&mut self) -> Result<Sample, Error> {
        self.read().cloned()
    }

    /// Reads everything that is due. No processes when all have ended; what cannot be read of one is missing there,
    /// with the reason where the type has room for it. Cost: 2 us a process, and the dear figures.
    pub fn read(&mut self) -> Result<&Sample, Error> {
        let at = figures::now();
        let now = at.monotonic_ns;
        self.births.clear();
        self.ends.clear();
        self.members.update(now, &mut self.births, &mut self.ends)?;
        if self.members.read(now, self.options.stat, &mut self.ends) || !self.births.is_empty() {
            self.next_due_ns = 0;
        }
        let served = now >= self.next_due_ns || !self.focus.is_empty();
        if served {
            self.mark_copied(now)?;
        }
        self.serve_focus(now);
        if now >= self.next_due_ns {
            self.take_turns(now);
            self.next_due_ns =
                self.members.iter().map(|member| member.next_due(&self.options)).min().unwrap_or(u64::MAX);
        }
        if served {
            // what was made since may have been there when USS and PSS were read
            self.mark_copied(now)?;
        }
        self.refresh(at);
        Ok(&self.sample)
    }

    /// What was read last.
    pub fn latest(&self) -> &Sample {
        &self.sample
    }

    /// Notes who shares its pages with a copy that a look has made. Cost: two reads a sample while USS and PSS are read.
    fn mark_copied(&mut self, now: u64) -> Result<(), Error> {
        if self.options.rollup == Cadence::Never {
            return Ok(());
        }
        let copies = match &mut self.copies {
            Some(copies) => {
                copies.refresh(now)?;
                copies
            }
            none => none.insert(Copies::new(now)?),
        };
        for member in self.members.as_mut_slice() {
            member.set_copied(copies.touch(member.pid(), member.parent()));
        }
        Ok(())
    }

    /// Brings the sample up to date.
    fn refresh(&mut self, at: Timestamp) {
        let mut changed = self.sample.revision == 0;
        let members = self.members.as_mut_slice();
        let processes = &mut self.sample.processes;
        if processes.len() != members.len() || !self.births.is_empty() || !self.ends.is_empty() {
            processes.clear();
            processes.extend(members.iter().map(|member| member.sample()));
            changed = true;
        }
        for (member, process) in members.iter_mut().zip(processes) {
            changed |= member.refresh(process);
        }
        if changed {
            self.sample.total = total(&self.sample.processes, self.options.rollup != Cadence::Never);
        }
        if self.options.container
            && self.container_ns.is_none_or(|read| at.monotonic_ns.saturating_sub(read) >= SLOW_NS)
        {
            self.sample.container = self.container(at);
            (self.container_ns, changed) = (self.sample.container.is_some().then_some(at.monotonic_ns), true);
        }
        if self.options.machine && self.machine_ns.is_none_or(|read| at.monotonic_ns.saturating_sub(read) >= SLOW_NS) {
            self.sample.machine = figures::machine().ok();
            (self.machine_ns, changed) = (self.sample.machine.is_some().then_some(at.monotonic_ns), true);
        }
        self.sample.at = at;
        self.sample.revision += u64::from(changed);
    }

    /// Processes that came with the last sample; those of the first are none.
    pub fn births(&self) -> &[Birth] {
        &self.births
    }

    /// Processes that went with the last sample.
    pub fn ends(&self) -> &[End] {
        &self.ends
    }

    /// Whether a process of the subject was left at the last sample.
    pub fn is_running(&self) -> bool {
        self.members.iter().next().is_some()
    }

    /// Serves these processes before the others from now on, whatever the budget says: those that a person looks at.
    /// Cost: 30 ms a sample at most, and the figures of one process more.
    pub fn focus(&mut self, pids: impl IntoIterator<Item = u32>) {
        self.focus = pids.into_iter().collect();
    }

    /// Reads the dear figures of the processes in focus that are due; those that wait the longest are due first again.
    fn serve_focus(&mut self, now: u64) {
        if self.focus.is_empty() {
            return;
        }
        let started = figures::now().monotonic_ns;
        let options = &self.options;
        let focus = &self.focus;
        let mut members: Vec<_> =
            self.members.as_mut_slice().iter_mut().filter(|member| focus.contains(&member.pid())).collect();
        members.sort_by_key(|member| member.served_ns());
        for member in members {
            for job in Job::ALL {
                if member.due(job, options, now) != Due::No {
                    member.run(job, options, now);
                }
            }
            if figures::now().monotonic_ns.saturating_sub(started) >= FOCUS_NS {
                return;
            }
        }
    }

    /// Reads the dear figures that are due, in turns.
    fn take_turns(&mut self, now: u64) {
        let (options, members) = (&self.options, self.members.as_mut_slice());
        let mut waiting = Waiting::default();
        for (at, member) in members.iter_mut().enumerate() {
            for job in Job::ALL {
                offer(&mut waiting, at, member, job, options, now);
            }
        }
        self.turns.refill(now, &waiting);
        while let Some((lane, at)) = self.turns.next(&mut waiting) {
            let Some(member) = members.get_mut(at) else { continue };
            let ((), cost_ns) = timed(|| member.run(lane.job, options, now));
            self.turns.charge(lane, cost_ns);
            // the collector can be read once its interpreter is found
            if lane.job == Job::Search {
                offer(&mut waiting, at, member, Job::Gc, options, now);
            }
        }
    }

    /// The container of the first process; looked up again when it vanished.
    fn container(&mut self, at: Timestamp) -> Option<ContainerSample> {
        let young = |found: &Timestamp| at.monotonic_ns.saturating_sub(found.monotonic_ns) < CONTAINER_NS;
        let kept = self.container.take_if(|(_, found)| young(found));
        let read = kept.and_then(|(container, found)| Some((container.sample().ok()?, container, found)));
        let read = read.or_else(|| {
            let container = Container::of(self.members.iter().next()?.pid()).ok()??;
            Some((container.sample().ok()?, container, at))
        });
        let (sample, container, found) = read?;
        self.container = Some((container, found));
        Some(sample)
    }
}

/// Does what is due and may not wait, and puts down what may.
fn offer(waiting: &mut Waiting, at: usize, member: &mut Member, job: Job, options: &Options, now: u64) {
    match member.due(job, options, now) {
        Due::No => {}
        Due::Now => member.run(job, options, now),
        Due::Since(since_ns) => waiting.add(member.lane(job), since_ns, at),
    }
}

fn total(processes: &[ProcessSample], rollups: bool) -> Totals {
    // what has ended uses nothing
    let living = || processes.iter().filter(|process| process.state != 'Z');
    let known = |figure: fn(&ProcessSample) -> Option<u64>| {
        living().map(figure).try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)))
    };
    let sum = |figure: fn(&ProcessSample) -> u64| processes.iter().map(figure).sum();
    let lacking = living().filter(|process| process.rollup.is_none()).count() as u32;
    Totals {
        processes: processes.len() as u32,
        rss_bytes: sum(|process| process.memory.rss_bytes),
        vms_bytes: sum(|process| process.memory.vms_bytes),
        pss_bytes: known(|process| Some(process.rollup?.pss_bytes)),
        uss_bytes: known(|process| Some(process.rollup?.uss_bytes())),
        swap_bytes: known(|process| process.status.map(|StatusFigures { swap_bytes, .. }| swap_bytes)),
        rollups: processes.len() as u32 - lacking,
        rollup_missing: if rollups && lacking > 0 { Some(why_missing(lacking, living())) } else { None },
    }
}

/// Why USS and PSS are not known of `lacking` processes: an error, where there was one.
fn why_missing<'p>(lacking: u32, living: impl Iterator<Item = &'p ProcessSample>) -> Unavailable {
    let told = living.filter(|process| process.rollup.is_none()).filter_map(|process| process.rollup_missing.as_ref());
    let told = told.min_by_key(|missing| missing.code == Unavailable::COPIED);
    let (code, reason) = told.map_or((Unavailable::NOT_YET, "not read yet"), |told| (&*told.code, &*told.reason));
    let of = if lacking == 1 { "1 process".to_owned() } else { format!("{lacking} processes") };
    Unavailable { code: code.to_owned(), reason: format!("of {of}: {reason}") }
}
