//! Edits made in the text: those that overlap one at a time, and never one that leaves no Python behind.

use crate::finding::{Edit, Finding, Safety};
use crate::source::Source;
use crate::syntax::{Parsed, PythonVersion, TextRange, TextSize};

/// A text after edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The whole text.
    pub text: String,
    /// Which of the findings were fixed, by their place in the list.
    pub applied: Vec<usize>,
}

/// Makes the edits of findings, in this order: of two that overlap the first one stands, the other is left for the next round.
///
/// None where nothing is to be done, or where the result would not be Python any more.
pub fn apply(source: &Source, findings: &[Finding], most: Safety, target: PythonVersion) -> Option<Fixed> {
    let mut edits: Vec<&Edit> = Vec::new();
    let mut applied = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= most && !fix.edits.is_empty()) else {
            continue;
        };
        if fix.edits.iter().any(|edit| edits.iter().any(|other| overlap(edit.range, other.range))) {
            continue;
        }
        edits.extend(&fix.edits);
        applied.push(index);
    }
    edits.sort_by_key(|edit| (edit.range.start(), edit.range.end()));
    let text = edited(source.text(), &edits)?;
    let is_python = Parsed::new(&text, target).errors.is_empty();
    (!applied.is_empty() && is_python).then_some(Fixed { text, applied })
}

/// Whether two edits get in each other's way; they may touch, unless both insert at one place.
fn overlap(one: TextRange, other: TextRange) -> bool {
    one.intersect(other).is_some_and(|both| !both.is_empty())
        || one == other
        || one.contains(other.start())
        || other.contains(one.start())
}

fn edited(text: &str, edits: &[&Edit]) -> Option<String> {
    let mut new = String::with_capacity(text.len());
    let mut at = TextSize::new(0);
    for edit in edits {
        new.push_str(text.get(at.to_usize()..edit.range.start().to_usize())?);
        new.push_str(&edit.text);
        at = edit.range.end();
    }
    new.push_str(text.get(at.to_usize()..)?);
    Some(new)
}
