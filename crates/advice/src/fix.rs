//! Edits made in the text: those that overlap one at a time, and never one that leaves no Python behind.

use std::collections::BTreeMap;

use crate::edit::{Edit, Safety};
use crate::finding::Finding;
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
    let mut taken = Taken::default();
    for (index, finding) in findings.iter().enumerate() {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= most && !fix.edits.is_empty()) else {
            continue;
        };
        // Two fixes may need the same import: one line is for both.
        let is_there = |edit: &Edit| edit.range.is_empty() && edits.contains(&edit);
        let new: Vec<&Edit> = fix.edits.iter().filter(|edit| !is_there(edit)).collect();
        if new.iter().any(|edit| taken.overlaps(edit.range)) {
            continue;
        }
        new.iter().for_each(|edit| taken.add(edit.range));
        edits.extend(new);
        applied.push(index);
    }
    edits.sort_by_key(|edit| (edit.range.start(), edit.range.end()));
    let text = edited(source.text(), &edits)?;
    let is_python = Parsed::of(&text, source.dialect(), target).errors.is_empty();
    (!applied.is_empty() && is_python).then_some(Fixed { text, applied })
}

/// Where edits are, apart from each other: ends by starts. A generated file may have a hundred thousand.
#[derive(Default)]
struct Taken(BTreeMap<TextSize, TextSize>);

impl Taken {
    fn add(&mut self, range: TextRange) {
        let end = self.0.entry(range.start()).or_insert(range.end());
        *end = range.end().max(*end);
    }

    /// Whether an edit gets in the way of another; they may touch, unless both begin at one place.
    fn overlaps(&self, range: TextRange) -> bool {
        let before = self.0.range(..range.start()).next_back().is_some_and(|(_, end)| *end > range.start());
        let here = self.0.contains_key(&range.start());
        before || here || self.0.range(range.start()..range.end()).next().is_some()
    }
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
