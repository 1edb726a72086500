//! The screen as a function of the state.

use memsight_model::{Bytes, count};
use memsight_render::text::clean;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::state::{Row, Sort, State};
use crate::verbs::top::view::theme::{Theme, Tone};
use crate::verbs::top::view::words::{cut, pad, pieces};

/// Columns of a number.
const NUMBER: usize = 11;
/// A screen smaller than this shows nothing but a sentence.
const LEAST: (u16, u16) = (40, 8);
/// Lines above the rows and below them.
const ABOVE: u16 = 4;
const BELOW: u16 = 2;

/// Draws the state.
pub fn draw(state: &mut State, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = cut(&format!("needs {}x{}", LEAST.0, LEAST.1), usize::from(area.width));
        frame.render_widget(Line::from(text), area);
        return;
    }
    state.room = usize::from(area.height - ABOVE - BELOW);
    state.settle();
    let mut lines = vec![who(state, area.width, theme), figures(state, area.width, theme), Line::default()];
    lines.push(titles(state, theme));
    let rows = state.rows.iter().skip(state.offset).take(state.room);
    lines.extend(rows.map(|row| line(row, usize::from(area.width), theme)));
    if state.rows.is_empty() {
        lines.push(Line::from(" Nothing was recorded yet."));
    }
    let above = Rect { height: area.height - BELOW, ..area };
    for (y, line) in (above.y..above.bottom()).zip(&lines) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
    let bottom = |up: u16| Rect { y: area.bottom() - up, height: 1, ..area };
    frame.render_widget(last(state, area.width, theme), bottom(2));
    frame.render_widget(footer(state, area.width, theme), bottom(1));
}

fn who(state: &State, width: u16, theme: Theme) -> Line<'static> {
    let how = match state.now.sample_bytes {
        0 => "every allocation".to_owned(),
        mean => format!("a sample of one in {}", Bytes(mean)),
    };
    let paused = if state.is_paused { "paused" } else { "" };
    let parts = [(clean(&state.title), Tone::Strong), (how, Tone::Dim), (paused.to_owned(), Tone::Warn)];
    pieces(&parts, width, theme)
}

fn figures(state: &State, width: u16, theme: Theme) -> Line<'static> {
    let mut parts = vec![
        (format!("live {}", Bytes(state.now.live.bytes)), Tone::Strong),
        (format!("peak {}", Bytes(state.now.peak_bytes)), Tone::Plain),
        (format!("allocating {}/s", Bytes(state.rate)), Tone::Plain),
    ];
    parts.extend(state.now.resident_bytes.map(|bytes| (format!("RSS {}", Bytes(bytes)), Tone::Rss)));
    pieces(&parts, width, theme)
}

fn titles(state: &State, theme: Theme) -> Line<'static> {
    let title = |sort: Sort, name: &str| {
        let is_it = state.sort == sort;
        let text = if is_it { format!("▼{name}") } else { name.to_owned() };
        let style = theme.style(if is_it { Tone::Hint } else { Tone::Dim });
        let style = if is_it { style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED) } else { style };
        [Span::styled(pad(&text, NUMBER, true), style), Span::raw(" ")]
    };
    let columns = [title(Sort::Live, "LIVE"), title(Sort::Count, "BLOCKS"), title(Sort::Rate, "ALLOC/S")];
    let mut spans: Vec<Span<'static>> = columns.into_iter().flatten().collect();
    spans.push(Span::styled(" LINE", theme.style(Tone::Dim)));
    Line::from(spans)
}

fn line(row: &Row, width: usize, theme: Theme) -> Line<'static> {
    let number = |text: String| pad(&text, NUMBER, true);
    let rate = if row.rate == 0 { "-".to_owned() } else { Bytes(row.rate).to_string() };
    let room = width.saturating_sub(3 * (NUMBER + 1) + 1);
    Line::from(vec![
        Span::styled(number(Bytes(row.line.bytes).to_string()), theme.style(Tone::Strong)),
        Span::raw(format!(" {} {}  ", number(count(row.line.count)), number(rate))),
        Span::styled(cut(&place(row), room), theme.style(Tone::Hint)),
    ])
}

/// `app.py:17 handle`: the file without its folder, which says the least and takes the most room.
fn place(row: &Row) -> String {
    let place = &row.line.place;
    let file = place.file.rsplit('/').next().unwrap_or_default();
    match file {
        "" => clean(&place.function),
        file if place.line == 0 => format!("{} {}", clean(file), clean(&place.function)),
        file => format!("{}:{} {}", clean(file), place.line, clean(&place.function)),
    }
}

/// How it ended, or what the program has written last.
fn last(state: &State, width: u16, theme: Theme) -> Line<'static> {
    let output = state.output.as_ref().map(|text| (format!("output: {}", clean(text)), Tone::Dim));
    let over = state.over.as_ref().map(|over| (clean(over), Tone::Warn));
    pieces(&over.into_iter().chain(output).collect::<Vec<_>>(), width, theme)
}

fn footer(state: &State, width: u16, theme: Theme) -> Line<'static> {
    let quits = if state.over.is_some() { "q closes".to_owned() } else { format!("q {}", state.quits) };
    let parts = [
        (quits, Tone::Plain),
        ("1 2 3 sort".to_owned(), Tone::Dim),
        ("space pause".to_owned(), Tone::Dim),
        ("up down scroll".to_owned(), Tone::Dim),
    ];
    pieces(&parts, width, theme)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::state::tests::example;
    use super::*;

    fn drawn(width: u16, height: u16, state: &mut State) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let theme = Theme { color: false, ascii_only: false };
        terminal.draw(|frame| draw(state, theme, frame)).expect("a drawing");
        let buffer = terminal.backend().buffer();
        let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }

    #[test]
    fn figures_and_lines_are_on_the_screen() {
        for (width, height) in [(80, 24), (120, 40), (60, 12)] {
            let mut state = example();
            state.output = Some("GET /".into());
            let lines = drawn(width, height, &mut state);
            // (what has no room is left out)
            let rss = if width < 80 { "" } else { "  RSS 45.0 MiB" };
            assert_eq!(lines[1], format!("live 4.0 MiB  peak 6.0 MiB  allocating 4.0 MiB/s{rss}"));
            assert!(lines[3].contains("▼LIVE") && lines[4].ends_with("app.py:17 handle"), "{lines:#?}");
            assert!(lines[usize::from(height) - 2].contains("output: GET /"), "{lines:#?}");
            assert!(
                lines[usize::from(height) - 1].starts_with("q ends it; the program goes on  1 2 3 sort"),
                "{lines:#?}"
            );
        }
        assert_eq!(drawn(20, 5, &mut example())[0], "needs 40x8");
    }
}
