//! Tasks of asyncio.

use memsight_analysis::code::Source;
use memsight_analysis::tasks::{TaskGroup, TasksView};
use memsight_model::{Bytes, count};

use super::style::{Style, Tone};
use super::words::{clean, percent, plural, wrap, wrap_words};
use super::{header, heading, more};

/// Coroutines at each end of a long way that are spelled.
const WAY_ENDS: usize = 6;

/// `memsight heap PID tasks`.
pub fn tasks(view: &TasksView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let states = [(view.pending, "pending"), (view.finished, "finished"), (view.failed, "failed")];
    let states = states.into_iter().chain([(view.cancelled, "cancelled")]).filter(|(tasks, _)| *tasks > 0);
    let states: Vec<String> = states.map(|(tasks, state)| format!("{} {state}", count(tasks))).collect();
    let retained = format!("they retain {}", Bytes(view.retained_bytes));
    let meaning = match view.tasks {
        0 => String::new(),
        tasks => format!("{}: {}; {retained}", plural(tasks, "task"), states.join(", ")),
    };
    out.push_str(&heading("Tasks of asyncio", &meaning, style));
    if view.tasks == 0 {
        out.push_str("  no task\n");
    }
    out.extend(view.groups.iter().enumerate().map(|(at, group)| paragraph(at, group, style)));
    out.push_str(&more(view.groups.len(), view.group_count, "group", style));
    out
}

fn paragraph(at: usize, group: &TaskGroup, style: &Style) -> String {
    let room = style.width.saturating_sub(5);
    let what = group.coroutine.as_ref().map_or_else(|| "an object of C".to_owned(), source);
    let (tasks, hold) = if group.count == 1 { ("task", "holds") } else { ("tasks", "hold") };
    let size = format!("{} ({})", Bytes(group.retained_bytes), percent(group.share));
    let title = format!("{} {} {tasks} of {what} {hold} {size}", count(group.count), group.state.word());
    let mut out = String::new();
    for (line, text) in wrap_words(&title, room).iter().enumerate() {
        let number = if line == 0 { format!("{:>3}. ", at + 1) } else { " ".repeat(5) };
        out.push_str(&format!("{number}{}\n", style.paint(Tone::Warn, text)));
    }
    let mut part = |name: &str, lines: Vec<String>, tone: Option<Tone>| {
        for (line, text) in lines.iter().enumerate() {
            let name = if line == 0 { name } else { "" };
            let text = tone.map_or_else(|| text.clone(), |tone| style.paint(tone, text));
            out.push_str(&format!("     {}  {text}\n", style.paint(Tone::Dim, &format!("{name:<5}"))));
        }
    };
    let room = room.saturating_sub(7);
    if let Some(place) = &group.waits_at {
        let end = group.waits_for.as_ref().map(|end| format!(", for {}", clean(end))).unwrap_or_default();
        part("waits", wrap_words(&format!("at {}{end}", source(place)), room), Some(Tone::Hint));
    }
    if group.awaits.len() > 1 {
        part("way", wrap(way(&group.awaits), " -> ", room), None);
    }
    if let Some(holders) = &group.kept_by {
        part("kept", wrap_words(&format!("by {}", clean(holders)), room), None);
    }
    if !group.names.is_empty() {
        part("names", wrap(group.names.iter().map(|name| clean(name)), ", ", room), None);
    }
    part("like", vec![clean(&group.example)], None);
    out
}

/// The coroutines on a way, of a long one its ends.
fn way(awaits: &[Source]) -> Vec<String> {
    let left = awaits.len().saturating_sub(2 * WAY_ENDS);
    if left < 2 {
        return awaits.iter().map(source).collect();
    }
    let (first, last) = (awaits.iter().take(WAY_ENDS), awaits.iter().skip(WAY_ENDS + left));
    first.map(source).chain([format!("({} more)", count(left as u64))]).chain(last.map(source)).collect()
}

/// `Channel.until_closed (ws.py:41)`.
pub(super) fn source(source: &Source) -> String {
    let file = source.file.rsplit('/').next().unwrap_or(&source.file);
    match source.line {
        0 => format!("{} ({})", clean(&source.name), clean(file)),
        line => format!("{} ({}:{line})", clean(&source.name), clean(file)),
    }
}
