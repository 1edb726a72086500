//! Lists: places, threads, two traces.

use memsight_analysis::profile::{
    ChurnView, LineGrowth, PlaceRow, PlacesView, SummaryView, ThreadSumsView, TraceCompareView, TraceHeader,
};
use memsight_model::{Bytes, count, duration};

use super::super::heading;
use super::super::next::{quoted, section};
use super::super::style::{Style, Tone};
use super::super::table::{Table, cell, toned};
use super::super::words::{bar, clean, percent, plural, share};
use super::{WIDE, header, moment, more, place, size, spot};

/// Columns of a bar.
const BAR: usize = 10;

/// `memsight trace FILE`.
pub fn trace_summary(view: &SummaryView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let mut table = Table::new(2).text("").numbers(&["bytes", "blocks"]).text("");
    let blocks = |n| cell(count(n));
    let peak = format!("after {}", duration(view.peak_at_ns));
    table.row([
        toned(Tone::Dim, "peak"),
        cell(size(view.peak_bytes, view.peak_error_bytes)),
        blocks(view.peak_count),
        cell(peak),
    ]);
    let end = size(view.end_bytes, view.end_error_bytes);
    table.row([toned(Tone::Dim, "live at the end"), cell(end), blocks(view.end_count), cell(ending(view))]);
    let rest = match view.temporary_allocations {
        Some(temporary) if view.allocations > 0 => {
            format!("{} free again at once", percent(share(temporary, view.allocations)))
        }
        _ => String::new(),
    };
    let all = size(view.allocated_bytes, view.allocated_error_bytes);
    table.row([toned(Tone::Dim, "allocated in all"), cell(all), blocks(view.allocations), cell(rest)]);
    if let Some(resident) = view.peak_resident_bytes {
        let of = cell("resident, as it was read");
        table.row([toned(Tone::Dim, "RSS at most"), cell(Bytes(resident).to_string()), cell(""), of]);
    }
    out.push_str(&format!("\n{}", table.render(style)));
    let meaning = format!("{}, by newest frame", moment(&view.header));
    out.push_str(&heading("Lines", &meaning, style));
    out.push_str(&places("line", &view.lines, false, &view.header, style));
    out.push_str(&more(view.lines.len(), view.line_count, view.rest_bytes, "line", style));
    out
}

/// After the summary of a trace, a file as the reader wrote it.
pub fn next_after_trace(file: &str, style: &Style) -> String {
    let trace = format!("memsight trace {}", quoted(file));
    let steps = vec![
        (format!("{trace} tree"), "who called whom"),
        (format!("{trace} lines --filter DIR/"), "by the newest frame in files of yours"),
        (format!("{trace} flamegraph -o peak.svg"), "all stacks at one glance"),
    ];
    section(steps, style)
}

/// How the program ended.
fn ending(view: &SummaryView) -> String {
    match (view.exit_code, view.signal) {
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => String::new(),
    }
}

/// `memsight trace FILE lines`, and `functions`, `files`, `modules`.
pub fn trace_places(view: &PlacesView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let what = view.places.word();
    let title = format!("{}{}s", what[..1].to_uppercase(), &what[1..]);
    let order = if view.is_inclusive { "with all that they called" } else { "by newest frame" };
    out.push_str(&heading(&title, &format!("{}, {order}", moment(&view.header)), style));
    out.push_str(&places(what, view.places.rows(), view.is_inclusive, &view.header, style));
    out.push_str(&more(view.places.rows().len(), view.place_count, view.rest_bytes, what, style));
    out
}

fn places(what: &'static str, rows: &[PlaceRow], inclusive: bool, header: &TraceHeader, style: &Style) -> String {
    if rows.is_empty() {
        return "  nothing\n".to_owned();
    }
    let wide = style.width >= WIDE;
    // Sums over the whole run are what is shown, where that is asked for.
    let over_all = wide && header.at_ns.is_some();
    let mut table = Table::new(2).giving(what);
    if inclusive {
        table = table.numbers(&["with calls"]);
    }
    table = table.numbers(&["bytes", "share", "blocks"]);
    if over_all {
        table = table.numbers(&["allocated", "times"]);
    }
    table = table.optional();
    for row in rows {
        let mut cells = vec![cell(name(row))];
        if inclusive {
            cells.push(cell(Bytes(row.inclusive_bytes).to_string()));
        }
        let bytes = size(row.figures.bytes, if row.figures.bytes > 0 { row.figures.error_bytes } else { 0 });
        cells.extend([cell(bytes), cell(percent(row.share)), cell(count(row.figures.count))]);
        if over_all {
            cells.extend([cell(Bytes(row.allocated_bytes).to_string()), cell(count(row.allocations))]);
        }
        cells.push(toned(Tone::Hint, bar(row.share, BAR)));
        table.row(cells);
    }
    table.render(style)
}

