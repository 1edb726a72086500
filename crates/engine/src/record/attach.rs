//! Recording a process that runs: its recorder is loaded by one of its own threads, and told to end by another.

use std::io;
use std::mem::offset_of;
use std::time::{Duration, Instant};

use memsight_cpython::{entry, function, locate};
use memsight_format::trace::Writer;
use memsight_model::{Address, ReadMemory, Region};
use memsight_recorder::wire::Header;
use memsight_target::{LiveMemory, Process, TargetError, Visit};

use super::ring::Watch;
use super::{Options, Prepared, Recorded, Recording, name_of};
use crate::Error;

/// How long a thread is looked for that may be entered, and how long its answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who reads a ring shows it more often than that.
const BEATS: Duration = Duration::from_millis(300);
/// Between two looks for an answer.
const NAP: Duration = Duration::from_millis(1);
/// `RTLD_NOW | RTLD_NODELETE` (dlfcn.h): the library stays, for a thread may be in it.
const NOW_FOR_EVER: u64 = 2 | 0x1000;

/// A process that is recorded.
#[derive(Debug)]
pub struct Attached {
    process: Process,
    watch: Watch,
    recording: Recording,
}

/// Records the process `pid` from now on, into the trace. A recorder that a killed memsight has left behind is told to end before.
///
/// # Errors
/// [`Error::Target`]: it cannot be reached or entered. [`Error::Python`]: it is no Python that is known. [`Error::NotRecordable`],
/// [`Error::OthersRecord`], [`Error::NoAnswer`], [`Error::NoRing`].
pub fn attach(pid: u32, options: Options, trace: Writer) -> Result<Attached, Error> {
    let process = Process::open(pid)?;
    process.check_access()?;
    let regions = process.maps()?;
    let files = |region: &Region| process.file(region);
    locate(&process.memory(), &regions, &files)?;
    match Left::of(&process, &regions)? {
        Some(Left { is_read: true, .. }) => return Err(Error::OthersRecord { pid }),
        Some(left) => left.end(&process)?,
        None => {}
    }
    let mut prepared = Prepared::new(options)?;
    let visit = first_visit(&process, &regions, &mut prepared)?;
    let watch = prepared.ring.watch().map_err(|source| Error::NoRing { source })?;
    visit.make(&process, PATIENCE)?;
    answer(&process, || watch.has_begun())?;
    let words: Vec<std::ffi::OsString> = process.command().into_iter().map(Into::into).collect();
    let recording = prepared.begin(trace, name_of(&words), || ())?;
    Ok(Attached { process, watch, recording })
}

/// Ends the recording of the process `pid`, whoever began it; false when there is none.
///
/// # Errors
/// As of [`attach`].
pub fn detach(pid: u32) -> Result<bool, Error> {
    let process = Process::open(pid)?;
    process.check_access()?;
    let left = Left::of(&process, &process.maps()?)?;
    left.map_or(Ok(false), |left| left.end(&process).map(|()| true))
}

/// A ring into which a process records.
struct Left {
    /// Where the process has it.
    at: Address,
    /// Somebody reads it.
    is_read: bool,
}

impl Left {
    fn of(process: &Process, regions: &[Region]) -> Result<Option<Left>, Error> {
        let memory = process.memory();
        let rings = regions.iter().filter(|region| region.offset == 0 && region.path.contains("memfd:memsight-ring"));
        // (one that cannot be read is gone)
        let beat = |at: Address| memory.word(at.at(offset_of!(Header, heartbeat) as i64)).ok();
        // a child has that of its parent mapped, which has nothing to do with it
        let is_own = |at: Address| small(&memory, at, offset_of!(Header, recorded)) == Some(process.pid());
        let mut of_this = rings.filter(|ring| is_own(ring.start) && !has_ended(&memory, ring.start));
        if let Some(ring) = of_this.next() {
            let before = beat(ring.start);
            std::thread::sleep(BEATS);
            return Ok(Some(Left { at: ring.start, is_read: before != beat(ring.start) }));
        }
        Ok(None)
    }

