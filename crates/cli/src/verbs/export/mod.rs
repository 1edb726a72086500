//! `memsight export`: a heap, or a trace, in the form of another tool.

mod heap;
mod trace;

use std::fs::File;
use std::io;
use std::path::Path;

use memsight_engine::holds_trace;
use memsight_model::is_pid;

use crate::args::{Export, Form};
use crate::console::{Console, stdout};
use crate::error::{Error, ExportError};
use crate::interrupt::Interrupt;

pub fn run(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    if !is_pid(&args.subject) && holds_trace(Path::new(&args.subject)) {
        return trace::run(args, console, interrupt);
    }
    if let Some(form) = args.to.filter(|form| *form != Form::Heapsnapshot) {
        return Err(ExportError::OtherForm { what: "heap", form: word(form) }.into());
    }
    if args.at.is_some() || args.thread.is_some() || args.filter.is_some() {
        return Err(ExportError::NoTrace.into());
    }
    heap::run(args, console, interrupt)
}

fn word(form: Form) -> String {
    clap::ValueEnum::to_possible_value(&form).map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What writes a file, to stdout: the file is made whole first, since half of one is none.
#[allow(clippy::disallowed_methods, reason = "the file that is read was made here")]
fn through_file<T>(suffix: &str, write: impl FnOnce(&Path) -> Result<T, Error>) -> Result<T, Error> {
    let folder = tempfile::tempdir().map_err(Error::Setup)?;
    let path = folder.path().join(format!("stdout.{suffix}"));
    let written = write(&path)?;
    let mut file = File::open(&path).map_err(|source| Error::File { path, source })?;
    io::copy(&mut file, &mut stdout()?.lock()).map_err(Error::of_output)?;
    Ok(written)
}
