//! Paths from roots to objects.

use super::style::{Style, Tone};
use super::words::{clean, plural, wrap, wrap_words};
use super::{header, heading};
use memsight_analysis::views::{PathRow, PathsView};
use memsight_model::Bytes;

/// `memsight heap PID path ADDRESS|TYPE`.
pub fn path(view: &PathsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let title = format!("Paths to {}", clean(&view.query));
    let matches = match view.matches {
        1 => "1 object; the shortest ways from a root to it".to_owned(),
        n => format!("{}; the shortest ways from a root, equal ones together", plural(n, "object")),
    };
    out.push_str(&heading(&title, &matches, style));
    if view.paths.is_empty() {
        out.push_str("  no path: nothing that memsight knows keeps it alive\n  (garbage, or held by C code)\n");
    }
    for row in &view.paths {
        out.push_str(&one(row, style));
    }
    out
}

/// What ends at the path, and its steps.
fn one(row: &PathRow, style: &Style) -> String {
    let example = row.objects.last().map(|object| {
        let which = if row.count > 1 { "for example " } else { "" };
        let (name, address) = (clean(&object.type_name), clean(&object.address));
        format!(": {which}{name} at {address}, retains {}", Bytes(object.retained_bytes))
    });
    let plain = plural(row.count, "object");
    let count = style.paint(Tone::Strong, &plain);
    let example = wrap_words(&format!("{}{}", plain, example.unwrap_or_default()), style.width.saturating_sub(4));
    let mut out = String::new();
    for (at, line) in example.iter().enumerate() {
        // The number is part of the first line, and stands out.
        let rest = line.strip_prefix(&plain).unwrap_or(line);
        let (indent, first) = if at == 0 { ("  ", count.as_str()) } else { ("    ", "") };
        out.push_str(&format!("{indent}{first}{}\n", style.paint(Tone::Dim, rest)));
    }
    for line in wrap(row.path.iter().map(|step| clean(step)), " -> ", style.width.saturating_sub(5)) {
        out.push_str(&format!("    {}\n", style.paint(Tone::Hint, &line)));
    }
    out
}
