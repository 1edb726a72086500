//! Memory over time, a source file, stacks for flame graphs.

use memsight_analysis::profile::{FlameView, SourceLine, SourceView, TimelineView};
use memsight_model::{Bytes, count, duration};

use super::super::heading;
use super::super::style::{Style, Tone};
use super::super::table::{Table, cell, toned};
use super::super::words::{clean, percent, share};
use super::{WIDE, header, moment, size};
use crate::plot::{self, Plot, Series};

/// Lines of the plot in a terminal.
const LINES: usize = 20;
/// Its columns at most.
const COLUMNS: usize = 120;
/// Lines without figures that are shown before and after one that has some.
const AROUND: usize = 2;

/// `memsight trace FILE timeline`.
pub fn trace_timeline(view: &TimelineView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    out.push('\n');
    out.push_str(&plot::terminal(&trace_plot(view), style.width.min(COLUMNS), LINES, style, false));
    let text = format!("at each moment the most of {}, and the resident set as it was read", duration(view.step_ns));
    out.push_str(&format!("{}\n", style.paint(Tone::Dim, &text)));
    out
}

/// The same as a plot.
pub fn trace_plot(view: &TimelineView) -> Plot {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let live = view.points.iter().map(|point| (seconds(point.time_ns), point.most_bytes as f64)).collect();
    let resident = view.points.iter().filter_map(|point| Some((seconds(point.time_ns), point.resident_bytes? as f64)));
    let mut series = vec![Series { name: "allocated and live".into(), points: live }];
    series.push(Series { name: "RSS".into(), points: resident.collect() });
    series.retain(|series| !series.points.is_empty());
    Plot {
        title: format!("{}, pid {}", view.header.program, view.header.pid),
        subtitle: format!("Python {}, recorded for {}", view.header.python, duration(view.header.duration_ns)),
        measure: "bytes".into(),
        series,
        total: Vec::new(),
        markers: vec![(seconds(view.peak_at_ns), format!("peak {}", Bytes(view.peak_bytes)))],
        limit: None,
    }
}

/// `memsight trace FILE source FILE.py`.
pub fn trace_source(view: &SourceView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let part = percent(share(view.file_figures.bytes, view.header.total.bytes));
    let meaning = format!(
        "{}: {} ({part}) in its lines; \"with calls\" has what they called, too",
        moment(&view.header),
        size(view.file_figures.bytes, view.file_figures.error_bytes)
    );
    out.push_str(&heading(&clean(&view.file), &meaning, style));
    if !view.is_read {
        let text = "its text is not there: the lines that allocated alone";
        out.push_str(&format!("  {}\n", style.paint(Tone::Warn, text)));
    }
    let wide = style.width >= WIDE;
    let mut table = Table::new(2).numbers(&["bytes", "with calls"]);
    table = if wide { table.numbers(&["allocated", "times"]) } else { table };
    table = table.numbers(&["line"]).code("source");
    let near = near(&view.lines);
    for (at, (line, is_near)) in view.lines.iter().zip(&near).enumerate() {
        // Of lines that are left out the first one stands for all.
        let after_near = at.checked_sub(1).is_none_or(|before| near.get(before) == Some(&true));
        if *is_near || after_near {
            table.row(source_line(line, wide, !is_near));
        }
    }
    out.push_str(&table.render(style));
    out
}

fn source_line(line: &SourceLine, wide: bool, is_gap: bool) -> Vec<(String, Option<Tone>)> {
    let some = |bytes: u64| cell(if bytes > 0 { Bytes(bytes).to_string() } else { String::new() });
    let mut cells = vec![cell(match line.figures.bytes {
        0 => String::new(),
        bytes => size(bytes, line.figures.error_bytes),
    })];
    cells.push(some(line.inclusive_bytes));
    if wide {
        cells.push(some(line.allocated_bytes));
        cells.push(cell(if line.allocations > 0 { count(line.allocations) } else { String::new() }));
    }
    let text = line.text.as_deref().map(|text| clean(&text.replace('\t', "    ")));
    let number = match line.line {
        _ if is_gap => "...".to_owned(),
        0 => "?".to_owned(),
        number => number.to_string(),
    };
    cells.push(toned(Tone::Dim, number));
    cells.push(cell(if is_gap { String::new() } else { text.unwrap_or_default() }));
    cells
}

fn has_figures(line: &SourceLine) -> bool {
    line.inclusive_bytes > 0 || line.allocations > 0
}

/// Which lines have figures, or stand next to one that has.
fn near(lines: &[SourceLine]) -> Vec<bool> {
    let mut near = vec![false; lines.len()];
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| has_figures(line)) {
        let (from, to) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(lines.len()));
        if let Some(near) = near.get_mut(from..to) {
            near.fill(true);
        }
    }
    near
}

/// `memsight trace FILE flamegraph`: the stacks as other tools read them.
pub fn trace_flame(view: &FlameView, _style: &Style) -> String {
    collapsed(view).map(|line| line + "\n").collect()
}

/// A line for each stack: its frames, the oldest first, with semicolons between them, a blank, and bytes.
pub fn collapsed(view: &FlameView) -> impl Iterator<Item = String> {
    let frame = |frame: &String| clean(frame).replace(';', ",");
    view.stacks.iter().map(move |stack| {
        let frames: Vec<String> = stack.frames.iter().map(frame).collect();
        format!("{} {}", frames.join(";"), stack.figures.bytes)
    })
}