fn name(row: &PlaceRow) -> String {
    match (&row.module, &row.function) {
        (Some(module), _) => clean(module),
        (None, Some(function)) => place(function, &row.file, row.line.unwrap_or_default()),
        (None, None) if row.file.is_empty() => "(no Python frame)".to_owned(),
        (None, None) => clean(&row.file),
    }
}

/// `memsight trace FILE churn`, `memsight trace FILE temporary`.
pub fn trace_churn(view: &ChurnView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let (title, meaning) = match view.is_temporary {
        true => ("Temporary", "blocks that were free again before the same thread's next allocation but one"),
        false => ("Churn", "what was allocated over the whole run, and how much of it lived at the peak"),
    };
    out.push_str(&heading(title, meaning, style));
    if view.lines.is_empty() {
        out.push_str("  nothing\n");
        return out;
    }
    let mut table = Table::new(2).giving("line").numbers(&["bytes", "share", "times"]);
    table = match view.is_temporary {
        true => table.numbers(&["of all times"]),
        false => table.numbers(&["mean", "at peak"]),
    };
    for row in &view.lines {
        let (bytes, times) = (size(row.figures.bytes, row.figures.error_bytes), count(row.figures.count));
        let mut cells = vec![cell(spot(&row.spot)), cell(bytes), cell(percent(row.share)), cell(times)];
        if view.is_temporary {
            cells.push(cell(percent(share(row.figures.count, row.allocations))));
        } else {
            let mean = row.figures.bytes.checked_div(row.figures.count).unwrap_or_default();
            cells.extend([cell(Bytes(mean).to_string()), cell(Bytes(row.peak_bytes).to_string())]);
        }
        table.row(cells);
    }
    out.push_str(&table.render(style));
    out.push_str(&more(view.lines.len(), view.line_count, view.rest_bytes, "line", style));
    out
}

/// `memsight trace FILE threads`.
pub fn trace_threads(view: &ThreadSumsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = format!("{}, by who allocated", moment(&view.header));
    out.push_str(&heading("Threads", &meaning, style));
    let mut table = Table::new(2).text("thread").numbers(&["bytes", "share", "blocks", "at end", "allocated"]);
    table = if style.width >= WIDE { table.numbers(&["times"]) } else { table };
    for row in &view.threads {
        let bytes = size(row.figures.bytes, row.figures.error_bytes);
        let mut cells = vec![cell(row.thread.to_string()), cell(bytes), cell(percent(row.share))];
        cells.extend([cell(count(row.figures.count)), cell(Bytes(row.end_bytes).to_string())]);
        cells.push(cell(Bytes(row.allocated_bytes).to_string()));
        if style.width >= WIDE {
            cells.push(cell(count(row.allocations)));
        }
        table.row(cells);
    }
    out.push_str(&table.render(style));
    out.push_str(&more(view.threads.len(), view.thread_count, view.rest_bytes, "thread", style));
    out
}

/// `memsight trace BEFORE AFTER`.
pub fn trace_compare(view: &TraceCompareView, style: &Style) -> String {
    let mut out = format!("{}\n", style.paint(Tone::Strong, "before"));
    out.push_str(&header(&view.before, style));
    out.push_str(&format!("\n{}\n{}", style.paint(Tone::Strong, "after"), header(&view.after, style)));
    let meaning = format!("{} in all, by newest frame; the largest change first", signed(view.growth_bytes));
    out.push_str(&heading("Growth", &meaning, style));
    if view.lines.is_empty() {
        out.push_str("  no line differs\n");
        return out;
    }
    let mut table = Table::new(2).giving("line").numbers(&["before", "after", "growth", "blocks"]);
    for line in &view.lines {
        table.row(growth(line));
    }
    out.push_str(&table.render(style));
    let left = view.line_count.saturating_sub(view.lines.len() as u64);
    if left > 0 {
        let text = format!("and {} that changed less (--top 0 shows all)", plural(left, "line"));
        out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &text)));
    }
    out
}

fn growth(line: &LineGrowth) -> Vec<(String, Option<Tone>)> {
    let error = if line.error_bytes > 0 { format!(" ±{}", Bytes(line.error_bytes)) } else { String::new() };
    let blocks = i128::from(line.after_count) - i128::from(line.before_count);
    let sign = if blocks > 0 { "+" } else { "" };
    vec![
        cell(spot(&line.spot)),
        cell(Bytes(line.before_bytes).to_string()),
        cell(Bytes(line.after_bytes).to_string()),
        cell(format!("{}{error}", signed(line.growth_bytes))),
        cell(format!("{sign}{}{}", if blocks < 0 { "-" } else { "" }, count(blocks.unsigned_abs() as u64))),
    ]
}

/// `+12.0 MiB`, `-3.0 KiB`, `0 B`.
fn signed(bytes: i64) -> String {
    let sign = match bytes {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", Bytes(bytes.unsigned_abs()))
}
