//! `memsight run`: run a program and record its allocations.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use memsight_engine::Error as EngineError;
use memsight_engine::format::FormatError;
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Options, Prepared, Recorded, Recording, name_of};
use memsight_render::text::{self, RunView};

use super::command::Command;
use crate::args::Run;
use crate::console::Console;
use crate::error::{Error, RunError};
use crate::interrupt::Interrupt;
use crate::platform::{Asked, Wake, signal_of};

/// Between two looks whether the recording goes on; signals and the end of the program end a wait.
const WAIT: Duration = Duration::from_secs(1);
/// Names that are tried for a trace nobody has named.
const NAMES: u32 = 1000;

/// Runs the program and gives its exit code.
pub fn run(args: &Run, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let command = command(&args.command)?;
    // (also that a file is too large, for which the system has a signal)
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let prepared = Prepared::new(Options { sample_bytes: args.sampling.bytes() })?;
    let program = name_of(&command);
    let trace = open(args, &program)?;
    let path = trace.path().to_owned();
    interrupt.leave();
    let variables = prepared.variables(std::env::var_os("LD_PRELOAD"));
    let started = Command::start(&command, &variables).inspect_err(|_| remove(&path))?;
    wake.follow(started.pid());
    let recording = prepared.begin(trace, program, || ())?;
    let (code, recorded) = follow(started, recording, wake, console);
    match recorded {
        Ok(recorded) if recorded.head.is_none() => {
            remove(&path);
            let command = command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
            console.report(&RunError::Unrecorded { command }.into());
        }
        Ok(recorded) => {
            let view = view(&recorded, &path);
            console.remark(|style| text::run(&view, style));
        }
        // the program has done its work: its exit code stands
        Err(error) => console.report(&error),
    }
    Ok(code)
}

/// Waits for the program, telling it of signals, and writes the rest of its trace: its exit code, and what was recorded.
fn follow(
    mut command: Command,
    recording: Recording,
    mut wake: Wake,
    console: &Console,
) -> (i32, Result<Recorded, Error>) {
    let mut has_stopped = false;
    while !(wake.may_have_ended() && command.ended()) {
        for asked in wake.wait(WAIT) {
            if let Asked::End(signal) = asked {
                command.forward(signal);
            }
        }
        if !std::mem::replace(&mut has_stopped, recording.has_stopped()) && has_stopped {
            console.remark(|_| "the recording has stopped, and the program goes on: its end will say why\n".to_owned());
        }
    }
    let status = command.status().ok();
    let recorded = recording.end(status.and_then(|status| status.code()), status.and_then(signal_of));
    (command.code(), recorded.map_err(Error::from))
}

/// What is to be run: a script by the `python3` of this environment, as a module is; anything else as it is.
fn command(words: &[OsString]) -> Result<Vec<OsString>, RunError> {
    let first = words.first().map(OsString::as_os_str).unwrap_or_default();
    let is_option = first.as_encoded_bytes().starts_with(b"-");
    match first == "-m" || Path::new(first).extension() == Some(OsStr::new("py")) {
        true if words == ["-m"] => Err(RunError::Module),
        true => Ok([vec![python()], words.to_vec()].concat()),
        false if is_option => Err(RunError::Option { option: first.to_string_lossy().into_owned() }),
        false => Ok(words.to_vec()),
    }
}

/// The Python of the virtual environment that memsight is installed in, unless another one is active; else that of PATH.
fn python() -> OsString {
    let folder = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
    let own = folder.filter(|folder| {
        std::env::var_os("VIRTUAL_ENV").is_none()
            && folder.parent().is_some_and(|home| home.join("pyvenv.cfg").is_file())
    });
    let in_path = || std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<PathBuf>>();
    let mut folders = own.into_iter().chain(in_path());
    let found = folders.find_map(|folder| Some(folder.join("python3")).filter(|python| python.is_file()));
    found.map_or_else(|| "python".into(), PathBuf::into_os_string)
}

/// Creates the trace, before anything is run.
fn open(args: &Run, program: &str) -> Result<Writer, Error> {
    if let Some(path) = &args.output {
        return Ok(Writer::create(path, args.force).map_err(EngineError::from)?);
    }
    let stem = Path::new(program).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 1;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        match Writer::create(Path::new(&format!("memsight-{stem}{suffix}.trace")), args.force) {
            Err(FormatError::Exists { .. }) if number < NAMES => number += 1,
            other => return Ok(other.map_err(EngineError::from)?),
        }
    }
}

/// Takes away a trace in which nothing is.
pub(super) fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

pub(super) fn view(recorded: &Recorded, path: &Path) -> RunView {
    RunView {
        trace: path.to_string_lossy().into_owned(),
        bytes: recorded.bytes,
        allocations: recorded.allocations,
        sample_bytes: recorded.head.as_ref().map_or(0, |head| head.sample_bytes),
        duration_ns: recorded.end.duration_ns,
        lost_events: recorded.end.lost_events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_modules_are_run_by_python() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let run = |text: &[&str]| command(&words(text)).unwrap();
        assert_eq!(run(&["app.py", "-v"])[1..], words(&["app.py", "-v"]));
        assert_eq!(run(&["-m", "pytest", "-x"])[1..], words(&["-m", "pytest", "-x"]));
        assert!(Path::new(&run(&["app.py"])[0]).file_name().unwrap().to_string_lossy().starts_with("python"));
        assert_eq!(run(&["python3.12", "app.py"]), words(&["python3.12", "app.py"]));
        assert!(matches!(command(&words(&["--exat", "app.py"])), Err(RunError::Option { .. })));
        assert!(matches!(command(&words(&["-m"])), Err(RunError::Module)));
    }
}
