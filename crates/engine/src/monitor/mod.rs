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
mod discover;
mod member;
mod newborns;
mod pacer;
mod subject;

use std::collections::HashSet;

use memsight_model::{ContainerSample, MachineSample, Sample, StatusFigures, Timestamp, Totals};
use memsight_target::figures::{self, Container};

use crate::Error;
use budget::Budget;
pub use cadence::{Cadence, Options};
use member::{Job, Member};
pub use pacer::{MIN_INTERVAL, Pacer, Stopper, Tick};
use subject::Members;
pub use subject::Subject;

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
    budget: Budget,
    /// Whose turn it is for a dear figure.
    turn: usize,
    /// Who is served first.
    focus: HashSet<u32>,
    container: Option<(Container, Timestamp)>,
    container_sample: Option<(ContainerSample, u64)>,
    machine: Option<(MachineSample, u64)>,
    births: Vec<Birth>,
    ends: Vec<End>,
}

impl Monitor {
    /// Of a subject that exists: an error when there is no process with the pid (with any of them). Cost: that of
    /// looking at every process of the machine once, for a tree or all Pythons.
    pub fn new(subject: Subject, options: Options) -> Result<Monitor, Error> {
        let now = figures::now();
        let budget = Budget::new(options.budget, now.monotonic_ns);
        let members = Members::new(subject, options.budget, now.monotonic_ns)?;
        Ok(Monitor {
            members,
            options,
            budget,
            turn: 0,
            focus: HashSet::new(),
            container: None,
            container_sample: None,
            machine: None,
            births: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// Reads everything that is due. No processes when all have ended; what cannot be read of one is missing there,
    /// with the reason where the type has room for it. Cost: 2 us a process, and the dear figures.
    pub fn sample(&mut self) -> Result<Sample, Error> {
        let at = figures::now();
        self.births.clear();
        self.ends.clear();
        self.members.update(at.monotonic_ns, &mut self.births, &mut self.ends)?;
        self.members.read(at.monotonic_ns, self.options.stat, &mut self.ends);
        self.serve_focus(at.monotonic_ns);
        self.take_turns(at.monotonic_ns);
        let processes: Vec<_> = self.members.iter().map(Member::sample).collect();
        let total = total(&processes);
        let container = if self.options.container { self.container(at) } else { None };
        let machine = if self.options.machine { self.machine(at.monotonic_ns) } else { None };
        Ok(Sample { at, processes, total, container, machine })
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
        let started = figures::now().monotonic_ns;
        let options = &self.options;
        let focus = &self.focus;
        let mut members: Vec<_> =
            self.members.as_mut_slice().iter_mut().filter(|member| focus.contains(&member.pid())).collect();
        members.sort_by_key(|member| member.served_ns());
        for member in members {
            for job in Job::ALL {
                if member.due(job, options, now) != Cadence::Never {
                    member.run(job, options, now);
                }
            }
            if figures::now().monotonic_ns.saturating_sub(started) >= FOCUS_NS {
                return;
            }
        }
    }

    /// Reads the dear figures that are due, beginning with the process after the one that was served last.
    fn take_turns(&mut self, now: u64) {
        self.budget.refill(now);
        let (members, first) = (self.members.as_mut_slice(), self.turn);
        let count = members.len();
        for step in 0..count {
            let at = (first + step) % count;
            for job in Job::ALL {
                let member = &mut members[at];
                match member.due(job, &self.options, now) {
                    Cadence::Never => {}
                    Cadence::Always => member.run(job, &self.options, now),
                    Cadence::Every(_) if self.budget.is_spent() => {}
                    Cadence::Every(_) => {
                        self.budget.charge(|| member.run(job, &self.options, now));
                        self.turn = at + 1;
                    }
                }
            }
        }
    }

    /// The container of the first process; looked up again when it vanished.
    fn container(&mut self, at: Timestamp) -> Option<ContainerSample> {
        let now = at.monotonic_ns;
        if let Some((sample, read_ns)) = &self.container_sample
            && now.saturating_sub(*read_ns) < SLOW_NS
        {
            return Some(sample.clone());
        }
        let kept = self.container.take_if(|(_, found)| now.saturating_sub(found.monotonic_ns) < CONTAINER_NS);
        let read = kept.and_then(|(container, found)| Some((container.sample().ok()?, container, found)));
        let read = read.or_else(|| {
            let container = Container::of(self.members.iter().next()?.pid()).ok()??;
            Some((container.sample().ok()?, container, at))
        });
        let (sample, container, found) = read?;
        self.container = Some((container, found));
        self.container_sample = Some((sample.clone(), now));
        Some(sample)
    }

    fn machine(&mut self, now: u64) -> Option<MachineSample> {
        if self.machine.as_ref().is_none_or(|(_, read_ns)| now.saturating_sub(*read_ns) >= SLOW_NS) {
            self.machine = figures::machine().ok().map(|sample| (sample, now));
        }
        self.machine.as_ref().map(|(sample, _)| sample.clone())
    }
}

fn total(processes: &[memsight_model::ProcessSample]) -> Totals {
    let known = |figure: fn(&memsight_model::ProcessSample) -> Option<u64>| {
        // what has ended uses nothing
        let living = processes.iter().filter(|process| process.state != 'Z');
        living.map(figure).try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)))
    };
    let sum = |figure: fn(&memsight_model::ProcessSample) -> u64| processes.iter().map(figure).sum();
    Totals {
        processes: processes.len() as u32,
        rss_bytes: sum(|process| process.memory.rss_bytes),
        vms_bytes: sum(|process| process.memory.vms_bytes),
        pss_bytes: known(|process| Some(process.rollup?.pss_bytes)),
        uss_bytes: known(|process| Some(process.rollup?.uss_bytes())),
        swap_bytes: known(|process| process.status.map(|StatusFigures { swap_bytes, .. }| swap_bytes)),
    }
}
