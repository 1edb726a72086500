//! What `memsight advise` says: the result as people, scripts and other tools get it.

use memsight_model::{Confidence, Severity};
use serde::Serialize;

use crate::verify::VerifyView;

/// What was found in a code base.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AdviceView {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Those with the most bytes first; without evidence in the order of files and lines.
    pub findings: Vec<AdviceRow>,
    /// Files, or parts of them, that could not be understood.
    pub faults: Vec<FaultRow>,
    /// Counts.
    pub summary: AdviceSummary,
    /// What the findings were held against; null without a heap and a trace.
    pub evidence: Option<EvidenceView>,
    /// What fixes have really saved, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyView>,
}

/// What findings were held against.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EvidenceView {
    /// A trace of allocations.
    pub trace: Option<TraceEvidence>,
    /// A heap.
    pub heap: Option<HeapEvidence>,
    /// Files of which the evidence is of other code, each with the reason: nothing is claimed of them.
    pub other_code: Vec<OtherCode>,
    /// Findings that are left out since the evidence speaks against them.
    pub contradicted: u64,
}

/// A file that is not as the program had it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OtherCode {
    /// The file.
    pub file: String,
    /// Why that is known, in words.
    pub reason: String,
}

/// A trace, and what all changes together would make of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TraceEvidence {
    /// The file; null where the program was run for this.
    pub path: Option<String>,
    /// What was run.
    pub program: String,
    /// The version of its Python.
    pub python: String,
    /// The highest that was live.
    pub peak_bytes: u64,
    /// The same with all changes; those of which nothing is known change nothing.
    pub peak_after_bytes: u64,
    /// What would not be allocated and freed again.
    pub churn_bytes: u64,
    /// With 95% the savings are at most so far from the true ones; 0: exact.
    pub error_bytes: u64,
    /// The trace ends before its program did, or lacks events.
    pub is_partial: bool,
}

/// A heap, and what all changes together would make of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HeapEvidence {
    /// The process or the file.
    pub subject: String,
    /// The version of its Python.
    pub python: String,
    /// All bytes of its objects.
    pub heap_bytes: u64,
    /// Of these what would be saved; no byte is counted twice.
    pub saved_bytes: u64,
}

/// One place where memory can be saved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdviceRow {
    /// Such as `MS105`; `memsight advise --explain MS105` has its page.
    pub rule: String,
    /// Such as `whole-lines`.
    pub name: String,
    /// Which of the four techniques: `generators`, `fewer-objects`, `compact-structures`, `free-explicitly`;
    /// `upkeep` of what is none of them.
    pub technique: String,
    /// The file as it was named.
    pub file: String,
    /// Of a notebook the cell, from 1 on, all cells counted; null of other files.
    pub cell: Option<u32>,
    /// Line, from 1 on; of a notebook the line in its cell.
    pub line: u32,
    /// Column in characters, from 1 on.
    pub column: u32,
    /// Line of its end.
    pub end_line: u32,
    /// Column behind its last character.
    pub end_column: u32,
    /// What it is.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// What to know before it is done; empty where there is nothing.
    pub but: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it would save, measured; null without evidence.
    pub bytes: Option<AdviceBytes>,
    /// Which figure it would save: `peak`, `now` or `churn`.
    pub saves: String,
    /// What it would save, where the source alone was read: "8 B an item".
    pub formula: String,
    /// What was measured, as sentences.
    pub evidence: Vec<String>,
    /// The change, where it can be made by a machine.
    pub fix: Option<FixRow>,
    /// The innermost function or class around it, `Log.read`; empty for the module.
    pub function: String,
    /// What it is known again by when its line has moved: of rule, function and text of the line, 16 hexadecimal digits. Two
    /// findings of a file never have the same.
    pub fingerprint: String,
    /// The lines of the finding, for people.
    #[serde(skip)]
    pub lines: Vec<String>,
}

/// Bytes that a change saves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AdviceBytes {
    /// Of what is live now.
    pub now: Option<u64>,
    /// Of the highest point.
    pub peak: Option<u64>,
    /// Of what is allocated in all.
    pub churn: Option<u64>,
    /// With 95% the saving at the peak is at most so far from `peak`; 0: exact. A sample was recorded.
    pub error_bytes: u64,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FixRow {
    /// `safe` or `unsafe`.
    pub safety: String,
    /// Stretches of the file and what comes in their place.
    pub edits: Vec<EditRow>,
}

/// One stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditRow {
    /// Of a notebook the cell; null of other files.
    pub cell: Option<u32>,
    /// Line of its beginning.
    pub line: u32,
    /// Column of its beginning.
    pub column: u32,
    /// Line of its end.
    pub end_line: u32,
    /// Column behind its last character.
    pub end_column: u32,
    /// What comes in its place.
    pub text: String,
}

/// What could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultRow {
    /// The file.
    pub file: String,
    /// Line; null where the whole file could not be read.
    pub line: Option<u32>,
    /// Column.
    pub column: Option<u32>,
    /// Of a notebook the cell; null of other files, and where the whole file could not be read.
    pub cell: Option<u32>,
    /// Why.
    pub message: String,
}

/// Counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AdviceSummary {
    /// Files that were read.
    pub files: u64,
    /// Their lines.
    pub lines: u64,
    /// Findings.
    pub findings: u64,
    /// Of these, such with a safe fix.
    pub fixable: u64,
    /// Of these, such with an unsafe fix.
    pub unsafely_fixable: u64,
    /// Findings that comments keep back.
    pub ignored: u64,
    /// Findings that were fixed.
    pub fixed: u64,
    /// Findings that are in the baseline.
    pub in_baseline: u64,
    /// Findings that are left to ruff.
    pub left_to_ruff: u64,
    /// Rules that were not looked for, since only a heap or a trace can tell whether they are right.
    pub wanting: u64,
}

/// `memsight advise --rules`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RulesView {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// In the order of their ids.
    pub rules: Vec<RulePage>,
}

/// What a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RulePage {
    /// Such as `MS105`.
    pub rule: String,
    /// Such as `whole-lines`.
    pub name: String,
    /// Which of the four techniques.
    pub technique: String,
    /// In one line.
    pub summary: String,
    /// Looked for without being asked for.
    pub is_default: bool,
    /// What it needs to be right: `source`, `heap`, `trace`.
    pub needs: String,
    /// What costs memory and why.
    pub why: String,
    /// Code that is reported.
    pub bad: String,
    /// The same without the waste.
    pub good: String,
    /// When it is not reported, or should not be done.
    pub unless: Vec<String>,
    /// Measured bytes.
    pub figures: String,
}
