//! What the screen shows, and what keys do to it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Instant;

use memsight_engine::analysis::profile::{LinePlace, Now, NowLine};

/// By what the lines are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Live,
    Count,
    Rate,
}

impl Sort {
    pub const ALL: [Sort; 3] = [Sort::Live, Sort::Count, Sort::Rate];
}

/// What a person presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Quit,
    Interrupt,
    /// Draws everything anew.
    Redraw,
    Pause,
    Sort(usize),
    Before,
    Next,
    /// So many lines down.
    Move(isize),
    /// So many screens down.
    Page(isize),
}

/// What that asks for outside of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Quit,
    Interrupt,
}

/// A line with what it allocates in a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub line: NowLine,
    pub rate: u64,
}

/// The screen.
#[derive(Debug)]
pub struct State {
    pub title: String,
    /// What `q` does.
    pub quits: &'static str,
    pub sort: Sort,
    pub is_paused: bool,
    pub offset: usize,
    /// Rows that the screen has room for; known once it was drawn.
    pub room: usize,
    pub now: Now,
    /// Bytes allocated in a second, of all lines.
    pub rate: u64,
    pub rows: Vec<Row>,
    /// Why nothing more comes.
    pub over: Option<String>,
    /// What the program has written last.
    pub output: Option<String>,
    before: Option<(Instant, u64, HashMap<LinePlace, u64>)>,
}

impl State {
    pub fn new(title: &str, quits: &'static str) -> State {
        State {
            title: title.to_owned(),
            quits,
            sort: Sort::Live,
            is_paused: false,
            offset: 0,
            room: 0,
            now: Now::default(),
            rate: 0,
            rows: Vec::new(),
            over: None,
            output: None,
            before: None,
        }
    }

    /// Takes new figures; while it is paused they only count for the rates that follow.
    pub fn take(&mut self, now: Now, at: Instant) {
        let allocated: HashMap<LinePlace, u64> =
            now.lines.iter().map(|line| (line.place.clone(), line.allocated_bytes)).collect();
        let before = self.before.replace((at, now.allocated_bytes, allocated));
        if self.is_paused {
            return;
        }
        let seconds = before.as_ref().map_or(0.0, |(then, ..)| at.saturating_duration_since(*then).as_secs_f64());
        let rate = |then: u64, now: u64| match seconds > 0.0 {
            true => (now.saturating_sub(then) as f64 / seconds).round() as u64,
            false => 0,
        };
        // (what was not there at first has allocated all of it since then)
        let then = |place: &LinePlace| before.as_ref().and_then(|(.., then)| then.get(place)).copied().unwrap_or(0);
        self.rate = before.as_ref().map_or(0, |(_, then, _)| rate(*then, now.allocated_bytes));
        let row = |line: &NowLine| Row { line: line.clone(), rate: rate(then(&line.place), line.allocated_bytes) };
        self.rows = now.lines.iter().map(row).collect();
        self.now = now;
        self.order();
    }

    fn order(&mut self) {
        let sort = self.sort;
        self.rows.sort_by_cached_key(|row| {
            let by = match sort {
                Sort::Live => row.line.bytes,
                Sort::Count => row.line.count,
                Sort::Rate => row.rate,
            };
            (Reverse(by), Reverse(row.line.bytes), row.line.place.clone())
        });
        self.settle();
    }

    /// Has the first row that is shown be one that is there.
    pub fn settle(&mut self) {
        self.offset = self.offset.min(self.rows.len().saturating_sub(self.room.max(1)));
    }

    pub fn press(&mut self, key: Key) -> Option<Asks> {
        let turn = |by: usize| {
            let at = Sort::ALL.iter().position(|sort| *sort == self.sort).unwrap_or_default();
            Sort::ALL[(at + by) % Sort::ALL.len()]
        };
        match key {
            Key::Quit => return Some(Asks::Quit),
            Key::Interrupt => return Some(Asks::Interrupt),
            Key::Redraw => {}
            Key::Pause => self.is_paused = !self.is_paused,
            Key::Sort(at) => self.sort = Sort::ALL.get(at).copied().unwrap_or(self.sort),
            Key::Before => self.sort = turn(Sort::ALL.len() - 1),
            Key::Next => self.sort = turn(1),
            Key::Move(by) => self.offset = self.offset.saturating_add_signed(by),
            Key::Page(by) => self.offset = self.offset.saturating_add_signed(by * self.room.max(1) as isize),
        }
        self.order();
        None
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use memsight_engine::analysis::profile::Now;

    use super::*;

    fn now() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "any moment will do")]
        Instant::now()
    }

    fn line(number: u32, bytes: u64, count: u64, allocated_bytes: u64) -> NowLine {
        let place = LinePlace { file: "/srv/app.py".into(), line: number, function: "handle".into() };
        NowLine { place, bytes, count, allocated_bytes }
    }

    /// Three lines, half a second after they were first seen.
    pub fn example() -> State {
        let mut state = State::new("pid 4242  app.py", "ends it; the program goes on");
        let began = now();
        let figures = |bytes: u64| memsight_engine::analysis::profile::Figures { bytes, count: 9, error_bytes: 0 };
        let first = vec![line(17, 3 << 20, 30, 5 << 20), line(40, 1 << 20, 500, 1 << 20)];
        let at = |lines: Vec<NowLine>, allocated_bytes| Now {
            live: figures(4 << 20),
            peak_bytes: 6 << 20,
            resident_bytes: Some(45 << 20),
            allocated_bytes,
            lines,
            ..Now::default()
        };
        state.take(at(first, 6 << 20), began);
        let then = vec![line(17, 3 << 20, 30, 5 << 20), line(40, 1 << 20, 500, 3 << 20), line(7, 1024, 1, 1024)];
        state.take(at(then, (8 << 20) + 1024), began + Duration::from_millis(500));
        state
    }

    #[test]
    fn lines_are_in_the_order_that_was_asked_for() {
        let mut state = example();
        let order = |state: &State| state.rows.iter().map(|row| row.line.place.line).collect::<Vec<_>>();
        assert_eq!(order(&state), [17, 40, 7]);
        state.press(Key::Next);
        assert_eq!(order(&state), [40, 17, 7]);
        state.press(Key::Sort(2));
        assert_eq!((order(&state), state.rows[0].rate, state.rate), (vec![40, 7, 17], 4 << 20, (4 << 20) + 2048));
        assert_eq!(state.press(Key::Quit), Some(Asks::Quit));
    }

    #[test]
    fn a_screen_moves_no_further_than_its_rows_and_stands_still_when_paused() {
        let mut state = example();
        state.room = 2;
        state.press(Key::Move(isize::MAX));
        assert_eq!(state.offset, 1);
        state.press(Key::Page(-1));
        assert_eq!(state.offset, 0);
        state.press(Key::Pause);
        state.take(Now::default(), now());
        assert_eq!(state.rows.len(), 3);
    }
}
