//! Reference counts against the references found.

use memsight_analysis::refcounts::{CountedObject, DeficitRow, HeldRow, RefcountsView, SurplusRow};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::table::{Table, cell, fitting, toned};
use super::words::{clean, wrap_words};
use super::{findings, header, heading};

/// `memsight heap PID refcounts`.
pub fn refcounts(view: &RefcountsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = format!(
        "{} of {} objects audited ({} are never freed); {} agree exactly",
        count(view.objects - view.left_out.min(view.objects)),
        count(view.objects),
        count(view.left_out),
        count(view.exact)
    );
    out.push_str(&heading("Reference counts", &meaning, style));
    let good = view.recorded && view.surplus.is_empty() && view.deficits.is_empty();
    for line in wrap_words(&view.verdict, style.width.saturating_sub(2)) {
        out.push_str(&format!("  {}\n", style.paint(if good { Tone::Good } else { Tone::Warn }, &line)));
    }
    let looks = match view.looks {
        0 | 1 => None,
        looks if view.confirmed => Some(format!("{looks} looks agree on this, and no thread was at work")),
        looks => Some(format!("{looks} looks agree on this")),
    };
    let busy = view.gil_held && view.looks < 2;
    let busy =
        busy.then(|| "a thread was in the middle of Python code: a reference or two may be on its way".to_owned());
    for note in looks.into_iter().chain(busy) {
        for line in wrap_words(&note, style.width.saturating_sub(2)) {
            out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &line)));
        }
    }
    if !view.deficits.is_empty() {
        let meaning = match view.confirmed {
            true => "counts below the references found: freed while in use, sooner or later",
            false => "counts below the references found, which is not sure",
        };
        out.push_str(&heading("Missing", meaning, style));
        out.push_str(&missing(&view.deficits, style));
    }
    if !view.surplus.is_empty() {
        out.push_str(&heading("Left over", "references that nothing found explains: held by C code, or leaked", style));
        out.push_str(&left_over(&view.surplus, style));
    }
    if !view.held.is_empty() {
        out.push_str(&heading("Held by C code", "references that words of C memory explain", style));
        out.push_str(&held(&view.held, style));
    }
    if !view.findings.is_empty() {
        out.push_str(&heading("Findings", "what to look at", style));
        out.push_str(&findings(&view.findings, style));
    }
    out
}

fn left_over(rows: &[SurplusRow], style: &Style) -> String {
    let mut table =
        Table::new(2).giving("type").numbers(&["objects", "references", "unexplained", "size"]).text("example");
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.objects)),
            cell(count(row.references)),
            cell(count(row.unexplained)),
            cell(Bytes(row.bytes).to_string()),
            example(&row.examples),
        ]);
    }
    table.render(style)
}

fn missing(rows: &[DeficitRow], style: &Style) -> String {
    let mut table = Table::new(2).giving("type").numbers(&["objects", "references"]).text("example");
    for row in rows {
        table.row([
            toned(Tone::Warn, clean(&row.type_name)),
            cell(count(row.objects)),
            cell(count(row.references)),
            example(&row.examples),
        ]);
    }
    table.render(style)
}

fn example(examples: &[CountedObject]) -> (String, Option<Tone>) {
    toned(Tone::Dim, examples.first().map_or_else(String::new, |example| clean(&example.object.address)))
}

fn held(rows: &[HeldRow], style: &Style) -> String {
    let mut table = Table::new(2).giving("by").numbers(&["objects", "references"]).text("types");
    for row in rows {
        let types: Vec<String> = row.types.iter().map(|name| clean(name.rsplit('.').next().unwrap_or(name))).collect();
        table.row([
            toned(Tone::Hint, clean(&row.place)),
            cell(count(row.objects)),
            cell(count(row.references)),
            toned(Tone::Dim, fitting(&types.join(", "), style.width * 3 / 8)),
        ]);
    }
    table.render(style)
}
