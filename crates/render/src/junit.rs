//! Results as JUnit's XML, which servers of continuous integration show as tests.

use std::borrow::Cow;

use memsight_analysis::budget::{CheckRow, CheckView, VerdictWord};
use quick_xml::escape::escape;

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

/// (a character that XML cannot say at all is shown as an escape)
fn attribute(text: &str) -> String {
    let shown: Cow<str> = clean(text).into();
    escape(shown).into_owned()
}
