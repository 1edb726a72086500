//! Traces: a file of records made into a profile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use memsight_analysis::profile::{At, Natives, Places, ProcessRow, Profile, Replay, Selection};
use memsight_cpython::line_of;
use memsight_format::trace::Reader;
use memsight_model::Progress;
use memsight_model::trace::{Code, End, Frame, Head, Module, NATIVE, Record, Symbol};

use crate::Error;
use crate::family::{Merged, members};
use crate::native::{Wanted, symbols};

/// Records between two looks at whether the person asked to stop.
const STEP: u64 = 1 << 16;
/// Source files are smaller; what is larger is not shown.
const LARGEST_SOURCE: u64 = 16 << 20;

/// What was read of a trace.
struct Recorded {
    replay: Replay,
    codes: Vec<Code>,
    frames: Vec<Frame>,
    modules: Vec<Module>,
    symbols: Vec<Symbol>,
    end: Option<End>,
}

/// Reads a trace, keeping the state `at`; with `native` its native frames have places of their own. Cost: one pass; memory as [`memsight_analysis::profile`] says.
///
/// # Errors
/// Of [`Reader::open`] and [`Profile::new`], and [`Error::Cancelled`].
pub fn open_trace(path: &Path, at: At, native: bool, progress: &dyn Progress) -> Result<Profile, Error> {
    replayed(path, |head| Replay::new(head, at), native, progress)
}

/// The same without Python's small blocks: see [`Replay::large_only`].
///
/// # Errors
/// As of [`open_trace`].
pub fn open_large_blocks(path: &Path, at: At, native: bool, progress: &dyn Progress) -> Result<Profile, Error> {
    replayed(path, |head| Replay::new(head, at).large_only(), native, progress)
}

fn replayed(
    path: &Path,
    replay: impl Fn(&Head) -> Replay,
    native: bool,
    progress: &dyn Progress,
) -> Result<Profile, Error> {
    let mut reader = Reader::open(path)?;
    let head = reader.head().clone();
    let recorded = recorded(replay(&head), reader.by_ref(), progress)?;
    let minor = head.python_minor;
    recorded.profile(head, reader.is_cut(), native, |_| minor)
}

/// Which processes of a run are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processes {
    /// All of them together, as they were at the same time.
    All,
    /// That with this id.
    One(u32),
}

/// Reads the traces of a run, the first of which is at `path`, as one. Cost: as of [`open_trace`] for all of them, and 8 bytes more
/// for each block that is live.
///
/// # Errors
/// As of [`open_trace`], and [`Error::NoSuchTrace`].
pub fn open_processes(
    path: &Path,
    which: Processes,
    at: At,
    native: bool,
    progress: &dyn Progress,
) -> Result<Profile, Error> {
    let mut members = members(path)?;
    let processes = members.len();
    let mut head = Reader::open(path)?.head().clone();
    if let Processes::One(pid) = which {
        members.retain(|member| member.head.pid == pid);
        let first = members.first();
        head = first.ok_or(Error::NoSuchTrace { path: path.to_owned(), processes, pid })?.head.clone();
    }
    let others = members.len().saturating_sub(1);
    if others > 0 {
        head.program = format!("{} and {others} more", head.program);
    }
    let mut merged = Merged::new(members, at);
    let recorded = recorded(Replay::new(&head, at), merged.by_ref(), progress)?;
    let is_cut = merged.is_cut();
    recorded.profile(head, is_cut, native, |code| merged.minor(code))
}

/// The processes of a run, the first of which was recorded at `path`: each before those that came from it. None where children
/// were not recorded. Cost: every trace is read.
///
/// # Errors
/// As of [`open_trace`]; a trace that cannot be read is left out.
pub fn processes_of(path: &Path, progress: &dyn Progress) -> Result<Vec<ProcessRow>, Error> {
    let members = members(path)?;
    if members.iter().all(|member| member.head.family.is_none()) {
        return Ok(Vec::new());
    }
    let began = members.first().map_or(0, |first| first.head.started.monotonic_ns);
    let mut rows = Vec::new();
    for member in &members {
        let profile = match open_trace(&member.path, At::Peak, false, progress) {
            Ok(profile) => profile,
            Err(error) if error.is_cancelled() => return Err(error),
            Err(_) => continue,
        };
        let summary = profile.summary(&Selection { top: 1, ..Selection::default() })?;
        rows.push(ProcessRow {
            pid: member.head.pid,
            parent: member.head.family.map(|family| family.parent).filter(|&parent| parent != 0),
            depth: 0,
            program: member.head.program.clone(),
            trace: member.path.to_string_lossy().into_owned(),
            began_ns: member.head.started.monotonic_ns.saturating_sub(began),
            duration_ns: summary.header.duration_ns,
            peak_bytes: summary.peak_bytes,
            peak_error_bytes: summary.peak_error_bytes,
            end_bytes: summary.end_bytes,
            allocations: summary.allocations,
        });
    }
    Ok(in_order(rows))
}

