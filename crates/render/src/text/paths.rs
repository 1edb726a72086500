//! Paths from roots to objects.

use super::style::{Style, Tone};
use super::words::{clean, plural, wrap};
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
    let count = style.paint(Tone::Strong, &plural(row.count, "object"));
    let mut out = format!("  {count}{}\n", style.paint(Tone::Dim, &example.unwrap_or_default()));
    for line in wrap(row.path.iter().map(|step| clean(step)), " -> ", style.width.saturating_sub(5)) {
        out.push_str(&format!("    {}\n", style.paint(Tone::Hint, &line)));
    }
    out
}
