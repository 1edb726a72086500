//! Characters that a reader does not see, or that change what is seen.
//!
//! Names, paths and texts come from a process, a file or the network. What they could do to a terminal, to the reading order
//! or by being invisible is the same everywhere, and so is the list.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write};

/// Whether a character controls a terminal (C0, DEL, C1), the reading order, or cannot be seen: the general categories Cc, Cf,
/// Zl and Zp, and what is ignorable by default (`DerivedCoreProperties.txt`, Unicode 16).
pub fn is_hidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        c if c.is_control() => true,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' => {
            true
        }
        '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// A hidden character as the `repr` of Python writes it: `\n`, `\x1b`, `\u202e`, `\U000e0041`. Whoever shows one does it
/// this way.
#[derive(Debug, Clone, Copy)]
pub struct Escape(pub char);

impl Display for Escape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            other => match other as u32 {
                code @ ..0x100 => write!(f, "\\x{code:02x}"),
                code @ ..0x1_0000 => write!(f, "\\u{code:04x}"),
                code => write!(f, "\\U{code:08x}"),
            },
        }
    }
}

/// `text` with its hidden characters as escapes, but for those that stay.
pub fn visible(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let goes = |c: char| is_hidden(c) && !stays(c);
    if !text.contains(goes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match goes(c) {
            // writing to a string cannot fail
            true => drop(write!(out, "{}", Escape(c))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A name that a program gave, between quotes as `repr` writes it, so that it ends where it ends; `(no name)` for an empty one.
pub fn quoted(name: &str) -> String {
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    let mut out = String::with_capacity(name.len() + 2);
    out.push('\'');
    for c in name.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            // writing to a string cannot fail
            c if is_hidden(c) => drop(write!(out, "{}", Escape(c))),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// The characters of a visible text, with each [`Escape`] in one piece: a text is cut between these. (A backslash of the
/// text's own that looks like one is not cut either.)
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (piece, behind) = rest.split_at(escape_len(rest).unwrap_or(first.len_utf8()));
        rest = behind;
        Some(piece)
    })
}

/// Bytes of the escape that `text` begins with.
fn escape_len(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('\\')?.as_bytes();
    let digits = match behind.first()? {
        b'n' | b'r' | b't' => 0,
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => return None,
    };
    behind.get(1..=digits)?.iter().all(u8::is_ascii_hexdigit).then_some(2 + digits)
}

/// A document of JSON in which every hidden character of a string is an escape: to a parser it says the same. Line breaks
/// between values stay.
pub fn visible_json(text: String) -> String {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if text.is_ascii() && !text.contains('\x7f') || !text.contains(hidden) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // writing to a string cannot fail
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        assert!("naïve.été 漢字 ﷲ 🐍 «x»".chars().all(|c| !is_hidden(c)));
        assert!("\x1b\x7f\u{9b}\u{200b}\u{202e}\u{2066}\u{feff}\u{ad}\u{2028}\u{e0041}\u{3164}".chars().all(is_hidden));
    }

    #[test]
    fn escapes_are_those_of_python() {
        let text = "a\x1b[31m\n\r\t\u{9b}\u{202e}\u{e0041}é";
        assert_eq!(visible(text, |_| false), "a\\x1b[31m\\n\\r\\t\\x9b\\u202e\\U000e0041é");
        assert_eq!(visible("a\tb\x07", |c| c == '\t'), "a\tb\\x07");
        assert!(matches!(visible("naïve", |_| false), Cow::Borrowed("naïve")));
    }

    #[test]
    fn a_quoted_name_ends_where_it_ends() {
        assert_eq!(quoted("worker-3"), "'worker-3'");
        assert_eq!(quoted("it's' (1)\\\n"), "'it\\'s\\' (1)\\\\\\n'");
        assert_eq!(quoted(""), "(no name)");
    }

    #[test]
    fn an_escape_is_one_piece() {
        let text = visible("é\x1b\u{202e}\u{e0041}\n!", |_| false).into_owned();
        assert_eq!(pieces(&text).collect::<Vec<_>>(), ["é", "\\x1b", "\\u202e", "\\U000e0041", "\\n", "!"]);
        for cut in ["\\", "\\x", "\\x1", "\\u202", "\\x1é", "\\é"] {
            assert_eq!(pieces(cut).collect::<String>(), cut);
            assert_eq!(pieces(cut).next(), Some("\\"));
        }
    }

    #[test]
    fn json_says_the_same() {
        assert_eq!(
            visible_json("{\n\"a\u{202e}\": \"\u{9b}\u{e0041}é\"}".into()),
            "{\n\"a\\u202e\": \"\\u009b\\udb40\\udc41é\"}"
        );
    }
}
