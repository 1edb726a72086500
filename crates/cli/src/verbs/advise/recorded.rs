//! `memsight advise --run`: a program is run and recorded, and its source advised upon with that.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use memsight_engine::Error as EngineError;
use memsight_engine::advise::AdviseOptions;
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Options, Prepared, name_of};

use super::{advised, options};
use crate::args::Advise;
use crate::console::Console;
use crate::error::{Error, RunError};
use crate::interrupt::Interrupt;
use crate::platform::Wake;
use crate::verbs::command::Command;
use crate::verbs::run::{command, follow};

/// Runs the program, then advises; the exit code is that of the advice. What the program writes goes to stderr: stdout is for the
/// advice.
pub(super) fn run(args: &Advise, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let folder = tempfile::tempdir().map_err(Error::Setup)?;
    let trace = folder.path().join("advise.trace");
    let words = args.run.strip_prefix(&[OsString::from("--")]).unwrap_or(&args.run);
    let code = record(&command(words)?, &trace, console, interrupt)?;
    if code != 0 {
        console.remark(|_| format!("the program has ended with exit code {code}\n"));
    }
    let mut options: AdviseOptions = options(args);
    // Who has named files wants to hear of all of them.
    options.evidence.only_ran = args.paths.iter().all(|path| path == Path::new("."));
    (options.evidence.trace, options.evidence.is_own) = (Some(trace), true);
    advised(args, options, console, &Interrupt::listen())
}

/// Runs a command, records every allocation of it, and gives its exit code.
fn record(command: &[OsString], path: &Path, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let prepared = Prepared::new(Options { sample_bytes: 0, native: false })?;
    let trace = Writer::create(path, false).map_err(EngineError::from)?;
    interrupt.leave();
    let variables = prepared.variables(std::env::var_os("LD_PRELOAD"));
    let streams = [Stdio::inherit(), Stdio::from(io::stderr()), Stdio::inherit()];
    let started = Command::start_with(command, &variables, streams)?;
    wake.follow(started.pid());
    let recording = prepared.begin(trace, name_of(command), || ())?;
    let (code, recorded) = follow(started, recording, wake, None, console);
    if recorded?.head.is_none() {
        let command = command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
        return Err(RunError::Unrecorded { command }.into());
    }
    Ok(code)
}
