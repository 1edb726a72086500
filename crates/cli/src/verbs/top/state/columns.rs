//! The columns of the list: which of them fit, and how rows are ordered by them.

use std::cmp::Ordering;

use memsight_model::ProcessSample;

use super::reading::Reading;
use super::rows::Row;
use super::track::anonymous;
use crate::args::SortName;

/// A column; the order is that on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Process id.
    Pid,
    /// Resident set size.
    Rss,
    /// Proportional set size.
    Pss,
    /// Unique set size.
    Uss,
    /// Resident anonymous memory: the heap, and the stacks with it.
    Anon,
    /// How fast the resident memory grows.
    Trend,
    /// Sparkline of the resident memory: an order by it has no meaning.
    History,
    /// Garbage collections a second.
    Collections,
    /// Use of the container's limit.
    Limit,
    /// Version of Python.
    Python,
    /// Command line.
    Command,
}

use Column::{Anon, Collections, Command, History, Limit, Pid, Pss, Python, Rss, Trend, Uss};

/// Columns in the order in which a wider screen gains them.
const BY_WORTH: [Column; 11] = [Pid, Rss, Command, Trend, Pss, Uss, Collections, Anon, History, Limit, Python];
/// Columns that a command keeps in any case.
const LEAST_COMMAND: u16 = 8;
/// Before it gives more to others: to the figures that matter most, and to the rest.
const COMFORTABLE_COMMAND: [u16; 2] = [18, 28];
/// The marker of the selected row.
pub const GUTTER: u16 = 1;
/// From here on there is room for numbers beside the trend's word.
const WIDE: u16 = 130;

impl From<SortName> for Column {
    fn from(name: SortName) -> Column {
        match name {
            SortName::Pid => Pid,
            SortName::Rss => Rss,
            SortName::Pss => Pss,
            SortName::Uss => Uss,
            SortName::Anon => Anon,
            SortName::Trend => Trend,
            SortName::Gc => Collections,
            SortName::Limit => Limit,
            SortName::Python => Python,
            SortName::Command => Command,
        }
    }
}

impl Column {
    pub fn title(self) -> &'static str {
        match self {
            Pid => "pid",
            Rss => "rss",
            Pss => "pss",
            Uss => "uss",
            Anon => "anon",
            Trend => "trend",
            History => "history",
            Collections => "gc/s",
            Limit => "limit",
            Python => "python",
            Command => "command",
        }
    }

    /// Whether its cells stand to the right.
    pub fn is_number(self) -> bool {
        matches!(self, Pid | Rss | Pss | Uss | Anon | Collections | Limit)
    }

    /// Whether an order by it begins with the largest.
    pub fn largest_first(self) -> bool {
        !matches!(self, Pid | Python | Command)
    }

    /// Columns that it takes on a screen that is `screen` wide; the command takes what is left.
    fn width(self, screen: u16) -> u16 {
        match self {
            Pid => 7,
            Rss | Pss | Uss | Anon => 10,
            Trend if screen >= WIDE => 16,
            Trend => 9,
            History if screen >= WIDE => 16,
            History => 10,
            Collections => 6,
            Limit => 17,
            Python => 8,
            Command => LEAST_COMMAND,
        }
    }

    /// Order of two processes, the smaller first; what is not known comes last in any direction.
    fn compare(self, a: &Row, b: &Row, reading: &Reading) -> Option<Ordering> {
        let (one, other) = (a.process(reading)?, b.process(reading)?);
        let bytes = |of: fn(&ProcessSample) -> Option<u64>| order(of(one), of(other));
        Some(match self {
            Pid => one.pid.cmp(&other.pid),
            Rss => one.memory.rss_bytes.cmp(&other.memory.rss_bytes),
            Pss => return bytes(|process| process.rollup.map(|rollup| rollup.pss_bytes)),
            Uss => return bytes(|process| process.rollup.map(|rollup| rollup.uss_bytes())),
            Anon => return bytes(anonymous),
            Trend => return order(a.growth.map(|it| it.per_second()), b.growth.map(|it| it.per_second())),
            History => Ordering::Equal,
            Collections => return order(a.collections_per_second, b.collections_per_second),
            Limit => return order(limit_share(one.pid, reading), limit_share(other.pid, reading)),
            Python => return order(one.python.as_ref(), other.python.as_ref()),
            Command => reading.command(one).cmp(reading.command(other)),
        })
    }
}

