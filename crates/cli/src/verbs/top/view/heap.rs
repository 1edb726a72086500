//! The page of a process's heap: nothing yet, a look under way, or what it told.

use memsight_engine::analysis::views::{HistogramRow, Suspect};
use memsight_model::{Bytes, count, duration};
use memsight_render::text::clean;
use ratatui::text::{Line, Span};

use super::theme::{Theme, Tone};
use super::words::{bytes, cut, pad, percent, pieces, span, wrap};
use crate::verbs::top::state::{Detail, Heap, HeapBody, Job, LookKind, Stage, State};

/// Width of a number's column.
const NUMBER: usize = 12;

/// The lines of the page, `width` columns wide.
pub fn lines(state: &State, detail: &Detail, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let Some(job) = &detail.job else { return invitation(detail, width, theme) };
    match &job.stage {
        Stage::Running { phase, done, total } => progress(job, phase, *done, *total, width, theme),
        Stage::Done(heap) => result(state, detail, heap, width, theme),
        Stage::Cancelled => told("The look was given up; the process runs as before.", Tone::Plain, width, theme),
        Stage::Failed(failure) => {
            let mut out =
                told(&format!("error[{}]: {}", failure.code, clean(&failure.message)), Tone::Bad, width, theme);
            out.extend(told(&clean(&failure.hint), Tone::Plain, width, theme));
            out
        }
    }
}

fn told(sentence: &str, tone: Tone, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let lines = wrap(sentence, usize::from(width));
    lines.into_iter().map(|text| Line::from(Span::styled(text, theme.style(tone)))).collect()
}

fn invitation(detail: &Detail, width: u16, theme: Theme) -> Vec<Line<'static>> {
    if detail.ended {
        return told("The process has ended: its heap is gone.", Tone::Plain, width, theme);
    }
    let text = "s: the types of its heap. l: leak suspects. The process stands still while the kernel copies it, \
                for some milliseconds to a second by its size.";
    told(text, Tone::Plain, width, theme)
}

fn progress(job: &Job, phase: &str, done: u64, total: Option<u64>, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let what = match job.kind {
        LookKind::Types => "types",
        LookKind::Suspects => "suspects",
    };
    let mut line = vec![(format!("{what}: {phase}"), Tone::Hint)];
    if let Some(total) = total.filter(|&total| total > 0) {
        line.push((percent((done as f64 / total as f64).min(1.0)), Tone::Strong));
    } else if done > 0 {
        line.push((count(done), Tone::Plain));
    }
    let text = if job.cancelling { "giving up ..." } else { "esc gives up" };
    vec![pieces(&line, width, theme), pieces(&[(text.to_owned(), Tone::Dim)], width, theme)]
}

fn result(state: &State, detail: &Detail, heap: &Heap, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let ago = state.shown.sample.at.monotonic_ns.saturating_sub(heap.at_ns) / 1_000_000_000;
    let cost = vec![
        (format!("{} ago", span(ago)), Tone::Plain),
        (format!("stood still {}", duration(heap.pause_ns)), Tone::Plain),
        (format!("the look took {}", duration(heap.took_ns)), Tone::Dim),
    ];
    let mut out = vec![pieces(&cost, width, theme)];
    if let Some(reason) = heap.partial.first() {
        let text = format!("incomplete: {}", clean(reason));
        out.push(pieces(&[(cut(&text, usize::from(width)), Tone::Warn)], width, theme));
    }
    match &heap.body {
        HeapBody::Types { objects, shallow_bytes, external_bytes, types } => {
            let sums = [
                (format!("{} objects", count(*objects)), Tone::Plain),
                (format!("{} in objects", Bytes(*shallow_bytes)), Tone::Plain),
                (format!("{} beside them", Bytes(*external_bytes)), Tone::Plain),
            ];
            out.push(pieces(&sums, width, theme));
            out.push(type_titles(width, theme));
            out.extend(types.iter().skip(detail.scroll).map(|row| type_line(row, width, theme)));
        }
        HeapBody::Suspects { total_bytes, threshold, suspects } if suspects.is_empty() => {
            let text =
                format!("No suspect: nothing retains {} or more of {}.", percent(*threshold), Bytes(*total_bytes));
            out.extend(told(&text, Tone::Good, width, theme));
        }
        HeapBody::Suspects { suspects, .. } => {
            let items = suspects.iter().enumerate().skip(detail.scroll);
            out.extend(items.flat_map(|(at, suspect)| suspect_lines(at, suspect, width, theme)));
        }
    }
    out
}

/// Width of the type's name; what is left is numbers.
fn name_width(width: u16) -> (usize, bool) {
    let width = usize::from(width);
    let wide = width >= 56;
    (width.saturating_sub(if wide { 3 * (NUMBER + 1) } else { NUMBER + 1 }), wide)
}

fn type_titles(width: u16, theme: Theme) -> Line<'static> {
    let (name, wide) = name_width(width);
    let mut text = pad("type", name, false);
    for title in if wide { &["count", "shallow", "external"][..] } else { &["shallow"] } {
        text.push(' ');
        text.push_str(&pad(title, NUMBER, true));
    }
    Line::from(Span::styled(text, theme.style(Tone::Dim)))
}

fn type_line(row: &HistogramRow, width: u16, theme: Theme) -> Line<'static> {
    let (name, wide) = name_width(width);
    let mut spans = vec![Span::styled(pad(&clean(&row.type_name), name, false), theme.style(Tone::Hint))];
    let external = bytes(Some(row.external_bytes).filter(|&external| external > 0));
    let shallow = Bytes(row.shallow_bytes).to_string();
    let numbers = if wide { vec![count(row.count), shallow, external] } else { vec![shallow] };
    spans.extend(numbers.into_iter().map(|number| Span::raw(format!(" {}", pad(&number, NUMBER, true)))));
    Line::from(spans)
}

fn suspect_lines(at: usize, suspect: &Suspect, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(4);
    let mut out = Vec::new();
    for (line, text) in wrap(&clean(&suspect.summary), room).into_iter().enumerate() {
        let number = if line == 0 { format!("{:>2}. ", at + 1) } else { " ".repeat(4) };
        out.push(Line::from(vec![Span::raw(number), Span::styled(text, theme.style(Tone::Warn))]));
    }
    let path: Vec<String> = suspect.path.iter().map(|step| clean(step)).collect();
    if !path.is_empty() {
        let lines = wrap(&path.join(" -> "), room);
        out.extend(
            lines.into_iter().map(|text| Line::from(Span::styled(format!("    {text}"), theme.style(Tone::Hint)))),
        );
    }
    out
}
