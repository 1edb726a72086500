//! A command run to its end, with the peaks of all its processes.
//!
//! The kernel keeps the highest resident set of a process (`VmHWM`) with its memory, and both are gone when the end of the process
//! is heard of. What it tells afterwards (`ru_maxrss`) begins with the peak of whoever started the process. So the command is traced
//! (ptrace(2)), and each of its threads stands still for the reading of `/proc/TID/status` when it is about to end.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::procfs;
use crate::sys::family::{self, News};
use crate::sys::spawn::kill;
use crate::usage::Run;

/// Between two looks whether to stop.
const BEAT: Duration = Duration::from_millis(20);
/// Processes that outlive the command by this much are ended: they would go on for ever, or change what the next run finds.
const GRACE_BEATS: u64 = 100;

/// Runs a command until it and all its processes have ended. When `stop` says so all of them are killed, and so are those that go on
/// two seconds after the command itself; and when memsight dies.
///
/// Cost: a stop of some 20 µs at the start and the end of each thread and process.
///
/// # Errors
/// The command cannot be started, or must not be traced (a container without ptrace).
pub fn run_measured(command: &mut Command, stop: &(dyn Fn() -> bool + Sync)) -> io::Result<Run> {
    family::trace_me(command);
    let began = Instant::now();
    let child = command.spawn()?;
    let followed = Followed::new(child.id());
    std::thread::scope(|scope| {
        scope.spawn(|| followed.end_when(stop));
        // (the thread that started the command is the one that it is traced by)
        let run = followed.follow(began);
        followed.is_over.store(true, Ordering::Release);
        run
    })
}

/// One process.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    /// Which event was its first.
    from: u64,
    until: u64,
    peak_bytes: u64,
}

/// What is known of a command's processes.
struct Followed {
    root: u32,
    /// All that may be killed: not yet collected, so that none of the ids is another's.
    alive: Mutex<HashSet<u32>>,
    is_over: AtomicBool,
    is_killed: AtomicBool,
    /// Beats since the command itself has ended, from 1 on.
    since_end: AtomicU64,
}

impl Followed {
    fn new(root: u32) -> Followed {
        Followed {
            root,
            alive: Mutex::new(HashSet::from([root])),
            is_over: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            since_end: AtomicU64::new(0),
        }
    }