/// `None` when one of them is not known: there is no order between them.
fn order<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<Ordering> {
    a?.partial_cmp(&b?)
}

/// Part of its container's limit that is used, 0 to 1 and more.
pub fn limit_share(pid: u32, reading: &Reading) -> Option<f64> {
    let container = reading.container(pid)?;
    let limit = container.limit_bytes.filter(|&limit| limit > 0)?;
    Some(container.working_set_bytes as f64 / limit as f64)
}

/// How the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub descending: bool,
}

impl Sort {
    /// The order that a person expects of a column.
    pub fn by(column: Column) -> Sort {
        Sort { column, descending: column.largest_first() }
    }

    /// Total: equals are in the order of their pids, so that rows do not dance.
    pub fn compare(self, a: &Row, b: &Row, reading: &Reading) -> Ordering {
        let known = self.column.compare(a, b, reading);
        let order = known.unwrap_or_else(|| {
            let knows = |row: &Row| self.column.compare(row, row, reading).is_some();
            // Undone by the reversal below: what is not known stays at the end.
            let last = knows(b).cmp(&knows(a));
            if self.descending { last.reverse() } else { last }
        });
        let order = if self.descending { order.reverse() } else { order };
        order.then(a.identity.cmp(&b.identity))
    }
}

/// The columns that fit a screen, with their widths, from left to right. That of the limits is there where a process
/// has one.
pub fn fit(screen: u16, limited: bool) -> Vec<(Column, u16)> {
    let gap = gap(screen);
    let mut chosen: Vec<(Column, u16)> = Vec::new();
    let mut used = GUTTER;
    for column in BY_WORTH.into_iter().filter(|&column| limited || column != Limit) {
        let width = column.width(screen);
        let gap = if chosen.is_empty() { 0 } else { gap };
        // A command of a few letters is worth less than the next number, but never goes once it is there.
        let has_command = chosen.iter().any(|&(column, _)| column == Command);
        let comfortable = COMFORTABLE_COMMAND[usize::from(matches!(column, Anon | History | Limit | Python))];
        let spare = if has_command { comfortable - LEAST_COMMAND } else { 0 };
        if used + gap + width + spare > screen {
            break; // what is worth less does not take the place of what is worth more
        }
        used += gap + width;
        chosen.push((column, width));
    }
    for (column, width) in &mut chosen {
        if *column == Command {
            *width += screen.saturating_sub(used);
        }
    }
    chosen.sort_unstable_by_key(|&(column, _)| column);
    chosen
}

/// Blanks between two columns.
pub fn gap(screen: u16) -> u16 {
    if screen >= WIDE { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_never_take_more_than_the_screen() {
        for screen in 0..400 {
            let columns = fit(screen, true);
            let gaps = gap(screen) * (columns.len().saturating_sub(1)) as u16;
            let used: u16 = columns.iter().map(|(_, width)| width).sum();
            assert!(columns.is_empty() || GUTTER + gaps + used <= screen, "{screen}: {columns:?}");
        }
    }

    #[test]
    fn a_wider_screen_has_every_column_of_a_narrower_one() {
        let mut before: Vec<Column> = Vec::new();
        for screen in 20..300 {
            let columns: Vec<Column> = fit(screen, true).into_iter().map(|(column, _)| column).collect();
            let lost = before.iter().any(|column| !columns.contains(column));
            // Where columns become roomier, one may have to wait for the next few cells.
            assert!(!lost || screen == WIDE, "{screen}: {before:?} {columns:?}");
            before = columns;
        }
        assert_eq!(before.len(), BY_WORTH.len());
    }

    #[test]
    fn small_screens_have_what_matters() {
        let titles =
            |screen| fit(screen, true).into_iter().map(|(column, _)| column.title()).collect::<Vec<_>>().join(" ");
        assert_eq!(titles(20), "pid rss");
        assert_eq!(titles(40), "pid rss command");
        assert_eq!(titles(60), "pid rss pss trend command");
        assert_eq!(titles(80), "pid rss pss uss trend gc/s command");
        assert_eq!(titles(200), "pid rss pss uss anon trend history gc/s limit python command");
    }
}
