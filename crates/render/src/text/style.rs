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
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "1;31",
            Tone::Hint => "36",
            Tone::Strong => "1",
            Tone::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
