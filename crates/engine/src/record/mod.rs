//! Recording: what a program's recorder writes into the ring is read, ordered, and appended to a trace.
//!
//! ```text
//! ring ──> chunks ──> order ──> trace          stacks: frames by number; clock: time stamps as nanoseconds
//! ```
//!
//! All of it in memsight's own process, by one thread: the program only fills chunks ([design](../../../docs/design/recorder.md)).

mod attach;
mod chunks;
mod clock;
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

use self::ring::Ring;
use self::writer::Drain;
use crate::Error;

pub use attach::{Attached, attach, detach};
pub use memsight_recorder::LIBRARY;
pub use results::{Options, Recorded};

/// Memory in which a program that is about to be started will be recorded.
#[derive(Debug)]
pub struct Prepared {
    ring: Ring,
}

/// A recording under way.
#[derive(Debug)]
pub struct Recording {
    is_over: Arc<AtomicBool>,
    reader: JoinHandle<Result<Drain, Error>>,
}

impl Prepared {
    /// Makes the memory.
    ///
    /// # Errors
    /// [`Error::NoRing`].
    pub fn new(options: Options) -> Result<Prepared, Error> {
        Ok(Prepared { ring: Ring::new(options.sample_bytes).map_err(|source| Error::NoRing { source })? })
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
    /// The thread that reads does `first` before anything else.
    ///
    /// # Errors
    /// [`Error::NoRing`].
    pub fn begin(
        self,
        trace: trace::Writer,
        program: String,
        first: impl FnOnce() + Send + 'static,
    ) -> Result<Recording, Error> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, mut drain) = (is_over.clone(), Drain::new(self.ring, trace, program));
        let reader = std::thread::Builder::new().name("memsight-trace".into()).spawn(move || {
            first();
            while !over.load(Ordering::Acquire) {
                let busy = drain.step()?;
                std::thread::sleep(if busy { BUSY } else { IDLE });
            }
            Ok(drain)
        });
        Ok(Recording { is_over, reader: reader.map_err(|source| Error::NoRing { source })? })
    }
}

/// Between two looks at the ring, while chunks become full, and while they do not.
const BUSY: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(10);

impl Recording {
    /// Whether nothing is written any more: the disk is full, or another error ended it.
    pub fn has_stopped(&self) -> bool {
        self.reader.is_finished()
    }

    /// Writes what is left of a program that has ended: with this exit code, or by this signal.
    ///
    /// # Errors
    /// Those of the file: the trace ends with what was written before.
    pub fn end(self, exit_code: Option<i32>, signal: Option<i32>) -> Result<Recorded, Error> {
        self.is_over.store(true, Ordering::Release);
        match self.reader.join() {
            Ok(drain) => drain?.end(exit_code, signal),
            Err(panic) => std::panic::resume_unwind(panic),
        }
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
