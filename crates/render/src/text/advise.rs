//! What to change in a code base: a paragraph a finding, with the lines that it is about.

use memsight_analysis::advise::{AdviceRow, AdviceView, FaultRow, RulePage, RulesView};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::words::{clean, columns, plural, wrap_words};

/// Findings with their lines; the sums at the end.
pub fn advise(view: &AdviceView, style: &Style) -> String {
    let mut out = String::new();
    for row in &view.findings {
        out.push_str(&title(row, style));
        out.push_str(&frame(row, style));
        let mut part = |word: &str, text: &str| sentence(&mut out, word, text, style);
        part("do", &row.advice);
        part(
            "why",
            &[&row.formula, row.evidence.join("; ").as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        );
        part("but", &row.but);
        out.push('\n');
    }
    out + &faults(&view.faults, style) + &sums(view, style)
}

/// A line a finding: `src/log.py:28:18 MS105 all lines are in memory ...`.
pub fn advise_concise(view: &AdviceView, style: &Style) -> String {
    let line = |row: &AdviceRow| {
        let place = format!("{}:{}:{}", clean(&row.file), row.line, row.column);
        format!(
            "{} {} {}{}\n",
            style.paint(Tone::Strong, &place),
            style.paint(Tone::Warn, &row.rule),
            clean(&row.message),
            saves(row)
        )
    };
    view.findings.iter().map(line).collect::<String>() + &faults(&view.faults, style) + &sums(view, style)
}

/// ` (peak -88.5 MiB)`, where that is known.
fn saves(row: &AdviceRow) -> String {
    let Some(bytes) = &row.bytes else { return String::new() };
    let figures = [("peak", bytes.peak), ("now", bytes.now), ("churn", bytes.churn)];
    let known: Vec<String> =
        figures.iter().filter_map(|(name, bytes)| bytes.map(|bytes| format!("{name} -{}", Bytes(bytes)))).collect();
    format!(" ({})", known.join(", "))
}

fn title(row: &AdviceRow, style: &Style) -> String {
    let fix = match &row.fix {
        Some(fix) if fix.safety == "safe" => "fix",
        Some(_) => "unsafe fix",
        None => "no fix",
    };
    let rule = format!("{} {}", row.rule, row.name);
    let place = format!("{}:{}", clean(&row.file), row.line);
    let end = format!(
        "{}{fix}",
        saves(row).trim().trim_matches(['(', ')']).to_owned() + if row.bytes.is_some() { "  " } else { "" }
    );
    let used = columns(&rule) + 2 + columns(&place) + columns(&end);
    let gap = style.width.min(100).saturating_sub(used).max(2);
    format!(
        "{}  {}{}{}\n",
        style.paint(Tone::Warn, &rule),
        style.paint(Tone::Strong, &place),
        " ".repeat(gap),
        style.paint(Tone::Dim, &end)
    )
}

/// The lines, with a mark below the part that is meant where that is on one line.
fn frame(row: &AdviceRow, style: &Style) -> String {
    let width = (row.line as usize + row.lines.len()).to_string().len();
    let bar = style.paint(Tone::Dim, "|");
    let mut out = format!("{} {bar}\n", " ".repeat(width));
    let room = style.width.saturating_sub(width + 3).max(20);
    for (at, line) in row.lines.iter().enumerate() {
        let number = format!("{:>width$}", row.line as usize + at);
        let text: String = expand(line).chars().take(room).collect();
        out.push_str(&format!("{} {bar} {text}\n", style.paint(Tone::Dim, &number)));
    }
    let left_out = (row.end_line as usize + 1).saturating_sub(row.line as usize + row.lines.len());
    if left_out > 0 {
        out.push_str(&format!(
            "{} {bar} {}\n",
            " ".repeat(width),
            style.paint(Tone::Dim, &format!("... {}", plural(left_out as u64, "line")))
        ));
    }
    if let [line] = row.lines.as_slice() {
        let before: String = line.chars().take(row.column as usize - 1).collect();
        let marked: String =
            line.chars().skip(row.column as usize - 1).take((row.end_column - row.column) as usize).collect();
        let (from, long) = (columns(&expand(&before)), columns(&expand(&marked)).max(1));
        let marks = "^".repeat(long.min(room.saturating_sub(from)));
        out.push_str(&format!(
            "{} {bar} {}{} {}\n",
            " ".repeat(width),
            " ".repeat(from),
            style.paint(Tone::Warn, &marks),
            clean(&row.message)
        ));
    } else {
        out.push_str(&format!("{} {bar} {}\n", " ".repeat(width), clean(&row.message)));
    }
    out
}

/// Tabs are four columns, what cannot be seen is made visible.
fn expand(line: &str) -> String {
    clean(&line.replace('\t', "    "))
}

fn sentence(out: &mut String, word: &str, text: &str, style: &Style) {
    if text.is_empty() {
        return;
    }
    for (at, line) in wrap_words(&clean(text), style.width.min(100).saturating_sub(8)).iter().enumerate() {
        let word = if at == 0 { format!("= {word:<4}") } else { " ".repeat(6) };
        out.push_str(&format!("  {}{line}\n", style.paint(Tone::Dim, &word)));
    }
}

fn faults(faults: &[FaultRow], style: &Style) -> String {
    let line = |fault: &FaultRow| {
        let place = match (fault.line, fault.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", clean(&fault.file)),
            _ => clean(&fault.file),
        };
        format!(
            "{} {} {}\n",
            style.paint(Tone::Strong, &place),
            style.paint(Tone::Bad, "not read:"),
            clean(&fault.message)
        )
    };
    faults.iter().map(line).collect()
}

fn sums(view: &AdviceView, style: &Style) -> String {
    let sum = &view.summary;
    let of =
        format!("{} in {} ({})", plural(sum.findings, "finding"), plural(sum.files, "file"), plural(sum.lines, "line"));
    let mut out = style.paint(if sum.findings > 0 { Tone::Warn } else { Tone::Good }, &of);
    if sum.fixed > 0 {
        out.push_str(&format!("; {} fixed", count(sum.fixed)));
    }
    if sum.ignored > 0 {
        out.push_str(&format!("; {} ignored by comments", count(sum.ignored)));
    }
    match (sum.fixable, sum.unsafely_fixable) {
        (0, 0) => {}
        (safe, 0) => out.push_str(&format!("; {} can be fixed (--fix)", count(safe))),
        (safe, more) => {
            out.push_str(&format!("; {} can be fixed (--fix), {} more by --unsafe-fixes", count(safe), count(more)));
        }
    }
    out.push('\n');
    out
}

/// A line a rule.
pub fn rules(view: &RulesView, style: &Style) -> String {
    let line = |rule: &RulePage| {
        let needs = match (rule.is_default, rule.needs.as_str()) {
            (true, _) => "",
            (false, "source") => "  (--all)",
            (false, "heap") => "  (--all; sure with a heap only)",
            (false, _) => "  (--all; sure with a trace only)",
        };
        format!(
            "{}  {:<26}{}{}\n",
            style.paint(Tone::Warn, &rule.rule),
            rule.name,
            rule.summary,
            style.paint(Tone::Dim, needs)
        )
    };
    view.rules.iter().map(line).collect()
}

/// The page of a rule.
pub fn rule_page(rule: &RulePage, style: &Style) -> String {
    let width = style.width.min(100);
    let title = format!("{} {}: {}", rule.rule, rule.name, rule.summary);
    let mut out = format!("{}\n\n", style.paint(Tone::Strong, &title));
    out.push_str(&paragraph(&rule.why, "", width));
    let code = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    out.push_str(&format!("\n{}\n{}", style.paint(Tone::Bad, "Needs more"), code(&rule.bad)));
    out.push_str(&format!(
        "\n{}\n{}\n{}\n",
        style.paint(Tone::Good, "Needs less"),
        code(&rule.good),
        style.paint(Tone::Strong, "Not reported, or not to be done, when")
    ));
    rule.unless.iter().for_each(|text| out.push_str(&paragraph(text, "  - ", width)));
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, "Measured")));
    out.push_str(&paragraph(&rule.figures, "", width));
    out
}

/// Lines of at most `width` columns, the first behind `front`, the others as far in.
fn paragraph(text: &str, front: &str, width: usize) -> String {
    let line = |(at, line): (usize, &String)| {
        let front = if at == 0 { front.to_owned() } else { " ".repeat(front.len()) };
        format!("{front}{line}\n")
    };
    wrap_words(text, width.saturating_sub(front.len())).iter().enumerate().map(line).collect()
}
