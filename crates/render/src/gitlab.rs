//! Findings as GitLab's reports of code quality: <https://docs.gitlab.com/ci/testing/code_quality/>.

use memsight_analysis::advise::{AdviceRow, AdviceView, FaultRow};
use memsight_model::Severity;
use serde::Serialize;

use crate::advised::{file_from, sentences, what};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// The report: a list. An issue is the same as in an earlier report where its fingerprint is: it is of the file and of what the
/// finding is known again by, and so outlives lines that move.
pub fn advise(view: &AdviceView, here: Option<&str>) -> String {
    let findings = view.findings.iter().map(|row| finding(row, here));
    let issues: Vec<Issue> = findings.chain(view.faults.iter().map(|row| fault(row, here))).collect();
    crate::json(&issues)
}

fn finding(row: &AdviceRow, here: Option<&str>) -> Issue {
    let path = file_from(&row.file, here);
    let severity = match row.severity {
        Severity::Note => "info",
        Severity::Warning => "minor",
        Severity::Error => "major",
    };
    // Lines of a cell are no lines of the file.
    let (begin, end) = if row.cell.is_none() { (row.line, row.end_line) } else { (1, 1) };
    Issue {
        description: format!("{}: {}", row.rule, sentences(row).replace('\n', "; ")),
        check_name: format!("memsight {} {}", row.rule, row.name),
        fingerprint: format!("{}:{}", row.fingerprint, path),
        severity,
        location: Location { path, lines: Lines { begin, end } },
    }
}

fn fault(row: &FaultRow, here: Option<&str>) -> Issue {
    let path = file_from(&row.file, here);
    let line = row.line.filter(|_| row.cell.is_none()).unwrap_or(1);
    Issue {
        description: format!("not read: {}", what(row)),
        check_name: "memsight not-read".to_owned(),
        fingerprint: format!("not-read:{line}:{}:{path}", row.column.unwrap_or(0)),
        severity: "major",
        location: Location { path, lines: Lines { begin: line, end: line } },
    }
}
