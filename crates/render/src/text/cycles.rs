//! Cycles of references.

use memsight_analysis::cycles::{CycleRow, CycleStep, CyclesView, SPELLED};
use memsight_model::{Bytes, count};

use super::paragraph::Paragraph;
use super::style::{Style, Tone};
use super::words::{clean, plural, wrap, wrap_words};
use super::{header, heading, more};

/// `memsight heap PID cycles`.
pub fn cycles(view: &CyclesView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = format!("{} or more of one shape, outside of modules and classes", count(view.least));
    out.push_str(&heading("Live cycles worth breaking", &meaning, style));
    if view.cycles.is_empty() {
        let text = format!("  no cycle occurs {} times or more", count(view.least));
        out.push_str(&format!("{}\n", style.paint(Tone::Good, &text)));
        return out;
    }
    out.push_str(&note("when their owner lets go of them, only the collector frees them", style));
    out.push_str(&list(&view.cycles, "hold", style));
    out.push_str(&more(view.cycles.len(), view.shape_count, "shape", style));
    out
}

/// A dim line or more.
pub(super) fn note(text: &str, style: &Style) -> String {
    said(Tone::Dim, text, style)
}

/// A line or more in a tone.
pub(super) fn said(tone: Tone, text: &str, style: &Style) -> String {
    wrap_words(text, style.width).iter().map(|line| format!("{}\n", style.paint(tone, line))).collect()
}

/// Numbered paragraphs of shapes; `hold` says what they do with their bytes.
pub(super) fn list(rows: &[CycleRow], hold: &str, style: &Style) -> String {
    rows.iter().enumerate().map(|(at, row)| paragraph(at, row, hold, style)).collect()
}

fn paragraph(at: usize, row: &CycleRow, hold: &str, style: &Style) -> String {
    let verb = if row.count == 1 { format!("{hold}s") } else { hold.to_owned() };
    let title =
        format!("{} of {} {verb} {}", plural(row.count, "cycle"), plural(row.objects, "object"), Bytes(row.bytes));
    let mut out = Paragraph::new(at, &title, Tone::Warn, 5, style);
    out.part("cycle", wrap(row.cycle.split(" -> ").map(clean), " -> ", out.room()), Some(Tone::Hint));
    out.part("like", wrap(example(row), " -> ", out.room()), None);
    out.sentence("do", &clean(&row.advice.replace('`', "")), None);
    out.finish()
}

/// The steps of the example, with a word for those that are left out.
fn example(row: &CycleRow) -> impl Iterator<Item = String> + '_ {
    let (head, tail) = row.example.split_at(row.example.len().min(SPELLED));
    let more = (row.left_out > 0).then(|| format!("({} more)", count(row.left_out)));
    head.iter().map(step).chain(more).chain(tail.iter().map(step))
}

/// `0x7f3a1c0042d0 .parent`.
fn step(step: &CycleStep) -> String {
    format!("{} {}", clean(&step.address), clean(&step.reference))
}
