//! Traces: a file of records made into a profile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use memsight_analysis::profile::{At, Natives, Places, Profile, Replay};
use memsight_cpython::line_of;
use memsight_format::trace::Reader;
use memsight_model::Progress;
use memsight_model::trace::{Code, End, Frame, Head, Module, NATIVE, Record, Symbol};

use crate::Error;
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
    let mut reader = Reader::open(path)?;
    let head = reader.head().clone();
    let recorded = recorded(&head, reader.by_ref(), at, progress)?;
    recorded.profile(head, reader.is_cut(), native)
}

/// Replays records.
fn recorded<E>(
    head: &Head,
    records: impl Iterator<Item = Result<Record, E>>,
    at: At,
    progress: &dyn Progress,
) -> Result<Recorded, Error>
where
    Error: From<E>,
{
    progress.phase("reading the trace", None);
    let (codes, frames, modules, symbols) = Default::default();
    let mut recorded = Recorded { replay: Replay::new(head, at), codes, frames, modules, symbols, end: None };
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
    fn profile(mut self, head: Head, is_cut: bool, native: bool) -> Result<Profile, Error> {
        if native {
            self.look_up();
        }
        let minor = head.python_minor;
        let line = |code: &Code, offset: u32| {
            line_of(minor, &code.lines, code.first_line, u64::from(offset).saturating_mul(2))
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

    use memsight_analysis::profile::{By, Selection};
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
        let recorded = recorded(&head, records, At::Peak, &Quiet).expect("records");
        let profile = recorded.profile(head, false, false).expect("a profile");
        let view = profile.places(By::Line, &Selection::default()).expect("lines");
        assert_eq!(view.places.rows()[0].line, Some(4));
    }
}