    fn alive(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills again at every beat: what is killed may have just made a process that is not known yet.
    fn end_when(&self, stop: &(dyn Fn() -> bool + Sync)) {
        while !self.is_over.load(Ordering::Acquire) {
            let beats = self.since_end.load(Ordering::Acquire);
            if beats > 0 {
                self.since_end.store(beats + 1, Ordering::Release);
            }
            if beats > GRACE_BEATS || stop() {
                self.is_killed.fetch_or(beats == 0, Ordering::AcqRel);
                self.alive().iter().for_each(|&pid| kill(pid));
            }
            std::thread::sleep(BEAT);
        }
    }

    fn follow(&self, began: Instant) -> io::Result<Run> {
        let mut tally = Tally { lives: HashMap::from([(self.root, Life::default())]), over: Vec::new(), at: 0 };
        let mut ended: Option<(ExitStatus, u64, Duration)> = None;
        let mut refused = None;
        while let Some(tid) = family::next() {
            tally.at += 1;
            // (an id may be another's as soon as its end is collected: it is taken off the list before anybody kills)
            let mut alive = self.alive();
            let signal = match family::news(tid) {
                None => continue,
                Some(News::Gone { status, cpu_ns }) => {
                    alive.remove(&tid);
                    tally.end(tid);
                    if tid == self.root {
                        ended = Some((ExitStatus::from_raw(status), cpu_ns, began.elapsed()));
                        self.since_end.store(1, Ordering::Release);
                    }
                    continue;
                }
                Some(News::Ends) => tally.read(tid),
                Some(News::Executes) => tally.execute(tid),
                // the first stop of the command itself
                Some(News::Signal(_)) if tally.at == 1 => {
                    refused = family::follow(tid).err();
                    0
                }
                // the first stop of what has just been made: no signal that anybody sent
                Some(News::Signal(libc::SIGSTOP)) if alive.insert(tid) => tally.begin(tid),
                Some(News::Signal(signal)) => signal,
                Some(News::Went | News::Halted) => 0,
            };
            family::go_on(tid, signal);
        }
        match (ended, refused) {
            (Some((status, cpu_ns, wall)), None) => {
                let processes = tally.over.iter().filter(|life| life.peak_bytes > 0).count() as u64;
                let is_killed = self.is_killed.load(Ordering::Acquire);
                let wall_ns = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
                Ok(Run { status, peak_bytes: together(&tally.over), processes, cpu_ns, wall_ns, is_killed })
            }
            (_, Some(error)) => Err(error),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The lives of processes, and of threads, which have no peak of their own. Each tells with which signal the thread goes on.
struct Tally {
    lives: HashMap<u32, Life>,
    over: Vec<Life>,
    /// Counts what has happened.
    at: u64,
}

impl Tally {
    fn begin(&mut self, tid: u32) -> i32 {
        self.lives.entry(tid).or_insert(Life { from: self.at, ..Life::default() });
        0
    }

    fn read(&mut self, tid: u32) -> i32 {
        let (process, peak_bytes) = peak(tid).unwrap_or((tid, 0));
        let life = self.lives.entry(process).or_default();
        life.peak_bytes = life.peak_bytes.max(peak_bytes);
        0
    }

    /// A new life in new memory: the peak of the old one is not heard of, and was not at the same time as this one's.
    fn execute(&mut self, tid: u32) -> i32 {
        self.end(tid);
        self.begin(tid)
    }

    fn end(&mut self, tid: u32) {
        self.over.extend(self.lives.remove(&tid).map(|life| Life { until: self.at, ..life }));
    }
}

/// The process of a thread, and the highest resident set that it has had.
fn peak(tid: u32) -> Option<(u32, u64)> {
    let status = procfs::text_quietly(tid, "status");
    let process = procfs::number(&status, "Tgid")?;
    let kilobytes = procfs::number(&status, "VmHWM").unwrap_or(0);
    Some((process, u64::from(kilobytes).saturating_mul(1024)))
}

/// The most that the peaks of processes come to which were there at the same time.
fn together(lives: &[Life]) -> u64 {
    let at = |at: u64| lives.iter().filter(|life| life.from <= at && at < life.until).map(|life| life.peak_bytes).sum();
    lives.iter().map(|life| at(life.from)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn peaks_of_processes_at_the_same_time_add_up() {
        let life = |from, until, peak_bytes| Life { from, until, peak_bytes };
        assert_eq!(together(&[life(0, 9, 1), life(1, 3, 100), life(4, 6, 70)]), 101);
        assert_eq!(together(&[life(0, 9, 1), life(1, 5, 100), life(4, 6, 70)]), 171);
        assert_eq!(together(&[]), 0);
    }

    #[test]
    fn exit_codes_and_processes_are_told() {
        let run = run_measured(&mut shell("true; (exit 3); kill -USR1 $$; exit 4"), &|| false).unwrap();
        assert_eq!(run.status.signal(), Some(libc::SIGUSR1));
        let run = run_measured(&mut shell("trap '' USR1; kill -USR1 $$; (exit 3) & wait; exit 4"), &|| false).unwrap();
        assert_eq!((run.status.code(), run.processes, run.is_killed), (Some(4), 2, false));
        assert!(run.peak_bytes > 0);
    }

    #[test]
    fn what_a_shell_was_before_it_became_the_command_is_not_added() {
        // Both hold some 30 MB in a variable; the second lives while the first is the shell, which then is another program.
        let large = "x=$(head -c 30000000 /dev/zero | tr '\\0' x)";
        let alone = run_measured(&mut shell(large), &|| false).unwrap().peak_bytes;
        let script = format!("(read y; {large}) < /dev/null; exec sh -c \"$0\"");
        let run = run_measured(shell(&script).arg(large), &|| false).unwrap();
        assert!(run.peak_bytes < alone * 3 / 2, "{} and {alone}", run.peak_bytes);
    }

    #[test]
    fn what_is_stopped_is_killed_with_all_that_it_started() {
        // The command tells by a file that its children are there; they would go on for ever.
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let script = format!("sleep 1000 & setsid sleep 1000 & echo $! > {} ; wait", told.display());
        let run =
            run_measured(&mut shell(&script), &|| std::fs::read(&told).is_ok_and(|text| !text.is_empty())).unwrap();
        assert_eq!((run.is_killed, run.status.signal()), (true, Some(libc::SIGKILL)));
        let pid: u32 = std::fs::read_to_string(&told).unwrap().trim().parse().unwrap();
        // (it may not have been collected yet by whoever got it)
        assert!(peak(pid).is_none_or(|(_, bytes)| bytes == 0));
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        let error = run_measured(&mut Command::new("/nowhere/at/all"), &|| false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
