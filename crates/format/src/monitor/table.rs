//! The table of a recording: one row a process and a sample, one row a marker.

use memsight_model::{Rollup, Sample, Timestamp};

use super::Assembler;
use super::record::{Marker, Record};

/// A row. What is not known, or belongs to the other kind of row, is `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct Row<'a> {
    pub at: Timestamp,
    pub pid: Option<u32>,
    pub parent: Option<u32>,
    pub name: Option<&'a str>,
    pub rss_bytes: Option<u64>,
    pub vms_bytes: Option<u64>,
    pub shared_bytes: Option<u64>,
    pub data_bytes: Option<u64>,
    pub uss_bytes: Option<u64>,
    pub pss_bytes: Option<u64>,
    pub swap_bytes: Option<u64>,
    pub cpu_ns: Option<u64>,
    pub threads: Option<u64>,
    pub minor_faults: Option<u64>,
    pub major_faults: Option<u64>,
    pub marker: Option<&'a str>,
}

/// Names of the columns, in their order. The first two are times: elapsed, and since 1970.
pub(super) const COLUMNS: [&str; 17] = [
    "elapsed_ns",
    "unix_ns",
    "pid",
    "parent",
    "name",
    "rss_bytes",
    "vms_bytes",
    "shared_bytes",
    "data_bytes",
    "uss_bytes",
    "pss_bytes",
    "swap_bytes",
    "cpu_ns",
    "threads",
    "minor_faults",
    "major_faults",
    "marker",
];

impl Row<'_> {
    /// Elapsed since `origin`; 0 for what was before it.
    pub(super) fn elapsed_ns(&self, origin: Timestamp) -> u64 {
        self.at.monotonic_ns.saturating_sub(origin.monotonic_ns)
    }
}

/// The rows of one record.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are samples")]
pub enum Rows {
    /// Of a sample: one a process. USS, PSS and swap are the last that were read.
    Sample(Sample),
    /// Of a marker: one, without a process.
    Marker(Marker),
}

impl Rows {
    /// The rows of the next record of a log; `None` for records without any.
    pub fn of(record: Record, assembler: &mut Assembler) -> Option<Rows> {
        match record {
            Record::Marker(marker) => Some(Rows::Marker(marker)),
            record => assembler.take(&record).map(Rows::Sample),
        }
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Rows::Sample(sample) => sample.at,
            Rows::Marker(marker) => marker.at,
        }
    }
}

/// Rows of a sample.
pub(super) fn of_sample(sample: &Sample) -> impl Iterator<Item = Row<'_>> {
    sample.processes.iter().map(|process| {
        let rollup = process.rollup.as_ref();
        Row {
            at: sample.at,
            pid: Some(process.pid),
            parent: Some(process.parent),
            name: Some(&process.name),
            rss_bytes: Some(process.memory.rss_bytes),
            vms_bytes: Some(process.memory.vms_bytes),
            shared_bytes: Some(process.memory.shared_bytes),
            data_bytes: Some(process.memory.data_bytes),
            uss_bytes: rollup.map(Rollup::uss_bytes),
            pss_bytes: rollup.map(|rollup| rollup.pss_bytes),
            swap_bytes: rollup.map(|rollup| rollup.swap_bytes).or(process.status.map(|status| status.swap_bytes)),
            cpu_ns: Some(process.cpu_ns),
            threads: Some(process.threads.into()),
            minor_faults: Some(process.minor_faults),
            major_faults: Some(process.major_faults),
            marker: None,
        }
    })
}

/// The row of a marker.
pub(super) fn of_marker(marker: &Marker) -> Row<'_> {
    Row { at: marker.at, marker: Some(&marker.text), ..Row::default() }
}
