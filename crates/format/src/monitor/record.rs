//! The records of a log, as they stand in its lines.

use memsight_model::{
    ContainerSample, GcReading, MachineSample, Rollup, StatusFigures, Timestamp, Totals, Unavailable,
};
use serde::{Deserialize, Serialize};

/// What the header says it is.
pub const FORMAT: &str = "memsight-monitor";
/// Version of the log's format.
pub const VERSION: u32 = 1;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The first line: what was recorded, how, and where.
    Header(Header),
    /// A process appeared, or a name or version of one became known. Stands before the first sample that has it.
    Process(ProcessRecord),
    /// One reading of everything.
    Sample(Box<SampleRecord>),
    /// Something that the person or the program wants to find again.
    Marker(Marker),
    /// A process is gone.
    Ended(Ended),
    /// Lines are missing here because the disk was full.
    Gap(Gap),
    /// The last line of a recording that ended in peace: its summary, as `--format json` shows it.
    Summary {
        /// The summary.
        summary: serde_json::Value,
    },
    /// A kind of a later version: passed over.
    #[serde(other)]
    Unknown,
}

/// What was recorded, how, and where.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub schema_version: u32,
    /// Version of memsight.
    pub memsight: String,
    /// When the recording began; the origin of elapsed times.
    pub at: Timestamp,
    /// Time between two samples that was asked for, nanoseconds.
    pub interval_ns: u64,
    /// Time between two readings of USS and PSS; `None`: they were not read.
    pub rollup_interval_ns: Option<u64>,
    /// What was watched.
    pub watched: Watched,
    /// Where.
    pub host: Host,
}

/// What was watched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Watched {
    /// Process id of the root.
    pub pid: u32,
    /// Its children, too.
    pub tree: bool,
    /// The command that memsight started: its program alone, for arguments may be secrets. `None`: it ran already.
    pub program: Option<String>,
    /// The arguments, when the person asked for them (`--arguments`).
    pub arguments: Option<Vec<String>>,
}

/// The machine of a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Host {
    /// Release of the kernel.
    pub kernel: String,
    /// Processors that are online.
    pub processors: u32,
    /// Memory of the machine.
    pub memory_bytes: u64,
}

/// What does not change while a process runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// When it was first seen.
    pub at: Timestamp,
    /// Process id. A later record with the same id and another `created` is another process.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// When it started, seconds since 1970.
    pub created: f64,
    /// Short name.
    pub name: String,
    /// Version of its Python, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
}

/// One reading of everything.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleRecord {
    /// When.
    pub at: Timestamp,
    /// Sums over the processes.
    pub total: Totals,
    /// The processes, parents before children.
    pub processes: Vec<Usage>,
    /// The container of the first process, where it was read anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerSample>,
    /// The machine, where it was read anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineSample>,
}

/// One process in a sample. What is read less often (`status`, `rollup`, `gc`) stands only where it was read anew.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Process id.
    pub pid: u32,
    /// State letter.
    pub state: char,
    /// Resident set size.
    pub rss_bytes: u64,
    /// Virtual size.
    pub vms_bytes: u64,
    /// Resident pages of files and shared memory.
    pub shared_bytes: u64,
    /// Virtual size of code.
    pub text_bytes: u64,
    /// Virtual size of data and stack.
    pub data_bytes: u64,
    /// CPU time so far, nanoseconds.
    pub cpu_ns: u64,
    /// Minor faults so far.
    pub minor_faults: u64,
    /// Major faults so far.
    pub major_faults: u64,
    /// Threads.
    pub threads: u32,
    /// Inclination of the kernel to kill it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_score: Option<i32>,
    /// Peaks and kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusFigures>,
    /// USS, PSS and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup: Option<Rollup>,
    /// When `rollup` was read (`CLOCK_MONOTONIC`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup_ns: Option<u64>,
    /// Why there is none; said once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup_missing: Option<Unavailable>,
    /// Counters of the collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc: Option<GcReading>,
}

/// Something that the person or the program wants to find again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// When it was noticed: at most one interval after it was set, exact when the program gave the time.
    pub at: Timestamp,
    /// Its text.
    pub text: String,
    /// Where it came from.
    pub source: MarkerSource,
}

/// Where a marker came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkerSource {
    /// A line of the file that `MEMSIGHT_MARKERS` or `--markers` names.
    File,
    /// SIGUSR1 to memsight.
    Signal,
}

/// A process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it was missed.
    pub at: Timestamp,
    /// Process id.
    pub pid: u32,
}

/// Lines are missing here because the disk was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When writing went on.
    pub at: Timestamp,
    /// Samples and markers that are missing.
    pub lost: u64,
}
