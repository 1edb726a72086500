//! Annotations of GitHub: lines that a workflow prints, and that stand beside the code of a pull request.
//!
//! The commands: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use memsight_analysis::budget::{CheckRow, CheckView, VerdictWord, Who};

use crate::text::{check_sentence, check_value, check_verdict, check_who};

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