    fn end(&self, process: &Process) -> Result<(), Error> {
        let memory = process.memory();
        tell(process, || Ok(has_ended(&memory, self.at)))
    }
}

fn has_ended(memory: &LiveMemory, ring: Address) -> bool {
    small(memory, ring, offset_of!(Header, ended)).is_none_or(|ended| ended != 0)
}

/// A number of 4 bytes in a header.
fn small(memory: &LiveMemory, ring: Address, field: usize) -> Option<u32> {
    let mut bytes = [0; 4];
    memory.read(ring.at(field as i64), &mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes))
}

/// The call by which recording begins: of the library that is there from an earlier time, or of the loader.
fn first_visit(process: &Process, regions: &[Region], prepared: &mut Prepared) -> Result<Visit, Error> {
    let memory = process.memory();
    let entry = entry(&memory, regions).ok_or(Error::NotRecordable)?;
    let (running, image, waiting) = (entry.running, entry.image, entry.waiting);
    let text = |path: std::ffi::OsString| path.into_encoded_bytes();
    let there = function(&memory, regions, &is_recorder, "memsight_recorder_start");
    Ok(match there {
        Some(start) => Visit { function: start, text: text(prepared.path()), number: 0, running, image, waiting },
        None => {
            let library = prepared.ring.placed().map_err(|source| Error::NoRing { source })?;
            Visit { function: entry.dlopen, text: text(library), number: NOW_FOR_EVER, running, image, waiting }
        }
    })
}

fn is_recorder(path: &str) -> bool {
    path.contains("memfd:memsight-recorder")
}

/// Waits until the process has done what it was asked for.
fn answer(process: &Process, mut has_come: impl FnMut() -> io::Result<bool>) -> Result<(), Error> {
    #[allow(clippy::disallowed_methods, reason = "the engine waits for the process")]
    let began = Instant::now();
    loop {
        if has_come().map_err(|source| Error::NoRing { source })? {
            return Ok(());
        }
        process.check_alive()?;
        if began.elapsed() > PATIENCE {
            return Err(Error::NoAnswer { pid: process.pid() });
        }
        std::thread::sleep(NAP);
    }
}

impl Attached {
    /// Whether the process has ended, or records no more.
    pub fn has_ended(&self) -> bool {
        self.process.check_alive().is_err() || self.watch.has_ended().unwrap_or(true)
    }

    /// Whether nothing is written any more: the disk is full, or another error ended it.
    pub fn has_stopped(&self) -> bool {
        self.recording.has_stopped()
    }

    /// Has the process record no more, if it has not ended, and writes the rest.
    ///
    /// # Errors
    /// As of [`attach`]; those of the file.
    pub fn end(self) -> Result<Recorded, Error> {
        // (somebody may have told it by `detach`)
        let told = match self.watch.has_ended() {
            Ok(true) => Ok(()),
            _ => tell(&self.process, || self.watch.has_ended()),
        };
        let told = match told {
            Err(Error::Target(TargetError::TargetExited { .. } | TargetError::NoSuchProcess { .. })) => Ok(()),
            told => told,
        };
        let recorded = self.recording.end(None, None);
        told?;
        recorded
    }
}

/// Tells the process to end.
fn tell(process: &Process, has_ended: impl FnMut() -> io::Result<bool>) -> Result<(), Error> {
    process.check_alive()?;
    let (memory, regions) = (process.memory(), process.maps()?);
    let entry = entry(&memory, &regions).ok_or(Error::NotRecordable)?;
    let stop = function(&memory, &regions, &is_recorder, "memsight_recorder_stop").ok_or(Error::NotRecordable)?;
    let visit = Visit {
        function: stop,
        text: Vec::new(),
        number: 0,
        running: entry.running,
        image: entry.image,
        waiting: entry.waiting,
    };
    visit.make(process, PATIENCE)?;
    answer(process, has_ended)
}
