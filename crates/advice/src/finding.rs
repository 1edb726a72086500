//! What a rule found: where, why, what to do, and which edit does it.

use crate::context::Report;
use crate::edit::{Fix, Saves};
use crate::outline::{self, Lines};
use crate::rule::Rule;
use crate::scopes::Semantics;
use crate::source::{Position, Source};
use crate::syntax::TextRange;
use memsight_model::{Confidence, Severity};

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
    /// The lines that make what it is about.
    pub made: Lines,
    /// The edit, where one can be made.
    pub fix: Option<Fix>,
}

impl Finding {
    /// What a rule said of a place, with the name of the rule and the lines.
    pub(crate) fn new(rule: &'static Rule, source: &Source, semantics: &Semantics<'_>, report: Report) -> Finding {
        Finding {
            rule,
            range: report.range,
            start: source.position(report.range.start()),
            end: source.position(report.range.end()),
            message: report.message,
            advice: report.advice,
            but: report.but,
            severity: Severity::Warning,
            confidence: report.confidence,
            saving: Saving { of: report.saves, formula: report.formula },
            made: outline::lines(report.range, semantics, source),
            fix: report.fix,
        }
    }
}
