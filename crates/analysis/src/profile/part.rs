//! Figures of a part of a program: of the places that a pattern names.

use std::collections::HashMap;

use wildmatch::WildMatch;

use super::amount::Amount;
use super::places::module;
use super::rows::Row;
use super::types::{Figures, LineGrowth, Spot};
use super::{Profile, compare};

/// A sum over a run that every trace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What was live at the peak of the whole.
    Peak,
    /// What was live at the end.
    End,
    /// What was allocated over the whole run.
    All,
}

/// Which places are meant: those that all of its words fit. `*` stands for any text, `?` for one character.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacePattern {
    /// A file, or the end of its path from a slash on.
    pub file: Option<String>,
    /// A line.
    pub line: Option<u32>,
    /// A function: its qualified name, or the end of it from a dot on.
    pub function: Option<String>,
    /// A module, with those below it.
    pub module: Option<String>,
    /// Only blocks that such a place allocated itself, not those of what it called.
    pub own: bool,
}

/// What a part of a program allocated.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// All of it.
    pub figures: Figures,
    /// The number of blocks is, with 95%, at most so far from the true one; 0: exact.
    pub error_count: u64,
    /// By the line that counts: the newest one that the pattern fits, without a pattern the newest one. The order is none.
    pub lines: HashMap<Spot, Figures>,
}

impl Part {
    /// The lines of this part that differ from those of an earlier one, the largest change first.
    pub fn changes(self, before: Part) -> Vec<LineGrowth> {
        compare::changes(before.lines, self.lines)
    }
}

impl PlacePattern {
    fn fits(&self, spot: &Spot) -> bool {
        let end = |pattern: &str, text: &str, separators: &[char]| {
            let pattern = WildMatch::new(pattern);
            let mut starts = std::iter::once(0).chain(text.match_indices(separators).map(|(at, _)| at + 1));
            starts.any(|at| text.get(at..).is_some_and(|end| pattern.matches(end)))
        };
        let below = |pattern: &str, text: &str| {
            WildMatch::new(pattern).matches(text) || WildMatch::new(&format!("{pattern}.*")).matches(text)
        };
        self.line.is_none_or(|line| spot.line == line)
            && self.function.as_ref().is_none_or(|pattern| end(pattern, &spot.function, &['.']))
            && self.file.as_ref().is_none_or(|pattern| end(pattern, &spot.file, &['/', '\\']))
            && self.module.as_ref().is_none_or(|pattern| below(pattern, &module(&spot.file)))
    }
}

impl Profile {
    /// What the places that `pattern` fits allocated; without one all. Cost: linear in rows, frames and places.
    pub fn part(&self, state: State, pattern: Option<&PlacePattern>) -> Part {
        let fits: Vec<bool> = match pattern {
            Some(pattern) => {
                (0..self.places.place_count() as u32).map(|p| pattern.fits(&self.places.spot(p))).collect()
            }
            None => Vec::new(),
        };
        let is_fit = |place: u32| fits.get(place as usize).copied().unwrap_or_default();
        let newest = match pattern {
            Some(pattern) if !pattern.own => Some(self.places.newest_where(is_fit)),
            _ => None,
        };
        let mut sums: HashMap<u32, Amount> = HashMap::new();
        for row in &self.rows {
            let own = self.places.known(row.stack);
            let frame = match (&newest, pattern) {
                (Some(newest), _) => newest.get(own as usize).copied().filter(|frame| *frame != 0),
                (None, Some(_)) => Some(own).filter(|frame| is_fit(self.places.of(*frame))),
                (None, None) => Some(own),
            };
            if let Some(frame) = frame {
                *sums.entry(self.places.of(frame)).or_default() += of(row, state);
            }
        }
        let all: Amount = sums.values().copied().sum();
        // (two functions may have one name and share a line)
        let mut lines: HashMap<Spot, Amount> = HashMap::new();
        for (place, amount) in sums.into_iter().filter(|(_, amount)| *amount != Amount::default()) {
            *lines.entry(self.places.spot(place)).or_default() += amount;
        }
        Part {
            figures: self.scale.figures(all),
            error_count: self.scale.count_error(all),
            lines: lines.into_iter().map(|(spot, amount)| (spot, self.scale.figures(amount))).collect(),
        }
    }

    /// Whether the trace ends before its program did, and how many events it lacks.
    pub fn gaps(&self) -> (bool, u64) {
        (self.is_cut || self.end.is_none(), self.end.map_or(0, |end| end.lost_events))
    }
}

fn of(row: &Row, state: State) -> Amount {
    match state {
        State::Peak => row.peak,
        State::End => row.live,
        State::All => row.allocated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(function: &str, file: &str, line: u32) -> Spot {
        Spot { function: function.to_owned(), file: file.to_owned(), line }
    }

    #[test]
    fn patterns_fit_ends_of_paths_and_names() {
        let here = spot("Loader.load", "/srv/app/data.py", 12);
        let some = |text: &str| Some(text.to_owned());
        let fits = |pattern: PlacePattern| pattern.fits(&here);
        for file in ["data.py", "app/data.py", "/srv/app/data.py", "app/*.py", "/srv/*", "d?ta.py"] {
            assert!(fits(PlacePattern { file: some(file), ..PlacePattern::default() }), "{file}");
        }
        for file in ["ata.py", "pp/data.py", "data", "app"] {
            assert!(!fits(PlacePattern { file: some(file), ..PlacePattern::default() }), "{file}");
        }
        for function in ["load", "Loader.load", "Loader.*", "l*"] {
            assert!(fits(PlacePattern { function: some(function), ..PlacePattern::default() }), "{function}");
        }
        assert!(!fits(PlacePattern { function: some("Loader"), ..PlacePattern::default() }));
        for module in ["app", "app.data", "app.*", "*.data"] {
            assert!(fits(PlacePattern { module: some(module), ..PlacePattern::default() }), "{module}");
        }
        assert!(!fits(PlacePattern { module: some("ap"), ..PlacePattern::default() }));
        assert!(fits(PlacePattern { line: Some(12), ..PlacePattern::default() }));
        assert!(!fits(PlacePattern { line: Some(13), file: some("data.py"), ..PlacePattern::default() }));
    }
}
