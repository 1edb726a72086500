//! A budget, and how its limits fared.

use memsight_analysis::budget::{CheckRow, CheckView, Culprit, Unit, VerdictWord, Who};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::trace::spot;
use super::words::{clean, columns, plural, shorten, wrap_words};

/// Columns of a verdict.
const VERDICT: usize = 9;

/// `memsight check`.
pub fn check(view: &CheckView, style: &Style) -> String {
    let tone = tone(view.verdict);
    let mut out = format!("{} {}\n\n", clean(&view.subject), style.paint(tone, &verdict(view)));
    for row in &view.checks {
        let word = format!("{:<VERDICT$}", word(row.verdict));
        let indent = VERDICT + 4;
        let text = format!("{}: {}", clean(&row.name), clean(&sentence(row)));
        for (at, line) in wrap_words(&text, style.width.saturating_sub(indent)).iter().enumerate() {
            match at {
                0 => out.push_str(&format!("  {}  {line}\n", style.paint(self::tone(row.verdict), &word))),
                _ => out.push_str(&format!("{}{line}\n", " ".repeat(indent))),
            }
        }
        let values: Vec<String> = row.culprits.iter().map(|culprit| value(row.unit, culprit.value)).collect();
        let width = values.iter().map(|value| columns(value)).max().unwrap_or(0);
        for (culprit, value) in row.culprits.iter().zip(&values) {
            let room = style.width.saturating_sub(indent + width + 2).max(20);
            let who = style.paint(Tone::Hint, &shorten(&who(culprit), room));
            out.push_str(&format!("{}{value:>width$}  {who}\n", " ".repeat(indent)));
        }
    }
    out
}

/// `over budget: 2 of 5 limits of budget.toml are broken`.
pub(crate) fn verdict(view: &CheckView) -> String {
    let all = plural(view.checks.len() as u64, "limit");
    let budget = clean(&view.budget);
    let unknown = match view.unknown {
        0 => String::new(),
        unknown => format!(", of {} it is not known", count(unknown)),
    };
    match view.verdict {
        VerdictWord::Over => format!("is over budget: {} of {all} of {budget} broken{unknown}", count(view.over)),
        _ => format!("is within budget: {} of {all} of {budget} kept{unknown}", count(view.within)),
    }
}

fn word(verdict: VerdictWord) -> &'static str {
    match verdict {
        VerdictWord::Over => "over",
        VerdictWord::Unknown => "not known",
        VerdictWord::Within => "within",
    }
}

fn tone(verdict: VerdictWord) -> Tone {
    match verdict {
        VerdictWord::Over => Tone::Bad,
        VerdictWord::Unknown => Tone::Warn,
        VerdictWord::Within => Tone::Good,
    }
}

/// The figure beside its limit.
pub(crate) fn sentence(row: &CheckRow) -> String {
    let reason = row.reason.as_deref().map(|reason| format!("; {reason}")).unwrap_or_default();
    let (Some(figure), Some(limit)) = (row.value, row.limit) else {
        return row.reason.clone().unwrap_or_default();
    };
    let limit = value(row.unit, i64::try_from(limit).unwrap_or(i64::MAX));
    let above = row.high.and_then(|high| high.checked_sub(figure));
    let error = match (above, row.low.and_then(|low| figure.checked_sub(low))) {
        (Some(above), below) if above > 0 || below.is_some_and(|below| below > 0) => {
            let below = below.map_or_else(|| "unknown".to_owned(), |below| value(row.unit, below));
            let above = value(row.unit, above);
            if above == below { format!(" ±{above}") } else { format!(" (+{above}, -{below})") }
        }
        (None, _) => " or more".to_owned(),
        _ => String::new(),
    };
    let figure = value(row.unit, figure);
    match row.baseline {
        None => format!("{figure}{error}, {limit} is the limit{reason}"),
        Some(before) => {
            let before = value(row.unit, before);
            format!("{figure}{error} more than the {before} of the baseline, {limit} more is the limit{reason}")
        }
    }
}

/// `load (app/data.py:12)`, a type, or a process.
pub(crate) fn who(culprit: &Culprit) -> String {
    match &culprit.who {
        Who::Line(line) => spot(line),
        Who::Type { name } => clean(name),
        Who::Process { pid, name } => format!("{} (pid {pid})", clean(name)),
    }
}

/// `24.0 MiB`, `1,234`, `3.0 MiB an hour`.
pub(crate) fn value(unit: Unit, value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    match unit {
        Unit::Bytes => format!("{sign}{}", Bytes(value.unsigned_abs())),
        Unit::Count => format!("{sign}{}", count(value.unsigned_abs())),
        Unit::BytesPerHour => format!("{sign}{} an hour", Bytes(value.unsigned_abs())),
    }
}
