//! Threads, their frames and what the locals keep alive.

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{clean, plural, shorten};
use super::{header, heading};
use memsight_analysis::views::{FrameRow, ThreadRow, ThreadsView};
use memsight_model::{Bytes, quoted};

/// Locals of a frame that are shown.
const LOCALS: usize = 5;

/// Parts of a file's path that are shown.
const PARTS: usize = 2;

/// `memsight heap PID threads`.
pub fn threads(view: &ThreadsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    if view.threads.is_empty() {
        out.push_str("\nno thread runs Python code\n");
    }
    for thread in &view.threads {
        out.push_str(&one(thread, style));
    }
    out
}

fn one(thread: &ThreadRow, style: &Style) -> String {
    let native = thread.native_id.map(|id| format!(" (tid {id})")).unwrap_or_default();
    let interpreter = match thread.interpreter {
        0 => String::new(),
        id => format!(", interpreter {id}"),
    };
    let gil = if thread.holds_gil { ", held the GIL" } else { "" };
    let meaning = format!("its locals retain {}{interpreter}{gil}", Bytes(thread.retained_bytes));
    let name = thread.name.as_deref().map_or_else(|| format!("{:#x}", thread.ident), quoted);
    let mut out = heading(&format!("Thread {name}{native}"), &meaning, style);
    if thread.frames.is_empty() {
        out.push_str("  no Python frame\n");
        return out;
    }
    let mut table = Table::new(2).giving("frame, innermost first").numbers(&["retained"]);
    for frame in &thread.frames {
        table.row([toned(Tone::Hint, place(frame)), cell(Bytes(frame.retained_bytes).to_string())]);
        if frame.repeats > 1 {
            table.row([toned(Tone::Dim, format!("    {}", recursion(frame))), cell("")]);
        }
        for local in frame.locals.iter().take(LOCALS) {
            let text = format!("    {}: {}", clean(&local.variable), shorten(&clean(&local.object.type_name), 48));
            table.row([cell(text), cell(Bytes(local.object.retained_bytes).to_string())]);
        }
        let left = frame.locals.len().saturating_sub(LOCALS) as u64;
        if left > 0 {
            table.row([toned(Tone::Dim, format!("    and {}", plural(left, "smaller local"))), cell("")]);
        }
    }
    out.push_str(&table.render(style));
    out
}

/// `499 calls in a row`, `250 calls, in turn with 1 other frame`.
fn recursion(frame: &FrameRow) -> String {
    let calls = plural(frame.repeats, "call");
    match frame.cycle.saturating_sub(1) {
        0 => format!("{calls} in a row: recursion"),
        others => format!("{calls}, in turn with {}: recursion", plural(others, "other frame")),
    }
}

/// `handle (…/service/app.py:42)`: the last parts of a path tell more than its first.
fn place(frame: &FrameRow) -> String {
    let file = clean(&frame.file);
    let parts: Vec<&str> = file.rsplitn(PARTS + 1, '/').collect();
    let file = match parts.get(..PARTS) {
        Some([last, before]) if parts.len() > PARTS => format!("…/{before}/{last}"),
        _ => file.clone(),
    };
    match frame.line {
        0 => format!("{} ({file})", clean(&frame.function)),
        line => format!("{} ({file}:{line})", clean(&frame.function)),
    }
}
