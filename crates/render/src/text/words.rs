//! Words, numbers and bars that fit a terminal.

use std::borrow::Cow;

use memsight_model::{pieces, visible};
use unicode_width::UnicodeWidthStr;

use super::style::code;

/// Columns that `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Text of the target as it may be shown in a line: characters that control a terminal or the reading order, and those that
/// nobody sees, are escaped.
pub fn clean(text: &str) -> String {
    visible(text, |_| false).into_owned()
}

/// A whole text on its way to a terminal: what [`clean`] escapes, but for line breaks, tabs, and our own colours where there
/// are any. Views clean what they show; this is the door that nothing passes by.
pub fn door(text: &str, color: bool) -> Cow<'_, str> {
    let plain = |text| visible(text, |c| matches!(c, '\n' | '\t'));
    if !color {
        return plain(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, piece) in text.split("\x1b[").enumerate() {
        let code = code::ALL.iter().find(|code| at > 0 && piece.starts_with(**code));
        match code {
            Some(code) => out.extend(["\x1b[", code]),
            None if at > 0 => out.push_str("\\x1b["),
            None => {}
        }
        out.push_str(&plain(&piece[code.map_or(0, |code| code.len())..]));
    }
    Cow::Owned(out)
}

/// `text` in at most `width` columns: the middle goes, because both the package and the name say what it is. An escape goes or
/// stays as a whole.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let all: Vec<&str> = pieces(text).collect();
    let head = take(all.iter(), room / 3).concat();
    let mut tail = take(all.iter().rev(), room - columns(&head));
    tail.reverse();
    format!("{head}…{}", tail.concat())
}

/// `text` in at most `width` columns: the end goes. An escape goes or stays as a whole.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let all: Vec<&str> = pieces(text).collect();
    format!("{}…", take(all.iter(), width.saturating_sub(1)).concat())
}

/// As many pieces as fit `width` columns.
fn take<'t>(pieces: impl Iterator<Item = &'t &'t str>, width: usize) -> Vec<&'t str> {
    let mut left = width;
    pieces
        .map_while(|piece| {
            left = left.checked_sub(columns(piece))?;
            Some(*piece)
        })
        .collect()
}

/// A share from 0 to 1 as `12.3%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0)
}

/// `part` of `whole` from 0 to 1; 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A bar of at most `width` columns, to an eighth of a column.
pub(super) fn bar(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    // Something that is there is never shown as nothing.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// `1 object`, `3 objects`.
pub(super) fn plural(n: u64, one: &str) -> String {
    let ending = match (n, one.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {one}{ending}", memsight_model::count(n))
}

/// Pieces joined by `glue`, broken into lines of at most `width` columns. A piece longer than a line is broken between its words,
/// and goes on two columns further in; one with a word longer than a line is shortened.
pub(super) fn wrap<S: AsRef<str>>(pieces: impl IntoIterator<Item = S>, glue: &str, width: usize) -> Vec<String> {
    let trails = !glue.starts_with(' ');
    let width = width.max(20) - if trails { columns(glue.trim_end()) } else { 0 };
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let mut parts = fitted(piece.as_ref(), width - columns(glue)).into_iter();
        let piece = parts.next().unwrap_or_default();
        match lines.last_mut() {
            None => lines.push(piece),
            Some(line) if parts.len() == 0 && columns(line) + columns(glue) + columns(&piece) <= width => {
                line.push_str(glue);
                line.push_str(&piece);
            }
            // A comma stays at the end of its line, an arrow leads the next one.
            Some(line) if trails => {
                line.push_str(glue.trim_end());
                lines.push(piece);
            }
            Some(_) => lines.push(format!("{}{piece}", glue.trim_start())),
        }
        lines.extend(parts.map(|part| format!("  {part}")));
    }
    lines
}

/// A text in lines of at most `width` columns, less two from the second on.
fn fitted(text: &str, width: usize) -> Vec<String> {
    if columns(text) <= width || text.split(' ').any(|word| columns(word) > width - 2) {
        return vec![shorten(text, width)];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width - 2 => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Words of a sentence in lines of at most `width` columns.
pub(super) fn wrap_words(sentence: &str, width: usize) -> Vec<String> {
    wrap(sentence.split_whitespace(), " ", width)
}

#[cfg(test)]
mod tests {
    use super::super::style::{Style, Tone};
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\n"), "a\\x1b[31mb\\n");
        assert_eq!(clean("\u{202e}evil"), "\\u202eevil");
        assert_eq!(clean("naïve.été"), "naïve.été");
        assert_eq!(clean("a\u{9b}b\u{200b}c\u{ad}"), "a\\x9bb\\u200bc\\xad");
    }

    #[test]
    fn the_door_knows_our_colours_and_nothing_else() {
        let ours = Style { color: true, width: 80 }.paint(Tone::Bad, "gone");
        assert_eq!(door(&format!("{ours}\n\tnext"), true), format!("{ours}\n\tnext"));
        assert_eq!(door("\x1b[2J\x1b]0;title\x07\x1b[31m\u{202e}", true), "\\x1b[2J\\x1b]0;title\\x07\\x1b[31m\\u202e");
        assert_eq!(door(&ours, false), "\\x1b[1;31mgone\\x1b[0m");
    }

    #[test]
    fn a_long_step_of_a_path_is_broken_between_its_words() {
        let steps = ["thread 'MainThread' (4242) frame normalise() at batch.py:26 local rows (list)", "[*] -> dict"];
        let lines = wrap(steps, " -> ", 40);
        assert_eq!(
            lines,
            ["thread 'MainThread' (4242) frame", "  normalise() at batch.py:26 local", "  rows (list) -> [*] -> dict"]
        );
        assert!(wrap(["x".repeat(99)], " -> ", 40)[0].contains('…'));
    }

    #[test]
    fn the_middle_goes_first() {
        assert_eq!(shorten("package.module.VeryLongClassName", 20), "packag…LongClassName");
        assert_eq!(shorten("short", 20), "short");
        assert_eq!(cut("    return rows", 12), "    return …");
        assert_eq!(columns(&shorten("漢字漢字漢字漢字漢字", 9)), 9);
    }

    #[test]
    fn an_escape_is_never_cut() {
        let name = clean("ab\x1b[31m\u{202e}very.long.name.of\u{e0041}\x07\n");
        for width in 1..columns(&name) {
            let short = shorten(&name, width);
            let (head, tail) = short.split_once('…').expect("an ellipsis");
            assert!(columns(&short) <= width, "{short} in {width}");
            let whole: Vec<&str> = pieces(&name).collect();
            assert_eq!(whole[..pieces(head).count()].concat(), head);
            assert_eq!(whole[whole.len() - pieces(tail).count()..].concat(), tail);
        }
    }

    #[test]
    fn bars_show_that_something_is_there() {
        assert_eq!(bar(0.0, 8), "");
        assert_eq!(bar(0.000_1, 8), "▏");
        assert_eq!(bar(0.5, 8), "████");
        assert_eq!(bar(7.0, 8), "████████");
    }

    #[test]
    fn lines_break_between_pieces() {
        assert_eq!(
            wrap(["module app.cache", "_entries (dict)", "'user:17'"], " -> ", 36),
            ["module app.cache -> _entries (dict)", "-> 'user:17'"]
        );
    }
}
