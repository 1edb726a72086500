//! The files of a recording: those that grow with it, and those that are made at its end.

use std::io;
use std::path::{Path, PathBuf};

use memsight_engine::format::FormatError;
use memsight_engine::format::monitor::{
    Appended, Appender, Assembler, CsvWriter, Header, Marker, ParquetTable, Record, Recorder, Rows, read_log,
};
use memsight_model::{Explain, Sample};
use memsight_render::plot::{self, Plot, Size};
use memsight_render::{WatchView, json};

use super::config::{Kind, Output};
use crate::console::{Console, stdout};
use crate::error::Error;
use crate::whole::place;

/// Outputs that are checked and opened, before anything runs.
pub(super) struct Opened {
    logs: Vec<Appender>,
    tables: Vec<Appender>,
    later: Vec<Output>,
    /// The log behind a Parquet file, when the person asked for no log; removed once the table is there.
    spare: Option<PathBuf>,
    force: bool,
}

impl Opened {
    /// Opens what grows, and refuses what is there already, unless `force`.
    pub(super) fn open(outputs: Vec<Output>, force: bool) -> Result<Opened, Error> {
        let mut opened = Opened { logs: Vec::new(), tables: Vec::new(), later: Vec::new(), spare: None, force };
        // Refusals first, so that no half of the files is created.
        for output in outputs.iter().filter(|output| !output.is_stdout()) {
            if !force && output.path.is_file() {
                return Err(FormatError::Exists { path: output.path.clone() }.into());
            }
        }
        let has_log = outputs.iter().any(|output| output.kind == Kind::Log && !output.is_stdout());
        let parquet = outputs.iter().find(|output| output.kind == Kind::Parquet);
        if let Some(parquet) = parquet.filter(|_| !has_log) {
            let mut spare = parquet.path.clone().into_os_string();
            spare.push(".jsonl");
            opened.spare = Some(spare.into());
        }
        for output in outputs {
            match output.kind {
                Kind::Log if output.is_stdout() => {
                    opened.logs.push(Appender::new(Box::new(stdout()?), Path::new("stdout")));
                }
                Kind::Log => opened.logs.push(Appender::create(&output.path, force)?),
                Kind::Csv => opened.tables.push(Appender::create(&output.path, force)?),
                _ => opened.later.push(output),
            }
        }
        if let Some(spare) = &opened.spare {
            opened.logs.push(Appender::create(spare, force)?);
        }
        Ok(opened)
    }

    /// Whether the log goes to stdout.
    pub(super) fn has_stdout(&self) -> bool {
        self.logs.iter().any(|log| log.path() == Path::new("stdout"))
    }

    /// Begins the files that grow.
    pub(super) fn begin(self, header: &Header, console: &Console) -> Files {
        let mut files = Files {
            logs: Vec::new(),
            tables: Vec::new(),
            later: self.later,
            spare: self.spare,
            force: self.force,
            failed: false,
            unread: false,
        };
        files.tables.extend(self.tables.into_iter().map(|table| CsvWriter::new(table, header.at)));
        for log in self.logs {
            let (recorder, appended) = Recorder::begin(log, header);
            files.logs.push(recorder);
            files.tell(appended, console);
        }
        files.leave_reader();
        files
    }
}

/// The files of a recording.
pub(super) struct Files {
    logs: Vec<Recorder>,
    tables: Vec<CsvWriter>,
    later: Vec<Output>,
    spare: Option<PathBuf>,
    force: bool,
    failed: bool,
    /// The reader of stdout is gone.
    unread: bool,
}

impl Files {
    /// Whether nobody gets anything of the recording any more: its only output was stdout, and the reader is gone.
    pub(super) fn is_unread(&self) -> bool {
        self.unread && self.logs.is_empty() && self.tables.is_empty() && self.later.is_empty()
    }

    /// Writes no more to a reader that is gone.
    fn leave_reader(&mut self) {
        if self.unread {
            self.logs.retain(|log| log.appender().path() != Path::new("stdout"));
        }
    }

    /// Appends a sample to what grows. A full disk is told once and stops nothing.
    pub(super) fn sample(&mut self, sample: &Sample, console: &Console) {
        for at in 0..self.logs.len() {
            let appended = self.logs[at].sample(sample);
            self.tell(appended, console);
        }
        for at in 0..self.tables.len() {
            let appended = self.tables[at].sample(sample);
            self.tell(appended, console);
        }
        self.leave_reader();
    }

