//! One type for everything that memsight tells a person to look at.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Costs memory or time.
    Warning,
    /// Will fail, or loses memory for good.
    Error,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Likely, by experience.
    Low,
    /// Follows from a sample or an estimate.
    Medium,
    /// Follows from what was counted.
    High,
}

/// Something to look at: what, where, how many bytes, how sure, what to do, and why we say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name of the rule, such as `gc-threshold-low`; documented in `docs/reference/findings.md`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it is, in one sentence.
    pub message: String,
    /// Where: a process, a generation, a type, a line.
    pub place: String,
    /// Bytes that are at stake, where that can be said.
    pub bytes: Option<u64>,
    /// What to do, in one or two sentences.
    pub advice: String,
    /// The figures behind it, as sentences.
    pub evidence: Vec<String>,
}
