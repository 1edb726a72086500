//! What a rule found: where, why, what to do, and which edit does it.

use crate::rule::Rule;
use crate::source::Position;
use crate::syntax::TextRange;
use memsight_model::{Confidence, Severity};

/// Whether an edit can change what a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// The program does the same, but for memory and time.
    Safe,
    /// It does the same unless something that cannot be seen stands against it; the finding says what.
    Unsafe,
}

/// One replaced stretch of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub range: TextRange,
    /// What comes.
    pub text: String,
}

impl Edit {
    pub(crate) fn new(range: TextRange, text: impl Into<String>) -> Edit {
        Edit { range, text: text.into() }
    }
}

/// Edits that belong together: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Whether it can change what the program does.
    pub safety: Safety,
    /// In the order of the source, apart from each other.
    pub edits: Vec<Edit>,
}

impl Fix {
    pub(crate) fn new(safety: Safety, mut edits: Vec<Edit>) -> Fix {
        edits.sort_by_key(|edit| (edit.range.start(), edit.range.end()));
        Fix { safety, edits }
    }
}

/// Of which figure a saving is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saves {
    /// What is live at the highest point.
    Peak,
    /// What stays live.
    Now,
    /// What is allocated and freed again: time and fragmentation.
    Churn,
}

/// What is saved, as far as the source tells: never a number where the number of items is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saving {
    /// Of which figure.
    pub of: Saves,
    /// Such as "8 B an item, and the items themselves".
    pub formula: String,
}

/// One place where memory can be saved.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Where in the text.
    pub range: TextRange,
    /// Where it begins.
    pub start: Position,
    /// Where it ends: the place behind the last character.
    pub end: Position,
    /// What it is, in one sentence without a full stop.
    pub message: String,
    /// What to do: code where code says it, else a sentence.
    pub advice: String,
    /// What to know before it is done; empty where there is nothing.
    pub but: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is saved.
    pub saving: Saving,
    /// The edit, where one can be made.
    pub fix: Option<Fix>,
}
