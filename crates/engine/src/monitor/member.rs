//! One process of a subject, with what was read of it last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memsight_model::{Explain, GcReading, MemoryInfo, ProcessSample, Rollup, StatusFigures, Unavailable};
use memsight_target::TargetError;
use memsight_target::figures::{self, Handle, ProcessStat};

use super::turns::{Job, Lane};
use super::{Birth, Cadence, End, Options};
use crate::Error;
use crate::gc::GcProbe;
use crate::processes::runs_python;

/// Interpreters are looked for again after this long, then twice as long and so on: a program may start Python late.
const FIRST_SEARCH_NS: u64 = 250_000_000;
const LAST_SEARCH_NS: u64 = 64_000_000_000;
/// Peaks, USS and PSS of a process that rests are this old at most.
const REST: Duration = Duration::from_secs(10);
/// The same for its state, its CPU time and its faults.
const SHORT_REST: Duration = Duration::from_secs(1);
/// USS and PSS of a process whose RSS has moved by much since they were read come so many times sooner.
const SOONER: u32 = 8;
/// Probes that are kept; each holds a file. Beyond, the collector of a process is not read.
const MAX_PROBES: usize = 512;

/// Probes that are kept now.
static PROBES: AtomicUsize = AtomicUsize::new(0);

/// Whether work is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is not.
    No,
    /// It is, whatever it costs.
    Now,
    /// It waits for its turn since then.
    Since(u64),
}

/// A figure and when it was last tried to be read.
#[derive(Debug)]
struct Kept<T> {
    value: Option<T>,
    tried_ns: Option<u64>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept { value: None, tried_ns: None }
    }
}

/// A probe that counts as kept.
#[derive(Debug)]
struct Probe(GcProbe);

