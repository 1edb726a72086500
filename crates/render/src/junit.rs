//! Results as JUnit's XML, which servers of continuous integration show as tests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memsight_analysis::advise::{AdviceRow, AdviceView, FaultRow};
use memsight_analysis::budget::{CheckRow, CheckView, VerdictWord};
use quick_xml::escape::escape;

use crate::advised::{file_from, place, sentences, what};

use crate::text::{check_sentence, check_value, check_who, clean};

/// A test for each limit: one that is broken fails, one of which that is not known is skipped.
pub fn check(view: &CheckView) -> String {
    let (subject, all) = (attribute(&view.subject), view.checks.len());
    let (failures, skipped) = (view.over, view.unknown);
    let counts = format!("tests=\"{all}\" failures=\"{failures}\" errors=\"0\"");
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"memsight check\" {counts}>\n  \
         <testsuite name=\"{subject}\" {counts} skipped=\"{skipped}\">\n"
    );
    view.checks.iter().for_each(|row| out.push_str(&case(view, row)));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(view: &CheckView, row: &CheckRow) -> String {
    let (name, class, message) = (attribute(&row.name), attribute(&view.subject), attribute(&check_sentence(row)));
    let open = format!("    <testcase name=\"{name}\" classname=\"{class}\"");
    let named: Vec<String> = (row.culprits.iter())
        .map(|culprit| format!("{} {}\n", check_value(row.unit, culprit.value), check_who(culprit)))
        .collect();
    let text = format!("{}, line {}\n{}", clean(&view.budget), row.budget_line, named.concat());
    let text = escape(text.trim_end());
    match row.verdict {
        VerdictWord::Within => format!("{open}/>\n"),
        VerdictWord::Unknown => {
            format!("{open}>\n      <skipped message=\"{message}\">{text}</skipped>\n    </testcase>\n")
        }
        VerdictWord::Over => {
            format!("{open}>\n      <failure type=\"budget\" message=\"{message}\">{text}</failure>\n    </testcase>\n")
        }
    }
}

/// Findings of the advisor: a test suite for each file with findings, a failure for each of them, an error for what could not be
/// read; where there are none one test that passes.
pub fn advise(view: &AdviceView, here: Option<&str>) -> String {
    let mut files: BTreeMap<String, (Vec<&AdviceRow>, Vec<&FaultRow>)> = BTreeMap::new();
    for row in &view.findings {
        files.entry(file_from(&row.file, here)).or_default().0.push(row);
    }
    for row in &view.faults {
        files.entry(file_from(&row.file, here)).or_default().1.push(row);
    }
    let counts = |failures: usize, errors: usize| {
        let all = failures + errors + usize::from(failures + errors == 0);
        format!("tests=\"{all}\" failures=\"{failures}\" errors=\"{errors}\"")
    };
    let all = counts(view.findings.len(), view.faults.len());
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"memsight advise\" {all}>\n");
    if files.is_empty() {
        out.push_str(&format!("  <testsuite name=\"memsight advise\" {all} skipped=\"0\">\n"));
        out.push_str("    <testcase name=\"nothing found\" classname=\"memsight advise\"/>\n  </testsuite>\n");
    }
    for (file, (findings, faults)) in &files {
        let (name, counts) = (attribute(file), counts(findings.len(), faults.len()));
        out.push_str(&format!("  <testsuite name=\"{name}\" {counts} skipped=\"0\">\n"));
        findings.iter().for_each(|row| out.push_str(&finding(&name, row)));
        faults.iter().for_each(|row| out.push_str(&fault(&name, row)));
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn finding(class: &str, row: &AdviceRow) -> String {
    let name = attribute(&format!("{} {} {}", row.rule, row.name, place(row.cell, row.line, row.column)));
    let (message, text) = (attribute(&row.message), attribute_lines(&sentences(row)));
    format!(
        "    <testcase name=\"{name}\" classname=\"{class}\" line=\"{}\">\n      <failure type=\"{}\" message=\"{message}\">{text}\
         </failure>\n    </testcase>\n",
        row.line, row.rule
    )
}

fn fault(class: &str, row: &FaultRow) -> String {
    let message = attribute(&what(row));
    format!(
        "    <testcase name=\"not read\" classname=\"{class}\">\n      <error type=\"not read\" message=\"{message}\"/>\n    </testcase>\n"
    )
}

/// A text of several lines.
fn attribute_lines(text: &str) -> String {
    text.lines().map(attribute).collect::<Vec<_>>().join("\n")
}

/// (a character that XML cannot say at all is shown as an escape)
fn attribute(text: &str) -> String {
    let shown: Cow<str> = clean(text).into();
    escape(shown).into_owned()
}
