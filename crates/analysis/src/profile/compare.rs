//! Two traces of one program, line by line.

use std::collections::HashMap;

use super::lists::By;
use super::types::{Figures, LineGrowth, PlaceRows, Spot, TraceCompareView};
use super::{Profile, Selection};
use crate::{AnalysisError, limit};

impl Profile {
    /// What the lines of this trace have more or less than those of an earlier one. A line is the same where file, function and
    /// line are; where the line alone differs, lines of a function that are in one trace only are taken together in their order,
    /// since code above them may have changed.
    pub fn grown_since(&self, before: &Profile, selection: &Selection) -> Result<TraceCompareView, AnalysisError> {
        let all = Selection { top: 0, ..selection.clone() };
        let (before, after) = (before.places(By::Line, &all)?, self.places(By::Line, &all)?);
        let (mut left, mut right) = (figures(&before.places), figures(&after.places));
        let mut lines: Vec<LineGrowth> = Vec::new();
        right.retain(|spot, after| {
            let found = left.remove(spot);
            if let Some(before) = found {
                lines.push(growth(spot.clone(), before, *after));
            }
            found.is_none()
        });
        lines.extend(moved(left, right));
        lines.retain(|line| line.growth_bytes != 0 || line.before_count != line.after_count);
        lines.sort_by(|a, b| {
            (b.growth_bytes.unsigned_abs()).cmp(&a.growth_bytes.unsigned_abs()).then_with(|| a.spot.cmp(&b.spot))
        });
        let line_count = lines.len() as u64;
        lines.truncate(limit(selection.top));
        Ok(TraceCompareView {
            growth_bytes: difference(before.header.total.bytes, after.header.total.bytes),
            before: before.header,
            after: after.header,
            lines,
            line_count,
        })
    }
}

fn figures(places: &PlaceRows) -> HashMap<Spot, Figures> {
    let mut all: HashMap<Spot, Figures> = HashMap::new();
    for row in places.rows() {
        let function = row.function.clone().unwrap_or_default();
        let sum = all.entry(Spot { function, file: row.file.clone(), line: row.line.unwrap_or_default() }).or_default();
        sum.bytes = sum.bytes.saturating_add(row.figures.bytes);
        sum.count = sum.count.saturating_add(row.figures.count);
        sum.error_bytes = of_both(sum.error_bytes, row.figures.error_bytes);
    }
    all
}

/// Lines of one function with their figures.
type Lines = Vec<(Spot, Figures)>;

/// Lines that are in one trace alone, those of a function in pairs.
fn moved(left: HashMap<Spot, Figures>, right: HashMap<Spot, Figures>) -> Vec<LineGrowth> {
    let mut functions: HashMap<(String, String), [Lines; 2]> = HashMap::new();
    for (side, lines) in [left, right].into_iter().enumerate() {
        for (spot, figures) in lines {
            let function = functions.entry((spot.function.clone(), spot.file.clone())).or_default();
            function[side].push((spot, figures));
        }
    }
    let mut lines = Vec::new();
    for [mut left, mut right] in functions.into_values() {
        left.sort_by_key(|(spot, _)| spot.line);
        right.sort_by_key(|(spot, _)| spot.line);
        // Different numbers of lines are no pairs: the code itself has changed.
        if left.len() == right.len() {
            lines.extend(left.into_iter().zip(right).map(|((_, before), (spot, after))| growth(spot, before, after)));
        } else {
            lines.extend(left.into_iter().map(|(spot, before)| growth(spot, before, Figures::default())));
            lines.extend(right.into_iter().map(|(spot, after)| growth(spot, Figures::default(), after)));
        }
    }
    lines
}

fn growth(spot: Spot, before: Figures, after: Figures) -> LineGrowth {
    LineGrowth {
        spot,
        before_bytes: before.bytes,
        after_bytes: after.bytes,
        growth_bytes: difference(before.bytes, after.bytes),
        error_bytes: of_both(before.error_bytes, after.error_bytes),
        before_count: before.count,
        after_count: after.count,
    }
}

/// Errors of two numbers that have nothing to do with each other, of their sum or difference.
fn of_both(a: u64, b: u64) -> u64 {
    (a as f64).hypot(b as f64).round() as u64
}

fn difference(before: u64, after: u64) -> i64 {
    i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(if after > before { i64::MAX } else { i64::MIN })
}
