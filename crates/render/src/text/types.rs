//! The histogram by type.

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent};
use super::{header, heading, more};
use memsight_analysis::views::{HistogramView, TypeRow, TypesView};
use memsight_model::{Bytes, count};

/// What the columns of [`table`] mean.
pub(super) const MEANING: &str = "retained = what would be freed with all instances";

const BAR: usize = 12;

/// `memsight heap PID types`.
pub fn types(view: &TypesView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    out.push_str(&totals(view.objects, view.type_count, view.shallow_bytes, view.external_bytes));
    out.push_str(&heading("Types", "shallow = sys.getsizeof, external = buffers beside it", style));
    out.push_str(&style.paint(Tone::Dim, MEANING));
    out.push('\n');
    out.push_str(&table(&view.types, style));
    out.push_str(&more(view.types.len(), view.type_count, "type", style));
    out
}

/// `memsight heap PID --types-only`: counts and sizes alone.
pub fn histogram(view: &HistogramView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    out.push_str(&totals(view.objects, view.type_count, view.shallow_bytes, view.external_bytes));
    out.push_str(&heading("Types", "shallow = sys.getsizeof, external = buffers beside it", style));
    let mut table = Table::new(2).giving("type").numbers(&["count", "shallow", "external", "share"]).optional();
    for row in &view.types {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.count)),
            cell(Bytes(row.shallow_bytes).to_string()),
            external(row.external_bytes),
            cell(percent(row.share)),
            cell(bar(row.share, BAR)),
        ]);
    }
    out.push_str(&table.render(style));
    out.push_str(&more(view.types.len(), view.type_count, "type", style));
    out
}

fn totals(objects: u64, types: u64, shallow: u64, external: u64) -> String {
    let (objects, types) = (count(objects), count(types));
    format!("{objects} objects of {types} types: {} shallow, {} external\n", Bytes(shallow), Bytes(external))
}

/// Rows of types with a bar of the share that each retains.
pub(super) fn table(rows: &[TypeRow], style: &Style) -> String {
    let mut table =
        Table::new(2).giving("type").numbers(&["count", "shallow", "external", "retained", "share"]).optional();
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.count)),
            cell(Bytes(row.shallow_bytes).to_string()),
            external(row.external_bytes),
            cell(Bytes(row.retained_bytes).to_string()),
            cell(percent(row.share)),
            cell(bar(row.share, BAR)),
        ]);
    }
    table.render(style)
}

/// External bytes; few have any, so that nothing is shown as a dash.
pub(super) fn external(bytes: u64) -> (String, Option<Tone>) {
    if bytes == 0 { toned(Tone::Dim, "-") } else { cell(Bytes(bytes).to_string()) }
}
