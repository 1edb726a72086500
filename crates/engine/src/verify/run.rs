//! One run of the command in a copy: its figures, and what it wrote.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use memsight_analysis::profile::{At, By, PlaceRows, Selection};
use memsight_analysis::verify::Traced;
use memsight_format::trace::Writer;
use memsight_model::{Progress, Quiet};
use memsight_target::{Run, run_measured};

use super::options::{Compare, VerifyOptions};
use super::tree::Place;
use crate::Error;
use crate::error::VerifyError;
use crate::record::{Options, Prepared};
use crate::trace::{Processes, open_processes};

/// The beginning of what was written, in which a difference is looked for to be shown.
const KEPT: usize = 1 << 20;

/// What runs have in common.
pub(super) struct Runner<'a> {
    pub options: &'a VerifyOptions,
    /// Where outputs and traces are put meanwhile.
    pub scratch: &'a Path,
    /// How long one may take.
    pub limit: Duration,
    pub progress: &'a dyn Progress,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Ran {
    pub run: Run,
    pub wrote: Wrote,
}

/// What a run wrote and how it ended, to be compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrote {
    pub status: ExitStatus,
    pub output: Stream,
    pub errors: Stream,
}

/// One stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stream {
    beginning: Vec<u8>,
    len: usize,
    hash: u64,
}

/// A run with every allocation recorded.
pub(super) struct Recorded {
    pub figures: Traced,
    /// Files of Python code that allocated something.
    pub files: Vec<PathBuf>,
}

impl Runner<'_> {
    /// Runs the command once. `None`: it had to be ended, since it took too long.
    pub fn run(&self, place: &Place) -> Result<Option<Ran>, Error> {
        self.run_with(place, &[])
    }

    #[allow(clippy::disallowed_methods, reason = "the engine is the door to clocks and files")]
    fn run_with(&self, place: &Place, variables: &[(&str, OsString)]) -> Result<Option<Ran>, Error> {
        let paths = [self.scratch.join("output"), self.scratch.join("errors")];
        let failed = |path: &Path, source| VerifyError::NoCopy { path: path.to_owned(), source };
        let [output, errors] = paths.each_ref().map(|path| File::create(path).map_err(|source| failed(path, source)));
        let mut command = self.command(place)?;
        command.stdout(output?).stderr(errors?).envs(variables.iter().map(|(name, value)| (name, value)));
        let (began, limit) = (Instant::now(), self.limit);
        let run = run_measured(&mut command, &|| self.progress.cancelled() || began.elapsed() > limit);
        if self.progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let run = run.map_err(|source| self.not_run(source))?;
        if run.is_killed {
            return Ok(None);
        }
        let [output, errors] =
            paths.each_ref().map(|path| Stream::read(path, place).map_err(|source| failed(path, source)));
        Ok(Some(Ran { run, wrote: Wrote { status: run.status, output: output?, errors: errors? } }))
    }

    fn command(&self, place: &Place) -> Result<Command, Error> {
        let mut words = self.options.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let mut command = Command::new(place.inside_text(&program));
        let folder = place.inside(&self.options.folder);
        command.args(words.map(|word| place.inside_text(word))).current_dir(&folder).env("PWD", &folder);
        // The order of sets of strings is the same in all runs; and code is compiled when a form of the program is warmed up only.
        command.env("PYTHONHASHSEED", "0").env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONPYCACHEPREFIX");
        let ahead = place.ahead.iter().map(|folder| place.copy.join(folder).into_os_string());
        let given = self.options.python_path.iter().map(|paths| place.inside_text(paths));
        let paths = ahead.chain(given).collect::<Vec<OsString>>().join(std::ffi::OsStr::new(":"));
        if !paths.is_empty() {
            command.env("PYTHONPATH", paths);
        }
        let input = match &self.options.input {
            Some(path) => {
                let file = memsight_format::regular::open(path);
                Stdio::from(file.map_err(|source| VerifyError::NoInput { path: path.clone(), source })?)
            }
            None => Stdio::null(),
        };
        command.stdin(input);
        Ok(command)
    }

    fn not_run(&self, source: io::Error) -> Error {
        let program = self.options.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        match source.kind() {
            io::ErrorKind::PermissionDenied if source.raw_os_error() != Some(EACCES) => VerifyError::NoPeaks { source },
            io::ErrorKind::Unsupported => VerifyError::NoPeaks { source },
            _ => VerifyError::NotStarted { program, source },
        }
        .into()
    }

    /// Runs the command once more, with every allocation recorded. `None`: nothing is recorded of this program.
    pub fn record(&self, place: &Place) -> Result<Option<Recorded>, Error> {
        let path = self.scratch.join("run.trace");
        let prepared = Prepared::new(Options { sample_bytes: 0, native: false })?.with_children(&path)?;
        let trace = Writer::create(&path, true)?;
        let variables = prepared.variables(self.options.preload.clone());
        let recording = prepared.begin(trace, "program".to_owned(), || ())?;
        let ran = self.run_with(place, &variables);
        let recorded = recording.end(None, None);
        let is_whole = ran?.is_some();
        let is_empty = recorded?.head.is_none();
        let found = if is_empty || !is_whole { None } else { Some(self.read(&path, place)?) };
        self.sweep();
        Ok(found)
    }

    fn read(&self, path: &Path, place: &Place) -> Result<Recorded, Error> {
        let profile = open_processes(path, Processes::All, At::End, false, &Quiet)?;
        let summary = profile.summary(&Selection { top: 1, ..Selection::default() })?;
        let figures = Traced {
            peak_bytes: summary.peak_bytes,
            end_bytes: summary.end_bytes,
            allocated_bytes: summary.allocated_bytes,
            allocations: summary.allocations,
        };
        let PlaceRows::Files(rows) = profile.places(By::File, &Selection::default())?.places else {
            return Ok(Recorded { figures, files: Vec::new() });
        };
        let folder = place.inside(&self.options.folder);
        let files = rows.iter().filter(|row| !row.file.is_empty()).map(|row| folder.join(&row.file)).collect();
        Ok(Recorded { figures, files })
    }

    /// Takes away traces: those of children have names of their own.
    fn sweep(&self) {
        for entry in std::fs::read_dir(self.scratch).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|suffix| suffix == "trace") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// `errno.h`: the program may not be executed.
