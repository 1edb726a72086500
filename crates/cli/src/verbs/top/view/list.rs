//! The list of processes.

use memsight_model::{Bytes, ProcessSample, Unavailable};
use memsight_render::text::clean;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::theme::{Theme, Tone};
use super::words::{bytes, growth, pad, percent, rate, sparkline, wrap};
use crate::verbs::top::state::columns::{Column, GUTTER, fit, gap, limit_share};
use crate::verbs::top::state::reading::Reading;
use crate::verbs::top::state::rows::Row;
use crate::verbs::top::state::track::anonymous;
use crate::verbs::top::state::{State, Watched};

/// Draws the titles and the rows that are on the screen.
pub fn draw(state: &State, area: Rect, theme: Theme, frame: &mut Frame) {
    let columns = fit(area.width, state.shown.has_limit());
    let mut out = vec![titles(state, &columns, area.width, theme)];
    out.extend(state.visible().map(|row| line(state, row, &columns, area.width, theme)));
    if state.order.is_empty() {
        let width = usize::from(area.width.saturating_sub(GUTTER)).max(1);
        out.extend(wrap(&nothing(state), width).into_iter().map(|text| Line::from(format!(" {text}"))));
    }
    super::lines(&out, area, frame);
}

/// Why the list is empty, and what would fill it.
fn nothing(state: &State) -> String {
    let filter = state.typing.as_deref().unwrap_or(&state.filter);
    match (state.readings, state.watched) {
        _ if !state.rows.is_empty() => {
            format!(
                "None of {} processes has \"{filter}\" in its command or pid. Esc drops the filter.",
                state.rows.len()
            )
        }
        (0, _) => "The first reading is under way.".to_owned(),
        (_, Watched::Pythons) => {
            "No Python process is running, or none that may be seen: `memsight doctor` says what is in the way."
                .to_owned()
        }
        (_, Watched::Tree(pid)) => format!("Process {pid} has ended."),
    }
}

fn titles(state: &State, columns: &[(Column, u16)], screen: u16, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(usize::from(GUTTER)))];
    for (at, &(column, width)) in columns.iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(usize::from(gap(screen)))));
        }
        let sorted = column == state.sort.column;
        let arrow = if state.sort.descending { "▼" } else { "▲" };
        let text = match (sorted, column.is_number()) {
            (true, true) => format!("{arrow}{}", column.title()),
            (true, false) => format!("{}{arrow}", column.title()),
            _ => column.title().to_owned(),
        };
        let mut style = theme.style(if sorted { Tone::Hint } else { Tone::Dim });
        if sorted {
            style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        }
        spans.push(Span::styled(pad(&text, usize::from(width), column.is_number()), style));
    }
    Line::from(spans)
}

fn line(state: &State, row: &Row, columns: &[(Column, u16)], screen: u16, theme: Theme) -> Line<'static> {
    let selected = state.selected == Some(row.identity);
    let mut spans = vec![Span::raw(if selected { ">" } else { " " })];
    let Some(process) = row.process(&state.shown) else { return Line::from(spans) };
    for (at, &(column, width)) in columns.iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(usize::from(gap(screen)))));
        }
        let width = usize::from(width);
        let (text, tone) = cell(state, row, process, column, width);
        // Colours that are reversed would be blocks.
        let tone = if selected { Tone::Plain } else { tone };
        spans.push(Span::styled(pad(&text, width, column.is_number()), theme.style(tone)));
    }
    let line = Line::from(spans);
    if selected { line.style(theme.selected()) } else { line }
}

fn cell(state: &State, row: &Row, process: &ProcessSample, column: Column, width: usize) -> (String, Tone) {
    let reading = &state.shown;
    match column {
        Column::Pid => (process.pid.to_string(), Tone::Plain),
        Column::Rss => (Bytes(process.memory.rss_bytes).to_string(), Tone::Strong),
        Column::Pss => of_rollup(process, process.rollup.map(|rollup| rollup.pss_bytes)),
        Column::Uss => of_rollup(process, process.rollup.map(|rollup| rollup.uss_bytes())),
        Column::Anon => (bytes(anonymous(process)), Tone::Plain),
        Column::Trend => growth(row.growth, width),
        Column::History => (sparkline(state.past(row.identity), width), Tone::Rss),
        Column::Collections => (rate(row.collections_per_second), Tone::Plain),
        Column::Limit => limit(process.pid, reading),
        Column::Python => (process.python.as_deref().map_or_else(|| "-".to_owned(), clean), Tone::Dim),
        Column::Command => command(process, reading),
    }
}

/// A dear figure: not read yet, or why it never will be.
fn of_rollup(process: &ProcessSample, value: Option<u64>) -> (String, Tone) {
    match (value, &process.rollup_missing) {
        (Some(value), _) => (Bytes(value).to_string(), Tone::Plain),
        (None, Some(missing)) if missing.code != Unavailable::COPIED => ("denied".to_owned(), Tone::Dim),
        (None, None) if process.state == 'Z' => ("-".to_owned(), Tone::Dim),
        (None, _) => ("…".to_owned(), Tone::Dim),
    }
}

fn limit(pid: u32, reading: &Reading) -> (String, Tone) {
    let Some(share) = limit_share(pid, reading) else { return ("-".to_owned(), Tone::Dim) };
    let limit = reading.container(pid).and_then(|container| container.limit_bytes).unwrap_or(0);
    let tone = if share >= 0.9 { Tone::Bad } else { Tone::Plain };
    (format!("{} of {}", percent(share), Bytes(limit)), tone)
}

fn command(process: &ProcessSample, reading: &Reading) -> (String, Tone) {
    match process.state {
        'Z' => (format!("(zombie) {}", clean(&process.name)), Tone::Dim),
        _ => (clean(without_folder(reading.command(process))), Tone::Plain),
    }
}

/// A command line whose program has lost its folder, which says the least and takes the most room.
fn without_folder(command: &str) -> &str {
    let program = command.split(' ').next().unwrap_or_default();
    let folder = program.rfind('/').map_or(0, |at| at + 1);
    // `/ x` and `dir/ x` name no program: they stay as they are.
    if folder < program.len() { command.get(folder..).unwrap_or(command) } else { command }
}
