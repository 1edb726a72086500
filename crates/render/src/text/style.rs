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

/// What stands between `ESC [` and the text in a colour, and at its end; the one before the last is of plots alone.
pub(super) const CODES: [&str; 8] = ["32m", "33m", "1;31m", "36m", "1m", "2m", "35m", "0m"];

impl Tone {
    fn code(self) -> &'static str {
        let [good, warn, bad, hint, strong, dim, _, _] = CODES;
        match self {
            Tone::Good => good,
            Tone::Warn => warn,
            Tone::Bad => bad,
            Tone::Hint => hint,
            Tone::Strong => strong,
            Tone::Dim => dim,
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
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}{text}\x1b[0m", tone.code())
    }
}
