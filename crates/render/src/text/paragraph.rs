//! A numbered paragraph: a sentence, then lines with a word in front.
//!
//! ```text
//!   1. 600 instances of Session, kept by app.cache
//!      path    module app -> cache (dict)
//! ```

use super::style::{Style, Tone};
use super::words::wrap_words;

/// Columns of the number, which all lines but the first leave free.
const NUMBER: usize = 5;
/// Columns between a word and its text.
const GAP: usize = 2;

/// A paragraph that is being written.
pub(super) struct Paragraph<'s> {
    style: &'s Style,
    /// Columns of the words in front.
    words: usize,
    text: String,
}

impl<'s> Paragraph<'s> {
    /// The paragraph with this number, from 0, that begins with `title`; `words` in front of its lines have so many columns.
    pub fn new(at: usize, title: &str, tone: Tone, words: usize, style: &'s Style) -> Paragraph<'s> {
        let mut text = String::new();
        for (line, title) in wrap_words(title, style.width.saturating_sub(NUMBER)).iter().enumerate() {
            let number = if line == 0 { format!("{:>3}. ", at + 1) } else { " ".repeat(NUMBER) };
            text.push_str(&format!("{number}{}\n", style.paint(tone, title)));
        }
        Paragraph { style, words, text }
    }

    /// Columns of a line behind its word.
    pub fn room(&self) -> usize {
        self.style.width.saturating_sub(NUMBER + self.words + GAP)
    }

    /// Adds lines, the first with a word in front.
    pub fn part(&mut self, word: &str, lines: Vec<String>, tone: Option<Tone>) {
        for (line, text) in lines.into_iter().enumerate() {
            let word = format!("{:<width$}", if line == 0 { word } else { "" }, width = self.words);
            let text = match tone {
                Some(tone) => self.style.paint(tone, &text),
                None => text,
            };
            let word = self.style.paint(Tone::Dim, &word);
            self.text.push_str(&format!("{}{word}{}{text}\n", " ".repeat(NUMBER), " ".repeat(GAP)));
        }
    }

    /// Adds a sentence, wrapped.
    pub fn sentence(&mut self, word: &str, text: &str, tone: Option<Tone>) {
        self.part(word, wrap_words(text, self.room()), tone);
    }

    /// The whole of it.
    pub fn finish(self) -> String {
        self.text
    }
}
