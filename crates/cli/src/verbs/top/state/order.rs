//! Which rows are shown, and in which order.

use super::columns::Sort;
use super::reading::Reading;
use super::rows::Row;

/// Indices of the rows that pass the filter, in order.
pub fn arrange(rows: &[Row], reading: &Reading, filter: &str, sort: Sort) -> Vec<usize> {
    let wanted = filter.to_lowercase();
    let passes = |row: &Row| {
        wanted.is_empty()
            || row.process(reading).is_some_and(|process| {
                process.pid.to_string().contains(&wanted) || reading.command(process).to_lowercase().contains(&wanted)
            })
    };
    let mut order: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| passes(row)).map(|(index, _)| index).collect();
    order.sort_by(|&a, &b| match (rows.get(a), rows.get(b)) {
        (Some(one), Some(other)) => sort.compare(one, other, reading),
        _ => a.cmp(&b),
    });
    order
}
