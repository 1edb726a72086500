//! Bytes that the same program could do without.

use memsight_analysis::waste::{EqualValue, WasteKind, WastePlace, WasteRule, WasteView};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::suspects::types_cell;
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent, plural, share, shorten};
use super::{findings, header, heading, more};

/// Columns of the longest bar of the summary.
const BAR: usize = 16;
/// Columns of a value's text.
const VALUE: usize = 40;

/// `memsight heap PID waste`.
pub fn waste(view: &WasteView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let sum = format!(
        "{} ({}) of {} in memory could be saved; no byte is counted twice",
        Bytes(view.saved_bytes),
        percent(view.share),
        Bytes(view.resident_bytes)
    );
    out.push_str(&heading("Waste", &sum, style));
    if view.kinds.is_empty() {
        let none = "none: no duplicates, no spare room, nothing that slots or arrays would hold in less";
        return out + &format!("  {}\n", style.paint(Tone::Good, none));
    }
    out.push_str(&summary(view, style));
    for kind in &view.kinds {
        out.push_str(&heading(kind.rule.name(), meaning(kind.rule), style));
        out.push_str(&places(kind, style));
        out.push_str(&values(kind, style));
    }
    if !view.findings.is_empty() {
        out.push_str(&heading("Findings", "places worth a change, most bytes first", style));
        out.push_str(&findings(&view.findings, style));
    }
    out
}

fn summary(view: &WasteView, style: &Style) -> String {
    let mut table = Table::new(2).giving("kind").numbers(&["objects", "saved", "of heap"]).optional();
    let most = view.kinds.first().map_or(0, |kind| kind.saved_bytes);
    for kind in &view.kinds {
        table.row([
            toned(Tone::Hint, kind.rule.name()),
            cell(count(kind.objects)),
            cell(Bytes(kind.saved_bytes).to_string()),
            cell(percent(share(kind.saved_bytes, view.resident_bytes))),
            cell(bar(share(kind.saved_bytes, most), BAR)),
        ]);
    }
    table.render(style)
}

/// What the numbers of a kind mean.
fn meaning(rule: WasteRule) -> &'static str {
    match rule {
        WasteRule::DuplicateStrings | WasteRule::DuplicateBytes => "equal contents: all but one of each could go",
        WasteRule::DuplicateTuples => "equal item by item: all but one of each could go",
        WasteRule::DuplicateNumbers => "equal type and value: all but one of each could go",
        WasteRule::OverallocatedLists | WasteRule::OverallocatedSets => "more room than a copy would have",
        WasteRule::OverallocatedBuffers => "more room than a new one with the same items would have",
        WasteRule::SparseDicts => "larger tables than their entries need",
        WasteRule::EmptyContainers => "empty, each the value of one attribute",
        WasteRule::InstanceDicts => "instances with equal attributes, against the same with __slots__",
        WasteRule::BoxedNumbers => "lists and tuples of numbers, with those only they hold, against an array",
        WasteRule::SmallViews => "kept by views of less than half of their bytes, against copies",
    }
}

fn places(kind: &WasteKind, style: &Style) -> String {
    let tables = kind.places.iter().any(|place| place.allocated.is_some());
    let instances = kind.rule == WasteRule::InstanceDicts;
    let views = kind.rule == WasteRule::SmallViews;
    let table = Table::new(2).giving("held by").text("type").numbers(&["count"]);
    let table = match (tables, instances) {
        _ if views => table.numbers(&["views", "show", "bytes"]),
        (true, _) => table.numbers(&["items", "room"]),
        (_, true) => table.numbers(&["attributes"]),
        _ => table,
    };
    let mut table = table.numbers(&["saved"]);
    for place in &kind.places {
        let number = |number: Option<u64>| cell(number.map_or_else(String::new, count));
        let mut row =
            vec![toned(Tone::Hint, path(place)), cell(types_cell(&place.type_name)), cell(count(place.count))];
        let bytes = |number: Option<u64>| cell(number.map_or_else(String::new, |number| Bytes(number).to_string()));
        match (tables, instances) {
            _ if views => row.extend([number(place.views), bytes(place.used), bytes(place.allocated)]),
            (true, _) => row.extend([number(place.used), number(place.allocated)]),
            (_, true) => row.push(number(place.used)),
            _ => {}
        }
        row.push(cell(Bytes(place.saved_bytes).to_string()));
        table.row(row);
    }
    table.render(style) + &more(kind.places.len(), kind.place_count, "place", style)
}

fn path(place: &WastePlace) -> String {
    let words: Vec<String> = place.path.iter().map(|word| clean(word)).collect();
    words.join(" -> ")
}

/// The values held most often. Their texts are shown only when the look kept them.
fn values(kind: &WasteKind, style: &Style) -> String {
    if kind.values.is_empty() {
        return String::new();
    }
    let mut table = Table::new(2).giving("value").text("address").numbers(&["copies", "each", "saved"]);
    for value in &kind.values {
        table.row([
            cell(text(value)),
            cell(clean(&value.example.address)),
            cell(count(value.copies)),
            cell(Bytes(value.example.shallow_bytes).to_string()),
            cell(Bytes(value.saved_bytes).to_string()),
        ]);
    }
    let shown = kind.values.len();
    format!("\n{}{}", table.render(style), more(shown, kind.value_count, "value", style))
}

fn text(value: &EqualValue) -> String {
    match &value.value {
        Some(text) => shorten(&clean(text), VALUE),
        None => format!("{} of {}", clean(&value.type_name), plural(value.example.shallow_bytes, "byte")),
    }
}
