//! Colour and width: what the reader's terminal can show.

/// How text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Use ANSI colours.
    pub color: bool,
    /// Columns of the terminal; text in tables is shortened to fit.
    pub width: usize,
}

/// What a colour means. The words beside it always say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Success.
    Good,
    /// Worth attention.
    Warn,
    /// Wrong.
    Bad,
    /// A command, a name or a place.
    Hint,
    /// A heading.
    Strong,
    /// Less important.
    Dim,
}

/// What stands between `ESC [` and the text in a colour.
pub(crate) mod code {
    pub const GREEN: &str = "32m";
    pub const YELLOW: &str = "33m";
    pub const RED: &str = "1;31m";
    pub const CYAN: &str = "36m";
    pub const MAGENTA: &str = "35m";
    pub const BOLD: &str = "1m";
    pub const DIM: &str = "2m";
    /// At its end.
    pub const END: &str = "0m";

    /// All that we write.
    pub const ALL: [&str; 8] = [GREEN, YELLOW, RED, CYAN, MAGENTA, BOLD, DIM, END];
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Good => code::GREEN,
            Tone::Warn => code::YELLOW,
            Tone::Bad => code::RED,
            Tone::Hint => code::CYAN,
            Tone::Strong => code::BOLD,
            Tone::Dim => code::DIM,
        }
    }
}

impl Style {
    /// No colours, `width` columns.
    pub fn plain(width: usize) -> Style {
        Style { color: false, width }
    }

    /// `text` in the colour of `tone`, or as it is.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if text.is_empty() { String::new() } else { self.colored(tone.code(), text) }
    }

    /// `text` in a colour of [`code`], or as it is.
    pub(crate) fn colored(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}{text}\x1b[{}", code::END) } else { text.to_owned() }
    }
}