impl Probe {
    fn keep(probe: GcProbe) -> Option<Probe> {
        let room = |kept: usize| (kept < MAX_PROBES).then_some(kept + 1);
        PROBES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok().map(|_| Probe(probe))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        PROBES.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Member {
    handle: Handle,
    /// As it was first: the wall's clock may step, the identity must not.
    created: f64,
    seen_ns: u64,
    stat: ProcessStat,
    stat_ns: u64,
    memory: MemoryInfo,
    status: Kept<StatusFigures>,
    oom_score: Option<i32>,
    rollup: Kept<Rollup>,
    rollup_ns: Option<u64>,
    rollup_missing: Option<Unavailable>,
    /// The rollup before the last one and its time, until that one is known to be of a time without a copy.
    rollup_before: Option<(Option<Rollup>, Option<u64>)>,
    /// It shares its pages with a copy that a look has made.
    copied: bool,
    python: Option<String>,
    probe: Option<Probe>,
    /// When the interpreter is looked for next; `None`: it was found.
    search_ns: Option<u64>,
    search_wait_ns: u64,
    gc: Kept<GcReading>,
    /// It began to run another program since somebody asked.
    renewed: bool,
    /// A figure of it has changed since it was last told.
    changed: bool,
    /// When its memory or its faults were last seen to have moved.
    moved_ns: u64,
    /// When it was last seen to have used the processor.
    ran_ns: u64,
}

impl Member {
    pub fn new(handle: Handle, stat: ProcessStat, now: u64) -> Member {
        Member {
            created: handle.created(),
            handle,
            seen_ns: now,
            stat,
            stat_ns: now,
            memory: MemoryInfo::default(),
            status: Kept::default(),
            oom_score: None,
            rollup: Kept::default(),
            rollup_ns: None,
            rollup_missing: None,
            rollup_before: None,
            copied: false,
            python: None,
            probe: None,
            search_ns: Some(now),
            search_wait_ns: FIRST_SEARCH_NS,
            gc: Kept::default(),
            renewed: false,
            changed: true,
            moved_ns: now,
            ran_ns: now,
        }
    }

    pub fn pid(&self) -> u32 {
        self.handle.pid()
    }

    pub fn parent(&self) -> u32 {
        self.stat.parent
    }

    pub fn started(&self) -> u64 {
        self.handle.started()
    }

    /// Whether it is no process of the program but a copy that a look has made, or the guard of one.
    pub fn is_of_a_look(&self) -> bool {
        figures::is_of_a_look(self.pid(), &self.stat)
    }

    /// Whether it runs Python, or looks like it.
    pub fn runs_python(&self) -> bool {
        runs_python(&self.handle)
    }

    /// Whether it began to run another program since this was asked last.
    pub fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    pub fn birth(&self) -> Birth {
        Birth { pid: self.pid(), parent: self.parent(), created: self.created, name: self.name() }
    }

    pub fn end(&self) -> End {
        End { pid: self.pid(), created: self.created, name: self.name() }
    }

    fn name(&self) -> String {
        self.stat.name.to_str().into_owned()
    }

    /// Reads the cheap figures; false when the process is gone.
    pub fn read(&mut self, now: u64, stat: Cadence) -> bool {
        match self.handle.memory() {
            Ok(memory) => self.remember(memory, now),
            Err(error) if is_gone(&error) => return false,
            Err(_) => {}
        }
        // no memory: a zombie, a thread of the kernel, or between two programs
        let stat = paced(stat, self.moved_ns.max(self.ran_ns) < self.stat_ns, SHORT_REST);
        let due = self.memory.vms_bytes == 0 || stat.due(Some(self.stat_ns), now) != Cadence::Never;
        if !due {
            return true;
        }
        match self.handle.stat() {
            Ok(stat) => self.update(stat, now),
            Err(error) if is_gone(&error) => return false,
            Err(_) => {}
        }
        self.stat_ns = now;
        true
    }

    fn remember(&mut self, memory: MemoryInfo, now: u64) {
        if self.memory != memory {
            (self.memory, self.moved_ns, self.changed) = (memory, now, true);
        }
    }

    fn update(&mut self, stat: ProcessStat, now: u64) {
        self.changed |= stat != self.stat;
        if (stat.minor_faults, stat.major_faults) != (self.stat.minor_faults, self.stat.major_faults) {
            self.moved_ns = now;
        }
        if (stat.cpu_ns(), stat.state) != (self.stat.cpu_ns(), self.stat.state) {
            self.ran_ns = now;
        }
        if stat.name != self.stat.name {
            self.renewed = true;
            self.forget_python(now);
        }
        self.stat = stat;
        if stat.is_zombie() {
            self.memory = MemoryInfo::default();
            (self.status, self.rollup, self.gc) = (Kept::default(), Kept::default(), Kept::default());
            (self.rollup_ns, self.rollup_missing, self.oom_score) = (None, None, None);
            self.rollup_before = None;
            self.probe = None;
        }
    }

    /// It is looked for again from `due_ns` on.
    fn forget_python(&mut self, due_ns: u64) {
        (self.python, self.probe, self.gc) = (None, None, Kept::default());
        (self.search_ns, self.search_wait_ns) = (Some(due_ns), FIRST_SEARCH_NS);
    }

    /// When its dearest figure was read, or tried; 0: never.
    pub fn served_ns(&self) -> u64 {
        self.rollup.tried_ns.unwrap_or(0)
    }

    /// Whether a piece of work is due, and whether it may wait for its turn.
    pub fn due(&self, job: Job, options: &Options, now: u64) -> Due {
        if self.stat.is_zombie() || self.stat.kernel {
            return Due::No;
        }
        let (cadence, tried_ns) = match job {
            Job::Status => (self.memory_cadence(options.status, self.status.tried_ns), self.status.tried_ns),
            // its pages are shared with the copy for as long as that lives
            Job::Rollup if self.copied => return Due::No,
            Job::Rollup => (self.rollup_cadence(options.rollup), self.rollup.tried_ns),
            Job::Search => {
                let wanted = options.python || options.gc != Cadence::Never;
                return self.search_ns.filter(|due| wanted && *due <= now).map_or(Due::No, Due::Since);
            }
            Job::Gc if self.probe.is_some() => (self.gc_cadence(options.gc), self.gc.tried_ns),
            Job::Gc => return Due::No,
        };
        match cadence.due(tried_ns, now) {
            Cadence::Never => Due::No,
            Cadence::Always => Due::Now,
            Cadence::Every(_) => Due::Since(cadence.next(tried_ns).max(self.seen_ns)),
        }
    }

    /// The lane that a piece of work waits in.
    pub fn lane(&self, job: Job) -> Lane {
        let first = match job {
            Job::Status => self.status.tried_ns.is_none(),
            Job::Search => self.search_wait_ns == FIRST_SEARCH_NS,
            Job::Gc => self.gc.tried_ns.is_none(),
            Job::Rollup => self.rollup.tried_ns.is_none(),
        };
        Lane { job, first }
    }

    /// A process whose resident set and faults stand still changes only through others, as when one ends that it shares
    /// pages with: its dear figures are read seldom.
    fn memory_cadence(&self, cadence: Cadence, tried_ns: Option<u64>) -> Cadence {
        paced(cadence, tried_ns.is_some_and(|tried| self.moved_ns <= tried), REST)
    }

    /// The same for USS and PSS; what has grown or shrunk by much is read sooner.
    fn rollup_cadence(&self, cadence: Cadence) -> Cadence {
        match (self.memory_cadence(cadence, self.rollup.tried_ns), self.rollup.value) {
            (Cadence::Every(every), Some(rollup)) if !rollup.is_of(self.memory.rss_bytes) => {
                Cadence::Every(every / SOONER)
            }
            (cadence, _) => cadence,
        }
    }

    /// Notes whether it shares its pages with a copy. A reading of a moment at which it turns out that it did is taken
    /// back.
    pub fn set_copied(&mut self, copied: bool) {
        if copied && !self.copied {
            self.changed = true;
            if let Some((value, read_ns)) = self.rollup_before.take() {
                (self.rollup.value, self.rollup_ns) = (value, read_ns);
            }
            if self.rollup.value.is_none() && self.rollup_missing.is_none() {
                self.rollup_missing = Some(copied_now());
            }
        }
        self.rollup_before = None;
        self.copied = copied;
    }

    /// Who was seen not to run since the last reading does not collect. The kernel tells CPU time in steps of 10 ms, so that short runs may hide.
    fn gc_cadence(&self, cadence: Cadence) -> Cadence {
        let rests = |tried: u64| tried < self.stat_ns && self.ran_ns.max(self.moved_ns) <= tried;
        paced(cadence, self.gc.tried_ns.is_some_and(rests), REST)
    }

    /// When the next piece of work is due, unless it moves before.
    pub fn next_due(&self, options: &Options) -> u64 {
        if self.stat.is_zombie() || self.stat.kernel {
            return u64::MAX;
        }
        let searches = options.python || options.gc != Cadence::Never;
        let due = [
            self.memory_cadence(options.status, self.status.tried_ns).next(self.status.tried_ns),
            self.rollup_cadence(options.rollup).next(self.rollup.tried_ns),
            self.search_ns.filter(|_| searches).unwrap_or(u64::MAX),
            if self.probe.is_some() { self.gc_cadence(options.gc).next(self.gc.tried_ns) } else { u64::MAX },
        ];
        due.into_iter().fold(u64::MAX, u64::min)
    }

    pub fn run(&mut self, job: Job, options: &Options, now: u64) {
        self.changed = true;
        match job {
            Job::Status => {
                self.status = Kept { value: self.handle.status().ok(), tried_ns: Some(now) };
                self.oom_score = self.handle.oom_score().ok();
            }
            Job::Rollup => self.read_rollup(now),
            Job::Search => self.search(options, now),
            Job::Gc => self.read_gc(now),
        }
    }

    fn read_rollup(&mut self, now: u64) {
        self.rollup.tried_ns = Some(now);
        self.rollup_before = Some((self.rollup.value, self.rollup_ns));
        match self.handle.rollup() {
            // it has given its memory back and ends
            Ok(rollup) if rollup.rss_bytes == 0 && self.memory.rss_bytes > 0 => {}
            Ok(rollup) => {
                (self.rollup.value, self.rollup_ns, self.rollup_missing) = (Some(rollup), Some(now), None);
            }
            // its end is told by the next sample
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                (self.rollup.value, self.rollup_ns) = (None, None);
                self.rollup_missing = Some(unavailable(&error));
            }
        }
    }

    /// Looks for the interpreter; the version stays known, the probe only when the collector is to be read.
    fn search(&mut self, options: &Options, now: u64) {
        match GcProbe::open(self.pid()) {
            // the id may be another process's by now
            Ok(probe) if self.handle.is_running() => {
                self.python = Some(probe.version().to_string());
                self.search_ns = None;
                if options.gc != Cadence::Never {
                    self.probe = Probe::keep(probe);
                }
            }
            _ => {
                self.search_ns = Some(now.saturating_add(self.search_wait_ns));
                self.search_wait_ns = (self.search_wait_ns * 2).min(LAST_SEARCH_NS);
            }
        }
    }

    fn read_gc(&mut self, now: u64) {
        self.gc.tried_ns = Some(now);
        let Some(Probe(probe)) = &self.probe else { return };
        match probe.read() {
            Ok(reading) => self.gc.value = Some(reading),
            Err(Error::Python(error)) if error.is_transient() => {}
            // it ended, or runs another program of the same name: look again
            Err(_) => self.forget_python(now.saturating_add(FIRST_SEARCH_NS)),
        }
    }

    /// Whether a figure of it has changed since its sample was made.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Brings its sample up to date; whether anything in it has changed.
    pub fn refresh(&mut self, sample: &mut ProcessSample) -> bool {
        let changed = std::mem::take(&mut self.changed);
        if changed {
            *sample = self.sample();
        }
        changed
    }

    /// Everything that is known of it.
    pub fn sample(&self) -> ProcessSample {
        ProcessSample {
            pid: self.pid(),
            parent: self.parent(),
            created: self.created,
            name: self.name(),
            python: self.python.clone(),
            state: self.stat.state,
            memory: self.memory,
            status: self.status.value,
            rollup: self.rollup.value,
            rollup_ns: self.rollup_ns,
            rollup_missing: self.rollup_missing.clone(),
            minor_faults: self.stat.minor_faults,
            major_faults: self.stat.major_faults,
            cpu_ns: self.stat.cpu_ns(),
            threads: self.stat.threads,
            oom_score: self.oom_score,
            gc: self.gc.value.clone(),
        }
    }
}

/// The cadence of a figure of a process that rests: at most every `rest`.
fn paced(cadence: Cadence, rests: bool, rest: Duration) -> Cadence {
    match cadence {
        Cadence::Every(every) if rests => Cadence::Every(every.max(rest)),
        cadence => cadence,
    }
}

fn is_gone(error: &TargetError) -> bool {
    matches!(error, TargetError::TargetExited { .. } | TargetError::NoSuchProcess { .. })
}

/// Why USS and PSS are not read while a copy lives.
fn copied_now() -> Unavailable {
    let reason = "another look has made a copy of it, which shares its pages".to_owned();
    Unavailable { code: Unavailable::COPIED.to_owned(), reason }
}

fn unavailable(error: &TargetError) -> Unavailable {
    let reason = match error {
        TargetError::NotPermitted { cause, .. } => format!("not permitted: {cause}"),
        error => error.to_string(),
    };
    Unavailable { code: error.code().to_owned(), reason }
}
