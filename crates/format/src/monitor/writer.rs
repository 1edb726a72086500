//! Samples into lines.

use std::collections::HashMap;

use memsight_model::{
    ContainerSample, GcReading, MachineSample, ProcessSample, Sample, StatusFigures, Timestamp, visible_json,
};

use super::append::{Appended, Appender};
use super::record::{Ended, Gap, Header, Marker, ProcessRecord, Record, SampleRecord, Usage};

/// Writes a log: one line for the header, then per sample one line and those for processes that came and went.
///
/// Cost: about 200 bytes for each process that has changed since the last sample; one `write(2)` a sample. Memory:
/// what was last said of each process that lives.
pub struct Recorder {
    out: Appender,
    header: Vec<u8>,
    known: HashMap<u32, Known>,
    container: Option<ContainerSample>,
    machine: Option<MachineSample>,
    buffer: Vec<u8>,
    round: u64,
    /// Revision of the last sample that the log has all of; 0: none.
    revision: u64,
    repeat: Option<Repeat>,
}

/// The line of a sample without news, cut at its time, for the next one that has none either.
struct Repeat {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Repeat {
    fn of(line: &[u8], at: Timestamp) -> Option<Repeat> {
        let time = serde_json::to_vec(&at).ok()?;
        let from = line.windows(time.len()).position(|window| window == time)?;
        Some(Repeat { before: line[..from].to_vec(), after: line[from + time.len()..].to_vec() })
    }

    /// The line, with another time.
    fn push(&self, lines: &mut Vec<u8>, at: Timestamp) {
        lines.extend_from_slice(&self.before);
        // Two numbers: nothing that could fail.
        let _ = serde_json::to_writer(&mut *lines, &at);
        lines.extend_from_slice(&self.after);
    }
}

/// What the log says of a process that lives.
#[derive(Default)]
struct Known {
    record: ProcessRecord,
    /// Its last line, without what is read less often.
    said: Usage,
    status: Option<StatusFigures>,
    rollup_ns: Option<u64>,
    gc: Option<GcReading>,
    missing_said: bool,
    round: u64,
}

impl Recorder {
    /// Begins a log. The header goes out at once.
    pub fn begin(out: Appender, header: &Header) -> (Recorder, Appended) {
        let line = line(&Record::Header(header.clone()));
        let mut recorder = Recorder {
            out,
            header: Vec::new(),
            known: HashMap::new(),
            container: None,
            machine: None,
            buffer: Vec::new(),
            round: 0,
            revision: 0,
            repeat: None,
        };
        let appended = recorder.out.append(&line, header.at);
        if !matches!(appended, Appended::Written) {
            recorder.header = line;
        }
        (recorder, appended)
    }

    /// Where it writes.
    pub fn appender(&self) -> &Appender {
        &self.out
    }

    /// Appends a sample, with the processes that came and went since the last one.
    pub fn sample(&mut self, sample: &Sample) -> Appended {
        if !self.out.tries(sample.at) {
            return self.out.append(&[], sample.at);
        }
        self.start_batch(sample.at);
        let same = sample.revision != 0 && sample.revision == self.revision;
        let beside =
            (news(&mut self.container, sample.container.as_ref()), news(&mut self.machine, sample.machine.as_ref()));
        let nothing_beside = beside.0.is_none() && beside.1.is_none();
        if let Some(repeat) = self.repeat.as_ref().filter(|_| same && nothing_beside) {
            repeat.push(&mut self.buffer, sample.at);
            return self.finish_batch(sample.at);
        }
        let mut usages = Vec::new();
        if !same {
            self.round += 1;
            for process in &sample.processes {
                usages.extend(self.usage(process, sample.at));
            }
            self.departures(sample.at);
            self.revision = sample.revision;
        }
        let record = SampleRecord {
            at: sample.at,
            total: sample.total.clone(),
            processes: usages,
            container: beside.0,
            machine: beside.1,
        };
        let start = self.buffer.len();
        push(&mut self.buffer, &Record::Sample(Box::new(record)));
        self.repeat = (same && nothing_beside).then(|| Repeat::of(&self.buffer[start..], sample.at)).flatten();
        self.finish_batch(sample.at)
    }

    /// Appends a marker.
    pub fn marker(&mut self, marker: &Marker) -> Appended {
        self.start_batch(marker.at);
        push(&mut self.buffer, &Record::Marker(marker.clone()));
        self.finish_batch(marker.at)
    }

    /// Ends the log with its summary and waits for the disk.
    pub fn end(&mut self, summary: serde_json::Value, at: Timestamp) -> Appended {
        self.start_batch(at);
        push(&mut self.buffer, &Record::Summary { summary });
        match self.finish_batch(at) {
            Appended::Written => self.out.sync().map_or_else(Appended::Failed, |()| Appended::Written),
            other => other,
        }
    }

