//! Records into samples.

use std::collections::{BTreeMap, HashMap};

use memsight_model::{ContainerSample, MachineSample, MemoryInfo, ProcessSample, Sample};

use super::record::{ProcessRecord, Record, SampleRecord, Usage};

/// Processes that live at once in a log; later ones are left out. A line has room for some 100,000, and each takes about
/// 1 KiB here.
const MAX_LIVE: usize = 1 << 17;

/// Bytes of a name that are kept: the kernel's have 15, and a version of Python is shorter.
const MAX_NAME: usize = 256;

/// Makes samples of records again: what the log leaves out as no news comes from earlier records.
#[derive(Default)]
pub struct Assembler {
    /// The processes that live, in the order in which they came.
    live: BTreeMap<u64, ProcessSample>,
    /// Where each stands in that order.
    places: HashMap<u32, u64>,
    arrivals: u64,
    container: Option<ContainerSample>,
    machine: Option<MachineSample>,
}

impl Assembler {
    /// Takes the next record; a sample comes of a record of that kind.
    pub fn take(&mut self, record: &Record) -> Option<Sample> {
        match record {
            Record::Process(process) => {
                self.learn(process);
                None
            }
            Record::Ended(ended) => {
                if let Some(place) = self.places.remove(&ended.pid) {
                    self.live.remove(&place);
                }
                None
            }
            // What the log says after a gap, it says in full.
            Record::Gap(_) => {
                self.live.clear();
                self.places.clear();
                None
            }
            Record::Sample(sample) => Some(self.sample(sample)),
            _ => None,
        }
    }

    fn entry(&mut self, pid: u32) -> Option<&mut ProcessSample> {
        if self.places.len() >= MAX_LIVE && !self.places.contains_key(&pid) {
            return None;
        }
        let place = *self.places.entry(pid).or_insert_with(|| {
            self.arrivals += 1;
            self.arrivals
        });
        Some(self.live.entry(place).or_default())
    }

    fn learn(&mut self, process: &ProcessRecord) {
        let Some(known) = self.entry(process.pid) else { return };
        if known.created != process.created {
            *known = ProcessSample { pid: process.pid, created: process.created, ..ProcessSample::default() };
        }
        known.pid = process.pid;
        known.parent = process.parent;
        known.name = start(&process.name);
        known.python = process.python.as_deref().map(start);
    }

    fn sample(&mut self, record: &SampleRecord) -> Sample {
        if record.container.is_some() {
            self.container.clone_from(&record.container);
        }
        if record.machine.is_some() {
            self.machine.clone_from(&record.machine);
        }
        record.processes.iter().for_each(|usage| self.update(usage));
        Sample {
            at: record.at,
            processes: self.live.values().cloned().collect(),
            total: record.total.clone(),
            container: self.container.clone(),
            machine: self.machine.clone(),
            revision: 0,
        }
    }

    fn update(&mut self, usage: &Usage) {
        let Some(known) = self.entry(usage.pid) else { return };
        known.pid = usage.pid;
        known.state = usage.state;
        known.memory = MemoryInfo {
            rss_bytes: usage.rss_bytes,
            vms_bytes: usage.vms_bytes,
            shared_bytes: usage.shared_bytes,
            text_bytes: usage.text_bytes,
            data_bytes: usage.data_bytes,
            ..MemoryInfo::default()
        };
        known.cpu_ns = usage.cpu_ns;
        known.minor_faults = usage.minor_faults;
        known.major_faults = usage.major_faults;
        known.threads = usage.threads;
        known.oom_score = usage.oom_score;
        known.status = usage.status.or(known.status);
        if usage.rollup_ns.is_some() {
            (known.rollup, known.rollup_ns) = (usage.rollup, usage.rollup_ns);
        }
        if usage.rollup_missing.is_some() {
            known.rollup_missing.clone_from(&usage.rollup_missing);
        }
        if usage.gc.is_some() {
            known.gc.clone_from(&usage.gc);
        }
    }
}

/// The start of a name.
fn start(name: &str) -> String {
    let end = (0..=name.len().min(MAX_NAME)).rev().find(|end| name.is_char_boundary(*end));
    name.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}