const EACCES: i32 = 13;

impl Stream {
    #[allow(clippy::disallowed_methods, reason = "the engine is the door to files")]
    fn read(path: &Path, place: &Place) -> io::Result<Stream> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut bytes = place.outside(&std::fs::read(path)?);
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let (len, hash) = (bytes.len(), hasher.finish());
        bytes.truncate(KEPT);
        bytes.shrink_to_fit();
        Ok(Stream { beginning: bytes, len, hash })
    }

    fn is(&self, other: &Stream) -> bool {
        (self.len, self.hash) == (other.len, other.hash)
    }

    /// The last line that has something in it.
    pub fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.beginning).into_owned();
        text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
    }

    /// Where this one is not as it was.
    fn difference(&self, before: &Stream) -> String {
        let lines =
            |stream: &Stream| String::from_utf8_lossy(&stream.beginning).lines().map(str::to_owned).collect::<Vec<_>>();
        let (old, new) = (lines(before), lines(self));
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        match (old.get(same), new.get(same)) {
            (Some(old), Some(new)) => format!("line {} is {:?}, and was {:?}", same + 1, short(new), short(old)),
            (Some(old), None) => format!("line {} is missing: {:?}", same + 1, short(old)),
            (None, Some(new)) => format!("line {} is new: {:?}", same + 1, short(new)),
            (None, None) => format!("there are {} bytes, and were {}", self.len, before.len),
        }
    }
}

fn short(line: &str) -> String {
    /// Characters of a line that are shown.
    const MOST: usize = 60;
    let cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() { cut + "..." } else { cut }
}

impl Wrote {
    /// What is not as it was, and how: none where all that has to be equal is.
    pub fn difference(&self, before: &Wrote, compare: Compare) -> Option<(&'static str, String)> {
        if compare == Compare::None {
            return None;
        }
        if self.status != before.status {
            let last = self.errors.last_line().map(|line| format!(" ({})", short(&line))).unwrap_or_default();
            return Some((
                "the exit codes",
                format!("{}{last}, and was {}", ending(self.status), ending(before.status)),
            ));
        }
        if compare == Compare::Exit {
            return None;
        }
        let streams =
            [("the outputs", &self.output, &before.output), ("the error outputs", &self.errors, &before.errors)];
        let changed = streams.into_iter().find(|(_, new, old)| !new.is(old));
        changed.map(|(what, new, old)| (what, new.difference(old)))
    }
}

/// How a program ended, in words.
pub(super) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}
