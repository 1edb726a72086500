//! What `memsight advise` says: the result as people, scripts and other tools get it.

use memsight_model::{Confidence, Severity};
use serde::Serialize;

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
}

/// One place where memory can be saved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdviceRow {
    /// Such as `MS105`; `memsight advise --explain MS105` has its page.
    pub rule: String,
    /// Such as `whole-lines`.
    pub name: String,
    /// Which of the four techniques: `generators`, `fewer-objects`, `compact-structures`, `free-explicitly`.
    pub technique: String,
    /// The file as it was named.
    pub file: String,
    /// Line, from 1 on.
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
