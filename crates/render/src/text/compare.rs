//! What has grown between two moments.

use super::style::{Style, Tone};
use super::suspects::types_cell;
use super::table::{Table, cell, toned};
use super::tasks::source;
use super::words::{clean, plural, wrap, wrap_words};
use super::{heading, more};
use memsight_analysis::compare::{
    Amount, CodeGrowth, CompareView, ContainerGrowth, GrowthSuspect, HeldGrowth, MemoryGrowth, Outcome, PathGrowth,
    State, TypeGrowth,
};
use memsight_model::{Bytes, count, duration};

/// Widths at which the account has room for what a line consists of.
const WIDE: usize = 100;
/// Types of a suspect that its paragraph names.
const HELD: usize = 4;

/// `memsight compare A.heap B.heap`, `memsight heap PID --since 60s`.
pub fn compare(view: &CompareView, style: &Style) -> String {
    let mut out = moments(view, style);
    out.push('\n');
    let tone = match view.verdict.kind {
        Outcome::Growing => Tone::Bad,
        Outcome::Undecided | Outcome::Slowing => Tone::Warn,
        Outcome::WarmedUp | Outcome::Steady => Tone::Good,
    };
    lines(&view.verdict.summary, 0, tone, style, &mut out);
    for note in &view.verdict.notes {
        lines(note, 0, Tone::Dim, style, &mut out);
    }
    out.push_str(&totals(view, style));
    if !view.memory.is_empty() {
        let meaning = format!("every line of RSS; growth of {} or more is read", Bytes(view.memory_threshold_bytes));
        out.push_str(&heading("Memory", &meaning, style));
        out.push_str(&memory(&view.memory, style));
    }
    let meaning = format!("places that have grown by {} or more", Bytes(view.threshold_bytes));
    out.push_str(&heading("Suspects", &meaning, style));
    out.push_str(&suspects(&view.suspects, style));
    if !view.containers.is_empty() {
        let least = Bytes(view.threshold_bytes);
        let contained = format!("at one address in the same hands, with {least} or more in it than before");
        out.push_str(&heading("Containers", &contained, style));
        out.push_str(&containers(&view.containers, style));
        out.push_str(&more(view.containers.len(), view.container_count, "container", style));
    }
    if !view.types.is_empty() {
        out.push_str(&heading("Types", "by growth of what their instances are themselves", style));
        out.push_str(&types(&view.types, style));
        out.push_str(&more(view.types.len(), view.type_count, "type", style));
    }
    if !view.code.is_empty() {
        out.push_str(&heading("By code", "ten or more functions, coroutines, tasks or generators of one more", style));
        out.push_str(&code(&view.code, style));
        out.push_str(&more(view.code.len(), view.code_count, "code", style));
    }
    if !view.paths.is_empty() {
        out.push_str(&heading("Paths", "where new objects hang, and gone ones hung; each byte once", style));
        out.push_str(&paths(&view.paths, style));
        out.push_str(&more(view.paths.len(), view.path_count, "path", style));
    }
    out.push_str(&heading("The same object", "what that rests on", style));
    lines(&view.identity.statement, 2, Tone::Dim, style, &mut out);
    out
}

/// A sentence in lines.
fn lines(sentence: &str, indent: usize, tone: Tone, style: &Style, out: &mut String) {
    for line in wrap_words(&clean(sentence), style.width.saturating_sub(indent)) {
        out.push_str(&format!("{}{}\n", " ".repeat(indent), style.paint(tone, &line)));
    }
}

/// Who was looked at, when, and what may be missing.
fn moments(view: &CompareView, style: &Style) -> String {
    let (Some(first), Some(last)) = (view.moments.first(), view.moments.last()) else { return String::new() };
    let who = match first.pid == last.pid {
        true => format!("Python {}, pid {}", clean(&first.python), first.pid),
        false => format!("Python {}, pid {} and pid {}", clean(&first.python), first.pid, last.pid),
    };
    let mut out = format!("{}\n", style.paint(Tone::Strong, &who));
    let times: Vec<String> = view.moments.iter().map(|moment| clean(&moment.created)).collect();
    let apart = view.interval_ns.map_or_else(String::new, |ns| format!(", {} in all", duration(ns)));
    lines(&format!("looked at {}{apart}", times.join(", ")), 0, Tone::Dim, style, &mut out);
    if view.swapped {
        lines("given in another order: the earliest look is taken first", 0, Tone::Warn, style, &mut out);
    }
    for moment in view.moments.iter().filter(|moment| !moment.partial.is_empty()) {
        let reasons = format!("partial, {}: {}", moment.created, moment.partial.join("; "));
        lines(&reasons, 0, Tone::Warn, style, &mut out);
    }
    out
}

