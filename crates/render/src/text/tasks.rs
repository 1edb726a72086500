//! Tasks of asyncio.

use memsight_analysis::code::Source;
use memsight_analysis::tasks::{TaskGroup, TasksView};
use memsight_model::{Bytes, count, quoted};

use super::paragraph::Paragraph;
use super::style::{Style, Tone};
use super::words::{clean, percent, plural, wrap};
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
    let what = match (&group.coroutine, &group.runs) {
        (Some(coroutine), _) => format!("of {}", source(coroutine)),
        (None, Some(runs)) => format!("of an object of type {}", clean(runs)),
        (None, None) => "without a coroutine".to_owned(),
    };
    let (tasks, hold) = if group.count == 1 { ("task", "holds") } else { ("tasks", "hold") };
    let size = format!("{} ({})", Bytes(group.retained_bytes), percent(group.share));
    let title = format!("{} {} {tasks} {what} {hold} {size}", count(group.count), group.state.word());
    let mut out = Paragraph::new(at, &title, Tone::Warn, 5, style);
    if let Some(place) = &group.waits_at {
        let end = group.waits_for.as_ref().map(|end| format!(", for {}", clean(end))).unwrap_or_default();
        out.sentence("waits", &format!("at {}{end}", source(place)), Some(Tone::Hint));
    }
    if group.awaits.len() > 1 {
        out.part("way", wrap(way(&group.awaits), " -> ", out.room()), None);
    }
    if let Some(holders) = &group.kept_by {
        // What no object holds says so itself: `held by C code -> list`.
        let (word, by) = holders.strip_prefix("held by ").map_or(("kept", holders.as_str()), |by| ("held", by));
        out.sentence(word, &format!("by {}", clean(by)), None);
    }
    if !group.names.is_empty() {
        out.part("names", wrap(group.names.iter().map(|name| quoted(name)), ", ", out.room()), None);
    }
    out.part("like", vec![clean(&group.example)], None);
    out.finish()
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
    clean(&source.in_brackets())
}
