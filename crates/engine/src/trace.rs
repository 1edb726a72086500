//! Traces: a file of records made into a profile.

use std::io;
use std::path::{Path, PathBuf};

use memsight_analysis::profile::{At, Places, Profile, Replay};
use memsight_cpython::line_of;
use memsight_format::trace::Reader;
use memsight_model::Progress;
use memsight_model::trace::{Code, End, Frame, Head, Record};

use crate::Error;

/// Records between two looks at whether the person asked to stop.
const STEP: u64 = 1 << 16;
/// Source files are smaller; what is larger is not shown.
const LARGEST_SOURCE: u64 = 16 << 20;

/// What was read of a trace.
struct Recorded {
    replay: Replay,
    codes: Vec<Code>,
    frames: Vec<Frame>,
    end: Option<End>,
}

/// Reads a trace, keeping the state `at`. Cost: one pass; memory as [`memsight_analysis::profile`] says.
///
/// # Errors
/// Of [`Reader::open`] and [`Profile::new`], and [`Error::Cancelled`].
pub fn open_trace(path: &Path, at: At, progress: &dyn Progress) -> Result<Profile, Error> {
    let mut reader = Reader::open(path)?;
    let head = reader.head().clone();
    let recorded = recorded(&head, reader.by_ref(), at, progress)?;
    recorded.profile(head, reader.is_cut())
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
    let mut recorded = Recorded { replay: Replay::new(head, at), codes: Vec::new(), frames: Vec::new(), end: None };
    let mut read = 0u64;
    for record in records {
        match record? {
            Record::Event(event) => recorded.replay.event(event),
            Record::Frame(frame) => recorded.frames.push(frame),
            Record::Code(code) => recorded.codes.push(code),
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
    fn profile(self, head: Head, is_cut: bool) -> Result<Profile, Error> {
        let minor = head.python_minor;
        let line = |code: &Code, offset: u32| {
            line_of(minor, &code.lines, code.first_line, u64::from(offset).saturating_mul(2))
        };
        let places = Places::new(&self.codes, &self.frames, line);
        drop((self.codes, self.frames));
        Ok(Profile::new(head, self.replay, places, self.end, is_cut)?)
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
        let profile = recorded.profile(head, false).expect("a profile");
        let view = profile.places(By::Line, &Selection::default()).expect("lines");
        assert_eq!(view.places.rows()[0].line, Some(4));
    }
}
