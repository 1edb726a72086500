//! A look at the heap of a process that is recorded: what is live is taken along, each block with its stack.
//!
//! ```text
//! in the pause: mark ──> ring ──> the writer: all events before it into the file ──> told
//! after it: the file up to there ──> Living ──> blocks ──> the decoder joins them to objects ──> Births::keep
//! ```
//! The ring is memory of memsight that the program shares; nothing else is written to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::offset_of;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use memsight_analysis::profile::{Living, Places};
use memsight_cpython::line_of;
use memsight_format::trace::Reader;
use memsight_model::trace::{Code, Head, Record};
use memsight_model::{BirthFrame, LiveBlocks, Progress, RecorderNote, Region, Snapshot};
use memsight_recorder::wire::{Header, MAGIC};
use memsight_target::Process;

use super::attach::{ring_of, small};
use crate::Error;

/// The writer has the events before a look in its file after so long at the most, if it is well.
const PATIENCE: Duration = Duration::from_secs(20);
/// And shows more often than that that it is there.
const BEATS: Duration = Duration::from_secs(2);
/// Between two looks whether it has answered.
const NAP: Duration = Duration::from_millis(1);
/// Records between two looks at whether the person asked to stop.
const STEP: u64 = 1 << 16;

/// The recorder of a process that is looked at.
#[derive(Debug)]
pub(crate) struct Recorder {
    way: Result<Way, String>,
}

/// How its writer is reached.
#[derive(Debug)]
struct Way {
    ring: File,
    trace: PathBuf,
}

/// What the writer has told, before it is joined to objects.
pub(crate) struct Births {
    blocks: LiveBlocks,
    note: RecorderNote,
    places: Option<Places>,
}

impl Recorder {
    /// The recorder of a process, if it has one.
    pub(crate) fn of(process: &Process, regions: &[Region]) -> Option<Recorder> {
        let ring = ring_of(process, regions)?;
        let inode = regions.iter().find(|region| region.start == ring)?.inode;
        let memory = process.memory();
        let number = |field: usize| small(&memory, ring, field).unwrap_or_default();
        let reader = number(offset_of!(Header, reader));
        let (ring_fd, trace_fd) = (number(offset_of!(Header, ring_fd)), number(offset_of!(Header, trace_fd)));
        Some(Recorder { way: Way::to(inode, reader, ring_fd, trace_fd) })
    }

    /// Notes the moment: called while every thread of the process stands still. Cost: one write to memory.
    pub(crate) fn mark(&self) -> u64 {
        let stamp = memsight_recorder::stamp();
        let written = self.way.as_ref().map(|way| way.ring.write_all_at(&stamp.to_le_bytes(), LOOK));
        // (one that cannot be written is not told of either, which is said then)
        let _ = written;
        stamp
    }

    /// What was live at a mark.
    ///
    /// # Errors
    /// [`Error::Cancelled`]. All else is said in the note.
    pub(crate) fn births(&self, mark: u64, progress: &dyn Progress) -> Result<Births, Error> {
        match self.told(mark, progress) {
            Ok(births) => Ok(births),
            Err(Trouble::Cancelled) => Err(Error::Cancelled),
            Err(Trouble::Said(problem)) => {
                let note = RecorderNote { problem: Some(problem), ..RecorderNote::default() };
                Ok(Births { blocks: LiveBlocks::default(), note, places: None })
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "the engine reads the trace")]
    fn told(&self, mark: u64, progress: &dyn Progress) -> Result<Births, Trouble> {
        progress.phase("waiting for the recorder", None);
        let way = self.way.as_ref().map_err(|problem| Trouble::Said(problem.clone()))?;
        let bytes = way.answer(mark, progress)?;
        let lost_events = way.word(offset_of!(Header, lost))?;
        let file = File::open(&way.trace).map_err(|error| unreadable(&error))?;
        let mut reader =
            Reader::new(Box::new(file.take(bytes)), &way.trace).map_err(|error| Trouble::Said(error.to_string()))?;
        let head = reader.head().clone();
        let (living, places) = replayed(&head, &mut reader, progress)?;
        let note = RecorderNote {
            sample_bytes: head.sample_bytes,
            since_ns: head.started.unix_ns,
            lost_events,
            problem: None,
        };
        let blocks = living.into_blocks(|frame| if frame == 0 { 0 } else { places.known(frame) });
        Ok(Births { blocks, note, places: Some(places) })
    }
}

/// Why there are no births.
enum Trouble {
    Cancelled,
    Said(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Said(format!("the memory for recording cannot be read: {error}"))
    }
}

fn unreadable(error: &io::Error) -> Trouble {
    Trouble::Said(format!("its trace cannot be read: {error}"))
}

/// Where the mark is.
const LOOK: u64 = offset_of!(Header, look) as u64;

impl Way {
    /// By the descriptors of the process that reads the ring: it may be in other namespaces, and the file may have no name any
    /// more.
    fn to(inode: u64, reader: u32, ring: u32, trace: u32) -> Result<Way, String> {
        if reader == 0 {
            return Err("it was begun by another version of memsight".to_owned());
        }
        let Some(trace) = trace.checked_sub(1) else {
            return Err("its trace is no plain file, and cannot be read again".to_owned());
        };
        let path = |fd: u32| PathBuf::from(format!("/proc/{reader}/fd/{fd}"));
        let opened = OpenOptions::new().read(true).write(true).open(path(ring));
        let ring =
            opened.map_err(|error| format!("process {reader}, which writes its trace, cannot be reached: {error}"))?;
        let is_it = ring.metadata().is_ok_and(|about| about.ino() == inode);
        let way = Way { ring, trace: path(trace) };
        match way.word(offset_of!(Header, magic)) {
            Ok(MAGIC) if is_it => Ok(way),
            _ => Err("the process that writes its trace is in another container".to_owned()),
        }
    }