    /// Appends a marker to what grows.
    pub(super) fn marker(&mut self, marker: &Marker, console: &Console) {
        for at in 0..self.logs.len() {
            let appended = self.logs[at].marker(marker);
            self.tell(appended, console);
        }
        for at in 0..self.tables.len() {
            let appended = self.tables[at].marker(marker);
            self.tell(appended, console);
        }
    }

    /// Ends what grows and makes the rest. Gives whether all of it is there; what is not was told.
    pub(super) fn finish(mut self, view: &WatchView, plot: &Plot, console: &Console) -> bool {
        let at = view.summary.ended;
        let value = serde_json::to_value(view).unwrap_or_default();
        for number in 0..self.logs.len() {
            let appended = self.logs[number].end(value.clone(), at);
            self.tell(appended, console);
        }
        for number in 0..self.tables.len() {
            let appended = self.tables[number].end(at);
            self.tell(appended, console);
        }
        let log = self.logs.iter().map(|log| log.appender().path()).find(|path| path.is_file()).map(Path::to_path_buf);
        let (later, force) = (std::mem::take(&mut self.later), self.force);
        let mut tabled = true;
        for output in &later {
            let log = log.as_deref();
            if let Err(error) = make(output, log, view, plot, force) {
                console.report(&error);
                self.failed = true;
                tabled &= output.kind != Kind::Parquet;
            }
        }
        if let Some(spare) = self.spare.take() {
            if tabled {
                // A file that somebody else has removed is removed.
                let _ = std::fs::remove_file(spare);
            } else {
                console.remark(|_| format!("the recording is kept in {}\n", spare.display()));
            }
        }
        !self.failed
    }

    fn tell(&mut self, appended: Appended, console: &Console) {
        match appended {
            Appended::Written => {}
            // A reader who has seen enough is no failure.
            Appended::Failed(error) if is_broken_pipe(&error) => self.unread = true,
            Appended::Lost if self.unread => {}
            Appended::Lost => self.failed = true,
            Appended::Failed(error) => {
                self.failed = true;
                let (code, error) = (error.code(), error.to_string());
                console.remark(|_| format!("warning[{code}]: {error}; recording goes on without it\n"));
            }
        }
    }
}

fn is_broken_pipe(error: &FormatError) -> bool {
    matches!(error, FormatError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

/// Makes a file out of a recording that is over.
pub(super) fn make(
    output: &Output,
    log: Option<&Path>,
    view: &WatchView,
    plot: &Plot,
    force: bool,
) -> Result<(), Error> {
    match output.kind {
        Kind::Png => place(&output.path, &plot::png(plot, Size::default())?, force),
        Kind::Svg => place(&output.path, plot::svg(plot, Size::default()).as_bytes(), force),
        Kind::Json => place(&output.path, json(view).as_bytes(), force),
        Kind::Parquet | Kind::Csv => log.map_or(Ok(()), |log| table(output, log, force)),
        Kind::Log | Kind::Heap => Ok(()),
    }
}

/// Makes a table of a log. Memory: one row group, whatever the log's length.
fn table(output: &Output, log: &Path, force: bool) -> Result<(), Error> {
    let reader = read_log(log)?;
    let header = reader.header().clone();
    let mut assembler = Assembler::default();
    // A damaged line was told of when the log was summed up.
    let rows = reader.filter_map(|record: Result<Record, _>| Rows::of(record.ok()?, &mut assembler));
    if output.kind == Kind::Parquet {
        let mut table = ParquetTable::begin(&output.path, &header, force)?;
        for rows in rows {
            table.add(&rows)?;
        }
        return Ok(table.finish()?);
    }
    let mut table = CsvWriter::new(Appender::create(&output.path, force)?, header.at);
    let mut last = header.at;
    for rows in rows {
        last = rows.at();
        written(match &rows {
            Rows::Sample(sample) => table.sample(sample),
            Rows::Marker(marker) => table.marker(marker),
        })?;
    }
    written(table.end(last))
}

fn written(appended: Appended) -> Result<(), Error> {
    match appended {
        Appended::Failed(error) => Err(error.into()),
        Appended::Written | Appended::Lost => Ok(()),
    }
}
