//! The answers about a trace: what people and scripts see. Field names are the keys of the JSON.

use serde::Serialize;

/// The version of these types.
pub const TRACE_SCHEMA_VERSION: u32 = 1;

/// Whether every allocation was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceMode {
    /// Yes.
    #[default]
    Exact,
    /// No: figures are estimates.
    Sampled,
}

/// The state that a view shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AtWord {
    /// When the most was live.
    #[default]
    Peak,
    /// The end.
    End,
    /// A moment that was asked for.
    Time,
    /// None: sums over the whole run.
    All,
}

/// Bytes and blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Bytes asked for.
    pub bytes: u64,
    /// Blocks.
    pub count: u64,
    /// With a sample the true number of bytes is, with 95%, at most so far from `bytes`; 0: exact.
    pub error_bytes: u64,
}

/// What every view says of its trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TraceHeader {
    /// [`TRACE_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Exact or sampled.
    pub mode: TraceMode,
    /// Bytes between samples in the mean; 0: exact.
    pub sample_bytes: u64,
    /// `3.12`.
    pub python: String,
    /// File name of what ran. Foreign text.
    pub program: String,
    /// Process id.
    pub pid: u32,
    /// When recording began, in nanoseconds since 1970.
    pub started_ns: u64,
    /// How long it went on.
    pub duration_ns: u64,
    /// Events that were lost while recording.
    pub lost_events: u64,
    /// The trace has no end: the recording was ended, or the file was cut.
    pub is_cut: bool,
    /// The state that is shown.
    pub at: AtWord,
    /// When it was, from the beginning; absent for sums over the whole run.
    pub at_ns: Option<u64>,
    /// The only thread that is shown.
    pub thread: Option<u32>,
    /// The text that functions or files contain that are shown.
    pub filter: Option<String>,
    /// All that the view is about, of which its rows are parts.
    pub total: Figures,
}

/// A line of a function. Foreign text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Spot {
    /// Name of the function.
    pub function: String,
    /// Its file; empty for what is no function.
    pub file: String,
    /// The line, from 1; 0: not known.
    pub line: u32,
}

/// A place in the code, and what was allocated there.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PlaceRow {
    /// The file; of a module with more than one the first of them. Empty where no Python code ran. Foreign text.
    pub file: String,
    /// The line, of a function its first one; absent for files and modules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The function; absent for files and modules. Foreign text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The module; absent for all but modules. Foreign text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Of blocks that it allocated itself.
    #[serde(flatten)]
    pub figures: Figures,
    /// Its part of all bytes, 0 to 1.
    pub share: f64,
    /// Bytes of blocks that it, or whatever it called, allocated.
    pub inclusive_bytes: u64,
    /// Bytes that it allocated over the whole run.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
}

/// Rows by what they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceRows {
    /// Lines.
    Lines(Vec<PlaceRow>),
    /// Functions.
    Functions(Vec<PlaceRow>),
    /// Files.
    Files(Vec<PlaceRow>),
    /// Modules.
    Modules(Vec<PlaceRow>),
}

impl PlaceRows {
    /// The rows.
    pub fn rows(&self) -> &[PlaceRow] {
        let (PlaceRows::Lines(rows) | PlaceRows::Functions(rows) | PlaceRows::Files(rows) | PlaceRows::Modules(rows)) =
            self;
        rows
    }

    /// What one of them is.
    pub fn word(&self) -> &'static str {
        match self {
            PlaceRows::Lines(_) => "line",
            PlaceRows::Functions(_) => "function",
            PlaceRows::Files(_) => "file",
            PlaceRows::Modules(_) => "module",
        }
    }
}

/// `lines`, `functions`, `files`, `modules`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlacesView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// Whether the order is by inclusive bytes.
    pub is_inclusive: bool,
    /// The places, the largest first.
    #[serde(flatten)]
    pub places: PlaceRows,
    /// How many there are; `places` may show fewer.
    pub place_count: u64,
    /// Bytes of those that are not shown.
    pub rest_bytes: u64,
}

/// Without a view: the whole at one glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The most bytes that were live at once.
    pub peak_bytes: u64,
    /// How sure that is, see [`Figures::error_bytes`].
    pub peak_error_bytes: u64,
    /// Their blocks.
    pub peak_count: u64,
    /// When that was.
    pub peak_at_ns: u64,
    /// Bytes that were live at the end.
    pub end_bytes: u64,
    /// How sure that is.
    pub end_error_bytes: u64,
    /// Their blocks.
    pub end_count: u64,
    /// Bytes that were allocated over the whole run.
    pub allocated_bytes: u64,
    /// How sure that is.
    pub allocated_error_bytes: u64,
    /// How often.
    pub allocations: u64,
    /// Of these, blocks that were free again before the same thread's next allocation but one; absent for samples.
    pub temporary_allocations: Option<u64>,
    /// The largest resident set that was seen.
    pub peak_resident_bytes: Option<u64>,
    /// Threads that allocated.
    pub threads: u64,
    /// Exit code of the program, if it ended by one.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// The lines with the most, in the state that is shown.
    pub lines: Vec<PlaceRow>,
    /// How many lines there are.
    pub line_count: u64,
    /// Bytes of those that are not shown.
    pub rest_bytes: u64,
}

/// Calls with most of the bytes, from the oldest frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TreeView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The least share of all bytes that a node has.
    pub least_share: f64,
    /// The nodes: each before those that it called, the largest first.
    pub nodes: Vec<TreeNode>,
}

