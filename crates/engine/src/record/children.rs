//! Children that are recorded, too: whoever takes one of the spare rings has a reader and a file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use memsight_format::FormatError;
use memsight_format::trace::Writer;
use memsight_target::Process;
use memsight_target::figures::now;

use super::native::Merge;
use super::ring::{Ring, Spares};
use super::writer::Drain;
use super::{Children, Recorded, Recording, name_of};
use crate::Error;

/// Between two looks at who has come and who has ended. In that time as many may come as there are spares.
const LOOK: Duration = Duration::from_millis(5);
/// Looks between two at who has ended.
const ENDS: u32 = 8;
/// Names that are tried for a file, where processes have had the same id one after the other.
const NAMES: u32 = 10_000;

/// Rings for children that are to come.
#[derive(Debug)]
pub(super) struct Prepared {
    spares: Spares,
    path: PathBuf,
    run: u64,
    native: bool,
}

impl Prepared {
    pub(super) fn new(first: &Ring, path: &Path, native: bool) -> Result<Prepared, Error> {
        let spares = first.spares(native).map_err(|source| Error::NoRing { source })?;
        Ok(Prepared { spares, path: path.to_owned(), run: now().unix_ns, native })
    }

    /// What all traces of this run have in common.
    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// Follows whoever comes.
    pub(super) fn follow(self) -> Result<Following, Error> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, mut family) =
            (is_over.clone(), Family { prepared: self, living: Vec::new(), done: Children::default() });
        let thread = std::thread::Builder::new().name("memsight-children".into()).spawn(move || {
            let mut looks = 0_u32;
            while !over.load(Ordering::Acquire) {
                family.welcome();
                looks = looks.wrapping_add(1);
                if looks.is_multiple_of(ENDS) {
                    family.bury();
                }
                std::thread::sleep(LOOK);
            }
            family.end()
        });
        Ok(Following { is_over, thread: thread.map_err(|source| Error::NoRing { source })? })
    }
}

/// The recording of children under way.
#[derive(Debug)]
pub(super) struct Following {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Children>,
}

impl Following {
    /// What came of them. Those that go on are recorded no more.
    pub(super) fn end(self) -> Children {
        self.is_over.store(true, Ordering::Release);
        match self.thread.join() {
            Ok(children) => children,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct Family {
    prepared: Prepared,
    living: Vec<Child>,
    done: Children,
}

/// A process that has taken a ring.
struct Child {
    pid: u32,
    /// `None` where it had ended before it was looked at.
    process: Option<Process>,
    recording: Recording,
    path: PathBuf,
}

impl Family {
    /// Begins to read what those write who have come.
    fn welcome(&mut self) {
        // (without memory for more rings nobody else is recorded, which the head counts)
        let Ok(taken) = self.prepared.spares.taken() else { return };
        for (pid, ring) in taken {
            // the program that was in this process before has ended, as by `exec`
            while let Some(before) = self.living.iter().position(|child| child.pid == pid) {
                let before = self.living.swap_remove(before);
                self.done(before);
            }
            match self.begin(pid, ring) {
                Ok(child) => self.living.push(child),
                Err(_) => self.done.left_out += 1,
            }
        }
    }

    fn begin(&self, pid: u32, ring: Ring) -> Result<Child, Error> {
        let process = Process::open(pid).ok();
        let trace = create(&self.prepared.path, pid)?;
        let path = trace.path().to_owned();
        let words = process.as_ref().map(Process::command).unwrap_or_default();
        let words: Vec<std::ffi::OsString> = words.into_iter().map(Into::into).collect();
        let merge = self.prepared.native.then(Merge::default);
        let drain = Drain::new(ring, merge, trace, name_of(&words), Some(self.prepared.run));
        let recording = super::begin(drain, None, || ())?;
        Ok(Child { pid, process, recording, path })
    }

    /// Ends the recordings of those that have ended.
    fn bury(&mut self) {
        let has_ended = |child: &mut Child| child.process.as_ref().is_none_or(|process| process.check_alive().is_err());
        let ended: Vec<Child> = self.living.extract_if(.., has_ended).collect();
        // (all at once: where many come and go, their readers are not waited for one after the other)
        ended.iter().for_each(|child| child.recording.ask_to_end());
        for child in ended {
            self.done(child);
        }
    }

    fn done(&mut self, child: Child) {
        match child.recording.end(None, None) {
            Ok(Recorded { head: None, .. }) => _ = std::fs::remove_file(&child.path),
            Ok(recorded) => self.done.recorded.push(recorded),
            Err(_) => self.done.left_out += 1,
        }
    }

    fn end(mut self) -> Children {
        let _ = self.prepared.spares.end();
        self.welcome();
        self.bury();
        self.done.outlived = self.living.len() as u64;
        self.living.iter().for_each(|child| child.recording.ask_to_end());
        for child in std::mem::take(&mut self.living) {
            self.done(child);
        }
        self.done.left_out += u64::from(self.prepared.spares.left_out().unwrap_or_default());
        self.done
    }
}

/// Creates the file of a child, named after that of the first process: `app.4242.trace` beside `app.trace`. One that is there,
/// as of an earlier process of this id, stays: then it is `app.4242-2.trace`.
fn create(first: &Path, pid: u32) -> Result<Writer, FormatError> {
    let mut number = 1;
    loop {
        let path = crate::names::of_child(first, pid, number);
        match Writer::create(&path, false) {
            Err(FormatError::Exists { .. }) if number < NAMES => number += 1,
            created => return created,
        }
    }
}
