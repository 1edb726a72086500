//! The keys, and what the columns mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, Tone};
use super::words::{cut, pad};
use crate::verbs::top::state::{HELP, MEANING};

/// Columns of the keys.
const KEYS: usize = 14;
/// Screens of twice this width have two columns.
const COLUMN: u16 = 60;

/// Draws as much as fits, from the line `top` on; in two columns where there is room.
pub fn draw(top: usize, area: Rect, theme: Theme, frame: &mut Frame) {
    let entry = |&(name, text): &(&'static str, &'static str), width: usize| {
        Line::from(vec![
            Span::styled(pad(name, KEYS, false), theme.style(Tone::Hint)),
            Span::raw(cut(text, width.saturating_sub(KEYS))),
        ])
    };
    let part = |title, entries: &[(&'static str, &'static str)], width: u16| {
        let mut lines = vec![super::heading(title, width, theme)];
        lines.extend(entries.iter().map(|each| entry(each, usize::from(width))));
        lines
    };
    let half = area.width / 2;
    if half >= COLUMN {
        super::lines(&part("Keys", &HELP, half - 2), Rect { width: half - 2, ..area }, frame);
        let right = Rect { x: area.x + half, width: area.width - half, ..area };
        super::lines(&part("Columns", &MEANING, right.width), right, frame);
        return;
    }
    let mut all = part("Keys", &HELP, area.width);
    all.extend(part("Columns", &MEANING, area.width));
    super::lines(all.get(top..).unwrap_or_default(), area, frame);
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn no_text_is_cut_on_a_screen_of_80_or_of_two_columns() {
        let room = usize::from(COLUMN) - 2 - KEYS;
        for (name, text) in HELP.iter().chain(&MEANING) {
            assert!(name.width() < KEYS && text.width() <= room, "{text}: {} of {room}", text.width());
        }
    }
}
