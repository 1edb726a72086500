//! Two moments or more: snapshots and looks compared, and the looks of an interval.

use std::time::{Duration, Instant};

use memsight_analysis::Analysis;
use memsight_analysis::compare::{self, CompareOptions, CompareView};
use memsight_model::{Progress, Snapshot};
use memsight_target::{Process, TargetError};

use crate::{Error, LookOptions, format, look, open};

/// How often the wait between two looks tells how far it is.
const BEAT: Duration = Duration::from_millis(100);
/// Snapshots with more objects than this wait in a folder, not in memory: some 40 bytes each.
const KEPT_OBJECTS: usize = 4 << 20;

/// Compares what `subjects` name: folders of snapshots, and pids of processes that are looked at now.
///
/// Cost: each is read and analysed; all stay in memory until the end.
pub fn compare(
    subjects: &[String],
    look: &LookOptions,
    options: &CompareOptions,
    progress: &dyn Progress,
) -> Result<CompareView, Error> {
    let look = with_residence(look);
    let snapshots: Vec<Snapshot> =
        subjects.iter().map(|subject| open(subject, &look, progress)).collect::<Result<_, _>>()?;
    compared(&snapshots, options, progress)
}

/// Looks at a process three times, at the beginning, in the middle and at the end of `interval`, and compares.
///
/// Large snapshots wait in a folder for temporary files that only this user can read, which is removed in the end.
pub fn since(
    pid: u32,
    interval: Duration,
    options: &LookOptions,
    compare: &CompareOptions,
    progress: &dyn Progress,
) -> Result<CompareView, Error> {
    let (started, options) = (now(), with_residence(options));
    let process = Process::open(pid)?;
    let first = Kept::new(look(pid, &options, progress)?, progress)?;
    wait(&process, started, interval / 2, progress)?;
    let middle = Kept::new(look(pid, &options, progress)?, progress)?;
    wait(&process, started, interval, progress)?;
    let last = look(pid, &options, progress)?;
    compared(&[first.back()?, middle.back()?, last], compare, progress)
}

/// Growth is told of the whole process: every look says what was in memory.
fn with_residence(options: &LookOptions) -> LookOptions {
    LookOptions { residence: true, ..*options }
}

fn compared(snapshots: &[Snapshot], options: &CompareOptions, progress: &dyn Progress) -> Result<CompareView, Error> {
    let looks: Vec<Analysis<'_>> = snapshots.iter().map(|snapshot| Analysis::new(snapshot, progress)).collect();
    let looks: Vec<&Analysis<'_>> = looks.iter().collect();
    Ok(compare::compare(&looks, options, progress)?)
}

/// A snapshot that waits for the end of the interval.
enum Kept {
    Here(Box<Snapshot>),
    Folder(tempfile::TempDir),
}

impl Kept {
    fn new(snapshot: Snapshot, progress: &dyn Progress) -> Result<Kept, Error> {
        if snapshot.objects.len() <= KEPT_OBJECTS {
            return Ok(Kept::Here(Box::new(snapshot)));
        }
        progress.phase("setting the snapshot aside", None);
        // Without a folder for temporary files memory has to do.
        let Ok(folder) = tempfile::Builder::new().prefix("memsight-").tempdir() else {
            return Ok(Kept::Here(Box::new(snapshot)));
        };
        format::write(&snapshot, &folder.path().join("app.heap"), &format::WriteOptions::default())?;
        Ok(Kept::Folder(folder))
    }

    fn back(self) -> Result<Snapshot, Error> {
        match self {
            Kept::Here(snapshot) => Ok(*snapshot),
            Kept::Folder(folder) => Ok(format::read_within(&folder.path().join("app.heap"), format::Limits::NONE)?),
        }
    }
}

/// Waits until `interval` after `started`; asks often whether to stop, and whether the process is still there.
fn wait(process: &Process, started: Instant, interval: Duration, progress: &dyn Progress) -> Result<(), Error> {
    progress.phase("waiting for the next look, seconds", Some(interval.as_secs()));
    loop {
        let passed = started.elapsed();
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        if passed >= interval {
            return Ok(());
        }
        process.check_alive().map_err(|error| match error {
            TargetError::NoSuchProcess { pid } => TargetError::TargetExited { pid },
            other => other,
        })?;
        progress.advance(passed.as_secs());
        std::thread::sleep(BEAT.min(interval - passed));
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine keeps the time of an interval")]
fn now() -> Instant {
    Instant::now()
}