/// One or more frames, each of which called the next, that share all bytes but fewer than are worth a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TreeNode {
    /// How many nodes are above it.
    pub depth: u32,
    /// The frames, the oldest first; more than one where each allocated through the next alone.
    pub frames: Vec<Spot>,
    /// What the first of them and all that it called allocated.
    #[serde(flatten)]
    pub figures: Figures,
    /// Part of all bytes, 0 to 1.
    pub share: f64,
    /// What the last of them allocated itself.
    pub own_bytes: u64,
}

/// Blocks of one stack, or of stacks whose newest frames are the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackRow {
    /// The newest frames, the newest first; none where no Python code ran.
    pub stack: Vec<Spot>,
    /// Whether there are older frames.
    pub has_older: bool,
    /// What is live.
    #[serde(flatten)]
    pub figures: Figures,
    /// Part of all bytes, 0 to 1.
    pub share: f64,
    /// Bytes that were allocated there over the whole run.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
}

/// `leaks`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeaksView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// What is live, by the newest frames of its stack.
    pub leaks: Vec<StackRow>,
    /// How many there are; `leaks` may show fewer.
    pub leak_count: u64,
    /// Bytes of those that are not shown.
    pub rest_bytes: u64,
}

/// A line, and what it allocated over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChurnRow {
    /// The line.
    #[serde(flatten)]
    pub spot: Spot,
    /// What was allocated there; with `temporary` what was free again at once.
    #[serde(flatten)]
    pub figures: Figures,
    /// Part of all bytes, 0 to 1.
    pub share: f64,
    /// Bytes that were allocated there in all.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
    /// Of these, bytes that were live at the peak.
    pub peak_bytes: u64,
}

/// `churn`, `temporary`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChurnView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// Whether `lines` are about blocks that were free again at once.
    pub is_temporary: bool,
    /// The lines, the largest first.
    pub lines: Vec<ChurnRow>,
    /// How many there are; `lines` may show fewer.
    pub line_count: u64,
    /// Bytes of those that are not shown.
    pub rest_bytes: u64,
}

/// What one thread allocated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadSums {
    /// Its id in the operating system.
    pub thread: u32,
    /// In the state that is shown.
    #[serde(flatten)]
    pub figures: Figures,
    /// Part of all bytes, 0 to 1.
    pub share: f64,
    /// Of what it allocated, bytes that were live at the end.
    pub end_bytes: u64,
    /// Bytes that it allocated over the whole run.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
}

/// `threads`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadSumsView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The threads, the largest first.
    pub threads: Vec<ThreadSums>,
    /// How many there are; `threads` may show fewer.
    pub thread_count: u64,
    /// Bytes of those that are not shown.
    pub rest_bytes: u64,
}

/// What was live during a part of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TimelinePoint {
    /// When the part begins.
    pub time_ns: u64,
    /// Bytes that were live at its end.
    pub bytes: u64,
    /// The most that were live in it.
    pub most_bytes: u64,
    /// The resident set as it was read last.
    pub resident_bytes: Option<u64>,
}

/// `timeline`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The most bytes that were live at once.
    pub peak_bytes: u64,
    /// When that was.
    pub peak_at_ns: u64,
    /// How long each point is.
    pub step_ns: u64,
    /// At most 1,000 of them.
    pub points: Vec<TimelinePoint>,
}

/// A line of a source file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceLine {
    /// Its number, from 1; 0: blocks whose line is not known.
    pub line: u32,
    /// Its text; absent where the file was not read.
    pub text: Option<String>,
    /// What it allocated itself.
    #[serde(flatten)]
    pub figures: Figures,
    /// Bytes that it, or whatever it called, allocated.
    pub inclusive_bytes: u64,
    /// Bytes that it allocated over the whole run.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
}

/// `source`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The file, as the trace calls it.
    pub file: String,
    /// Whether its text was there.
    pub is_read: bool,
    /// What its lines allocated in all.
    pub file_figures: Figures,
    /// The lines: all of them where the text is there, otherwise those that allocated.
    pub lines: Vec<SourceLine>,
}

/// One stack of a flame graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlameStack {
    /// Frames as `function (file:line)`, the oldest first.
    pub frames: Vec<String>,
    /// What is live, or was allocated.
    #[serde(flatten)]
    pub figures: Figures,
}

/// `flamegraph`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlameView {
    /// The trace.
    #[serde(flatten)]
    pub header: TraceHeader,
    /// The stacks, by their frames.
    pub stacks: Vec<FlameStack>,
}

/// What a line allocated in two traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineGrowth {
    /// The line, of the later trace where it is in both.
    #[serde(flatten)]
    pub spot: Spot,
    /// Bytes in the earlier trace.
    pub before_bytes: u64,
    /// Bytes in the later one.
    pub after_bytes: u64,
    /// The difference.
    pub growth_bytes: i64,
    /// How sure the difference is, see [`Figures::error_bytes`].
    pub error_bytes: u64,
    /// Blocks in the earlier trace.
    pub before_count: u64,
    /// Blocks in the later one.
    pub after_count: u64,
}

/// Two traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceCompareView {
    /// The earlier trace.
    pub before: TraceHeader,
    /// The later one.
    pub after: TraceHeader,
    /// The difference of all bytes.
    pub growth_bytes: i64,
    /// The lines that changed most, up or down.
    pub lines: Vec<LineGrowth>,
    /// How many changed; `lines` may show fewer.
    pub line_count: u64,
}
