//! What is shown how: colours where they are wanted, and words and signs that say the same without them.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// How the screen may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub color: bool,
    /// Only characters that every terminal and font has.
    pub ascii_only: bool,
}

/// What a colour means. The words beside it always say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
    Hint,
    Rss,
    Pss,
    Uss,
    Anon,
}

impl Theme {
    pub fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let colored = |color| if self.color { plain.fg(color) } else { plain };
        match tone {
            Tone::Plain => plain,
            Tone::Strong => plain.add_modifier(Modifier::BOLD),
            Tone::Dim => plain.add_modifier(Modifier::DIM),
            Tone::Good => colored(Color::Green),
            Tone::Warn => colored(Color::Yellow),
            Tone::Bad => colored(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Hint | Tone::Rss => colored(Color::Cyan),
            Tone::Pss => colored(Color::Yellow),
            Tone::Uss => colored(Color::Magenta),
            Tone::Anon => colored(Color::Green),
        }
    }

    /// The selected row.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Puts ASCII in the place of every sign that is not, when that is asked for.
    pub fn finish(self, buffer: &mut Buffer) {
        if !self.ascii_only {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol().chars().next().unwrap_or(' '));
                cell.set_char(plain);
            }
        }
    }
}

/// The nearest sign of ASCII.
fn ascii(sign: char) -> char {
    match sign {
        '▁' | '▂' => '_',
        '▃' => '.',
        '▄' => '-',
        '▅' => '=',
        '▆' => '+',
        '▇' => '*',
        '█' => '#',
        '│' => '|',
        '─' | '·' | '→' => '-',
        '┌' | '└' | '┐' | '┘' => '+',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        '…' => '~',
        '\u{2800}'..='\u{28ff}' => '*',
        _ => '?',
    }
}
