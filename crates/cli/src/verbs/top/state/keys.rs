//! What each key does.

use super::columns::{Column, Sort, fit};
use super::{Effect, LookKind, State, list_rows};

/// A key, whatever the terminal sends for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    /// Ctrl-C
    Interrupt,
    /// Ctrl-Z
    Suspend,
    /// Ctrl-L
    Redraw,
}

/// The keys as the help names them.
pub const HELP: [(&str, &str); 19] = [
    ("q  Ctrl-C", "quit"),
    ("?  h", "this help"),
    ("space  p", "pause the display; readings go on"),
    ("up down  k j", "move"),
    ("gg  G", "first, last (also Home, End)"),
    ("PgUp  PgDn", "a screen up, down"),
    ("enter", "one process: figures, collector, heap"),
    ("esc", "back; give up a look; drop the filter"),
    ("left right", "sort by the next column; turn the page"),
    ("1 2 3 4", "sort by rss, pss, uss, trend"),
    ("i", "invert the order"),
    ("/", "filter by command or pid"),
    ("r", "forget the past: begin trends, charts anew"),
    ("+  -", "read more often, less often"),
    ("s", "one process: types of its heap (a snapshot)"),
    ("l", "one process: leak suspects (a snapshot)"),
    ("tab", "one process: next page"),
    ("Ctrl-L", "draw anew"),
    ("Ctrl-Z", "suspend"),
];

/// The words of the columns that are not plain English.
pub const MEANING: [(&str, &str); 7] = [
    ("rss", "resident memory; shared pages count in full"),
    ("pss", "the same; a shared page counts as its share"),
    ("uss", "what would be freed if it ended now"),
    ("anon", "resident anonymous memory: heaps and stacks"),
    ("trend", "of rss; steady: by less than 1% or 1 MiB"),
    ("gc/s", "garbage collections a second"),
    ("limit", "part of its container's memory limit in use"),
];

/// Longest filter that can be typed.
const FILTER_CAP: usize = 200;
/// Exit code of Ctrl-C.
const INTERRUPTED: i32 = crate::STOPPED;

/// The first line of the help after a key; any key that does not scroll closes it, and does no more.
fn scrolled(top: usize, key: Key) -> Option<usize> {
    let last = HELP.len() + MEANING.len();
    match key {
        Key::Down | Key::Char('j') => Some((top + 1).min(last)),
        Key::Up | Key::Char('k') => Some(top.saturating_sub(1)),
        Key::PageDown | Key::End => Some(HELP.len() + 1),
        Key::PageUp | Key::Home => Some(0),
        _ => None,
    }
}

impl State {
    pub(super) fn key(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Interrupt => return vec![Effect::Quit(INTERRUPTED)],
            Key::Suspend => return vec![Effect::Suspend],
            Key::Redraw => return vec![Effect::Redraw],
            _ => {}
        }
        if self.typing.is_some() {
            self.type_filter(key);
            return Vec::new();
        }
        let half = std::mem::take(&mut self.half_key);
        if let Some(top) = self.help {
            self.help = scrolled(top, key);
            return if key == Key::Char('q') { vec![Effect::Quit(0)] } else { Vec::new() };
        }
        match key {
            Key::Char('q') => return vec![Effect::Quit(0)],
            Key::Char('?' | 'h') => self.help = Some(0),
            Key::Char(' ' | 'p') => self.pause(),
            Key::Char('r') => self.reset(),
            Key::Char('+' | '=') => return self.change_interval(true),
            Key::Char('-' | '_') => return self.change_interval(false),
            Key::Char('g') if !half => self.half_key = true,
            Key::Char('g') => self.go(isize::MIN),
            key if self.detail.is_some() => return self.key_of_detail(key),
            key => self.key_of_list(key),
        }
        Vec::new()
    }

    fn key_of_list(&mut self, key: Key) {
        match key {
            Key::Enter => self.enter(),
            Key::Esc if !self.filter.is_empty() => {
                self.filter.clear();
                self.arrange();
            }
            Key::Char('/') => self.typing = Some(self.filter.clone()),
            Key::Left => self.sort_by_neighbour(false),
            Key::Right => self.sort_by_neighbour(true),
            Key::Char('i') => {
                self.sort.descending = !self.sort.descending;
                self.arrange();
            }
            Key::Char('1') => self.sort_by(Column::Rss),
            Key::Char('2') => self.sort_by(Column::Pss),
            Key::Char('3') => self.sort_by(Column::Uss),
            Key::Char('4') => self.sort_by(Column::Trend),
            key => self.move_by_key(key),
        }
    }

    fn key_of_detail(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Esc => return self.cancel_look().unwrap_or_else(|| self.leave()),
            Key::Char('s') => return self.look(LookKind::Types),
            Key::Char('l') => return self.look(LookKind::Suspects),
            Key::Tab | Key::Right => self.turn_page(true),
            Key::BackTab | Key::Left => self.turn_page(false),
            key => self.move_by_key(key),
        }
        Vec::new()
    }

    fn move_by_key(&mut self, key: Key) {
        let screen = isize::try_from(list_rows(self.size.1).max(1)).unwrap_or(1);
        match key {
            Key::Up | Key::Char('k') => self.go(-1),
            Key::Down | Key::Char('j') => self.go(1),
            Key::PageUp => self.go(-screen),
            Key::PageDown => self.go(screen),
            Key::Home => self.go(isize::MIN),
            Key::End | Key::Char('G') => self.go(isize::MAX),
            _ => {}
        }
    }

    /// Moves the selection, or the page of a process.
    fn go(&mut self, by: isize) {
        match &mut self.detail {
            Some(detail) => detail.scroll = detail.scroll.saturating_add_signed(by).min(detail.last_item()),
            None => self.step(by),
        }
    }

    fn pause(&mut self) {
        self.paused = !self.paused;
        if !self.paused {
            self.show_latest();
        }
    }

    fn turn_page(&mut self, forward: bool) {
        if let Some(detail) = &mut self.detail {
            detail.page = detail.page.next(forward);
            detail.scroll = 0;
        }
    }

    /// Sorts by the next column that is on the screen.
    fn sort_by_neighbour(&mut self, right: bool) {
        let columns = fit(self.size.0, self.shown.has_limit()).into_iter().map(|(column, _)| column);
        let columns: Vec<Column> = columns.filter(|&column| column != Column::History).collect();
        let next = match right {
            true => columns.iter().find(|&&column| column > self.sort.column),
            false => columns.iter().rev().find(|&&column| column < self.sort.column),
        };
        if let Some(&column) = next {
            self.sort = Sort::by(column);
            self.arrange();
        }
    }

    fn type_filter(&mut self, key: Key) {
        let Some(mut text) = self.typing.take() else { return };
        match key {
            Key::Enter => self.filter = text,
            Key::Esc => {}
            Key::Backspace => {
                text.pop();
                self.typing = Some(text);
            }
            Key::Char(letter) => {
                if text.len() < FILTER_CAP && !letter.is_control() {
                    text.push(letter);
                }
                self.typing = Some(text);
            }
            _ => self.typing = Some(text),
        }
        self.arrange();
    }
}
