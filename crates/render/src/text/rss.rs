//! Every byte of RSS: one account of objects, allocators, files, stacks, and what to do about each.

use memsight_analysis::rss::{CArenaRow, RssGroup, RssKind, RssLine, RssView};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{clean, percent, plural, shorten, wrap_words};
use super::{header, heading};

/// What the bar fills the groups with, in their order: without colour they must differ, too.
const FILLS: [char; 6] = ['█', '▓', '▒', '░', '=', '?'];
/// Parts that a line names.
const PARTS: usize = 3;
/// Columns of a part's name.
const PART: usize = 32;
/// Arenas that are listed.
const ARENAS: usize = 8;

/// `memsight heap PID rss`.
pub fn rss(view: &RssView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let sum = format!("PSS {}, swap {}", Bytes(view.pss_bytes), Bytes(view.swap_bytes));
    out.push_str(&heading(&format!("RSS {}", Bytes(view.rss_bytes)), &sum, style));
    out.push_str(&format!("  {}\n", stacked(&view.groups(), style.width.saturating_sub(4).clamp(20, 100))));
    out.push_str(&account(view, style));
    out.push_str(&sums(view, style));
    out.push_str(&arenas(&view.c_arenas, &view.c_allocator, style));
    out.push_str(&view.pymalloc.as_ref().map(|view| super::pymalloc(view, style)).unwrap_or_default());
    out.push_str(&advice(view, style));
    out
}

/// The groups as one bar of `width` columns; what is there has a column at least.
pub(super) fn stacked(groups: &[RssGroup], width: usize) -> String {
    let mut bar = String::new();
    let (mut sum, mut columns) = (0.0, 0);
    for (group, fill) in groups.iter().zip(FILLS) {
        sum += group.share;
        let end = ((sum * width as f64).round() as usize).min(width);
        let wanted = end.saturating_sub(columns).max(usize::from(group.bytes > 0));
        bar.extend(std::iter::repeat_n(fill, wanted));
        columns += wanted;
    }
    bar
}

/// What a group is filled with.
pub(super) fn fill(group: usize) -> String {
    FILLS.get(group).map(char::to_string).unwrap_or_default()
}

fn account(view: &RssView, style: &Style) -> String {
    let mut table = Table::new(2).text("").text("memory").numbers(&["bytes", "of RSS", "PSS"]).list("of it");
    for line in &view.lines {
        table.row([
            cell(fill(line.kind.group())),
            toned(Tone::Hint, line.name.clone()),
            toned(Tone::Strong, Bytes(line.bytes).to_string()),
            cell(percent(line.share)),
            cell(Bytes(line.pss_bytes).to_string()),
            toned(Tone::Dim, parts(line)),
        ]);
    }
    for line in view.beside.iter().filter(|line| line.bytes > 0) {
        table.row([
            cell("+"),
            toned(Tone::Hint, line.name.clone()),
            cell(Bytes(line.bytes).to_string()),
            cell(""),
            cell(""),
            toned(Tone::Dim, line.detail.clone()),
        ]);
    }
    table.render(style)
}

/// The largest parts, or what explains the number where there are none.
fn parts(line: &RssLine) -> String {
    let files = matches!(
        line.kind,
        RssKind::LibrariesShared | RssKind::LibrariesPrivate | RssKind::FilesShared | RssKind::FilesPrivate
    );
    let part = |name: &str| {
        let name = if files { name.rsplit('/').next().unwrap_or(name) } else { name };
        shorten(&clean(name), PART)
    };
    let named = line.parts.iter().filter(|part| !part.name.is_empty() && part.bytes > 0);
    let parts: Vec<String> = named.take(PARTS).map(|row| format!("{} {}", part(&row.name), Bytes(row.bytes))).collect();
    if parts.is_empty() { clean(&line.detail) } else { parts.join(", ") }
}

/// Whether the account is whole.
fn sums(view: &RssView, style: &Style) -> String {
    let difference = match view.difference_bytes {
        0 => "all of it".to_owned(),
        bytes if bytes > 0 => format!("{} less than it", Bytes(bytes.unsigned_abs())),
        bytes => format!("{} more than its counters say", Bytes(bytes.unsigned_abs())),
    };
    let mut out = String::new();
    let sum = format!("the lines come to {}: {difference}", Bytes(view.lines_bytes));
    out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &sum)));
    for reason in &view.missing {
        for line in wrap_words(&clean(reason), style.width.saturating_sub(2)) {
            out.push_str(&format!("  {}\n", style.paint(Tone::Warn, &line)));
        }
    }
    out
}

fn arenas(rows: &[CArenaRow], allocator: &str, style: &Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let meaning = "free: between blocks in use; trim: its whole pages, for malloc_trim(0)";
    let others = rows.iter().any(|row| !allocator.starts_with(&row.allocator));
    let whose = format!("Arenas of {}{}", clean(allocator), if others { " and others" } else { "" });
    let mut out = heading(&whose, meaning, style);
    let mut table = Table::new(2).text("arena").numbers(&["threads", "system", "in use", "free", "trim", "free end"]);
    for row in rows.iter().take(ARENAS) {
        table.row([
            toned(Tone::Hint, row.name.clone()),
            cell(count(row.threads)),
            cell(Bytes(row.system_bytes).to_string()),
            cell(Bytes(row.used_bytes).to_string()),
            cell(Bytes(row.free_bytes).to_string()),
            cell(Bytes(row.trimmable_bytes).to_string()),
            cell(Bytes(row.top_bytes).to_string()),
        ]);
    }
    out.push_str(&table.render(style));
    if rows.len() > ARENAS {
        let more = plural((rows.len() - ARENAS) as u64, "more arena");
        out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &format!("and {more} (in --format json)"))));
    }
    out
}

fn advice(view: &RssView, style: &Style) -> String {
    let lines: Vec<&RssLine> = view.lines.iter().chain(&view.beside).filter(|line| !line.advice.is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut out = heading("What to do", "lines of a hundredth of RSS or more", style);
    for line in lines {
        out.push_str(&format!("  {}  {}\n", style.paint(Tone::Hint, &line.name), Bytes(line.bytes)));
        let detail = if parts(line) == line.detail { "" } else { line.detail.as_str() };
        for text in [detail, line.advice.as_str()] {
            for words in wrap_words(&clean(text), style.width.saturating_sub(4)) {
                out.push_str(&format!("    {words}\n"));
            }
        }
    }
    out
}
