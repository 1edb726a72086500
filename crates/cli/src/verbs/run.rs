//! `memsight run`: run a program and record its allocations.

mod kept;
mod shown;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use memsight_engine::format::FormatError;
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Prepared, Recorded, Recording, name_of};
use memsight_engine::{Error as EngineError, Live};
use memsight_render::text::{self, ChildrenView, RunView};

use super::command::Command;
use super::live;
use crate::args::Run;
use crate::console::Console;
use crate::error::{Error, RunError};
use crate::interrupt::Interrupt;
use crate::platform::{Asked, Wake, signal_of};
use kept::Kept;
use shown::{QUITS, Shown};

/// Between two looks whether the recording goes on; signals and the end of the program end a wait.
const WAIT: Duration = Duration::from_secs(1);
/// The same while its output is written on for it.
const OUTPUT: Duration = Duration::from_millis(100);
/// Names that are tried for a trace nobody has named.
const NAMES: u32 = 1000;

/// Runs the program and gives its exit code.
pub fn run(args: &Run, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let command = command(&args.command)?;
    if args.live {
        live::check(console)?;
    }
    // (also that a file is too large, for which the system has a signal)
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let mut prepared = Prepared::new(args.sampling.options())?;
    let program = name_of(&command);
    let trace = open(args, &program)?;
    let path = trace.path().to_owned();
    if args.subprocesses {
        prepared = prepared.with_children(&path)?;
    }
    let (seen, trace) = if args.live { Live::follow(trace) } else { (Live::default(), trace) };
    let mut kept = if args.live { Some(Kept::new().map_err(Error::Setup)?) } else { None };
    interrupt.leave();
    let variables = prepared.variables(std::env::var_os("LD_PRELOAD"));
    let started = match &kept {
        Some(kept) => Command::start_with(&command, &variables, kept.streams().map_err(Error::Setup)?),
        None => Command::start(&command, &variables),
    };
    let mut started = started.inspect_err(|_| remove(&path))?;
    wake.follow(started.pid());
    let title = format!("pid {}  {program}", started.pid());
    let recording = prepared.begin(trace, program, || ())?;
    if let Some(kept) = &mut kept {
        let mut shown = Shown { command: &mut started, recording: &recording, kept };
        // (the program goes on without a screen, too)
        let screen = live::show(&title, QUITS, &seen, &mut wake, &mut shown, console);
        let _ = screen.inspect_err(|error| console.report(error));
    }
    let (code, recorded) = follow(started, recording, wake, kept, console);
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
    mut kept: Option<Kept>,
    console: &Console,
) -> (i32, Result<Recorded, Error>) {
    let mut has_stopped = false;
    let wait = if kept.is_some() { OUTPUT } else { WAIT };
    // (where nobody reads it any more the program goes on all the same)
    let mut write_on = || kept.as_mut().map_or(Ok(()), Kept::write_on).unwrap_or_default();
    while !(wake.may_have_ended() && command.ended()) {
        write_on();
        for asked in wake.wait(wait) {
            if let Asked::End(signal) = asked {
                command.forward(signal);
            }
        }
        if !std::mem::replace(&mut has_stopped, recording.has_stopped()) && has_stopped {
            console.remark(|_| "the recording has stopped, and the program goes on: its end will say why\n".to_owned());
        }
    }
    write_on();
    let status = command.status().ok();
    let recorded = recording.end(status.and_then(|status| status.code()), status.and_then(signal_of));
    (command.code(), recorded.map_err(Error::from))
}

/// What is to be run: a script by the `python3` of this environment, as a module is; anything else as it is.
pub(super) fn command(words: &[OsString]) -> Result<Vec<OsString>, RunError> {
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
    unnamed(&stem, args.force)
}

/// Creates a trace that nobody has named: `memsight-STEM.trace`, or the next name that is free.
pub(super) fn unnamed(stem: &str, force: bool) -> Result<Writer, Error> {
    let mut number = 1;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        match Writer::create(Path::new(&format!("memsight-{stem}{suffix}.trace")), force) {
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
        children: Some(ChildrenView {
            recorded: recorded.children.recorded.len() as u64,
            outlived: recorded.children.outlived,
            left_out: recorded.children.left_out,
        }),
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
