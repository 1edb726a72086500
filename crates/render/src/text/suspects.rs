//! Leak suspects.

use super::paragraph::Paragraph;
use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::tasks::source;
use super::words::{clean, percent, wrap};
use super::{header, heading};
use memsight_analysis::views::{ContainerRow, Mostly, ObjectRef, Suspect, SuspectsView, TypeRow};
use memsight_model::{Bytes, count};

/// Types that a suspect holds which its paragraph names.
const HELD: usize = 4;

/// `memsight heap PID suspects`.
pub fn suspects(view: &SuspectsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = format!(
        "one object, or one type's instances, with {} or more of {} in memory, and their parts",
        percent(view.threshold),
        Bytes(view.resident_bytes)
    );
    out.push_str(&heading("Suspects", &meaning, style));
    out.push_str(&list(&view.suspects, Some(view.threshold), style));
    if !view.instances.is_empty() {
        out.push_str(&heading("Classes", "by what their instances retain", style));
        out.push_str(&instances(&view.instances, style));
    }
    if !view.containers.is_empty() {
        out.push_str(&heading("Containers", "by length", style));
        out.push_str(&containers(&view.containers, style));
    }
    out
}

/// Numbered paragraphs, or the plain answer that there is none.
pub(super) fn list(suspects: &[Suspect], threshold: Option<f64>, style: &Style) -> String {
    if suspects.is_empty() {
        let part = threshold.map_or_else(|| "10%".to_owned(), |part| format!("{:.0}%", part * 100.0));
        return format!("  {}\n", style.paint(Tone::Good, &format!("no suspect: nothing retains {part} or more")));
    }
    suspects.iter().enumerate().map(|(at, suspect)| paragraph(at, suspect, style)).collect()
}

fn paragraph(at: usize, suspect: &Suspect, style: &Style) -> String {
    let mut out = Paragraph::new(at, &clean(&suspect.summary), Tone::Warn, 6, style);
    out.part("path", wrap(suspect.path.iter().map(|step| clean(step)), " -> ", out.room()), Some(Tone::Hint));
    if let Some(point) = &suspect.accumulation_point {
        let own = point.shallow_bytes.saturating_add(point.external_bytes).saturating_add(point.native_bytes);
        let own = Bytes(own);
        let (name, address) = (clean(&point.name), clean(&point.address));
        // An object without a name in the program is called by its address already.
        let place = if name.ends_with(&address) { name } else { format!("{name} at {address}") };
        let text = format!("{place}, itself {own}");
        out.sentence("in", &text, None);
    }
    if let Some(place) = &suspect.waits_at {
        out.sentence("waits", &format!("at {}", source(place)), Some(Tone::Hint));
    }
    out.part("holds", wrap(suspect.holds.iter().take(HELD).map(held), ", ", out.room()), None);
    // What the first line or the types beside it say is not said again.
    let named = |mostly: &&Mostly| suspect.holds.first().is_none_or(|first| first.type_name != mostly.type_name);
    if let Some(mostly) = suspect.mostly.as_ref().filter(named) {
        let (number, bytes) = (count(mostly.count), Bytes(mostly.bytes));
        let text = format!("{number} {}: {bytes} ({}) in themselves", clean(&mostly.type_name), percent(mostly.share));
        out.sentence("mostly", &text, None);
    }
    if let Some(thread) = &suspect.thread {
        out.sentence("thread", &clean(thread), None);
    }
    if !suspect.keywords.is_empty() {
        out.part("search", wrap(suspect.keywords.iter().map(|word| clean(word)), ", ", out.room()), None);
    }
    if !suspect.shares_path_with.is_empty() {
        let numbers: Vec<String> = suspect.shares_path_with.iter().map(|at| format!("{}", at + 1)).collect();
        out.part("note", vec![format!("shares its path with suspect {}", numbers.join(", "))], None);
    }
    out.finish()
}

fn held(row: &TypeRow) -> String {
    format!("{} {} ({})", count(row.count), clean(&row.type_name), Bytes(row.retained_bytes.max(row.shallow_bytes)))
}

/// Classes with the mean size of an instance.
fn instances(rows: &[TypeRow], style: &Style) -> String {
    let mut table = Table::new(2).giving("type").numbers(&["count", "retained", "mean", "share"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.count)),
            cell(Bytes(row.retained_bytes).to_string()),
            cell(Bytes(row.mean_retained_bytes).to_string()),
            cell(percent(row.share)),
        ]);
    }
    table.render(style)
}

fn containers(rows: &[ContainerRow], style: &Style) -> String {
    let mut table =
        Table::new(2).giving("container").text("type").text("address").numbers(&["length", "shallow", "retained"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, name_cell(&row.object)),
            cell(types_cell(&row.object.type_name)),
            cell(clean(&row.object.address)),
            cell(count(row.length)),
            cell(Bytes(row.object.shallow_bytes).to_string()),
            cell(Bytes(row.object.retained_bytes).to_string()),
        ]);
    }
    table.render(style)
}

/// The name of an object whose address stands beside it: `dict` of one that is only `dict at 0x7f3a1c0042d0`.
pub(super) fn name_cell(object: &ObjectRef) -> String {
    let bare = object.name.strip_suffix(object.address.as_str()).and_then(|name| name.strip_suffix(" at "));
    clean(bare.unwrap_or(&object.name))
}

/// A type's name in a column that must stay narrow.
pub(super) fn types_cell(name: &str) -> String {
    super::words::shorten(&clean(name), 20)
}

/// A suspect in one plain line, for the demo: `app.cache._entries (dict) keeps 250 Session alive: 12.0 MiB (60.0%)`.
pub fn culprit(suspect: &Suspect) -> String {
    let Some(keeper) = &suspect.accumulation_point else { return clean(&suspect.summary) };
    let what = match suspect.count {
        1 => String::new(),
        n => {
            let others = if suspect.inside.is_empty() { "" } else { "and others " };
            format!("{} {} {others}", count(suspect.kept_count.unwrap_or(n)), clean(&suspect.type_name))
        }
    };
    let size = format!("{} ({})", Bytes(suspect.retained_bytes), percent(suspect.share));
    format!("{} ({}) keeps {what}alive: {size}", clean(&keeper.name), clean(&keeper.type_name))
}
