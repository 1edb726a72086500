//! Recording: what a program's recorder writes into the ring is read, ordered, and appended to a trace.
//!
//! ```text
//! ring ──> chunks ──> order ──> trace          stacks: frames by number; clock: time stamps as nanoseconds
//!   └──────── native: the code of the program, and both stacks as one
//! ```
//!
//! All of it in memsight's own process, by one thread: the program only fills chunks ([design](../../../docs/design/recorder.md)).

mod attach;
mod children;
mod chunks;
mod clock;
mod heart;
mod inside;
mod look;
mod native;
mod order;
mod results;
mod ring;
mod stacks;
mod writer;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use memsight_format::trace;
use memsight_target::Process;

use self::native::Merge;
use self::ring::Ring;
use self::writer::Drain;
use crate::Error;

pub use attach::{Attached, Whose, attach, attach_to, detach};
pub(crate) use look::{Births, Recorder};
pub use memsight_recorder::LIBRARY;
pub use results::{Children, Options, Recorded};

/// Memory in which a program that is about to be started will be recorded.
#[derive(Debug)]
pub struct Prepared {
    ring: Ring,
    family: Option<children::Prepared>,
    merge: Option<Merge>,
}

/// A recording under way.
#[derive(Debug)]
pub struct Recording {
    is_over: Arc<AtomicBool>,
    reader: JoinHandle<Result<Drain, Error>>,
    family: Option<children::Following>,
}

impl Prepared {
    /// Makes the memory.
    ///
    /// # Errors
    /// [`Error::NoRing`].
    pub fn new(options: Options) -> Result<Prepared, Error> {
        let ring = Ring::new(options.sample_bytes, options.native).map_err(|source| Error::NoRing { source })?;
        Ok(Prepared { ring, family: None, merge: options.native.then(Merge::default) })
    }

    /// The same in files of the process `pid`, which cannot open ours.
    fn within(
        pid: u32,
        (ring, library): (inside::Inside, inside::Inside),
        options: Options,
    ) -> Result<Prepared, Error> {
        let ring = Ring::within(pid, ring, library, options.sample_bytes, options.native);
        let ring = ring.map_err(|source| Error::NoRing { source })?;
        Ok(Prepared { ring, family: None, merge: options.native.then(Merge::default) })
    }

    /// Has the children of the program recorded, too, and theirs: each into a file beside `path`, the trace of the first.
    ///
    /// # Errors
    /// [`Error::NoRing`].
    pub fn with_children(mut self, path: &Path) -> Result<Prepared, Error> {
        self.family = Some(children::Prepared::new(&self.ring, path, self.merge.is_some())?);
        Ok(self)
    }

    /// Looks at the code of a process that runs already, so that none of its threads has to wait for that later.
    ///
    /// # Errors
    /// [`Error::NoRing`], [`Error::Target`].
    pub fn look_at(&mut self, pid: u32) -> Result<(), Error> {
        let Some(merge) = &mut self.merge else { return Ok(()) };
        merge.parts.follow(Process::open(pid)?);
        merge.parts.look(&mut self.ring).map_err(|source| Error::NoRing { source })
    }

