//! The screen as a function of the state. Nothing is remembered or read here.

mod detail;
mod header;
mod heap;
mod help;
mod list;
pub mod theme;
mod words;

#[cfg(test)]
pub mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::state::{State, header_rows};
use theme::{Theme, Tone};

/// A screen smaller than this shows nothing but a sentence.
const LEAST: (u16, u16) = (20, 5);

/// Draws the state. Cost: linear in what is on the screen.
pub fn view(state: &State, theme: Theme, frame: &mut Frame) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = words::cut(&format!("needs {}x{}", LEAST.0, LEAST.1), usize::from(area.width));
        frame.render_widget(Line::from(text), area);
        theme.finish(frame.buffer_mut());
        return;
    }
    let header = Rect { height: header_rows(area.height), ..area };
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: header.bottom(), height: footer.y - header.bottom(), ..area };
    match (&state.detail, state.help) {
        (_, Some(top)) => help::draw(top, Rect { y: area.y, height: area.height - 1, ..area }, theme, frame),
        (Some(detail), _) => {
            lines(&header::of_detail(state, detail, header.width, theme), header, frame);
            detail::draw(state, detail, body, theme, frame);
        }
        (None, _) => {
            lines(&header::of_list(state, header.width, theme), header, frame);
            list::draw(state, body, theme, frame);
        }
    }
    frame.render_widget(header::footer(state, footer.width, theme), footer);
    theme.finish(frame.buffer_mut());
}

/// Draws lines from the top of an area; those that do not fit are left out.
fn lines(lines: &[Line<'_>], area: Rect, frame: &mut Frame) {
    for (row, line) in (area.y..area.bottom()).zip(lines) {
        frame.render_widget(line, Rect { y: row, height: 1, ..area });
    }
}

/// A heading of a part of the screen.
fn heading(text: &str, width: u16, theme: Theme) -> Line<'static> {
    words::pieces(&[(text.to_owned(), Tone::Strong)], width, theme)
}
