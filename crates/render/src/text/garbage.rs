//! What a full collection would free now, and the cycles that hold it.

use memsight_analysis::garbage::{Collector, Finaliser, FinaliserRow, Garbage, GarbageType, GarbageView, HiddenRow};
use memsight_model::{Bytes, count};

use super::cycles::{list, note, said};
use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent, plural, share};
use super::{header, heading, more};

const BAR: usize = 12;

/// `memsight heap PID garbage`.
pub fn garbage(view: &GarbageView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let garbage = &view.garbage;
    out.push_str(&summary(garbage, style));
    view.collectors.iter().for_each(|collector| out.push_str(&state(collector, style)));
    if garbage.unreachable == 0 && garbage.types.is_empty() {
        return out;
    }
    let meaning = "counted = what gc.collect() counts, with it = freed with those";
    out.push_str(&heading("Garbage by type", meaning, style));
    out.push_str(&types(&garbage.types, garbage.bytes, style));
    out.push_str(&more(garbage.types.len(), garbage.type_count, "type", style));
    let meaning = format!("{} of {}", plural(garbage.knots, "knot"), plural(garbage.shape_count, "shape"));
    out.push_str(&heading("Cycles that hold it", &meaning, style));
    out.push_str(&list(&garbage.cycles, "hold", style));
    out.push_str(&more(garbage.cycles.len(), garbage.shape_count, "shape", style));
    if !garbage.finalisers.is_empty() {
        out.push_str(&heading("What runs when it is collected", "", style));
        out.push_str(&finalisers(&garbage.finalisers, style));
    }
    out
}

fn summary(garbage: &Garbage, style: &Style) -> String {
    let mut out = String::new();
    let text = match garbage.objects {
        0 if garbage.unreachable == 0 && garbage.hidden.is_empty() => {
            "no garbage: gc.collect() would free nothing now".to_owned()
        }
        0 if garbage.unreachable == 0 => "no garbage is seen".to_owned(),
        n => {
            format!("gc.collect() would return {} now and free {}{}", count(n), Bytes(garbage.bytes), resident(garbage))
        }
    };
    let tone = if garbage.unreachable == 0 && garbage.hidden.is_empty() { Tone::Good } else { Tone::Strong };
    out.push_str(&format!("{}\n", style.paint(tone, &text)));
    out.push_str(&note(&reckoning(garbage), style));
    if !garbage.hidden.is_empty() {
        out.push_str(&said(Tone::Warn, &hidden(&garbage.hidden), style));
    }
    if garbage.stuck > 0 {
        let text = format!(
            "{} ({}) in cycles that no collection frees: a type in each does not tell the collector what it holds, as an \
             array of objects of numpy",
            plural(garbage.stuck, "object"),
            Bytes(garbage.stuck_bytes)
        );
        out.push_str(&said(Tone::Warn, &text, style));
    }
    if garbage.uncollectable > 0 {
        let kept = plural(garbage.uncollectable, "object");
        let text = format!(
            "gc.garbage keeps {kept} alive ({}): found to be garbage before, and freed only when the list is emptied",
            Bytes(garbage.uncollectable_bytes)
        );
        out.push_str(&said(Tone::Bad, &text, style));
    }
    out
}

/// How the number comes about, and how sure it is.
fn reckoning(garbage: &Garbage) -> String {
    let mut parts = Vec::new();
    if garbage.closed > 0 || garbage.callbacks_freed > 0 {
        parts.push(format!("{} unreachable", plural(garbage.unreachable, "object")));
    }
    if garbage.closed > 0 {
        parts.push(format!("less {} freed before it counts, by closing generators", count(garbage.closed)));
    }
    if garbage.callbacks_freed > 0 {
        parts.push(format!("and {} freed by their own callbacks", plural(garbage.callbacks_freed, "weak reference")));
    }
    if garbage.freed_with > 0 {
        parts.push(format!("{} freed with them", plural(garbage.freed_with, "uncounted object")));
    }
    if garbage.finalisers.iter().any(|row| row.what != Finaliser::C) {
        parts.push("code of the program runs in the collection and may change the number".to_owned());
    }
    if garbage.deficits > 0 {
        parts.push(format!("{} inferred", plural(garbage.deficits, "reference")));
    }
    parts.join("; ")
}

fn resident(garbage: &Garbage) -> String {
    match garbage.resident_bytes {
        resident if resident < garbage.bytes => format!(" ({} in memory)", Bytes(resident)),
        _ => String::new(),
    }
}

/// What may be garbage unseen.
fn hidden(rows: &[HiddenRow]) -> String {
    const NAMED: usize = 3;
    let mut names: Vec<String> =
        rows.iter().take(NAMED).map(|row| format!("{} {}", count(row.count), clean(&row.type_name))).collect();
    let others: u64 = rows.iter().skip(NAMED).map(|row| row.count).sum();
    if others > 0 {
        names.push(format!("{} of other types", count(others)));
    }
    format!(
        "not known: whether {} are garbage; C code holds them, which may be their own memory, whose references are not known",
        names.join(", ")
    )
}

/// What is remarkable about a collector: an ordinary one needs no words.
fn state(collector: &Collector, style: &Style) -> String {
    let mut remarks = Vec::new();
    if !collector.enabled {
        remarks
            .push("automatic collection is off (gc.disable()): garbage stays until gc.collect() is called".to_owned());
    }
    if collector.saves_all {
        remarks.push("gc.DEBUG_SAVEALL is set: a collection moves garbage to gc.garbage, where it stays".to_owned());
    }
    // what is immortal the interpreter has put there itself
    let frozen = collector.frozen.map(|frozen| frozen.saturating_sub(collector.frozen_immortal.unwrap_or(0)));
    if let Some(frozen) = frozen.filter(|frozen| *frozen > 0) {
        remarks.push(format!("{} frozen (gc.freeze()): no collection looks at them", plural(frozen, "object")));
    }
    let place =
        if collector.interpreter == 0 { String::new() } else { format!("interpreter {}: ", collector.interpreter) };
    remarks.iter().map(|text| said(Tone::Warn, &format!("{place}{text}"), style)).collect()
}

fn types(rows: &[GarbageType], all: u64, style: &Style) -> String {
    let mut table = Table::new(2).giving("type").numbers(&["counted", "with it", "bytes", "share"]).optional();
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            number(row.count),
            number(row.freed_with),
            cell(Bytes(row.bytes).to_string()),
            cell(percent(share(row.bytes, all))),
            cell(bar(share(row.bytes, all), BAR)),
        ]);
    }
    table.render(style)
}

fn number(n: u64) -> (String, Option<Tone>) {
    if n == 0 { toned(Tone::Dim, "-") } else { cell(count(n)) }
}

fn finalisers(rows: &[FinaliserRow], style: &Style) -> String {
    let mut table = Table::new(2).giving("type").text("what runs").numbers(&["times", "has run"]);
    for row in rows {
        let what = match row.what {
            Finaliser::Python => "__del__ (Python)",
            Finaliser::C => "__del__ (C)",
            Finaliser::Generator => "closing of a generator",
            Finaliser::Callback => "callback",
        };
        table.row([toned(Tone::Hint, clean(&row.type_name)), cell(what), number(row.count), number(row.finalised)]);
    }
    table.render(style)
}
