//! Processes, the doctor's answer, errors.

use super::heading;
use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::watch::long;
use super::words::{clean, shorten, wrap_words};
use crate::listing::{CheckStatus, DoctorView, ErrorView, ProcessFigure, ProcessFilter, ProcessRow, ProcessesView};
use memsight_model::Bytes;

/// `memsight ps`, with a column more for `figure`. Of a filter that leaves nothing it is said what it was.
pub fn processes(
    view: &ProcessesView,
    figure: Option<ProcessFigure>,
    filter: ProcessFilter<'_>,
    style: &Style,
) -> String {
    if view.processes.is_empty() {
        let text = filter.text.map(|text| format!(" with \"{}\" in its command line, name or pid", clean(text)));
        let user = filter.user.map(|user| format!(" of user {}", clean(user)));
        let which = user.unwrap_or_default() + &text.unwrap_or_default();
        return format!(
            "no Python process{which} found (processes of other users may be hidden: see memsight doctor)\n"
        );
    }
    let mut table = Table::new(0).numbers(&["pid"]).text("python").numbers(&["rss"]);
    if let Some(figure) = figure {
        table = table.numbers(&[match figure {
            ProcessFigure::Uss => "uss",
            ProcessFigure::Cpu => "cpu",
            ProcessFigure::Age(_) => "age",
        }]);
    }
    table = table.giving("command");
    for row in &view.processes {
        let version = row.version.as_deref().map_or_else(|| unreadable(row), |v| cell(clean(v)));
        let mut cells = vec![toned(Tone::Hint, row.pid.to_string()), version, cell(Bytes(row.rss_bytes).to_string())];
        cells.extend(figure.map(|figure| cell(told(row, figure))));
        cells.push(cell(clean(&row.command)));
        table.row(cells);
    }
    let mut out = table.render(style);
    if view.processes.iter().any(|row| row.version.is_none()) {
        out.push_str(&style.paint(Tone::Dim, "where an error stands for the version: memsight doctor PID says more"));
        out.push('\n');
    }
    out
}

/// A figure of a process.
fn told(row: &ProcessRow, figure: ProcessFigure) -> String {
    match figure {
        ProcessFigure::Uss => row.uss_bytes.map_or_else(|| "-".to_owned(), |bytes| Bytes(bytes).to_string()),
        ProcessFigure::Cpu => long(row.cpu_ns as f64 / 1e9),
        ProcessFigure::Age(now) => long(now - row.created),
    }
}

/// Why there is no version, in a word.
fn unreadable(row: &ProcessRow) -> (String, Option<Tone>) {
    toned(Tone::Warn, row.error.as_deref().map_or_else(|| "unreadable".to_owned(), clean))
}

/// `memsight doctor`.
pub fn doctor(view: &DoctorView, style: &Style) -> String {
    let (word, tone) = if view.usable { ("yes", Tone::Good) } else { ("no", Tone::Bad) };
    let subject = view.pid.map_or_else(|| "this machine".to_owned(), |pid| format!("pid {pid}"));
    let mut out = format!("can memsight read {subject}? {}\n", style.paint(tone, word));
    for line in wrap_words(&clean(&view.verdict), style.width) {
        out.push_str(&format!("{line}\n"));
    }
    if view.checks.is_empty() {
        return out;
    }
    out.push_str(&heading("Checks", "", style));
    let name_width = view.checks.iter().map(|check| check.name.len()).max().unwrap_or(0).min(24);
    for check in &view.checks {
        let (word, tone) = match check.status {
            CheckStatus::Ok => ("ok     ", Tone::Good),
            CheckStatus::Note => ("note   ", Tone::Warn),
            CheckStatus::Problem => ("problem", Tone::Bad),
        };
        let room = style.width.saturating_sub(name_width + 13);
        let name = shorten(&clean(&check.name), name_width);
        for (at, text) in wrap_words(&clean(&check.detail), room).iter().enumerate() {
            let (word, name) = if at == 0 { (style.paint(tone, word), name.as_str()) } else { (" ".repeat(7), "") };
            out.push_str(format!("  {word}  {name:<name_width$}  {text}").trim_end());
            out.push('\n');
        }
        if let Some(fix) = &check.fix {
            out.push_str(&format!("  {:7}  {:name_width$}  {}\n", "", "", style.paint(Tone::Hint, &clean(fix))));
        }
    }
    out
}

/// `error[MS-E012]: sentence` and `hint: what to do`.
pub fn error(view: &ErrorView, style: &Style) -> String {
    let head = style.paint(Tone::Bad, &format!("error[{}]:", clean(&view.code)));
    let hint = match view.hint.as_str() {
        "" => String::new(),
        hint => format!("{} {}\n", style.paint(Tone::Hint, "hint:"), commands(&clean(hint), style)),
    };
    format!("{head} {}\n{hint}", clean(&view.message))
}

/// Text whose words between backticks are commands: in their colour, or as they are.
fn commands(text: &str, style: &Style) -> String {
    if !style.color {
        return text.to_owned();
    }
    let paint = |(at, part): (usize, &str)| if at % 2 == 1 { style.paint(Tone::Hint, part) } else { part.to_owned() };
    text.split('`').enumerate().map(paint).collect()
}