    /// After a failure the log says what it has missed, and everything about the processes again.
    fn start_batch(&mut self, at: Timestamp) {
        self.buffer.clear();
        if self.out.lost() > 0 {
            self.buffer.extend_from_slice(&self.header);
            push(&mut self.buffer, &Record::Gap(Gap { at, lost: self.out.lost() }));
            self.known.clear();
            (self.container, self.machine, self.revision, self.repeat) = (None, None, 0, None);
        }
    }

    fn finish_batch(&mut self, at: Timestamp) -> Appended {
        let appended = self.out.append(&self.buffer, at);
        if matches!(appended, Appended::Written) {
            self.header.clear();
        }
        appended
    }

    /// The line of a process in a sample; what is not news stays out of it, and without any there is no line.
    fn usage(&mut self, process: &ProcessSample, at: Timestamp) -> Option<Usage> {
        let known = self.known.get_mut(&process.pid).filter(|known| says(&known.record, process));
        let known = match known {
            Some(known) => known,
            None => {
                let record = record(process, at);
                push(&mut self.buffer, &Record::Process(record.clone()));
                let mut fresh = Known { record, ..Known::default() };
                if let Some(old) = self.known.remove(&process.pid).filter(|old| old.record.created == process.created) {
                    fresh = Known { record: fresh.record, ..old };
                }
                self.known.entry(process.pid).or_insert(fresh)
            }
        };
        known.round = self.round;
        let mut usage = usage(process);
        let mut news = known.said != usage;
        if news {
            known.said = usage.clone();
        }
        if known.status != process.status {
            (known.status, usage.status, news) = (process.status, process.status, true);
        }
        if known.rollup_ns != process.rollup_ns {
            (known.rollup_ns, usage.rollup_ns, usage.rollup) = (process.rollup_ns, process.rollup_ns, process.rollup);
            news = true;
        }
        if process.rollup_missing.is_some() && !std::mem::replace(&mut known.missing_said, true) {
            usage.rollup_missing = process.rollup_missing.clone();
            news = true;
        }
        if known.gc != process.gc {
            (known.gc, usage.gc, news) = (process.gc.clone(), process.gc.clone(), true);
        }
        news.then_some(usage)
    }

    /// Lines for the processes that this round did not see.
    fn departures(&mut self, at: Timestamp) {
        let round = self.round;
        if self.known.values().all(|known| known.round == round) {
            return;
        }
        let mut gone: Vec<u32> =
            self.known.iter().filter(|(_, known)| known.round != round).map(|(&pid, _)| pid).collect();
        gone.sort_unstable();
        for pid in gone {
            self.known.remove(&pid);
            push(&mut self.buffer, &Record::Ended(Ended { at, pid }));
        }
    }
}

/// What is `now`, unless it was said `before`.
fn news<T: Clone + PartialEq>(before: &mut Option<T>, now: Option<&T>) -> Option<T> {
    let now = now.filter(|now| before.as_ref() != Some(*now))?;
    *before = Some(now.clone());
    before.clone()
}

/// Whether the record says what there is to say of `process`.
fn says(record: &ProcessRecord, process: &ProcessSample) -> bool {
    record.created == process.created
        && record.parent == process.parent
        && record.name == process.name
        && record.python == process.python
}

fn record(process: &ProcessSample, at: Timestamp) -> ProcessRecord {
    ProcessRecord {
        at,
        pid: process.pid,
        parent: process.parent,
        created: process.created,
        name: process.name.clone(),
        python: process.python.clone(),
    }
}

fn usage(process: &ProcessSample) -> Usage {
    let memory = &process.memory;
    Usage {
        pid: process.pid,
        state: process.state,
        rss_bytes: memory.rss_bytes,
        vms_bytes: memory.vms_bytes,
        shared_bytes: memory.shared_bytes,
        text_bytes: memory.text_bytes,
        data_bytes: memory.data_bytes,
        cpu_ns: process.cpu_ns,
        minor_faults: process.minor_faults,
        major_faults: process.major_faults,
        threads: process.threads,
        oom_score: process.oom_score,
        ..Usage::default()
    }
}

fn line(record: &Record) -> Vec<u8> {
    let mut line = Vec::new();
    push(&mut line, record);
    line
}

/// Adds a record as a line. Numbers that JSON cannot have (NaN, infinite) become null; nothing else can fail.
fn push(lines: &mut Vec<u8>, record: &Record) {
    if let Ok(line) = serde_json::to_string(record) {
        lines.extend_from_slice(visible_json(line).as_bytes());
        lines.push(b'\n');
    }
}
