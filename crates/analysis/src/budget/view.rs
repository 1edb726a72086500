//! What people and scripts see of a check. Field names are the keys of the JSON.

use serde::Serialize;

use crate::profile::Spot;

/// The version of these types.
pub const CHECK_SCHEMA_VERSION: u32 = 1;

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KindWord {
    /// A trace of allocations.
    Trace,
    /// A recording of the monitor.
    Recording,
    /// A snapshot.
    Snapshot,
}

impl KindWord {
    /// As the budget calls it.
    pub fn word(self) -> &'static str {
        match self {
            KindWord::Trace => "trace",
            KindWord::Recording => "recording",
            KindWord::Snapshot => "snapshot",
        }
    }
}

/// How a limit fared, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictWord {
    /// Broken.
    Over,
    /// Not known.
    Unknown,
    /// Kept.
    Within,
}

/// What the numbers of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Blocks, allocations or objects.
    Count,
    /// Bytes an hour.
    BytesPerHour,
}

/// Who is responsible. Foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Who {
    /// A line.
    Line(Spot),
    /// A type.
    Type {
        /// Its name.
        #[serde(rename = "type")]
        name: String,
    },
    /// A process.
    Process {
        /// Its id.
        pid: u32,
        /// Its name.
        name: String,
    },
}

/// A part of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Culprit {
    /// Whose.
    #[serde(flatten)]
    pub who: Who,
    /// How much, in the unit of the row; of a growth how much more than in the baseline.
    pub value: i64,
}

/// One limit, and how it fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// What the budget calls it.
    pub name: String,
    /// Its line in the budget.
    pub budget_line: u32,
    /// How it fared.
    pub verdict: VerdictWord,
    /// What the numbers are.
    pub unit: Unit,
    /// The figure, or its growth since the baseline; absent where there is none.
    pub value: Option<i64>,
    /// The true one is not below it.
    pub low: Option<i64>,
    /// Nor above it; absent: nothing is known about that.
    pub high: Option<i64>,
    /// The largest that is within the budget.
    pub limit: Option<u64>,
    /// The figure of the baseline; absent for limits that are not on growth.
    pub baseline: Option<i64>,
    /// Why it is not known how the limit fared.
    pub reason: Option<String>,
    /// Who has most of it, the largest first; none for limits that are kept.
    pub culprits: Vec<Culprit>,
}

/// `memsight check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckView {
    /// [`CHECK_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was checked.
    pub kind: KindWord,
    /// Its name, as it was given.
    pub subject: String,
    /// The budget.
    pub budget: String,
    /// The baseline.
    pub baseline: Option<String>,
    /// The worst of all rows.
    pub verdict: VerdictWord,
    /// Limits that are broken.
    pub over: u64,
    /// Limits of which that is not known.
    pub unknown: u64,
    /// Limits that are kept.
    pub within: u64,
    /// The limits, in the order of the budget.
    pub checks: Vec<CheckRow>,
}
