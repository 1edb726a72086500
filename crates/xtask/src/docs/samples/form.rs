//! Whether two texts have the same form: the same words in the same order, whatever their numbers, widths and bars are.
//! Lines do not count, since where a line is wrapped depends on the numbers in it.

use std::fmt;

/// Stands for a number, a size, a time, an address, an empty cell: one or several of them, since which columns of a row
/// are empty depends on the machine.
const NUMBER: &str = "#";
/// Stands for anything, within a line or alone.
const LEFT_OUT: &str = "...";
const UNITS: &[&str] = &["B", "KiB", "MiB", "GiB", "ns", "µs", "ms", "s", "min", "h"];

/// The first line of a sample that is not printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from the first of the sample.
    pub line: usize,
    text: String,
    /// What follows the words that agree.
    instead: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "does not print {:?}, but {:?}", self.text, self.instead)
    }
}

/// Where `printed` has another form than the `sample`; `in_part`: anything may stand between the lines of it.
pub fn differs(sample: &[String], printed: &str, in_part: bool) -> Option<Fault> {
    let printed: Vec<String> = words(printed.lines()).into_iter().map(|(_, word)| word).collect();
    let mut pieces: Vec<Vec<(usize, String)>> = vec![Vec::new()];
    let mut last = 0;
    for (line, word) in words(sample.iter().map(String::as_str)) {
        if word == LEFT_OUT || (in_part && line != last) {
            pieces.push(Vec::new());
        }
        last = line;
        if let Some(piece) = pieces.last_mut().filter(|_| word != LEFT_OUT) {
            piece.push((line, word));
        }
    }
    if in_part {
        pieces.push(Vec::new());
    }
    let mut from = 0;
    let count = pieces.len();
    for (index, piece) in pieces.iter().enumerate() {
        let (is_first, is_last) = (index == 0 && !in_part, index + 1 == count);
        match place(piece, &printed, from, is_first, is_last) {
            Ok(end) => from = end,
            Err((at, instead)) => {
                let line = piece.get(at).or(piece.last()).map_or(0, |(line, _)| *line);
                let instead = printed.iter().skip(instead).take(12).cloned().collect::<Vec<_>>().join(" ");
                return Some(Fault { line, text: sample.get(line).cloned().unwrap_or_default(), instead });
            }
        }
    }
    None
}

/// Where a piece ends that begins at `from` (`here`) or behind it, and is the rest (`to_end`) or not. An error says how many
/// of its words were found at most, and what comes behind these.
fn place(
    piece: &[(usize, String)],
    printed: &[String],
    from: usize,
    here: bool,
    to_end: bool,
) -> Result<usize, (usize, usize)> {
    if piece.is_empty() {
        return Ok(from);
    }
    let mut best = (0, from);
    let last = if here { from } else { printed.len() };
    for start in from..=last {
        let same = piece.iter().zip(printed.iter().skip(start)).take_while(|((_, one), two)| one == *two).count();
        let end = start + same;
        if same == piece.len() && (!to_end || end == printed.len()) {
            return Ok(end);
        }
        if same > best.0 {
            best = (same, end);
        }
    }
    Err(best)
}

/// The words of lines, with the number of the line that they stand in.
fn words<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    // (the end of a bar; the mark of a line that stands there is one of them alone)
    let is_bar = |word: &str| word.len() > 1 && word.chars().all(|c| matches!(c, '=' | '?'));
    for (line, text) in lines.enumerate() {
        let words = text.split(|c: char| c.is_whitespace() || is_drawn(c));
        for word in words.filter(|word| !word.is_empty() && !is_bar(word)) {
            let word = shape(word);
            let after_number = found.last().is_some_and(|(_, last)| last.ends_with(NUMBER));
            match word.trim_end_matches([',', ';', ':', '.', ')']) {
                NUMBER if word == NUMBER && after_number => {}
                // A unit belongs to its number; what follows it stays.
                unit if after_number && UNITS.contains(&unit) => {
                    if let Some((_, last)) = found.last_mut() {
                        last.push_str(&word[unit.len()..]);
                    }
                }
                _ => found.push((line, word)),
            }
        }
    }
    found
}

/// Blocks and braille: bars, plots.
fn is_drawn(c: char) -> bool {
    matches!(c, '\u{2580}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')
}

/// A word with its numbers replaced.
fn shape(word: &str) -> String {
    if word == "-" || word.starts_with("0x") {
        return NUMBER.to_owned() + word.trim_start_matches(|c: char| c == '-' || c.is_ascii_alphanumeric());
    }
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '%' | ':');
    let mut shape = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !is_part(c)).unwrap_or(from.len());
        // What ends a sentence is no part of its last number.
        let number = from[..end].trim_end_matches([',', '.', ':']);
        shape.push_str(before);
        shape.push_str(NUMBER);
        rest = &from[number.len()..];
    }
    shape.push_str(rest);
    // A moment, as 2026-11-30T13:22:24Z.
    shape.replace("#-#-#T#Z", NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn fault(sample: &str, printed: &str) -> Option<(usize, String)> {
        differs(&lines(sample), printed, false).map(|fault| (fault.line, fault.instead))
    }

    #[test]
    fn numbers_widths_bars_and_line_ends_do_not_count() {
        let sample = "Python 3.11.7, pid 16850, looked at 2026-11-30T13:22:24Z\n  dict   1,649  -  1.3 MiB 9%  ███▎\n\
            hold 3 str (1.2 KiB), paused 3.4 ms for\n a fork at 0x7f00";
        let printed = "Python 3.9, pid 7, looked at 2027-01-01T00:00:00Z\n  dict  1  2.0 MiB\n\
            hold 3,000 str\n(1 B), paused 1.2 s for a fork at 0x8f\n";
        assert_eq!(fault(sample, printed), None);
        assert_eq!(fault("a 7 b", "a b"), Some((0, "b".to_owned())));
    }

    #[test]
    fn dots_stand_for_anything() {
        assert_eq!(fault("a\n...\nd e\n...", "a b c d x d e f"), None);
        assert_eq!(fault("holds 1 str, ...\nnext", "holds 2 str, 3 int, next"), None);
        assert_eq!(fault("a\n...\ne d", "a b c d e"), Some((2, String::new())));
    }

    #[test]
    fn a_line_too_many_or_too_few_is_a_fault() {
        assert_eq!(fault("a\nb", "a\nb\nc\n"), Some((1, "c".to_owned())));
        assert_eq!(fault("a\nb\nc", "a\nc\n"), Some((1, "c".to_owned())));
        assert_eq!(fault("one line\nold words", "one line\nnew words"), Some((1, "new words".to_owned())));
    }

    #[test]
    fn in_part_others_may_stand_between() {
        let sample = lines("pid  python\n12  3.11.7  x -m service");
        assert_eq!(differs(&sample, "pid python\n1 3.9 y\n2 3.10 x -m service\n3 3.8 z\n", true), None);
        assert!(differs(&sample, "pid python\n1 3.9 y\n", true).is_some());
    }
}