    /// The variables with which the program is to be started, in place of its own of these names; it takes them out again.
    pub fn variables(&self, preload: Option<OsString>) -> [(&'static str, OsString); 2] {
        self.ring.variables(preload)
    }

    /// Where the ring is, for a process that loads the library itself: [`LIBRARY`].
    pub fn path(&self) -> OsString {
        self.ring.path()
    }

    /// Reads from now on what the program `pid` records, into the trace. `program` is what the trace calls it.
    ///
    /// Each thread of it does `first` before anything else.
    ///
    /// # Errors
    /// [`Error::NoRing`].
    pub fn begin(
        self,
        trace: trace::Writer,
        program: String,
        first: impl FnOnce() + Clone + Send + 'static,
    ) -> Result<Recording, Error> {
        let run = self.family.as_ref().map(children::Prepared::run);
        let family = self.family.map(children::Prepared::follow).transpose()?;
        begin(Drain::new(self.ring, self.merge, trace, program, run), family, first)
    }
}

/// Reads until that is ended.
fn begin(
    mut drain: Drain,
    family: Option<children::Following>,
    first: impl FnOnce() + Clone + Send + 'static,
) -> Result<Recording, Error> {
    drain.live(first.clone())?;
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let idle = if drain.asks() { ASKED } else { IDLE };
    let reader = std::thread::Builder::new().name("memsight-trace".into()).spawn(move || {
        first();
        while !over.load(Ordering::Acquire) {
            let busy = drain.step()?;
            std::thread::sleep(if busy { BUSY } else { idle });
        }
        Ok(drain)
    });
    Ok(Recording { is_over, reader: reader.map_err(|source| Error::NoRing { source })?, family })
}

/// Between two looks at the ring, while chunks become full, and while they do not.
const BUSY: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(10);
/// While threads may wait for an answer.
const ASKED: Duration = Duration::from_millis(2);

impl Recording {
    /// Whether nothing is written any more: the disk is full, or another error ended it.
    pub fn has_stopped(&self) -> bool {
        self.reader.is_finished()
    }

    /// Has the reader end when it has read what is there; [`Recording::end`] waits for it.
    fn ask_to_end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Writes what is left of a program that has ended: with this exit code, or by this signal.
    ///
    /// # Errors
    /// Those of the file: the trace ends with what was written before.
    pub fn end(self, exit_code: Option<i32>, signal: Option<i32>) -> Result<Recorded, Error> {
        self.ask_to_end();
        let recorded = match self.reader.join() {
            Ok(drain) => drain.and_then(|drain| drain.end(exit_code, signal)),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let children = self.family.map(children::Following::end).unwrap_or_default();
        recorded.map(|recorded| Recorded { children, ..recorded })
    }
}

/// What a program that was asked to record itself has answered (`memsight_recorder_start`, in the library).
///
/// # Errors
/// [`Error::NotRecordable`], [`Error::RecordedAlready`], [`Error::HooksInTheWay`], [`Error::NoRing`].
pub fn answered(code: i32) -> Result<(), Error> {
    match code {
        0 => Ok(()),
        -1 => Err(Error::NotRecordable),
        -3 => Err(Error::RecordedAlready),
        -4 => Err(Error::HooksInTheWay),
        _ => Err(Error::NoRing { source: std::io::ErrorKind::InvalidInput.into() }),
    }
}

/// What a trace calls a command: the name of its script or module, else of its program.
pub fn name_of(command: &[OsString]) -> String {
    let name = |text: &OsString| {
        let path = Path::new(text);
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    };
    let Some(program) = command.first() else { return String::new() };
    let is_python = name(program).starts_with("python");
    let mut rest = command.iter().skip(1).skip_while(|text| {
        let bytes = text.as_encoded_bytes();
        bytes.starts_with(b"-") && bytes != b"-m" && bytes != b"-c" && bytes != b"-"
    });
    match rest.next() {
        Some(first) if is_python && first == "-m" => rest.next().map_or_else(|| name(program), name),
        // (code of -c is no name, and may be long)
        Some(first) if is_python && first != "-c" && first != "-" => name(first),
        _ => name(program),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_called_by_its_script() {
        let name = |command: &[&str]| name_of(&command.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(name(&["python3", "-B", "/srv/app.py", "--token", "x"]), "app.py");
        assert_eq!(name(&["/usr/bin/python3.12", "-m", "http.server", "80"]), "http.server");
        assert_eq!(name(&["python", "-c", "print(1)"]), "python");
        assert_eq!(name(&["/opt/bin/uvicorn", "app:app"]), "uvicorn");
        assert_eq!((name(&["python"]), name(&[])), ("python".into(), String::new()));
    }
}