    fn word(&self, field: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.ring.read_exact_at(&mut bytes, field as u64)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Waits until all events before a mark are in the file; so many of its bytes hold them.
    fn answer(&self, mark: u64, progress: &dyn Progress) -> Result<u64, Trouble> {
        let began = now();
        let (mut beat, mut since) = (0, began);
        loop {
            if self.word(offset_of!(Header, told))? == mark {
                return Ok(self.word(offset_of!(Header, told_bytes))?);
            }
            if self.word(LOOK as usize)? != mark {
                return Err(Trouble::Said("another look was made at the same time".to_owned()));
            }
            match self.word(offset_of!(Header, heartbeat))? {
                same if same == beat && since.elapsed() > BEATS => {
                    return Err(Trouble::Said("nobody writes its trace any more".to_owned()));
                }
                same if same == beat => {}
                moved => (beat, since) = (moved, now()),
            }
            if began.elapsed() > PATIENCE {
                return Err(Trouble::Said(format!("its trace is more than {PATIENCE:?} behind")));
            }
            if progress.cancelled() {
                return Err(Trouble::Cancelled);
            }
            std::thread::sleep(NAP);
        }
    }
}

/// Replays the events of a trace.
fn replayed(head: &Head, reader: &mut Reader, progress: &dyn Progress) -> Result<(Living, Places), Trouble> {
    progress.phase("reading what was recorded", None);
    let (mut living, mut codes, mut frames, mut read) = (Living::default(), Vec::new(), Vec::new(), 0u64);
    for record in reader {
        match record.map_err(|error| Trouble::Said(error.to_string()))? {
            Record::Event(event) => living.event(event),
            Record::Frame(frame) => frames.push(frame),
            Record::Code(code) => codes.push(code),
            // (native frames count for the Python frame below them)
            Record::Module(_) | Record::Symbol(_) | Record::End(_) => {}
        }
        read += 1;
        if read.is_multiple_of(STEP) {
            progress.advance(read);
            if progress.cancelled() {
                return Err(Trouble::Cancelled);
            }
        }
    }
    let line = |code: &Code, offset: u32| {
        line_of(head.python_minor, &code.lines, code.first_line, u64::from(offset).saturating_mul(2))
    };
    Ok((living, Places::new(&codes, &frames, line)))
}

impl Births {
    /// The blocks that were live.
    pub(crate) fn blocks(&self) -> &LiveBlocks {
        &self.blocks
    }

    /// Keeps in a snapshot whose births were joined the frames that they name, and no others.
    pub(crate) fn keep(self, snapshot: &mut Snapshot) {
        snapshot.manifest.recorder = Some(self.note);
        let Some(places) = self.places else { return };
        let mut numbers: Vec<u32> = Vec::new();
        for birth in &snapshot.births {
            let mut frame = birth.frame;
            while frame != 0 {
                let at = frame as usize;
                if numbers.len() <= at {
                    numbers.resize(at + 1, 0);
                }
                if std::mem::replace(&mut numbers[at], 1) != 0 {
                    break;
                }
                frame = places.frame(frame).0;
            }
        }
        let mut kept = 0;
        for (number, new) in numbers.iter_mut().enumerate().filter(|(_, new)| **new != 0) {
            kept += 1;
            *new = kept;
            let (caller, function, file, line) = places.frame(number as u32);
            let (function, file) = (snapshot.names.intern(function), snapshot.names.intern(file));
            snapshot.birth_frames.push(BirthFrame { caller, function, file, line });
        }
        let renumbered = |frame: u32| numbers.get(frame as usize).copied().unwrap_or_default();
        snapshot.birth_frames.iter_mut().for_each(|frame| frame.caller = renumbered(frame.caller));
        snapshot.births.iter_mut().for_each(|birth| birth.frame = renumbered(birth.frame));
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine waits for the writer")]
fn now() -> Instant {
    Instant::now()
}
