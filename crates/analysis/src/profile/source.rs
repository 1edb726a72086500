//! A source file with bytes beside its lines.

use std::collections::BTreeMap;

use super::amount::Amount;
use super::lists::Sums;
use super::types::{SourceLine, SourceView};
use super::{Profile, Selection};
use crate::AnalysisError;

/// Files that are named where none was found.
const NAMED: usize = 5;

impl Profile {
    /// The file of the trace that `wanted` names: all of its path, or its end; of several the one that allocated most.
    pub fn source_file(&self, wanted: &str) -> Result<&str, AnalysisError> {
        let mut by_file: BTreeMap<&str, u64> = self.places.files().iter().map(|file| (file.as_str(), 0)).collect();
        for row in &self.rows {
            let function = self.places.get(self.places.of(row.stack)).function;
            let file = self.places.file(self.places.function_at(function).file);
            if let Some(bytes) = by_file.get_mut(file) {
                *bytes = bytes.saturating_add(row.allocated.bytes);
            }
        }
        let named = wanted.trim_start_matches("./");
        let is_meant = |file: &str| {
            file == wanted || (file.strip_suffix(named)).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        by_file.remove("");
        let found = by_file.iter().filter(|(file, _)| is_meant(file));
        let found = found.max_by_key(|(file, bytes)| (*file == &wanted, **bytes));
        found.map(|(file, _)| *file).ok_or_else(|| {
            let mut largest: Vec<(&str, u64)> = by_file.into_iter().collect();
            largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            let files = largest.into_iter().take(NAMED).map(|(file, _)| file.to_owned()).collect();
            AnalysisError::NoSuchFile { file: wanted.to_owned(), files }
        })
    }

    /// The lines of a file that [`Profile::source_file`] gave, beside `text` if it is there.
    pub fn source(&self, file: &str, text: Option<&str>, selection: &Selection) -> Result<SourceView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        // More than one function may have code on a line, and one of them call another.
        let line_of = |place: u32| {
            let place = self.places.get(place);
            (self.places.file(self.places.function_at(place.function).file) == file).then_some(place.line)
        };
        let groups = self.groups_by(line_of);
        let sums = self.sums(&groups, &chosen, true).into_iter().zip(&groups.example);
        let mut lines: BTreeMap<u32, Sums> = sums.filter_map(|(sums, place)| Some((line_of(*place)?, sums))).collect();
        lines.retain(|_, sums| sums.inclusive != Amount::default() || sums.allocated != Amount::default());
        let of_file: Amount = lines.values().map(|sums| sums.shown).sum();
        let line = |line: u32, text: Option<&str>, sums: Sums| SourceLine {
            line,
            text: text.map(str::to_owned),
            figures: match sums.shown == Amount::default() {
                true => Default::default(),
                false => self.scale.figures(sums.shown),
            },
            inclusive_bytes: sums.inclusive.bytes,
            allocated_bytes: sums.allocated.bytes,
            allocations: self.scale.count(sums.allocated),
        };
        let mut rows = Vec::new();
        for (number, text) in (1u32..).zip(text.unwrap_or_default().lines()) {
            rows.push(line(number, Some(text), lines.remove(&number).unwrap_or_default()));
        }
        rows.extend(lines.into_iter().map(|(number, sums)| line(number, None, sums)));
        rows.sort_by_key(|row| row.line);
        let all: Amount = chosen.iter().map(|chosen| chosen.shown).sum();
        Ok(SourceView {
            header: self.header(selection, all),
            file: file.to_owned(),
            is_read: text.is_some(),
            file_figures: self.scale.figures(of_file),
            lines: rows,
        })
    }
}
