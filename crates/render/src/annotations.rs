//! Annotations of GitHub: lines that a workflow prints, and that stand beside the code of a pull request.
//!
//! The commands: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use memsight_analysis::advise::{AdviceRow, AdviceView, FaultRow};
use memsight_analysis::budget::{CheckRow, CheckView, VerdictWord, Who};
use memsight_model::Severity;

use crate::advised::{file_from, sentences, what};
use crate::text::{advise_sums, check_sentence, check_value, check_verdict, check_who};

/// What is over its limit, or not known to be within, a line each. Where the first line of those responsible is in `here`, the
/// annotation stands there, otherwise at the limit in the budget.
pub fn check(view: &CheckView, here: Option<&str>) -> String {
    let mut out = String::new();
    for row in view.checks.iter().filter(|row| row.verdict != VerdictWord::Within) {
        let command = if row.verdict == VerdictWord::Over { "error" } else { "warning" };
        let (file, line) = place(row, here).unwrap_or((&view.budget, row.budget_line));
        let named: Vec<String> = (row.culprits.iter())
            .map(|culprit| format!("\n{} {}", check_value(row.unit, culprit.value), check_who(culprit)))
            .collect();
        let message = escaped(&format!("{}{}", check_sentence(row), named.concat()));
        let (file, title) = (property(file), property(&format!("memsight: {}", row.name)));
        out.push_str(&format!("::{command} file={file},line={line},title={title}::{message}\n"));
    }
    let message = escaped(&format!("{} {}", view.subject, check_verdict(view)));
    out.push_str(&format!("::notice title=memsight::{message}\n"));
    out
}

/// Findings of the advisor, a line each; files begin at `here`.
pub fn advise(view: &AdviceView, here: Option<&str>) -> String {
    let mut out: String = view.findings.iter().map(|row| finding(row, here)).collect();
    out.extend(view.faults.iter().map(|row| fault(row, here)));
    out + &format!("::notice title=memsight::{}\n", escaped(&advise_sums(view)))
}

fn finding(row: &AdviceRow, here: Option<&str>) -> String {
    let command = match row.severity {
        Severity::Note => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut place = format!("file={}", property(&file_from(&row.file, here)));
    // Lines of a cell are no lines of the file.
    if row.cell.is_none() {
        place.push_str(&format!(",line={},endLine={},col={}", row.line, row.end_line, row.column));
        // The last column belongs to the place; GitHub knows it of places in one line alone.
        if row.line == row.end_line {
            place.push_str(&format!(",endColumn={}", row.end_column.saturating_sub(1).max(row.column)));
        }
    }
    let title = property(&format!("memsight: {} {}", row.rule, row.name));
    format!("::{command} {place},title={title}::{}\n", escaped(&sentences(row)))
}

fn fault(row: &FaultRow, here: Option<&str>) -> String {
    let line = match (row.cell, row.line, row.column) {
        (None, Some(line), Some(column)) => format!(",line={line},col={column}"),
        _ => String::new(),
    };
    let file = property(&file_from(&row.file, here));
    format!("::error file={file}{line},title={}::{}\n", property("memsight: not read"), escaped(&what(row)))
}

/// A line of the person's that is responsible.
fn place<'r>(row: &'r CheckRow, here: Option<&str>) -> Option<(&'r str, u32)> {
    row.culprits.iter().find_map(|culprit| match &culprit.who {
        Who::Line(spot) if spot.line > 0 => {
            let inside = here.and_then(|here| spot.file.strip_prefix(here)?.strip_prefix('/'));
            let relative = Some(spot.file.as_str()).filter(|file| !file.starts_with(['/', '<']) && !file.is_empty());
            inside.or(relative).filter(|file| !is_library(file)).map(|file| (file, spot.line))
        }
        _ => None,
    })
}

/// Whether a file is of a library that lies within the folder of the project.
fn is_library(file: &str) -> bool {
    file.split('/').any(|part| matches!(part, "site-packages" | "dist-packages"))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(escaped("10%\n::error::x"), "10%25%0A::error::x");
        assert_eq!(property("a:b,c\r"), "a%3Ab%2Cc%0D");
    }
}
