//! What the person asked for, resolved before anything is started or created.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use memsight_model::is_pid;

use crate::args::Watch;
use crate::error::Error;

/// What to watch.
pub(super) enum Source {
    Process(u32),
    Command(Vec<OsString>),
    Log(PathBuf),
}

/// Form of a file, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Csv,
    Parquet,
    Png,
    Svg,
    Json,
    /// The folder of a snapshot.
    Heap,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub kind: Kind,
    pub path: PathBuf,
}

impl Output {
    /// Whether it is stdout.
    pub(super) fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

/// The source that the person named.
pub(super) fn source(args: &Watch) -> Result<Source, Error> {
    if !args.command.is_empty() {
        return Ok(Source::Command(args.command.clone()));
    }
    if let Some(pid) = args.pid {
        return Ok(Source::Process(pid));
    }
    let Some(subject) = args.subject.as_deref() else { return Err(Error::NothingToWatch { subject: None }) };
    if is_pid(subject) {
        let not_a_pid = |_| Error::NothingToWatch { subject: Some(subject.to_owned()) };
        return subject.parse().map(Source::Process).map_err(not_a_pid);
    }
    if Path::new(subject).exists() {
        return Ok(Source::Log(PathBuf::from(subject)));
    }
    Err(Error::NothingToWatch { subject: Some(subject.to_owned()) })
}

/// The files that the person named, each once.
pub(super) fn outputs(args: &Watch) -> Result<Vec<Output>, Error> {
    let mut outputs: Vec<Output> = Vec::new();
    for path in &args.output {
        let kind = match path.extension().and_then(OsStr::to_str) {
            _ if path.as_os_str() == "-" => Kind::Log,
            _ if is_heap(path) => Kind::Heap,
            Some("jsonl" | "log") => Kind::Log,
            Some("csv") => Kind::Csv,
            Some("parquet") => Kind::Parquet,
            Some("png") => Kind::Png,
            Some("svg") => Kind::Svg,
            Some("json") => Kind::Json,
            // Devices and pipes have no suffix: they get the log.
            _ if is_stream(path) => Kind::Log,
            _ => return Err(Error::OutputKind { path: path.clone() }),
        };
        let output = Output { kind, path: path.clone() };
        if !outputs.contains(&output) {
            outputs.push(output);
        }
    }
    Ok(outputs)
}

/// Whether a path is that of a snapshot.
pub(super) fn is_heap(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "heap")
}

fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}
