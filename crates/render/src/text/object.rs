//! One object with its neighbours.

use super::style::{Style, Tone};
use super::suspects::types_cell;
use super::table::{Table, cell, toned};
use super::tasks::source;
use super::words::{clean, shorten};
use super::{header, heading, more};
use memsight_analysis::views::{ObjectView, ReferenceRow};
use memsight_model::{Bytes, count};

/// `memsight heap PID object ADDRESS`.
pub fn object(view: &ObjectView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let object = &view.object;
    out.push_str(&heading(&format!("{} at {}", clean(&object.type_name), clean(&object.address)), "", style));
    out.push_str(&facts(view, style));
    let exact = if view.exact { "what it refers to" } else { "what it refers to; some found by scanning its memory" };
    out.push_str(&heading(&format!("Referents: {}", count(view.referent_count)), exact, style));
    out.push_str(&references(&view.referents, style));
    out.push_str(&more(view.referents.len(), view.referent_count, "referent", style));
    out.push_str(&heading(
        &format!("Referrers: {}", count(view.referrer_count)),
        "what refers to it, roots first",
        style,
    ));
    out.push_str(&references(&view.referrers, style));
    out.push_str(&more(view.referrers.len(), view.referrer_count, "referrer", style));
    out
}

fn facts(view: &ObjectView, style: &Style) -> String {
    let object = &view.object;
    let mut table = Table::new(2).text("").giving("");
    let mut row = |name: &str, text: String| table.row([toned(Tone::Dim, name), cell(text)]);
    row("name", clean(&object.name));
    if let Some(code) = &view.code {
        let line = view.stands_at.filter(|line| *line > 0).map(|line| format!(", stands at line {line}"));
        row("code", format!("{}{}", source(code), line.unwrap_or_default()));
    }
    if let Some(value) = &view.value {
        row("value", shorten(&clean(value), 200));
    }
    row("shallow", format!("{}  (sys.getsizeof)", Bytes(object.shallow_bytes)));
    if object.external_bytes > 0 {
        let kind = view.external_kind.as_deref().unwrap_or("buffers that it owns beside that");
        row("external", format!("{}  ({})", Bytes(object.external_bytes), clean(kind)));
    }
    if object.native_bytes > 0 {
        row("native", format!("{}  (memory of C code that it points to)", Bytes(object.native_bytes)));
    }
    let own = object.shallow_bytes.saturating_add(object.external_bytes).saturating_add(object.native_bytes);
    if object.resident_bytes > 0 && object.resident_bytes < own {
        row("resident", format!("{}  (of these, what is in memory)", Bytes(object.resident_bytes)));
    }
    let untouched = match object.retained_resident_bytes {
        resident if resident > 0 && resident < object.retained_bytes => format!("; {} in memory", Bytes(resident)),
        _ => String::new(),
    };
    row("retained", format!("{}  (freed with it{untouched})", Bytes(object.retained_bytes)));
    let references = match view.refcount {
        Some(n) => count(n),
        None if view.immortal => "immortal".to_owned(),
        None => "unknown".to_owned(),
    };
    row("refcount", references);
    let generation = match view.generation {
        Some(3) if view.immortal => "permanent generation (immortal: no collection needs to look at it)".to_owned(),
        Some(3) => "permanent generation (gc.freeze)".to_owned(),
        Some(n) => format!("generation {n}"),
        None => "not tracked by the collector".to_owned(),
    };
    row("collector", generation);
    table.render(style)
}

fn references(rows: &[ReferenceRow], style: &Style) -> String {
    if rows.is_empty() {
        return "  none\n".to_owned();
    }
    let mut table = Table::new(2).text("kind").giving("reference").text("type").text("address").numbers(&["retained"]);
    for row in rows {
        let object = row.object.as_ref();
        table.row([
            toned(Tone::Dim, clean(&row.kind)),
            toned(Tone::Hint, clean(&row.label)),
            cell(object.map(|object| types_cell(&object.type_name)).unwrap_or_default()),
            cell(object.map(|object| clean(&object.address)).unwrap_or_default()),
            cell(object.map(|object| Bytes(object.retained_bytes).to_string()).unwrap_or_default()),
        ]);
    }
    table.render(style)
}
