//! A view that is drawn over itself, without taking the whole terminal.

use std::io::{self, IsTerminal};

/// What was drawn.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: usize,
}

impl Screen {
    /// Whether stdout is a terminal that can move its cursor.
    #[allow(clippy::disallowed_methods, reason = "the command is the door to the environment")]
    pub(super) fn is_possible() -> bool {
        io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// What to write so that `text` stands where the last one stood: what wipes that, and the text. Lines that the terminal
    /// has no room for are left out: what has scrolled away cannot be drawn over.
    pub(super) fn frame(&mut self, text: &str) -> (String, String) {
        let room = terminal_size::terminal_size_of(io::stdout()).map_or(24, |(_, height)| usize::from(height.0));
        self.frame_in(text, room)
    }

    fn frame_in(&mut self, text: &str, room: usize) -> (String, String) {
        let (wipe, mut frame) = (self.wipe(), String::new());
        let lines: Vec<&str> = text.lines().take(room.saturating_sub(1).max(1)).collect();
        for line in &lines {
            frame.push_str(line);
            frame.push('\n');
        }
        self.lines = lines.len();
        (wipe, frame)
    }

    /// What to write so that the place is empty.
    pub(super) fn wipe(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_back_over_the_last_one_and_never_scrolls() {
        let mut screen = Screen::default();
        let pair = |wipe: &str, text: &str| (wipe.to_owned(), text.to_owned());
        assert_eq!(screen.frame_in("a\nb\nc\n", 24), pair("", "a\nb\nc\n"));
        assert_eq!(screen.frame_in("d\ne\nf\n", 3), pair("\x1b[3A\r\x1b[J", "d\ne\n"));
        assert_eq!(screen.wipe(), "\x1b[2A\r\x1b[J");
    }
}
