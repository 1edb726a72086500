//! Words, numbers and lines that fit.

use memsight_model::{Bytes, pieces as characters};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::theme::{Theme, Tone};
use crate::verbs::top::state::track::{Growth, Point};

/// What must be left of a piece that is cut.
const LEAST_PIECE: usize = 16;
/// What is dim and shorter is no sentence.
const SENTENCE: usize = 2 * LEAST_PIECE;
/// Bars of a sparkline.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `text` in exactly `width` columns: the end goes when it is too long, blanks come when it is too short.
pub fn pad(text: &str, width: usize, right: bool) -> String {
    let text = cut(text, width);
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    if right { blanks + &text } else { text + &blanks }
}

/// `text` in at most `width` columns; an escape goes or stays as a whole.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &&str| {
        let needs = c.width();
        let fits = needs <= left;
        left = if fits { left - needs } else { 0 };
        fits
    };
    let mut out: String = characters(text).take_while(fits).collect();
    if width > 0 {
        out.push('…');
    }
    out
}

/// Pieces with two blanks between them, as many as fit; the last is cut where enough of it is left, or left out where it is
/// dim and short: half a figure is worse than none, half a sentence is not.
pub fn pieces(pieces: &[(String, Tone)], width: u16, theme: Theme) -> Line<'static> {
    let mut left = usize::from(width);
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (text, tone) in pieces.iter().filter(|(text, _)| !text.is_empty()) {
        let gap = if spans.is_empty() { "" } else { "  " };
        if gap.len() + text.width() > left {
            if spans.is_empty() || (left >= gap.len() + LEAST_PIECE && !(*tone == Tone::Dim && text.width() < SENTENCE))
            {
                let rest = cut(text, left - gap.len());
                spans.extend([Span::raw(gap), Span::styled(rest, theme.style(*tone))]);
            }
            break;
        }
        left -= gap.len() + text.width();
        spans.push(Span::raw(gap));
        spans.push(Span::styled(text.clone(), theme.style(*tone)));
    }
    Line::from(spans)
}

/// A sentence in lines of at most `width` columns; a word that is longer than a line is cut.
pub fn wrap(sentence: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, width)),
        }
    }
    lines
}

/// Bytes, or a dash where they are not known.
pub fn bytes(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| Bytes(value).to_string())
}

/// `45.3%`.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A rate a second, short: `0`, `0.3`, `12`, `1234`.
pub fn rate(per_second: Option<f64>) -> String {
    match per_second {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(rate) if rate < 9.95 => format!("{rate:.1}"),
        Some(rate) => format!("{rate:.0}"),
    }
}

/// Growth as an arrow and a word, or as an arrow and its rate where there is room.
pub fn growth(growth: Option<Growth>, width: usize) -> (String, Tone) {
    let (arrow, word, tone) = match growth {
        None => ('·', "new", Tone::Dim),
        Some(Growth::Steady) => ('→', "steady", Tone::Dim),
        Some(Growth::Rising(_)) => ('↑', "rising", Tone::Warn),
        Some(Growth::Falling(_)) => ('↓', "falling", Tone::Good),
    };
    match growth {
        Some(it @ (Growth::Rising(_) | Growth::Falling(_))) if width >= 16 => {
            (format!("{arrow} {}", per_minute(it.per_second())), tone)
        }
        _ => (format!("{arrow} {word}"), tone),
    }
}

/// `1.2 MiB/min`.
pub fn per_minute(per_second: f64) -> String {
    format!("{}/min", Bytes((per_second.abs() * 60.0) as u64))
}

/// A time for people in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn span(seconds: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let first = UNITS.iter().position(|&(_, size)| seconds >= size).unwrap_or(3);
    let mut left = seconds;
    let mut out = String::new();
    for &(name, size) in UNITS.iter().skip(first).take(2) {
        let n = left / size;
        left %= size;
        if n > 0 || out.is_empty() {
            let gap = if out.is_empty() { "" } else { " " };
            out.push_str(&format!("{gap}{n} {name}"));
        }
    }
    out
}

/// The resident memory of the past in `width` bars, the latest to the right; the tallest is the largest, the lowest
/// the smallest. Fewer bars than that while the past is short.
pub fn sparkline(past: &[Point], width: usize) -> String {
    let width = width.min(past.len());
    let values: Vec<u64> = (0..width)
        .map(|bar| {
            // The largest of the points that share a bar, so that no peak is lost.
            let (from, to) = (bar * past.len() / width, (bar + 1) * past.len() / width);
            past.get(from..to).unwrap_or_default().iter().map(|point| point.rss).max().unwrap_or(0)
        })
        .collect();
    let (low, high) = (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
    // A change of less than a hundredth is drawn as none: a line that is flat must look flat.
    let range = (high - low).max(high / 100).max(1) as f64;
    let bar = |value: u64| BARS.get(((value - low) as f64 / range * 7.0).round() as usize).copied().unwrap_or('█');
    values.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_exactly_with_wide_signs() {
        for text in ["", "short", "a rather long command line", "漢字漢字漢字漢字漢字漢字", "naïve"] {
            for width in 0..40 {
                assert_eq!(pad(text, width, false).width(), width, "{text:?} in {width}");
                assert_eq!(pad(text, width, true).width(), width, "{text:?} in {width}");
            }
        }
    }

    #[test]
    fn an_escape_is_never_cut() {
        assert_eq!(cut("ab\\x1b[31m", 6), "ab…");
        assert_eq!(cut("ab\\x1b[31m", 7), "ab\\x1b…");
    }

    #[test]
    fn times_have_two_units() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(200), "3 min 20 s");
        assert_eq!(span(7_500), "2 h 5 min");
        assert_eq!(span(86_400), "1 d");
    }

    #[test]
    fn a_flat_past_is_flat_and_a_peak_is_not_lost() {
        let point = |rss| Point { at_ns: 0, rss, pss: None, uss: None, anon: None };
        let flat: Vec<Point> = (0..50).map(|at| point(1_000_000 + at % 2)).collect();
        assert_eq!(sparkline(&flat, 10), "▁▁▁▁▁▁▁▁▁▁");
        let peak: Vec<Point> = (0..50).map(|at| point(if at == 23 { 9 } else { 1 })).collect();
        assert_eq!(sparkline(&peak, 10).chars().filter(|&bar| bar == '█').count(), 1);
        assert_eq!(sparkline(&[], 10), "");
    }
}
