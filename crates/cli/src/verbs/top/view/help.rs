//! The keys, and what the columns mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, Tone};
use super::words::{cut, pad};
use crate::verbs::top::state::HELP;

/// Columns of the keys.
const KEYS: usize = 14;
/// The words of the columns that are not plain English.
const MEANING: [(&str, &str); 7] = [
    ("rss", "resident memory; shared pages count in full"),
    ("pss", "the same; a shared page counts as its share"),
    ("uss", "what would be freed if it ended now"),
    ("anon", "resident anonymous memory: heaps and stacks"),
    ("trend", "of rss; steady: by less than 1% or 1 MiB"),
    ("gc/s", "garbage collections a second"),
    ("limit", "part of its container's memory limit in use"),
];

/// Draws as much as fits: in two columns where there is room.
pub fn draw(area: Rect, theme: Theme, frame: &mut Frame) {
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
    if half >= 58 {
        super::lines(&part("Keys", &HELP, half - 2), Rect { width: half - 2, ..area }, frame);
        let right = Rect { x: area.x + half, width: area.width - half, ..area };
        super::lines(&part("Columns", &MEANING, right.width), right, frame);
        return;
    }
    let mut all = part("Keys", &HELP, area.width);
    all.extend(part("Columns", &MEANING, area.width));
    super::lines(&all, area, frame);
}
