//! The histogram by type.

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::tasks::source;
use super::words::{bar, clean, percent, wrap_words};
use super::{header, heading, more};
use memsight_analysis::code::CodeRow;
use memsight_analysis::views::{HistogramView, TypeRow, TypesView};
use memsight_model::{Bytes, count};

/// What the columns of [`table`] mean.
pub(super) const MEANING: &str = "retained = what would be freed with all instances";

const BAR: usize = 12;

/// `memsight heap PID types`.
pub fn types(view: &TypesView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let own = [view.shallow_bytes, view.external_bytes, view.native_bytes];
    out.push_str(&totals(view.objects, view.type_count, own, view.resident_bytes));
    out.push_str(&heading("Types", "shallow = sys.getsizeof, external = buffers beside it", style));
    for line in meaning(&view.types) {
        out.push_str(&style.paint(Tone::Dim, line));
        out.push('\n');
    }
    out.push_str(&table(&view.types, style));
    out.push_str(&more(view.types.len(), view.type_count, "type", style));
    if !view.code.is_empty() {
        out.push_str(&heading("By code", "ten or more functions, coroutines, tasks or generators of one", style));
        out.push_str(&code(&view.code, style));
    }
    out
}

fn code(rows: &[CodeRow], style: &Style) -> String {
    let mut table = Table::new(2).giving("name").text("type").numbers(&["count", "shallow", "retained", "share"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, source(&row.source)),
            cell(clean(&row.type_name)),
            cell(count(row.count)),
            cell(Bytes(row.shallow_bytes).to_string()),
            cell(Bytes(row.retained_bytes).to_string()),
            cell(percent(row.share)),
        ]);
    }
    let mut out = table.render(style);
    for sentence in rows.iter().filter_map(waiting) {
        for line in wrap_words(&sentence, style.width.saturating_sub(2)) {
            out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &line)));
        }
    }
    out
}

/// `Task of Channel.through (ws.py:41): waits at Queue.get (queues.py:158), kept by app.done (list)`.
fn waiting(row: &CodeRow) -> Option<String> {
    let waits = row.waits_at.as_ref().map(|place| format!("waits at {}", source(place)));
    let parts: Vec<String> = waits.into_iter().chain(row.kept_by.as_deref().map(kept)).collect();
    let what = format!("{} of {}", clean(&row.type_name), source(&row.source));
    (!parts.is_empty()).then(|| format!("{what}: {}", parts.join(", ")))
}

/// `kept by app.done (list)`; what no object holds says so itself: `held by C code -> list`.
fn kept(holders: &str) -> String {
    let holders = clean(holders);
    if holders.starts_with("held by ") { holders } else { format!("kept by {holders}") }
}

/// `memsight heap PID --types-only`: counts and sizes alone.
pub fn histogram(view: &HistogramView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let own = [view.shallow_bytes, view.external_bytes, 0];
    out.push_str(&totals(view.objects, view.type_count, own, own.iter().sum()));
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

fn totals(objects: u64, types: u64, [shallow, external, native]: [u64; 3], resident: u64) -> String {
    let (objects, types) = (count(objects), count(types));
    let mut line =
        format!("{objects} objects of {types} types: {} shallow, {} external", Bytes(shallow), Bytes(external));
    if native > 0 {
        line.push_str(&format!(", {} native", Bytes(native)));
    }
    let all = shallow.saturating_add(external).saturating_add(native);
    if resident > 0 && resident < all {
        line.push_str(&format!("; {} of them in memory", Bytes(resident)));
    }
    line + "\n"
}

/// What the columns that these rows need mean.
fn meaning(rows: &[TypeRow]) -> Vec<&'static str> {
    let mut lines = vec![MEANING];
    if rows.iter().any(|row| row.native_bytes > 0) {
        lines.push("native = memory of C code that the objects point to");
    }
    if rows.iter().any(is_partly_resident) {
        lines.push("resident = of shallow, external and native what is in memory; shares go by it");
    }
    lines
}

/// Whether some of the bytes of a type are not in memory.
fn is_partly_resident(row: &TypeRow) -> bool {
    let own = row.shallow_bytes.saturating_add(row.external_bytes).saturating_add(row.native_bytes);
    row.resident_bytes > 0 && row.resident_bytes < own || (1..row.retained_bytes).contains(&row.retained_resident_bytes)
}

/// Rows of types with a bar of the share that each retains.
pub(super) fn table(rows: &[TypeRow], style: &Style) -> String {
    let native = rows.iter().any(|row| row.native_bytes > 0);
    let resident = rows.iter().any(is_partly_resident);
    let shown = [(true, "count"), (true, "shallow"), (true, "external"), (native, "native"), (resident, "resident")];
    let rest = [(true, "retained"), (true, "share")];
    let names: Vec<&str> = shown.into_iter().chain(rest).filter(|(shown, _)| *shown).map(|(_, name)| name).collect();
    let mut table = Table::new(2).giving("type").numbers(&names).optional();
    for row in rows {
        let mut cells = vec![
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.count)),
            cell(Bytes(row.shallow_bytes).to_string()),
            external(row.external_bytes),
        ];
        cells.extend(native.then(|| external(row.native_bytes)));
        cells.extend(resident.then(|| cell(Bytes(row.resident_bytes).to_string())));
        cells.extend([
            cell(Bytes(row.retained_bytes).to_string()),
            cell(percent(row.share)),
            cell(bar(row.share, BAR)),
        ]);
        table.row(cells);
    }
    table.render(style)
}

/// External or native bytes; few have any, so that nothing is shown as a dash.
pub(super) fn external(bytes: u64) -> (String, Option<Tone>) {
    if bytes == 0 { toned(Tone::Dim, "-") } else { cell(Bytes(bytes).to_string()) }
}