fn totals(view: &CompareView, style: &Style) -> String {
    let (Some(first), Some(last)) = (view.moments.first(), view.moments.last()) else { return String::new() };
    let mut table = Table::new(2).text("").numbers(&["then", "now", "growth"]);
    let mut row = |name: &str, then: String, now: String, growth: String| {
        table.row([toned(Tone::Dim, name), cell(then), cell(now), cell(growth)]);
    };
    row("objects", count(first.objects), count(last.objects), signed_count(view.growth.objects));
    let bytes = |bytes| Bytes(bytes).to_string();
    row("Python heap", bytes(first.heap_bytes), bytes(last.heap_bytes), signed(view.growth.heap_bytes));
    row("RSS", bytes(first.rss_bytes), bytes(last.rss_bytes), signed(view.growth.rss_bytes));
    let mut out = format!("\n{}", table.render(style));
    let amount = |amount: &Amount| format!("{} ({})", plural(amount.objects, "object"), Bytes(amount.bytes));
    let turnover = &view.turnover;
    let text = format!(
        "new: {}, gone: {}, surviving: {}",
        amount(&turnover.new),
        amount(&turnover.gone),
        amount(&turnover.surviving)
    );
    lines(&text, 2, Tone::Dim, style, &mut out);
    out
}

/// `+12.0 MiB`, `-3.0 KiB`, `0 B`.
fn signed(bytes: i64) -> String {
    format!("{}{}", sign(bytes), Bytes(bytes.unsigned_abs()))
}

fn signed_count(n: i64) -> String {
    format!("{}{}", sign(n), count(n.unsigned_abs()))
}

fn sign(n: i64) -> &'static str {
    match n {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}

fn suspects(suspects: &[GrowthSuspect], style: &Style) -> String {
    if suspects.is_empty() {
        return format!("  {}\n", style.paint(Tone::Good, "no place has grown that much"));
    }
    suspects.iter().enumerate().map(|(at, suspect)| paragraph(at, suspect, style)).collect()
}

fn paragraph(at: usize, suspect: &GrowthSuspect, style: &Style) -> String {
    let tone = match suspect.state {
        State::Growing | State::Garbage => Tone::Bad,
        State::Slowing | State::InFlight | State::Step => Tone::Warn,
        _ => Tone::Good,
    };
    let mut out = String::new();
    let room = style.width.saturating_sub(5);
    for (line, text) in wrap_words(&clean(&suspect.summary), room).iter().enumerate() {
        let number = if line == 0 { format!("{:>3}. ", at + 1) } else { " ".repeat(5) };
        out.push_str(&format!("{number}{}\n", style.paint(tone, text)));
    }
    let room = room.saturating_sub(8);
    let mut part = |name: &str, lines: Vec<String>| {
        for (line, text) in lines.iter().enumerate() {
            let name = if line == 0 { name } else { "" };
            out.push_str(&format!("     {}  {text}\n", style.paint(Tone::Dim, &format!("{name:<6}"))));
        }
    };
    part("path", wrap(suspect.path.iter().map(|step| clean(step)), " -> ", room));
    if let Some(reason) = &suspect.reason {
        part("why", wrap_words(&clean(&format!("{}: {reason}", state(suspect.state))), room));
    }
    if let Some(holder) = suspect.holder.as_ref().filter(|_| suspect.holders > 1) {
        let text = format!("{} at {}, of {} that share the path", holder.name, holder.address, count(suspect.holders));
        part("most", wrap_words(&clean(&text), room));
    } else if let Some(holder) = &suspect.holder {
        part("in", wrap_words(&clean(&format!("{} at {}", holder.type_name, holder.address)), room));
    }
    part("growth", wrap_words(&sum(suspect), room));
    part("by", wrap(suspect.holds.iter().take(HELD).map(held), ", ", room));
    out
}