/// Each process before those that came from it. One whose parent is not there came from the first.
fn in_order(rows: Vec<ProcessRow>) -> Vec<ProcessRow> {
    let parent = |at: usize| {
        let row = &rows[at];
        // (of two that had the same id, the later one of those that were there before)
        let before = rows[..at].iter().rposition(|other| Some(other.pid) == row.parent);
        (at > 0).then(|| before.unwrap_or(0))
    };
    let parents: Vec<Option<usize>> = (0..rows.len()).map(parent).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (at, parent) in parents.iter().enumerate().skip(1) {
        children[parent.unwrap_or(0)].push(at);
    }
    let mut ordered = Vec::new();
    let mut left: Vec<(usize, u32)> = if rows.is_empty() { Vec::new() } else { vec![(0, 0)] };
    while let Some((at, depth)) = left.pop() {
        ordered.push(ProcessRow { depth, ..rows[at].clone() });
        left.extend(children[at].iter().rev().map(|&child| (child, depth + 1)));
    }
    ordered
}

/// Whether a file begins as a trace does, whole or not.
pub fn holds_trace(path: &Path) -> bool {
    memsight_format::trace::is_trace(path)
}

/// Replays records.
fn recorded<E>(
    replay: Replay,
    records: impl Iterator<Item = Result<Record, E>>,
    progress: &dyn Progress,
) -> Result<Recorded, Error>
where
    Error: From<E>,
{
    progress.phase("reading the trace", None);
    let (codes, frames, modules, symbols) = Default::default();
    let mut recorded = Recorded { replay, codes, frames, modules, symbols, end: None };
    let mut read = 0u64;
    for record in records {
        match record? {
            Record::Event(event) => recorded.replay.event(event),
            Record::Frame(frame) => recorded.frames.push(frame),
            Record::Code(code) => recorded.codes.push(code),
            Record::Module(module) => recorded.modules.push(module),
            Record::Symbol(symbol) => recorded.symbols.push(symbol),
            Record::End(end) => recorded.end = Some(end),
        }
        read += 1;
        if read.is_multiple_of(STEP) {
            progress.advance(read);
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
        }
    }
    Ok(recorded)
}

impl Recorded {
    /// `minor` gives the version of the Python that a code object is of.
    fn profile(mut self, head: Head, is_cut: bool, native: bool, minor: impl Fn(u32) -> u32) -> Result<Profile, Error> {
        if native {
            self.look_up();
        }
        let line = |code: &Code, offset: u32| {
            line_of(minor(code.number), &code.lines, code.first_line, u64::from(offset).saturating_mul(2))
        };
        let natives = Natives::new(&self.modules, &self.symbols, native);
        let places = Places::with_natives(&self.codes, &self.frames, line, &natives);
        drop((self.codes, self.frames));
        Ok(Profile::new(head, self.replay, places, self.end, is_cut)?)
    }
}

impl Recorded {
    /// Looks up on this machine what the trace has no names for: its recorder was killed, or there were none where it ran.
    fn look_up(&mut self) {
        let known: HashSet<(u32, u32)> = self.symbols.iter().map(|symbol| (symbol.module, symbol.offset)).collect();
        let mut missing: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for frame in self.frames.iter().filter(|frame| frame.code & NATIVE != 0) {
            let place = (frame.code & !NATIVE, frame.offset);
            if !known.contains(&place) {
                missing.entry(place.0).or_default().insert(place.1);
            }
        }
        for module in &self.modules {
            if let Some(offsets) = missing.remove(&module.number) {
                self.symbols.extend(symbols(&Wanted { module, offsets }, &[PathBuf::from("/")]));
            }
        }
    }
}

/// The text of a source file of a trace: where the trace says that it is, or else where `wanted` says. `None`: it is not there, is
/// no text, or no file.
#[allow(clippy::disallowed_methods, reason = "the engine reads files for the views")]
pub fn source_text(file: &str, wanted: &str) -> Option<String> {
    [file, wanted].iter().map(PathBuf::from).find_map(|path| {
        let about = std::fs::metadata(&path).ok()?;
        if !about.is_file() || about.len() > LARGEST_SOURCE {
            return None;
        }
        let bytes = std::fs::read(&path);
        bytes.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other)).ok()
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use memsight_analysis::profile::By;
    use memsight_model::trace::{Domain, Event};
    use memsight_model::{Quiet, Timestamp};

    use super::*;

    impl From<Infallible> for Error {
        fn from(never: Infallible) -> Error {
            match never {}
        }
    }

    #[test]
    fn lines_come_from_the_tables_of_the_code() {
        let head = Head {
            pid: 1,
            program: "app.py".into(),
            python_minor: 10,
            started: Timestamp { monotonic_ns: 0, unix_ns: 0 },
            sample_bytes: 0,
            family: None,
        };
        let code = Code { number: 1, name: "f".into(), file: "app.py".into(), first_line: 3, lines: vec![4, 0, 4, 1] };
        let allocated = Event::Allocated { domain: Domain::Object, address: 16, bytes: 10, stack: 1 };
        // Code may come behind the events that it is for.
        let records = [
            Record::Event(allocated),
            Record::Frame(Frame { caller: 0, code: 1, offset: 3 }),
            Record::Code(code),
            Record::End(End::default()),
        ];
        let records = records.into_iter().map(Ok::<_, Infallible>);
        let recorded = recorded(Replay::new(&head, At::Peak), records, &Quiet).expect("records");
        let profile = recorded.profile(head, false, false, |_| 10).expect("a profile");
        let view = profile.places(By::Line, &Selection::default()).expect("lines");
        assert_eq!(view.places.rows()[0].line, Some(4));
    }
}
