//! What ruff reports as well: `skip = "ruff"` leaves it to it where there is no evidence.
//!
//! The conditions are those of ruff's own pages of these rules; where ours looks further, the finding is ours alone.

use crate::finding::Finding;
use crate::source::Source;
use crate::syntax::TextRange;

/// The rule of ruff that reports the same place, such as `C419`.
pub fn also_by_ruff(source: &Source, finding: &Finding) -> Option<&'static str> {
    let line = source.line_range(finding.start.line);
    let before = source.slice(TextRange::new(line.start(), finding.range.start())).trim_end();
    let text = source.slice(finding.range);
    match finding.rule.id {
        // `any([...])`; those of `sum`, `min` and `max` are in preview.
        "MS101" => ["any(", "all("].iter().any(|call| ends_with_call(before, call)).then_some("C419"),
        "MS102" if text.starts_with("set([") => Some("C403"),
        "MS102" if text.starts_with("dict([") => Some("C404"),
        // `for line in f.readlines()`, and not what goes through a name.
        "MS105" if text.ends_with(".readlines()") && before.ends_with(" in") => Some("FURB129"),
        "MS404" if is_of_functools(text) => Some("B019"),
        _ => None,
    }
}

/// Whether a decorator is one of the two caches that ruff knows.
fn is_of_functools(decorator: &str) -> bool {
    let name = decorator.trim_start_matches('@').split('(').next().unwrap_or_default().trim();
    matches!(name.rsplit('.').next(), Some("cache" | "lru_cache"))
}

/// Whether text ends with a call of a name, which is not the end of another one.
fn ends_with_call(text: &str, call: &str) -> bool {
    text.strip_suffix(call)
        .is_some_and(|before| !before.ends_with(|last: char| last == '_' || last == '.' || last.is_alphanumeric()))
}