/// How the growth comes about: `12.0 MiB new, 1.0 KiB gone, its own table +9.0 KiB; 0 B in the last interval`.
fn sum(suspect: &GrowthSuspect) -> String {
    let mut text = format!("{}: {} new", signed(suspect.growth_bytes), Bytes(suspect.new.bytes));
    text.push_str(&format!(", {} gone", Bytes(suspect.gone.bytes)));
    if suspect.resized_bytes != 0 {
        text.push_str(&format!(", {} of what holds it", signed(suspect.resized_bytes)));
    }
    if let Some(recent) = suspect.recent_bytes {
        text.push_str(&format!("; in the last interval {}", signed(recent)));
    }
    text
}

fn state(state: State) -> &'static str {
    match state {
        State::Growing => "growing",
        State::Garbage => "garbage",
        State::InFlight => "in flight",
        State::Step => "one step",
        State::Slowing => "slowing",
        State::FirstUse => "first use",
        State::InUse => "in use",
        State::Free => "free",
        State::Bounded => "bounded",
        State::Stopped => "stopped",
        State::Waiting => "waiting",
        State::Turnover => "turnover",
    }
}

fn held(row: &HeldGrowth) -> String {
    format!("{} {} ({})", signed_count(row.count), clean(&row.type_name), signed(row.bytes))
}

/// The account of RSS; lines that have not changed are counted.
fn memory(rows: &[MemoryGrowth], style: &Style) -> String {
    let (changed, same): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.growth_bytes != 0);
    let wide = style.width >= WIDE;
    let mut table = Table::new(2).giving("memory").numbers(&["then", "now", "growth"]).text("state");
    if wide {
        table = table.giving("most of it");
    }
    for row in changed {
        let most = row.parts.first().filter(|part| !part.name.is_empty());
        let most = most.map(|part| format!("{} {}", clean(&part.name), signed(part.growth_bytes)));
        let cells = [
            cell(row.name.clone()),
            cell(Bytes(row.bytes_then).to_string()),
            cell(Bytes(row.bytes_now).to_string()),
            cell(signed(row.growth_bytes)),
            toned(Tone::Dim, row.state.map_or("", state)),
        ];
        table.row(cells.into_iter().chain(wide.then(|| toned(Tone::Dim, most.unwrap_or_default()))));
    }
    let mut out = table.render(style);
    if !same.is_empty() {
        let text = format!("and {} unchanged", plural(same.len() as u64, "line"));
        lines(&text, 2, Tone::Dim, style, &mut out);
    }
    out
}

fn containers(rows: &[ContainerGrowth], style: &Style) -> String {
    let mut table =
        Table::new(2).giving("container").text("type").numbers(&["length", "was", "retained", "was", "growth"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.object.name)),
            cell(types_cell(&row.object.type_name)),
            cell(count(row.length_now)),
            cell(count(row.length_then)),
            cell(Bytes(row.object.retained_bytes).to_string()),
            cell(Bytes(row.retained_then_bytes).to_string()),
            cell(signed(row.growth_bytes)),
        ]);
    }
    table.render(style)
}

fn types(rows: &[TypeGrowth], style: &Style) -> String {
    let mut table = Table::new(2).giving("type").numbers(&["count", "new", "gone", "bytes", "growth"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.count_now)),
            cell(count(row.new)),
            cell(count(row.gone)),
            cell(Bytes(row.bytes_now).to_string()),
            cell(signed(row.growth_bytes)),
        ]);
    }
    table.render(style)
}

fn code(rows: &[CodeGrowth], style: &Style) -> String {
    let mut table = Table::new(2).giving("name").text("type").numbers(&["count", "was", "retained", "was"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, source(&row.source)),
            cell(types_cell(&row.type_name)),
            cell(count(row.count_now)),
            cell(count(row.count_then)),
            cell(Bytes(row.retained_now_bytes).to_string()),
            cell(Bytes(row.retained_then_bytes).to_string()),
        ]);
    }
    table.render(style)
}

fn paths(rows: &[PathGrowth], style: &Style) -> String {
    let mut table = Table::new(2).numbers(&["growth", "new", "gone"]).text("state").giving("path");
    for row in rows {
        let path = row.path.iter().map(|step| clean(step)).collect::<Vec<_>>().join(" -> ");
        table.row([
            cell(signed(row.growth_bytes)),
            cell(count(row.new.objects)),
            cell(count(row.gone.objects)),
            toned(Tone::Dim, state(row.state)),
            toned(Tone::Hint, path),
        ]);
    }
    table.render(style)
}
